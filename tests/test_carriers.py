"""Nothing above roles/net knows what carries a connection, or the talk with a tracker.

Whole rooms run over carriers that have nothing of a plain socket, and over connections that break
off at any byte.
"""

from __future__ import annotations

import socket
import threading
import unittest
from pathlib import Path
from unittest import mock

from roles.joining.list_client import fetch_list
from roles.joining.tracker_locator import TrackerLocator
from roles.net import carrier, datagrams, listening
from roles.net.connection import end_connections
from roles.net.peer_greeting import greeted
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.events import DownloadState
from roles.values.settings import Existing
from roles.wire import frames
from roles.wire.greeting import ANSWER_START, REQUEST_CONNECTION, Hello, Welcome, encode_welcome
from tests.carriers import Break, Line, RecordChannel, Records
from tests.connections import over, tcp_pair
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding, bitmap, some_holding
from tests.peers import DownloadingTest, UploadingTest
from tests.raw_peer import RawPeer
from tests.role_test import LINUX_ONLY, RoomTest, list_now, order, wait_for_end
from tests.support import LIMIT_S, NEVER, wait_until
from tests.tracker_requests import list_as_lmk2

ME = Hello("0123456789abcdef", "lab-pc-07", 12501, is_seeder=False)
YOU = Welcome("fedcba9876543210", "lab-pc-08", is_away=False)
GREETING = 170  # bytes, about, each way
WORDS = 120  # bytes of the first words behind it


def encoded(*some: frames.Frame) -> bytes:
    return b"".join(map(frames.encode, some))


FRAMES = encoded(frames.Alive(), frames.Offer(7, 1), frames.Gone(7, "no"))


def splitting() -> Line:
    return Line(piece=701, lag_s=0.0001)


def balking() -> Line:
    return Line(piece=40_000, balks=3)


def carried_by(test: unittest.TestCase, line: Line) -> Line:
    """All connections from now on until the test ends."""
    test.enterContext(mock.patch.object(carrier, "carrier_of", line.carrier_of))
    return line


class CarriedRoomTest(RoomTest):
    FILES = {  # noqa: RUF012
        "big.bin": some_bytes(3_000_000),
        "empty": b"",
        **{f"small {n}": some_bytes(300 * n + 1, n) for n in range(40)},
    }

    def assert_takes_all(self, room: Address, name: str) -> Path:
        taken = self.make_folder(name)
        self.assert_downloads(self.leecher(taken, room), taken, self.FILES)
        return taken

    def assert_carries_a_room(self, line: Line) -> None:
        """Lists, downloads, what leechers give on, and LMK/1."""
        room = self.tracker().address
        self.seeder(self.make_folder("shared", self.FILES), room)
        self.assert_takes_all(room, "taken")
        self.assert_takes_all(room, "taken by another")
        small = {name: data for name, data in self.FILES.items() if name != "empty"}
        other = self.tracker().address
        self.lmk1_seeder(self.make_folder("shared by lmk1", small), other)
        third = self.leecher(self.make_folder("taken by lmk1"), other)
        order(third, "big.bin")
        self.assertIs(wait_for_end(third, "big.bin").state, DownloadState.DONE)
        sent, received = line.carried()
        self.assertGreater(sent, 3 * len(self.FILES["big.bin"]))
        self.assertLessEqual(received, sent)

    def test_a_room_runs_over_carriers_that_split_read_ahead_and_are_late(self) -> None:
        self.assert_carries_a_room(carried_by(self, splitting()))

    def test_a_room_runs_over_carriers_that_do_not_always_move_something(self) -> None:
        self.assert_carries_a_room(carried_by(self, balking()))

    def test_long_lists_come_and_go_over_each_of_them(self) -> None:
        files = {f"file {n}": b"x" for n in range(3_000)}
        for make in (splitting, balking):
            with self.subTest(make=make.__name__):
                line = make()
                with mock.patch.object(carrier, "carrier_of", line.carrier_of):
                    room = self.tracker().address
                    list_as_lmk2(room, ("127.0.0.1", 12501), files)
                    listed = fetch_list(TrackerLocator(room), "")
                self.assertEqual(len(listed.lines), len(files) + 1)
                wait_until(lambda: len(set(line.carried())) == 1)  # noqa: B023

    @LINUX_ONLY
    def test_the_talk_with_the_tracker_is_carried_by_connections_as_well(self) -> None:
        self.FILES = {**self.FILES, "big.bin": some_bytes(300_000)}
        line = carried_by(self, Line(piece=11))
        self.enterContext(mock.patch.object(datagrams, "DatagramChannel", RecordChannel))
        bound = list[Records]()

        def records(sock: socket.socket) -> Records:
            bound.append(Records(sock))
            return bound[-1]

        self.enterContext(mock.patch.object(listening, "Datagrams", records))
        tracker = self.tracker()
        self.seeder(self.make_folder("shared", self.FILES), tracker.address)
        self.assert_takes_all(tracker.address, "taken")
        self.assertEqual(bound[0].datagrams, 0)
        self.assertGreater(line.carried()[0], len(self.FILES["big.bin"]))


class BrokenRoomTest(RoomTest):
    """Downloads between roles, each over a connection that breaks off somewhere at its begin."""

    def setUp(self) -> None:
        super().setUp()
        for module, name, value in (
            ("swarm.peer_book", "AGAIN_S", 0.02),
            ("swarm.peer_book", "AGAIN_MAX_S", 0.04),
            ("leecher", "TICK_S", 0.02),
        ):
            self.constant(module, name, value)

    def test_whatever_breaks_off_at_whichever_byte_is_made_again_and_loses_nothing(self) -> None:
        line = carried_by(self, Line())
        places = range(0, GREETING + WORDS, 29)
        breaks = [Break(w, at) for at in places for w in (REQUEST_CONNECTION, ANSWER_START)]
        files = {f"{n:03}": some_bytes(70_000, n) for n in range(len(breaks))}
        room = self.tracker().address
        self.seeder(self.make_folder("shared", files), room)
        leecher = self.leecher(self.make_folder("taken"), room)
        list_now(leecher, *files)
        for name, fault in zip(files, breaks, strict=True):
            line.breaks[:] = [fault]
            end_connections(None)
            leecher.role.download([name], Existing.SKIP)
            self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
            wait_until(lambda: not line.breaks)
        self.assert_same_files(self.folder / "taken", files)
        self.assertGreater(sum(fault.was_made for fault in breaks), len(breaks) // 2)


class BrokenGreetingTest(RoomTest):
    def test_an_answer_is_read_wherever_it_is_split_and_frames_behind_it_stay(self) -> None:
        said = encode_welcome(YOU) + FRAMES
        for at in range(1, len(said)):
            with self.subTest(at=at), tcp_pair() as (sock, peer), over(sock) as connection:
                peer.sendall(said[:at])
                sending = threading.Timer(0.0, peer.sendall, (said[at:],))
                sending.start()
                self.assertEqual(greeted(connection, ME, NEVER), YOU)
                sending.join()
                rest = b""
                while len(rest) < len(FRAMES):
                    rest += connection.receive(100) or b""
                self.assertEqual(rest, FRAMES)

    def test_what_came_before_the_end_is_there_wherever_it_ends(self) -> None:
        said = encode_welcome(YOU) + FRAMES
        for at in range(len(said) + 1):
            with self.subTest(at=at), tcp_pair() as (sock, peer), over(sock) as connection:
                peer.sendall(said[:at])
                peer.shutdown(socket.SHUT_WR)
                frames_at = len(said) - len(FRAMES)
                if at < frames_at:
                    with self.assertRaises(PeerProtocolError):
                        greeted(connection, ME, NEVER)
                    continue
                self.assertEqual(greeted(connection, ME, NEVER), YOU)
                rest = b""
                while part := connection.receive(7):
                    rest += part
                self.assertEqual(rest, said[frames_at:at])


class BrokenUploadTest(UploadingTest):
    def test_a_leecher_that_leaves_at_any_byte_leaves_its_slot_to_the_next(self) -> None:
        holding = some_holding(2)
        uploads = self.uploads(holding, slots=1)
        words = encoded(
            frames.Open(7, holding.content.root),
            frames.GetDigests(7, 0, 2),
            frames.Want(7, bitmap(holding.content)),
        )
        for at in range(len(words) + 1):
            leecher = self.joined(uploads)
            leecher.link.sendall(words[:at])
            leecher.link.close()
        self.fetch(self.wanting(uploads, holding), holding)
        wait_until(lambda: uploads.slots_taken <= 1)

    def test_frames_are_understood_wherever_they_are_split(self) -> None:
        holding = some_holding(1.5)
        uploads = self.uploads(holding)
        words = frames.encode(frames.Open(7, holding.content.root))
        for at in range(1, len(words)):
            leecher = self.joined(uploads)
            leecher.link.sendall(words[:at])
            leecher.link.sendall(words[at:])
            self.assertIsInstance(leecher.expect(frames.File), frames.File)
            leecher.link.close()


class BrokenDownloadTest(DownloadingTest):
    def words(self, holding: MemoryHolding, handle: int) -> bytes:
        """What a seeder says up to the first bytes of its first chunk."""
        content, digests = holding.content, holding.digests() or b""
        said = encoded(
            frames.File(handle, content.size, content.chunk_size, bitmap(content)),
            frames.Digests(handle, 0, digests),
            frames.Offer(handle, 0),
        )
        return said + frames.encode_part_head(handle, 0, 0, 1_000) + holding.data[:20]

    def test_a_seeder_that_leaves_at_any_byte_is_missed_by_nobody(self) -> None:
        holding = some_holding(2)
        handle, transfer, store = self.transfer(holding)
        length = len(self.words(holding, handle))
        for at in range(length + 1):
            sender = self.sender()
            opening = sender.expect(frames.Open)
            assert isinstance(opening, frames.Open)
            sender.link.sendall(self.words(holding, opening.handle)[:at])
            sender.link.close()
            self.errors.get(timeout=LIMIT_S)
        self.assert_no_buffer_is_lost()
        self.assertFalse(transfer.is_done)
        honest = self.sender()
        opening = honest.expect(frames.Open)
        assert isinstance(opening, frames.Open)
        self.send_file(honest, opening.handle, holding)
        self.finish(honest, holding)
        wait_until(lambda: transfer.is_done)
        self.assertEqual(bytes(store.data), holding.data)

    def finish(self, sender: RawPeer, holding: MemoryHolding) -> None:
        """Answer what is asked, and offer both chunks."""
        offered = 0
        while offered < 2:
            frame = sender.expect(frames.GetDigests, frames.Want, frames.Take)
            if isinstance(frame, frames.GetDigests):
                digests = holding.digests() or b""
                part = digests[32 * frame.first : 32 * (frame.first + frame.count)]
                sender.send(frames.Digests(frame.handle, frame.first, part))
            elif isinstance(frame, frames.Want) and offered == 0:
                sender.send(frames.Offer(frame.handle, 0))
            elif isinstance(frame, frames.Take):
                sender.send_chunk(frame.handle, frame.index, holding.chunk(frame.index))
                offered += 1
                if offered < 2:
                    sender.send(frames.Offer(frame.handle, 1))
