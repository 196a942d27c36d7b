"""What the tabs share: event pump, theme, roles, settings, choice of tracker. No widgets."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roles.values.addresses import EVERY_INTERFACE
from ui.window import desktop
from ui.window.event_pump import EventPump
from ui.window.notices import NoticeArea
from ui.window.room_codes import RoomCodes
from ui.window.running_roles import RunningRoles
from ui.window.settings_keeper import SettingsKeeper
from ui.window.theme import Theme
from ui.window.tracker_choice import TrackerChoice


@dataclass(slots=True)
class WindowContext:
    """Owned by Tk's thread."""

    pump: EventPump
    theme: Theme
    roles: RunningRoles
    settings: SettingsKeeper
    environment: Mapping[str, str]
    trackers: TrackerChoice
    codes: RoomCodes

    @property
    def told_name(self) -> str:
        """What others call this computer."""
        return self.settings.now.told_name(platform.node())

    @property
    def host(self) -> str:
        """The address to listen at: every one, or the chosen one."""
        return self.settings.now.network or EVERY_INTERFACE

    @property
    def is_private(self) -> bool:
        """Whether the room that this window runs, or takes part in, is a private one."""
        return any(map(self.codes.is_private, (self.trackers.own, self.codes.tracker)))

    def open_folder(self, folder: Path, notices: NoticeArea) -> None:
        """Show a folder in the system's file manager, or say why not."""

        def say(problem: str) -> None:
            if problem:
                notices.say(problem, tone="Warning", key="open")

        self.pump.in_background(lambda: desktop.open_folder(folder, self.environment), say)
