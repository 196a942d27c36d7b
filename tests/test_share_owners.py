"""Who may tell a share: its seeder, also when that comes from another address."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.room.registry import Registry
from roles.room.registry_entry import LIFETIME_S, QUIET_S, Key, Origin
from roles.room.reserved_shares import RESERVED_S
from roles.room.room_list import ListRefusedError
from roles.room.share_update import ShareUpdate
from roles.values.addresses import Address
from roles.values.participants import Status
from roles.wire.list_wire import TellList
from roles.wire.tracker_messages import Code, Ping, Register

ID, PEER, STRANGER = "0123456789abcdef", "fedcba9876543210", "1" * 16
SHARE = "00112233445566aa"
PC, CABLE = "10.0.0.1", "10.0.0.2"


class OwnersTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.room_list = self.registry.room_list
        self.tell(PC, 12501)

    def tell(
        self, ip: str, port: int, peer: str = PEER, *, machine: str = "", now: float = 0.0
    ) -> None:
        """Register there, and tell the list."""
        request = Register(
            ID, Address(ip, port), peer, "pc", False, shares=(SHARE,), machine=machine
        )
        self.registry.register(request, Origin(ip, False), now=now)
        call = TellList(SHARE, "folder", peer, port, True, 0, 1, 0)
        owner = self.registry.owner_of(call, ip, now=now)
        update = ShareUpdate(self.room_list, call, owner)
        update.take(f"+{ip}")
        list(update.finish())

    def assert_refused(
        self, code: Code, ip: str, port: int, peer: str, *, now: float, machine: str = ""
    ) -> None:
        with self.assertRaises(ListRefusedError) as raised:
            self.tell(ip, port, peer, machine=machine, now=now)
        self.assertEqual(raised.exception.code, code)

    def assert_told_by(self, ip: str, port: int, peer: str = PEER) -> None:
        share = self.room_list.share(SHARE)
        assert share is not None
        self.assertEqual((share.owner.key, share.owner.host), (Key(ip, port, peer), ip))
        self.assertEqual(list(share.lines), [ip])

    def hear(self, ip: str, *, now: float, leaving: bool = False) -> None:
        ping = Ping(ID, Address(ip, 12501), PEER, Status("available", (SHARE,)), leaving)
        self.assertIsNotNone(self.registry.hear(ping, ip, now=now))


class ShareOwnersTest(OwnersTestCase):
    def test_the_same_program_at_another_port_takes_its_share_over(self) -> None:
        self.tell(PC, 12502)
        self.assert_told_by(PC, 12502)

    def test_one_that_starts_again_at_its_address_takes_its_share_over_once_it_is_sure(
        self,
    ) -> None:
        self.assert_refused(Code.BUSY, PC, 12501, STRANGER, now=QUIET_S - 1)
        self.assert_told_by(PC, 12501)
        self.tell(PC, 12501, STRANGER, now=QUIET_S)
        self.assert_told_by(PC, 12501, STRANGER)
        self.registry.expire(now=60.0)  # the old registration
        self.assert_told_by(PC, 12501, STRANGER)

    def test_a_share_that_others_have_ends_with_the_last_of_them_although_its_owner_is_back(
        self,
    ) -> None:
        at = Address("10.0.0.8", 12501)
        holder = Register(ID, at, "4" * 16, "pc", is_leecher=True, shares=(SHARE,))
        self.registry.register(holder, Origin(at.host, False), now=50.0)
        self.registry.expire(now=60.0)  # the owner
        self.assert_told_by(PC, 12501)
        back = Register(ID, Address(PC, 12501), PEER, "pc", is_leecher=False)
        self.registry.register(back, Origin(PC, False), now=61.0)
        self.registry.register(replace(holder, shares=()), Origin(at.host, False), now=62.0)
        self.assertIsNone(self.room_list.share(SHARE))
        self.tell(PC, 12501, now=63.0)
        self.assert_told_by(PC, 12501)

    def test_another_program_at_its_address_does_not_get_it_while_it_pings(self) -> None:
        for now in range(0, 600, 15):
            self.hear(PC, now=now)
            self.assert_refused(Code.BUSY, PC, 12501, STRANGER, now=now + 14.0)
        self.assert_told_by(PC, 12501)

    def test_a_program_whose_address_is_the_trackers_own_now_keeps_its_share(self) -> None:
        request = Register(ID, Address(PC, 12501), PEER, "pc", False, shares=(SHARE,))
        self.registry.register(request, Origin(PC, True, True), now=1.0)
        call = TellList(SHARE, "folder", PEER, 12501, True, 1, 2, 0)
        owner = self.registry.owner_of(call, PC, now=1.0)
        list(ShareUpdate(self.room_list, call, owner).finish())
        share = self.room_list.share(SHARE)
        assert share is not None
        self.assertEqual((share.owner.key, share.owner.host), (Key(PC, 12501, PEER), ""))

    def test_one_that_moved_takes_its_share_over_when_its_old_address_is_silent(self) -> None:
        self.assert_refused(Code.BUSY, CABLE, 12501, PEER, now=QUIET_S - 1)
        self.assert_told_by(PC, 12501)
        self.tell(CABLE, 12501, now=QUIET_S)
        self.assert_told_by(CABLE, 12501)
        self.registry.expire(now=60.0)  # the old registration
        self.assert_told_by(CABLE, 12501)

    def test_another_program_gets_it_nowhere(self) -> None:
        self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=QUIET_S)
        self.assert_refused(Code.SHARE, PC, 12502, STRANGER, now=QUIET_S)
        self.assert_told_by(PC, 12501)

    def lose(self, *, silent: bool) -> float:
        """The share goes; returns when."""
        if silent:
            self.assertEqual(self.registry.expire(now=LIFETIME_S + 1), 1)
            now = LIFETIME_S + 1
        else:
            self.hear(PC, now=1.0, leaving=True)
            now = 1.0
        self.assertIsNone(self.room_list.share(SHARE))
        return now

    def test_a_lost_share_is_kept_for_who_told_it(self) -> None:
        for silent in (False, True):
            with self.subTest(silent=silent):
                self.setUp()
                now = self.lose(silent=silent)
                for ip, port in ((CABLE, 12501), (PC, 12502)):
                    self.assert_refused(Code.SHARE, ip, port, STRANGER, now=now + RESERVED_S - 1)
                self.assertIsNone(self.room_list.share(SHARE))
                self.tell(PC, 12501, STRANGER, now=now + RESERVED_S - 1)  # it started again
                self.assert_told_by(PC, 12501, STRANGER)

    def test_who_slept_gets_its_share_back_at_any_address(self) -> None:
        now = self.lose(silent=True)
        self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=now)
        self.tell(CABLE, 12501, PEER, now=now + 1)
        self.assert_told_by(CABLE, 12501)

    def test_who_ended_is_not_mistaken_for_who_learned_its_peer_id(self) -> None:
        now = self.lose(silent=False)
        for later in (0.0, QUIET_S, RESERVED_S - 1):
            self.assert_refused(Code.SHARE, CABLE, 12501, PEER, now=now + later)
        self.assertIsNone(self.room_list.share(SHARE))

    def test_who_slept_gets_its_share_back_from_who_took_it_elsewhere(self) -> None:
        self.tell(CABLE, 12501, now=QUIET_S)
        self.hear(PC, now=QUIET_S + 1)
        self.tell(PC, 12501, now=QUIET_S + 1)
        self.assert_told_by(PC, 12501)
        self.assert_refused(Code.BUSY, CABLE, 12501, PEER, now=QUIET_S + 2)

    def test_after_a_while_anyone_may_tell_a_lost_share(self) -> None:
        now = self.lose(silent=False)
        self.tell(CABLE, 12501, STRANGER, now=now + RESERVED_S)
        self.assert_told_by(CABLE, 12501, STRANGER)

    def test_a_share_that_its_seeder_no_longer_names_is_kept_for_it_too(self) -> None:
        ping = Ping(ID, Address(PC, 12501), PEER, Status("available"))
        self.registry.hear(ping, PC, now=1.0)
        self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=2.0)
        self.tell(PC, 12501, now=3.0)
        self.assert_told_by(PC, 12501)

    def test_a_tracker_that_starts_again_keeps_all_shares_for_who_told_them(self) -> None:
        for lost in (False, True):
            with self.subTest(lost=lost):
                self.setUp()
                if lost:
                    self.lose(silent=False)
                saved = list(self.registry.saved())
                self.registry = Registry()
                self.room_list = self.registry.room_list
                self.registry.restore(saved, now=100.0)
                self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=100.0 + RESERVED_S - 1)
                code = Code.SHARE if lost else Code.BUSY
                self.assert_refused(code, CABLE, 12501, PEER, now=99.0 + QUIET_S)
                self.tell(PC, 12501, PEER, now=101.0)
                self.assert_told_by(PC, 12501)

    def test_who_moved_while_the_tracker_started_again_gets_its_share_after_a_while(self) -> None:
        saved = list(self.registry.saved())
        self.registry = Registry()
        self.room_list = self.registry.room_list
        self.registry.restore(saved, now=100.0)
        self.tell(CABLE, 12501, PEER, now=100.0 + QUIET_S)
        self.assert_told_by(CABLE, 12501)


class SameComputerTest(OwnersTestCase):
    """Which other programs of its computer get the share of a seeder that has ended."""

    MACHINE, OTHER = "7a90c1d25e3f6b84", "00ff00ff00ff00ff"

    def setUp(self) -> None:
        super().setUp()
        self.tell(PC, 12501, machine=self.MACHINE)

    def leave(self) -> None:
        status = Status("giving", (SHARE,), machine=self.MACHINE)
        ping = Ping(ID, Address(PC, 12501), PEER, status, leaving=True)
        self.assertIsNotNone(self.registry.hear(ping, PC, now=1.0))

    def assert_only_its_computer_gets_it(self, *, now: float) -> None:
        for ip, machine in ((PC, ""), (PC, self.OTHER), (CABLE, self.MACHINE), (CABLE, "")):
            for peer in (STRANGER, PEER):
                if (ip, peer) == (PC, PEER):
                    continue  # the same run, which its peer id would show
                with self.subTest(ip=ip, machine=machine, peer=peer):
                    self.assert_refused(Code.SHARE, ip, 12502, peer, machine=machine, now=now)
        self.tell(PC, 12502, STRANGER, machine=self.MACHINE, now=now)
        self.assert_told_by(PC, 12502, STRANGER)

    def test_one_that_starts_again_at_another_port_gets_its_share_back(self) -> None:
        self.leave()
        self.assert_only_its_computer_gets_it(now=RESERVED_S)

    def test_also_when_it_was_killed_and_the_tracker_has_not_forgotten_it(self) -> None:
        self.tell(PC, 12502, STRANGER, machine=self.MACHINE, now=QUIET_S + 1)

    def test_also_while_others_have_the_share(self) -> None:
        at = Address("10.0.0.8", 12501)
        holder = Register(ID, at, "4" * 16, "pc", is_leecher=True, shares=(SHARE,))
        self.registry.register(holder, Origin(at.host, False), now=0.0)
        self.leave()
        self.assertIsNotNone(self.room_list.share(SHARE))
        self.assert_only_its_computer_gets_it(now=2 * RESERVED_S)

    def test_who_learned_the_id_of_the_run_that_has_ended_does_not_get_it_from_the_next_one(
        self,
    ) -> None:
        self.leave()
        self.tell(PC, 12502, STRANGER, machine=self.MACHINE, now=2.0)
        self.assert_refused(Code.SHARE, PC, 12501, PEER, now=3.0)
        self.assert_told_by(PC, 12502, STRANGER)

    def test_also_after_a_restart_of_the_tracker(self) -> None:
        self.leave()
        saved = list(self.registry.saved())
        self.registry = Registry()
        self.room_list = self.registry.room_list
        self.registry.restore(saved, now=100.0)
        self.assert_only_its_computer_gets_it(now=101.0)

    def test_not_while_it_pings(self) -> None:
        self.assert_refused(Code.SHARE, PC, 12502, STRANGER, machine=self.MACHINE, now=QUIET_S - 1)
        status = Status("giving", machine=self.MACHINE)  # it shares something else now
        self.registry.hear(Ping(ID, Address(PC, 12501), PEER, status), PC, now=QUIET_S)
        self.assert_refused(
            Code.SHARE, PC, 12502, STRANGER, machine=self.MACHINE, now=2 * QUIET_S - 1
        )
        self.tell(PC, 12502, STRANGER, machine=self.MACHINE, now=2 * QUIET_S)
        self.assert_told_by(PC, 12502, STRANGER)

    def test_a_damaged_machine_id_in_the_state_file_is_none(self) -> None:
        self.leave()
        (saved,) = self.registry.saved()
        for damaged in (7, "", "x" * 16, None):
            self.registry = Registry()
            self.room_list = self.registry.room_list
            self.registry.restore([{**saved, "machine": damaged}], now=100.0)
            self.assert_refused(Code.SHARE, PC, 12502, STRANGER, machine=self.MACHINE, now=101.0)


class LeftShareTest(OwnersTestCase):
    """A share stays listed without its seeder while somebody else has it."""

    HOLDER, SECOND = "10.0.0.8", "10.0.0.9"

    def setUp(self) -> None:
        super().setUp()
        self.join(self.HOLDER)

    def join(self, ip: str, *shares: str, now: float = 0.0) -> None:
        at = Address(ip, 12501)
        request = Register(ID, at, STRANGER, "pc", is_leecher=True, shares=shares or (SHARE,))
        self.registry.register(request, Origin(ip, False), now=now)

    def holder_says(
        self, *shares: str, now: float, leaving: bool = False, ip: str = HOLDER
    ) -> None:
        ping = Ping(ID, Address(ip, 12501), STRANGER, Status("done", shares), leaving)
        self.assertIsNotNone(self.registry.hear(ping, ip, now=now))

    def lines(self) -> list[str] | None:
        share = self.room_list.share(SHARE)
        return None if share is None else list(share.lines)

    def test_it_stays_while_a_holder_pings(self) -> None:
        for silent in (False, True):
            with self.subTest(silent=silent):
                self.setUp()
                if not silent:
                    self.hear(PC, now=1.0, leaving=True)
                for now in range(10, 1_000, 10):
                    self.holder_says(SHARE, now=float(now))
                    self.registry.expire(now=float(now))
                self.assertIsNone(self.registry.entry(Key(PC, 12501, PEER)))
                self.assertEqual(self.lines(), [PC])
                self.registry.expire(now=991.0 + LIFETIME_S)
                self.assertIsNone(self.lines())

    def test_it_goes_with_the_last_holder(self) -> None:
        self.join(self.SECOND)
        self.hear(PC, now=1.0, leaving=True)
        self.holder_says(SHARE, now=2.0, leaving=True)
        self.assertEqual(self.lines(), [PC])
        self.holder_says(now=3.0, ip=self.SECOND)  # it has other things to do now
        self.assertIsNone(self.lines())

    def test_a_holder_that_registers_again_is_still_one(self) -> None:
        self.hear(PC, now=1.0, leaving=True)
        self.join(self.HOLDER, now=2.0)
        self.assertEqual(self.lines(), [PC])
        self.join(self.HOLDER, "3" * 16, now=3.0)
        self.assertIsNone(self.lines())

    def test_a_seeder_that_shares_something_else_leaves_it_to_those_who_have_it(self) -> None:
        ping = Ping(ID, Address(PC, 12501), PEER, Status("available"))
        self.registry.hear(ping, PC, now=1.0)
        self.assertEqual(self.lines(), [PC])

    def test_nobody_else_can_change_it(self) -> None:
        self.hear(PC, now=1.0, leaving=True)
        for now in (2.0, RESERVED_S + 100.0):
            self.holder_says(SHARE, now=now)
            self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=now)
            self.assert_refused(Code.SHARE, CABLE, 12501, PEER, now=now)  # others know that id
            self.assert_refused(Code.SHARE, PC, 12502, STRANGER, now=now)
            self.assert_refused(Code.SHARE, self.HOLDER, 12501, STRANGER, now=now)
        self.assertEqual(self.lines(), [PC])

    def test_its_seeder_gets_it_back_when_it_starts_again(self) -> None:
        self.hear(PC, now=1.0, leaving=True)
        self.tell(PC, 12501, "3" * 16, now=2.0)
        self.assert_told_by(PC, 12501, "3" * 16)
        self.holder_says(SHARE, now=3.0, leaving=True)
        self.assert_told_by(PC, 12501, "3" * 16)

    def test_its_seeder_gets_it_back_after_a_sleep_also_elsewhere(self) -> None:
        self.holder_says(SHARE, now=LIFETIME_S)
        self.assertEqual(self.registry.expire(now=LIFETIME_S + 1), 1)
        self.tell(CABLE, 12501, now=LIFETIME_S + 2)
        self.assert_told_by(CABLE, 12501)
        self.holder_says(SHARE, now=LIFETIME_S + 3, leaving=True)
        self.assert_told_by(CABLE, 12501)

    def test_its_id_is_kept_for_its_seeder_after_the_last_holder(self) -> None:
        self.hear(PC, now=1.0, leaving=True)
        self.holder_says(SHARE, now=100.0, leaving=True)
        self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=99.0 + RESERVED_S)
        self.tell(PC, 12501, "3" * 16, now=99.0 + RESERVED_S)
        self.assert_told_by(PC, 12501, "3" * 16)

    def test_a_tracker_that_starts_again_keeps_its_id_for_its_seeder(self) -> None:
        self.hear(PC, now=1.0, leaving=True)
        (saved,) = self.registry.saved()
        self.assertEqual(saved, {"share": SHARE, "teller": [PC, 12501, ""]})

    def test_a_list_that_was_arriving_when_its_seeder_left_is_refused(self) -> None:
        for is_whole in (True, False):
            with self.subTest(is_whole=is_whole):
                self.setUp()
                call = TellList(SHARE, "folder", PEER, 12501, is_whole, 1, 2, 0)
                owner = self.registry.owner_of(call, PC, now=0.0)
                update = ShareUpdate(self.room_list, call, owner)
                update.take("+new")
                self.hear(PC, now=1.0, leaving=True)
                with self.assertRaises(ListRefusedError):
                    list(update.finish())
                update.abandon()
                self.assertEqual(self.lines(), [PC])
                self.holder_says(SHARE, now=2.0, leaving=True)
                self.assertEqual((self.room_list._lines, self.room_list._size), (0, 0))

    def test_nothing_more_is_awaited_of_a_folder_that_was_still_being_read(self) -> None:
        call = TellList(SHARE, "folder", PEER, 12501, False, 1, 2, 0)
        owner = self.registry.owner_of(call, PC, now=0.0)
        update = ShareUpdate(self.room_list, call, owner)
        update.take('+["r",17]')
        list(update.finish())
        version = self.room_list.version
        self.hear(PC, now=1.0, leaving=True)
        self.assertEqual(self.lines(), [PC])
        is_whole, texts = self.room_list.texts_since(version)
        self.assertFalse(is_whole)
        self.assertEqual(list(texts)[1:], ['-["r",17]'])
        self.holder_says(SHARE, now=2.0, leaving=True)
        self.assertEqual((self.room_list._lines, self.room_list._size), (0, 0))
