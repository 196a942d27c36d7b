"""What a role tells whoever started it: immutable facts, in the past tense.

No role, no window, no wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from roles.values.addresses import Address
from roles.values.disk_names import path_from_disk
from roles.values.errors import LmkError
from roles.values.folder_keys import FolderKey
from roles.values.participants import Participant


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that somebody offers. `name` is from the wire: show it by safe_names.shown_name."""

    name: str  # its path in the share, with "/" between folders
    size: int  # bytes
    root: bytes = b""  # which content it is; b"" when only original programs offer it
    share: str = ""  # the id of the folder that it is listed with
    twin: str = ""  # the first digits of its root, when another content has the same name
    also: tuple[str, ...] = ()  # the ids of the other folders that have it, too

    @property
    def key(self) -> str:
        """What a leecher is asked for, and says progress of: another one for each file listed."""
        return f"{self.name} [{self.twin}]" if self.twin else self.name


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder that a seeder offers, with all that is in it."""

    share: str  # its id
    name: str  # from the wire
    files: int  # how many it has
    size: int  # bytes, together
    files_left: int = 0  # more of them, that its seeder has still to read

    @property
    def key(self) -> str:
        """What a leecher is asked for, for all of it. No file can have this name."""
        return str(FolderKey(self.share))


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


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the user should know; the role keeps running."""

    sentence: str


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """Addresses of this computer are gone or new, or the program was held up: asleep, or stopped.

    Connections of addresses that are gone have been closed.
    """

    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()
    held_up_s: float = 0.0
    has_slept: bool = False  # the computer slept; else only this program was stopped
    is_cut_off: bool = False  # no address is left
    for_others: Address | None = None  # where others reach the role from now on, if it listens


@dataclass(frozen=True, slots=True)
class TrackerMoved:
    """The tracker is silent, and another address is asked now: it moved, or another tracker stands
    in for it.
    """

    former: Address
    tracker: Address
    name: str  # of its computer, from the wire; "" for an original one
    is_back: bool = False  # the original one answers again


# Tracker


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The tracker's table, after a change."""

    participants: tuple[Participant, ...] = ()  # everyone, each address once
    files: tuple[ListedFile, ...] = ()  # of all seeders together, the first MAX_SHOWN of them
    file_count: int = 0  # of all seeders together
    # Files that LMK/1 readers are not told of: no room, or not every seeder has them.
    left_out: int = 0

    @property
    def seeder_count(self) -> int:
        """How many programs offer a folder."""
        return sum(not one.is_leecher for one in self.participants)


# Seeder


class SeederState(Enum):
    """What a seeder says to the next leecher."""

    AVAILABLE = "available"  # nobody is being served
    CONNECTED = "connected"  # serving, with a free slot
    AWAY = "away"  # every slot is taken


class SkipReason(Enum):
    """Why something in a shared folder is not offered; ui/wording.py has the words for people."""

    UNREADABLE = "unreadable"  # or it changes all the time
    WRITTEN = "written"  # by another program, for a while now
    NAME = "name"  # that others could not store
    DEPTH = "depth"  # in too many folders
    LINK = "link"
    SPECIAL = "special"  # a device, a pipe, a socket
    SIZE = "size"
    NUMBER = "number"  # more than fit into one share
    LITTER = "litter"  # made by file managers


@dataclass(frozen=True, slots=True)
class Skipped:
    """What of a shared folder is not offered for one reason."""

    why: SkipReason
    paths: tuple[str, ...]  # all of them, sorted, ready to show


@dataclass(frozen=True, slots=True)
class FolderScanned:
    """What the seeder's folder offers now."""

    files: tuple[ListedFile, ...]
    announced: int  # of these, how many the tracker lists
    in_subfolders: int  # files that are not offered, because LMK/1 has no folders
    skipped: tuple[Skipped, ...] = ()  # for each reason once
    problem: str = ""  # one sentence when the folder cannot be read any more
    is_whole: bool = True  # False while it is read: more files follow
    is_listed: bool = True  # the tracker has taken this, as far as it has room for it
    refusal: str = ""  # one sentence when it does not take the list


@dataclass(frozen=True, slots=True)
class HashingChanged:
    """How far the reading of the folder is: a file is offered by its content once it was read."""

    hashed: int  # bytes, of `size`
    size: int  # bytes to read, the same as `hashed` when all is read
    files_left: int


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """Whether the tracker could connect to this program from outside."""

    address: Address  # where it listens
    is_reachable: bool


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
    size: int  # bytes of the range that it asked for, 0 when it takes what it can get
    rate: float  # bytes per second
    computer: str = ""  # what it calls itself, from the wire
    position: int = 0  # in the queue; 0: it is being served, or wants nothing


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
    seeders: tuple[Address, ...]  # as far as they are known: those that LMK/1 lists
    refused: tuple[str, ...]  # names that could leave the folder or fool the reader, ready to show
    folders: tuple[ListedFolder, ...] = ()  # what the files belong to, with an LMK/2 tracker


@dataclass(frozen=True, slots=True)
class ListFailed:
    """The tracker did not answer."""

    tracker: Address
    reason: LmkError


class DownloadState(Enum):
    """Where one download stands. The words for people are in ui/wording.py."""

    QUEUED = "queued"
    CHECKING = "checking"  # what is in the target folder already
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
    computer: str = ""  # what it calls itself, from the wire


@dataclass(frozen=True, slots=True)
class DownloadChanged:
    """A snapshot of one download; at most four a second, and one for each change of state."""

    name: str  # the key of what was asked for: ListedFile.key, or a FolderKey as text
    state: DownloadState
    size: int  # bytes
    have: int  # bytes, verified and written
    rate: float  # bytes per second
    seconds_left: float | None
    sources: tuple[Source, ...]
    cause: str = ""  # why it is not moving, for people
    failure: LmkError | None = None  # in state FAILED
    saved_as: Path | None = None  # in states DONE and SKIPPED
    title: str = ""  # how to call it, safe to show; "" for `name`
    position: int = 0  # in the queue, when IN_LINE and known
    files: int = 1  # how many it brings
    files_ended: int = 0  # of these, how many are done, skipped or failed
    renamed: int = 0  # files and folders that have other names here than in the share


def stored_path(path: str, saved_as: Path) -> str:
    """Where a file of this path in a share is, in as many folders of the target folder."""
    return path_from_disk("/".join(saved_as.parts[-1 - path.count("/") :]))


@dataclass(frozen=True, slots=True)
class FileEnded:
    """One file of a download that brings many, or a folder that could not be made."""

    name: str  # its path, from the wire; of a folder with a / at its end
    size: int  # bytes
    state: DownloadState  # DONE, SKIPPED or FAILED
    saved_as: Path | None = None
    failure: LmkError | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is none of the files that are counted."""
        return self.name.endswith("/")

    @property
    def is_renamed(self) -> bool:
        """Whether it, or a folder that it is in, has another name here."""
        return self.saved_as is not None and stored_path(self.name, self.saved_as) != self.name


@dataclass(frozen=True, slots=True)
class FolderRenamed:
    """A folder of a download that has another name here."""

    name: str  # its path, from the wire
    saved_as: Path


@dataclass(frozen=True, slots=True)
class FilesEnded:
    """Files of a download that brings many have ended: each is told once, some at a time."""

    download: str  # DownloadChanged.name
    files: tuple[FileEnded, ...]
    folders: tuple[FolderRenamed, ...] = ()


@dataclass(frozen=True, slots=True)
class AllDownloadsEnded:
    """Every download that was asked for is done, skipped, failed or cancelled."""


# Discovery


@dataclass(frozen=True, slots=True)
class FoundTracker:
    """A tracker that answered a broadcast."""

    address: Address
    name: str  # of its computer, from the wire; "" for an original one
    is_original: bool
    room: str = ""  # another one at each start of it; "" for one that does not say


def ours_first(found: Iterable[FoundTracker]) -> tuple[FoundTracker, ...]:
    """In the order in which trackers are shown; a program that must choose takes the first."""
    return tuple(sorted(found, key=lambda one: (one.is_original, one.name, one.address)))


@dataclass(frozen=True, slots=True)
class TrackersFound:
    """Every tracker that answered by now, after a change."""

    trackers: tuple[FoundTracker, ...]


TrackerEvent: TypeAlias = RoleStarted | Warned | NetworkChanged | RoomChanged | RoleStopped
SeederEvent: TypeAlias = (
    RoleStarted
    | Warned
    | NetworkChanged
    | TrackerMoved
    | FolderScanned
    | HashingChanged
    | TrackerAnswered
    | TrackerLost
    | ReachabilityChanged
    | UploadsChanged
    | RoleStopped
)
LeecherEvent: TypeAlias = (
    RoleStarted
    | Warned
    | NetworkChanged
    | TrackerMoved
    | FilesListed
    | ListFailed
    | DownloadChanged
    | FilesEnded
    | AllDownloadsEnded
    | ReachabilityChanged
    | UploadsChanged
    | RoleStopped
)
DiscoveryEvent: TypeAlias = NetworkChanged | TrackersFound | RoleStopped
RoleEvent: TypeAlias = TrackerEvent | SeederEvent | LeecherEvent | DiscoveryEvent
Post: TypeAlias = Callable[[RoleEvent], None]  # called in the role's threads: must return at once
