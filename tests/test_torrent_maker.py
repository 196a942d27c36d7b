"""The torrent of a folder: when it is made, of what, and what a change or a restart costs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from unittest import mock

from roles.sharing import folder_tree
from roles.torrents import torrent_maker
from roles.torrents.metainfo import MIN_PIECE, Torrent
from roles.torrents.torrent_maker import PieceReading, TorrentMaker
from roles.torrents.torrent_store import TorrentStore
from roles.values.events import HashingChanged, TorrentChanged
from roles.values.list_lines import TorrentLine, encode_line
from roles.worker import run_guarded
from tests.bencoded import decoded
from tests.role_test import content_of
from tests.support import LIMIT_S, PROMPT_S, EventLog, wait_until
from tests.test_folder_library import LibraryTestCase

LARGE = content_of(2 * MIN_PIECE + 1_000)


class TorrentMakerTest(LibraryTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(torrent_maker, "POLL_S", 0.01))
        self.news = EventLog()
        self.jobs = 0

    def making(self, *, is_private: bool = True) -> TorrentMaker:
        """A library and the maker of its torrent at work until the test ends, or until stop()."""
        library = self.started()
        store = TorrentStore(self.folder / "state" / "torrents")
        maker = TorrentMaker(library, store, self.news, self.stopping, is_private=is_private)
        failures = list[object]()
        self.maker_thread = threading.Thread(
            target=lambda: failures.append(run_guarded(maker.run)), name="lmk-torrent"
        )
        self.maker_thread.start()
        self.addCleanup(self.assertEqual, failures, [None])
        self.addCleanup(self.maker_thread.join, PROMPT_S)
        self.addCleanup(self.stopping.set)
        return maker

    def end(self) -> None:
        self.stopping.set()
        self.maker_thread.join()
        self.stop()

    def torrent_of(self, maker: TorrentMaker, *, before: Torrent | None = None) -> Torrent:
        def is_made() -> bool:
            return maker.torrent not in (None, before)

        wait_until(is_made, LIMIT_S, f"no torrent was made; {self.news.events}")
        torrent = maker.torrent
        assert torrent is not None
        return torrent

    def counting(self) -> Callable[[], set[int]]:
        """How many bytes are to be read, each time when a torrent is made from now on."""
        read = list[int]()
        real = PieceReading.__init__

        def count(reading: PieceReading, *args: object) -> None:
            real(reading, *args)  # type: ignore[arg-type]
            read.append(reading.size)

        self.enterContext(mock.patch.object(PieceReading, "__init__", count))
        return lambda: set(read)

    def test_its_pieces_are_the_bytes_of_all_files_in_order(self) -> None:
        files = {"b/large": LARGE, "a": b"first", "empty": b"", "z ü": b"last"}
        for path, content in files.items():
            self.file(path, content)
        torrent = self.torrent_of(self.making())
        joined = b"".join(files[path] for path in sorted(files, key=str.encode))
        pieces = [joined[start : start + MIN_PIECE] for start in range(0, len(joined), MIN_PIECE)]
        expected = [hashlib.sha1(piece).digest() for piece in pieces]
        self.assertEqual(list(torrent.digests), expected)
        self.assertEqual([file.path for file in torrent.files], sorted(files))
        self.assertEqual(decoded(torrent.info)["name"], b"shared")
        self.assertTrue(torrent.is_private)

    def test_the_list_of_the_share_says_so_and_so_does_an_event(self) -> None:
        self.file("a b", b"content")
        maker = self.making(is_private=False)
        torrent = self.torrent_of(maker)
        line = encode_line(TorrentLine(torrent.info_hash))
        wait_until(lambda: line in self.library.snapshot.lines)
        news = self.news.wait_for(TorrentChanged, where=lambda change: bool(change.torrent))
        self.assertEqual(news.torrent, torrent.info_hash.hex())
        self.assertEqual(news.path, f"/t/{self.library.share_id}/shared.torrent")
        self.assertIs(maker.known[torrent.info_hash], torrent)
        self.assertFalse(torrent.is_private)

    def test_nothing_is_read_for_it_before_the_whole_folder_is_offered(self) -> None:
        for number in range(3):
            self.file(f"{number}", content_of(MIN_PIECE, number))
        real, is_early = PieceReading.jobs, list[bool]()

        def jobs(reading: PieceReading) -> object:
            is_early.append(not self.library.snapshot.is_whole)
            return real(reading)

        with mock.patch.object(PieceReading, "jobs", jobs):
            self.torrent_of(self.making())
        self.assertEqual(set(is_early), {False})
        self.assertTrue(self.log.of(HashingChanged))

    def test_a_changed_file_makes_another_torrent_and_only_its_pieces_are_read(self) -> None:
        self.file("a", LARGE)
        self.file("b", content_of(MIN_PIECE, 7))
        maker = self.making()
        first = self.torrent_of(maker)
        read = self.counting()
        self.file("b", content_of(MIN_PIECE, 8), mtime_s=1_000_000_100)
        self.library.wake()
        second = self.torrent_of(maker, before=first)
        self.assertEqual(second.digests[:2], first.digests[:2])
        self.assertNotEqual(second.digests[2:], first.digests[2:])
        self.assertEqual(read(), {MIN_PIECE + 1_000})
        self.assertEqual(set(maker.known), {first.info_hash, second.info_hash})
        line = encode_line(TorrentLine(second.info_hash))
        wait_until(lambda: line in self.library.snapshot.lines)
        self.assertNotIn(encode_line(TorrentLine(first.info_hash)), self.library.snapshot.lines)

    def test_other_times_and_bits_make_no_other_torrent(self) -> None:
        file = self.file("a", LARGE)
        maker = self.making()
        first = self.torrent_of(maker)
        revision = self.library.snapshot.revision
        self.file("a", LARGE, mtime_s=1_000_000_100)
        file.chmod(0o755)
        self.library.wake()
        wait_until(
            lambda: self.library.snapshot.revision > revision + 1 and maker.torrent is not None
        )
        self.assertEqual(self.torrent_of(maker), first)
        self.assertEqual(len(maker.known), 1)

    def test_a_restart_reads_nothing_again(self) -> None:
        self.file("a", LARGE)
        first = self.torrent_of(self.making())
        self.end()
        read = self.counting()
        maker = self.making()
        self.assertEqual(self.torrent_of(maker), first)
        self.assertEqual(read(), {0})

    def test_after_a_restart_the_torrents_before_are_known(self) -> None:
        self.file("a", LARGE)
        first = self.torrent_of(self.making())
        self.end()
        self.file("a", LARGE[1:])
        maker = self.making()
        second = self.torrent_of(maker)
        self.assertEqual(set(maker.known), {first.info_hash, second.info_hash})

    def test_a_folder_without_content_and_one_with_too_many_files_have_none(self) -> None:
        self.file("empty", b"")
        self.making()
        empty = self.news.wait_for(TorrentChanged, where=lambda change: bool(change.problem))
        self.assertIn("without content", empty.problem)
        self.news.clear()
        self.enterContext(mock.patch.object(torrent_maker, "MAX_FILES", 2))
        for name in "abc":
            self.file(name)
        self.library.wake()
        many = self.news.wait_for(TorrentChanged, where=lambda change: "at most" in change.problem)
        self.assertEqual(many.torrent, "")

    def test_of_a_folder_that_is_gone_nothing_more_is_said(self) -> None:
        self.file("a")
        maker = self.making()
        self.torrent_of(maker)
        self.shared.rename(self.folder / "elsewhere")
        self.library.wake()
        wait_until(lambda: maker.torrent is None)
        wait_until(lambda: bool(self.library.snapshot.problem))
        self.assertEqual({change.problem for change in self.news.of(TorrentChanged)}, {""})

    def test_a_file_that_cannot_be_read_is_tried_again(self) -> None:
        self.file("a", LARGE)
        real, failures = folder_tree.open_unchanged, [OSError("gone"), OSError("gone")]

        def open_unchanged(*args: object) -> int:
            if failures:
                raise failures.pop()
            return real(*args)  # type: ignore[arg-type]

        self.enterContext(mock.patch.object(torrent_maker, "open_unchanged", open_unchanged))
        self.enterContext(mock.patch.object(torrent_maker, "AGAIN_S", 0.01))
        maker = self.making()
        self.torrent_of(maker)
        self.assertTrue(
            any("cannot be read" in change.problem for change in self.news.of(TorrentChanged))
        )

    def test_it_ends_soon_after_it_is_told_to(self) -> None:
        self.file("a", LARGE)
        real, is_reading = folder_tree.open_unchanged, threading.Event()

        def open_unchanged(*args: object) -> int:
            is_reading.set()
            self.stopping.wait(LIMIT_S)
            return real(*args)  # type: ignore[arg-type]

        self.enterContext(mock.patch.object(torrent_maker, "open_unchanged", open_unchanged))
        maker = self.making()
        self.assertTrue(is_reading.wait(LIMIT_S))
        self.end()
        self.assertIsNone(maker.torrent)
