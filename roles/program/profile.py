"""Finds the folders for settings, state and logs; reads and writes the settings.

`--profile DIR` comes first, then a settings.json beside the program (portable), then the usual
folders of the system.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from roles.disk.state_file import StateFile
from roles.program.user_folders import home_folder
from roles.values.errors import StorageError
from roles.values.program_settings import ProgramSettings, is_text, program_settings_from

log = logging.getLogger(__name__)

SETTINGS_NAME = "settings.json"
NOWHERE = Path(os.devnull)  # stands for the home of a user without one
NO_HOME = "This user has no home folder, so nothing is saved. Choose a folder with --profile DIR."
_PROGRAM = Path(__file__).resolve().parents[2]  # contains roles/: a folder, or the .pyz


@dataclass(frozen=True, slots=True)
class Profile:
    """The folders of one user, or of one --profile."""

    settings_file: Path
    state_folder: Path

    @property
    def log_file(self) -> Path:
        return self.state_folder / "logs" / "lmktorrent.log"

    @property
    def tracker_state_file(self) -> Path:
        return self.state_folder / "tracker.json"

    @property
    def room_keys_file(self) -> Path:
        """What a private room keeps: its code and secret, and the tracker's key."""
        return self.state_folder / "private-room.json"

    @property
    def room_codes_file(self) -> Path:
        """Codes of private rooms of others."""
        return self.state_folder / "room-codes.json"

    @property
    def is_nowhere(self) -> bool:
        """Whether the user has no folder for state and logs."""
        return self.state_folder.is_relative_to(NOWHERE)


def find_profile(
    chosen: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    beside: Path | None = None,
) -> Profile:
    """Creates no folder. `beside`: the program's folder, None to find it."""
    if chosen is not None:
        return _in_one_folder(chosen)
    program_folder = beside if beside is not None else folder_beside_program()
    if os.path.isfile(program_folder / SETTINGS_NAME):  # noqa: PTH113  # False if not accessible
        return _in_one_folder(program_folder)
    home = home_folder(environment) or NOWHERE

    def place(variable: str, usual: Path) -> Path:
        """Ignores relative paths, as the XDG Base Directory Specification demands."""
        named = Path(environment.get(variable, ""))
        return named if named.is_absolute() else usual

    if platform == "win32":
        roaming = place("APPDATA", home / "AppData" / "Roaming")
        local = place("LOCALAPPDATA", home / "AppData" / "Local")
        return Profile(roaming / "LMKtorrent" / SETTINGS_NAME, local / "LMKtorrent")
    if platform == "darwin":
        return _in_one_folder(home / "Library" / "Application Support" / "LMKtorrent")
    config = place("XDG_CONFIG_HOME", home / ".config")
    state = place("XDG_STATE_HOME", home / ".local" / "state")
    return Profile(config / "lmktorrent" / SETTINGS_NAME, state / "lmktorrent")


def _in_one_folder(folder: Path) -> Profile:
    return Profile(folder / SETTINGS_NAME, folder)


def folder_beside_program() -> Path:
    """The folder of the executable, the .pyz, or, when run from source, lmktorrent_app.py."""
    if is_frozen():
        return Path(sys.executable).resolve().parent
    return _PROGRAM.parent if is_zipped() else _PROGRAM


def is_frozen() -> bool:
    """Whether the program is the executable, which contains its Python."""
    return bool(getattr(sys, "frozen", False))


def is_zipped() -> bool:
    """Whether the program is a .pyz, which a Python of this computer runs."""
    return _PROGRAM.is_file()


def bundled_folder(name: str) -> Path:
    """A folder that comes with the program: beside it, else the copy inside the executable.

    Raises StorageError.
    """
    beside = folder_beside_program()
    if (beside / name).is_dir():
        return beside / name
    if is_zipped():
        from roles.program.zip_folder import unpacked

        return unpacked(_PROGRAM, name)
    return Path(getattr(sys, "_MEIPASS", beside)) / name


def bundled_bytes(folder: str, name: str) -> bytes:
    """A file that comes with the program; does not unpack it from a .pyz. Raises StorageError."""
    try:
        if is_zipped():
            from roles.program.zip_folder import member_of

            return member_of(_PROGRAM, f"{folder}/{name}")
        return (bundled_folder(folder) / name).read_bytes()
    except OSError as error:
        raise StorageError(f"{folder}/{name} of the program cannot be read ({error}).") from None


class SettingsFile:
    """Reads the file at the start, and writes it after each change."""

    def __init__(self, path: Path) -> None:
        self.notice = ""  # a sentence for the user, if something is wrong with the file
        self._file = StateFile(path)
        self._known = ProgramSettings()  # as this run last read or wrote them

    def load(self) -> ProgramSettings:
        """The settings, with defaults for missing and invalid ones; sets `notice`."""
        self._known, unusable = program_settings_from(_object_in(self._file))
        self.notice = self._file.notice
        if unusable:
            self.notice = (
                f"These settings in {self._file.path} cannot be used and stay at their defaults: "
                f"{', '.join(unusable)}."
            )
            log.warning("Settings that cannot be used: %s.", ", ".join(unusable))
        return self._known

    def save(self, settings: ProgramSettings) -> None:
        """Write what changed since load() or the last save(). Raises StorageError.

        Leaves everything else in the file: keys of a newer version, values that this one cannot
        use, and what another window or an editor has written.
        """
        if self._file.path.is_relative_to(NOWHERE):
            raise StorageError(NO_HOME)
        stored = dict(_object_in(self._file))
        before = asdict(self._known)
        for name, value in asdict(settings).items():
            # Older versions cannot read back the name of a folder that is not UTF-8.
            if (name not in stored or value != before[name]) and is_text(value):
                stored[name] = value
        text = json.dumps(stored, indent=2, ensure_ascii=False)
        self._file.write(text.encode(errors="backslashreplace"))  # which is JSON's escape, too
        self._known = settings


def _object_in(file: StateFile) -> Mapping[str, object]:
    """The JSON object in the file; empty if the file is empty or damaged."""
    value = {} if _is_empty(file.path) else file.read()
    if value is not None and not isinstance(value, dict):
        file.keep_aside("it does not hold settings")
    return value if isinstance(value, dict) else {}


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0 and path.is_file()
    except OSError:
        return False
