"""The leecher role on real sockets: whole files or a plain sentence, whatever its peers do."""

from __future__ import annotations

import contextlib
import hashlib
import json
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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from roles.errors import ContentError, DiskFullError, NoSeederError, StorageError
from roles.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FilesListed,
    ListFailed,
    RoleStopped,
)
from roles.leecher import Leecher
from roles.seeder import Seeder
from roles.settings import Existing, LeecherSettings
from tests.rooms import (
    ACK,
    CHUNK,
    HEADER,
    LIMIT_S,
    STOP_LIMIT_S,
    Offer,
    RoomTest,
    Running,
    ScriptedSeeder,
    content_of,
    greeted,
    list_now,
    listed_seeders,
    order,
    packed,
    receive_exactly,
    register,
    wait_for_end,
    wait_for_state,
)
from tests.support import EventLog, wait_until

NEVER_S = 600.0  # a patience that no test waits for
SOON_S = 0.05
REPOSITORY = Path(__file__).resolve().parent.parent
LINUX_ONLY = unittest.skipUnless(sys.platform == "linux", "a thing of Linux")


class Gate:
    """Holds an Offer back before one chunk until it is opened."""

    def __init__(self, before: int) -> None:
        self._before = before
        self.is_reached = threading.Event()
        self._is_open = threading.Event()

    def pack(self, index: int, chunk: bytes) -> bytes:
        if index == self._before:
            self.is_reached.set()
            self._is_open.wait(LIMIT_S)
        return packed(chunk)

    def open(self) -> None:
        self._is_open.set()


def is_of_a_list(event: object) -> bool:
    return isinstance(event, FilesListed | ListFailed)


def hang_up_on_the_greeting(link: socket.socket) -> None:
    link.recv(1_024)


def lack_the_file(link: socket.socket) -> None:
    greeted(link)


def be_away(link: socket.socket) -> None:
    link.recv(1_024)
    link.sendall(b"away")


class LeecherTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.taken = self.make_folder("taken")
        self.room = self.tracker().address

    def offering(self, files: Mapping[str, bytes], name: str = "shared") -> Running[Seeder]:
        return self.seeder(self.make_folder(name, files), self.room)

    def offer(self, offer: Offer) -> Offer:
        sizes = {name: len(content) for name, content in offer.files.items()}
        self.scripted(offer.play, self.room, **sizes)
        return offer

    def gated(self, content: bytes, before: int) -> Gate:
        """A seeder of the file "a" that stops before one chunk."""
        gate = Gate(before)
        self.offer(Offer({"a": content}, gate.pack))
        self.addCleanup(gate.open)
        return gate

    def taking(
        self,
        *,
        give_up_after_s: float | None = None,
        parallel_seeders: int = 5,
    ) -> Running[Leecher]:
        return self.leecher(
            self.taken,
            self.room,
            give_up_after_s=give_up_after_s,
            parallel_seeders=parallel_seeders,
        )

    def assert_takes(self, leecher: Running[Leecher], files: Mapping[str, bytes]) -> None:
        order(leecher, *files)
        for name in files:
            end = wait_for_end(leecher, name)
            self.assertIs(end.state, DownloadState.DONE, end)
            self.assertEqual(end.saved_as, self.taken / name)
        self.assert_same_files(self.taken, files)

    def assert_fails(
        self, leecher: Running[Leecher], name: str, kind: type[Exception]
    ) -> DownloadChanged:
        end = wait_for_end(leecher, name)
        self.assertIs(end.state, DownloadState.FAILED, end)
        self.assertIsInstance(end.failure, kind)
        return end


class TakingFiles(LeecherTest):
    SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3_000_000)

    def assert_all_sizes_come_from(self, number_of_seeders: int) -> None:
        files = {f"file of {size}": content_of(size, seed=size) for size in self.SIZES}
        for number in range(number_of_seeders):
            self.offering(files, f"shared {number}")
        self.assertEqual(len(listed_seeders(self.room)), number_of_seeders)
        leecher = self.taking()
        self.assert_takes(leecher, files)
        leecher.log.wait_for(AllDownloadsEnded)

    def test_files_of_every_size_come_from_one_seeder(self) -> None:
        self.assert_all_sizes_come_from(1)

    def test_files_of_every_size_come_from_two_seeders(self) -> None:
        self.assert_all_sizes_come_from(2)

    def test_files_of_every_size_come_from_three_seeders(self) -> None:
        self.assert_all_sizes_come_from(3)

    def test_a_long_file_is_taken_from_all_seeders_at_once(self) -> None:
        content = content_of(3_000_000)
        offers = [self.offer(Offer({"a": content}, pause_s=0.001)) for _ in range(3)]
        self.assert_takes(self.taking(), {"a": content})
        for offer in offers:
            self.assertGreater(offer.sent, 50)

    def test_no_more_seeders_than_set_are_asked_at_once(self) -> None:
        content = content_of(2_000_000)
        offers = [self.offer(Offer({"a": content})) for _ in range(3)]
        self.assert_takes(self.taking(parallel_seeders=1), {"a": content})
        self.assertEqual(sum(bool(offer.sent) for offer in offers), 1)

    def test_several_files_at_once_come_from_seeders_with_one_slot_each(self) -> None:
        self.constant("seeder_book", "AWAY_AGAIN_S", SOON_S)
        files = {f"{number}": content_of(400_000, seed=number) for number in range(6)}
        folder = self.make_folder("shared", files)
        for _ in range(2):
            self.seeder(folder, self.room, slots=1)
        self.assert_takes(self.taking(), files)

    def test_all_downloads_ended_is_told_once_for_each_time_that_they_end(self) -> None:
        self.offering({"a": b"1", "b": b""})
        leecher = self.taking()
        for name, times in (("b", 1), ("a", 2)):
            order(leecher, name)
            wait_until(lambda t=times: len(leecher.log.of(AllDownloadsEnded)) == t, LIMIT_S)  # type: ignore[misc]
        names = [type(event) for event in leecher.log.events]
        self.assertIs(names[-1], AllDownloadsEnded)

    def test_a_seeder_that_comes_later_is_found(self) -> None:
        self.constant("leecher", "SEEDERS_AGAIN_S", SOON_S)
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.RETRYING)
        self.offering({"a": b"content"})
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)

    def test_a_name_that_is_not_on_the_list_is_not_taken(self) -> None:
        self.offering({"a": b"1"})
        leecher = self.taking()
        list_now(leecher, "a")
        leecher.role.download(["b", "../a"], Existing.SKIP)
        self.assert_takes(leecher, {"a": b"1"})
        self.assertEqual({event.name for event in leecher.log.of(DownloadChanged)}, {"a"})

    def test_without_a_thread_left_it_waits_for_one(self) -> None:
        self.offering({"a": b"1"})
        leecher = self.taking()
        list_now(leecher, "a")
        before = threading.stack_size(1 << 46)  # more than there is, so no thread can start
        try:
            leecher.role.download(["a"], Existing.SKIP)
            wait_for_state(leecher, "a", DownloadState.QUEUED)
        finally:
            threading.stack_size(before)
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)


class WordsOfTheLeecher(LeecherTest):
    CONTENT = content_of(100 * CHUNK)

    def test_they_are_those_of_an_original_each_in_one_piece(self) -> None:
        heard = []

        def play(link: socket.socket) -> None:
            heard.append(link.recv(1_024))
            link.sendall(b"connected")
            heard.append(link.recv(1_024))
            link.settimeout(0.1)
            with contextlib.suppress(TimeoutError):  # nothing is sent ahead of the first chunk
                heard.append(link.recv(1))
            link.settimeout(LIMIT_S)
            link.sendall(packed(self.CONTENT[:CHUNK]))
            heard.append(receive_exactly(link, 65 * len(ACK)))
            for start in range(CHUNK, len(self.CONTENT), CHUNK):
                link.sendall(packed(self.CONTENT[start : start + CHUNK]))
            heard.append(receive_exactly(link, 35 * len(ACK)))
            heard.append(link.recv(1))

        self.scripted(play, self.room, a=len(self.CONTENT))
        self.assert_takes(self.taking(), {"a": self.CONTENT})
        wait_until(lambda: len(heard) == 5, LIMIT_S, "it did not hang up")
        first, second, ahead, rest, end = heard
        self.assertEqual(first, b"request_connection")
        self.assertEqual(second, b'send_file_chunk\n["a",100,0]')
        self.assertEqual((ahead, rest, end), (ACK * 65, ACK * 35, b""))

    def test_who_leaves_before_the_answer_says_so(self) -> None:
        heard = []

        def play(link: socket.socket) -> None:
            heard.append(link.recv(1_024))
            is_asked.set()
            heard.append(link.recv(1_024))
            heard.append(link.recv(1_024))

        is_asked = threading.Event()
        self.scripted(play, self.room, a=len(self.CONTENT))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(is_asked.wait(LIMIT_S))
        leecher.stop()
        wait_until(lambda: len(heard) == 3, LIMIT_S, "it did not hang up")
        self.assertEqual(heard, [b"request_connection", b"exit_connection", b""])


class SeedersThatFail(LeecherTest):
    def test_one_that_dies_in_the_middle_costs_nothing(self) -> None:
        content = content_of(100 * CHUNK)
        self.offering({"a": content})

        def die(link: socket.socket) -> None:
            request = greeted(link)
            if request is not None:
                start = request[2]
                link.sendall(packed(content[start : start + CHUNK])[:3_000])

        self.scripted(die, self.room, a=len(content))
        self.assert_takes(self.taking(), {"a": content})

    def test_one_of_ours_that_is_stopped_in_the_middle_costs_nothing(self) -> None:
        content = content_of(40_000_000)
        first = self.offering({"a": content}, "first")
        self.offering({"a": content}, "second")
        leecher = self.taking()
        order(leecher, "a")
        leecher.log.wait_for(
            DownloadChanged, LIMIT_S, where=lambda e: len(e.sources) == 2 and e.have > 0
        )
        first.stop()
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": content})

    def assert_others_suffice(self, play: Callable[[socket.socket], None]) -> None:
        """A download with this seeder and an honest one ends at once, long before any patience."""
        for name in ("CONNECT_S", "ANSWER_S", "FIRST_CHUNK_S", "CHUNK_S"):
            self.constant("chunk_fetcher", name, NEVER_S)
        self.constant("download_plan", "STALLED_S", 0.2)
        content = content_of(200 * CHUNK)
        self.scripted(play, self.room, a=len(content))
        self.offering({"a": content})
        self.assert_takes(self.taking(), {"a": content})

    def assert_is_given_up(self, play: Callable[[socket.socket], None], why: str) -> None:
        """A download from this seeder alone says why it does not move."""
        for name in ("ANSWER_S", "FIRST_CHUNK_S", "CHUNK_S"):
            self.constant("chunk_fetcher", name, 0.2)
        self.scripted(play, self.room, a=200 * CHUNK)
        leecher = self.taking()
        order(leecher, "a")
        where = lambda e: why in e.cause  # noqa: E731
        leecher.log.wait_for(DownloadChanged, LIMIT_S, where=where)

    @staticmethod
    def stay_silent(link: socket.socket) -> None:
        while link.recv(1_024):
            pass

    @staticmethod
    def fall_silent_after_the_answer(link: socket.socket) -> None:
        link.recv(1_024)
        link.sendall(b"connected")
        SeedersThatFail.stay_silent(link)

    @staticmethod
    def fall_silent_in_a_chunk(link: socket.socket) -> None:
        greeted(link)
        link.sendall(HEADER.pack(CHUNK, bytes(32)) + b"x")
        SeedersThatFail.stay_silent(link)

    @staticmethod
    def trickle(link: socket.socket) -> None:
        greeted(link)
        for byte in HEADER.pack(CHUNK, bytes(32)) + bytes(CHUNK):
            link.sendall(bytes([byte]))
            time.sleep(0.005)  # the pace of the trickle

    def test_one_that_is_silent_after_connecting_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.stay_silent)

    def test_one_that_is_silent_after_its_answer_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.fall_silent_after_the_answer)

    def test_one_that_is_silent_in_a_chunk_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.fall_silent_in_a_chunk)

    def test_one_that_trickles_bytes_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.trickle)

    @LINUX_ONLY
    def test_one_that_never_accepts_does_not_hold_up_the_others(self) -> None:
        content = content_of(200 * CHUNK)
        for name in ("CONNECT_S", "ANSWER_S"):
            self.constant("chunk_fetcher", name, NEVER_S)
        register(self.room, self.deaf_address(), {"a": len(content)})
        self.offering({"a": content})
        self.assert_takes(self.taking(), {"a": content})

    def deaf_address(self) -> tuple[str, int]:
        """Where a handshake never ends, because the queue is full."""
        deaf = self.enterContext(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address: tuple[str, int] = deaf.getsockname()
        for _ in range(4):
            filler = self.enterContext(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        return address

    def test_one_that_is_silent_after_its_answer_is_given_up_alone(self) -> None:
        self.assert_is_given_up(self.fall_silent_after_the_answer, "it sent nothing of the file")

    def test_one_that_is_silent_in_a_chunk_is_given_up_alone(self) -> None:
        self.assert_is_given_up(self.fall_silent_in_a_chunk, "no chunk for")

    def test_one_that_trickles_bytes_is_given_up_alone(self) -> None:
        self.assert_is_given_up(self.trickle, "no chunk for")

    def test_one_that_answers_nonsense_is_given_up_alone(self) -> None:
        self.assert_is_given_up(lambda link: link.sendall(b"HTTP/1.1 400"), "not a seeder")

    def test_one_that_hangs_up_on_the_greeting_is_given_up_alone(self) -> None:
        self.assert_is_given_up(hang_up_on_the_greeting, "without an answer")

    def test_one_that_lacks_the_file_is_passed_over(self) -> None:
        self.assert_others_suffice(lack_the_file)

    def test_one_that_is_away_is_waited_for(self) -> None:
        self.constant("seeder_book", "AWAY_AGAIN_S", SOON_S)
        content = content_of(10 * CHUNK)
        offer = Offer({"a": content})
        times_away = iter([True, True])

        def play(link: socket.socket) -> None:
            if next(times_away, False):
                link.recv(1_024)
                link.sendall(b"away")
            else:
                offer.play(link)

        self.scripted(play, self.room, a=len(content))
        leecher = self.taking(give_up_after_s=NEVER_S)
        self.assert_takes(leecher, {"a": content})
        states = [event.state for event in leecher.log.of(DownloadChanged)]
        self.assertIn(DownloadState.IN_LINE, states)

    def test_a_slow_one_does_not_set_the_pace(self) -> None:
        content = content_of(600 * CHUNK)
        slow = self.offer(Offer({"a": content}, pause_s=0.02))
        quick = self.offer(Offer({"a": content}))
        leecher = self.taking()
        self.assert_takes(leecher, {"a": content})
        self.assertLess(slow.sent, 200)
        self.assertGreater(quick.sent, 400)

    def test_what_is_had_only_grows_and_never_passes_the_size(self) -> None:
        content = content_of(600 * CHUNK + 1)
        self.offer(Offer({"a": content}, pause_s=0.002))
        self.offer(Offer({"a": content}))
        leecher = self.taking()
        self.assert_takes(leecher, {"a": content})
        had = [event.have for event in leecher.log.of(DownloadChanged)]
        self.assertEqual(had, sorted(had))
        self.assertEqual(had[-1], len(content))

    def test_a_running_download_does_not_need_the_tracker(self) -> None:
        self.constant("leecher", "SEEDERS_AGAIN_S", SOON_S)
        self.constant("tracker_client", "TRIES_S", (SOON_S,))
        room = self.tracker()
        content = content_of(20 * CHUNK)
        gate = Gate(10)
        self.scripted(Offer({"a": content}, gate.pack).play, room.address, a=len(content))
        leecher = self.leecher(self.taken, room.address)
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        address = room.address
        room.stop()
        self.tracker(address)
        gate.open()
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": content})


class SeedersThatLie(LeecherTest):
    CONTENT = content_of(30 * CHUNK)

    def setUp(self) -> None:
        super().setUp()
        self.constant("seeder_book", "FAILED_AGAIN_S", SOON_S)
        self.constant("seeder_book", "FAILED_MAX_S", SOON_S)

    def lying(self, pack: Callable[[int, bytes], bytes]) -> Offer:
        return self.offer(Offer({"a": self.CONTENT}, pack))

    @staticmethod
    def bad_digest(_: int, chunk: bytes) -> bytes:
        return HEADER.pack(len(chunk), hashlib.sha256(b"lie").digest()) + chunk

    @staticmethod
    def bad_length(_: int, chunk: bytes) -> bytes:
        return packed(chunk[:-1])

    @staticmethod
    def negative_length(_: int, __: bytes) -> bytes:
        return HEADER.pack(-1, hashlib.sha256(b"").digest())

    @staticmethod
    def zero_length(_: int, __: bytes) -> bytes:
        return packed(b"")

    @staticmethod
    def huge_length(_: int, chunk: bytes) -> bytes:
        return HEADER.pack((1 << 31) - 1, hashlib.sha256(chunk).digest()) + chunk

    LIES: ClassVar[list[str]] = [
        "bad_digest",
        "bad_length",
        "negative_length",
        "zero_length",
        "huge_length",
    ]

    def test_one_bad_chunk_is_asked_again_and_the_file_is_right(self) -> None:
        lies = iter([True])

        def lie_once(index: int, chunk: bytes) -> bytes:
            is_lie = index == 7 and next(lies, False)
            return self.bad_digest(index, chunk) if is_lie else packed(chunk)

        liar = self.lying(lie_once)
        self.assert_takes(self.taking(), {"a": self.CONTENT})
        self.assertEqual(liar.requests, [("a", 30, 0), ("a", 1, 7 * CHUNK)])

    def test_a_bad_last_chunk_is_asked_again_too(self) -> None:
        lies = iter([True])

        def lie_once(index: int, chunk: bytes) -> bytes:
            is_lie = index == 29 and next(lies, False)
            return self.bad_digest(index, chunk) if is_lie else packed(chunk)

        self.lying(lie_once)
        self.assert_takes(self.taking(), {"a": self.CONTENT})

    def test_who_lies_always_is_dropped_after_two_chunks_and_the_others_suffice(self) -> None:
        liar = self.lying(self.bad_digest)
        self.offering({"a": self.CONTENT})
        leecher = self.taking()
        for _ in range(3):
            self.assert_takes(leecher, {"a": self.CONTENT})
            (self.taken / "a").unlink()
            leecher.log.clear()
        self.assertLessEqual(len(liar.requests), 2)

    def test_every_lie_beside_an_honest_seeder_is_harmless(self) -> None:
        for lie in self.LIES:
            self.lying(getattr(self, lie))
        self.constant("tracker", "LISTS_IN_ALL", 1e9)
        self.offering({"a": self.CONTENT})
        self.assert_takes(self.taking(), {"a": self.CONTENT})

    def test_when_all_lie_it_is_said_and_nothing_is_kept(self) -> None:
        for _ in range(2):
            self.lying(self.bad_digest)
        leecher = self.taking()
        order(leecher, "a")
        self.assert_fails(leecher, "a", ContentError)
        self.assert_same_files(self.taken, {})

    def test_who_sends_wrong_lengths_for_ever_is_given_up_in_time(self) -> None:
        for lie in ("bad_length", "negative_length", "zero_length", "huge_length"):
            with self.subTest(lie):
                room = self.tracker().address
                offer = Offer({"a": self.CONTENT}, getattr(self, lie))
                self.scripted(offer.play, room, a=len(self.CONTENT))
                leecher = self.leecher(self.taken, room, give_up_after_s=0.4)
                order(leecher, "a")
                end = self.assert_fails(leecher, "a", NoSeederError)
                self.assertIn("the file changed there", str(end.failure))
                leecher.stop()
                self.assert_same_files(self.taken, {})


class WithoutSeeders(LeecherTest):
    def test_no_seeder_at_all_is_an_error_after_the_time_that_was_set(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking(give_up_after_s=0.3)
        order(leecher, "a")
        end = self.assert_fails(leecher, "a", NoSeederError)
        self.assertIn("refused", str(end.failure))
        leecher.log.wait_for(AllDownloadsEnded)

    def test_in_the_window_it_waits_on(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        cause = wait_for_state(leecher, "a", DownloadState.RETRYING).cause
        self.assertIn("again in", cause)

    def test_a_seeder_that_was_away_and_is_gone_is_not_waited_for(self) -> None:
        self.constant("seeder_book", "AWAY_AGAIN_S", SOON_S)

        seeder = self.scripted(be_away, self.room, a=7)
        leecher = self.taking(give_up_after_s=0.5)
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.IN_LINE)
        seeder.close()
        self.assert_fails(leecher, "a", NoSeederError)

    def test_a_download_that_gave_up_goes_on_from_there_when_it_is_resumed(self) -> None:
        content = content_of(20 * CHUNK)

        def die_at_ten(index: int, chunk: bytes) -> bytes:
            if index == 10:
                raise EOFError
            return packed(chunk)

        dying = self.scripted(Offer({"a": content}, die_at_ten).play, self.room, a=len(content))
        leecher = self.taking(give_up_after_s=0.3)
        self.constant("leecher", "SEEDERS_AGAIN_S", SOON_S)
        self.constant("seeder_book", "FAILED_AGAIN_S", NEVER_S)
        self.constant("seeder_book", "FAILED_MAX_S", NEVER_S)
        order(leecher, "a")
        end = self.assert_fails(leecher, "a", NoSeederError)
        self.assertEqual(end.have, 10 * CHUNK)
        dying.close()
        later = self.offer(Offer({"a": content}))
        list_now(leecher)
        leecher.log.clear()
        leecher.role.resume(["a"])
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assertEqual(later.requests, [("a", 10, 10 * CHUNK)])
        self.assert_same_files(self.taken, {"a": content})


class PauseResumeCancel(LeecherTest):
    CONTENT = content_of(40 * CHUNK)

    def test_a_pause_keeps_what_came_and_resume_asks_only_for_the_rest(self) -> None:
        gate = Gate(20)
        offer = self.offer(Offer({"a": self.CONTENT}, gate.pack))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        wait_until(lambda: leecher.log.of(DownloadChanged)[-1].have == 20 * CHUNK, LIMIT_S)
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
        gate = self.gated(self.CONTENT, 20)
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
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
        self.constant("leecher", "DOWNLOADS_AT_ONCE", 1)
        register(self.room, ("127.0.0.1", 1), {"b": 1, "c": 1, "a": len(self.CONTENT)})
        register(self.room, listed_seeders(self.room)[0], {"b": 1, "c": 1, "a": len(self.CONTENT)})
        leecher = self.taking()
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
        leecher.log.wait_for(AllDownloadsEnded, LIMIT_S)
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
        gate = self.gated(self.CONTENT, 20)
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
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
        gate = self.gated(self.CONTENT, 20)
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        (self.taken / "a.lmkpart").unlink()
        (self.taken / "a.lmkpart").mkdir()
        leecher.role.cancel(["a"])
        wait_for_state(leecher, "a", DownloadState.CANCELLED)
        list_now(leecher)


class ExistingFiles(LeecherTest):
    def take(self, content: bytes, existing: Existing) -> DownloadChanged:
        self.offer(Offer({"a.txt": content}))
        leecher = self.taking()
        order(leecher, "a.txt", existing=existing)
        return wait_for_end(leecher, "a.txt")

    def test_the_same_file_is_skipped(self) -> None:
        (self.taken / "a.txt").write_bytes(b"same")
        end = self.take(b"same", Existing.SKIP)
        self.assertEqual((end.state, end.saved_as), (DownloadState.SKIPPED, self.taken / "a.txt"))
        self.assert_same_files(self.taken, {"a.txt": b"same"})

    def test_another_file_of_that_name_is_kept_beside_it(self) -> None:
        (self.taken / "a.txt").write_bytes(b"mine")
        end = self.take(b"from the room", Existing.SKIP)
        self.assertEqual(end.saved_as, self.taken / "a (2).txt")
        self.assert_same_files(self.taken, {"a.txt": b"mine", "a (2).txt": b"from the room"})

    def test_keeping_both_keeps_even_the_same_file_twice(self) -> None:
        (self.taken / "a.txt").write_bytes(b"same")
        self.take(b"same", Existing.KEEP_BOTH)
        self.assert_same_files(self.taken, {"a.txt": b"same", "a (2).txt": b"same"})

    def test_replacing_replaces(self) -> None:
        (self.taken / "a.txt").write_bytes(b"mine")
        self.take(b"from the room", Existing.REPLACE)
        self.assert_same_files(self.taken, {"a.txt": b"from the room"})

    def test_a_folder_of_that_name_is_never_touched(self) -> None:
        (self.taken / "a.txt").mkdir()
        end = self.take(b"content", Existing.REPLACE)
        self.assertEqual(end.saved_as, self.taken / "a (2).txt")
        self.assertTrue((self.taken / "a.txt").is_dir())

    @unittest.skipUnless(os.name == "posix", "links need no rights on POSIX systems")
    def test_nothing_is_written_through_a_link(self) -> None:
        outside = self.folder / "outside"
        outside.write_bytes(b"mine")
        (self.taken / "a.txt").symlink_to(outside)
        (self.taken / "a.txt.lmkpart").symlink_to(outside)
        end = self.take(b"content", Existing.REPLACE)
        self.assertIs(end.state, DownloadState.FAILED)
        (self.taken / "a.txt.lmkpart").unlink()
        self.assertIs(self.take(b"content", Existing.REPLACE).state, DownloadState.DONE)
        self.assertEqual(outside.read_bytes(), b"mine")


class DisksThatRefuse(LeecherTest):
    CONTENT = content_of(600 * CHUNK)

    def test_a_file_larger_than_the_disk_is_refused_before_it_begins(self) -> None:
        huge = 1 << 40
        if shutil.disk_usage(self.folder).free > huge:
            self.skipTest("this disk holds the largest file that there can be")
        register(self.room, ("127.0.0.1", 12_501), {"a": huge})
        leecher = self.taking(give_up_after_s=NEVER_S)
        order(leecher, "a")
        end = self.assert_fails(leecher, "a", DiskFullError)
        self.assertIn("Make room or choose another folder", str(end.failure))
        self.assert_same_files(self.taken, {})

    def test_in_the_window_it_waits_for_space_and_can_be_cancelled(self) -> None:
        huge = 1 << 40
        if shutil.disk_usage(self.folder).free > huge:
            self.skipTest("this disk holds the largest file that there can be")
        register(self.room, ("127.0.0.1", 12_501), {"a": huge})
        leecher = self.taking()
        order(leecher, "a")
        waiting = wait_for_state(leecher, "a", DownloadState.WAITING_FOR_SPACE)
        self.assertIn("is full", waiting.cause)
        leecher.role.cancel(["a"])
        wait_for_state(leecher, "a", DownloadState.CANCELLED)
        self.assert_same_files(self.taken, {})

    @unittest.skipUnless(os.name == "posix", "there are no such limits on Windows")
    def test_a_write_that_fails_in_the_middle_is_said_and_nothing_is_kept(self) -> None:
        import resource

        self.offer(Offer({"a": self.CONTENT}))
        leecher = self.taking()
        list_now(leecher, "a")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100 * CHUNK, limits[1]))
            leecher.role.download(["a"], Existing.SKIP)
            end = self.assert_fails(leecher, "a", StorageError)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertIn("cannot be written", str(end.failure))
        self.assert_same_files(self.taken, {})
        leecher.log.clear()
        self.assert_takes(leecher, {"a": self.CONTENT})

    @LINUX_ONLY
    def test_a_disk_that_fills_up_is_waited_for_and_nothing_is_taken_twice(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk")
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "lmk", str(self.taken)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            self.skipTest("no disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.taken)], check=True)
        self.constant("download", "SPACE_AGAIN_S", SOON_S)
        gate = Gate(100)
        offer = self.offer(Offer({"a": self.CONTENT}, gate.pack))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        filler = self.taken / "filler"
        filler.write_bytes(bytes(2_500_000))
        gate.open()
        wait_for_state(leecher, "a", DownloadState.WAITING_FOR_SPACE)
        filler.unlink()
        end = wait_for_end(leecher, "a")
        self.assertIs(end.state, DownloadState.DONE)
        self.assertGreaterEqual(offer.requests[1][2], 100 * CHUNK)
        self.assert_same_files(self.taken, {"a": self.CONTENT})
        leecher.stop()

    @unittest.skipUnless(os.name == "posix", "permissions of POSIX systems")
    def test_a_folder_without_permission_is_said(self) -> None:
        self.offer(Offer({"a": b"1"}))
        leecher = self.taking()
        list_now(leecher, "a")
        self.taken.chmod(0o555)
        self.addCleanup(self.taken.chmod, 0o755)
        is_root = os.geteuid() == 0
        if is_root:  # who may do everything
            os.seteuid(65_534)
        try:
            leecher.role.download(["a"], Existing.SKIP)
            end = self.assert_fails(leecher, "a", StorageError)
        finally:
            if is_root:
                os.seteuid(0)
        self.assertIn("Choose another folder", str(end.failure))
        self.assert_same_files(self.taken, {})

    def test_a_folder_that_is_a_file_is_said(self) -> None:
        self.offer(Offer({"a": b"1"}))
        (self.folder / "file").write_bytes(b"")
        leecher = self.leecher(self.folder / "file", self.room)
        order(leecher, "a")
        self.assert_fails(leecher, "a", StorageError)

    def test_a_folder_that_is_missing_is_made(self) -> None:
        self.offer(Offer({"a": b"1"}))
        leecher = self.leecher(self.folder / "new" / "er", self.room)
        order(leecher, "a")
        end = wait_for_end(leecher, "a")
        self.assertEqual(end.saved_as, self.folder / "new" / "er" / "a")

    def test_another_program_at_work_on_the_same_file_is_not_disturbed(self) -> None:
        gate = self.gated(content_of(20 * CHUNK), 10)
        first = self.taking()
        order(first, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        second = self.taking()
        order(second, "a")
        end = self.assert_fails(second, "a", StorageError)
        self.assertIn("Another LMKtorrent", str(end.failure))
        gate.open()
        self.assertIs(wait_for_end(first, "a").state, DownloadState.DONE)


class HostileTrackers(RoomTest):
    BAD_NAMES = (
        "../x",
        "..",
        "/etc/x",
        "a/b",
        "a\\b",
        "C:x",
        "x" * 300,
        "a\nb",
        "a\u0000",
        "\u202e\u200b",
        " ",
        "x.lmkpart",
    )

    def setUp(self) -> None:
        super().setUp()
        self.taken = self.make_folder("taken")
        self.constant("tracker_client", "TRIES_S", (0.1,))

    def hostile(self, files: bytes, seeders: bytes = b"[]") -> Running[Leecher]:
        """A leecher of a tracker that answers these."""
        link = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        link.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                request, sender = link.recvfrom(2_048)
                if request == b"end":
                    return
                link.sendto(files if request == b"request_file_list" else seeders, sender)
                link.sendto(b"success", sender)

        thread = threading.Thread(target=answer, name="hostile-tracker")
        thread.start()

        def end() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", link.getsockname())
            thread.join()

        self.addCleanup(end)
        return self.leecher(self.taken, link.getsockname())

    def test_names_that_lead_out_of_the_folder_are_refused_and_shown_safely(self) -> None:
        files = {**dict.fromkeys(self.BAD_NAMES, 1), "good": 1}
        seeder = self.enterContext(
            ScriptedSeeder(Offer({name: b"1" for name in files}).play)  # noqa: C420
        )
        leecher = self.hostile(json.dumps(files).encode(), json.dumps([seeder.address]).encode())
        listed = leecher.log.wait_for(FilesListed)
        self.assertEqual([file.name for file in listed.files], ["good"])
        self.assertEqual(len(listed.refused), len(self.BAD_NAMES))
        self.assertTrue(all(name.isprintable() for name in listed.refused), listed.refused)
        leecher.role.download(files, Existing.REPLACE)
        self.assertIs(wait_for_end(leecher, "good").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"good": b"1"})
        self.assertEqual(list(self.folder.iterdir()), [self.taken])

    def test_answers_that_are_no_lists_are_an_error_and_no_end(self) -> None:
        many = json.dumps({f"file {number}": 1 for number in range(5_000)}).encode()
        for name, answer in {
            "nothing": b"",
            "not JSON": b"{]",
            "not UTF-8": b"\xff\xfe{}",
            "a list": b"[1, 2]",
            "a number": b"7",
            "a size below 0": b'{"a": -1}',
            "a size that is huge": b'{"a": 99999999999999999999}',
            "a size over the largest": b'{"a": 1099511627777}',
            "a name twice": b'{"a": 1, "a": 2}',
            "nested deep": b'{"a":' * 900,
            "cut as an original cuts": many[:1_024],
            "5,000 names": many[:60_000],
        }.items():
            with self.subTest(name):
                leecher = self.hostile(answer)
                leecher.log.wait_for(ListFailed, LIMIT_S)
                self.assertEqual(leecher.log.of(FilesListed), [])
                leecher.stop()
        self.assert_same_files(self.taken, {})

    def test_seeders_that_are_no_addresses_are_not_taken_for_seeders(self) -> None:
        for seeders in (b'[["127.0.0.1", 0]]', b'[["a b", 1]]', b'{"a": 1}', b'[["127.0.0.1"]]'):
            with self.subTest(seeders=seeders):
                leecher = self.hostile(b'{"a": 1}', seeders)
                leecher.log.wait_for(is_of_a_list, LIMIT_S)
                self.assertEqual([e.seeders for e in leecher.log.of(FilesListed) if e.seeders], [])
                leecher.stop()

    def test_a_list_of_5000_names_is_listed(self) -> None:
        files = {f"f{number}": number for number in range(5_000)}
        leecher = self.hostile(json.dumps(files, separators=(",", ":")).encode())
        listed = leecher.log.wait_for(FilesListed, LIMIT_S)
        self.assertEqual({file.name: file.size for file in listed.files}, files)


class TheEndOfTheLeecher(LeecherTest):
    has_real_polls: ClassVar[bool] = True
    CONTENT = content_of(40 * CHUNK)

    def assert_stops(self, leecher: Running[Leecher]) -> None:
        self.assertLess(leecher.stop(), STOP_LIMIT_S)
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
        is_asked = threading.Event()

        def stay_silent(link: socket.socket) -> None:
            link.recv(1_024)
            is_asked.set()
            while link.recv(1_024):
                pass

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
        wait_until(lambda: any(t.name == "lmk-fetch" for t in threading.enumerate()), LIMIT_S)
        self.assert_stops(leecher)

    def test_it_stops_in_time_before_the_first_chunk(self) -> None:
        def fall_silent(link: socket.socket) -> None:
            greeted(link)
            receive_exactly(link, 1)

        self.assert_stops_in_state(fall_silent, DownloadState.DOWNLOADING)

    def test_it_stops_in_time_in_the_middle(self) -> None:
        gate = self.gated(self.CONTENT, 20)
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        self.assert_stops(leecher)

    def test_it_stops_in_time_in_line(self) -> None:
        self.assert_stops_in_state(be_away, DownloadState.IN_LINE)

    def test_it_stops_in_time_between_two_tries(self) -> None:
        self.assert_stops_in_state(hang_up_on_the_greeting, DownloadState.RETRYING)

    def test_it_stops_in_time_with_a_paused_download(self) -> None:
        gate = self.gated(self.CONTENT, 20)
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        leecher.role.pause(["a"])
        wait_for_state(leecher, "a", DownloadState.PAUSED)
        self.assert_stops(leecher)

    def test_it_stops_in_time_with_a_download_that_gave_up(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking(give_up_after_s=0.2)
        order(leecher, "a")
        self.assert_fails(leecher, "a", NoSeederError)
        self.assert_stops(leecher)

    def test_what_is_done_stays_and_what_is_not_leaves_nothing(self) -> None:
        self.offering({"b": b"done", "a": self.CONTENT})
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
            "from roles.addresses import Address\n"
            "from roles.events import FilesListed\n"
            "from roles.leecher import Leecher\n"
            "from roles.settings import Existing, LeecherSettings\n"
            "def post(event):\n"
            "    if isinstance(event, FilesListed):\n"
            "        role.download(['a'], Existing.SKIP)\n"
            "room = Address(sys.argv[2], int(sys.argv[3]))\n"
            "role = Leecher(LeecherSettings(Path(sys.argv[1]), room), post)\n"
            "role.start()\n"
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
