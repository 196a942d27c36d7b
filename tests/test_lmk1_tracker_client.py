"""Asking a tracker in LMK/1: lists, verdicts, and what an original one is told."""

from __future__ import annotations

import json
import socket
import threading
import time

from roles.lmk1.tracker_client import TrackerClient
from roles.lmk1.tracker_wire import decode_request, encode_request
from roles.values.errors import TrackerSilentError
from roles.values.participants import Status
from tests.scripted_tracker import (
    LIST,
    PC,
    SEEDERS,
    ScriptedTracker,
    TrackerClientTestCase,
    repeat_after,
    room_of,
)
from tests.support import wait_until


class ListsTest(TrackerClientTestCase):
    def test_files_and_seeders_are_read(self) -> None:
        client, tracker = self.asked(room_of)
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(client.seeders(), (PC,))
        self.assertEqual(tracker.heard, [b"request_file_list", b"request_seeder_list"])

    def test_each_request_leaves_from_a_fresh_port(self) -> None:
        client, tracker = self.asked(lambda *_: [LIST])  # so that the sockets stay open
        for _ in range(3):
            client.files()
        self.assertEqual(len(set(tracker.sources)), 3)

    def test_the_two_datagrams_may_come_in_either_order(self) -> None:
        client, tracker = self.asked(lambda *_: [b"success", LIST])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual((len(tracker.heard), self.open_sockets(client)), (1, 0))

    def test_a_list_whose_success_was_lost_is_taken(self) -> None:
        client, tracker = self.asked(lambda *_: [LIST])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 1)
        self.assertEqual(self.open_sockets(client), 1)  # it may still come

    def test_a_success_without_the_list_is_not_taken_and_the_list_is_asked_for_again(self) -> None:
        repeat_after(self, 0.1)
        client, tracker = self.asked(lambda _, n: [b"success", *([LIST] if n else [])])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 2)

    def test_the_other_list_is_not_taken_for_the_one_asked_for(self) -> None:
        repeat_after(self, 0.1)
        client, tracker = self.asked(lambda _, n: [SEEDERS, *([LIST, b"success"] if n else [])])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 2)

    def test_garbage_is_skipped(self) -> None:
        garbage = [b"", b"\xff", b"{", b"[1", b"hello", b"[" * 2000, b'{"a":-1}', b"error"]
        client, tracker = self.asked(lambda *_: [*garbage, LIST, b"success"])
        with self.assertLogs("roles.joining.tracker_asker", "WARNING"):
            self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 1)

    def test_a_list_longer_than_the_originals_buffer_is_taken(self) -> None:
        files = {f"{number:060}": number for number in range(700)}
        client, _ = self.asked(lambda *_: [json.dumps(files).encode(), b"success"])
        self.assertEqual(client.files(), files)

    def test_lost_datagrams_are_asked_for_again(self) -> None:
        repeat_after(self, 0.1, 0.2)
        client, tracker = self.asked(lambda d, n: room_of(d, n) if n >= 2 else [])
        begun = time.monotonic()
        self.assertEqual(client.seeders(), (PC,))
        self.assertEqual(tracker.heard, [b"request_seeder_list"] * 3)
        self.assertGreater(time.monotonic() - begun, (0.1 + 0.2) * 0.7)

    def test_an_answer_from_elsewhere_is_not_taken(self) -> None:
        repeat_after(self, 0.1)
        stranger = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        stranger.bind(("127.0.0.1", 0))

        def script(_: bytes, before: int) -> list[bytes]:
            if before:
                return [LIST, b"success"]
            stranger.sendto(b'{"virus.exe":1}', tracker.sources[-1])
            return []

        tracker = self.tracker(script)
        self.assertEqual(self.client(tracker.address).files(), {"a.txt": 5})


class VerdictsTest(TrackerClientTestCase):
    def test_a_ping_tells_whether_the_tracker_knows_the_seeder(self) -> None:
        unknown = b"error\nSeeder ID not in found with registed seeders"
        for script, is_known in ((room_of, True), (lambda *_: [unknown], False)):
            client, _ = self.asked(script)
            self.assertIs(client.ping(PC, Status()) is not None, is_known)

    def test_a_repeated_request_is_the_same_request(self) -> None:
        repeat_after(self, 0.1)
        client, tracker = self.asked(lambda d, n: room_of(d, n) if n else [])
        client.ping(PC, Status())
        self.assertEqual(tracker.heard[0], tracker.heard[1])


class UploadToOriginalTest(TrackerClientTestCase):
    def room(self, files: dict[str, int]) -> tuple[TrackerClient, ScriptedTracker]:
        """An original tracker with that list; what is uploaded replaces it."""
        kept = dict(files)

        def script(datagram: bytes, _: int) -> list[bytes]:
            if datagram.startswith(b"upload_file_list\n"):
                kept.clear()
                kept.update(json.loads(datagram.split(b"\n")[1]))
                return [b"success"]
            return [json.dumps(kept).encode(), b"success"]

        self.kept = kept
        return self.asked(script)

    def test_what_others_offer_is_sent_along(self) -> None:
        client, _ = self.room({"theirs": 1})
        self.assertEqual(client.tell_files({"ours": 2}, 12501), 1)
        self.assertEqual(self.kept, {"theirs": 1, "ours": 2})

    def test_nothing_is_sent_that_adds_no_name(self) -> None:
        client, tracker = self.room({"theirs": 1, "ours": 2})
        self.assertEqual(client.tell_files({"ours": 2}, 12501), 1)
        self.assertEqual(client.tell_files({}, 12501), 0)
        self.assertEqual(set(tracker.heard), {b"request_file_list"})

    def test_a_list_is_never_wiped_and_no_request_is_longer_than_1000_bytes(self) -> None:
        for known_count in (0, 1, 5, 10, 11, 12, 13, 14, 30):
            known = {f"known {number:070}": number for number in range(known_count)}
            ours = {f"ours {number:070}": number for number in range(30)}
            with self.subTest(known=known_count):
                client, tracker = self.room(known)
                count = client.tell_files(ours, 12501)
                self.assertLessEqual(known.items(), self.kept.items())
                self.assertEqual(count, len(self.kept.keys() & ours.keys()))
                for datagram in tracker.heard:
                    self.assertLessEqual(len(datagram), 1000)
                    self.assertLessEqual(len(datagram.split(b"\n")), 2)

    def test_nothing_is_sent_when_the_list_could_not_be_read(self) -> None:
        repeat_after(self, 0.1)
        client, tracker = self.asked(lambda *_: [b"success"])
        self.stop_after(tracker, 2)
        with self.assertRaises(TrackerSilentError):
            client.tell_files({"ours": 1}, 12501)
        self.assertEqual(set(tracker.heard), {b"request_file_list"})

    def stop_after(self, tracker: ScriptedTracker, count: int) -> None:
        def watch() -> None:
            wait_until(lambda: len(tracker.heard) >= count)
            self.stopping.set()

        thread = threading.Thread(target=watch, name="lmk-test")
        thread.start()
        self.addCleanup(thread.join)


class RequestsTest(TrackerClientTestCase):
    def test_no_request_would_end_an_original_tracker(self) -> None:
        client, tracker = self.asked(room_of)
        client.tell_files({}, 12501)
        client.tell_files({"é\u2028\x85": 1}, 12501)
        client.ping(PC, Status())
        client.files()
        client.seeders()
        for datagram in tracker.heard:
            with self.subTest(datagram=datagram):
                self.assertTrue(datagram.isascii())
                self.assertLessEqual(len(datagram), 1000)
                fields = datagram.decode().splitlines()
                if not fields[0].startswith("request_"):
                    json.loads(fields[1])
                self.assertEqual(encode_request(decode_request(datagram)), datagram)
