"""What holds downloads up: by numbers, by real connections, and in a room where each is caused."""

from __future__ import annotations

import time
import unittest
from unittest import mock

from roles.disk.arriving_file import ArrivingFile
from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.seeder import Seeder
from roles.swarm.bottleneck import BottleneckMeter
from roles.swarm.peer import Peer, Spent
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import FilesListed, FolderScanned
from roles.values.settings import Existing, LeecherSettings, SeederSettings
from roles.values.watched import Bottleneck, Slowest, Watched
from tests.memory_contents import CHUNK, MemoryStore, some_holding
from tests.peers import DownloadingTest
from tests.role_test import RoomTest
from tests.support import LIMIT_S, EventLog, wait_until

MB = 1_000_000


def peer(number: int) -> Peer:
    return Peer(number, Address("10.0.0.1", number), f"{number:016x}", f"pc-{number}", 0.0)


class MeterTest(unittest.TestCase):
    def setUp(self) -> None:
        self.meter = BottleneckMeter()
        self.now = 0.0
        self.peers = [peer(1)]

    def go_on(
        self, seconds: int, *, rate: float, limit: int | None = None, **shares: float
    ) -> Bottleneck | None:
        """All peers together bring `rate`; their threads spend these parts of the time."""
        told = self.meter.note(self.peers, limit, now=self.now)
        for _ in range(seconds):
            self.now += 1
            for peer in self.peers:
                part = int(rate / len(self.peers))
                peer.spent.received += part
                peer.spent.written += part
                for name, share in shares.items():
                    setattr(peer.spent, name, getattr(peer.spent, name) + share)
            told = self.meter.note(self.peers, limit, now=self.now)
        return told

    def slowest(self, told: Bottleneck | None) -> Slowest:
        assert told is not None
        return told.slowest

    def test_nothing_is_said_while_nothing_comes(self) -> None:
        self.assertIsNone(self.go_on(5, rate=0))
        self.assertIsNone(BottleneckMeter().note([], None, now=0.0))

    def test_threads_that_wait_for_bytes_wait_for_the_sender(self) -> None:
        told = self.go_on(5, rate=MB, receiving=0.95, hashing=0.01, writing=0.02)
        assert told is not None
        self.assertIs(told.slowest, Slowest.SENDERS)
        self.assertEqual((told.senders, round(told.rate)), (("pc-1",), MB))
        self.assertEqual(round(told.disk_rate), 50 * MB)

    def test_threads_that_write_wait_for_the_disk(self) -> None:
        told = self.go_on(5, rate=MB, receiving=0.2, hashing=0.01, writing=0.7)
        self.assertIs(self.slowest(told), Slowest.DISK)

    def test_threads_that_hash_wait_for_the_processor(self) -> None:
        told = self.go_on(5, rate=MB, receiving=0.2, hashing=0.6, writing=0.1)
        self.assertIs(self.slowest(told), Slowest.PROCESSOR)

    def test_threads_that_are_held_wait_for_the_limit(self) -> None:
        told = self.go_on(5, rate=MB, limit=MB, receiving=0.2, held=0.7)
        assert told is not None
        self.assertEqual((told.slowest, told.limit), (Slowest.LIMIT, MB))

    def test_a_limit_that_is_far_away_holds_nothing_up(self) -> None:
        told = self.go_on(5, rate=MB, limit=10 * MB, receiving=0.9)
        self.assertIs(self.slowest(told), Slowest.SENDERS)

    def test_if_more_senders_bring_no_more_the_link_is_full(self) -> None:
        self.go_on(6, rate=MB, receiving=0.9)
        self.peers.append(peer(2))
        told = self.go_on(6, rate=1.05 * MB, receiving=0.95)
        assert told is not None
        self.assertEqual((told.slowest, told.fewer, len(told.senders)), (Slowest.LINK, 1, 2))

    def test_if_more_senders_bring_more_their_lines_are_full(self) -> None:
        self.go_on(6, rate=MB, receiving=0.9)
        self.peers.append(peer(2))
        told = self.go_on(6, rate=1.8 * MB, receiving=0.95)
        self.assertIs(self.slowest(told), Slowest.SENDERS)

    def test_senders_that_have_become_slower_say_nothing_of_the_link(self) -> None:
        self.go_on(6, rate=10 * MB, receiving=0.9)
        self.peers.append(peer(2))
        told = self.go_on(6, rate=2 * MB, receiving=0.95)
        self.assertIs(self.slowest(told), Slowest.SENDERS)

    def test_what_was_an_hour_ago_does_not_count(self) -> None:
        self.go_on(6, rate=MB, receiving=0.9)
        self.now += 3_600
        self.peers.append(peer(2))
        told = self.go_on(10, rate=1.05 * MB, receiving=0.95)
        self.assertIs(self.slowest(told), Slowest.SENDERS)

    def test_several_connections_to_one_program_are_one_sender(self) -> None:
        again = Peer(2, self.peers[0].address, self.peers[0].id, "pc-1", 0.0)
        self.go_on(6, rate=MB, receiving=0.9)
        self.peers.append(again)
        told = self.go_on(6, rate=MB, receiving=0.9)
        assert told is not None
        self.assertEqual((told.slowest, told.senders), (Slowest.SENDERS, ("pc-1",)))

    def test_a_connection_that_ended_counts_no_more(self) -> None:
        self.go_on(5, rate=MB, receiving=0.9)
        self.peers = []
        self.assertIsNone(self.go_on(5, rate=0))


class SlowStore(MemoryStore):
    def write(self, offset: int, piece: memoryview) -> None:
        time.sleep(0.02)
        super().write(offset, piece)


class ConnectionTest(DownloadingTest):
    """What the thread of a real connection says of its time."""

    def spent(self, throttle: Throttle | None = None, *, is_slow: bool = False) -> Spent:
        holding = some_holding(8)
        self.make_store = SlowStore if is_slow else MemoryStore
        _, transfer, _ = self.transfer(holding)
        sender = self.sender(throttle=throttle)
        handle = self.describe(sender, holding)
        self.give_digests(sender, holding)
        self.give(sender, handle, holding, *range(8))
        wait_until(lambda: transfer.is_done)
        with self.swarm.locked() as swarm:
            [only] = swarm.peers.values()
            return only.spent

    def test_every_byte_is_counted_once(self) -> None:
        spent = self.spent()
        self.assertEqual((spent.received, spent.written), (8 * CHUNK, 8 * CHUNK))
        self.assertEqual(spent.held, 0.0)

    def test_a_slow_disk_is_seen_in_the_time_of_its_writes(self) -> None:
        spent = self.spent(is_slow=True)
        self.assertGreaterEqual(spent.writing, 8 * 0.02)

    def test_a_limit_is_seen_in_the_time_that_it_holds_the_thread(self) -> None:
        throttle = Throttle(4 * MB)
        with mock.patch.object(throttle, "wait", return_value=LIMIT_S):  # it says that it waited
            spent = self.spent(throttle)
        self.assertGreater(spent.held, spent.receiving)


class InTurnTest(RoomTest):
    """One download of which this, that, and then something else is the slowest part."""

    def setUp(self) -> None:
        super().setUp()
        self.shared = self.make_folder("shared")
        with (self.shared / "big.bin").open("wb") as file:
            file.write(b"big")
            file.truncate(200 * MB)
        self.room = self.tracker()
        self.line = Throttle(2 * MB)  # that all seeders share
        self.own_limits = Throttles()

    def start_seeder(self) -> None:
        settings = SeederSettings(self.shared, self.room.address, Address(LOOPBACK, 0))
        log = EventLog()
        self.run_role(Seeder(settings, log, Throttles(self.line, Throttle())), log)
        log.wait_for(FolderScanned, LIMIT_S, where=lambda scan: scan.announced > 0)

    def wait_for(self, slowest: Slowest) -> Bottleneck:
        since = len(self.log.of(Watched))

        def newest() -> Bottleneck | None:
            told = self.log.of(Watched)[since:]
            return told[-1].bottleneck if told else None

        def is_it() -> bool:
            now = newest()
            return now is not None and now.slowest is slowest

        wait_until(is_it, LIMIT_S, f"{slowest} was not found: {newest()}")
        found = newest()
        assert found is not None
        return found

    def test_each_is_found_when_it_is_the_slowest(self) -> None:
        self.start_seeder()
        self.log = EventLog()
        settings = LeecherSettings(
            self.make_folder("target"), self.room.address, bind=Address(LOOPBACK, 0)
        )
        leecher = Leecher(settings, self.log, self.own_limits)
        self.run_role(leecher, self.log)
        self.log.wait_for(FilesListed, LIMIT_S, where=lambda event: bool(event.folders))
        [share] = self.log.of(FilesListed)[-1].folders
        leecher.download([share.key], Existing.SKIP)
        leecher.watch(share.key, "big.bin")
        self.assertEqual(len(self.wait_for(Slowest.SENDERS).senders), 1)
        seen = self.log.wait_for(Watched, LIMIT_S, where=lambda event: bool(event.coming))
        assert seen.content is not None
        self.assertEqual(seen.peers[0].has, seen.content.all_chunks)
        time.sleep(3)  # so that the rate of one sender is known
        self.start_seeder()
        self.assertEqual(self.wait_for(Slowest.LINK).fewer, 1)
        self.own_limits.down.set_limit(MB)
        self.assertEqual(self.wait_for(Slowest.LIMIT).limit, MB)
        self.own_limits.down.set_limit(None)
        self.line.set_limit(None)
        write = ArrivingFile.write

        def slow_write(file: ArrivingFile, offset: int, piece: memoryview) -> None:
            time.sleep(0.3)
            write(file, offset, piece)

        with mock.patch.object(ArrivingFile, "write", slow_write):
            self.wait_for(Slowest.DISK)
