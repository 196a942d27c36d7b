"""Attacks and shortages that once ended a role, misled a person or lost a file."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

from roles.disk.partial_file import PartialFile
from roles.lmk1.seeder_table import SeederTable
from roles.net.name_lookup import looked_up
from roles.program.log_file import start_logging
from roles.room.registry import Registry
from roles.room.registry_entry import Origin
from roles.room.room_report import LIMITS
from roles.values.addresses import Address
from roles.values.errors import NoSeederError, ShortageError, TrackerSilentError
from roles.values.events import DownloadState, RoomChanged, TrackerLost
from roles.values.settings import Existing
from tests.programs import ROOT, TIMEOUT_S
from tests.receiving import receive_chunk
from tests.role_test import RoomTest, content_of, lose_patience, order, wait_for_cause, wait_for_end
from tests.scripted_seeder import Offer
from tests.support import NEVER, LmkTestCase, wait_until
from tests.tracker_requests import ask, listed_files, register

# A room, then no descriptor left, then enough again: says whether both roles live on.
NO_DESCRIPTORS = """
import logging, resource, socket, sys
from pathlib import Path
from roles.values.addresses import Address
from roles.values.events import FilesListed, ListFailed, RoleStarted
from roles.leecher import Leecher
from roles.values.settings import (LeecherSettings, TrackerSettings)
from roles.tracker import Tracker
from tests.support import EventLog

logging.disable()
events = EventLog()
tracker = Tracker(TrackerSettings(Address("127.0.0.1", 0), bind_exactly=True), events)
tracker.start()
room = events.wait_for(RoleStarted).address
leecher = Leecher(LeecherSettings(Path(sys.argv[1]), room), events)
leecher.start()
events.wait_for(FilesListed)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(60)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
events.clear()
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    for host in range(2, 12):
        sock.sendto(b'add_seeder\\n["127.0.0.%d", 5555]' % host, room)
    sock.sendto(b"the last one", room)
    sock.recv(100)
    leecher.refresh()
    events.wait_for(ListFailed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    leecher.refresh()
    events.wait_for(FilesListed)
    sys.stdout.write("both live on")
finally:
    sock.close()
    for role in (leecher, tracker):
        role.stop()
        role.join(30)
"""
FULL_DISK = """
import logging, resource, sys
from pathlib import Path
from roles.program.log_file import start_logging
start_logging(Path(sys.argv[1]) / "a.log", terminal_level=None)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for number in range(100):
    logging.getLogger("roles").info("line %d", number)
sys.stdout.write("written")
"""


class Shortages(RoomTest):
    def ran(self, program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, str(self.folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    @unittest.skipUnless(sys.platform == "linux", "the limits of Linux")
    def test_without_descriptors_tracker_and_leecher_wait_for_better_times(self) -> None:
        ended = self.ran(NO_DESCRIPTORS)
        self.assertEqual((ended.stdout, ended.stderr), ("both live on", ""))

    @unittest.skipUnless(sys.platform == "linux", "the limits of Linux")
    def test_a_disk_without_room_for_the_log_fills_no_terminal(self) -> None:
        ended = self.ran(FULL_DISK)
        self.assertEqual((ended.stdout, ended.stderr), ("written", ""))

    def test_a_fault_in_a_line_of_the_log_is_still_told(self) -> None:
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        self.addCleanup(root.setLevel, level)
        start_logging(self.folder / "a.log", terminal_level=None)
        (handler,) = set(root.handlers) - set(handlers)
        self.addCleanup(handler.close)
        self.addCleanup(root.removeHandler, handler)
        record = logging.LogRecord("roles", logging.INFO, "x.py", 1, "%d", ("no number",), None)
        with contextlib.redirect_stderr(io.StringIO()) as told:
            handler.handle(record)
        self.assertIn("no number", told.getvalue())

    @unittest.skipUnless(sys.platform == "linux", "stacks that no other system refuses alike")
    def test_a_name_without_a_thread_to_look_it_up_is_a_tracker_that_is_silent(self) -> None:
        before = threading.stack_size(1 << 46)
        self.addCleanup(threading.stack_size, before)
        with self.assertRaises(TrackerSilentError):
            looked_up(Address("localhost", 1), NEVER)

    def test_a_leecher_without_memory_does_not_storm_its_seeder(self) -> None:
        self.constant("lmk1.chunk_fetcher", "BUFFER", 1 << 62)
        room = self.tracker().address
        seeder = self.scripted(Offer({"a": b"x"}).play, room, a=1)
        leecher = self.leecher(self.make_folder("taken"), room)
        order(leecher, "a")
        wait_for_cause(leecher, "no memory left")
        lose_patience(leecher)
        failure = wait_for_end(leecher, "a").failure
        self.assertIsInstance(failure, ShortageError)
        self.assertIn("no memory left", str(failure))
        wait_until(lambda: seeder.connections > 0)
        self.assertEqual(seeder.connections, 1)

    def test_a_seeder_without_memory_for_one_leecher_serves_the_next(self) -> None:
        folder = self.make_folder("shared", {"a": b"x"})
        room = self.tracker().address
        seeder = self.seeder(folder, room)
        self.constant("lmk1.chunk_sender", "BLOCK_CHUNKS", 1 << 50)
        self.assert_hangs_up(self.connected(seeder.address))
        self.constant("lmk1.chunk_sender", "BLOCK_CHUNKS", 64)
        self.assertEqual(receive_chunk(self.ranged(seeder.address, "a", 1)), b"x")


class HostileRooms(RoomTest):
    def test_a_huge_room_is_answered_between_two_reports(self) -> None:
        self.limits("room.room_report", report_s=0.0)
        running = self.tracker()
        for port in range(5_000, 5_040):
            sizes = {f"{number:x}": port for number in range(180)}
            register(running.address, ("127.0.0.1", port), sizes)
        ticks = itertools.count()
        slice_s = 0.05  # of the processor, as we say
        with mock.patch("roles.room.room_report.time.thread_time", lambda: next(ticks) * slice_s):
            before, began = len(running.log.of(RoomChanged)), time.monotonic()
            for _ in range(100):
                ask(running.address, b'ping_tracker\n["127.0.0.1", 5000]')
            most = (time.monotonic() - began) / (LIMITS.rests * slice_s) + 2
            self.assertLessEqual(len(running.log.of(RoomChanged)) - before, most)

    def test_the_lists_of_all_seeders_together_have_a_limit(self) -> None:
        most, here = 4_000, Origin("127.0.0.1", is_here=True)
        self.constant("lmk1.seeder_table", "MAX_FILES", most)
        table = SeederTable(Registry())
        for port in range(12501, 12510):
            table.add(Address("a", port), here, now=0.0)
            many = {str(number): port for number in range(most // 2)}
            self.assertTrue(table.upload(many, here))
            self.assertLessEqual(sum(seeder.files for seeder in table.participants()), most)

    def test_a_flood_of_nonsense_does_not_wash_the_log_away(self) -> None:
        room = self.tracker().address
        with self.assertLogs("roles.room.senders", logging.INFO) as logged:
            for _ in range(200):
                ask(room, b"nonsense")
        self.assertLess(len(logged.output), 100)

    def test_a_tracker_that_refuses_with_control_characters_moves_no_cursor(self) -> None:
        with _RefusingTracker(b"error\n\x1b[2J\x07gone\rforged") as address:
            seeder = self.seeder(self.make_folder("shared"), address, is_announced=False)
            reason = str(seeder.log.wait_for(TrackerLost).reason)
        self.assertIn("gone", reason)
        self.assertTrue(reason.isprintable(), ascii(reason))

    def test_a_seeder_that_never_says_a_word_is_not_waited_for_without_end(self) -> None:
        self.limits("lmk1.chunk_fetcher", answer_s=0.05)
        room = self.tracker().address

        def say_nothing(sock: socket.socket) -> None:
            while sock.recv(1024):
                continue

        self.scripted(say_nothing, room, a=1)
        leecher = self.leecher(self.make_folder("taken"), room)
        order(leecher, "a")
        wait_for_cause(leecher, "does not answer")
        lose_patience(leecher)
        failure = wait_for_end(leecher, "a").failure
        self.assertIsInstance(failure, NoSeederError)
        self.assertIn("does not answer", str(failure))

    def test_a_name_that_hides_in_another_does_not_replace_it(self) -> None:
        files = {"a.txt": content_of(6, seed=1), "a\u200b.txt": content_of(7, seed=2)}
        room = self.tracker().address
        self.scripted(Offer(files).play, room, **{n: len(c) for n, c in files.items()})
        self.assertEqual(len(listed_files(room)), 2)
        folder = self.make_folder("taken", {"a.txt": b"to be replaced"})
        leecher = self.leecher(folder, room)
        order(leecher, *files, existing=Existing.REPLACE)
        for name in files:
            self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        found = {path.read_bytes() for path in folder.iterdir()}
        self.assertLessEqual(set(files.values()), found)


class PlacesTaken(LmkTestCase):
    @unittest.skipUnless(os.name == "posix", "elsewhere an open file cannot be removed")
    def test_what_was_put_in_the_place_of_a_partial_file_is_not_removed_with_it(self) -> None:
        partial = PartialFile(self.folder, ("a",), can_be_checked=False)
        path = self.folder / "a.lmkpart"
        path.unlink()
        path.write_bytes(b"precious")
        partial.discard()
        self.assertEqual(path.read_bytes(), b"precious")


class _RefusingTracker:
    """Answers everything with the same datagram."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="scripted-tracker")

    def __enter__(self) -> Address:
        self._thread.start()
        return Address(*self._link.getsockname())

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._link.getsockname())
        self._thread.join()
        self._link.close()

    def _serve(self) -> None:
        while True:
            request, source = self._link.recvfrom(2048)
            if not request:
                return
            self._link.sendto(self._answer, source)
