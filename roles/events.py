"""What a role tells whoever started it: immutable facts, in the past tense.

No role, no window, no wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from roles.addresses import Address
from roles.errors import LmkError


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that somebody offers.

    `name` comes from the wire: show it through safe_names.shown_name.
    """

    name: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class RoleStarted:
    """A role works now; `address` is where a tracker or seeder really listens."""

    address: Address | None = None
    for_others: Address | None = None  # what to type on other machines, loopback without a network
    note: str = ""  # one sentence when it is not the port that was asked for


@dataclass(frozen=True, slots=True)
class RoleStopped:
    """Always a role's last event. No failure: it was asked to stop."""

    failure: LmkError | None = None


# Tracker


@dataclass(frozen=True, slots=True)
class ListedSeeder:
    """One seeder as the tracker knows it."""

    address: Address
    is_original: bool  # speaks plain LMK/1
    state: SeederState | None  # None: an original, which does not say
    files: int
    last_ping: float  # time.monotonic() of the tracker


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The tracker's table, after a change."""

    seeders: tuple[ListedSeeder, ...]
    files: tuple[ListedFile, ...]  # of all seeders together
    left_out: int  # files that LMK/1 readers are not told of: no room, or not every seeder has them


# Seeder


class SeederState(Enum):
    """What a seeder says to the next leecher."""

    AVAILABLE = "available"  # nobody is being served
    CONNECTED = "connected"  # serving, with a free slot
    AWAY = "away"  # every slot is taken


@dataclass(frozen=True, slots=True)
class FolderScanned:
    """What the seeder's folder offers now."""

    files: tuple[ListedFile, ...]
    announced: int  # of these, how many fit into the list that the tracker was sent
    in_subfolders: int  # files that are not offered, because LMK/1 has no folders
    left_out: tuple[str, ...]  # names that no leecher could store
    problem: str = ""  # one sentence when the folder cannot be read any more


@dataclass(frozen=True, slots=True)
class TrackerAnswered:
    """The seeder is on the tracker's list."""

    tracker: Address
    is_original: bool


@dataclass(frozen=True, slots=True)
class TrackerLost:
    """The tracker does not answer; the seeder goes on serving and asking."""

    tracker: Address
    reason: LmkError


@dataclass(frozen=True, slots=True)
class Upload:
    """One leecher that is connected to this seeder."""

    leecher: Address
    name: str  # "" before it asked for a file
    sent: int  # bytes, of `size`
    size: int  # bytes of the range that it asked for
    rate: float  # bytes per second


@dataclass(frozen=True, slots=True)
class UploadsChanged:
    """Who is being served; at most four a second."""

    state: SeederState
    uploads: tuple[Upload, ...]
    sent_total: int  # bytes since the start


# Leecher


@dataclass(frozen=True, slots=True)
class FilesListed:
    """The tracker's list arrived."""

    tracker: Address
    files: tuple[ListedFile, ...]
    seeders: tuple[Address, ...]
    refused: tuple[str, ...]  # names that could leave the folder or fool the reader, ready to show


@dataclass(frozen=True, slots=True)
class ListFailed:
    """The tracker did not answer."""

    tracker: Address
    reason: LmkError


class DownloadState(Enum):
    """Where one download stands. The words for people are in ui/wording.py."""

    QUEUED = "queued"
    LOOKING = "looking"  # for a seeder
    IN_LINE = "in line"  # every seeder is serving others
    DOWNLOADING = "downloading"
    RETRYING = "retrying"
    WAITING_FOR_SPACE = "waiting for space"
    VERIFYING = "verifying"
    PAUSED = "paused"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen unless the user asks for it."""
        return self in (self.DONE, self.SKIPPED, self.FAILED, self.CANCELLED)

    @property
    def is_active(self) -> bool:
        """Whether threads work on it."""
        return not self.is_final and self not in (self.QUEUED, self.PAUSED)


@dataclass(frozen=True, slots=True)
class Source:
    """One seeder's part in a download."""

    seeder: Address
    received: int  # bytes of this file, verified
    rate: float  # bytes per second
    is_sending: bool  # False while connecting


@dataclass(frozen=True, slots=True)
class DownloadChanged:
    """A snapshot of one download; at most four a second, and one for each change of state."""

    name: str  # on the wire; the key of the download
    state: DownloadState
    size: int  # bytes
    have: int  # bytes, verified and written
    rate: float  # bytes per second
    seconds_left: float | None
    sources: tuple[Source, ...]
    cause: str = ""  # why it is not moving, for people
    failure: LmkError | None = None  # in state FAILED
    saved_as: Path | None = None  # in states DONE and SKIPPED


@dataclass(frozen=True, slots=True)
class AllDownloadsEnded:
    """Every download that was asked for is done, skipped, failed or cancelled."""


TrackerEvent: TypeAlias = RoleStarted | RoomChanged | RoleStopped
SeederEvent: TypeAlias = (
    RoleStarted | FolderScanned | TrackerAnswered | TrackerLost | UploadsChanged | RoleStopped
)
LeecherEvent: TypeAlias = (
    RoleStarted | FilesListed | ListFailed | DownloadChanged | AllDownloadsEnded | RoleStopped
)
RoleEvent: TypeAlias = TrackerEvent | SeederEvent | LeecherEvent
Post: TypeAlias = Callable[[RoleEvent], None]  # called in the role's threads: must return at once
