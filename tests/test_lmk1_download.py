"""One download of LMK/1 by itself: without room, and when the program has a fault."""

from __future__ import annotations

import logging
import random
import socket
import threading

from roles.disk.reserved_space import ReservedSpace
from roles.downloads.download_life import DownloadContext
from roles.lmk1.download import Download
from roles.lmk1.seeder_book import SeederBook
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.errors import DiskFullError
from roles.values.events import DownloadChanged, DownloadState, ListedFile
from roles.values.settings import Existing, LeecherSettings
from tests.support import EventLog, LmkTestCase

SOON_S = 2.0


class SpaceTest(LmkTestCase):
    def test_room_that_another_download_was_promised_is_not_there(self) -> None:
        space = ReservedSpace(self.folder, lambda _: 10)
        log, ended = EventLog(), threading.Event()
        space.promise("another", 6)
        settings = LeecherSettings(self.folder, waits_for_space=False)
        download = Download(
            ListedFile("a", 5),
            "a",
            Existing.SKIP,
            DownloadContext(settings, space, log, ended.set),
            book=SeederBook(random.Random(1)),
            lock=threading.Lock(),
            seeders=lambda: (),
            throttle=Throttle(),
        )
        with self.assertLogs(level=logging.WARNING):
            download.start()
            self.assertTrue(ended.wait(SOON_S))
        download.reap()
        last = log.events[-1]
        assert isinstance(last, DownloadChanged)
        self.assertIsInstance(last.failure, DiskFullError)
        space.promise("a third", 4)


class FaultTest(LmkTestCase):
    def test_a_fault_ends_the_download_while_its_fetchers_wait_for_a_seeder(self) -> None:
        silent = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        asked: list[int] = []

        def seeders() -> tuple[Address, ...]:
            asked.append(1)
            if len(asked) > 1:
                raise ZeroDivisionError("a fault")
            return (Address(*silent.getsockname()),)

        log, ended = EventLog(), threading.Event()
        download = Download(
            ListedFile("a", 5),
            "a",
            Existing.SKIP,
            DownloadContext(
                LeecherSettings(self.folder), ReservedSpace(self.folder), log, ended.set
            ),
            book=SeederBook(random.Random(1)),
            lock=threading.Lock(),
            seeders=seeders,
            throttle=Throttle(),
        )
        with self.assertLogs(level=logging.ERROR):
            download.start()
            self.assertTrue(ended.wait(SOON_S), "it waits for a seeder that says nothing")
        download.reap()
        last = log.events[-1]
        assert isinstance(last, DownloadChanged)
        self.assertIs(last.state, DownloadState.FAILED)
        self.assertEqual(list(self.folder.iterdir()), [])
