"""The settings of this window while it runs, and writing them outside Tk's thread."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from roles.program.profile import Profile, SettingsFile
from roles.values.program_settings import ProgramSettings
from ui.window.event_pump import EventPump
from ui.window.saving import Saving


class SettingsKeeper:
    """Owned by Tk's thread."""

    def __init__(
        self, root: tk.Tk, profile: Profile, pump: EventPump, warn: Callable[[str], None]
    ) -> None:
        """`warn` gets one sentence, once, if the settings cannot be kept."""
        self._root = root
        self.profile = profile
        file = SettingsFile(profile.settings_file)
        self.now = file.load()
        self.notice = file.notice  # one sentence if not all of them could be read
        self._saving = Saving(pump, file.save, self.now, self._failed)
        self._warn = warn
        self._has_warned = False
        self._variables: dict[str, tk.StringVar] = {}
        self._switches: dict[str, tk.BooleanVar] = {}

    @property
    def is_writing(self) -> bool:
        return self._saving.is_writing

    def variable(self, name: str) -> tk.StringVar:
        """The text of a setting, which all its fields share."""
        if name not in self._variables:
            self._variables[name] = tk.StringVar(self._root, getattr(self.now, name))
        return self._variables[name]

    def switch(self, name: str) -> tk.BooleanVar:
        """A setting to tick, which all its boxes share and which is kept at once."""
        if name not in self._switches:
            chosen = tk.BooleanVar(self._root, getattr(self.now, name))
            chosen.trace_add("write", lambda *_: self.change(**{name: chosen.get()}))
            self._switches[name] = chosen
        return self._switches[name]

    def change(self, **changes: Any) -> None:
        """Change these fields of ProgramSettings, and keep them for the next run."""
        self.replace(replace(self.now, **changes))

    def replace(self, settings: ProgramSettings) -> None:
        """Use these settings, and keep them for the next run."""
        self.now = settings
        self._saving.save(settings)

    def _failed(self, problem: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            self._warn(f"Your settings cannot be saved: {problem}")
