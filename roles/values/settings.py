"""The settings of the roles and of the program, and the parsers for what users type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from dataclasses import field as described
from enum import Enum
from pathlib import Path
from typing import Any

from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    SEEDER_PORT,
    TRACKER_PORT,
    Address,
    ip_of,
    is_unicast,
    parse_address,
)
from roles.values.errors import UserInputError
from roles.values.safe_names import shown_name

DEFAULT_SLOTS = 12  # fewer leave network links idle in rooms of 16 and more
MAX_SLOTS = 64  # each needs a thread
DEFAULT_PARALLEL_SEEDERS = 5  # per download; the original's number
MAX_PARALLEL_SEEDERS = 16
GIVE_UP_AFTER_S = 30.0  # command line: without any usable seeder
SPACE_AGAIN_S = 4.0  # between two looks at a full disk; downloads go on within 5 s of some space
MAX_RECENTS = 8
MAX_SEATS = 1_000
LEAST_RATE = 10_000  # bytes per second; any slower, and original leechers give up between chunks
MAX_RATE = 100_000_000_000  # bytes per second; faster than any network, so a typing error
NO_DISCOVERY = frozenset({"off", "0", "no"})  # values of LMK_DISCOVER that switch it off


class Existing(Enum):
    """What to do if the download folder already has a file of that name."""

    SKIP = "skip"  # if the content is the same; otherwise keep both
    KEEP_BOTH = "keep-both"
    REPLACE = "replace"


class Failover(Enum):
    """Where to look for the tracker if it stops answering."""

    NOWHERE = "nowhere"
    SAME = "same"  # the user named it: follow this run of it to its new address
    ANY = "any"  # the program chose it: follow it, or take the only other tracker


class TorrentKind(Enum):
    """Whether a seeder makes a torrent of its folder."""

    NONE = "none"
    PRIVATE = "private"  # BitTorrent programs ask the tracker only, so nothing leaves the room
    PUBLIC = "public"  # they may look for others everywhere


class Appearance(Enum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    bind: Address = Address(EVERY_INTERFACE, TRACKER_PORT)
    bind_exactly: bool = False  # fail if the port is taken, instead of trying the next one
    state_file: Path | None = None  # None: a restart forgets the lists
    name: str = ""  # of this computer, as others see it; "" for the system's name
    door: bool = True  # browsers get pages, too
    is_private: bool = False  # only those who know the code may enter
    code: str = described(default="", repr=False)  # "" for the last one, or a new one
    keys_file: Path | None = None  # of a private room; None: a restart makes new ones
    offers_here: bool = False  # only this computer may offer folders


@dataclass(frozen=True, slots=True)
class SeederSettings:
    """With one slot it behaves like the original: one leecher, and `away` to all others."""

    folder: Path
    tracker: Address = Address(LOOPBACK, TRACKER_PORT)
    bind: Address = Address(EVERY_INTERFACE, SEEDER_PORT)
    bind_exactly: bool = False
    slots: int = DEFAULT_SLOTS
    state_folder: Path | None = None  # for digests; None: hash the folder at each start
    torrent: TorrentKind = TorrentKind.NONE
    name: str = ""  # of this computer, as others see it; "" for the system's name
    door: bool = True  # browsers may fetch from it
    code: str = described(default="", repr=False)  # of a private room
    failover: Failover = described(default=Failover.NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class LeecherSettings:
    folder: Path
    tracker: Address = Address(LOOPBACK, TRACKER_PORT)
    parallel_seeders: int = DEFAULT_PARALLEL_SEEDERS
    # libtorrent's default; more would share the same disk and network.
    downloads_at_once: int = 3
    give_up_after_s: float | None = None  # without a usable seeder; None: never
    waits_for_space: bool = True  # if the disk is full; otherwise the download fails
    bind: Address = Address(EVERY_INTERFACE, SEEDER_PORT)  # leechers upload what they have
    bind_exactly: bool = False
    state_folder: Path | None = None  # for unfinished downloads, resumed at the next start
    own_folders: bool = True  # what is asked for as part of a share arrives in its folder
    name: str = ""  # of this computer, as others see it; "" for the system's name
    code: str = described(default="", repr=False)  # of a private room
    failover: Failover = described(default=Failover.NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    folder: Path  # for downloads
    tracker: Address | None = None  # None: one that is found
    tracker_port: int = TRACKER_PORT
    seeder_port: int = SEEDER_PORT
    state_folder: Path | None = None
    may_search: bool = True  # for trackers in the network
    own_ports: frozenset[int] = frozenset()  # on which this program listens already
    code: str = described(default="", repr=False)  # of a private room
    # A port of this program, and whether the tracker could connect to it, if that is known already.
    known: tuple[int, bool] | None = None


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


def tracker_address(typed: str, environment: Mapping[str, str]) -> Address:
    """What the user typed, else LMK_TRACKER, else this computer. Raises UserInputError."""
    if typed.strip():
        return parse_tracker(typed)
    named = environment.get("LMK_TRACKER", "").strip()
    if not named:
        return Address(LOOPBACK, TRACKER_PORT)
    try:
        return parse_tracker(named)
    except UserInputError as error:
        raise UserInputError(f"LMK_TRACKER in the environment: {error}") from None


def parse_tracker(text: str) -> Address:
    """Raises UserInputError."""
    address = parse_address(text, TRACKER_PORT)
    if address.port == 0:
        raise UserInputError("A tracker does not answer on port 0. Ports go from 1 to 65535.")
    if ip_of(address.host) is not None and not is_unicast(address.host):
        raise UserInputError(
            f"“{address.host}” is not the address of one computer. "
            f"Type the one that the tracker shows, such as 192.168.1.5:{TRACKER_PORT}."
        )
    return address


def may_discover(environment: Mapping[str, str]) -> bool:
    """Whether to search the network for trackers if none is named."""
    return environment.get("LMK_DISCOVER", "").strip().lower() not in NO_DISCOVERY


def parse_rate(text: str) -> int | None:
    """Parse a limit such as "500K", "2.5 MB/s" or "10Mbit" into bytes per second.

    Returns None for no limit: "", "none" or "0". Raises UserInputError.
    """
    typed = text.strip()
    if typed.lower() in ("", "none"):
        return None
    said = f"“{shown_name(typed, _SHOWN)}”"
    match = _RATE.fullmatch(typed.lower())
    if match is None:
        raise UserInputError(f"{said} is not a rate. Type it as 500K, 2M or 2.5 MB/s.")
    number, unit, kind = match[1], match[2] or "", match[3] or ""
    if kind == "bps" and not typed.endswith("Bps"):
        as_typed = number + unit.upper()
        raise UserInputError(f"{said} may be bits or bytes. Type {as_typed}bit or {as_typed}B.")
    bits = 8 if kind.startswith("bit") else 1
    rate = int(float(number.replace(",", ".")) * _RATE_UNITS[unit] / bits)
    if rate == 0:
        return None
    if not LEAST_RATE <= rate <= MAX_RATE:
        raise UserInputError(
            f"The limit {said} is too {'low' if rate < LEAST_RATE else 'high'}. "
            "Type at least 10K, such as 500K or 2M, or 0 for no limit."
        )
    return rate


_RATE = re.compile(
    r"([0-9]{1,12}(?:[.,][0-9]{1,6})?) *(ki|mi|gi|k|m|g)? ?(bits?(?:/s|ps)?|bps|b(?:/s)?|/s)?"
)
_RATE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SHOWN = 80  # characters of the user's text in an error message


def parse_slots(text: str) -> int:
    """Raises UserInputError."""
    return _whole_number(text, "The number of upload slots", MAX_SLOTS)


def parse_parallel_seeders(text: str) -> int:
    """Raises UserInputError."""
    return _whole_number(text, "The number of sources per file", MAX_PARALLEL_SEEDERS)


def parse_port(text: str) -> int:
    """Raises UserInputError."""
    return _whole_number(text, "The port", 65535)


MAX_TYPED_NAME = 40  # characters


def parse_name(text: str) -> str:
    """The name of this computer or its seat, safe to show. Raises UserInputError."""
    name = " ".join(text.split())
    if len(name) > MAX_TYPED_NAME or name != shown_name(name, MAX_TYPED_NAME):
        raise UserInputError(f"Use up to {MAX_TYPED_NAME} letters, digits and spaces.")
    return name


def parse_network(text: str) -> str:
    """An address of this computer; "" for all. Raises UserInputError."""
    typed = text.strip()
    if typed and (ip_of(typed) is None or not is_unicast(typed)):
        raise UserInputError("Choose one of the addresses, or leave it empty for all networks.")
    return typed


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


_MOST = {"recent_folders": MAX_RECENTS, "recent_trackers": MAX_RECENTS, "seats": MAX_SEATS}
_RANGES = {
    "tracker_port": 65535,
    "seeder_port": 65535,
    "slots": MAX_SLOTS,
    "parallel_seeders": MAX_PARALLEL_SEEDERS,
    "list_percent": 100,
}
SIZES = (80, 90, 100, 110, 125, 150, 175, 200)  # percent


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


def _whole_number(text: str, what: str, most: int) -> int:
    typed = text.strip()
    if typed.isascii() and typed.isdigit() and len(typed) <= 6 and 1 <= int(typed) <= most:
        return int(typed)
    said = f", not “{shown_name(typed, _SHOWN)}”" if typed else ""
    raise UserInputError(f"{what} must be a number from 1 to {most}{said}.")
