"""The imitations of the original programs transfer like them, and die where they died."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.originals.processes import (
    Address,
    OriginalLeecher,
    OriginalProcess,
    OriginalSeeder,
    OriginalTracker,
)

CHUNK_BYTES = 5120
HEADER = struct.Struct("<i32s")
ACKNOWLEDGEMENT = b"acknolwedgement"
NOT_ACKNOWLEDGED = b"error_notacknol"
# How long an original that has nothing to say is listened to.
SILENCE_S = 0.15
TIMEOUT_S = 10.0

FILES = {
    name: random.Random(name).randbytes(size)
    for name, size in {
        "empty": 0,
        "one byte": 1,
        "exactly one chunk": 5120,
        "one chunk and a byte": 5121,
        "a hundred KB": 100_000,
        "Übung ä.txt": 300,
        "-v": 20,
    }.items()
}


class OriginalsTest(unittest.TestCase):
    """Starts imitations and sockets that end with the test."""

    def setUp(self) -> None:
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.folder = self.make_folder("shared", FILES)

    def make_folder(self, name: str, files: dict[str, bytes]) -> Path:
        folder = self.root / name
        folder.mkdir()
        for file_name, content in files.items():
            (folder / file_name).write_bytes(content)
        return folder

    def tracker(self, *, wait_until_ready: bool = True) -> OriginalTracker:
        return self.stack.enter_context(OriginalTracker(wait_until_ready=wait_until_ready))

    def seeder(
        self, tracker: Address, folder: Path | None = None, *, wait_until_ready: bool = True
    ) -> OriginalSeeder:
        folder = folder or self.folder
        seeder = OriginalSeeder(tracker, folder, wait_until_ready=wait_until_ready)
        return self.stack.enter_context(seeder)

    def leecher(
        self, tracker: Address, folder: Path, *names: str, keep_seeding_port: int | None = None
    ) -> OriginalLeecher:
        return self.stack.enter_context(
            OriginalLeecher(tracker, folder, *names, keep_seeding_port=keep_seeding_port)
        )

    def udp(self) -> socket.socket:
        udp_socket = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp_socket.settimeout(TIMEOUT_S)
        return udp_socket

    def ask(self, tracker: Address, datagram: bytes, answers: int = 1) -> list[bytes]:
        udp_socket = self.udp()
        udp_socket.sendto(datagram, tracker)
        return [udp_socket.recv(65536) for _ in range(answers)]

    def dial(self, address: Address, *words: bytes) -> socket.socket:
        connection = socket.create_connection(address, TIMEOUT_S)
        self.stack.enter_context(connection)
        for word in words:
            connection.sendall(word)
        return connection

    def connected(self, seeder: OriginalSeeder) -> socket.socket:
        """A connection that has heard `connected`: the seeder waits for its second message."""
        connection = self.dial(seeder.address, b"request_connection")
        self.assertEqual(connection.recv(1024), b"connected")
        return connection

    def range_of(
        self, seeder: OriginalSeeder, name: str, chunks: int, start_offset: int = 0
    ) -> socket.socket:
        connection = self.connected(seeder)
        request = json.dumps([name, chunks, start_offset])
        connection.sendall(b"send_file_chunk\n" + request.encode())
        return connection

    def assert_silent(self, connection: socket.socket) -> None:
        connection.settimeout(SILENCE_S)
        with self.assertRaises(TimeoutError):
            connection.recv(1)
        connection.settimeout(TIMEOUT_S)

    def assert_hears(self, seeder: OriginalSeeder, answer: bytes) -> None:
        with self.dial(seeder.address, b"request_connection") as connection:
            self.assertEqual(connection.recv(1024), answer)
            if answer == b"connected":
                connection.sendall(b"exit_connection")
                self.assertEqual(connection.recv(1), b"")

    def assert_serves_on(self, seeder: OriginalSeeder) -> None:
        self.assert_hears(seeder, b"connected")
        self.assertFalse(seeder.ended_accept_loop())

    def assert_deaf_but_pinging(self, seeder: OriginalSeeder, *exception_names: str) -> None:
        line = seeder.wait_for("accept loop ended: ")
        self.assertIn(line.partition(": ")[2], exception_names)
        self.assertTrue(seeder.ended_accept_loop())
        self.assertTrue(seeder.is_alive())


def receive_chunk(connection: socket.socket) -> bytes:
    length, digest = HEADER.unpack(receive_exactly(connection, HEADER.size))
    chunk = receive_exactly(connection, length)
    if hashlib.sha256(chunk).digest() != digest:
        raise AssertionError("a chunk that does not match its digest")
    return chunk


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise AssertionError(f"hung up after {len(data)} of {size} bytes")
        data += part
    return data


class TransfersBetweenOriginals(OriginalsTest):
    def assert_all_files_come(self, number_of_seeders: int) -> None:
        tracker = self.tracker()
        seeders = [
            self.seeder(tracker.address, wait_until_ready=False) for _ in range(number_of_seeders)
        ]
        for seeder in seeders:
            seeder.wait_for("seeder listening")
        received = self.make_folder("received", {})
        for name, content in FILES.items():
            with self.subTest(name=name, seeders=number_of_seeders):
                leecher = self.leecher(tracker.address, received, name)
                leecher.wait_for(f"leecher file {name} done")
                self.assertEqual(leecher.wait_ended(), 0)
                self.assertEqual((received / name).read_bytes(), content)
                for seeder in seeders:
                    seeder.wait_for("seeder state CONNECTED")
                    seeder.wait_for("seeder state AVAILABLE")

    def test_one_seeder_delivers_the_same_bytes(self) -> None:
        self.assert_all_files_come(1)

    def test_two_seeders_deliver_the_same_bytes(self) -> None:
        self.assert_all_files_come(2)

    def test_three_seeders_deliver_the_same_bytes(self) -> None:
        self.assert_all_files_come(3)

    def test_a_leecher_without_names_takes_all_files(self) -> None:
        files = {name: FILES[name] for name in ("one byte", "a hundred KB")}
        folder = self.make_folder("two files", files)
        tracker = self.tracker()
        # More than one: a seeder may still be busy with the end of the last file, and be `away`.
        for _ in range(3):
            self.seeder(tracker.address, folder)
        received = self.make_folder("received", {})
        self.assertEqual(self.leecher(tracker.address, received).wait_ended(), 0)
        self.assertEqual({f.name: f.read_bytes() for f in received.iterdir()}, files)

    def test_the_sixth_seeder_is_told_to_exit_and_none_is_hurt(self) -> None:
        tracker = self.tracker()
        seeders = [self.seeder(tracker.address, wait_until_ready=False) for _ in range(6)]
        for seeder in seeders:
            seeder.wait_for("seeder listening")
        received = self.make_folder("received", {})
        self.assertEqual(self.leecher(tracker.address, received, "a hundred KB").wait_ended(), 0)
        for seeder in seeders:
            seeder.wait_for("seeder state CONNECTED")
            seeder.wait_for("seeder state AVAILABLE")
            self.assert_serves_on(seeder)

    def test_a_leecher_that_keeps_seeding_serves_what_it_took(self) -> None:
        tracker = self.tracker()
        seeder = self.seeder(tracker.address)
        first = self.leecher(
            tracker.address, self.make_folder("first", {}), "a hundred KB", keep_seeding_port=0
        )
        first.wait_for("seeder listening")
        seeder.close()
        second_folder = self.make_folder("second", {})
        second = self.leecher(tracker.address, second_folder)
        self.assertEqual(second.wait_ended(), 0)
        self.assertEqual((second_folder / "a hundred KB").read_bytes(), FILES["a hundred KB"])
        self.assertEqual([file.name for file in second_folder.iterdir()], ["a hundred KB"])


class TrackerOfTheOriginal(OriginalsTest):
    def test_it_dies_of_single_datagrams(self) -> None:
        fatal = {
            "empty": (b"", "IndexError"),
            "not UTF-8": (b"\xff\xfe", "UnicodeDecodeError"),
            "add_seeder alone": (b"add_seeder", "IndexError"),
            "upload_file_list alone": (b"upload_file_list\n", "IndexError"),
            "ping_tracker alone": (b"ping_tracker", "IndexError"),
            "bad JSON": (b"add_seeder\n{", "JSONDecodeError"),
            "deep": (b"add_seeder\n" + b"[" * 900, "JSONDecodeError"),
            # Which of the two depends on the Python: later ones have more room for C recursion.
            "deeper": (b"add_seeder\n" + b"[" * 1000, "RecursionError|JSONDecodeError"),
            "raw U+0085 in a name": (
                'upload_file_list\n{"a\x85b": 1}'.encode(),
                "JSONDecodeError",
            ),
            "raw U+2028 in a name": (
                'upload_file_list\n{"a\u2028b": 1}'.encode(),
                "JSONDecodeError",
            ),
            # Windows refuses the datagram (an OSError) where others cut it.
            "list cut at 1,024 bytes": (
                b"upload_file_list\n" + json.dumps({"a" * 1100: 1}).encode(),
                "JSONDecodeError|OSError",
            ),
            "letter cut at 1,024 bytes": (
                b'upload_file_list\n{"' + "ü".encode() * 600,
                "UnicodeDecodeError|OSError",
            ),
        }
        trackers = {title: self.tracker(wait_until_ready=False) for title in fatal}
        for title, (datagram, _) in fatal.items():
            self.udp().sendto(datagram, trackers[title].address)
        for title, (_, exception_names) in fatal.items():
            with self.subTest(title):
                self.assertIn(trackers[title].ended_by(), exception_names.split("|"))
                self.assertNotEqual(trackers[title].wait_ended(), 0)

    def test_it_answers_in_the_original_words(self) -> None:
        tracker = self.tracker().address
        me = b'\n["127.0.0.1", 4]'
        unknown = b"error\nSeeder ID not in found with registed seeders"
        self.assertEqual(self.ask(tracker, b"ping_tracker" + me), [unknown])
        self.assertEqual(self.ask(tracker, b"add_seeder" + me), [b"success"])
        self.assertEqual(
            self.ask(tracker, b"add_seeder" + me), [b"error\nSeeder is already Registered"]
        )
        self.assertEqual(self.ask(tracker, b"ping_tracker" + me), [b"success"])
        self.assertEqual(
            self.ask(tracker, b"request_seeder_list", 2), [b'[["127.0.0.1", 4]]', b"success"]
        )
        self.assertEqual(self.ask(tracker, b"request_file_list", 2), [b"{}", b"success"])
        self.assertEqual(self.ask(tracker, b"\n"), [b"error\nNone"])
        self.assertEqual(self.ask(tracker, b"leaving\n{}"), [b"error\nNone"])

    def test_it_ignores_fields_past_those_that_it_knows(self) -> None:
        tracker = self.tracker().address
        tail = b'\n{"lmk": 2, "id": "0123456789abcdef"}'
        self.assertEqual(self.ask(tracker, b'add_seeder\n["127.0.0.1", 4]' + tail), [b"success"])
        self.assertEqual(
            self.ask(tracker, b"request_seeder_list" + tail, 2),
            [b'[["127.0.0.1", 4]]', b"success"],
        )

    def test_anyone_replaces_its_list_and_registers_anything(self) -> None:
        tracker = self.tracker().address
        self.ask(tracker, b'upload_file_list\n{"mine": 1}')
        self.ask(tracker, b'upload_file_list\n{"../theirs": 2}')
        self.assertEqual(self.ask(tracker, b"request_file_list", 2)[0], b'{"../theirs": 2}')
        self.assertEqual(self.ask(tracker, b'add_seeder\n["8.8.8.8", 53]'), [b"success"])
        self.assertEqual(self.ask(tracker, b'add_seeder\n["xxx", "y"]'), [b"success"])

    def test_it_forgets_a_silent_seeder_one_request_late(self) -> None:
        with OriginalTracker(forget_after_s=-1.0) as tracker:
            self.ask(tracker.address, b'add_seeder\n["127.0.0.1", 4]')
            self.assertEqual(self.ask(tracker.address, b"request_seeder_list", 2)[0], b"[]")
        with OriginalTracker(forget_after_s=0.05) as tracker:
            self.ask(tracker.address, b'add_seeder\n["127.0.0.1", 4]')
            # Time alone does not make it forget, a request does: ask until it has.
            deadline = time.monotonic() + TIMEOUT_S
            while self.ask(tracker.address, b"request_seeder_list", 2)[0] != b"[]":
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

    def test_a_seeder_with_a_long_list_ends_it_and_freezes(self) -> None:
        tracker = self.tracker()
        folder = self.make_folder("large", {f"{number:0100}": b"" for number in range(12)})
        seeder = self.seeder(tracker.address, folder, wait_until_ready=False)
        self.assertIn(tracker.ended_by(), ("JSONDecodeError", "OSError"))
        self.assertTrue(seeder.is_alive())
        self.assertEqual(seeder.lines, ["seeder registered: success"])

    def test_its_long_answer_ends_a_leecher(self) -> None:
        tracker = self.tracker().address
        for number in range(60):
            self.ask(tracker, b'add_seeder\n["203.0.113.7", %d]' % (10_000 + number))
        self.assertGreater(len(self.ask(tracker, b"request_seeder_list", 2)[0]), 1024)
        leecher = self.leecher(tracker, self.make_folder("received", {}))
        self.assertIn(leecher.ended_by(), ("JSONDecodeError", "OSError"))


class SeederOfTheOriginal(OriginalsTest):
    def setUp(self) -> None:
        super().setUp()
        self.tracker_address = self.tracker().address

    def assert_away_for_ever(self, seeder: OriginalSeeder) -> None:
        for _ in range(2):
            self.assert_hears(seeder, b"away")
        seeder.wait_for("seeder state CONNECTED")
        self.assertFalse(seeder.is_available())
        self.assertFalse(seeder.ended_accept_loop())

    def test_what_a_stranger_does_ends_its_accept_loop(self) -> None:
        def hang_up(seeder: OriginalSeeder) -> None:
            self.dial(seeder.address).close()

        def reset(seeder: OriginalSeeder) -> None:
            connection = self.dial(seeder.address)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        def say_first(word: bytes) -> Callable[[OriginalSeeder], None]:
            return lambda seeder: self.dial(seeder.address, word).close()

        def say_second(word: bytes) -> Callable[[OriginalSeeder], None]:
            def act(seeder: OriginalSeeder) -> None:
                connection = self.connected(seeder)
                connection.sendall(word)
                connection.close()

            return act

        glued = b'send_file_chunk\n["one byte", 1, 0]' + ACKNOWLEDGEMENT
        # Where one end closes while the other sends, some systems report a reset.
        hung_up = ("IndexError", "ConnectionResetError", "ConnectionAbortedError")
        not_text = ("UnicodeDecodeError",)
        fatal: dict[str, tuple[Callable[[OriginalSeeder], None], tuple[str, ...]]] = {
            "connect, close": (hang_up, hung_up),
            "connect, reset": (reset, hung_up),
            "not UTF-8": (say_first(b"\xff"), not_text),
            "close while waiting for connected": (say_first(b"request_connection"), hung_up),
            "close after connected": (say_second(b""), hung_up),
            "not UTF-8 after connected": (say_second(b"\xff"), not_text),
            "request without its line": (say_second(b"send_file_chunk"), ("IndexError",)),
            "acknowledgement with the request": (say_second(glued), ("JSONDecodeError",)),
        }
        seeders = {
            title: self.seeder(self.tracker_address, wait_until_ready=False) for title in fatal
        }
        for title, (act, exception_names) in fatal.items():
            with self.subTest(title):
                act(seeders[title])
                self.assert_deaf_but_pinging(seeders[title], *exception_names)

    def test_an_ended_accept_loop_leaves_it_pinging_and_listed(self) -> None:
        with OriginalSeeder(self.tracker_address, self.folder, ping_interval_s=0.05) as seeder:
            self.dial(seeder.address).close()
            self.assert_deaf_but_pinging(seeder, "IndexError")
            for _ in range(4):
                seeder.wait_for("seeder ping: success")
            listed = self.ask(self.tracker_address, b"request_seeder_list", 2)[0]
            self.assertIn(list(seeder.address), json.loads(listed))
            self.assert_silent(self.dial(seeder.address, b"request_connection"))
            self.assertIn("IndexError", seeder.error_output)

    def test_a_hello_in_two_segments_leaves_it_away_for_ever(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.dial(seeder.address, b"request_connection\n")
        self.assertEqual(connection.recv(1024), b"connected")
        connection.sendall(b'{"lmk": 2}\n')
        connection.close()
        self.assert_away_for_ever(seeder)

    def test_a_first_word_cut_in_two_is_an_error_only(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.dial(seeder.address, b"request_")
        self.assertEqual(connection.recv(1024), b"error")
        self.assertEqual(connection.recv(1024), b"")
        self.assert_serves_on(seeder)

    def test_a_hello_with_a_tail_in_one_segment_is_connected(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.dial(seeder.address, b'request_connection\n{"lmk": 2}\n')
        self.assertEqual(connection.recv(1024), b"connected")
        connection.sendall(b"exit_connection")
        self.assertEqual(connection.recv(1024), b"")
        self.assert_serves_on(seeder)

    def test_an_unknown_second_message_leaves_it_away_for_ever(self) -> None:
        seeder = self.seeder(self.tracker_address)
        self.connected(seeder).sendall(b"request_file_chunk\n[]")
        self.assert_away_for_ever(seeder)

    @unittest.skipIf(sys.platform == "win32", "a reset there discards what was not read yet")
    def test_giving_up_with_exit_connection_before_the_answer_is_safe(self) -> None:
        seeder = self.seeder(self.tracker_address)
        for _ in range(20):
            self.dial(seeder.address, b"request_connection", b"exit_connection").close()
            self.dial(seeder.address, b"request_connectionexit_connection").close()
        self.assert_serves_on(seeder)

    def test_other_first_words_hear_error_and_do_no_harm(self) -> None:
        seeder = self.seeder(self.tracker_address)
        for word in (b"exit_connection", b"GET / HTTP/1.1\r\n\r\n", b"\n"):
            with self.dial(seeder.address, word) as connection:
                self.assertEqual(connection.recv(1024), b"error")
        self.assert_serves_on(seeder)

    def test_closing_in_the_middle_of_a_range_is_safe(self) -> None:
        seeder = self.seeder(self.tracker_address)
        for chunks_taken in (0, 1, 3):
            connection = self.range_of(seeder, "a hundred KB", 20)
            for _ in range(chunks_taken):
                receive_chunk(connection)
                connection.sendall(ACKNOWLEDGEMENT)
            connection.close()
            seeder.wait_for("seeder state CONNECTED")
            seeder.wait_for("seeder state AVAILABLE")
        self.assert_serves_on(seeder)

    def test_a_file_that_it_lacks_is_met_with_silence(self) -> None:
        seeder = self.seeder(self.tracker_address)
        (self.folder / "sub-folder").mkdir()
        for name in ("lacking", "sub-folder"):
            connection = self.range_of(seeder, name, 1)
            seeder.wait_for("seeder state CONNECTED")
            seeder.wait_for("seeder state AVAILABLE")
            self.assert_silent(connection)
        self.assert_serves_on(seeder)

    def test_it_lists_a_sub_folder_as_if_it_were_a_file(self) -> None:
        (self.folder / "sub-folder").mkdir()
        self.seeder(self.tracker_address)
        listed = json.loads(self.ask(self.tracker_address, b"request_file_list", 2)[0])
        size = (self.folder / "sub-folder").stat().st_size
        expected = {name: len(content) for name, content in FILES.items()}
        self.assertEqual(listed, expected | {"sub-folder": size})

    def test_a_second_leecher_hears_away_during_a_transfer(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.range_of(seeder, "one byte", 1)
        receive_chunk(connection)
        self.assert_hears(seeder, b"away")
        connection.sendall(ACKNOWLEDGEMENT)
        seeder.wait_for("seeder state AVAILABLE")
        self.assert_serves_on(seeder)

    def test_one_silent_connection_makes_all_others_wait(self) -> None:
        seeder = self.seeder(self.tracker_address)
        silent = self.dial(seeder.address)
        other = self.dial(seeder.address, b"request_connection")
        self.assert_silent(other)
        silent.sendall(b"anything")
        self.assertEqual(other.recv(1024), b"connected")

    def test_a_leecher_that_has_not_asked_yet_makes_all_others_wait(self) -> None:
        seeder = self.seeder(self.tracker_address)
        undecided = self.connected(seeder)
        other = self.dial(seeder.address, b"request_connection")
        self.assert_silent(other)
        undecided.sendall(b"exit_connection")
        self.assertEqual(other.recv(1024), b"connected")

    def test_what_is_not_exactly_acknowledged_is_sent_again(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.range_of(seeder, "one chunk and a byte", 1, CHUNK_BYTES)
        for answer in (NOT_ACKNOWLEDGED, b"acknowledgement", ACKNOWLEDGEMENT):
            self.assertEqual(receive_chunk(connection), FILES["one chunk and a byte"][-1:])
            connection.sendall(answer)
        seeder.wait_for("seeder state AVAILABLE")

    def test_it_takes_acknowledgements_sent_ahead(self) -> None:
        seeder = self.seeder(self.tracker_address)
        connection = self.range_of(seeder, "a hundred KB", 20)
        first = receive_chunk(connection)
        connection.sendall(ACKNOWLEDGEMENT * 20)
        rest = b"".join(receive_chunk(connection) for _ in range(19))
        self.assertEqual(first + rest, FILES["a hundred KB"])

    def test_it_delivers_any_file_to_a_stranger(self) -> None:
        secret = self.root / "secret"
        secret.write_bytes(b"outside of the folder")
        seeder = self.seeder(self.tracker_address)
        for name in (str(secret), "../secret"):
            connection = self.range_of(seeder, name, 1)
            self.assertEqual(receive_chunk(connection), b"outside of the folder")
            connection.sendall(ACKNOWLEDGEMENT)
            seeder.wait_for("seeder state AVAILABLE")

    @unittest.skipUnless(sys.platform == "linux", "how long a port rests differs by system")
    def test_a_restart_at_the_same_port_fails_after_it_has_registered(self) -> None:
        seeder = self.seeder(self.tracker_address)
        host, port = seeder.address
        connection = self.dial(seeder.address, b"nonsense")
        self.assertEqual([connection.recv(1024), connection.recv(1024)], [b"error", b""])
        connection.close()
        seeder.close()
        with OriginalSeeder(
            self.tracker_address, self.folder, host, port, wait_until_ready=False
        ) as restarted:
            self.assertEqual(restarted.ended_by(), "OSError")
            self.assertIn("seeder registered: error Seeder is already Registered", restarted.lines)

    def test_a_tracker_that_does_not_answer_freezes_it(self) -> None:
        silent_tracker = self.udp()
        silent_tracker.bind(("127.0.0.1", 0))
        seeder = self.seeder(silent_tracker.getsockname(), wait_until_ready=False)
        self.assertTrue(silent_tracker.recv(1024).startswith(b"add_seeder\n"))
        silent_tracker.settimeout(SILENCE_S)
        with self.assertRaises(TimeoutError):
            silent_tracker.recv(1024)
        self.assertTrue(seeder.is_alive())

    def test_it_starts_in_the_original_order_from_fresh_ports(self) -> None:
        recording_tracker = self.udp()
        recording_tracker.bind(("127.0.0.1", 0))
        seeder = self.seeder(recording_tracker.getsockname(), wait_until_ready=False)
        words = []
        for _ in range(4):
            datagram, sender = recording_tracker.recvfrom(1024)
            words.append(datagram.decode().split("\n")[0])
            recording_tracker.sendto(b"success", sender)
        self.assertEqual(words, ["add_seeder", "upload_file_list", "ping_tracker", "ping_tracker"])
        seeder.wait_for("seeder listening")


class ScriptedSeeder:
    """Plays a seeder to one leecher: says `connected`, then acts."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.address: Address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, name="scripted-seeder")
        self._thread.start()

    def _serve(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            connection.settimeout(TIMEOUT_S)
            connection.recv(1024)
            connection.sendall(b"connected")
            connection.recv(1024)
            self._act(connection)

    def join(self) -> None:
        self._thread.join()


class LeecherOfTheOriginal(OriginalsTest):
    def setUp(self) -> None:
        super().setUp()
        self.tracker_address = self.tracker().address
        self.received = self.make_folder("received", {})

    def register(self, address: Address, sizes: dict[str, int]) -> None:
        self.ask(self.tracker_address, b"add_seeder\n" + json.dumps(address).encode())
        self.ask(self.tracker_address, b"upload_file_list\n" + json.dumps(sizes).encode())

    def take_from_script(self, size: int, act: Callable[[socket.socket], None]) -> OriginalLeecher:
        scripted = ScriptedSeeder(act)
        self.addCleanup(scripted.join)
        self.register(scripted.address, {"file": size})
        leecher = self.leecher(self.tracker_address, self.received)
        leecher.wait_ended()
        return leecher

    def assert_lost(self, leecher: OriginalLeecher, name: str, why: str) -> None:
        leecher.wait_for(f"leecher failed {name}: {why}")
        self.assertEqual(leecher.wait_ended(), 1)
        self.assertFalse((self.received / name).exists())

    def test_it_dies_when_all_seeders_are_away(self) -> None:
        seeder = self.seeder(self.tracker_address)
        receive_chunk(self.range_of(seeder, "a hundred KB", 20))
        leecher = self.leecher(self.tracker_address, self.received, "one byte")
        leecher.wait_for("leecher heard away")
        self.assert_lost(leecher, "one byte", "ZeroDivisionError")
        self.assertEqual(leecher.ended_by(), "ZeroDivisionError")
        self.assertFalse(seeder.ended_accept_loop())

    def test_it_dies_when_no_seeder_is_listed(self) -> None:
        self.ask(self.tracker_address, b'upload_file_list\n{"file": 1}')
        leecher = self.leecher(self.tracker_address, self.received)
        self.assertEqual(leecher.ended_by(), "ZeroDivisionError")

    def test_it_passes_over_a_dead_seeder(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            dead = listener.getsockname()
        self.register(dead, {})
        self.seeder(self.tracker_address)
        leecher = self.leecher(self.tracker_address, self.received, "one byte")
        self.assertNotIn("connected", leecher.wait_for("leecher heard "))
        self.assertEqual(leecher.wait_ended(), 0)

    def test_it_passes_over_a_silent_seeder_after_a_second_and_ends_its_accept_loop(self) -> None:
        blocked = self.seeder(self.tracker_address)
        silent = self.dial(blocked.address)
        self.seeder(self.tracker_address)
        leecher = self.leecher(self.tracker_address, self.received, "one byte")
        leecher.wait_for("leecher heard TimeoutError")
        self.assertEqual(leecher.wait_ended(), 0)
        silent.sendall(b"anything")
        # What comes next is the leecher's word, and then its end.
        self.assert_deaf_but_pinging(
            blocked, "IndexError", "ConnectionResetError", "ConnectionAbortedError"
        )

    def test_it_loses_the_whole_file_when_one_seeder_lacks_it(self) -> None:
        lacking = self.make_folder("lacking", {"one byte": FILES["one byte"]})
        seeders = [self.seeder(self.tracker_address, lacking), self.seeder(self.tracker_address)]
        leecher = self.leecher(self.tracker_address, self.received, "a hundred KB")
        self.assert_lost(leecher, "a hundred KB", "TimeoutError")
        for seeder in seeders:
            seeder.wait_for("seeder state AVAILABLE")
            self.assert_serves_on(seeder)

    def test_it_writes_outside_of_its_folder_for_a_hostile_tracker(self) -> None:
        (self.root / "a").mkdir()
        (self.root / "pwned.txt").write_bytes(b"hostile")
        self.received = self.make_folder("a/received", {})
        sharing = self.make_folder("sharing", {})
        self.seeder(self.tracker_address, sharing)
        self.ask(self.tracker_address, b'upload_file_list\n{"../pwned.txt": 7}')
        self.assertEqual(self.leecher(self.tracker_address, self.received).wait_ended(), 0)
        self.assertEqual((self.root / "a" / "pwned.txt").read_bytes(), b"hostile")

    def test_a_short_header_is_fatal_to_the_file(self) -> None:
        self.assert_lost(self.take_from_script(1, lambda c: c.sendall(b"x" * 20)), "file", "error")

    def test_a_header_that_takes_over_a_second_is_fatal_to_the_file(self) -> None:
        def say_nothing(connection: socket.socket) -> None:
            self.assertEqual(connection.recv(1), b"")

        self.assert_lost(self.take_from_script(1, say_nothing), "file", "TimeoutError")

    def test_a_negative_length_is_taken_for_an_empty_chunk(self) -> None:
        header = HEADER.pack(-1, hashlib.sha256(b"").digest())
        leecher = self.take_from_script(CHUNK_BYTES, lambda c: c.sendall(header))
        self.assertEqual(leecher.wait_ended(), 0)
        self.assertEqual((self.received / "file").read_bytes(), b"")

    def test_a_wrong_digest_is_asked_again_from_the_same_seeder(self) -> None:
        heard = []

        def lie_twice(connection: socket.socket) -> None:
            for claimed in (b"y", b"z", b"x"):
                connection.sendall(HEADER.pack(1, hashlib.sha256(claimed).digest()) + b"x")
                heard.append(connection.recv(15))

        self.assertEqual(self.take_from_script(1, lie_twice).wait_ended(), 0)
        self.assertEqual(heard, [NOT_ACKNOWLEDGED, NOT_ACKNOWLEDGED, ACKNOWLEDGEMENT])
        self.assertEqual((self.received / "file").read_bytes(), b"x")

    def test_a_list_answer_in_one_datagram_ends_it(self) -> None:
        tracker = self.udp()
        tracker.bind(("127.0.0.1", 0))
        leecher = self.leecher(tracker.getsockname(), self.received)
        tracker.sendto(b"success\n{}", tracker.recvfrom(1024)[1])
        self.assertEqual(leecher.ended_by(), "JSONDecodeError")

    def test_a_name_that_is_not_listed_ends_it(self) -> None:
        self.seeder(self.tracker_address)
        leecher = self.leecher(self.tracker_address, self.received, "unheard of")
        self.assertEqual(leecher.ended_by(), "KeyError")


class FollowingAProcess(OriginalsTest):
    def test_waiting_for_words_that_do_not_come_fails_with_the_output(self) -> None:
        tracker = self.tracker()
        with self.assertRaisesRegex(AssertionError, "did not say 'never'(?s:.*)tracker ready"):
            tracker.wait_for("never", timeout_s=0.01)
        with self.assertRaisesRegex(AssertionError, "has not ended"):
            tracker.wait_ended(timeout_s=0.01)

    def test_a_process_that_ended_is_not_waited_for(self) -> None:
        tracker = self.tracker()
        self.udp().sendto(b"", tracker.address)
        with self.assertRaisesRegex(AssertionError, "IndexError"):
            tracker.wait_for("never")
        self.assertEqual(tracker.wait_ended(), 1)
        self.assertFalse(tracker.is_alive())

    def test_closing_kills_and_leaves_no_thread(self) -> None:
        before = set(threading.enumerate())
        process: OriginalProcess = OriginalTracker()
        process.close()
        process.close()
        self.assertFalse(process.is_alive())
        self.assertEqual(set(threading.enumerate()), before)


if __name__ == "__main__":
    unittest.main()
