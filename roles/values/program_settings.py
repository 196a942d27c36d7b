"""The settings of the program, which are kept between runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any

from roles.values.addresses import MAX_PORT, SEEDER_PORT, TRACKER_PORT
from roles.values.errors import UserInputError
from roles.values.settings import (
    DEFAULT_PARALLEL_SEEDERS,
    DEFAULT_SLOTS,
    MAX_PARALLEL_SEEDERS,
    MAX_SLOTS,
)
from roles.values.typed_settings import parse_name, parse_network, parse_rate

MAX_RECENTS = 8
MAX_SEATS = 1_000
SIZES = (80, 90, 100, 110, 125, 150, 175, 200)  # percent
_MOST = {"recent_folders": MAX_RECENTS, "recent_trackers": MAX_RECENTS, "seats": MAX_SEATS}
_RANGES = {
    "tracker_port": MAX_PORT,
    "seeder_port": MAX_PORT,
    "slots": MAX_SLOTS,
    "parallel_seeders": MAX_PARALLEL_SEEDERS,
    "list_percent": 100,
}


class Appearance(Enum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """What is kept between runs, as the user typed it. An empty tracker means this computer's."""

    tracker: str = ""
    shared_folder: str = ""
    recent_folders: tuple[str, ...] = ()
    download_folder: str = ""
    keep_seeding: bool = False
    torrent: bool = False  # shared folders get a torrent, a private one
    own_folders: bool = True  # each share arrives in a folder of its own
    tracker_port: int = TRACKER_PORT
    seeder_port: int = SEEDER_PORT
    slots: int = DEFAULT_SLOTS
    parallel_seeders: int = DEFAULT_PARALLEL_SEEDERS
    up_limit: str = ""  # for parse_rate()
    down_limit: str = ""
    appearance: str = Appearance.SYSTEM.value
    recent_trackers: tuple[str, ...] = ()  # those that answered, newest first
    window: str = ""  # Tk geometry, "900x600+10+10"
    seats: tuple[str, ...] = ()  # where the tiles of a room stand: "MACHINE COLUMN ROW"
    list_columns: str = ""  # of the list of files: "1:300,2:88", column and width in their order
    list_percent: int = 45  # of the height: the list; below it, the selected download
    has_begun: bool = False  # a role has been used: the start page is not needed any more
    computer_name: str = ""  # what others see; "" for the system's name
    seat: str = ""  # where the computer stands, such as "14"
    network: str = ""  # the one address to use; "" for all
    size_percent: int = 100  # of what the window shows
    keep_awake: bool = True  # no sleep while something is on its way
    door: bool = True  # browsers may fetch from here: at the tracker and the seeder
    private_room: bool = False  # this computer's tracker wants a code
    offers_here: bool = False  # there, only this computer may offer folders

    def told_name(self, system_name: str) -> str:
        """What others see."""
        name = self.computer_name or system_name
        return f"{name}, seat {self.seat}" if self.seat else name

    def with_recent_folder(self, folder: str) -> ProgramSettings:
        """A copy that shares this folder and has it first among the recent ones."""
        recents = (folder, *(known for known in self.recent_folders if known != folder))
        return replace(self, shared_folder=folder, recent_folders=recents[:MAX_RECENTS])

    def with_recent_tracker(self, tracker: str) -> ProgramSettings:
        """A copy with this tracker first among the recent ones."""
        recents = (tracker, *(known for known in self.recent_trackers if known != tracker))
        return replace(self, recent_trackers=recents[:MAX_RECENTS])


def program_settings_from(stored: Mapping[str, object]) -> tuple[ProgramSettings, tuple[str, ...]]:
    """The settings in `stored`, and the names of those with unusable values, which keep their
    defaults.
    """
    usable, unusable = dict[str, Any](), list[str]()
    for field in fields(ProgramSettings):
        if field.name not in stored:
            continue
        value = stored[field.name]
        if field.name in _MOST and isinstance(value, list):
            value = tuple(item for item in value if isinstance(item, str))[: _MOST[field.name]]
        is_usable = type(value) is type(field.default) and _is_in_range(field.name, value)
        if is_usable and is_text(value):
            usable[field.name] = value
        else:
            unusable.append(field.name)
    return ProgramSettings(**usable), tuple(unusable)


def is_text(value: object) -> bool:
    """Whether it contains no lone surrogate, which would break every window that shows it."""
    try:
        ("".join(value) if isinstance(value, tuple) else str(value)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_in_range(name: str, value: object) -> bool:
    if name == "appearance":
        return value in {appearance.value for appearance in Appearance}
    if name in {"computer_name", "seat", "network"}:
        return _is_parsed(parse_network if name == "network" else parse_name, str(value))
    if name == "size_percent":
        return isinstance(value, int) and SIZES[0] <= value <= SIZES[-1]
    if name in {"up_limit", "down_limit"}:
        return _is_parsed(parse_rate, str(value))
    return name not in _RANGES or (isinstance(value, int) and 1 <= value <= _RANGES[name])


def _is_parsed(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except UserInputError:
        return False
    return True
