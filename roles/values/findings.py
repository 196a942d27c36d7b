"""What is found: trackers by a search, and by a check what of a computer is ready for a lesson."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from roles.values.addresses import Address
from roles.values.errors import LmkError


@dataclass(frozen=True, slots=True)
class FoundTracker:
    """A tracker that answered a broadcast."""

    address: Address
    name: str  # of its computer, from the wire; "" for an original tracker
    is_original: bool
    room: str = ""  # changes when the tracker restarts; "" if it sends none
    is_private: bool = False  # its room needs a code


def ours_first(found: Iterable[FoundTracker]) -> tuple[FoundTracker, ...]:
    """The order in which trackers are shown; a program that must choose takes the first."""

    def rank(tracker: FoundTracker) -> tuple[bool, bool, str, Address]:
        return tracker.is_original, tracker.is_private, tracker.name, tracker.address

    return tuple(sorted(found, key=rank))


# What a check finds: each of these facts once, in this order


@dataclass(frozen=True, slots=True)
class InterfaceChecked:
    """What a search for trackers from one address of this computer found."""

    interface: str  # its name; "" where the system does not tell it
    host: str  # "" if this computer has no address at all
    sent: int = 0  # datagrams; 0 if the search is switched off
    heard: tuple[FoundTracker, ...] = ()
    fault: str = ""  # what the system said, if nothing could be sent


@dataclass(frozen=True, slots=True)
class TrackerChecked:
    """Whether the tracker of this computer answers."""

    tracker: Address | None  # None: none is named, and none was found
    name: str = ""  # of its computer, from the wire
    is_original: bool = False
    is_here: bool = False  # it runs on this computer
    failure: LmkError | None = None  # it does not answer
    is_private: bool = False  # its room was joined by a code


@dataclass(frozen=True, slots=True)
class PortChecked:
    """Whether this computer can listen on a port."""

    port: int
    is_trackers: bool  # UDP and TCP; otherwise TCP
    is_ours: bool = False  # an LMKtorrent of this computer listens there
    instead: int | None = None  # the one that would be used, if it is taken
    fault: str = ""  # a sentence, if it is taken


@dataclass(frozen=True, slots=True)
class DialBackChecked:
    """Whether the tracker could connect to this computer."""

    port: int
    is_reachable: bool | None  # None: the tracker did not try
    is_here: bool = False  # the tracker runs on this computer, and so proves nothing
    is_original: bool = False  # the tracker is, and never tries


@dataclass(frozen=True, slots=True)
class FolderChecked:
    """Whether files can be created, renamed and removed in the folder for downloads."""

    folder: Path | None  # None: the user has none
    failure: LmkError | None = None


@dataclass(frozen=True, slots=True)
class SpaceChecked:
    """How much the folder for downloads has room for; a part of the disk is left free."""

    folder: Path
    room: int = 0  # bytes; negative if less is free than should stay free
    fault: str = ""  # what the system said, if it cannot tell


@dataclass(frozen=True, slots=True)
class ClockChecked:
    now: float  # seconds since 1970
    disk_ahead_s: float | None = None  # how far the clock of the folder's disk is ahead


Finding: TypeAlias = (
    InterfaceChecked
    | TrackerChecked
    | PortChecked
    | DialBackChecked
    | FolderChecked
    | SpaceChecked
    | ClockChecked
)
