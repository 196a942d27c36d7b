"""What the user tells a leecher, at any moment: pause, resume, cancel and stop."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from unittest import mock

from roles.downloads.download_life import DownloadLife
from roles.joining.room_reader import RoomReader
from roles.leecher import Leecher
from roles.values.errors import NoSeederError, ShortageError, StorageError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    ListFailed,
    RoleStopped,
)
from roles.values.settings import Existing, LeecherSettings
from tests.receiving import receive_exactly
from tests.role_test import (
    LINUX_ONLY,
    LeecherTest,
    Running,
    content_of,
    list_now,
    lose_patience,
    order,
    wait_for_cause,
    wait_for_end,
    wait_for_state,
)
from tests.scripted_seeder import (
    CHUNK,
    Gate,
    Offer,
    ScriptedSeeder,
    be_away,
    greeted,
    hang_up_on_the_greeting,
)
from tests.support import LIMIT_S, EventLog, wait_until
from tests.tracker_requests import list_as_lmk2, listed_seeders, register

REPOSITORY = Path(__file__).resolve().parent.parent


def silence() -> tuple[threading.Event, Callable[[socket.socket], None]]:
    """A seeder that answers nothing, and whether it was asked."""
    is_asked = threading.Event()

    def stay_silent(sock: socket.socket) -> None:
        sock.recv(1_024)
        is_asked.set()
        while sock.recv(1_024):
            pass

    return is_asked, stay_silent


class PauseResumeCancel(LeecherTest):
    CONTENT = content_of(40 * CHUNK)

    def test_a_pause_keeps_what_came_and_resume_asks_only_for_the_rest(self) -> None:
        gate = Gate(20)
        offer = self.offer(Offer({"a": self.CONTENT}, gate.pack))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        wait_until(lambda: leecher.log.of(DownloadChanged)[-1].have == 20 * CHUNK)
        leecher.role.pause(["a"])
        paused = wait_for_state(leecher, "a", DownloadState.PAUSED)
        self.assertEqual(paused.have, 20 * CHUNK)
        self.assertEqual([path.name for path in self.taken.iterdir()], ["a.lmkpart"])
        gate.open()
        leecher.role.resume(["a"])
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assertEqual(offer.requests[-1], ("a", 20, 20 * CHUNK))
        self.assert_same_files(self.taken, {"a": self.CONTENT})

    def test_a_cancel_in_the_middle_removes_what_came(self) -> None:
        leecher, _ = self.in_the_middle(self.CONTENT, 20)
        leecher.role.cancel(["a"])
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.CANCELLED)
        leecher.log.wait_for(AllDownloadsEnded)
        self.assert_same_files(self.taken, {})

    def test_a_download_can_be_paused_and_cancelled_while_it_looks_for_a_seeder(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.RETRYING)
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        leecher.log.clear()
        leecher.role.resume(["a"])
        wait_for_state(leecher, "a", DownloadState.RETRYING)
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        leecher.role.cancel(["a"])
        wait_for_state(leecher, "a", DownloadState.CANCELLED)
        self.assert_same_files(self.taken, {})

    def test_a_download_can_be_paused_and_cancelled_in_the_queue(self) -> None:
        gate = self.gated(self.CONTENT, 20)
        register(self.room, ("127.0.0.1", 1), {"b": 1, "c": 1, "a": len(self.CONTENT)})
        register(self.room, listed_seeders(self.room)[0], {"b": 1, "c": 1, "a": len(self.CONTENT)})
        leecher = self.taking(downloads_at_once=1)
        order(leecher, "a", "b", "c")
        leecher.role.pause(["b"])
        leecher.role.cancel(["c"])
        wait_for_state(leecher, "b", DownloadState.PAUSED)
        wait_for_state(leecher, "c", DownloadState.CANCELLED)
        leecher.role.cancel(["a", "b"])
        for name in "ab":
            wait_for_state(leecher, name, DownloadState.CANCELLED)
        gate.open()
        leecher.log.wait_for(AllDownloadsEnded)
        self.assert_same_files(self.taken, {})

    def test_a_resume_right_after_a_pause_is_never_lost(self) -> None:
        content = content_of(400 * CHUNK)
        self.offer(Offer({"a": content}, pause_s=0.0005))
        rng = random.Random(1)
        leecher = self.taking()
        order(leecher, "a")
        for _ in range(60):
            leecher.role.pause(["a"])
            time.sleep(rng.choice([0, 0, 0.001, 0.005]))  # at moments of every kind
            leecher.role.resume(["a"])
            time.sleep(rng.choice([0, 0, 0.001, 0.005]))
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": content})

    def test_a_cancel_right_after_anything_is_never_lost(self) -> None:
        self.gated(self.CONTENT, 39)
        rng = random.Random(2)
        leecher = self.taking()
        for _ in range(25):
            leecher.log.clear()
            order(leecher, "a")
            time.sleep(rng.choice([0, 0, 0.001, 0.01]))  # at moments of every kind
            rng.choice([leecher.role.pause, leecher.role.resume])(["a"])
            time.sleep(rng.choice([0, 0, 0.001]))
            leecher.role.cancel(["a"])
            wait_for_state(leecher, "a", DownloadState.CANCELLED)
            self.assert_same_files(self.taken, {})

    def test_a_file_can_be_asked_for_again_right_after_its_cancel(self) -> None:
        self.offer(Offer({"a": self.CONTENT}, pause_s=0.001))
        leecher = self.taking()
        order(leecher, "a")
        for _ in range(10):
            leecher.role.cancel(["a"])
            leecher.role.download(["a"], Existing.REPLACE)
        leecher.log.wait_for(AllDownloadsEnded)
        wait_for_state(leecher, "a", DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": self.CONTENT})

    def test_a_cancel_while_it_is_checked_leaves_the_whole_file_or_nothing(self) -> None:
        self.offer(Offer({"a": self.CONTENT}))
        for word in ("cancel", "pause"):
            for _ in range(10):
                log = EventLog()
                leecher = self.leecher_that_hears_at_the_check(word, log)
                order(leecher, "a", existing=Existing.KEEP_BOTH)
                end = wait_for_state(
                    leecher, "a", DownloadState.DONE, DownloadState.CANCELLED, DownloadState.PAUSED
                )
                leecher.stop()
                is_done = end.state is DownloadState.DONE
                self.assert_same_files(self.taken, {"a": self.CONTENT} if is_done else {})
                shutil.rmtree(self.taken)
                self.taken.mkdir()

    def leecher_that_hears_at_the_check(self, word: str, log: EventLog) -> Running[Leecher]:
        def post(event: object) -> None:
            log(event)
            if isinstance(event, DownloadChanged) and event.state is DownloadState.VERIFYING:
                getattr(role, word)(["a"])

        role = Leecher(LeecherSettings(self.taken, self.room), post)
        return self.run_role(role, log)

    def test_an_order_for_a_file_that_is_on_its_way_changes_nothing(self) -> None:
        leecher, gate = self.in_the_middle(self.CONTENT, 20)
        order(leecher, "a", existing=Existing.KEEP_BOTH)
        gate.open()
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": self.CONTENT})

    def test_a_cancel_after_the_end_changes_nothing(self) -> None:
        self.offer(Offer({"a": self.CONTENT}))
        leecher = self.taking()
        self.assert_takes(leecher, {"a": self.CONTENT})
        for word in (leecher.role.cancel, leecher.role.pause, leecher.role.resume):
            word(["a"])
        list_now(leecher)
        self.assertIs(leecher.log.of(DownloadChanged)[-1].state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": self.CONTENT})

    def test_a_partial_file_that_cannot_be_removed_ends_nothing(self) -> None:
        leecher, _ = self.in_the_middle(self.CONTENT, 20)
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        (self.taken / "a.lmkpart").unlink()
        (self.taken / "a.lmkpart").mkdir()
        leecher.role.cancel(["a"])
        wait_for_state(leecher, "a", DownloadState.CANCELLED)
        list_now(leecher)


class TheEndOfTheLeecher(LeecherTest):
    has_real_polls: ClassVar[bool] = True
    CONTENT = content_of(40 * CHUNK)

    def assert_stops(self, leecher: Running[Leecher]) -> None:
        leecher.stop()
        self.assertIsNone(leecher.log.of(RoleStopped)[0].failure)
        self.assert_same_files(self.taken, {})
        left = [t.name for t in threading.enumerate() if t.name.startswith("lmk-")]
        self.assertEqual(left, ["lmk-tracker"])

    def assert_stops_in_state(
        self, play: Callable[[socket.socket], None], state: DownloadState
    ) -> None:
        self.scripted(play, self.room, a=len(self.CONTENT))
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", state)
        self.assert_stops(leecher)

    def test_it_stops_in_time_at_once(self) -> None:
        self.assert_stops(self.taking())

    def test_it_stops_in_time_while_its_tracker_is_silent(self) -> None:
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(LIMIT_S)
        leecher = self.leecher(self.taken, silent.getsockname())
        silent.recv(2_048)
        self.assert_stops(leecher)

    def test_it_stops_in_time_while_it_waits_for_an_answer(self) -> None:
        is_asked, stay_silent = silence()
        self.scripted(stay_silent, self.room, a=len(self.CONTENT))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(is_asked.wait(LIMIT_S))
        self.assert_stops(leecher)

    @LINUX_ONLY
    def test_it_stops_in_time_while_it_connects(self) -> None:
        deaf = self.enterContext(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):
            filler = self.enterContext(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        register(self.room, deaf.getsockname(), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.LOOKING)
        wait_until(lambda: any(t.name == "lmk-fetch" for t in threading.enumerate()))
        self.assert_stops(leecher)

    def test_it_stops_in_time_before_the_first_chunk(self) -> None:
        def fall_silent(sock: socket.socket) -> None:
            greeted(sock)
            receive_exactly(sock, 1)

        self.assert_stops_in_state(fall_silent, DownloadState.DOWNLOADING)

    def test_it_stops_in_time_in_the_middle(self) -> None:
        leecher, _ = self.in_the_middle(self.CONTENT, 20)
        self.assert_stops(leecher)

    def test_it_stops_in_time_in_a_queue(self) -> None:
        self.assert_stops_in_state(be_away, DownloadState.IN_QUEUE)

    def test_it_stops_in_time_between_two_tries(self) -> None:
        self.assert_stops_in_state(hang_up_on_the_greeting, DownloadState.RETRYING)

    def test_it_stops_in_time_with_a_paused_download(self) -> None:
        leecher, _ = self.in_the_middle(self.CONTENT, 20)
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        self.assert_stops(leecher)

    def test_a_request_that_the_end_interrupts_leaves_nothing_running(self) -> None:
        self.offering({"b": b"done"})
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        self.assert_takes(leecher, {"b": b"done"})
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.RETRYING)

        def stop_before_the_request() -> None:
            leecher.role.stop()
            leecher.role.fetch_again("b", ())  # looks at the list, which raises StoppedError

        with mock.patch.object(leecher.role, "_start_queued", stop_before_the_request):
            wait_until(lambda: bool(leecher.log.of(RoleStopped)))
        self.assertIsNone(leecher.log.of(RoleStopped)[0].failure)
        self.assertIs(leecher.log.of(DownloadChanged)[-1].state, DownloadState.CANCELLED)
        leecher.stop()

    def test_a_last_request_that_fails_leaves_nothing_running(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.RETRYING)

        def stop_before_the_request() -> None:
            leecher.role.stop()
            leecher.role.fetch_again("a", ())  # looks for its download

        failing = mock.patch.object(leecher.role, "_lmk2_download", side_effect=OSError("failing"))
        with failing, mock.patch.object(leecher.role, "_start_queued", stop_before_the_request):
            wait_until(lambda: bool(leecher.log.of(RoleStopped)))
        self.assertIsNotNone(leecher.log.of(RoleStopped)[0].failure)
        self.assertIs(leecher.log.of(DownloadChanged)[-1].state, DownloadState.CANCELLED)

    def test_it_stops_in_time_with_a_download_that_gave_up(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking(give_up_after_s=0.2)
        order(leecher, "a")
        self.assert_fails(leecher, "a", NoSeederError)
        self.assert_stops(leecher)

    def test_what_came_by_lmk2_stays_for_the_next_run(self) -> None:
        content = content_of(3_000_000)
        seeder = self.seeder(self.make_folder("shared", {"a": content}), self.room, up=300_000)
        leecher = self.taking()
        order(leecher, "a")
        leecher.log.wait_for(DownloadChanged, where=lambda e: e.have > 0)
        leecher.stop()
        self.assertIs(leecher.log.of(DownloadChanged)[-1].state, DownloadState.PAUSED)
        self.assertIn("a.lmkpart", [path.name for path in self.taken.iterdir()])
        self.assertFalse((self.taken / "a").exists())
        seeder.role._throttles.up.set_limit(None)
        self.assert_takes(self.taking(), {"a": content})

    def test_it_stops_in_time_while_nobody_answers_it_in_lmk2(self) -> None:
        is_asked, stay_silent = silence()
        silent = self.enterContext(ScriptedSeeder(stay_silent))
        list_as_lmk2(self.room, silent.address, {"a": self.CONTENT})
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(is_asked.wait(LIMIT_S))
        leecher.stop()
        self.assertIsNone(leecher.log.of(RoleStopped)[0].failure)
        left = [t.name for t in threading.enumerate() if t.name.startswith("lmk-")]
        self.assertEqual(left, ["lmk-tracker"])

    def test_what_is_done_stays_and_what_is_not_leaves_nothing(self) -> None:
        self.offering_lmk1({"b": b"done", "a": self.CONTENT})
        leecher = self.taking()
        order(leecher, "b")
        wait_for_end(leecher, "b")
        leecher.stop()
        self.assert_same_files(self.taken, {"b": b"done"})

    @unittest.skipUnless(os.name == "posix", "signals of POSIX systems")
    def test_a_kill_leaves_no_final_name_and_the_next_run_takes_the_file(self) -> None:
        gate = self.gated(self.CONTENT, 20)
        host, port = self.room
        program = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from roles.values.addresses import Address\n"
            "from roles.values.events import FilesListed\n"
            "from roles.leecher import Leecher\n"
            "from roles.values.settings import Existing, LeecherSettings\n"
            "def post(event):\n"
            "    if isinstance(event, FilesListed):\n"
            "        role.download(['a'], Existing.SKIP)\n"
            "room = Address(sys.argv[2], int(sys.argv[3]))\n"
            "role = Leecher(LeecherSettings(Path(sys.argv[1]), room), post)\n"
            "role.start()\n"
            "role.join(600)\n"  # a Python that ends starts no more threads
        )
        arguments = [sys.executable, "-c", program, str(self.taken), host, str(port)]
        with subprocess.Popen(arguments, cwd=REPOSITORY) as process:
            try:
                self.assertTrue(gate.is_reached.wait(LIMIT_S))
            finally:
                process.send_signal(signal.SIGKILL)
        self.assertEqual([path.name for path in self.taken.iterdir()], ["a.lmkpart"])
        gate.open()
        leecher = self.taking()
        self.assert_takes(leecher, {"a": self.CONTENT})


class FilesOfTheProgramGone(LeecherTest):
    def test_a_download_whose_code_cannot_be_loaded_any_more_fails_alone(self) -> None:
        self.offer(Offer({"a": b"content"}))
        leecher = self.taking()
        list_now(leecher, "a")
        with mock.patch.dict(sys.modules, {"roles.lmk1.download": None}):
            order(leecher, "a")
            end = wait_for_end(leecher, "a")
        self.assertIs(end.state, DownloadState.FAILED)
        self.assertIsInstance(end.failure, StorageError)
        leecher.log.clear()
        self.assert_takes(leecher, {"a": b"content"})


class NoThreadLeft(LeecherTest):
    def test_a_download_begins_once_a_thread_can_be_started(self) -> None:
        self.constant("downloads.download_queue", "START_AGAIN_S", 0.01)
        self.offering({"a": b"content"})
        leecher = self.taking()
        list_now(leecher, "a")
        start, refused = DownloadLife.start, list[int]()

        def refuse(download: DownloadLife) -> None:
            if len(refused) < 3:
                refused.append(1)
                raise ShortageError("no more threads")
            start(download)

        with mock.patch.object(DownloadLife, "start", refuse):
            self.assert_takes(leecher, {"a": b"content"})
        self.assertEqual(len(refused), 3)

    def test_a_command_gives_up_and_says_what_is_lacking(self) -> None:
        self.constant("downloads.download_queue", "START_AGAIN_S", 0.01)
        self.offering({"a": b"content"})
        leecher = self.taking(give_up_after_s=0.05)
        list_now(leecher, "a")
        with mock.patch.object(DownloadLife, "start", side_effect=ShortageError("no more threads")):
            order(leecher, "a")
            end = wait_for_end(leecher, "a")
        self.assertIs(end.state, DownloadState.FAILED)
        self.assertIsInstance(end.failure, ShortageError)

    def test_a_list_for_which_something_is_lacking_failed_and_the_next_comes(self) -> None:
        self.offering({"a": b"content"})
        leecher = self.taking()
        list_now(leecher, "a")
        for error in (MemoryError(), OSError(errno.EMFILE, "Too many open files")):
            with self.subTest(error=error):
                leecher.log.clear()
                with mock.patch.object(RoomReader, "_ask_for_list", side_effect=error):
                    leecher.role.refresh()
                    failed = leecher.log.wait_for(ListFailed)
                self.assertIsInstance(failed.reason, ShortageError)
                list_now(leecher, "a")

    def test_nobody_is_blamed_who_could_not_be_called(self) -> None:
        self.offering({"a": b"content" * 1_000})
        leecher = self.taking()
        list_now(leecher, "a")
        lacking = OSError(errno.EMFILE, "Too many open files")
        with mock.patch("roles.swarm.peer_downloads.dialled", side_effect=lacking):
            order(leecher, "a")
            wait_for_cause(leecher, "Too many open files")
            lose_patience(leecher)
            end = wait_for_end(leecher, "a")
        self.assertIsInstance(end.failure, ShortageError)
        self.assertIn("Too many open files", str(end.failure))
