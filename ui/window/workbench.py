"""What the tabs share: pump, looks, roles, settings, and which tracker is meant. No widget."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from roles.addresses import LOOPBACK, Address
from roles.settings import tracker_address
from ui.window.event_pump import EventPump
from ui.window.running_roles import RunningRoles
from ui.window.settings_keeper import SettingsKeeper
from ui.window.theme import Theme


class RunState(Enum):
    """Where one run of a role stands, as its buttons need to know."""

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
    tracker_text: tk.StringVar  # one field, seen in two tabs
    own_tracker: Address | None = None  # the tracker of this window, as others here reach it
    _not_kept: str | None = field(default=None, init=False)

    def parse_tracker(self, typed: str) -> Address:
        """The tracker that is meant: typed, LMK_TRACKER, this window's, this computer's.

        Raises UserInputError.
        """
        nothing_said = not typed.strip() and not self.environment.get("LMK_TRACKER", "").strip()
        if nothing_said and self.own_tracker is not None:
            return self.own_tracker
        return tracker_address(typed, self.environment)

    def use_tracker_for_now(self, address: Address) -> None:
        """Fill in a tracker that is no wish of the user's for the next run."""
        self._not_kept = str(address)
        self.tracker_text.set(self._not_kept)

    def keep_tracker(self) -> None:
        """Keep what the user typed."""
        typed = self.tracker_text.get().strip()
        if typed != self._not_kept:
            self._not_kept = None
            self.settings.change(tracker=typed)


def reached_from_here(address: Address) -> Address:
    """How programs on this computer reach what listens there."""
    return Address(LOOPBACK, address.port)
