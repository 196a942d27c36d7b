"""Roles in a private room, for tests."""

from __future__ import annotations

from pathlib import Path

from roles.leecher import Leecher
from roles.lister import Lister
from roles.observer import Observer
from roles.seeder import Seeder
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import FolderScanned, RoleStarted, TrackerAnswered
from roles.values.settings import Failover, LeecherSettings, SeederSettings, TrackerSettings
from tests.role_test import ANYWHERE, RoomTest, Running
from tests.support import EventLog

CODE, NAME = "482177305", "the teacher's computer"


class PrivateRoomTest(RoomTest):
    def private_tracker(
        self, code: str = CODE, *, keys_file: Path | None = None, bind: Address = ANYWHERE
    ) -> Running[Tracker]:
        self.check_bind(bind)
        log = EventLog()
        settings = TrackerSettings(
            bind, bind_exactly=True, is_private=True, code=code, keys_file=keys_file
        )
        running = self.run_role(Tracker(settings, log), log)
        log.wait_for(RoleStarted)
        return running

    def member_seeder(
        self, folder: Path, room: Address, code: str = CODE, *, is_announced: bool = True
    ) -> Running[Seeder]:
        log = EventLog()
        settings = SeederSettings(
            folder, room, bind=ANYWHERE, bind_exactly=True, code=code, name=NAME
        )
        running = self.run_role(Seeder(settings, log), log)
        if is_announced:
            log.wait_for(TrackerAnswered)
            log.wait_for(FolderScanned, where=lambda scan: scan.is_listed)
        return running

    def member_leecher(self, folder: Path, room: Address, code: str = CODE) -> Running[Leecher]:
        log = EventLog()
        settings = LeecherSettings(
            folder, room, bind=ANYWHERE, own_folders=False, code=code, name=NAME
        )
        return self.run_role(Leecher(settings, log), log)

    def member_lister(self, room: Address, code: str = CODE) -> Running[Lister]:
        log = EventLog()
        return self.run_role(Lister(room, Failover.NOWHERE, log, code), log)

    def member_observer(self, room: Address, code: str = CODE) -> Running[Observer]:
        log = EventLog()
        return self.run_role(Observer(room, Failover.NOWHERE, log, code), log)
