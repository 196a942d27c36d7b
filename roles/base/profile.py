"""Where this computer keeps our settings, state and logs, and reading and writing them.

`--profile DIR` wins, then a settings.json beside the program (portable), then the place that the
system has for it. It knows no window.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from roles.base.state_file import write_whole
from roles.values import strict_json
from roles.values.errors import PeerProtocolError, StorageError
from roles.values.settings import ProgramSettings, program_settings_from

log = logging.getLogger(__name__)

SETTINGS_NAME = "settings.json"
_PROGRAM = Path(__file__).resolve().parents[2]  # what holds roles/: a folder, or the .pyz


@dataclass(frozen=True, slots=True)
class Profile:
    """Folders of one user, or of one --profile."""

    settings_file: Path
    state_folder: Path

    @property
    def log_file(self) -> Path:
        return self.state_folder / "logs" / "lmktorrent.log"

    @property
    def tracker_state_file(self) -> Path:
        return self.state_folder / "tracker.json"


def find_profile(
    chosen: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    beside: Path | None = None,
) -> Profile:
    """The profile to use; makes no folder.

    `beside` is the program's folder, where a settings.json means portable.
    """
    if chosen is not None:
        return _in_one_folder(chosen)
    program_folder = beside if beside is not None else folder_beside_program()
    if (program_folder / SETTINGS_NAME).is_file():
        return _in_one_folder(program_folder)
    home = Path(environment.get("HOME") or Path.home())
    if platform == "win32":
        roaming = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
        local = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return Profile(roaming / "LMKtorrent" / SETTINGS_NAME, local / "LMKtorrent")
    if platform == "darwin":
        return _in_one_folder(home / "Library" / "Application Support" / "LMKtorrent")
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state")
    return Profile(config / "lmktorrent" / SETTINGS_NAME, state / "lmktorrent")


def _in_one_folder(folder: Path) -> Profile:
    return Profile(folder / SETTINGS_NAME, folder)


def folder_beside_program() -> Path:
    """The folder of the executable or the .pyz, or of lmktorrent_app.py when run from source."""
    if is_frozen():
        return Path(sys.executable).resolve().parent
    return _PROGRAM.parent if is_zipped() else _PROGRAM


def is_frozen() -> bool:
    """Whether the program is the executable, whose Python came with it."""
    return bool(getattr(sys, "frozen", False))


def is_zipped() -> bool:
    """Whether the program is one .pyz, which a Python of this computer runs."""
    return _PROGRAM.is_file()


def bundled_folder(name: str) -> Path:
    """A folder that travels with the program: beside it, else the copy inside the executable."""
    beside = folder_beside_program()
    if (beside / name).is_dir():
        return beside / name
    if is_zipped():
        from roles.base.zip_folder import unpacked

        return unpacked(_PROGRAM, name)
    return Path(getattr(sys, "_MEIPASS", beside)) / name


def bundled_bytes(folder: str, name: str) -> bytes:
    """A file that travels with the program; a .pyz is not unpacked for it. Raises StorageError."""
    try:
        if is_zipped():
            from roles.base.zip_folder import member_of

            return member_of(_PROGRAM, f"{folder}/{name}")
        return (bundled_folder(folder) / name).read_bytes()
    except OSError as error:
        raise StorageError(f"{folder}/{name} of the program cannot be read ({error}).") from None


def default_download_folder() -> Path:
    """Downloads/LMKtorrent in the user's home."""
    return Path.home() / "Downloads" / "LMKtorrent"


def load_settings(profile: Profile) -> ProgramSettings:
    """The kept settings; defaults for what is missing or damaged, with a line in the log."""
    try:
        stored = strict_json.loads(profile.settings_file.read_bytes() or b"{}")
    except FileNotFoundError:
        return ProgramSettings()
    except (OSError, PeerProtocolError) as error:
        log.warning(
            "The settings in %s cannot be read (%s): starting with defaults.",
            profile.settings_file,
            error,
        )
        return ProgramSettings()
    if not isinstance(stored, dict):
        log.warning(
            "The settings in %s are damaged: starting with defaults.", profile.settings_file
        )
        return ProgramSettings()
    settings, unusable = program_settings_from(stored)
    if unusable:
        log.warning(
            "These settings are unusable and stay at their defaults: %s.", ", ".join(unusable)
        )
    return settings


def save_settings(profile: Profile, settings: ProgramSettings) -> None:
    """Keep the settings. Raises StorageError."""
    text = json.dumps(asdict(settings), indent=2, ensure_ascii=False)
    # "replace": a folder whose name is not UTF-8 is forgotten, and the other settings are kept
    write_whole(profile.settings_file, text.encode(errors="replace"))
