"""The seeder role on real sockets: it serves every leecher by the book and survives the others."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from roles.addresses import Address
from roles.errors import StorageError
from roles.events import (
    FolderScanned,
    RoleStarted,
    RoleStopped,
    RoomChanged,
    SeederState,
    TrackerAnswered,
    TrackerLost,
    UploadsChanged,
)
from roles.seeder import Seeder
from roles.settings import SeederSettings
from tests.rooms import (
    ACK,
    ANYWHERE,
    CHUNK,
    HEADER,
    LIMIT_S,
    NOT_ACK,
    STOP_LIMIT_S,
    RoomTest,
    Running,
    ask,
    content_of,
    listed_files,
    listed_seeders,
    receive_chunk,
    receive_exactly,
    receive_range,
)
from tests.support import EventLog, random_file, wait_until

SIZE = 3 * CHUNK + 100
CONTENT = content_of(SIZE)
FILES = {"a": CONTENT, "empty": b"", "é ü.txt": b"accents"}
SILENCE_S = 0.15
MANY = 30_000_000  # bytes, more than sockets keep on their way
POSIX_ONLY = unittest.skipUnless(os.name == "posix", "a thing of POSIX systems")


class SeederTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.shared = self.make_folder("shared", FILES)
        self.room = self.tracker().address

    def offering(self, *, slots: int = 8) -> Running[Seeder]:
        return self.seeder(self.shared, self.room, slots=slots)

    def assert_serves(self, seeder: Running[Seeder]) -> None:
        """A whole transfer of another leecher works."""
        link = self.ranged(seeder.address, "a", 4)
        self.assertTrue(receive_range(link, 4) == CONTENT)
        self.assert_hangs_up(link)
        link.close()

    def wait_for_state(self, seeder: Running[Seeder], state: SeederState) -> None:
        def is_so() -> bool:
            reports = seeder.log.of(UploadsChanged)
            return bool(reports) and reports[-1].state is state

        wait_until(is_so, LIMIT_S, f"the state did not become {state}")


def wait_until_nobody_is_served() -> None:
    """What the seeder reports lags behind this."""
    wait_until(lambda: all(t.name != "lmk-upload" for t in threading.enumerate()), LIMIT_S)


class ServingLeechers(SeederTest):
    def test_a_range_arrives_whole_and_then_it_hangs_up(self) -> None:
        seeder = self.offering()
        for name, count, offset, content in (
            ("a", 4, 0, CONTENT),
            ("a", 1, CHUNK, CONTENT[CHUNK : 2 * CHUNK]),
            ("a", 2, 2 * CHUNK, CONTENT[2 * CHUNK :]),
            ("é ü.txt", 1, 0, b"accents"),
            ("empty", 0, 0, b""),
            ("a", 0, 0, b""),
        ):
            with self.subTest(name=name, count=count, offset=offset):
                link = self.ranged(seeder.address, name, count, offset)
                self.assertTrue(receive_range(link, count) == content)
                self.assert_hangs_up(link)

    def test_header_and_chunk_arrive_in_one_receive_for_one_who_acknowledges_one_by_one(
        self,
    ) -> None:
        link = self.ranged(self.offering().address, "a", 4)
        for length in (CHUNK, CHUNK, CHUNK, 100):
            link.recv(1, socket.MSG_PEEK)
            self.assertEqual(len(link.recv(65_535)), HEADER.size + length)
            link.sendall(ACK)

    def test_it_takes_acknowledgements_sent_ahead(self) -> None:
        link = self.ranged(self.offering().address, "a", 4)
        first = receive_chunk(link)
        link.sendall(ACK * 4)
        self.assertTrue(first + b"".join(receive_chunk(link) for _ in range(3)) == CONTENT)
        self.assert_hangs_up(link)

    def test_nothing_is_sent_ahead_of_its_acknowledgement(self) -> None:
        link = self.ranged(self.offering().address, "a", 4)
        receive_chunk(link)
        link.settimeout(SILENCE_S)
        with self.assertRaises(TimeoutError):
            link.recv(1)

    def test_a_refused_chunk_is_sent_again(self) -> None:
        link = self.ranged(self.offering().address, "a", 4)
        first = receive_chunk(link)
        for _ in range(3):
            link.sendall(NOT_ACK)
            self.assertTrue(receive_chunk(link) == first)
        link.sendall(ACK)
        self.assertTrue(first + receive_range(link, 3) == CONTENT)

    def test_who_refuses_a_chunk_for_ever_is_dropped(self) -> None:
        seeder = self.offering()
        link = self.ranged(seeder.address, "a", 4)
        with self.assertRaises((EOFError, ConnectionError)):
            for _ in range(100):
                receive_chunk(link)
                link.sendall(NOT_ACK)
        self.assert_serves(seeder)

    def test_who_refuses_a_chunk_that_was_not_sent_yet_is_dropped_and_skips_nothing(self) -> None:
        seeder = self.offering()
        link = self.ranged(seeder.address, "a", 4)
        first = receive_chunk(link)
        link.sendall(ACK * 3 + NOT_ACK)
        self.assert_hangs_up(link)
        self.assertTrue(first == CONTENT[:CHUNK])
        self.assert_serves(seeder)

    def test_a_client_that_sends_byte_by_byte_is_served(self) -> None:
        link = self.dial(self.offering().address)
        self.trickle(link, b"request_connection")
        self.assertEqual(link.recv(1024), b"connected")
        self.trickle(link, b'send_file_chunk\n["a", 1, 0]')
        chunk = receive_chunk(link)
        self.trickle(link, ACK)
        self.assertTrue(chunk == CONTENT[:CHUNK])
        self.assert_hangs_up(link)

    @staticmethod
    def trickle(link: socket.socket, word: bytes) -> None:
        for byte in word:
            link.sendall(bytes([byte]))

    def test_a_client_that_reads_byte_by_byte_is_served(self) -> None:
        link = self.ranged(self.offering().address, "é ü.txt", 1)
        data = b"".join(receive_exactly(link, 1) for _ in range(HEADER.size + len(b"accents")))
        digest = hashlib.sha256(b"accents").digest()
        self.assertEqual(data, HEADER.pack(7, digest) + b"accents")

    def test_who_wants_nothing_after_all_may_leave(self) -> None:
        seeder = self.offering(slots=1)
        self.assert_answers(seeder.address, b"connected")
        self.assert_serves(seeder)

    def test_who_left_before_the_answer_is_not_served(self) -> None:
        seeder = self.offering(slots=1)
        link = self.dial(seeder.address)
        link.sendall(b"request_connectionexit_connection")
        self.assert_hangs_up(link)
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
        for link in (first, second):
            self.assertTrue(receive_range(link, 4) == CONTENT)
        self.wait_for_state(seeder, SeederState.AVAILABLE)
        sent = seeder.log.of(UploadsChanged)[-1]
        self.assertEqual((sent.uploads, sent.sent_total), ((), 2 * SIZE))

    def test_eight_are_served_at_once_and_the_ninth_hears_away(self) -> None:
        seeder = self.offering()
        links = [self.ranged(seeder.address, "a", 4) for _ in range(8)]
        self.assert_answers(seeder.address, b"away")
        for link in links:
            self.assertTrue(receive_range(link, 4) == CONTENT)
            self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_with_one_slot_it_is_connected_to_one_and_away_to_others_as_an_original(self) -> None:
        seeder = self.offering(slots=1)
        link = self.ranged(seeder.address, "a", 4)
        self.assert_answers(seeder.address, b"away")
        self.wait_for_state(seeder, SeederState.CONNECTED)
        self.assertTrue(receive_range(link, 4) == CONTENT)
        self.assert_hangs_up(link)
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
            link = self.ranged(seeder.address, "a", 4)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.close()  # a reset
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


class FilesOfTheSeeder(SeederTest):
    def test_a_file_that_it_lacks_closes_the_connection(self) -> None:
        seeder = self.offering()
        link = self.ranged(seeder.address, "not there", 1)
        self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_chunks_past_the_end_close_the_connection(self) -> None:
        seeder = self.offering()
        for count, offset in ((5, 0), (1, SIZE), (1, 1 << 40), (1, -1), (-1, 0), (1 << 40, 0)):
            with self.subTest(count=count, offset=offset):
                self.assert_hangs_up(self.ranged(seeder.address, "a", count, offset))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_a_path_from_the_wire_is_never_opened(self) -> None:
        (self.folder / "secret").write_bytes(b"outside")
        (self.shared / "link").symlink_to(self.folder / "secret")
        (self.shared / "inside").symlink_to(self.shared / "a")
        (self.shared / "sub").mkdir()
        (self.shared / "sub" / "b").write_bytes(b"below")
        os.mkfifo(self.shared / "fifo")
        seeder = self.offering()
        self.assertEqual(listed_files(self.room), {name: len(c) for name, c in FILES.items()})
        for name in (
            "../secret",
            str(self.folder / "secret"),
            "/etc/hostname",
            "link",
            "inside",
            "sub",
            "sub/b",
            "./a",
            "fifo",
            ".",
            "..",
            "",
            "a\u0000",
            "~",
        ):
            with self.subTest(name=name):
                self.assert_hangs_up(self.ranged(seeder.address, name, 1))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_a_file_that_became_a_link_or_a_fifo_is_not_opened(self) -> None:
        (self.folder / "secret").write_bytes(CONTENT)
        seeder = self.offering()
        for make in (
            lambda path: path.symlink_to(self.folder / "secret"),
            lambda path: os.mkfifo(path),
            lambda path: path.mkdir(),
        ):
            path = self.shared / "é ü.txt"
            path.unlink()
            make(path)
            self.assert_hangs_up(self.ranged(seeder.address, path.name, 1))
            path.rmdir() if path.is_dir() else path.unlink()
            path.write_bytes(b"accents")
        self.assert_serves(seeder)

    def change_while_served(self, change: Callable[[Path], None]) -> bytes:
        """What arrives of a long file that is changed after its first chunk came."""
        path = random_file(self.shared / "long", 400 * CHUNK, 7)
        seeder = self.offering()
        link = self.ranged(seeder.address, "long", 400)
        arrived = receive_range(link, 1)
        change(path)
        try:
            for _ in range(399):
                arrived += receive_range(link, 1)
        except (EOFError, ConnectionError):
            self.assert_serves(seeder)
            return arrived
        raise AssertionError("it served the whole file although it was changed")

    def assert_no_mixture(self, change: Callable[[Path], None]) -> None:
        original = random_file(self.folder / "copy", 400 * CHUNK, 7).read_bytes()
        arrived = self.change_while_served(change)
        self.assertTrue(original.startswith(arrived), "bytes of another content arrived")

    def test_a_file_that_is_rewritten_while_served_is_not_sent_as_a_mixture(self) -> None:
        def rewrite(path: Path) -> None:
            random_file(path, 400 * CHUNK, 8)

        self.assert_no_mixture(rewrite)

    def test_a_file_that_shrinks_while_served_is_not_sent_on(self) -> None:
        self.assert_no_mixture(lambda path: os.truncate(path, 100 * CHUNK))

    def test_a_file_that_grows_while_served_is_not_sent_on(self) -> None:
        def grow(path: Path) -> None:
            with path.open("ab") as file:
                file.write(b"more")

        self.assert_no_mixture(grow)

    def test_a_file_that_was_replaced_before_the_request_is_not_served(self) -> None:
        seeder = self.offering()
        (self.folder / "other").write_bytes(content_of(SIZE, seed=2))
        (self.folder / "other").replace(self.shared / "a")
        self.assert_hangs_up(self.ranged(seeder.address, "a", 4))

    def test_a_changed_file_is_offered_anew_at_once(self) -> None:
        seeder = self.offering()
        (self.shared / "a").write_bytes(b"new")
        self.assert_hangs_up(self.ranged(seeder.address, "a", 4))
        wait_until(lambda: listed_files(self.room).get("a") == 3, LIMIT_S)
        self.assertEqual(receive_range(self.ranged(seeder.address, "a", 1), 1), b"new")

    def test_new_and_removed_files_are_noticed(self) -> None:
        self.constant("announcer", "RESCAN_S", 0.05)
        self.offering()
        (self.shared / "b").write_bytes(b"b")
        (self.shared / "a").unlink()
        wait_until(lambda: listed_files(self.room) == {"b": 1, "empty": 0, "é ü.txt": 7}, LIMIT_S)

    def test_a_folder_that_is_gone_is_said_and_what_comes_back_is_offered_again(self) -> None:
        self.constant("announcer", "RESCAN_S", 0.05)
        seeder = self.offering()
        self.shared.rename(self.folder / "elsewhere")
        wait_until(lambda: listed_files(self.room) == {}, LIMIT_S)
        last = seeder.log.of(FolderScanned)[-1]
        self.assertEqual(last.files, ())
        self.assertIn("cannot be read", last.problem)
        self.assert_hangs_up(self.ranged(seeder.address, "a", 1))
        (self.folder / "elsewhere").rename(self.shared)
        wait_until(lambda: len(listed_files(self.room)) == 3, LIMIT_S)
        self.assertEqual(seeder.log.of(FolderScanned)[-1].problem, "")
        self.assert_serves(seeder)

    def test_a_folder_that_came_back_empty_is_no_problem_any_more(self) -> None:
        self.constant("announcer", "RESCAN_S", 0.05)
        seeder = self.offering()
        self.shared.rename(self.folder / "elsewhere")
        seeder.log.wait_for(FolderScanned, where=lambda scan: bool(scan.problem))
        seeder.log.clear()
        self.shared.mkdir()
        seeder.log.wait_for(FolderScanned, where=lambda scan: not scan.problem)
        wait_until(lambda: listed_files(self.room) == {}, LIMIT_S)


class StrangersAtTheSeeder(SeederTest):
    def test_twenty_silent_newcomers_do_not_block_a_leecher(self) -> None:
        seeder = self.offering()
        silent = [self.dial(seeder.address) for _ in range(20)]
        self.assert_serves(seeder)
        wait_until_nobody_is_served()
        for link in silent[-10:]:  # they cost no thread, and are still waited for
            link.sendall(b"request_connection")
            self.assertEqual(link.recv(1_024), b"connected" if link in silent[-10:-2] else b"away")

    def test_a_silent_newcomer_is_sent_away_in_time(self) -> None:
        self.constant("reception", "GREETING_S", 0.1)
        self.assert_hangs_up(self.dial(self.offering().address))

    def test_half_a_greeting_is_waited_for_and_then_sent_away(self) -> None:
        self.constant("reception", "GREETING_S", 0.1)
        seeder = self.offering()
        link = self.dial(seeder.address)
        link.sendall(b"request_conn")
        self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_who_connects_and_closes_harms_nothing(self) -> None:
        seeder = self.offering(slots=1)
        for _ in range(50):
            self.dial(seeder.address).close()
        self.assert_serves(seeder)

    def test_garbage_is_answered_error_as_the_original_does(self) -> None:
        seeder = self.offering(slots=1)
        for word in (b"\xff", b"hello", b"GET / HTTP/1.1\r\n\r\n", b"send_file_chunk\n", b"\n"):
            with self.subTest(word=word):
                link = self.dial(seeder.address)
                link.sendall(word)
                self.assertEqual(receive_exactly(link, 5), b"error")
                self.assert_hangs_up(link)
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
                link = self.connected(seeder.address)
                link.sendall(word)
                self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_a_word_that_is_no_acknowledgement_frees_the_slot(self) -> None:
        seeder = self.offering(slots=1)
        link = self.ranged(seeder.address, "a", 4)
        receive_chunk(link)
        link.sendall(b"acknowledgement")
        self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_more_acknowledgements_than_chunks_free_the_slot(self) -> None:
        seeder = self.offering(slots=1)
        link = self.ranged(seeder.address, "a", 4)
        link.recv(1, socket.MSG_PEEK)
        link.sendall(ACK * 5)
        with self.assertRaises((EOFError, ConnectionError)):
            receive_range(link, 5)
        self.assert_serves(seeder)

    def test_a_leecher_that_never_reads_does_not_block_others_and_is_dropped(self) -> None:
        random_file(self.shared / "long", MANY, 3)
        self.constant("chunk_sender", "STALLED_S", 0.3)
        seeder = self.offering(slots=2)
        count = -(-MANY // CHUNK)
        stuck = self.ranged(seeder.address, "long", count)
        stuck.recv(1, socket.MSG_PEEK)
        stuck.sendall(ACK * count)
        self.assert_serves(seeder)
        self.wait_for_state(seeder, SeederState.AVAILABLE)

    def test_a_leecher_that_never_acknowledges_is_dropped(self) -> None:
        self.constant("chunk_sender", "STALLED_S", 0.1)
        seeder = self.offering(slots=1)
        link = self.ranged(seeder.address, "a", 4)
        receive_chunk(link)
        self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_a_leecher_that_asks_for_nothing_is_dropped(self) -> None:
        self.constant("chunk_sender", "REQUEST_S", 0.1)
        seeder = self.offering(slots=1)
        self.assert_hangs_up(self.connected(seeder.address))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_without_descriptors_left_the_loop_goes_on(self) -> None:
        import resource  # there is none on Windows

        seeder = self.offering()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        link = self.enterContext(socket.socket())  # made while there is a descriptor for it
        link.settimeout(LIMIT_S)
        probe = os.open(os.devnull, os.O_RDONLY)
        os.close(probe)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
            link.connect(seeder.address)
            link.sendall(b"request_connection")
            link.settimeout(SILENCE_S)
            with self.assertRaises(TimeoutError):  # it cannot be accepted
                link.recv(1024)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        link.settimeout(LIMIT_S)
        self.assertEqual(link.recv(1024), b"connected")
        self.assert_serves(seeder)


class TheSeederAndItsTracker(SeederTest):
    def recording_tracker(self) -> socket.socket:
        link = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        link.bind(("127.0.0.1", 0))
        link.settimeout(LIMIT_S)
        return link

    def test_it_listens_before_it_announces(self) -> None:
        tracker = self.recording_tracker()
        self.seeder(self.shared, tracker.getsockname(), is_announced=False)
        request, sender = tracker.recvfrom(2_048)
        words = request.split(b"\n")
        self.assertEqual(words[0], b"add_seeder")
        self.assert_answers(tuple(json.loads(words[1])), b"connected")
        del sender

    def test_the_tracker_lists_it_and_its_files(self) -> None:
        seeder = self.offering()
        self.assertEqual(listed_seeders(self.room), [seeder.address])
        self.assertEqual(listed_files(self.room), {name: len(c) for name, c in FILES.items()})
        self.assertFalse(seeder.log.of(TrackerAnswered)[0].is_original)

    def test_a_tracker_that_forgot_it_gets_it_back(self) -> None:
        self.constant("announcer", "PING_S", 0.1)
        first = self.tracker()
        seeder = self.seeder(self.shared, first.address)
        address = first.address
        first.stop()
        self.tracker(address)
        wait_until(lambda: len(listed_files(address)) == 3, LIMIT_S)
        self.assertEqual(listed_seeders(address), [seeder.address])

    def test_a_tracker_that_comes_up_later_gets_it(self) -> None:
        self.constant("announcer", "AGAIN_S", 0.05)
        self.constant("tracker_client", "TRIES_S", (0.05, 0.05))
        address = Address("127.0.0.1", self.free_port("udp"))
        seeder = self.seeder(self.shared, address, is_announced=False)
        seeder.log.wait_for(TrackerLost, LIMIT_S)
        self.assert_serves(seeder)
        self.tracker(address)
        wait_until(lambda: len(listed_files(address)) == 3, LIMIT_S)
        seeder.log.wait_for(TrackerAnswered, LIMIT_S)

    def test_it_tells_its_state(self) -> None:
        self.constant("announcer", "STATE_PING_S", 0.05)
        room = self.tracker()
        seeder = self.seeder(self.shared, room.address, slots=2)
        link = self.connected(seeder.address)
        room.log.wait_for(
            RoomChanged,
            LIMIT_S,
            where=lambda e: [s.state for s in e.seeders] == [SeederState.CONNECTED],
        )
        link.close()

    def test_leaving_takes_it_off_the_list_at_once(self) -> None:
        seeder = self.offering()
        seeder.stop()
        wait_until(lambda: listed_files(self.room) == {}, LIMIT_S)
        self.assertEqual(listed_seeders(self.room), [])

    def test_it_says_nothing_to_an_original_tracker_when_it_leaves(self) -> None:
        # On Windows an answer that finds nobody would end an original tracker.
        tracker = self.original_tracker()
        seeder = self.seeder(self.shared, tracker.address)
        seeder.log.wait_for(FolderScanned, where=lambda scan: scan.announced == 3)
        seeder.stop()
        ask(tracker.address, b"the end")
        tracker.wait_for("tracker heard the end")
        heard = [line.removeprefix("tracker heard ") for line in tracker.lines[1:]]
        self.assertEqual(
            heard,
            ["add_seeder", "ping_tracker", "request_file_list", "upload_file_list", "the end"],
        )

    def test_a_tracker_without_room_is_told_to_the_user(self) -> None:
        self.constant("registry", "MAX_SEEDERS", 0)
        self.constant("announcer", "AGAIN_S", 0.05)
        seeder = self.seeder(self.shared, self.room, is_announced=False)
        lost = seeder.log.wait_for(TrackerLost, LIMIT_S)
        self.assertIn("refused this seeder", str(lost.reason))
        self.assertEqual(seeder.log.of(TrackerAnswered), [])


class TheStartOfTheSeeder(SeederTest):
    def started(self, settings: SeederSettings) -> Running[Seeder]:
        log = EventLog()
        return self.run_role(Seeder(settings, log), log)

    def test_a_folder_that_is_missing_is_an_error_that_names_it(self) -> None:
        missing = self.folder / "missing"
        running = self.started(SeederSettings(missing, self.room, bind=ANYWHERE))
        failure = running.log.wait_for(RoleStopped, LIMIT_S).failure
        self.assertIsInstance(failure, StorageError)
        self.assertIn(str(missing), str(failure))

    def test_a_taken_port_means_the_next_one_and_a_sentence(self) -> None:
        taken = Address(*self.enterContext(socket.create_server(("127.0.0.1", 0))).getsockname())
        running = self.started(SeederSettings(self.shared, self.room, bind=taken))
        started = running.log.wait_for(RoleStarted, LIMIT_S)
        self.assertNotEqual(running.address.port, taken.port)
        self.assertIn(str(taken.port), started.note)
        running.log.wait_for(FolderScanned, LIMIT_S, where=lambda scan: scan.announced > 0)
        self.assertEqual(listed_seeders(self.room), [running.address])

    def test_a_taken_port_that_was_asked_for_exactly_is_an_error(self) -> None:
        taken = Address(*self.enterContext(socket.create_server(("127.0.0.1", 0))).getsockname())
        running = self.started(
            SeederSettings(self.shared, self.room, bind=taken, bind_exactly=True)
        )
        failure = running.log.wait_for(RoleStopped, LIMIT_S).failure
        self.assertIsInstance(failure, StorageError)
        self.assertIn(f"Port {taken.port} is in use", str(failure))

    def test_it_restarts_on_its_port_at_once_after_transfers(self) -> None:
        address = ANYWHERE
        for _ in range(3):
            running = self.started(
                SeederSettings(self.shared, self.room, bind=address, bind_exactly=True)
            )
            address = running.address
            self.assert_serves(running)
            running.stop()


class TheEndOfTheSeeder(SeederTest):
    has_real_polls: ClassVar[bool] = True

    def test_it_stops_in_time_with_leechers_in_every_state_and_leaves_no_thread(self) -> None:
        random_file(self.shared / "long", MANY, 3)
        seeder = self.offering()
        self.dial(seeder.address)
        self.dial(seeder.address).sendall(b"request_co")
        self.connected(seeder.address)
        self.ranged(seeder.address, "a", 4)
        receive_chunk(self.ranged(seeder.address, "a", 4))
        stuck = self.ranged(seeder.address, "long", MANY // CHUNK)
        stuck.recv(1, socket.MSG_PEEK)
        stuck.sendall(ACK * (MANY // CHUNK))
        self.assertLess(seeder.stop(), STOP_LIMIT_S)
        self.assertIsNone(seeder.log.of(RoleStopped)[0].failure)
        left = [t.name for t in threading.enumerate() if t.name.startswith("lmk-")]
        self.assertEqual(left, ["lmk-tracker"])

    def test_it_stops_in_time_while_its_tracker_is_silent(self) -> None:
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(LIMIT_S)
        seeder = self.seeder(self.shared, silent.getsockname(), is_announced=False)
        silent.recv(2_048)
        began = time.monotonic()
        seeder.stop()
        self.assertLess(time.monotonic() - began, STOP_LIMIT_S)
