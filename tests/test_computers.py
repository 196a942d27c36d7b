"""The computers of a room: which state wins, what is counted, and what silence means."""

from __future__ import annotations

import unittest
from dataclasses import replace
from itertools import pairwise, permutations

from roles.values.addresses import Address
from roles.values.computers import (
    DISK_IS_FULL,
    FELL_SILENT,
    OLD_SILENT_S,
    ORIGINAL_SILENT_S,
    SILENT_S,
    STOPPED,
    Computer,
    computers_of,
    state_of,
    summary_of,
)
from roles.values.participants import (
    PRECEDENCE,
    Participant,
    ParticipantState,
    Status,
    TransferStatus,
)

NOW = 1_000.0
MACHINE = "0123456789abcdef"


def program(
    state: ParticipantState | str = ParticipantState.IDLE,
    *,
    port: int = 12501,
    machine: str = MACHINE,
    silent_s: float = 0.0,
    has_left: bool = False,
    is_reachable: bool | None = None,
    name: str = "pc",
    have: int = 0,
    size: int = 0,
    down: int = 0,
    given: int = 0,
    reason: str = "",
    transfers: tuple[TransferStatus, ...] = (),
    left: int | None = None,
) -> Participant:
    status = Status(
        str(state),
        down=down,
        reason=reason,
        transfers=transfers,
        machine=machine,
        have=have,
        size=size,
        given=given,
        seconds_left=left,
    )
    return Participant(
        Address("10.0.0.7", port),
        NOW - silent_s,
        is_leecher=state != ParticipantState.GIVING,
        name=name,
        status=status,
        is_reachable=is_reachable,
        has_left=has_left,
    )


def only(*programs: Participant) -> Computer:
    (computer,) = computers_of(programs, now=NOW)
    return computer


class MembersTest(unittest.TestCase):
    def test_programs_of_one_computer_are_one_member_with_the_sum_of_their_values(self) -> None:
        computer = only(
            program(ParticipantState.GIVING, port=1, given=7),
            program(ParticipantState.DOWNLOADING, port=2, have=5, size=10, down=3, given=2),
            program(ParticipantState.DOWNLOADING, port=3, have=1, size=20, down=4),
        )
        self.assertEqual(
            (computer.have, computer.size, computer.down, computer.given), (6, 30, 7, 9)
        )
        self.assertEqual(computer.state, ParticipantState.DOWNLOADING)

    def test_other_computers_are_other_members(self) -> None:
        computers = computers_of([program(machine="a" * 16), program(machine="b" * 16)], now=NOW)
        self.assertEqual([computer.machine for computer in computers], ["a" * 16, "b" * 16])

    def test_programs_that_name_no_machine_are_told_apart_by_their_host(self) -> None:
        old = program("downloading", machine="")
        self.assertEqual(only(old, program("done", machine="", port=9)).machine, "10.0.0.7")

    def test_an_older_program_is_of_the_only_computer_with_its_address_and_name(self) -> None:
        new, old = program(ParticipantState.DONE), program("downloading", port=2, machine="")
        self.assertEqual(
            [len(computer.programs) for computer in computers_of([old, new], now=NOW)], [2]
        )
        for others in (
            (replace(new, name="other"),),
            (replace(new, address=Address("10.0.0.8", 1)),),
            (
                new,
                program(ParticipantState.DONE, machine="b" * 16),
            ),  # two computers behind one router
        ):
            with self.subTest(others=others):
                computers = computers_of([old, *others], now=NOW)
                self.assertEqual(computers[0].machine, "10.0.0.7")
                self.assertEqual(len(computers), 1 + len(others))
        nameless = [replace(program, name="") for program in (old, new)]
        self.assertEqual(len(computers_of(nameless, now=NOW)), 2)

    def test_the_state_that_matters_most_wins_in_any_order(self) -> None:
        for first, second in pairwise(PRECEDENCE):
            for two in permutations((program(first), program(second))):
                self.assertEqual(only(*two).state, first)

    def test_what_is_done_stays_when_the_program_has_left(self) -> None:
        gone = program(ParticipantState.DONE, has_left=True, silent_s=60, have=9, size=9)
        computer = only(gone)
        self.assertEqual(
            (computer.state, computer.have, computer.size), (ParticipantState.DONE, 9, 9)
        )
        self.assertTrue(computer.has_left)
        self.assertFalse(computer.is_silent)
        for other in (ParticipantState.IDLE, ParticipantState.GIVING):
            with self.subTest(other):
                computer = only(gone, program(other, port=2))
                self.assertEqual((computer.state, computer.have), (ParticipantState.DONE, 9))
                self.assertFalse(computer.has_left)

    def test_a_program_that_has_ended_no_longer_counts_once_another_gets_something(self) -> None:
        for gone in (
            program(ParticipantState.FAILED, has_left=True, have=3, size=9),
            program(ParticipantState.DOWNLOADING, silent_s=SILENT_S, have=3, size=9),
        ):
            computer = only(gone, program(ParticipantState.DOWNLOADING, port=2, have=1, size=9))
            self.assertEqual((computer.state, computer.have), (ParticipantState.DOWNLOADING, 1))
            self.assertFalse(computer.is_silent)

    def test_a_computer_is_silent_from_12_s_on_and_its_rates_are_0(self) -> None:
        almost = only(program(ParticipantState.DOWNLOADING, silent_s=11.9, down=5, size=9))
        self.assertFalse(almost.is_silent)
        self.assertEqual(almost.down, 5)
        silent = only(program(ParticipantState.DOWNLOADING, silent_s=12, down=5, have=2, size=9))
        self.assertTrue(silent.is_silent)
        self.assertEqual((silent.down, silent.have, silent.seconds_left), (0, 2, None))
        self.assertTrue(silent.needs_help)

    def test_who_needs_help(self) -> None:
        full = TransferStatus("a", 1, 9, 0, DISK_IS_FULL, "The disk is full.")
        stalled = TransferStatus("a", 1, 9, 0, "looking", "nobody has it")
        for computer, needs_help in (
            (only(program(ParticipantState.FAILED)), True),
            (only(program(ParticipantState.WAITING, transfers=(full,))), True),
            (only(program(ParticipantState.WAITING, transfers=(stalled,))), False),
            (only(program(ParticipantState.DONE, is_reachable=False)), True),
            (only(program(ParticipantState.DONE, is_reachable=False, has_left=True)), False),
            (only(program(ParticipantState.DONE, silent_s=60)), True),
            (only(program(ParticipantState.IDLE)), False),
        ):
            with self.subTest(computer.state):
                self.assertIs(computer.needs_help, needs_help)

    def test_the_reason_is_the_programs_or_its_first_downloads(self) -> None:
        stalled = TransferStatus("b.iso", 1, 9, 0, "looking", "nobody has it")
        computer = only(program(ParticipantState.WAITING, transfers=(stalled,)))
        self.assertEqual((computer.reason, computer.title), ("nobody has it", "b.iso"))
        self.assertEqual(
            only(program(ParticipantState.FAILED, reason="no rights")).reason, "no rights"
        )

    def test_the_title_is_of_what_is_not_finished(self) -> None:
        transfers = (
            TransferStatus("a", 9, 9, 0, "done"),
            TransferStatus("b", 1, 9, 1, "downloading"),
        )
        self.assertEqual(
            only(program(ParticipantState.DOWNLOADING, transfers=transfers)).title, "b"
        )

    def test_seconds_left_are_those_that_the_computer_tells(self) -> None:
        told = program(ParticipantState.DOWNLOADING, have=40, size=100, down=20, left=7)
        other = program(ParticipantState.DOWNLOADING, port=2, size=100, left=9)
        self.assertEqual(only(told).seconds_left, 7)
        self.assertEqual(only(told, other).seconds_left, 9)
        silent = replace(told, last_ping=NOW - SILENT_S)
        self.assertIsNone(only(silent).seconds_left)
        untold = program(ParticipantState.DOWNLOADING, have=40, size=100, down=20)
        self.assertIsNone(only(untold).seconds_left)
        self.assertIsNone(only(program(ParticipantState.DONE, left=7)).seconds_left)

    def test_a_download_whose_program_has_ended_waits_while_its_computer_is_idle_or_gives(
        self,
    ) -> None:
        full = TransferStatus("a", 3, 9, 0, DISK_IS_FULL, "The disk is full.")
        for state in (ParticipantState.DOWNLOADING, ParticipantState.WAITING):
            left = program(state, has_left=True, have=3, size=9, transfers=(full,))
            silent = program(state, silent_s=SILENT_S, have=3, size=9)
            for gone, reason in ((left, STOPPED), (silent, FELL_SILENT)):
                for other in (ParticipantState.IDLE, ParticipantState.GIVING):
                    with self.subTest(state, reason=reason, other=other):
                        computer = only(gone, program(other, port=2))
                        self.assertEqual(computer.state, ParticipantState.WAITING)
                        self.assertEqual((computer.reason, computer.have), (reason, 3))
                        self.assertFalse(computer.is_disk_full or computer.is_silent)

    def test_a_killed_program_no_longer_counts_when_its_next_run_has_ended(self) -> None:
        killed = program(ParticipantState.DOWNLOADING, silent_s=40, have=3, size=9)
        again = program(ParticipantState.DONE, silent_s=30, has_left=True, have=9, size=9)
        giving = program(ParticipantState.GIVING)
        for programs in permutations((killed, again)):
            for others in ((), (giving,)):
                with self.subTest(programs=programs, others=others):
                    computer = only(*programs, *others)
                    self.assertEqual((computer.state, computer.have), (ParticipantState.DONE, 9))
                    self.assertFalse(computer.needs_help)
        elsewhere = replace(again, address=Address("10.0.0.7", 12502))
        self.assertTrue(only(killed, elsewhere).state is ParticipantState.DOWNLOADING)

    def test_the_summary_leaves_out_computers_that_only_give(self) -> None:
        computers = computers_of(
            [
                program(ParticipantState.GIVING, machine="a" * 16),
                program(ParticipantState.DONE, machine="b" * 16, have=9, size=9),
                program(ParticipantState.DOWNLOADING, machine="c" * 16, size=90, left=30),
                program(ParticipantState.DOWNLOADING, machine="d" * 16, size=60, left=20),
                program(ParticipantState.IDLE, machine="e" * 16),
                program(
                    ParticipantState.DOWNLOADING, machine="f" * 16, size=900, silent_s=20, left=300
                ),
            ],
            now=NOW,
        )
        summary = summary_of(computers)
        self.assertEqual((summary.counted, summary.done, summary.problems), (5, 1, 1))
        self.assertEqual(summary.seconds_left, 30.0)


class OlderVersionsTest(unittest.TestCase):
    def test_who_pings_less_often_is_called_silent_later(self) -> None:
        original = Participant(Address("10.0.0.7", 1), NOW, is_original=True)
        for quiet, silent_s in (
            (program("downloading", machine="", down=5), OLD_SILENT_S),
            (original, ORIGINAL_SILENT_S),
        ):
            almost = only(replace(quiet, last_ping=NOW - silent_s + 0.1))
            self.assertFalse(almost.is_silent or almost.needs_help)
            self.assertEqual(almost.down, quiet.status.down)
            self.assertTrue(only(replace(quiet, last_ping=NOW - silent_s)).is_silent)

    def test_their_words_are_read(self) -> None:
        for words, state in {
            "downloading": ParticipantState.DOWNLOADING,
            "checking": ParticipantState.DOWNLOADING,
            "in line": ParticipantState.WAITING,
            "waiting for space": ParticipantState.WAITING,
            "done": ParticipantState.IDLE,
        }.items():
            with self.subTest(words):
                self.assertEqual(state_of(program(words, machine="")), state)

    def test_their_seconds_left_follow_from_the_rate_at_present(self) -> None:
        old = program("downloading", machine="", have=40, size=100, down=20)
        self.assertEqual(only(old).seconds_left, 3.0)

    def test_a_seeder_gives_whatever_it_says(self) -> None:
        seeder = Participant(Address("10.0.0.7", 1), NOW, status=Status("available"))
        self.assertEqual(state_of(seeder), ParticipantState.GIVING)
