"""Where a tracker is asked, and where it is looked for when it is silent: scripted trackers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any, cast
from unittest import mock

from roles.joining import tracker_locator
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import Limits, TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.net import datagrams
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.events import TrackerMoved
from roles.values.settings import Failover
from tests.role_test import RoomTest
from tests.scripted_tracker import ScriptedTracker, room_of
from tests.support import EventLog, at_once
from tests.test_discovery import targets_at
from tests.test_room_client import usual, verb_and_line, with_cookie

HERE, ELSEWHERE = "127.0.0.1", "10.0.0.5"


class Tracker(ScriptedTracker):
    """One of ours, which answers a search, and can be silent."""

    def __init__(self, name: str = "teacher", room: str = "") -> None:
        self.is_silent = False
        self._name, self._room = name, room
        super().__init__(self._answers)

    def _answers(self, datagram: bytes, before: int) -> Iterable[bytes]:
        if self.is_silent:
            return []
        verb, line = verb_and_line(datagram)
        if verb == "find_tracker":
            told = {"lmk": 2, "id": line["id"], "name": self._name, "port": self.address.port}
            told |= {"room": self._room} if self._room else {}
            return [b"success\n" + json.dumps(told).encode()]

        def answering(verb: str, line: dict[str, Any]) -> dict[str, Any]:
            told = usual(verb, line)
            return told | {"version": f"{self._room}-1", "name": self._name} if told else told

        return with_cookie(answering)(datagram, before)


class TrackerLocatorTestCase(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.log = EventLog()
        self.reached: list[Tracker] = []  # by a search
        self.locator_limits = Limits(
            0.5, search_again_s=(0.0, 0.0), fail_back_s=0.5, fail_back_again_s=0.0
        )
        self.constant("joining.tracker_search", "LINGER_S", 0.0)
        self.constant("joining.tracker_asker", "TRIES_S", (0.2,) * 5)

    def scripted_tracker(self, name: str = "teacher", room: str = "") -> Tracker:
        tracker = Tracker(name, room)
        self.addCleanup(tracker.close)
        return tracker

    def locator(self, tracker: Tracker, failover: Failover) -> TrackerLocator:
        return TrackerLocator(
            tracker.address,
            failover,
            self.log,
            lambda: targets_at(*(tracker.address for tracker in self.reached)),
            limits=self.locator_limits,
        )

    def asking(self, locator: TrackerLocator) -> RoomClient:
        return self.enterContext(RoomClient(locator))

    def moves(self) -> list[tuple[Address, Address]]:
        return [(move.former, move.tracker) for move in self.log.of(TrackerMoved)]


class FollowingTest(TrackerLocatorTestCase):
    def test_the_same_run_of_a_tracker_is_found_where_it_is_now_though_it_was_named(self) -> None:
        before, now = (
            self.scripted_tracker(room="5f0c9a12"),
            self.scripted_tracker("other name", "5f0c9a12"),
        )
        client = self.asking(self.locator(before, Failover.SAME))
        client.list_version()
        before.is_silent, self.reached = True, [self.scripted_tracker("teacher", "00000000"), now]
        self.assertIsNotNone(client.list_version())
        self.assertEqual(self.moves(), [(before.address, now.address)])
        self.assertEqual(client._locator.current(), now.address)

    def test_no_other_takes_the_place_of_one_that_was_named_and_those_are_told(self) -> None:
        named, other = (
            self.scripted_tracker(room="5f0c9a12"),
            self.scripted_tracker(room="11111111"),
        )
        client = self.asking(self.locator(named, Failover.SAME))
        client.list_version()
        named.is_silent, self.reached = True, [other]
        with self.assertRaisesRegex(TrackerSilentError, f"answers at {other.address}: name it"):
            client.list_version()
        self.assertEqual(self.moves(), [])

    def test_in_place_of_one_that_was_found_the_only_other_is_used(self) -> None:
        first, other = (
            self.scripted_tracker(room="5f0c9a12"),
            self.scripted_tracker("another pc", "11111111"),
        )
        client = self.asking(self.locator(first, Failover.ANY))
        client.list_version()
        first.is_silent, self.reached = True, [other]
        self.assertIsNotNone(client.list_version())
        self.assertEqual(self.moves(), [(first.address, other.address)])

    def test_among_several_others_one_of_its_computers_name_is_used_and_else_none(self) -> None:
        first = self.scripted_tracker("teacher", "5f0c9a12")
        others = [self.scripted_tracker("a", "11111111"), self.scripted_tracker("b", "22222222")]
        client = self.asking(self.locator(first, Failover.ANY))
        client.list_version()
        first.is_silent, self.reached = True, others
        with self.assertRaises(TrackerSilentError):
            client.list_version()
        self.reached = [*others, restarted := self.scripted_tracker("teacher", "33333333")]
        self.assertIsNotNone(client.list_version())
        self.assertEqual(self.moves(), [(first.address, restarted.address)])

    def test_a_stranger_that_answers_a_search_catches_nobody_of_a_living_tracker(self) -> None:
        ours, rogue = (
            self.scripted_tracker("teacher", "5f0c9a12"),
            self.scripted_tracker("teacher", "5f0c9a12"),
        )
        self.reached = [rogue]
        client = self.asking(self.locator(ours, Failover.ANY))
        for _ in range(3):
            client.list_version()
        self.assertEqual((self.moves(), rogue.heard), ([], []))

    def test_one_that_answers_the_search_itself_is_not_left(self) -> None:
        """It dropped some questions, for want of time."""
        ours, rogue = (
            self.scripted_tracker("teacher", "5f0c9a12"),
            self.scripted_tracker("a rogue", "5f0c9a12"),
        )
        locator = self.locator(ours, Failover.ANY)
        self.asking(locator).list_version()
        self.reached = [rogue, ours]
        self.assertFalse(locator.fail_over())
        self.assertEqual(self.moves(), [])

    def test_once_it_answers_again_the_one_that_stood_in_is_left(self) -> None:
        ours, rogue = (
            self.scripted_tracker("teacher", "5f0c9a12"),
            self.scripted_tracker("rogue", "11111111"),
        )
        client = self.asking(self.locator(ours, Failover.ANY))
        client.list_version()
        ours.is_silent, self.reached = True, [rogue]
        client.list_version()
        client.list_version()  # it is asked whether it is back, and is not
        ours.is_silent = False
        client.list_version()
        there_and_back = [(ours.address, rogue.address), (rogue.address, ours.address)]
        self.assertEqual(self.moves(), there_and_back)
        self.assertTrue(self.log.of(TrackerMoved)[-1].is_back)

    def test_another_one_at_its_old_address_is_not_it(self) -> None:
        ours, other = (
            self.scripted_tracker("teacher", "5f0c9a12"),
            self.scripted_tracker("other", "11111111"),
        )
        client = self.asking(self.locator(ours, Failover.ANY))
        client.list_version()
        ours.is_silent, self.reached = True, [other]
        client.list_version()
        ours._name, ours._room, ours.is_silent = "stranger", "44444444", False
        client.list_version()
        self.assertEqual(len(self.moves()), 1)

    def test_whoever_found_none_at_first_takes_the_one_that_starts_later_for_good(self) -> None:
        nobody = self.scripted_tracker()
        nobody.is_silent = True
        client = self.asking(self.locator(nobody, Failover.ANY))
        with self.assertRaises(TrackerSilentError):
            client.list_version()
        self.reached = [late := self.scripted_tracker(room="5f0c9a12")]
        self.assertIsNotNone(client.list_version())
        nobody.is_silent = False
        client.list_version()
        self.assertEqual(self.moves(), [(nobody.address, late.address)])

    def test_an_original_is_followed_too_when_it_is_the_only_one(self) -> None:
        first = self.scripted_tracker(room="5f0c9a12")
        original = ScriptedTracker(
            lambda datagram, n: (
                [b"error\nNone"] if datagram.startswith(b"find") else room_of(datagram, n)
            )
        )
        self.addCleanup(original.close)
        locator = TrackerLocator(
            first.address,
            Failover.ANY,
            self.log,
            lambda: targets_at(original.address),
            limits=self.locator_limits,
        )
        client = self.asking(locator)
        client.list_version()
        first.is_silent = True
        with TrackerClient(locator) as plain:
            self.assertEqual(plain.seeders(), (Address("10.0.0.7", 12501),))
        self.assertEqual(self.moves(), [(first.address, original.address)])

    def test_where_searching_is_off_nobody_is_asked(self) -> None:
        silent, other = self.scripted_tracker(), self.scripted_tracker()
        silent.is_silent, self.reached = True, [other]
        with self.assertRaises(TrackerSilentError):
            self.asking(self.locator(silent, Failover.NOWHERE)).list_version()
        self.assertEqual(other.heard, [])

    def test_it_is_looked_for_now_and_then_only_but_at_once_on_another_network(self) -> None:
        self.locator_limits = self.locator_limits._replace(search_again_s=(60.0, 60.0))
        silent, other = self.scripted_tracker(), self.scripted_tracker()
        silent.is_silent, self.reached = True, []
        locator = self.locator(silent, Failover.ANY)
        self.assertFalse(locator.fail_over())
        self.reached = [other]
        with at_once():
            self.assertFalse(locator.fail_over())
        locator.network_changed()
        self.assertTrue(locator.fail_over())

    def test_what_the_old_one_gave_is_not_said_to_the_next(self) -> None:
        before, now = self.scripted_tracker(room="5f0c9a12"), self.scripted_tracker(room="5f0c9a12")
        client = self.asking(self.locator(before, Failover.SAME))
        client.list_version()
        self.assertTrue(client.cookie)
        before.is_silent, self.reached = True, [now]
        client._locator.fail_over()
        client.list_version()
        first = next(
            datagram for datagram in now.heard if datagram.startswith(b"request_file_list")
        )
        self.assertNotIn(b"cookie", first)


class AddressesTest(TrackerLocatorTestCase):
    def asked_at(self, tracker: Address, own: tuple[str, ...]) -> list[str]:
        with (
            mock.patch.object(tracker_locator, "own_addresses", lambda: own),
            mock.patch.object(tracker_locator, "is_own", lambda host: host in (*own, HERE)),
        ):
            return [address.host for address in TrackerLocator(tracker).addresses()]

    def test_one_elsewhere_is_asked_there_only(self) -> None:
        self.assertEqual(self.asked_at(Address(ELSEWHERE, 5), ("10.0.0.1",)), [ELSEWHERE])

    def test_one_on_this_machine_is_asked_at_each_of_its_addresses(self) -> None:
        own = ("10.0.0.1", "10.0.1.1")
        self.assertEqual(self.asked_at(Address("10.0.1.1", 5), own), ["10.0.1.1", "10.0.0.1", HERE])
        self.assertEqual(self.asked_at(Address(HERE, 5), own), [HERE, *own])

    def test_it_is_still_on_this_machine_when_the_address_that_was_named_is_gone(self) -> None:
        locator = TrackerLocator(Address("10.0.0.1", 5))
        for own, expected in (
            (["10.0.0.1"], ["10.0.0.1", HERE]),
            (["10.0.0.2"], ["10.0.0.2", HERE]),
        ):
            with (
                mock.patch.object(tracker_locator, "own_addresses", lambda own=own: tuple(own)),
                mock.patch.object(
                    tracker_locator, "is_own", lambda host, own=own: host in (*own, HERE)
                ),
            ):
                found = [address.host for address in locator.addresses()]
                self.assertEqual(found, expected)
                locator.answered(Address(found[0], 5))
                self.assertEqual(locator.shown, Address(found[0], 5))

    def test_of_a_names_addresses_a_dead_one_is_passed_over_and_the_living_one_kept(self) -> None:
        living = self.scripted_tracker()
        dead = Address("127.0.0.99", living.address.port)
        with mock.patch.object(tracker_locator, "looked_up", lambda *_: (dead, living.address)):
            client = self.asking(TrackerLocator(Address("teacher", living.address.port)))
            self.assertIsNotNone(client.list_version())
            self.assertEqual(client._locator.current(), living.address)

    def test_a_silent_name_is_looked_up_again(self) -> None:
        old, new = self.scripted_tracker(), self.scripted_tracker()
        known = [old.address]
        with mock.patch.object(tracker_locator, "looked_up", lambda *_: tuple(known)):
            client = self.asking(TrackerLocator(Address("teacher", 1)))
            client.list_version()
            old.is_silent, known[:] = True, [new.address]
            with self.assertRaises(TrackerSilentError):
                client.list_version()
            self.assertIsNotNone(client.list_version())

    def test_a_question_whose_own_address_went_is_sent_from_another(self) -> None:
        tracker = self.scripted_tracker()
        client = self.asking(TrackerLocator(tracker.address))
        real, faults = datagrams.DatagramChannel, [OSError(22, "Invalid argument")]

        def talk_with(address: Address) -> datagrams.DatagramChannel:
            channel = real(address)
            if faults:
                error = mock.Mock(side_effect=faults.pop())
                return cast(datagrams.DatagramChannel, mock.Mock(wraps=channel, send=error))
            return channel

        with mock.patch.object(datagrams, "DatagramChannel", talk_with):
            self.assertIsNotNone(client.list_version())

    def test_it_ends_at_once_when_the_program_does(self) -> None:
        self.locator_limits = self.locator_limits._replace(search_s=60.0)
        silent = self.scripted_tracker()
        silent.is_silent = True
        locator = self.locator(silent, Failover.ANY)
        timer = threading.Timer(0.3, locator.stopping.set)
        timer.start()
        with (
            at_once(),
            RoomClient(locator) as client,
            self.assertRaises(TrackerSilentError),
        ):
            client.list_version()
        timer.join()
