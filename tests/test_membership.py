"""Being in a tracker's room: with a tracker of ours, an original one, and scripted ones."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

from roles.joining.list_client import fetch_list
from roles.joining.membership import Announced, Membership, Pace, Seeding, _news_in
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import (
    ReachabilityChanged,
    RoleStarted,
    RoomChanged,
    TrackerAnswered,
    TrackerLost,
)
from roles.values.participants import Participant, ParticipantState, Status, TransferStatus
from roles.values.settings import TrackerSettings
from tests.scripted_tracker import Script, ScriptedTracker, room_of
from tests.support import LIMIT_S, EventLog, LmkTestCase, at_once, wait_until
from tests.test_room_client import usual, verb_and_line, with_cookie
from tests.tracker_requests import Own

LISTENING = Address("127.0.0.1", 12701)
QUICK = Pace(
    ping_s=0.2,
    moving_ping_s=0.1,
    lmk1_ping_s=0.2,
    state_ping_s=0.05,
    early_ping_s=0.05,
    again_s=0.05,
    poll_s=0.01,
)
CALM = QUICK._replace(ping_s=600.0, moving_ping_s=600.0, lmk1_ping_s=600.0)
SHARE, OTHER = "1" * 16, "2" * 16


@dataclass
class Shown:
    """The files for LMK/1 readers, and what became of them."""

    files: Mapping[str, int]
    heard: Announced | None = None

    def look(self, announced: Announced) -> Mapping[str, int]:
        self.heard = announced
        return self.files

    def is_told(self, count: int, *, takes_shares: bool) -> bool:
        heard = self.heard
        return heard is not None and (heard.lmk1_files, heard.lmk1_count, heard.takes_shares) == (
            self.files,
            count,
            takes_shares,
        )


class MembershipTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.status = Status("available")
        self.log = EventLog()
        self.stopping = threading.Event()
        self.room = EventLog()

    def member(
        self,
        tracker: Address,
        pace: Pace = QUICK,
        listening: Address = LISTENING,
        *,
        is_leecher: bool = False,
        own: Own | None = None,
        shown: Shown | None = None,
        machine_key: bytes = b"",
    ) -> Membership:
        locator = self.locator = TrackerLocator(tracker, stopping=self.stopping)
        member = Membership(
            locator,
            self.log,
            lambda: self.status,
            None
            if is_leecher
            else Seeding(
                own or Own(), shown.look if shown else lambda _: None, TrackerClient(locator)
            ),
            machine_key=machine_key,
            pace=pace,
        )
        self.thread = threading.Thread(target=member.run, args=(listening,), name="lmk-member")
        self.thread.start()
        self.addCleanup(self.leave)
        return member

    def network_changed(self, member: Membership) -> None:
        self.locator.network_changed()
        member.wake()

    def leave(self) -> None:
        self.stopping.set()
        self.thread.join()

    def tracker(self, bind: Address | None = None) -> tuple[Tracker, Address]:
        self.room = EventLog()
        bind = bind or self.free_address()
        role = Tracker(TrackerSettings(bind, bind_exactly=True), self.room)
        role.start()
        self.addCleanup(role.join, 5.0)
        self.addCleanup(role.stop)
        address = self.room.wait_for(RoleStarted).address
        assert address is not None
        return role, address

    def scripted(self, script: Script) -> ScriptedTracker:
        tracker = ScriptedTracker(script)
        self.addCleanup(tracker.close)
        return tracker

    def participants(self) -> tuple[Participant, ...]:
        changes = self.room.of(RoomChanged)
        return changes[-1].participants if changes else ()

    def has_machine_at(self, port: int) -> bool:
        return bool(self.machines_at(port))

    def machines_at(self, port: int) -> list[str]:
        there = (
            participant for participant in self.participants() if participant.address.port == port
        )
        return [participant.status.machine for participant in there if participant.status.machine]

    def wait_for_member(self, where: Callable[[Participant], bool]) -> None:
        wait_until(lambda: any(map(where, self.participants())))


class InTheRoomTest(MembershipTestCase):
    def test_a_seeder_is_listed_and_told_so(self) -> None:
        _, address = self.tracker()
        member = self.member(address, CALM)
        self.assertEqual(self.log.wait_for(TrackerAnswered), TrackerAnswered(address, False))
        self.wait_for_member(lambda member: member.address == LISTENING and not member.is_leecher)
        self.assertEqual(self.participants()[0].name, socket.gethostname())
        self.assertEqual((member.advertised, member.is_original), (LISTENING, False))

    def test_programs_of_one_computer_have_one_machine_and_others_another(self) -> None:
        _, address = self.tracker()
        self.status = Status(ParticipantState.GIVING)
        machines = list[str]()
        for port, key in ((12701, b"ours"), (12702, b"ours"), (12703, b"another user's")):
            self.member(address, CALM, Address("127.0.0.1", port), machine_key=key)
            wait_until(partial(self.has_machine_at, port))
            machines += self.machines_at(port)
            self.leave()
            self.stopping.clear()
        self.assertEqual(machines[0], machines[1])
        self.assertNotEqual(machines[0], machines[2])

    def test_pings_come_more_often_while_something_moves(self) -> None:
        _, address = self.tracker()
        member = self.member(address, CALM._replace(moving_ping_s=0.02, early_ping_s=600.0))
        wait_until(lambda: member.advertised is not None)
        self.status = Status(ParticipantState.DOWNLOADING, down=5, have=1, size=9)
        self.wait_for_member(lambda member: member.status.have == 1)
        self.status = replace(self.status, have=2)
        self.wait_for_member(lambda member: member.status.have == 2)

    def test_an_upload_that_begins_is_told_before_the_next_ping_of_a_calm_program(self) -> None:
        _, address = self.tracker()
        self.status = Status(ParticipantState.GIVING)
        self.member(address, CALM._replace(moving_ping_s=0.02))
        self.wait_for_member(lambda member: member.status.state == ParticipantState.GIVING)
        self.status = replace(self.status, up=7, given=7)
        self.wait_for_member(lambda member: member.status.given == 7)

    def test_a_leecher_is_listed_without_a_word_to_its_window(self) -> None:
        _, address = self.tracker()
        member = self.member(address, CALM, is_leecher=True)
        self.wait_for_member(
            lambda member: member.is_leecher and member.status.state == "available"
        )
        self.assertEqual(member.advertised, LISTENING)
        self.assertEqual(self.log.events, [])

    def test_another_state_and_what_is_under_way_are_told_soon(self) -> None:
        _, address = self.tracker()
        self.member(address, CALM)
        self.wait_for_member(lambda member: member.status.state == "available")
        transfer = TransferStatus("a", 1, 2, 3.0, "downloading", "slow")
        self.status = Status("connected", (), 5, 6, "why", (transfer,))
        self.wait_for_member(lambda member: member.status.state == "connected")
        (member,) = self.participants()
        self.assertEqual(replace(member.status, shares=()), self.status)

    def test_a_reason_with_another_number_is_no_reason_to_ping_early(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        self.status = Status("giving", reason="reading its folder, 12,345 files left")
        with mock.patch("roles.joining.membership._news_in", side_effect=_news_in) as looked:
            self.member(tracker.address, CALM._replace(early_ping_s=600.0))
            wait_until(lambda: looked.call_count > 2)
            before, looks = len(tracker.heard), looked.call_count
            self.status = Status("giving", reason="reading its folder, 999 files left")
            wait_until(lambda: looked.call_count > looks + 4)
            self.assertEqual(len(tracker.heard), before)
            self.status = Status("giving", reason="all upload slots are in use")
            wait_until(lambda: b"slots" in tracker.heard[-1])

    def test_other_shares_are_told_at_once(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        self.member(tracker.address, CALM, is_leecher=True)
        wait_until(lambda: b"ping_tracker" in tracker.heard[-1] if tracker.heard else False)
        self.status = Status("available", tuple(f"{number:016}" for number in range(10)))
        wait_until(lambda: len(verb_and_line(tracker.heard[-1])[1].get("shares", ())) == 8)

    def test_who_leaves_is_gone_at_once(self) -> None:
        _, address = self.tracker()
        self.member(address, CALM)
        self.wait_for_member(lambda member: member.address == LISTENING)
        with at_once():
            self.leave()
        wait_until(lambda: all(participant.has_left for participant in self.participants()))

    def test_leaving_a_tracker_that_is_silent_ends_after_a_while(self) -> None:
        self.enterContext(mock.patch("roles.joining.tracker_asker.TRIES_S", (60.0,)))
        ours = with_cookie(usual)
        tracker = self.scripted(lambda d, n: [] if b'"leaving"' in d else ours(d, n))
        self.member(tracker.address, CALM)
        self.log.wait_for(TrackerAnswered)
        with at_once():
            self.leave()

    def test_the_last_word_gets_through_although_the_cookie_ran_out(self) -> None:
        cookies = ["c" * 24]
        tracker = self.scripted(lambda d, n: with_cookie(usual, cookies[0])(d, n))
        self.member(tracker.address, CALM)
        wait_until(lambda: b"ping_tracker" in tracker.heard[-1] if tracker.heard else False)
        cookies[0] = "d" * 24
        with mock.patch("roles.joining.room_client.LEAVE_S", LIMIT_S):
            self.leave()
        self.assertIn(b"d" * 24, tracker.heard[-1])
        self.assertIn(b'"leaving":true', tracker.heard[-1])


class ComingBackTest(MembershipTestCase):
    def test_a_tracker_that_starts_anew_has_it_and_its_list_back(self) -> None:
        role, address = self.tracker()
        self.member(address, own=Own())
        self.wait_for_member(lambda member: member.address == LISTENING)
        role.stop()
        self.assertTrue(role.join(LIMIT_S))
        self.tracker(address)
        self.wait_for_member(lambda member: member.address == LISTENING)
        wait_until(lambda: self.listed(address) == ["+a", "+b"])

    def listed(self, address: Address) -> list[str]:
        lines = fetch_list(TrackerLocator(address), "").lines
        return [line for line in lines if line.startswith("+")]

    def test_a_silent_tracker_is_said_and_one_that_comes_up_is_found(self) -> None:
        address = Address("127.0.0.1", self.free_port("udp"))
        with (
            mock.patch("roles.joining.tracker_asker.TRIES_S", (0.02, 0.02)),
            self.assertLogs("roles.joining.membership", "WARNING"),
        ):
            self.member(address)
            self.assertEqual(self.log.wait_for(TrackerLost).tracker, address)
        self.tracker(address)
        self.log.wait_for(TrackerAnswered)

    def test_who_is_forgotten_registers_again(self) -> None:
        forgotten = threading.Event()

        def script(datagram: bytes, before: int) -> Iterable[bytes]:
            verb, line = verb_and_line(datagram)
            if verb == "ping_tracker" and forgotten.is_set():
                forgotten.clear()
                text = {"lmk": 2, "id": line["id"], "code": "unknown", "text": ""}
                return [b"error\n" + json.dumps(text).encode()]
            return with_cookie(usual)(datagram, before)

        tracker = self.scripted(script)
        self.member(tracker.address)
        wait_until(lambda: self.count(tracker, b"ping_tracker") > 1)
        before = self.count(tracker, b"add_seeder")
        forgotten.set()
        wait_until(lambda: self.count(tracker, b"add_seeder") > before)
        self.assertEqual(len(self.log.of(TrackerAnswered)), 1)
        self.assertEqual(self.log.of(TrackerLost), [])

    def count(self, tracker: ScriptedTracker, verb: bytes) -> int:
        return sum(datagram.startswith(verb) for datagram in list(tracker.heard))

    def test_when_the_network_changed_it_registers_anew_at_once(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        member = self.member(tracker.address, CALM)
        wait_until(lambda: self.count(tracker, b"ping_tracker") > 0)
        for _ in range(3):
            before = self.count(tracker, b"add_seeder")
            self.network_changed(member)
            wait_until(lambda before=before: self.count(tracker, b"add_seeder") > before)  # type: ignore[misc]

    def test_another_own_address_is_told_at_once(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        with mock.patch(
            "roles.joining.membership.own_address_towards", return_value="10.0.0.1"
        ) as own:
            member = self.member(tracker.address, CALM, Address("0.0.0.0", 12701))
            wait_until(lambda: member.advertised == Address("10.0.0.1", 12701))
            own.return_value = "10.0.0.2"
            self.network_changed(member)
            wait_until(lambda: member.advertised == Address("10.0.0.2", 12701))
            last = [request for request in tracker.heard if request.startswith(b"add_seeder")][-1]
            self.assertIn(b'["10.0.0.2",12701]', last)
            self.leave()

    def test_whether_others_can_connect_is_asked_soon_and_said_when_it_changes(self) -> None:
        told: list[object] = [None, None, False]

        def answering(verb: str, line: dict[str, Any]) -> dict[str, Any]:
            if verb != "ping_tracker":
                return usual(verb, line)
            return {"reachable": told.pop(0) if len(told) > 1 else told[0]}

        tracker = self.scripted(with_cookie(answering))
        member = self.member(tracker.address, CALM)
        self.assertEqual(
            self.log.wait_for(ReachabilityChanged), ReachabilityChanged(LISTENING, False)
        )
        self.assertIs(member.is_reachable, False)
        told[0] = True
        self.status = Status("away")
        wait_until(lambda: len(self.log.of(ReachabilityChanged)) == 2)
        self.assertIs(member.is_reachable, True)

    def test_who_is_not_reached_at_once_seems_unreachable_before_the_tracker_is_sure(
        self,
    ) -> None:
        told: list[object] = [None]

        def answering(verb: str, line: dict[str, Any]) -> dict[str, Any]:
            return {"reachable": told[0]} if verb == "ping_tracker" else usual(verb, line)

        tracker = self.scripted(with_cookie(answering))
        member = self.member(tracker.address, listening=Address("10.0.0.2", 12701))
        wait_until(lambda: member.advertised is not None)
        wait_until(lambda: member.seems_unreachable)
        self.assertIsNone(member.is_reachable)
        told[0] = True
        wait_until(lambda: not member.seems_unreachable)
        told[0] = False
        wait_until(lambda: member.seems_unreachable)

    def test_on_loopback_where_nobody_tries_it_nobody_is_called(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        member = self.member(tracker.address)
        wait_until(
            lambda: sum(request.startswith(b"ping_tracker") for request in tracker.heard) >= 3
        )
        self.assertFalse(member.seems_unreachable)


class ListTest(MembershipTestCase):
    def test_the_share_is_told_and_named_in_each_ping(self) -> None:
        _, address = self.tracker()
        own = Own()
        self.status = Status("available", (OTHER, SHARE))
        self.member(address, CALM, own=own)
        wait_until(lambda: self.lines(address) == [f'S["{SHARE}","maps"]', "+a", "+b"])

    def lines(self, address: Address) -> list[str]:
        return list(fetch_list(TrackerLocator(address), "").lines)

    def test_the_own_share_comes_first_and_once(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        self.status = Status("available", (OTHER, SHARE))
        with self.assertLogs("roles.joining.list_upload", "WARNING") as log:  # it takes no lists
            self.member(tracker.address, CALM, own=Own())
            wait_until(lambda: bool(log.output) and b"ping_tracker" in tracker.heard[-1])
            self.leave()
        pings = [request for request in tracker.heard if request.startswith(b"ping_tracker")]
        self.assertEqual(verb_and_line(pings[-1])[1]["shares"], [SHARE, OTHER])

    def test_a_tracker_that_takes_no_list_keeps_the_seeder(self) -> None:
        tracker = self.scripted(with_cookie(usual))
        with self.assertLogs("roles.joining.list_upload", "WARNING") as log:
            self.member(tracker.address, own=Own())
            wait_until(lambda: bool(log.output) and len(tracker.heard) > 8)
            self.leave()
        self.assertEqual(self.log.of(TrackerLost), [])

    def test_lmk1_readers_are_told_of_the_files_of_the_top_level(self) -> None:
        _, address = self.tracker()
        shown = Shown({"a": 5})
        self.member(address, CALM, own=Own(), shown=shown)
        wait_until(lambda: shown.is_told(1, takes_shares=True))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(LIMIT_S)
            sock.sendto(b"request_file_list", address)
            self.assertEqual(json.loads(sock.recv(2048)), {"a": 5})
        shown.files = {"a": 5, "b": 6}
        wait_until(lambda: shown.is_told(2, takes_shares=True))


class OriginalTest(MembershipTestCase):
    def test_a_seeder_goes_on_in_lmk1(self) -> None:
        tracker = self.scripted(room_of)
        shown = Shown({"b": 6})
        member = self.member(tracker.address, own=Own(), shown=shown)
        self.assertEqual(self.log.wait_for(TrackerAnswered).is_original, True)
        wait_until(lambda: shown.is_told(1, takes_shares=False))
        self.assertTrue(member.is_original)
        self.leave()
        uploaded = [request for request in tracker.heard if request.startswith(b"upload_file_list")]
        self.assertEqual(json.loads(uploaded[0].split(b"\n")[1]), {"a.txt": 5, "b": 6})
        self.assertNotIn(b"leaving", b"".join(tracker.heard))

    def test_a_leecher_is_never_registered_there(self) -> None:
        tracker = self.scripted(room_of)
        member = self.member(tracker.address, QUICK._replace(ping_s=0.05), is_leecher=True)
        wait_until(lambda: len(tracker.heard) > 3)
        self.leave()
        for datagram in tracker.heard:
            self.assertTrue(datagram.startswith(b"request_file_list\n"), datagram)
        self.assertEqual((member.is_original, member.advertised), (True, None))
        self.assertEqual(self.log.events, [])

    def test_a_tracker_of_ours_in_its_place_is_noticed(self) -> None:
        scripts: list[Script] = [room_of]
        tracker = self.scripted(lambda d, n: scripts[0](d, n))
        member = self.member(tracker.address, is_leecher=True)
        wait_until(lambda: member.is_original is True)
        scripts[0] = with_cookie(usual)
        wait_until(lambda: member.is_original is False)
        scripts[0] = room_of
        wait_until(lambda: member.is_original is True)

    def test_a_seeder_notices_it_too_though_that_takes_its_ping_for_one_of_an_original(
        self,
    ) -> None:
        def ours(datagram: bytes, number: int) -> Iterable[bytes]:
            answered = with_cookie(usual) if b'"lmk"' in datagram else room_of
            return answered(datagram, number)

        scripts: list[Script] = [room_of]
        tracker = self.scripted(lambda d, n: scripts[0](d, n))
        member = self.member(tracker.address, own=Own(), shown=Shown({"b": 6}))
        wait_until(lambda: member.is_original is True)
        scripts[0] = ours
        wait_until(lambda: member.is_original is False)
