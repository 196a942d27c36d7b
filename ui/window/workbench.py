"""What the tabs share: event pump, theme, roles, settings, choice of tracker. No widgets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ui.window.event_pump import EventPump
from ui.window.running_roles import RunningRoles
from ui.window.settings_keeper import SettingsKeeper
from ui.window.theme import Theme
from ui.window.tracker_choice import TrackerChoice


class RunState(Enum):
    """The state of one run of a role, as its buttons need it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def is_up(self) -> bool:
        """Whether it runs or is about to."""
        return self in (RunState.STARTING, RunState.RUNNING)


@dataclass(slots=True)
class Workbench:
    """Owned by Tk's thread."""

    pump: EventPump
    theme: Theme
    roles: RunningRoles
    settings: SettingsKeeper
    environment: Mapping[str, str]
    trackers: TrackerChoice
