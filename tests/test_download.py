"""One download by itself, when the program has a fault."""

from __future__ import annotations

import logging
import random
import socket
import threading

from roles.base.throttle import Throttle
from roles.downloads.download import Download
from roles.downloads.seeder_book import SeederBook
from roles.values.addresses import Address
from roles.values.events import DownloadChanged, DownloadState, ListedFile
from roles.values.settings import Existing, LeecherSettings
from tests.support import EventLog, LmkTestCase

SOON_S = 2.0


class FaultTest(LmkTestCase):
    def test_a_fault_ends_the_download_while_its_crew_waits_for_a_seeder(self) -> None:
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
            settings=LeecherSettings(self.folder),
            existing=Existing.SKIP,
            book=SeederBook(random.Random(1)),
            lock=threading.Lock(),
            seeders=seeders,
            throttle=Throttle(),
            post=log,
            ended=ended.set,
        )
        with self.assertLogs(level=logging.ERROR):
            download.start()
            self.assertTrue(ended.wait(SOON_S), "it waits for a seeder that says nothing")
        download.reap()
        last = log.events[-1]
        assert isinstance(last, DownloadChanged)
        self.assertIs(last.state, DownloadState.FAILED)
        self.assertEqual(list(self.folder.iterdir()), [])
