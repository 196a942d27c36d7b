"""A checker, with trackers on loopback only."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from typing import Any
from unittest import mock

from roles.checker import Checker
from roles.net.interfaces import OwnAddress
from roles.swarm.acceptor import Acceptor
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError
from roles.values.events import RoleStopped
from roles.values.findings import (
    ClockChecked,
    DialBackChecked,
    FolderChecked,
    InterfaceChecked,
    PortChecked,
    SpaceChecked,
    TrackerChecked,
)
from roles.values.settings import CheckSettings
from tests.private_rooms import CODE, PrivateRoomTest
from tests.support import EventLog

HOST = "127.0.0.1"
CARD = OwnAddress(HOST, (HOST,), "card0")
# A tracker takes another address of loopback for another computer.
ELSEWHERE = "127.0.0.9"


class CheckerTest(PrivateRoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "downloads"
        self.settings = CheckSettings(
            self.target,
            tracker_port=self.free_port("udp"),
            seeder_port=self.free_port("tcp"),
            state_folder=self.folder,
        )

    def elsewhere(self) -> Address:
        """Of a tracker that counts as one on another computer."""
        self.constant("joining.tracker_locator", "is_own", lambda _host: False)
        return Address(ELSEWHERE, 0)

    def check(
        self,
        *ports: int,
        own: tuple[OwnAddress, ...] = (CARD,),
        listen_s: float = 0.3,
        **changes: Any,
    ) -> EventLog:
        log = EventLog()
        settings = replace(self.settings, **changes)
        self.run_role(Checker(settings, log, lambda: own, ports, listen_s), log)
        self.assertIsNone(log.wait_for(RoleStopped).failure)
        return log

    def test_every_finding_comes_once_and_in_order(self) -> None:
        tracker = self.tracker()
        log = self.check(tracker.address.port)
        self.assertEqual(
            [type(event) for event in log.events],
            [
                InterfaceChecked,
                TrackerChecked,
                PortChecked,
                PortChecked,
                DialBackChecked,
                FolderChecked,
                SpaceChecked,
                ClockChecked,
                RoleStopped,
            ],
        )
        self.assertFalse(self.target.exists())

    def test_it_says_where_it_asked_and_who_answered(self) -> None:
        tracker = self.tracker()
        log = self.check(tracker.address.port, tracker.address.port + 1, listen_s=2.0)
        (found,) = log.of(InterfaceChecked)
        self.assertEqual((found.interface, found.host), ("card0", HOST))
        self.assertIn(found.sent, (2, 4, 6, 8))  # again and again, to both ports
        self.assertEqual([tracker.address for tracker in found.heard], [tracker.address])
        (asked,) = log.of(TrackerChecked)
        self.assertEqual((asked.tracker, asked.failure), (tracker.address, None))
        self.assertTrue(asked.name)

    def test_each_address_has_its_own_answer(self) -> None:
        tracker = self.tracker()
        deaf = OwnAddress(HOST, ("127.0.0.77",), "card1")
        log = self.check(tracker.address.port, own=(CARD, deaf), listen_s=2.0)
        heard = {checked.interface: len(checked.heard) for checked in log.of(InterfaceChecked)}
        self.assertEqual(heard, {"card0": 1, "card1": 0})

    def test_a_computer_without_network_is_told_so(self) -> None:
        (found,) = self.check(own=()).of(InterfaceChecked)
        self.assertEqual(found.host, "")

    def test_an_address_that_is_gone_has_the_systems_reason(self) -> None:
        gone = OwnAddress("192.0.2.1", ("192.0.2.255",), "card0")
        (found,) = self.check(12500, own=(gone,)).of(InterfaceChecked)
        self.assertEqual(found.sent, 0)
        self.assertTrue(found.fault)

    def test_nothing_is_sent_when_the_search_is_off(self) -> None:
        tracker = self.tracker()
        log = self.check(tracker.address.port, may_search=False)
        (found,) = log.of(InterfaceChecked)
        self.assertEqual((found.sent, found.heard, found.fault), (0, (), ""))
        self.assertIsNone(log.of(TrackerChecked)[0].tracker)

    def test_a_silent_tracker_fails_and_nobody_is_asked_to_connect(self) -> None:
        self.constant("joining.tracker_asker", "TRIES_S", (0.05,))
        log = self.check(tracker=Address(HOST, self.free_port("udp")))
        self.assertIsNotNone(log.of(TrackerChecked)[0].failure)
        self.assertEqual(log.of(DialBackChecked), [])

    def test_an_original_tracker_is_known_and_does_not_connect(self) -> None:
        original = Address(*self.original_tracker().address)
        log = self.check(tracker=original)
        self.assertTrue(log.of(TrackerChecked)[0].is_original)
        self.assertIsNone(log.of(DialBackChecked)[0].is_reachable)

    def test_a_private_room_is_checked_by_its_code(self) -> None:
        tracker = self.private_tracker().address
        for code in ("", "482177306"):
            (asked,) = self.check(tracker=tracker, code=code).of(TrackerChecked)
            self.assertIsInstance(asked.failure, CodeRefusedError)
        ports = tracker.port, self.tracker().address.port
        (asked,) = self.check(*ports, code=CODE, listen_s=2.0).of(TrackerChecked)
        self.assertEqual((asked.tracker, asked.failure), (tracker, None))
        self.assertTrue(asked.is_private)
        self.assertTrue(asked.name)

    def test_a_tracker_of_this_computer_proves_nothing(self) -> None:
        (found,) = self.check(tracker=self.tracker().address).of(DialBackChecked)
        self.assertEqual((found.is_reachable, found.is_here), (None, True))

    def test_a_tracker_elsewhere_connects_and_the_room_stays_as_it_was(self) -> None:
        tracker = self.tracker(self.elsewhere())
        (found,) = self.check(tracker=tracker.address).of(DialBackChecked)
        self.assertEqual(
            (found.port, found.is_reachable), (self.settings.seeder_port, True), tracker.log.events
        )

    def test_the_tracker_of_a_private_room_elsewhere_connects(self) -> None:
        tracker = self.private_tracker(bind=self.elsewhere())
        (found,) = self.check(tracker=tracker.address, code=CODE).of(DialBackChecked)
        self.assertIs(found.is_reachable, True)

    def test_a_tracker_that_cannot_connect_is_a_finding(self) -> None:
        self.constant("room.dial_back", "ANSWER_S", 0.3)
        deaf = mock.patch.object(Acceptor, "look", lambda _self: time.sleep(0.01))
        self.enterContext(deaf)  # as behind a firewall, nothing that arrives is answered
        tracker = self.tracker(self.elsewhere())
        (found,) = self.check(tracker=tracker.address).of(DialBackChecked)
        self.assertIs(found.is_reachable, False)

    def test_what_the_program_knows_already_is_not_tested_again(self) -> None:
        tracker = self.tracker(self.elsewhere())
        log = self.check(
            tracker=tracker.address,
            own_ports=frozenset({self.settings.seeder_port}),
            known=(12502, False),
        )
        self.assertEqual(log.of(DialBackChecked), [DialBackChecked(12502, is_reachable=False)])
        self.assertTrue(log.of(PortChecked)[1].is_ours)

    def test_a_taken_port_has_a_reason_and_the_next_one(self) -> None:
        port = self.settings.seeder_port
        self.enterContext(socket.create_server((HOST, port)))
        found = self.check().of(PortChecked)[1]
        self.assertEqual((found.port, found.is_trackers), (port, False))
        self.assertIn("in use", found.fault)
        self.assertIn(found.instead, range(12501, 12511))

    def test_a_tracker_that_runs_here_is_no_other_program(self) -> None:
        tracker = self.tracker()
        port = tracker.address.port
        found = self.check(port, tracker_port=port).of(PortChecked)[0]
        self.assertTrue(found.is_ours)

    def test_a_folder_that_cannot_be_is_a_finding(self) -> None:
        self.target.write_bytes(b"")
        log = self.check(folder=self.target / "lessons")
        self.assertIsNotNone(log.of(FolderChecked)[0].failure)
        self.assertEqual(len(log.of(ClockChecked)), 1)

    def test_a_user_without_a_home_is_told_so_and_the_rest_is_checked(self) -> None:
        with mock.patch("roles.program.user_folders.home_folder", return_value=None):
            log = self.check(folder=None)
        self.assertIn("no home folder", str(log.of(FolderChecked)[0].failure))
        self.assertEqual(len(log.of(ClockChecked)), 1)
        self.assertEqual(log.of(SpaceChecked), [])

    def test_it_stops_at_once(self) -> None:
        log = EventLog()
        checker = Checker(self.settings, log, lambda: (CARD,), (9,), listen_s=600.0)
        running = self.run_role(checker, log)
        running.stop()
        self.assertIsNone(log.wait_for(RoleStopped).failure)
