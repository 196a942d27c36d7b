"""The imitations of the original programs transfer like them, and die where they died."""

from __future__ import annotations

import json
import threading
import time

from tests.original_rooms import (
    FILES,
    TIMEOUT_S,
    OriginalsTest,
)
from tests.originals.processes import (
    OriginalProcess,
    OriginalTracker,
)


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
        seeder.wait_for("seeder registered: success")
        self.assertTrue(seeder.is_alive())
        self.assertEqual(len(seeder.lines), 1)

    def test_its_long_answer_ends_a_leecher(self) -> None:
        tracker = self.tracker().address
        for number in range(60):
            self.ask(tracker, b'add_seeder\n["203.0.113.7", %d]' % (10_000 + number))
        self.assertGreater(len(self.ask(tracker, b"request_seeder_list", 2)[0]), 1024)
        leecher = self.leecher(tracker, self.make_folder("received", {}))
        self.assertIn(leecher.ended_by(), ("JSONDecodeError", "OSError"))


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
        self.assertLessEqual(set(threading.enumerate()), before)
