"""Roles on a computer whose addresses change: loopback's addresses stand for those of a network."""

from __future__ import annotations

import socket
from unittest import mock

from roles.discovery import Discovery, Pace
from roles.net import connection
from roles.net.address_watch import AddressWatch
from roles.net.connection import Connection
from roles.seeder import Seeder
from roles.values.addresses import Address
from roles.values.events import (
    CUT_OFF,
    DownloadChanged,
    DownloadState,
    NetworkChanged,
    TrackerAnswered,
    TrackersFound,
    UploadsChanged,
)
from tests.disks import some_bytes
from tests.role_test import RoomTest, Running, lose_patience, order, wait_for_end
from tests.scripted_tracker import ScriptedTracker
from tests.support import LIMIT_S, EventLog, wait_until
from tests.test_discovery import of_ours, targets_at
from tests.tracker_requests import ask

HERE = "127.0.0.1"
RATE = 200_000  # bytes per second: slow enough to be interrupted


def is_sending(seeder: Running[Seeder]) -> bool:
    reports = seeder.log.of(UploadsChanged)
    return any(one.rate for report in reports for one in report.uploads)


class NetworkTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.addresses = [HERE, "127.0.0.2"]
        self.constant("net.address_watch", "LOOK_S", 0.05)
        self.enterContext(mock.patch("roles.role.AddressWatch", self.watch))

    def watch(self) -> AddressWatch:
        return AddressWatch(lambda: tuple(self.addresses))

    def lose(self, host: str) -> None:
        self.addresses = [one for one in self.addresses if one != host]


class TransferTest(NetworkTest):
    def test_connections_of_an_address_that_is_gone_end_at_once_and_the_download_goes_on(
        self,
    ) -> None:
        room = self.tracker().address
        data = some_bytes(2_000_000)
        seeder = self.seeder(self.make_folder("source", {"a": data}), room, up=RATE)
        leecher = self.leecher(self.make_folder("target"), room)
        order(leecher, "a")
        wait_until(lambda: is_sending(seeder))
        before = list(connection._open.keys())
        self.lose(HERE)
        wait_until(lambda: all(one.fileno() < 0 or is_over(one) for one in before))
        self.assertFalse(any(one.state.is_final for one in leecher.log.of(DownloadChanged)))
        for role in (seeder, leecher):
            self.assertEqual(role.log.wait_for(NetworkChanged).gone, (HERE,))
        seeder.role._throttles.up.set_limit(None)
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assertTrue((self.folder / "target" / "a").read_bytes() == data)

    def test_a_download_by_lmk1_goes_on_too(self) -> None:
        room = self.tracker().address
        data = some_bytes(2_000_000)
        folder = self.make_folder("source", {"a": data})
        seeder = self.lmk1_seeder(folder, room)
        seeder.role._throttles.up.set_limit(RATE)
        leecher = self.leecher(self.make_folder("target"), room)
        order(leecher, "a")
        wait_until(lambda: is_sending(seeder))
        self.lose(HERE)
        leecher.log.wait_for(NetworkChanged)
        seeder.role._throttles.up.set_limit(None)
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assertTrue((self.folder / "target" / "a").read_bytes() == data)

    def test_without_any_network_a_command_waits_longer_than_it_does_for_a_seeder(self) -> None:
        room = self.tracker().address
        files = {"a": some_bytes(2_000_000)}
        seeder = self.seeder(self.make_folder("source", files), room, up=RATE)
        leecher = self.leecher(self.make_folder("target"), room)
        order(leecher, "a")
        wait_until(lambda: is_sending(seeder))
        lose_patience(leecher, 0.6)
        self.addresses = []
        leecher.log.wait_for(NetworkChanged, where=lambda change: change.is_cut_off)
        seeder.stop()

        def said() -> list[DownloadChanged]:
            return [one for one in leecher.log.of(DownloadChanged) if one.cause == CUT_OFF]

        wait_until(lambda: len(said()) > 4)  # they are a quarter of a second apart
        self.addresses = [HERE]
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.FAILED)


class RegistrationTest(NetworkTest):
    def test_a_seeder_registers_anew_at_once(self) -> None:
        room = self.tracker()
        seeder = self.seeder(self.make_folder("source", {"a": b"x"}), room.address)
        seeder.log.clear()
        self.addresses.append("127.0.0.3")
        self.assertEqual(seeder.log.wait_for(NetworkChanged).come, ("127.0.0.3",))
        seeder.log.wait_for(TrackerAnswered)

    def test_a_tracker_tells_where_others_reach_it_now(self) -> None:
        tracker = self.tracker(Address("0.0.0.0", 0))
        with mock.patch("roles.role.address_for_others", lambda at: Address("10.9.9.9", at.port)):
            self.addresses.append("127.0.0.3")
            change = tracker.log.wait_for(NetworkChanged)
        self.assertEqual(change.for_others, Address("10.9.9.9", tracker.address.port))
        tracker.stop()

    def test_a_search_calls_at_once(self) -> None:
        tracker = ScriptedTracker(
            lambda datagram, n: of_ours("pc", tracker.address.port)(datagram, n)
        )
        self.addCleanup(tracker.close)
        log, seldom = EventLog(), Pace(first_calls=0, pause_s=(600.0, 600.0))
        self.run_role(Discovery(log, (), lambda: targets_at(tracker.address), pace=seldom), log)
        log.wait_for(TrackersFound)
        before = len(tracker.heard)
        self.addresses.append("127.0.0.3")
        wait_until(lambda: len(tracker.heard) > before)


class SeveralAddressesTest(NetworkTest):
    """A tracker answers from the address that was asked."""

    def tracker_everywhere(self) -> int:
        self.constant("room.datagram_server", "own_addresses", lambda: tuple(self.addresses))
        return self.tracker(Address("0.0.0.0", 0)).address.port

    def source_of_answer(self, host: str, port: int) -> str:
        """Asked by a socket that belongs to another network's address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.200", 0))
            sock.settimeout(LIMIT_S)
            sock.sendto(b"nonsense", (host, port))
            source: str = sock.recvfrom(100)[1][0]
            return source

    def test_each_of_its_addresses_answers_for_itself(self) -> None:
        self.addresses = ["127.0.0.2", "127.0.0.3"]
        port = self.tracker_everywhere()
        for host in ("127.0.0.2", "127.0.0.3"):
            self.assertEqual(self.source_of_answer(host, port), host)

    def test_so_does_one_that_comes_later(self) -> None:
        self.addresses = ["127.0.0.2"]
        port = self.tracker_everywhere()
        self.addresses.append("127.0.0.3")
        wait_until(lambda: self.source_of_answer("127.0.0.3", port) == "127.0.0.3")
        self.assertEqual(ask(("127.0.0.3", port), b"nonsense"), [b"error\nNone"])

    def test_nobody_else_can_share_its_port(self) -> None:
        self.addresses = ["127.0.0.2", "127.0.0.3"]
        port = self.tracker_everywhere()
        for host in ("0.0.0.0", "127.0.0.2", "127.0.0.9"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with self.subTest(host=host), self.assertRaises(OSError):
                    other.bind((host, port))


def is_over(ended: Connection) -> bool:
    """Whether it was hung up on, or was no connection yet."""
    try:
        return len(ended.carrier.hosts()) < 2
    except OSError:
        return True
