"""Originals and ours in every mix: the same bytes everywhere, and ours never end an original."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from roles.leecher import Leecher
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
)
from roles.values.settings import Existing, LeecherSettings
from tests.originals.processes import OriginalSeeder, OriginalTracker
from tests.receiving import receive_chunk
from tests.role_test import (
    RoomTest,
    Running,
    content_of,
    list_now,
    order,
    wait_for_end,
    wait_for_state,
)
from tests.scripted_seeder import ACK
from tests.support import LIMIT_S, EventLog, wait_until
from tests.tracker_requests import ask, listed_files, register

OLD_BUFFER = 1_024  # bytes that an original receives at once
FILES = {
    "empty": b"",
    "one byte": b"1",
    "one chunk": content_of(5_120, seed=2),
    "Übung ä.txt": content_of(5_121, seed=3),
    "sixty KB": content_of(60_000, seed=4),
}
LONG = content_of(8_000_000, seed=5)
REPOSITORY = Path(__file__).resolve().parent.parent


class MixesTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.shared = self.make_folder("shared", FILES)

    def any_tracker(self, *, is_old: bool) -> tuple[str, int]:
        return self.original_tracker().address if is_old else self.tracker().address

    def any_seeder(
        self, tracker: tuple[str, int], *, is_old: bool, folder: Path | None = None
    ) -> OriginalSeeder | None:
        shared = folder or self.shared
        if is_old:
            return self.original_seeder(shared, tracker)
        self.seeder(shared, tracker)
        return None

    def take_all(self, tracker: tuple[str, int], taken: Path, *, is_old: bool) -> None:
        if is_old:
            for name in FILES:
                leecher = self.original_leecher(taken, tracker, name)
                self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)
            return
        ours = self.leecher(taken, tracker)
        order(ours, *FILES)
        for name in FILES:
            self.assertIs(wait_for_end(ours, name).state, DownloadState.DONE)
        ours.stop()

    def wait_until_free(self, seeder: OriginalSeeder) -> None:
        """Until an original says `connected`, which it is then told to forget."""

        def is_free() -> bool:
            sock = self.dial(seeder.address)
            sock.sendall(b"request_connection")
            answer = sock.recv(1_024)
            if answer == b"connected":
                sock.sendall(b"exit_connection")
                self.assertEqual(sock.recv(1), b"")
            sock.close()
            return answer == b"connected"

        wait_until(is_free, LIMIT_S, "the original seeder stayed away")

    def assert_unharmed(self, seeder: OriginalSeeder, tracker: tuple[str, int]) -> None:
        """It serves an original leecher a whole file, and its accept loop lives."""
        self.wait_until_free(seeder)
        taken = self.make_folder(f"taken by an original {time.monotonic_ns()}")
        leecher = self.original_leecher(taken, tracker, "one chunk")
        self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)
        self.assert_same_files(taken, {"one chunk": FILES["one chunk"]})
        self.assertFalse(seeder.ended_accept_loop())


class TheSameBytesInEveryMix(MixesTest):
    def assert_mix_works(self, *, tracker: bool, seeder: bool, leecher: bool) -> None:
        room = self.any_tracker(is_old=tracker)
        self.any_seeder(room, is_old=seeder)
        taken = self.make_folder("taken")
        if seeder and leecher:  # the next leecher must not come before the seeder is free again
            original = self.original_seeder(self.shared, room)
            self.wait_until_free(original)
        self.take_all(room, taken, is_old=leecher)
        self.assert_same_files(taken, FILES)

    def test_new_tracker_new_seeder_new_leecher(self) -> None:
        self.assert_mix_works(tracker=False, seeder=False, leecher=False)

    def test_new_tracker_new_seeder_old_leecher(self) -> None:
        self.assert_mix_works(tracker=False, seeder=False, leecher=True)

    def test_new_tracker_old_seeder_new_leecher(self) -> None:
        self.assert_mix_works(tracker=False, seeder=True, leecher=False)

    def test_new_tracker_old_seeder_old_leecher(self) -> None:
        self.assert_mix_works(tracker=False, seeder=True, leecher=True)

    def test_old_tracker_new_seeder_new_leecher(self) -> None:
        self.assert_mix_works(tracker=True, seeder=False, leecher=False)

    def test_old_tracker_new_seeder_old_leecher(self) -> None:
        self.assert_mix_works(tracker=True, seeder=False, leecher=True)

    def test_old_tracker_old_seeder_new_leecher(self) -> None:
        self.assert_mix_works(tracker=True, seeder=True, leecher=False)

    def test_old_tracker_old_seeder_old_leecher(self) -> None:
        self.assert_mix_works(tracker=True, seeder=True, leecher=True)

    def test_an_old_and_a_new_seeder_together_serve_an_old_and_a_new_leecher(self) -> None:
        for old_tracker, old_leecher in itertools.product((False, True), repeat=2):
            with self.subTest(old_tracker=old_tracker, old_leecher=old_leecher):
                room = self.any_tracker(is_old=old_tracker)
                self.any_seeder(room, is_old=False)
                self.any_seeder(room, is_old=True)
                taken = self.make_folder(f"taken {old_tracker} {old_leecher}")
                self.take_all(room, taken, is_old=old_leecher)
                self.assert_same_files(taken, FILES)

    def test_one_slot_serves_old_leechers_one_after_another(self) -> None:
        room = self.tracker().address
        self.seeder(self.shared, room, slots=1)
        taken = self.make_folder("taken")
        self.take_all(room, taken, is_old=True)
        self.assert_same_files(taken, FILES)

    def test_two_old_leechers_are_served_at_once(self) -> None:
        room = self.tracker().address
        self.seeder(self.shared, room)
        folders = [self.make_folder(f"taken {number}") for number in range(2)]
        leechers = [self.original_leecher(folder, room) for folder in folders]
        for leecher, folder in zip(leechers, folders, strict=True):
            self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)
            self.assert_same_files(folder, FILES)


class OriginalSeederTest(MixesTest):
    chunk_pause_s: ClassVar[float | None] = None

    def setUp(self) -> None:
        super().setUp()
        (self.shared / "long").write_bytes(LONG)
        self.room = self.tracker().address
        self.original = self.original_seeder(
            self.shared, self.room, chunk_pause_s=self.chunk_pause_s
        )
        self.taken = self.make_folder("taken")

    def taking(self, *names: str) -> Running[Leecher]:
        leecher = self.leecher(self.taken, self.room)
        order(leecher, *names)
        return leecher

    def end_in_each_way(self, when: Callable[[], Running[Leecher]]) -> None:
        for word in ("cancel", "pause", "stop"):
            with self.subTest(word):
                leecher = when()
                if word != "stop":
                    getattr(leecher.role, word)(["long"])
                    state = DownloadState.CANCELLED if word == "cancel" else DownloadState.PAUSED
                    wait_for_state(leecher, "long", state)
                    self.assert_unharmed(self.original, self.room)
                leecher.stop()
                self.assert_unharmed(self.original, self.room)
                self.assert_same_files(self.taken, {})


class OurLeecherNeverEndsAnOriginalSeederInTheMiddle(OriginalSeederTest):
    """So slow that no download ends before it is ended."""

    chunk_pause_s: ClassVar[float | None] = 0.01

    def test_in_the_middle_of_a_range(self) -> None:
        def in_the_middle() -> Running[Leecher]:
            leecher = self.taking("long")
            leecher.log.wait_for(DownloadChanged, where=lambda e: e.have > 0)
            return leecher

        self.end_in_each_way(in_the_middle)

    def test_at_any_moment(self) -> None:
        rng = random.Random(3)
        leecher = self.leecher(self.taken, self.room)
        for _ in range(25):
            leecher.log.clear()
            order(leecher, "long")
            time.sleep(rng.uniform(0, 0.02))  # at moments of every kind
            leecher.role.cancel(["long"])
            wait_for_state(leecher, "long", DownloadState.CANCELLED)
        self.assert_unharmed(self.original, self.room)

    def test_stopping_at_any_moment(self) -> None:
        rng = random.Random(4)
        for _ in range(12):
            leecher = self.taking("long")
            time.sleep(rng.uniform(0, 0.02))  # at moments of every kind
            leecher.stop()
        self.assert_unharmed(self.original, self.room)

    @unittest.skipUnless(sys.platform != "win32", "signals of POSIX systems")
    def test_when_our_process_is_killed_in_the_middle_of_a_range(self) -> None:
        program = (
            "import sys\n"
            "from pathlib import Path\n"
            "from roles.values.addresses import Address\n"
            "from roles.values.events import DownloadChanged, FilesListed\n"
            "from roles.leecher import Leecher\n"
            "from roles.values.settings import Existing, LeecherSettings\n"
            "def post(event):\n"
            "    if isinstance(event, FilesListed):\n"
            "        role.download(['long'], Existing.SKIP)\n"
            "    if isinstance(event, DownloadChanged) and event.have:\n"
            "        print('in the middle', flush=True)\n"
            "room = Address(sys.argv[2], int(sys.argv[3]))\n"
            "role = Leecher(LeecherSettings(Path(sys.argv[1]), room), post)\n"
            "role.start()\n"
            "role.join(600)\n"  # a Python that ends starts no more threads
        )
        host, port = self.room
        arguments = [sys.executable, "-c", program, str(self.taken), host, str(port)]
        with subprocess.Popen(arguments, cwd=REPOSITORY, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            self.assertEqual(process.stdout.readline(), b"in the middle\n")
            process.send_signal(signal.SIGKILL)
        self.assertFalse((self.taken / "long").exists())
        self.assert_unharmed(self.original, self.room)


class OurLeecherNeverEndsAnOriginalSeeder(OriginalSeederTest):
    def test_before_its_answer(self) -> None:
        # A leecher that was told `connected` and says nothing keeps the original from answering.
        for word in ("cancel", "pause", "stop"):
            with self.subTest(word):
                blocking = self.connected(self.original.address)
                leecher = self.taking("long")
                wait_until(lambda: any(t.name == "lmk-fetch" for t in threading.enumerate()))
                if word == "stop":
                    leecher.stop()
                else:
                    getattr(leecher.role, word)(["long"])
                    state = DownloadState.CANCELLED if word == "cancel" else DownloadState.PAUSED
                    wait_for_state(leecher, "long", state)
                blocking.sendall(b"exit_connection")
                self.assertEqual(blocking.recv(1), b"")
                self.assert_unharmed(self.original, self.room)
                leecher.stop()

    def test_when_its_answer_takes_too_long(self) -> None:
        self.limits("lmk1.chunk_fetcher", answer_s=0.1)
        self.constant("lmk1.seeder_book", "FAILED_AGAIN_S", 0.3)
        blocking = self.connected(self.original.address)
        leecher = self.taking("long")
        wait_for_state(leecher, "long", DownloadState.RETRYING)
        blocking.sendall(b"exit_connection")
        self.assertEqual(blocking.recv(1), b"")
        self.assertIs(wait_for_end(leecher, "long").state, DownloadState.DONE)
        self.assert_unharmed(self.original, self.room)

    def test_when_it_is_away(self) -> None:
        def in_queue() -> Running[Leecher]:
            self.wait_until_free(self.original)
            busy = self.ranged(self.original.address, "one chunk", 1)
            receive_chunk(busy)
            leecher = self.taking("long")
            wait_for_state(leecher, "long", DownloadState.IN_QUEUE)
            busy.sendall(ACK)
            busy.close()
            return leecher

        self.constant("lmk1.seeder_book", "AWAY_AGAIN_S", 60.0)  # so that it is still in line
        self.end_in_each_way(in_queue)

    def test_when_the_file_is_checked(self) -> None:
        def post(event: object) -> None:
            log(event)
            if isinstance(event, DownloadChanged) and event.state is DownloadState.VERIFYING:
                role.stop()

        log = EventLog()
        role = Leecher(LeecherSettings(self.taken, self.room), post)
        running = self.run_role(role, log)
        order(running, "one chunk")
        running.log.wait_for(DownloadChanged, where=lambda e: e.state.is_final)
        self.assert_unharmed(self.original, self.room)

    def test_at_the_end_of_a_file(self) -> None:
        leecher = self.taking("sixty KB")
        wait_for_end(leecher, "sixty KB")
        leecher.stop()
        self.assert_unharmed(self.original, self.room)

    def test_with_many_files_at_once(self) -> None:
        leecher = self.taking(*FILES)
        for name in FILES:
            self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        leecher.stop()
        self.assert_same_files(self.taken, FILES)
        self.assert_unharmed(self.original, self.room)

    def test_when_its_work_is_taken_over_by_a_faster_one(self) -> None:
        self.seeder(self.shared, self.room)
        leecher = self.taking("long")
        self.assertIs(wait_for_end(leecher, "long").state, DownloadState.DONE)
        leecher.stop()
        self.assert_same_files(self.taken, {"long": LONG})
        self.assert_unharmed(self.original, self.room)

    def test_when_it_lacks_the_file(self) -> None:
        self.limits("lmk1.chunk_fetcher", first_chunk_s=0.2)
        (self.shared / "sixty KB").unlink()
        leecher = self.taking("sixty KB")
        wait_for_state(leecher, "sixty KB", DownloadState.RETRYING)
        leecher.stop()
        self.assert_unharmed(self.original, self.room)

    def test_when_the_disk_refuses(self) -> None:
        (self.taken / "long.lmkpart").mkdir()
        leecher = self.taking("long")
        self.assertIs(wait_for_end(leecher, "long").state, DownloadState.FAILED)
        self.assert_unharmed(self.original, self.room)


class OursNeverEndAnOriginalTracker(MixesTest):
    def setUp(self) -> None:
        super().setUp()
        self.old = self.original_tracker()

    def announced(self, name: str, files: dict[str, bytes]) -> int:
        """Offer these at the original tracker; returns how many are on its list."""
        seeder = self.seeder(self.make_folder(name, files), self.old.address, is_announced=False)
        listed = seeder.log.wait_for(
            FolderScanned, where=lambda scan: scan.is_listed and bool(scan.files)
        )
        return listed.announced

    def assert_alive(self, tracker: OriginalTracker) -> dict[str, int]:
        """Its list fits into what an original receives; returns it."""
        answer, success = ask(tracker.address, b"request_file_list", 2)
        self.assertEqual(success, b"success")
        self.assertLessEqual(len(answer), OLD_BUFFER)
        self.assertTrue(tracker.is_alive())
        files: dict[str, int] = json.loads(answer)
        return files

    def test_our_start_refresh_and_stop_leave_it_alive(self) -> None:
        for number in range(3):
            shared = self.make_folder(f"shared {number}", FILES)
            seeder = self.seeder(shared, self.old.address)
            leecher = self.leecher(self.make_folder(f"taken {number}"), self.old.address)
            for _ in range(3):
                list_now(leecher, *FILES)
            leecher.stop()
            seeder.stop()
        self.assertEqual(self.assert_alive(self.old), {n: len(c) for n, c in FILES.items()})

    def test_our_leecher_listens_for_nobody_there(self) -> None:
        leecher = self.leecher(self.make_folder("taken"), self.old.address)
        list_now(leecher)
        leecher.stop()
        self.assertIsNone(leecher.role._peer)

    def test_stopping_before_its_answer_leaves_it_alive(self) -> None:
        for _ in range(10):
            seeder = self.seeder(self.shared, self.old.address, is_announced=False)
            leecher = self.leecher(self.folder / "taken", self.old.address)
            leecher.stop()
            seeder.stop()
        self.assert_alive(self.old)

    def test_our_upload_keeps_what_the_others_offer(self) -> None:
        theirs = self.make_folder("theirs", {"theirs": b"1"})
        self.original_seeder(theirs, self.old.address)
        self.assertEqual(self.announced("ours", {"ours": b"22"}), 1)
        self.assertEqual(self.assert_alive(self.old), {"theirs": 1, "ours": 2})

    def test_an_upload_that_adds_nothing_is_not_sent(self) -> None:
        register(self.old.address, ("127.0.0.1", 12_501), {"a": 1})
        self.assertEqual(self.announced("ours", {"a": b"1"}), 1)
        ask(self.old.address, b"the end")
        self.old.wait_for("tracker heard the end")
        uploads = [line for line in self.old.lines if line == "tracker heard upload_file_list"]
        self.assertEqual(len(uploads), 1)

    def test_many_short_names_stay_within_its_buffer(self) -> None:
        files = {f"{number:03}": b"" for number in range(200)}
        self.assertGreater(self.announced("ours", files), 20)
        self.assert_alive(self.old)

    def test_many_long_names_stay_within_its_buffer(self) -> None:
        files = {f"{number}{'x' * 190}": b"1" for number in range(9)}
        self.assertGreater(self.announced("ours", files), 2)
        self.assert_alive(self.old)

    def test_many_accented_names_stay_within_its_buffer(self) -> None:
        files = {f"{number}{'é' * 30}": b"1" for number in range(9)}
        self.assertGreater(self.announced("ours", files), 2)
        self.assert_alive(self.old)

    def test_a_full_list_of_others_is_left_as_it_is(self) -> None:
        others = {f"{number:02}{'x' * 20}": 1 for number in range(33)}
        ask(self.old.address, b"upload_file_list\n" + json.dumps(others).encode())
        self.announced("ours", {"ours" * 30: b"1"})
        self.assertEqual(self.assert_alive(self.old), others)

    def test_an_old_leecher_reads_the_list_that_we_filled(self) -> None:
        files = {f"{number:03}": b"1" for number in range(200)}
        self.announced("ours", files)
        taken = self.make_folder("taken")
        leecher = self.original_leecher(taken, self.old.address, "000")
        self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)

    def test_a_new_file_is_added_while_it_runs(self) -> None:
        self.seeder(self.shared, self.old.address, look_s=0.05)
        (self.shared / "new").write_bytes(b"1")
        wait_until(lambda: "new" in listed_files(self.old.address))
        self.assertEqual(len(self.assert_alive(self.old)), len(FILES) + 1)

    def test_an_old_tracker_that_restarts_gets_our_files_again(self) -> None:
        self.pace(lmk1_ping_s=0.1, again_s=0.05)
        self.seeder(self.shared, self.old.address)
        host, port = self.old.address
        self.old.close()
        again = self.enterContext(OriginalTracker(host, port))
        wait_until(lambda: len(listed_files(again.address)) == len(FILES))
        self.assert_alive(again)

    def test_a_list_without_seeders_is_listed(self) -> None:
        ask(self.old.address, b'upload_file_list\n{"a": 1}')
        leecher = self.leecher(self.folder / "taken", self.old.address)
        listed = leecher.log.wait_for(FilesListed)
        self.assertEqual(([file.name for file in listed.files], listed.seeders), (["a"], ()))
        leecher.role.download(["a"], Existing.SKIP)
        wait_for_state(leecher, "a", DownloadState.LOOKING)
        self.assert_alive(self.old)
