"""Finding trackers, on loopback only: no broadcast leaves this computer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from unittest import mock

from roles.discovery import Discovery, Pace
from roles.joining.found_trackers import UNANSWERED
from roles.values.addresses import EVERY_INTERFACE, Address
from roles.values.events import RoleStopped, TrackersFound
from roles.values.findings import FoundTracker
from tests.scripted_tracker import ScriptedTracker
from tests.support import PROMPT_S, EventLog, LmkTestCase, wait_until

Script = Callable[[bytes, int], Iterable[bytes]]


def of_ours(name: str = "lab-pc-01", port: int = 0, **changes: object) -> Script:
    def script(datagram: bytes, _: int) -> list[bytes]:
        line = json.loads(datagram.split(b"\n")[1])
        answer = {"lmk": 2, "id": line["id"], "name": name, "port": port} | changes
        return [b"success\n" + json.dumps(answer).encode()]

    return script


def of_an_original(_: bytes, __: int) -> list[bytes]:
    return [b"error\nNone"]


def targets_at(*addresses: Address) -> list[tuple[str, Address]]:
    """Where a search asks."""
    return [(EVERY_INTERFACE, address) for address in addresses]


class DiscoveryTestCase(LmkTestCase):
    def tracker(self, script: Script) -> ScriptedTracker:
        tracker = ScriptedTracker(script)
        self.addCleanup(tracker.close)
        return tracker

    def ours(self, name: str = "lab-pc-01") -> ScriptedTracker:
        """It answers with its own port, as ours do."""

        def script(datagram: bytes, before: int) -> Iterable[bytes]:
            return of_ours(name, tracker.address.port)(datagram, before)

        tracker = self.tracker(script)
        return tracker

    def found(self, tracker: ScriptedTracker, name: str = "lab-pc-01") -> FoundTracker:
        return FoundTracker(tracker.address, name, is_original=False)


class DiscoveryTest(DiscoveryTestCase):
    def discovery(
        self, *addresses: Address, remembered: tuple[Address, ...] = (), first_pause_s: float = 1.0
    ) -> EventLog:
        log, pace = EventLog(), Pace(first_pause_s=first_pause_s)
        role = Discovery(log, remembered, lambda: targets_at(*addresses), pace=pace)
        role.start()
        self.addCleanup(role.join, 5.0)
        self.addCleanup(role.stop)
        self.role = role
        return log

    def test_trackers_of_both_kinds_are_found(self) -> None:
        ours, original = self.ours(), self.tracker(of_an_original)
        log = self.discovery(ours.address, original.address)
        log.wait_for(TrackersFound, where=lambda event: len(event.trackers) == 2)
        self.assertEqual(
            log.of(TrackersFound)[-1].trackers,
            (self.found(ours), FoundTracker(original.address, "", is_original=True)),
        )

    def test_remembered_trackers_are_asked_where_they_were(self) -> None:
        ours = self.ours()
        log = self.discovery(remembered=(ours.address, Address("no..host", 1)))
        self.assertEqual(log.wait_for(TrackersFound).trackers, (self.found(ours),))

    def test_it_calls_once_a_second_at_first_and_tells_nothing_twice(self) -> None:
        ours = self.ours()
        log = self.discovery(ours.address, first_pause_s=0.05)
        wait_until(lambda: len(ours.heard) == 5)
        log.wait_for(TrackersFound)
        self.assertEqual(len(log.of(TrackersFound)), 1)
        fields = ours.heard[0].split(b"\n")
        self.assertEqual((fields[0], len(ours.heard[0])), (b"find_tracker", 256))
        self.assertEqual(json.loads(fields[1])["lmk"], 2)

    def test_later_it_calls_seldom(self) -> None:
        ours = self.ours()
        self.discovery(ours.address, first_pause_s=0.01)
        wait_until(lambda: len(ours.heard) == 5)
        time.sleep(0.3)
        self.assertEqual(len(ours.heard), 5)

    def test_a_tracker_that_falls_silent_is_asked_again_soon_and_forgotten(self) -> None:
        def script(datagram: bytes, before: int) -> Iterable[bytes]:
            return of_ours(port=ended.address.port)(datagram, before) if before < 3 else ()

        ended, other = self.tracker(script), self.ours("other")
        log = self.discovery(ended.address, other.address, first_pause_s=0.05)
        log.wait_for(TrackersFound, where=lambda event: len(event.trackers) == 2)
        lasting = (self.found(other, "other"),)
        wait_until(lambda: log.of(TrackersFound)[-1].trackers == lasting)
        self.assertGreaterEqual(len(ended.heard), 3 + UNANSWERED)

    def test_answers_to_others_and_garbage_are_skipped(self) -> None:
        ours = self.ours()
        for script in (
            of_ours("spoilt", 12500, id="f" * 16),
            of_ours("spoilt", 0),
            of_ours("spoilt", 12500, lmk=1),
            lambda *_: [b"", b"success", b"\xff", b"error\nnone", b"x" * 5_000],
        ):
            spoilt = self.tracker(script)
            log = self.discovery(spoilt.address, ours.address)
            log.wait_for(TrackersFound)
            wait_until(lambda spoilt=spoilt: len(spoilt.heard) > 1)  # type: ignore[misc]
            self.assertEqual(log.of(TrackersFound)[-1].trackers, (self.found(ours),))

    def test_one_that_sends_others_to_a_service_is_skipped_unless_it_was_asked_there(self) -> None:
        ours = self.ours()
        spoilt = self.tracker(of_ours("spoilt", 9100))
        log = self.discovery(spoilt.address, ours.address)
        log.wait_for(TrackersFound)
        wait_until(lambda: len(spoilt.heard) > 1)
        self.assertEqual(log.of(TrackersFound)[-1].trackers, (self.found(ours),))
        with mock.patch("roles.values.addresses.SERVICE_PORTS", {ours.address.port: "other"}):
            log = self.discovery(remembered=(ours.address,))
            self.assertEqual(log.wait_for(TrackersFound).trackers, (self.found(ours),))

    def test_it_stops_at_once(self) -> None:
        log = self.discovery(first_pause_s=60.0)
        self.role.stop()
        self.assertTrue(self.role.join(PROMPT_S))
        self.assertEqual(log.of(RoleStopped), [RoleStopped(None)])

    def test_a_network_that_is_down_ends_nothing(self) -> None:
        ours = self.ours()
        log = self.discovery(Address("127.0.0.1", 0), ours.address)
        log.wait_for(TrackersFound)
        self.assertEqual(log.of(TrackersFound)[-1].trackers, (self.found(ours),))
