"""The settings of this window while it runs, and writing them outside Tk's thread."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from roles.program.profile import Profile, SettingsFile
from roles.values.errors import StorageError
from roles.values.settings import ProgramSettings
from ui.window.event_pump import EventPump


class SettingsKeeper:
    """Owned by Tk's thread; background work writes to the disk, one write at a time."""

    def __init__(self, profile: Profile, pump: EventPump, warn: Callable[[str], None]) -> None:
        """`warn` gets one sentence, once, if the settings cannot be kept."""
        self.profile = profile
        self._file = SettingsFile(profile.settings_file)
        self.now = self._file.load()
        self.notice = self._file.notice  # one sentence if not all of them could be read
        self._pump = pump
        self._warn = warn
        self._has_warned = False
        self._written = self.now
        self._variables: dict[str, tk.StringVar] = {}
        self._switches: dict[str, tk.BooleanVar] = {}
        self.is_writing = False

    def variable(self, place: tk.Misc, name: str) -> tk.StringVar:
        """The text of a setting, which all its fields share; `place` is any widget."""
        if name not in self._variables:
            self._variables[name] = tk.StringVar(place.winfo_toplevel(), getattr(self.now, name))
        return self._variables[name]

    def switch(self, place: tk.Misc, name: str) -> tk.BooleanVar:
        """A setting to tick, which all its boxes share and which is kept at once; `place` is any
        widget.
        """
        if name not in self._switches:
            chosen = tk.BooleanVar(place.winfo_toplevel(), getattr(self.now, name))
            chosen.trace_add("write", lambda *_: self.change(**{name: chosen.get()}))
            self._switches[name] = chosen
        return self._switches[name]

    def change(self, **changes: Any) -> None:
        """Change these fields of ProgramSettings, and keep them for the next run."""
        self.replace(replace(self.now, **changes))

    def replace(self, settings: ProgramSettings) -> None:
        """Use these settings, and keep them for the next run."""
        self.now = settings
        if not self.is_writing and settings != self._written:
            self.is_writing, self._written = True, settings
            self._pump.in_background(lambda: self._save(settings), self._saved)

    def _save(self, settings: ProgramSettings) -> str:
        try:
            self._file.save(settings)
        except StorageError as error:
            return str(error)
        return ""

    def _saved(self, problem: str) -> None:
        self.is_writing = False
        if problem and not self._has_warned:
            self._has_warned = True
            self._warn(f"Your settings cannot be saved: {problem}")
        self.replace(self.now)
