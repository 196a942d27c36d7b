"""Which programs a room still shows when they are gone, and for how many of them there is room."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.room.departed import MAX_DEPARTED, MAX_PER_HOST, Departed
from roles.room.registry_entry import Key
from roles.values.addresses import Address
from roles.values.participants import Participant, ParticipantState, Status
from roles.wire.fields import MAX_NUMBER
from roles.wire.room_wire import decode_participant, encode_participant

PEER = "fedcba9876543210"


def program(
    state: ParticipantState = ParticipantState.DONE,
    *,
    ip: str = "10.0.0.7",
    machine: str = "a" * 16,
    given: int = 0,
    port: int = 12501,
) -> Participant:
    return Participant(
        Address(ip, port),
        5.0,
        is_leecher=state is not ParticipantState.GIVING,
        files=9,
        status=Status(state, machine=machine, given=given),
        has_left=True,
    )


def key(ip: str = "10.0.0.7", peer: str = PEER) -> Key:
    return Key(ip, 12501, peer)


class DepartedTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.departed = Departed()

    def states(self) -> list[str]:
        return [participant.status.state for _, participant in self.departed.items()]

    def test_a_program_that_is_gone_offers_nothing_any_more(self) -> None:
        self.departed.note(key(), program())
        ((_, participant),) = self.departed.items()
        self.assertEqual((participant.status.state, participant.files), ("done", 0))

    def test_one_is_kept_for_a_computer_and_what_they_gave_is_added(self) -> None:
        self.departed.note(key(), program(ParticipantState.FAILED, given=2))
        self.departed.note(key(peer="0" * 16), program(ParticipantState.DONE, given=3))
        ((_, participant),) = self.departed.items()
        self.assertEqual((participant.status.state, participant.status.given), ("done", 5))

    def test_what_impossible_numbers_add_up_to_can_still_be_told(self) -> None:
        for number in range(3):
            self.departed.note(key(peer=f"{number:016x}"), program(given=MAX_NUMBER))
        ((_, participant),) = self.departed.items()
        line = encode_participant(participant, now=5.0)
        self.assertEqual(decode_participant(line, now=5.0).status.given, MAX_NUMBER)

    def test_what_was_downloaded_is_not_forgotten_for_a_program_that_asked_for_nothing(
        self,
    ) -> None:
        for state in (ParticipantState.IDLE, ParticipantState.GIVING):
            with self.subTest(state):
                self.departed.note(key(), program(ParticipantState.DONE))
                self.departed.note(key(peer="0" * 16), program(state))
                self.assertEqual(self.states(), ["done"])

    def test_of_a_killed_program_that_is_noted_after_its_next_run_only_what_it_gave_is_kept(
        self,
    ) -> None:
        killed = replace(
            program(ParticipantState.DOWNLOADING, given=2), last_ping=1.0, has_left=False
        )
        self.departed.note(key(), program(ParticipantState.DONE, given=3))
        self.departed.note(key(peer="0" * 16), killed)
        ((_, participant),) = self.departed.items()
        self.assertEqual((participant.status.state, participant.status.given), ("done", 5))
        self.assertTrue(participant.has_left)
        self.departed.returned(key(peer="0" * 16))
        self.assertEqual(self.states(), ["done"])

    def test_a_run_that_comes_back_is_no_longer_gone_but_another_run_leaves_it(self) -> None:
        self.departed.note(key(), program())
        self.departed.returned(key(peer="0" * 16))
        self.assertEqual(self.states(), ["done"])
        self.departed.returned(key())
        self.assertEqual(self.states(), [])

    def test_a_computer_can_be_removed(self) -> None:
        self.departed.note(key(), program())
        self.assertFalse(self.departed.remove({key(peer="0" * 16)}))
        self.assertTrue(self.departed.remove({key()}))
        self.assertEqual(self.states(), [])

    def test_one_host_has_few_places_and_pushes_out_only_its_own(self) -> None:
        self.departed.note(key("10.0.0.8"), program(ParticipantState.FAILED, ip="10.0.0.8"))
        for number in range(3 * MAX_PER_HOST):
            self.departed.note(key(), program(machine=f"{number:016x}"))
        self.assertEqual(self.states(), ["failed"] + ["done"] * MAX_PER_HOST)
        self.assertEqual(
            [participant.status.machine[-1] for _, participant in self.departed.items()][1:],
            list("89ab"),
        )

    def test_the_oldest_goes_when_the_table_is_full(self) -> None:
        for number in range(MAX_DEPARTED + 2):
            ip = f"10.1.{number // 250}.{number % 250}"
            self.departed.note(key(ip), program(ip=ip))
        hosts = [participant.address.host for _, participant in self.departed.items()]
        self.assertEqual((len(hosts), hosts[0]), (MAX_DEPARTED, "10.1.0.2"))
