"""Roles in a private room, for tests."""

from __future__ import annotations

import unittest
from pathlib import Path
from unittest import mock

from roles.leecher import Leecher
from roles.lister import Lister
from roles.observer import Observer
from roles.private import private_client
from roles.room import connection_server
from roles.seeder import Seeder
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import FolderScanned, TrackerAnswered
from roles.values.settings import Failover
from tests.role_test import ANYWHERE, RoomTest, Running
from tests.support import LIMIT_S, EventLog

CODE, NAME = "482177305", "the teacher's computer"


def enter_patiently(test: unittest.TestCase) -> None:
    """Let both sides take their time for the proof of a code: a busy machine computes for long."""
    limits = connection_server.PRIVATE_LIMITS._replace(enter_s=LIMIT_S)
    test.enterContext(mock.patch.object(connection_server, "PRIVATE_LIMITS", limits))
    test.enterContext(mock.patch.object(private_client, "ENTER_S", LIMIT_S))


class PrivateRoomTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        enter_patiently(self)

    def private_tracker(
        self, code: str = CODE, *, keys_file: Path | None = None, bind: Address = ANYWHERE
    ) -> Running[Tracker]:
        return self.tracker(bind, is_private=True, code=code, keys_file=keys_file)

    def member_seeder(
        self, folder: Path, room: Address, code: str = CODE, *, is_announced: bool = True
    ) -> Running[Seeder]:
        running = self.seeder(folder, room, code=code, name=NAME, is_announced=False)
        if is_announced:
            running.log.wait_for(TrackerAnswered)
            running.log.wait_for(FolderScanned, where=lambda scan: scan.is_listed)
        return running

    def member_leecher(self, folder: Path, room: Address, code: str = CODE) -> Running[Leecher]:
        return self.leecher(folder, room, code=code, name=NAME)

    def member_lister(self, room: Address, code: str = CODE) -> Running[Lister]:
        log = EventLog()
        return self.run_role(Lister(room, Failover.NOWHERE, log, code), log)

    def member_observer(self, room: Address, code: str = CODE) -> Running[Observer]:
        log = EventLog()
        return self.run_role(Observer(room, Failover.NOWHERE, log, code), log)
