"""The settings of the roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    SEEDER_PORT,
    TRACKER_PORT,
    Address,
)

DEFAULT_SLOTS = 12  # fewer leave network links idle in rooms of 16 and more
MAX_SLOTS = 64  # each needs a thread
DEFAULT_PARALLEL_SEEDERS = 5  # per download; the original's number
MAX_PARALLEL_SEEDERS = 16
GIVE_UP_AFTER_S = 30.0  # command line: without any usable seeder
# Between two scans of a seeder's folder; above SETTLED_NS, so that unchanged files have settled.
LOOK_S = 2.1
SPACE_AGAIN_S = 4.0  # between two looks at a full disk; downloads go on within 5 s of some space


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


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    bind: Address = Address(EVERY_INTERFACE, TRACKER_PORT)
    bind_exactly: bool = False  # fail if the port is taken, instead of trying the next one
    state_file: Path | None = None  # None: a restart forgets the lists
    name: str = ""  # of this computer, as others see it; "" for the system's name
    door: bool = True  # browsers get pages, too
    is_private: bool = False  # only those who know the code may enter
    code: str = field(default="", repr=False)  # "" for the last one, or a new one
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
    look_s: float = LOOK_S
    torrent: TorrentKind = TorrentKind.NONE
    name: str = ""  # of this computer, as others see it; "" for the system's name
    door: bool = True  # browsers may fetch from it
    code: str = field(default="", repr=False)  # of a private room
    failover: Failover = field(default=Failover.NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class LeecherSettings:
    folder: Path
    tracker: Address = Address(LOOPBACK, TRACKER_PORT)
    parallel_seeders: int = DEFAULT_PARALLEL_SEEDERS
    # libtorrent's default; more would share the same disk and network.
    downloads_at_once: int = 3
    give_up_after_s: float | None = None  # without a usable seeder; None: never
    waits_for_space: bool = True  # if the disk is full; otherwise the download fails
    space_again_s: float = SPACE_AGAIN_S
    bind: Address = Address(EVERY_INTERFACE, SEEDER_PORT)  # leechers upload what they have
    bind_exactly: bool = False
    state_folder: Path | None = None  # for unfinished downloads, resumed at the next start
    own_folders: bool = True  # what is asked for as part of a share arrives in its folder
    name: str = ""  # of this computer, as others see it; "" for the system's name
    code: str = field(default="", repr=False)  # of a private room
    failover: Failover = field(default=Failover.NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    folder: Path | None = None  # for downloads; None: the usual one
    tracker: Address | None = None  # None: one that is found
    tracker_port: int = TRACKER_PORT
    seeder_port: int = SEEDER_PORT
    state_folder: Path | None = None
    may_search: bool = True  # for trackers in the network
    own_ports: frozenset[int] = frozenset()  # on which this program listens already
    code: str = field(default="", repr=False)  # of a private room
    # A port of this program, and whether the tracker could connect to it, if that is known already.
    known: tuple[int, bool] | None = None
