"""Seeders that fail, lie or are gone cost a leecher no file, or are named in a plain sentence."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
import time
from collections.abc import Callable
from typing import ClassVar
from unittest import mock

from roles.lmk1.chunk_fetcher import ChunkFetcher
from roles.net.connection import end_connections
from roles.values.errors import ContentError, NoSeederError, ShortageError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
)
from tests.receiving import HEADER
from tests.role_test import (
    LINUX_ONLY,
    NEVER_S,
    SOON_S,
    LeecherTest,
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
    be_away,
    greeted,
    hang_up_on_the_greeting,
    packed,
)
from tests.support import LIMIT_S, wait_until
from tests.tracker_requests import register


def fetchers_at_work() -> int:
    return sum(thread.name == "lmk-fetch" for thread in threading.enumerate())


def lack_the_file(sock: socket.socket) -> None:
    greeted(sock)


class SeedersThatFail(LeecherTest):
    def test_one_that_dies_in_the_middle_costs_nothing(self) -> None:
        content = content_of(100 * CHUNK)
        self.offering_lmk1({"a": content})

        def die(sock: socket.socket) -> None:
            request = greeted(sock)
            if request is not None:
                start = request[2]
                sock.sendall(packed(content[start : start + CHUNK])[:3_000])

        self.scripted(die, self.room, a=len(content))
        self.assert_takes(self.taking(), {"a": content})

    def test_one_of_ours_that_is_stopped_in_the_middle_costs_nothing(self) -> None:
        self.constant("downloads.download_life", "REPORT_S", 0.0)
        content = content_of(40_000_000)
        first = self.offering_lmk1({"a": content}, "first")
        self.offering_lmk1({"a": content}, "second")
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
        self.constant("net.dialling", "CONNECT_S", NEVER_S)
        self.limits("lmk1.chunk_fetcher", answer_s=NEVER_S, first_chunk_s=NEVER_S, chunk_s=NEVER_S)
        self.constant("lmk1.download_plan", "STALLED_S", 0.2)
        content = content_of(200 * CHUNK)
        self.scripted(play, self.room, a=len(content))
        self.offering_lmk1({"a": content})
        self.assert_takes(self.taking(), {"a": content})

    def assert_is_given_up(self, play: Callable[[socket.socket], None], why: str) -> None:
        """A download from this seeder alone says why it does not move."""
        self.limits("lmk1.chunk_fetcher", answer_s=0.2, first_chunk_s=0.2, chunk_s=0.2)
        self.scripted(play, self.room, a=200 * CHUNK)
        leecher = self.taking()
        order(leecher, "a")
        leecher.log.wait_for(DownloadChanged, where=lambda e: why in e.cause)

    @staticmethod
    def stay_silent(sock: socket.socket) -> None:
        while sock.recv(1_024):
            pass

    @staticmethod
    def fall_silent_after_the_answer(sock: socket.socket) -> None:
        sock.recv(1_024)
        sock.sendall(b"connected")
        SeedersThatFail.stay_silent(sock)

    @staticmethod
    def fall_silent_in_a_chunk(sock: socket.socket) -> None:
        greeted(sock)
        sock.sendall(HEADER.pack(CHUNK, bytes(32)) + b"x")
        SeedersThatFail.stay_silent(sock)

    @staticmethod
    def trickle(sock: socket.socket) -> None:
        greeted(sock)
        for byte in HEADER.pack(CHUNK, bytes(32)) + bytes(CHUNK):
            sock.sendall(bytes([byte]))
            time.sleep(0.005)  # the pace of the trickle

    def test_one_that_is_silent_after_connecting_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.stay_silent)

    def test_one_that_is_silent_after_its_answer_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.fall_silent_after_the_answer)

    def test_one_that_is_silent_in_a_chunk_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.fall_silent_in_a_chunk)

    def test_one_that_trickles_bytes_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.trickle)

    @staticmethod
    def send_a_chunk_now_and_then(sock: socket.socket) -> None:
        request = greeted(sock)
        if request is not None:
            for index in range(request[2] // CHUNK, 1_000):
                sock.sendall(packed(content_of(200 * CHUNK)[index * CHUNK :][:CHUNK]))
                time.sleep(0.15)  # it never stands still for long enough to be given up

    def test_one_that_sends_a_chunk_now_and_then_does_not_hold_up_the_others(self) -> None:
        self.assert_others_suffice(self.send_a_chunk_now_and_then)

    def test_as_many_as_are_asked_at_once_and_more_do_not_keep_an_honest_one_out(self) -> None:
        self.constant("lmk1.fetchers", "MOVING_S", 0.05)
        self.constant("lmk1.download_plan", "STALLED_S", 0.2)
        self.limits("lmk1.chunk_fetcher", answer_s=1.0, first_chunk_s=1.0)
        content = content_of(200 * CHUNK)
        for play in (self.stay_silent, self.fall_silent_after_the_answer):
            with self.subTest(play=play.__name__):
                self.room = self.tracker().address
                for _ in range(5):
                    self.scripted(play, self.room, a=len(content))
                leecher = self.taking(parallel_seeders=2)
                order(leecher, "a")
                wait_until(lambda: fetchers_at_work() == 4)
                self.offer(Offer({"a": content}))
                self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
                self.assert_same_files(self.taken, {"a": content})
                (self.taken / "a").unlink()
                leecher.stop()

    def test_an_honest_one_has_its_turn_wherever_its_address_stands_in_the_list(self) -> None:
        """Silent ones with lower addresses take the last part from each other."""
        self.constant("lmk1.fetchers", "MOVING_S", 0.05)
        self.constant("lmk1.download_plan", "STALLED_S", 0.1)
        self.limits("lmk1.chunk_fetcher", answer_s=NEVER_S, first_chunk_s=NEVER_S, chunk_s=NEVER_S)
        content = content_of(12 * CHUNK)
        honest = Offer({"a": content})

        def play(sock: socket.socket) -> None:
            is_last = sock.getsockname() == max(seeder.address for seeder in seeders)
            (honest.play if is_last else self.fall_silent_after_the_answer)(sock)

        seeders = [self.scripted(play, self.room, a=len(content)) for _ in range(4)]
        self.assert_takes(self.taking(parallel_seeders=1), {"a": content})

    @LINUX_ONLY
    def test_one_that_never_accepts_does_not_hold_up_the_others(self) -> None:
        content = content_of(200 * CHUNK)
        self.constant("net.dialling", "CONNECT_S", NEVER_S)
        self.limits("lmk1.chunk_fetcher", answer_s=NEVER_S)
        register(self.room, self.deaf_address(), {"a": len(content)})
        self.offering_lmk1({"a": content})
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
        self.assert_is_given_up(lambda sock: sock.sendall(b"HTTP/1.1 400"), "not a seeder")

    def test_one_that_hangs_up_on_the_greeting_is_given_up_alone(self) -> None:
        self.assert_is_given_up(hang_up_on_the_greeting, "without an answer")

    def test_one_that_lacks_the_file_is_passed_over(self) -> None:
        self.assert_others_suffice(lack_the_file)

    def test_one_that_is_away_is_waited_for(self) -> None:
        self.constant("lmk1.seeder_book", "AWAY_AGAIN_S", SOON_S)
        content = content_of(10 * CHUNK)
        offer = Offer({"a": content})
        times_away = iter([True, True])

        def play(sock: socket.socket) -> None:
            if next(times_away, False):
                sock.recv(1_024)
                sock.sendall(b"away")
            else:
                offer.play(sock)

        self.scripted(play, self.room, a=len(content))
        leecher = self.taking(give_up_after_s=NEVER_S)
        self.assert_takes(leecher, {"a": content})
        states = [event.state for event in leecher.log.of(DownloadChanged)]
        self.assertIn(DownloadState.IN_QUEUE, states)

    def test_a_slow_one_does_not_set_the_pace(self) -> None:
        self.constant("lmk1.download_plan", "STALLED_S", 0.2)
        content = content_of(600 * CHUNK)
        is_over = threading.Event()

        def wait_for_the_quick_one(_: int, chunk: bytes) -> bytes:
            while quick.sent < 10 * slow.sent and not is_over.wait(0.005):
                pass
            return packed(chunk)

        quick = self.offer(Offer({"a": content}))
        slow = self.offer(Offer({"a": content}, wait_for_the_quick_one))
        self.addCleanup(is_over.set)
        leecher = self.taking()
        self.assert_takes(leecher, {"a": content})
        self.assertLess(slow.sent, 100)
        self.assertGreater(quick.sent, 500)

    def test_what_is_had_only_grows_and_never_passes_the_size(self) -> None:
        content = content_of(600 * CHUNK + 1)
        self.offer(Offer({"a": content}, pause_s=0.002))
        self.offer(Offer({"a": content}))
        leecher = self.taking()
        self.assert_takes(leecher, {"a": content})
        had = [event.have for event in leecher.log.of(DownloadChanged)]
        self.assertEqual(had, sorted(had))
        self.assertEqual(had[-1], len(content))

    def test_one_whose_connection_this_computers_network_ended_is_asked_again_at_once(self) -> None:
        """It had not said a word of the file: that is no sign that it lacks it."""
        content = content_of(3 * CHUNK)
        gate = self.gated(content, before=0)
        leecher = self.taking()
        order(leecher, "a")
        gate.is_reached.wait(LIMIT_S)
        end_connections(None)
        gate.open()
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": content})

    def test_a_running_download_does_not_need_the_tracker(self) -> None:
        room = self.tracker(self.free_address())
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
        self.offering_lmk1({"a": self.CONTENT})
        leecher = self.taking()
        for _ in range(3):
            self.assert_takes(leecher, {"a": self.CONTENT})
            (self.taken / "a").unlink()
            leecher.log.clear()
        self.assertLessEqual(len(liar.requests), 2)

    def test_every_lie_beside_an_honest_seeder_is_harmless(self) -> None:
        for lie in self.LIES:
            self.lying(getattr(self, lie))
        self.offering_lmk1({"a": self.CONTENT})
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
                leecher = self.leecher(self.taken, room)
                order(leecher, "a")
                wait_for_cause(leecher, "the file changed there")
                lose_patience(leecher)
                end = self.assert_fails(leecher, "a", NoSeederError)
                self.assertIn("the file changed there", str(end.failure))
                leecher.stop()
                self.assert_same_files(self.taken, {})


class WithoutSeeders(LeecherTest):
    def test_no_seeder_at_all_is_an_error_after_the_time_that_was_set(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_cause(leecher, "refused")
        lose_patience(leecher, 0.1)
        end = self.assert_fails(leecher, "a", NoSeederError)
        self.assertIn("refused", str(end.failure))
        leecher.log.wait_for(AllDownloadsEnded)

    def test_what_this_computer_lacks_is_no_fault_of_the_seeders(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        lacking = OSError(errno.EMFILE, "Too many open files")
        for error, cause in ((lacking, "Too many open files"), (MemoryError(), "memory")):
            with mock.patch.object(ChunkFetcher, "run", side_effect=error):
                leecher = self.taking()
                order(leecher, "a")
                wait_for_cause(leecher, cause)
                lose_patience(leecher)
                self.assert_fails(leecher, "a", ShortageError)

    def test_in_the_window_it_waits_on(self) -> None:
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        cause = wait_for_state(leecher, "a", DownloadState.RETRYING).cause
        self.assertIn("again in", cause)

    def test_a_seeder_that_was_away_and_is_gone_is_not_waited_for(self) -> None:
        self.constant("lmk1.seeder_book", "AWAY_AGAIN_S", SOON_S)

        seeder = self.scripted(be_away, self.room, a=7)
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.IN_QUEUE)
        lose_patience(leecher, 0.5)
        seeder.close()
        self.assert_fails(leecher, "a", NoSeederError)

    def test_a_download_that_gave_up_goes_on_from_there_when_it_is_resumed(self) -> None:
        content = content_of(20 * CHUNK)

        def die_at_ten(index: int, chunk: bytes) -> bytes:
            if index == 10:
                raise EOFError
            return packed(chunk)

        dying = self.scripted(Offer({"a": content}, die_at_ten).play, self.room, a=len(content))
        leecher = self.taking()
        self.constant("lmk1.seeder_book", "FAILED_AGAIN_S", NEVER_S)
        self.constant("lmk1.seeder_book", "FAILED_MAX_S", NEVER_S)
        order(leecher, "a")
        leecher.log.wait_for(DownloadChanged, where=lambda e: e.have == 10 * CHUNK)
        lose_patience(leecher)
        end = self.assert_fails(leecher, "a", NoSeederError)
        self.assertEqual(end.have, 10 * CHUNK)
        dying.close()
        later = self.offer(Offer({"a": content}))
        list_now(leecher)
        leecher.log.clear()
        lose_patience(leecher, NEVER_S)
        leecher.role.resume(["a"])
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assertEqual(later.requests, [("a", 10, 10 * CHUNK)])
        self.assert_same_files(self.taken, {"a": content})
