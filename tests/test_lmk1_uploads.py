"""Leechers of LMK/1 at the seeder role: served by the book, and the others survived."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import threading
import unittest
from unittest import mock

from roles.lmk1.uploads import LEAST_CHUNKS, LOOK_S, SLOTS_PER_HOST, Lmk1Uploads, is_free, state_of
from roles.net.eviction import LIMITS
from roles.net.throttle import Throttle
from roles.seeder import Seeder
from roles.sharing.folder_library import FolderLibrary
from roles.uploads.peer_uploads import PeerUploads
from roles.values.events import (
    DownloadState,
    FolderScanned,
    SeederState,
    UploadsChanged,
)
from roles.values.settings import Existing
from tests.connections import over, tcp_pair
from tests.receiving import HEADER, receive_chunk, receive_exactly
from tests.role_test import (
    NEVER_S,
    Running,
    SeederTest,
    list_now,
    receive_range,
    wait_for_end,
    wait_until_nobody_is_served,
)
from tests.scripted_seeder import ACK, CHUNK, NOT_ACK
from tests.support import LIMIT_S, EventLog, random_file, wait_until

SILENCE_S = 0.15
MANY = 30_000_000  # bytes, more than sockets keep on their way
POSIX_ONLY = unittest.skipUnless(os.name == "posix", "a thing of POSIX systems")


class SlotsTest(unittest.TestCase):
    def test_a_slot_is_free_while_some_leechers_hold_fewer_than_there_are(self) -> None:
        for hosts, elsewhere, free in (((), 0, True), (("b",), 1, True), (("b", "c"), 1, False)):
            with self.subTest(hosts=hosts, elsewhere=elsewhere):
                self.assertIs(is_free("10.0.0.1", hosts, slots=3, elsewhere=elsewhere), free)

    def test_one_host_cannot_take_all_except_this_machine_or_where_there_is_one(self) -> None:
        for host, slots, held, free in (
            ("10.0.0.1", 8, SLOTS_PER_HOST - 1, True),
            ("10.0.0.1", 8, SLOTS_PER_HOST, False),
            ("127.0.0.1", 8, SLOTS_PER_HOST, True),
            ("127.0.0.1", 8, 8, False),
            ("10.0.0.1", 1, 0, True),
            ("127.0.0.1", 1, 1, False),
        ):
            with self.subTest(host=host, slots=slots, held=held):
                self.assertIs(is_free(host, [host] * held, slots=slots, elsewhere=0), free)

    def test_with_one_slot_it_is_connected_while_busy_as_the_original(self) -> None:
        self.assertIs(state_of(1, 0), SeederState.AVAILABLE)
        self.assertIs(state_of(1, 1), SeederState.CONNECTED)


class ServingLeechers(SeederTest):
    def test_a_range_arrives_whole_and_then_it_hangs_up(self) -> None:
        seeder = self.offering()
        for name, count, offset, content in (
            ("a", 4, 0, self.CONTENT),
            ("a", 1, CHUNK, self.CONTENT[CHUNK : 2 * CHUNK]),
            ("a", 2, 2 * CHUNK, self.CONTENT[2 * CHUNK :]),
            ("é ü.txt", 1, 0, b"accents"),
            ("empty", 0, 0, b""),
            ("a", 0, 0, b""),
        ):
            with self.subTest(name=name, count=count, offset=offset):
                sock = self.ranged(seeder.address, name, count, offset)
                self.assertTrue(receive_range(sock, count) == content)
                self.assert_hangs_up(sock)

    def test_header_and_chunk_arrive_in_one_receive_for_one_who_acknowledges_one_by_one(
        self,
    ) -> None:
        sock = self.ranged(self.offering().address, "a", 4)
        for length in (CHUNK, CHUNK, CHUNK, 100):
            sock.recv(1, socket.MSG_PEEK)
            self.assertEqual(len(sock.recv(65_535)), HEADER.size + length)
            sock.sendall(ACK)

    def test_it_takes_acknowledgements_sent_ahead(self) -> None:
        sock = self.ranged(self.offering().address, "a", 4)
        first = receive_chunk(sock)
        sock.sendall(ACK * 4)
        self.assertTrue(first + b"".join(receive_chunk(sock) for _ in range(3)) == self.CONTENT)
        self.assert_hangs_up(sock)

    def test_nothing_is_sent_ahead_of_its_acknowledgement(self) -> None:
        sock = self.ranged(self.offering().address, "a", 4)
        receive_chunk(sock)
        sock.settimeout(SILENCE_S)
        with self.assertRaises(TimeoutError):
            sock.recv(1)

    def test_a_refused_chunk_is_sent_again(self) -> None:
        sock = self.ranged(self.offering().address, "a", 4)
        first = receive_chunk(sock)
        for _ in range(3):
            sock.sendall(NOT_ACK)
            self.assertTrue(receive_chunk(sock) == first)
        sock.sendall(ACK)
        self.assertTrue(first + receive_range(sock, 3) == self.CONTENT)

    def test_who_refuses_a_chunk_for_ever_is_dropped(self) -> None:
        seeder = self.offering()
        sock = self.ranged(seeder.address, "a", 4)
        with self.assertRaises((EOFError, ConnectionError)):
            for _ in range(100):
                receive_chunk(sock)
                sock.sendall(NOT_ACK)
        self.assert_serves(seeder)

    def test_who_refuses_a_chunk_that_was_not_sent_yet_is_dropped_and_skips_nothing(self) -> None:
        seeder = self.offering()
        sock = self.ranged(seeder.address, "a", 4)
        first = receive_chunk(sock)
        sock.sendall(ACK * 3 + NOT_ACK)
        self.assert_hangs_up(sock)
        self.assertTrue(first == self.CONTENT[:CHUNK])
        self.assert_serves(seeder)

    def test_a_client_that_sends_byte_by_byte_is_served(self) -> None:
        sock = self.dial(self.offering().address)
        self.trickle(sock, b"request_connection")
        self.assertEqual(sock.recv(1024), b"connected")
        self.trickle(sock, b'send_file_chunk\n["a", 1, 0]')
        chunk = receive_chunk(sock)
        self.trickle(sock, ACK)
        self.assertTrue(chunk == self.CONTENT[:CHUNK])
        self.assert_hangs_up(sock)

    @staticmethod
    def trickle(sock: socket.socket, word: bytes) -> None:
        for byte in word:
            sock.sendall(bytes([byte]))

    def test_a_client_that_reads_byte_by_byte_is_served(self) -> None:
        sock = self.ranged(self.offering().address, "é ü.txt", 1)
        data = b"".join(receive_exactly(sock, 1) for _ in range(HEADER.size + len(b"accents")))
        digest = hashlib.sha256(b"accents").digest()
        self.assertEqual(data, HEADER.pack(7, digest) + b"accents")

    def test_who_wants_nothing_after_all_may_leave(self) -> None:
        seeder = self.offering(slots=1)
        self.assert_answers(seeder.address, b"connected")
        self.assert_serves(seeder)

    def test_who_left_before_the_answer_is_not_served(self) -> None:
        seeder = self.offering(slots=1)
        sock = self.dial(seeder.address)
        sock.sendall(b"request_connectionexit_connection")
        self.assert_hangs_up(sock)
        self.assert_serves(seeder)


class SlotsOfTheSeeder(SeederTest):
    def test_it_is_available_then_connected_then_away_and_available_again(self) -> None:
        seeder = self.offering(slots=2)
        self.wait_for_state(seeder, SeederState.AVAILABLE)
        first = self.ranged(seeder.address, "a", 4)
        self.wait_for_state(seeder, SeederState.CONNECTED)
        second = self.ranged(seeder.address, "a", 4)
        self.wait_for_state(seeder, SeederState.AWAY)
        self.assert_answers(seeder.address, b"away")
        for sock in (first, second):
            self.assertTrue(receive_range(sock, 4) == self.CONTENT)
        self.wait_for_state(seeder, SeederState.AVAILABLE)
        seeder.log.wait_for(
            UploadsChanged, where=lambda e: (e.uploads, e.sent_total) == ((), 2 * self.SIZE)
        )

    def test_eight_are_served_at_once_and_the_ninth_hears_away(self) -> None:
        seeder = self.offering(slots=8)
        socks = [self.ranged(seeder.address, "a", 4) for _ in range(8)]
        self.assert_answers(seeder.address, b"away")
        for sock in socks:
            self.assertTrue(receive_range(sock, 4) == self.CONTENT)
            self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_with_one_slot_it_is_connected_to_one_and_away_to_others_as_an_original(self) -> None:
        seeder = self.offering(slots=1)
        sock = self.ranged(seeder.address, "a", 4)
        self.assert_answers(seeder.address, b"away")
        self.wait_for_state(seeder, SeederState.CONNECTED)
        self.assertTrue(receive_range(sock, 4) == self.CONTENT)
        self.assert_hangs_up(sock)
        self.assert_answers(seeder.address, b"connected")

    def test_a_slot_is_free_again_as_soon_as_its_leecher_hears_the_end(self) -> None:
        seeder = self.offering(slots=1)
        for _ in range(50):
            self.assert_serves(seeder)

    def test_no_slot_is_lost_by_leechers_that_vanish(self) -> None:
        seeder = self.offering(slots=2)
        for _ in range(2):
            self.connected(seeder.address).close()
            self.ranged(seeder.address, "a", 4).close()
            wait_until_nobody_is_served()
            self.ranged(seeder.address, "not there", 4).close()
            sock = self.ranged(seeder.address, "a", 4)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()  # a reset
            wait_until_nobody_is_served()
        self.wait_for_state(seeder, SeederState.AVAILABLE)
        self.assert_serves(seeder)

    def test_without_a_thread_left_it_says_away_and_lives(self) -> None:
        seeder = self.offering()
        before = threading.stack_size(1 << 46)  # more than there is, so no thread can start
        try:
            self.assert_answers(seeder.address, b"away")
        finally:
            threading.stack_size(before)
        self.assert_serves(seeder)


class IdleLeechers(SeederTest):
    """Slots that others wait for."""

    def setUp(self) -> None:
        super().setUp()
        random_file(self.shared / "long", 400 * CHUNK, 3)

    def soon(self) -> None:
        """It is found out soon that somebody is idle."""
        self.constant("lmk1.uploads", "ASK_S", 0.2)
        self.constant("lmk1.uploads", "LOOK_S", 0.05)
        self.limits("net.eviction", unproven_s=0.05, proven_s=0.05, crowd_s=0.05)

    def is_connected(self, seeder: Running[Seeder]) -> bool:
        """Whether one more is."""
        with socket.create_connection(seeder.address, LIMIT_S) as sock:
            sock.sendall(b"request_connection")
            return sock.recv(1_024) == b"connected" and sock.send(b"exit_connection") > 0

    def test_who_asks_for_nothing_loses_its_slot_to_who_comes(self) -> None:
        seeder = self.offering(slots=2)
        idle = [self.connected(seeder.address) for _ in range(2)]
        self.assertFalse(self.is_connected(seeder))
        self.soon()
        wait_until(lambda: self.is_connected(seeder))
        self.assert_hangs_up(idle[0])

    def test_who_acknowledges_next_to_nothing_does_so_too(self) -> None:
        self.soon()
        seeder = self.offering(slots=1)
        slow = self.ranged(seeder.address, "a", 4)
        receive_chunk(slow)
        slow.sendall(ACK)
        wait_until(lambda: self.is_connected(seeder))
        with self.assertRaises((EOFError, ConnectionError)):
            while True:
                receive_exactly(slow, 1)

    def test_who_takes_chunks_keeps_its_slot_until_it_takes_none(self) -> None:
        """On a virtual clock: how fast this computer is does not matter."""
        is_over = threading.Event()
        library = FolderLibrary(self.shared, None, EventLog(), is_over)
        library._look()
        others = mock.create_autospec(PeerUploads, instance=True, slots_taken=0)
        uploads = Lmk1Uploads(library, others, slots=1, throttle=Throttle(), stopping=is_over)
        self.addCleanup(uploads.join)
        self.addCleanup(is_over.set)
        clock = self.enterContext(mock.patch("roles.lmk1.uploads.time")).monotonic
        clock.return_value = 0.0
        taking = self.greeted(uploads)
        self.assertEqual(receive_exactly(taking, 9), b"connected")
        taking.sendall(b"send_file_chunk\n" + json.dumps(["long", 400, 0]).encode())
        receive_chunk(taking)
        uploads.report(0.0)
        for _ in range(10):
            for _ in range(LEAST_CHUNKS):
                taking.sendall(ACK)
                receive_chunk(taking)  # so the acknowledgement has been counted
            clock.return_value += LOOK_S
            uploads.report(clock.return_value)
            self.assertEqual(self.greeted(uploads).recv(1_024), b"away")
        clock.return_value += max(LOOK_S, LIMITS.proven_s)
        uploads.report(clock.return_value)
        self.assertEqual(self.greeted(uploads).recv(1_024), b"connected")
        self.assert_hangs_up(taking)

    def greeted(self, uploads: Lmk1Uploads) -> socket.socket:
        """The end of one that has asked for a connection."""
        ours, theirs = self.enterContext(tcp_pair())
        ours.settimeout(LIMIT_S)
        uploads.answer(over(theirs))
        return ours

    def test_idle_ones_lose_their_slots_to_leechers_of_lmk2_that_wait(self) -> None:
        self.soon()
        seeder = self.offering(slots=1)
        idle = self.connected(seeder.address)
        leecher = self.leecher(self.make_folder("taken"), self.room)
        list_now(leecher, "long")
        leecher.role.download(["long"], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, "long").state, DownloadState.DONE)
        self.assert_hangs_up(idle)

    def test_leechers_of_lmk2_are_served_where_those_of_lmk1_hold_every_slot(self) -> None:
        seeder = self.offering(slots=4)
        for _ in range(4):
            self.connected(seeder.address)
        self.wait_for_state(seeder, SeederState.AWAY)
        leecher = self.leecher(self.make_folder("taken"), self.room)
        list_now(leecher, "long")
        leecher.role.download(["long"], Existing.SKIP)
        self.assertIs(wait_for_end(leecher, "long").state, DownloadState.DONE)


class StrangersAtTheSeeder(SeederTest):
    def test_twenty_silent_newcomers_do_not_block_a_leecher(self) -> None:
        self.constant("swarm.acceptor", "GREETING_S", NEVER_S)
        seeder = self.offering(slots=8)
        silent = [self.dial(seeder.address) for _ in range(20)]
        self.assert_serves(seeder)
        wait_until_nobody_is_served()
        for sock in silent[-10:]:  # they cost no thread, and are still waited for
            sock.sendall(b"request_connection")
            self.assertEqual(sock.recv(1_024), b"connected" if sock in silent[-10:-2] else b"away")

    def test_a_silent_newcomer_is_sent_away_in_time(self) -> None:
        self.constant("swarm.acceptor", "GREETING_S", 0.1)
        self.assert_hangs_up(self.dial(self.offering().address))

    def test_half_a_greeting_is_waited_for_and_then_sent_away(self) -> None:
        self.constant("swarm.acceptor", "GREETING_S", 0.1)
        seeder = self.offering()
        sock = self.dial(seeder.address)
        sock.sendall(b"request_conn")
        self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_who_connects_and_closes_harms_nothing(self) -> None:
        seeder = self.offering(slots=1)
        for _ in range(50):
            self.dial(seeder.address).close()
        self.assert_serves(seeder)

    def test_garbage_is_answered_error_as_the_original_does(self) -> None:
        seeder = self.offering(slots=1)
        for word in (b"\xff", b"hello", b"send_file_chunk\n", b"\n"):
            with self.subTest(word=word):
                sock = self.dial(seeder.address)
                sock.sendall(word)
                self.assertEqual(receive_exactly(sock, 5), b"error")
                self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_a_second_message_that_is_none_frees_the_slot(self) -> None:
        seeder = self.offering(slots=1)
        for word in (
            b"hello",
            b"send_file_chunk\n[1, 2, 3]",
            b'send_file_chunk\n["a", "1", 0]',
            b'send_file_chunk\n["a", true, 0]',
            b'send_file_chunk\n["a", {}, 0]',
            b"send_file_chunk\n" + b"x" * 5_000,
            b"\xff\xfe",
        ):
            with self.subTest(word=word[:40]):
                sock = self.connected(seeder.address)
                sock.sendall(word)
                self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_a_word_that_is_no_acknowledgement_frees_the_slot(self) -> None:
        seeder = self.offering(slots=1)
        sock = self.ranged(seeder.address, "a", 4)
        receive_chunk(sock)
        sock.sendall(b"acknowledgement")
        self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_more_acknowledgements_than_chunks_free_the_slot(self) -> None:
        seeder = self.offering(slots=1)
        sock = self.ranged(seeder.address, "a", 4)
        sock.recv(1, socket.MSG_PEEK)
        sock.sendall(ACK * 5)
        with self.assertRaises((EOFError, ConnectionError)):
            receive_range(sock, 5)
        self.assert_serves(seeder)

    def test_a_leecher_that_never_reads_does_not_block_others_and_is_dropped(self) -> None:
        random_file(self.shared / "long", MANY, 3)
        self.constant("lmk1.chunk_sender", "STALLED_S", 0.3)
        seeder = self.offering(slots=2)
        count = -(-MANY // CHUNK)
        stuck = self.ranged(seeder.address, "long", count)
        stuck.recv(1, socket.MSG_PEEK)
        stuck.sendall(ACK * count)
        self.assert_serves(seeder)
        self.wait_for_state(seeder, SeederState.AVAILABLE)

    def test_a_leecher_that_never_acknowledges_is_dropped(self) -> None:
        self.constant("lmk1.chunk_sender", "STALLED_S", 0.1)
        seeder = self.offering(slots=1)
        sock = self.ranged(seeder.address, "a", 4)
        receive_chunk(sock)
        self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_a_leecher_that_asks_for_nothing_is_dropped(self) -> None:
        self.constant("lmk1.chunk_sender", "REQUEST_S", 0.1)
        seeder = self.offering(slots=1)
        self.assert_hangs_up(self.connected(seeder.address))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_without_descriptors_left_the_loop_goes_on(self) -> None:
        import resource  # there is none on Windows

        os.utime(self.shared / "empty", (1, 1))  # a fresh one is offered after the second look
        seeder = self.offering(look_s=NEVER_S)
        seeder.log.wait_for(
            FolderScanned, LIMIT_S, where=lambda scan: all(file.root for file in scan.files)
        )
        self.assert_serves(seeder)  # its loop runs: what that needs is open
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        sock = self.enterContext(socket.socket())  # made while there is a descriptor for it
        sock.settimeout(LIMIT_S)
        try:
            # Below all that are open: one that is closed meanwhile is of no use either.
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            sock.connect(seeder.address)
            sock.sendall(b"request_connection")
            sock.settimeout(SILENCE_S)
            with self.assertRaises(TimeoutError):  # it cannot be accepted
                sock.recv(1024)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        sock.settimeout(LIMIT_S)
        self.assertEqual(sock.recv(1024), b"connected")
        self.assert_serves(seeder)
