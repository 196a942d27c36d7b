"""One download of LMK/1 by itself: without room, and when the program has a fault."""

from __future__ import annotations

import errno
import logging
import os
import random
import socket
import threading
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any
from unittest.mock import patch

from roles.disk.partial_file import PartialFile
from roles.disk.reserved_space import ReservedSpace
from roles.downloads.download_life import DownloadContext
from roles.lmk1.download import Lmk1Download
from roles.lmk1.seeder_book import SeederBook
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.errors import DiskFullError
from roles.values.events import DownloadChanged, DownloadState
from roles.values.listed_file import ListedFile
from roles.values.settings import Existing, LeecherSettings
from tests.support import LIMIT_S, EventLog, LmkTestCase

SOON_S = 2.0
DISCARD = PartialFile.discard


class DownloadTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log, self.ended = EventLog(), threading.Event()

    def download(
        self,
        size: int,
        space: ReservedSpace,
        seeders: Callable[[], tuple[Address, ...]] = lambda: (),
        **settings: Any,
    ) -> Lmk1Download:
        """`settings`: of LeecherSettings."""
        return Lmk1Download(
            ListedFile("a", size),
            "a",
            Existing.SKIP,
            DownloadContext(
                LeecherSettings(self.folder, **settings), space, self.log, self.ended.set
            ),
            book=SeederBook(random.Random(1)),
            lock=threading.Lock(),
            seeders=seeders,
            throttle=Throttle(),
        )

    def last(self) -> DownloadChanged:
        last = self.log.events[-1]
        assert isinstance(last, DownloadChanged)
        return last


class SpaceTest(DownloadTest):
    def test_room_that_another_download_was_promised_is_not_there(self) -> None:
        space = ReservedSpace(self.folder, lambda _: 10)
        space.reserve("another", 6)
        download = self.download(5, space, waits_for_space=False)
        with self.assertLogs(level=logging.WARNING):
            download.start()
            self.assertTrue(self.ended.wait(SOON_S))
        download.reap()
        self.assertIsInstance(self.last().failure, DiskFullError)
        space.reserve("a third", 4)

    def assert_waits(self, refused: str) -> None:
        """The disk has room for no more files when this method is first called."""
        method: Callable[..., Any] = getattr(PartialFile, refused)
        refusals = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]

        def once_refused(*args: Any, **options: Any) -> object:
            if refusals:
                raise refusals.pop()
            return method(*args, **options)

        download = self.download(0, ReservedSpace(self.folder), space_again_s=0.01)
        with patch.object(PartialFile, refused, once_refused):
            download.start()
            self.assertTrue(self.ended.wait(LIMIT_S))
            download.reap()
        states = [event.state for event in self.log.of(DownloadChanged)]
        self.assertIn(DownloadState.WAITING_FOR_SPACE, states)
        self.assertIs(states[-1], DownloadState.DONE)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["a"])

    def test_a_disk_without_room_for_one_more_file_is_waited_for(self) -> None:
        self.assert_waits("_open_claimed")

    def test_a_disk_without_room_for_the_final_name_is_waited_for(self) -> None:
        self.assert_waits("_renamed")

    def lose_at_sync(self, *, waits_for_space: bool) -> None:
        """The disk is full when the file is first synced."""
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        download = self.download(
            0, ReservedSpace(self.folder), space_again_s=0.01, waits_for_space=waits_for_space
        )
        with (
            patch("roles.disk.disk_calls.sync", side_effect=chain([full], repeat(None))),
            patch.object(PartialFile, "discard", autospec=True) as discard,
        ):
            discard.side_effect = DISCARD
            download.start()
            self.assertTrue(self.ended.wait(LIMIT_S))
            download.reap()
        discard.assert_called_once()

    def test_what_a_full_disk_may_have_lost_when_it_was_synced_is_fetched_anew(self) -> None:
        self.lose_at_sync(waits_for_space=True)
        self.assertIs(self.last().state, DownloadState.DONE)

    def test_without_waiting_it_is_not_kept(self) -> None:
        with self.assertLogs(level=logging.WARNING):
            self.lose_at_sync(waits_for_space=False)
        self.assertIsInstance(self.last().failure, DiskFullError)
        self.assertEqual(list(self.folder.iterdir()), [])


class FaultTest(DownloadTest):
    def test_a_fault_ends_the_download_while_its_fetchers_wait_for_a_seeder(self) -> None:
        silent = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        asked: list[int] = []

        def seeders() -> tuple[Address, ...]:
            asked.append(1)
            if len(asked) > 1:
                raise ZeroDivisionError("a fault")
            return (Address(*silent.getsockname()),)

        download = self.download(5, ReservedSpace(self.folder), seeders)
        with self.assertLogs(level=logging.ERROR):
            download.start()
            self.assertTrue(self.ended.wait(SOON_S), "it waits for a seeder that says nothing")
        download.reap()
        self.assertIs(self.last().state, DownloadState.FAILED)
        self.assertEqual(list(self.folder.iterdir()), [])
