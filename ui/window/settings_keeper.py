"""The settings of this window while it runs, and writing them outside Tk's thread.

It shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from roles.program.profile import Profile, SettingsFile
from roles.values.errors import StorageError
from roles.values.settings import ProgramSettings
from ui.window.event_pump import EventPump


class SettingsKeeper:
    """Owned by Tk's thread; background work writes to the disk, one write at a time."""

    def __init__(self, profile: Profile, pump: EventPump, tell: Callable[[str], None]) -> None:
        """`tell` gets one sentence, once, if the settings cannot be kept."""
        self.profile = profile
        self._file = SettingsFile(profile.settings_file)
        self.now = self._file.load()
        self.notice = self._file.notice  # one sentence if not all of them could be read
        self._pump = pump
        self._tell = tell
        self._written = self.now
        self._is_writing = False

    def change(self, **changes: Any) -> None:
        """Change these fields of ProgramSettings, and keep them for the next run."""
        self.replace(replace(self.now, **changes))

    def replace(self, settings: ProgramSettings) -> None:
        """Use these settings, and keep them for the next run."""
        self.now = settings
        self._write()

    @property
    def is_kept(self) -> bool:
        """Whether nothing is waiting to be written."""
        return not self._is_writing

    def _write(self) -> None:
        if self._is_writing or self.now == self._written:
            return
        self._is_writing, self._written = True, self.now
        file, settings = self._file, self.now
        self._pump.in_background(lambda: _problem_of_saving(file, settings), self._wrote)

    def _wrote(self, problem: str) -> None:
        self._is_writing = False
        if problem:
            self._tell(f"Your settings cannot be kept: {problem}")
            self._tell = _say_nothing
        self._write()


def _problem_of_saving(file: SettingsFile, settings: ProgramSettings) -> str:
    try:
        file.save(settings)
    except StorageError as error:
        return str(error)
    return ""


def _say_nothing(_sentence: str) -> None:
    """Replaces `tell` after its one sentence."""
