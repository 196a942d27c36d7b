"""The tracker's table: whom it believes, what it tells, and when it forgets."""

from __future__ import annotations

import json
from dataclasses import replace

from roles.lmk1.seeder_table import (
    ORIGINAL_LIFETIME_S,
)
from roles.room.registry import (
    EXPIRED_AT_ONCE,
    MAX_IDLE_PER_HOST,
    MAX_PER_HOST,
    MAX_RUNS,
    Registry,
)
from roles.room.registry_entry import LIFETIME_S, Key
from roles.values.addresses import Address
from roles.values.computers import OLD_SILENT_S
from roles.values.errors import PeerProtocolError
from roles.values.participants import ParticipantState, Status
from roles.wire.tracker_messages import Ping, Register, TellFiles
from tests.tracker_tables import (
    HERE,
    ID,
    ProgramsTest,
    pc,
)


class RegistryTest(ProgramsTest):
    def test_idle_windows_do_not_count_towards_the_programs_of_one_address(self) -> None:
        def add(port: int, *shares: str) -> None:
            request = Register(ID, Address(pc(1).ip, port), ID, "pc", True, shares=shares)
            self.registry.register(request, pc(1), now=0.0)

        for number in range(MAX_IDLE_PER_HOST):
            add(14000 + number)
        with self.assertRaises(PeerProtocolError):
            add(14999)
        for number in range(MAX_PER_HOST):
            add(13000 + number, self.SHARE)
        with self.assertRaises(PeerProtocolError):
            add(13999, self.SHARE)

    def test_who_registers_again_is_not_called_idle_until_its_next_ping(self) -> None:
        self.register(pc(1), leecher=True)
        named, last = Address(pc(1).ip, 12501), Status(ParticipantState.DOWNLOADING, have=5, size=9)
        self.registry.hear(Ping(ID, named, ID, last), pc(1).ip, now=1.0)
        self.register(pc(1), self.SHARE, leecher=True)
        (program,) = self.registry.entries()
        self.assertEqual(program.status, replace(last, shares=(self.SHARE,)))

    def test_a_computer_that_changed_the_network_is_shown_at_its_new_address_only(self) -> None:
        def shown(now: float) -> list[str]:
            return [participant.address.host for participant in self.registry.participants(now=now)]

        self.register(pc(1), leecher=True)
        self.register(pc(2), leecher=True, now=9.0)
        self.assertEqual(shown(11.0), [pc(1).ip, pc(2).ip])
        self.assertEqual(shown(12.0), [pc(2).ip])
        self.hear(pc(2), now=LIFETIME_S)
        self.expire(LIFETIME_S + 1)
        self.assertEqual(self.registry.departed.items(), [])

    def test_nobody_hides_a_computer_that_pings_or_one_that_has_left(self) -> None:
        def shown(now: float) -> list[str]:
            return [participant.address.host for participant in self.registry.participants(now=now)]

        self.register(pc(1), leecher=True)
        self.register(pc(2), leecher=True)
        self.hear(pc(1), now=12.0)
        self.hear(pc(2), now=12.0)
        self.assertEqual(shown(20.0), [pc(1).ip, pc(2).ip])
        self.hear(pc(1), leaving=True, now=20.0)
        self.assertEqual(shown(21.0), [pc(1).ip, pc(2).ip])

    def test_who_leaves_is_kept_with_what_it_said_last(self) -> None:
        self.register(pc(1), leecher=True)
        named = Address(pc(1).ip, 12501)
        last = Status(ParticipantState.DONE, have=5, size=5)
        self.registry.hear(Ping(ID, named, ID, last, leaving=True), pc(1).ip, now=1.0)
        ((_, gone),) = self.registry.departed.items()
        self.assertEqual((gone.status, gone.has_left, gone.last_ping), (last, True, 1.0))

    def test_who_leaves_stays_the_same_computer_and_nobody_learns_its_own_id(self) -> None:
        self.register(pc(1), leecher=True)
        named, status = Address(pc(1).ip, 12501), Status(machine="a" * 16)
        self.registry.hear(Ping(ID, named, ID, status), pc(1).ip, now=1.0)
        (here,) = self.registry.participants(now=1.0)
        self.registry.hear(Ping(ID, named, ID, status, leaving=True), pc(1).ip, now=2.0)
        (gone,) = self.registry.participants(now=2.0)
        self.assertTrue(gone.has_left)
        self.assertEqual(gone.status.machine, here.status.machine)
        self.assertNotEqual(gone.status.machine, status.machine)

    def test_who_falls_silent_is_kept_until_the_same_run_registers_again(self) -> None:
        self.register(pc(1))
        self.expire(LIFETIME_S + 1)
        ((_, gone),) = self.registry.departed.items()
        self.assertFalse(gone.has_left)
        self.register(pc(1))
        self.assertEqual(self.registry.departed.items(), [])

    def test_a_computer_that_is_gone_or_silent_can_be_removed_but_none_that_pings(self) -> None:
        self.register(pc(1), leecher=True)
        self.register(pc(2), leecher=True)
        self.hear(pc(2), now=30.0)
        self.expire(LIFETIME_S + 1)
        self.register(pc(3), leecher=True)
        before = self.registry.changes
        for number in (1, 2, 3):
            self.registry.remove(pc(number).ip, now=OLD_SILENT_S)
        self.assertEqual(self.registry.departed.items(), [])
        self.assertEqual([entry.origin.ip for entry in self.registry.entries()], [pc(2).ip])
        self.assertGreater(self.registry.changes, before)
        self.registry.remove(pc(2).ip, now=30.0 + OLD_SILENT_S)
        self.assertEqual(self.registry.entries(), [])

    def test_it_is_forgotten_after_50_s_of_silence_and_its_share_is_gone(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.hear(pc(1), self.SHARE, now=30.0)
        self.assertFalse(self.expire(30.0 + LIFETIME_S))
        self.assertTrue(self.expire(30.1 + LIFETIME_S))
        self.assertIsNone(self.registry.room_list.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [])
        self.assertIsNone(self.hear(pc(1), self.SHARE))

    def test_those_who_were_heard_later_stay(self) -> None:
        for number in range(9):
            self.register(pc(number))
        for number in (3, 1, 7):
            self.hear(pc(number), now=20.0)
        self.expire(LIFETIME_S + 1)
        heard = {entry.origin.ip for entry in self.registry.entries()}
        self.assertEqual(heard, {pc(number).ip for number in (1, 3, 7)})

    def test_a_share_stays_without_who_told_it_while_others_name_it(self) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(2), self.SHARE)
        self.register(pc(3), self.SHARE, leecher=True)
        self.put(self.SHARE, pc(1))
        self.hear(pc(2), self.OTHER)
        self.hear(pc(2), self.SHARE)
        self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
        self.hear(pc(1), self.SHARE, leaving=True)
        self.hear(pc(2), self.SHARE)
        self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
        self.assertEqual(self.holding(self.SHARE), [pc(2).ip, pc(3).ip])
        self.hear(pc(2), self.OTHER)
        self.hear(pc(3), self.SHARE, leaving=True)
        self.assertIsNone(self.registry.room_list.share(self.SHARE))
        self.hear(pc(2), self.SHARE)
        self.assertIsNone(self.registry.room_list.share(self.SHARE))

    def test_the_list_of_an_original_goes_with_it_though_others_name_it(self) -> None:
        self.seeder(1, {"a": 1})
        share = self.lmk1_share(1)
        self.register(pc(2), share)
        self.assertEqual(self.settled(), ["a"])
        self.expire(ORIGINAL_LIFETIME_S + 1)
        self.assertEqual(self.settled(), [])
        self.assertIsNone(self.registry.room_list.share(share))

    def test_an_original_with_two_names_is_on_the_list_until_both_are_gone(self) -> None:
        self.seeder(1, {"a": 1})
        self.add(pc(1), "lab-pc", now=100.0)
        self.table.upload({"b": 1}, pc(1))
        self.ping(pc(1), now=100.0)
        self.ping(pc(1), now=200.0)
        self.expire(101.0 + ORIGINAL_LIFETIME_S)
        self.assertEqual(self.settled(), ["a"])

    def test_a_program_that_registers_again_keeps_its_share_unless_it_is_a_leecher_now(
        self,
    ) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.register(pc(1), self.SHARE)
        self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
        self.register(pc(1), self.SHARE, leecher=True)
        self.assertIsNone(self.registry.room_list.share(self.SHARE))

    def test_another_program_at_the_same_place_changes_nothing_of_the_first_one(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        self.registry.upload(TellFiles(ID, {"a": 1}, ID, 12501), pc(1))
        for is_leecher in (False, True):
            self.register(pc(1), leecher=is_leecher, peer=self.OTHER)
            self.hear(pc(1), self.OTHER, peer=self.OTHER)
            self.registry.upload(TellFiles(ID, {"b": 1, "c": 1}, self.OTHER, 12501), pc(1))
            self.hear(pc(1), leaving=True, peer=self.OTHER)
            self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
            self.assertEqual((self.holding(self.SHARE), self.files()), ([pc(1).ip], {"a": 1}))
            self.assertIsNotNone(self.hear(pc(1), self.SHARE))

    def test_a_program_that_started_again_is_named_once_while_the_first_is_not_forgotten(
        self,
    ) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(1), self.SHARE, peer=self.OTHER)
        self.assertEqual(self.holding(self.SHARE), [pc(1).ip])
        self.expire(LIFETIME_S + 1)
        self.assertEqual(self.holding(self.SHARE), [])

    def test_when_one_of_two_programs_at_a_place_answers_there_the_other_counts_as_silent(
        self,
    ) -> None:
        keys = [Key(pc(1).ip, 12501, peer) for peer in (ID, self.OTHER)]
        for key in keys:
            self.assertFalse(self.registry.is_contested(key))
            self.register(pc(1), self.SHARE, peer=key.peer, now=100.0)
        self.registry.upload(TellFiles(ID, {"old": 1, "older": 1}, ID, 12501), pc(1))
        self.registry.upload(TellFiles(ID, {"new": 1}, self.OTHER, 12501), pc(1))
        self.assertTrue(all(map(self.registry.is_contested, keys)))
        self.registry.note_listening(keys[1], now=101.0)
        heard = [self.registry.is_heard(key, now=101.0) for key in keys]
        self.assertEqual((heard, self.files()), ([False, True], {"new": 1}))
        self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=102.0))
        self.assertTrue(self.registry.is_heard(keys[0], now=102.0))

    def test_one_that_does_not_answer_at_a_place_does_not_have_the_other_told_as_unreachable(
        self,
    ) -> None:
        keys = [Key(pc(1).ip, 12501, peer) for peer in (ID, self.OTHER)]
        for key, is_reachable in zip(keys, (False, True), strict=True):
            self.register(pc(1), self.SHARE, peer=key.peer)
            self.registry.note_reachable(key, is_reachable)
        for _ in range(4):
            (holder,) = self.registry.holders((self.SHARE,), is_here=False)
            self.assertFalse(holder.is_unreachable)
        self.registry.note_reachable(keys[1], False)
        (holder,) = self.registry.holders((self.SHARE,), is_here=False)
        self.assertTrue(holder.is_unreachable)

    def test_a_ping_from_another_named_address_has_to_register_again(self) -> None:
        self.register(HERE, self.SHARE)
        moved = Ping(ID, Address("192.168.1.2", 12501), ID, Status("away", (self.SHARE,)))
        self.assertIsNone(self.registry.hear(moved, HERE.ip, now=0.0))

    def test_leechers_are_registered_like_seeders_and_never_told_to_originals(self) -> None:
        for number in range(MAX_PER_HOST):
            advertised = Address(pc(1).ip, 12501 + number)
            request = Register(ID, advertised, ID, "pc", True, shares=(self.SHARE,))
            self.registry.register(request, pc(1), now=0.0)
        with self.assertRaises(PeerProtocolError):
            request = Register(ID, Address(pc(1).ip, 13000), ID, "pc", True, shares=(self.SHARE,))
            self.registry.register(request, pc(1), now=0.0)
        told = TellFiles(ID, {"a": 1}, ID, 12502)
        self.assertFalse(self.registry.upload(told, pc(1)))
        self.assertEqual((self.files(), self.listed()), ({}, []))

    def test_a_state_file_keeps_who_told_which_share_and_nothing_else_of_them(self) -> None:
        self.register(pc(1), self.SHARE)
        self.register(pc(2), self.OTHER)
        for share, number in ((self.SHARE, 1), (self.OTHER, 2)):
            state = self.registry.room_list.owners_state
            self.put(share, pc(number))
            self.assertNotEqual(self.registry.room_list.owners_state, state)
        self.hear(pc(2), leaving=True)
        saved = json.loads(json.dumps(self.saved()))
        self.assertEqual(
            saved,
            [
                {"share": self.OTHER, "teller": [pc(2).ip, 12501, ""]},  # that run has ended
                {"share": self.SHARE, "teller": [pc(1).ip, 12501, ID]},
            ],
        )
        restored = Registry()
        restored.restore(saved, now=5.0)
        self.assertEqual(list(restored.saved()), saved)

    def test_who_told_a_share_is_always_among_its_holders_however_many_others_name_it(self) -> None:
        self.register(pc(0), self.SHARE)
        self.put(self.SHARE, pc(0))
        for number in range(1, 200):
            self.register(pc(number), self.SHARE, peer=f"{number:016}")
        for _ in range(50):
            first, *others = self.registry.holders((self.SHARE, self.SHARE), is_here=False)
            self.assertEqual((first.address.host, first.asked), (pc(0).ip, (0, 1)))
            self.assertNotIn(first.address, [holder.address for holder in others])

    def test_tellers_of_any_other_shape_are_left_out(self) -> None:
        for teller in (
            None,
            [],
            ["x", 1, ID],
            ["10.0.0.1", "1", ID],
            ["10.0.0.1", 1, "?"],
            ["10.0.0.1", True, ID],
            [1] * 3,
        ):
            self.registry.restore([{"share": self.SHARE, "teller": teller}], now=0.0)
        self.registry.restore([{"share": "?", "teller": ["10.0.0.1", 1, ID]}], now=0.0)
        self.assertEqual(self.saved(), [])

    def test_a_seeder_that_serves_the_trackers_machine_only_is_told_there_only(self) -> None:
        request = Register(ID, Address("127.0.0.1", 12501), ID, "pc", False, shares=(self.SHARE,))
        self.registry.register(request, HERE, now=0.0)
        self.assertEqual(self.holding(self.SHARE), [])
        (holder,) = self.registry.holders((self.SHARE,), is_here=True)
        self.assertEqual(holder.address, Address("127.0.0.1", 12501))

    def test_one_that_serves_everyone_there_is_told_without_a_host(self) -> None:
        advertised = Address("127.0.0.1", 12501)
        request = Register(ID, advertised, ID, "pc", False, True, (self.SHARE,))
        self.registry.register(request, HERE, now=0.0)
        self.assertEqual(self.holding(self.SHARE), [""])

    def test_an_original_that_is_called_localhost_is_told_as_an_address(self) -> None:
        self.add(HERE, "localhost")
        self.table.upload({"a": 1}, HERE)
        share = "lmk17f00000130d5"
        (holder,) = self.registry.holders((share,), is_here=True)
        self.assertEqual(holder.address, Address("", 12501))

    def test_a_whole_room_that_falls_silent_is_forgotten_a_part_at_a_time(self) -> None:
        for number in range(EXPIRED_AT_ONCE + 5):
            self.register(pc(number))
        self.assertEqual(self.expire(LIFETIME_S + 1), EXPIRED_AT_ONCE)
        self.assertEqual(self.expire(LIFETIME_S + 1), 5)
        self.assertEqual(self.registry.entries(), [])

    def test_a_program_that_crashes_again_and_again_is_registered_again(self) -> None:
        for count in range(9 * MAX_PER_HOST):
            self.register(pc(1), self.SHARE, peer=f"{count:016}", now=float(count))
            self.assertLessEqual(len(self.registry.entries()), MAX_RUNS)
            self.assertIsNotNone(self.hear(pc(1), peer=f"{count:016}", now=float(count)))

    def test_who_answered_at_its_place_is_pushed_out_by_none_that_only_say_so(self) -> None:
        first, second = "1" * 16, "2" * 16
        self.register(pc(1), peer=first)
        self.register(pc(1), self.SHARE, peer=second)
        self.registry.note_listening(Key(pc(1).ip, 12501, second), now=0.0)
        for count in range(100):
            now = float(count)
            self.hear(pc(1), peer=first, now=now)  # None once it is pushed out
            self.assertIsNotNone(self.hear(pc(1), self.SHARE, peer=second, now=now))
            if count == 50:  # its network changed
                self.register(pc(1), self.SHARE, peer=second, now=now)
            self.register(pc(1), self.SHARE, peer=f"{count + 10:016}", now=now)
        self.assertIsNotNone(self.hear(pc(1), self.SHARE, peer=second, now=100.0))

    def test_programs_that_come_after_each_other_at_a_place_push_out_none_that_pings(self) -> None:
        self.register(pc(1), self.SHARE)
        self.put(self.SHARE, pc(1))
        for count in range(100):
            if count % 15 == 0:
                self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=float(count)))
            self.register(pc(1), self.SHARE, peer=f"{count:016}", now=float(count))
        self.assertIsNotNone(self.registry.room_list.share(self.SHARE))
        self.assertIsNotNone(self.hear(pc(1), self.SHARE, now=100.0))
