"""The leecher role on real sockets: whole files, in the words of an original."""

from __future__ import annotations

import contextlib
import socket
import threading

from roles.leecher import Leecher
from roles.values.addresses import Address
from roles.values.errors import StorageError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FilesListed,
)
from roles.values.settings import Existing, LeecherSettings
from tests.receiving import receive_exactly
from tests.role_test import (
    LeecherTest,
    Running,
    content_of,
    list_now,
    order,
    wait_for_end,
    wait_for_state,
)
from tests.scripted_seeder import ACK, CHUNK, Offer, packed
from tests.support import LIMIT_S, EventLog, wait_until
from tests.tracker_requests import listed_seeders, register


class TakingFiles(LeecherTest):
    SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3_000_000)

    def assert_all_sizes_come_from(self, number_of_seeders: int, *, is_lmk1: bool = False) -> None:
        files = {f"file of {size}": content_of(size, seed=size) for size in self.SIZES}
        offering = self.offering_lmk1 if is_lmk1 else self.offering
        for number in range(number_of_seeders):
            offering(files, f"shared {number}")
        wait_until(lambda: len(listed_seeders(self.room)) == number_of_seeders)
        leecher = self.taking()
        self.assert_takes(leecher, files)
        leecher.log.wait_for(AllDownloadsEnded)
        is_listed_with_content = all(file.root for file in list_now(leecher, *files).files)
        self.assertIs(is_listed_with_content, not is_lmk1)

    def test_files_of_every_size_come_from_one_seeder(self) -> None:
        self.assert_all_sizes_come_from(1)

    def test_files_of_every_size_come_from_three_seeders(self) -> None:
        self.assert_all_sizes_come_from(3)

    def test_files_of_every_size_come_from_one_seeder_of_lmk1(self) -> None:
        self.assert_all_sizes_come_from(1, is_lmk1=True)

    def test_files_of_every_size_come_from_three_seeders_of_lmk1(self) -> None:
        self.assert_all_sizes_come_from(3, is_lmk1=True)

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

    def test_what_a_seeder_sent_is_counted_over_all_its_connections(self) -> None:
        self.constant("lmk1.download_plan", "MAX_PART", 100)
        self.constant("downloads.download_life", "REPORT_S", 0.0)
        self.constant("lmk1.download", "TICK_S", 0.005)
        content = content_of(1_000 * CHUNK)
        self.offer(Offer({"a": content}, pause_s=0.0002))
        leecher = self.taking()
        self.assert_takes(leecher, {"a": content})
        sources = [event.sources[0] for event in leecher.log.of(DownloadChanged) if event.sources]
        received = [source.received for source in sources]
        self.assertEqual(received, sorted(received))
        self.assertGreater(received[-1], 500 * CHUNK)

    def test_several_files_at_once_come_from_seeders_with_one_slot_each(self) -> None:
        files = {f"{number}": content_of(400_000, seed=number) for number in range(6)}
        folder = self.make_folder("shared", files)
        for _ in range(2):
            self.seeder(folder, self.room, slots=1)
        self.assert_takes(self.taking(), files)

    def test_several_files_at_once_come_from_seeders_of_lmk1_with_one_slot_each(self) -> None:
        files = {f"{number}": content_of(400_000, seed=number) for number in range(6)}
        folder = self.make_folder("shared", files)
        for _ in range(2):
            self.lmk1_seeder(folder, self.room, slots=1)
        self.assert_takes(self.taking(), files)

    def test_all_downloads_ended_is_told_once_for_each_time_that_they_end(self) -> None:
        self.offering({"a": b"1", "b": b""})
        leecher = self.taking()
        for name, times in (("b", 1), ("a", 2)):
            order(leecher, name)
            wait_until(lambda t=times: len(leecher.log.of(AllDownloadsEnded)) == t, LIMIT_S)  # type: ignore[misc]
        names = [type(event) for event in leecher.log.events]
        self.assertIs(names[-1], AllDownloadsEnded)

    def retrying(self) -> Running[Leecher]:
        """A leecher of the file "a", whose only seeder, an original, is gone."""
        register(self.room, ("127.0.0.1", self.free_port("tcp")), {"a": 7})
        leecher = self.taking()
        order(leecher, "a")
        wait_for_state(leecher, "a", DownloadState.RETRYING)
        return leecher

    def test_a_seeder_that_comes_later_is_found(self) -> None:
        leecher = self.retrying()
        self.offering_lmk1({"a": b"content"})
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)

    def test_a_seeder_of_lmk2_that_comes_later_is_asked_by_lmk1_for_what_began_so(self) -> None:
        leecher = self.retrying()
        self.offering({"a": b"content"})
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)

    def test_another_folder_with_the_same_content_is_found_when_the_first_one_is_gone(self) -> None:
        content = content_of(600_000)
        first = self.offering({"a": content})
        leecher = self.taking()
        list_now(leecher, "a")
        first.stop()
        leecher.role.download(["a"], Existing.SKIP)
        wait_for_state(leecher, "a", DownloadState.LOOKING)
        self.offering({"another name": content}, "elsewhere")
        self.assertIs(wait_for_end(leecher, "a").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"a": content})

    def test_a_name_that_is_not_on_the_list_is_not_taken(self) -> None:
        self.offering({"a": b"1"})
        leecher = self.taking()
        list_now(leecher, "a")
        leecher.role.download(["b", "../a"], Existing.SKIP)
        self.assert_takes(leecher, {"a": b"1"})
        self.assertEqual({event.name for event in leecher.log.of(DownloadChanged)}, {"a"})

    def test_without_a_free_port_the_download_fails_and_a_later_one_comes(self) -> None:
        self.offering({"a": b"1"})
        with socket.create_server(("127.0.0.1", 0)) as taken:
            log, bind = EventLog(), Address(*taken.getsockname())
            settings = LeecherSettings(self.taken, self.room, bind=bind, bind_exactly=True)
            leecher = self.run_role(Leecher(settings, log), log)
            list_now(leecher, "a")
            leecher.role.download(["a"], Existing.SKIP)
            failed = self.assert_fails(leecher, "a", StorageError)
            self.assertIn("in use by another program", str(failed.failure))
            self.assertEqual((failed.title, failed.size, failed.files), ("a", 1, 1))
            self.assert_a_folder_fails_with_its_title(leecher)
            log.wait_for(AllDownloadsEnded)
        log.clear()
        self.assert_takes(leecher, {"a": b"1"})

    def assert_a_folder_fails_with_its_title(self, leecher: Running[Leecher]) -> None:
        (folder,) = leecher.log.of(FilesListed)[-1].folders
        leecher.role.download([folder.key], Existing.SKIP)
        failed = self.assert_fails(leecher, folder.key, StorageError)
        self.assertEqual((failed.title, failed.size, failed.files), (f"{folder.name}/", 1, 1))

    def test_without_a_thread_left_it_waits_for_one(self) -> None:
        self.offering({"a": b"1"})
        self.assert_waits_for_a_thread()

    def test_without_a_thread_left_it_waits_for_one_to_take_by_lmk1(self) -> None:
        self.offering_lmk1({"a": b"1"})
        self.assert_waits_for_a_thread()

    def assert_waits_for_a_thread(self) -> None:
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

        def play(sock: socket.socket) -> None:
            heard.append(sock.recv(1_024))
            sock.sendall(b"connected")
            heard.append(sock.recv(1_024))
            sock.settimeout(0.1)
            with contextlib.suppress(TimeoutError):  # nothing is sent ahead of the first chunk
                heard.append(sock.recv(1))
            sock.settimeout(LIMIT_S)
            sock.sendall(packed(self.CONTENT[:CHUNK]))
            heard.append(receive_exactly(sock, 65 * len(ACK)))
            for start in range(CHUNK, len(self.CONTENT), CHUNK):
                sock.sendall(packed(self.CONTENT[start : start + CHUNK]))
            heard.append(receive_exactly(sock, 35 * len(ACK)))
            heard.append(sock.recv(1))

        self.scripted(play, self.room, a=len(self.CONTENT))
        self.assert_takes(self.taking(), {"a": self.CONTENT})
        wait_until(lambda: len(heard) == 5, LIMIT_S, "it did not hang up")
        first, second, ahead, rest, end = heard
        self.assertEqual(first, b"request_connection")
        self.assertEqual(second, b'send_file_chunk\n["a",100,0]')
        self.assertEqual((ahead, rest, end), (ACK * 65, ACK * 35, b""))

    def test_who_leaves_before_the_answer_says_so(self) -> None:
        heard = []

        def play(sock: socket.socket) -> None:
            heard.append(sock.recv(1_024))
            is_asked.set()
            heard.append(sock.recv(1_024))
            heard.append(sock.recv(1_024))

        is_asked = threading.Event()
        self.scripted(play, self.room, a=len(self.CONTENT))
        leecher = self.taking()
        order(leecher, "a")
        self.assertTrue(is_asked.wait(LIMIT_S))
        leecher.stop()
        wait_until(lambda: len(heard) == 3, LIMIT_S, "it did not hang up")
        self.assertEqual(heard, [b"request_connection", b"exit_connection", b""])
