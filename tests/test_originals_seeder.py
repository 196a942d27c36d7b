"""The imitation of the original seeder serves like it, and ends where it ended."""

from __future__ import annotations

import json
import socket
import struct
import sys
import unittest
from collections.abc import Callable

from tests.original_rooms import (
    ACKNOWLEDGEMENT,
    CHUNK_BYTES,
    FILES,
    NOT_ACKNOWLEDGED,
    SILENCE_S,
    OriginalsTest,
)
from tests.originals.processes import (
    OriginalSeeder,
)
from tests.receiving import receive_chunk


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

    def test_a_greeting_in_two_segments_leaves_it_away_for_ever(self) -> None:
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

    def test_a_greeting_with_a_tail_in_one_segment_is_connected(self) -> None:
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
