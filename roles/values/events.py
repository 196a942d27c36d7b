"""The events that a role posts: immutable facts, named in the past tense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple, TypeAlias

from roles.values.addresses import Address
from roles.values.disk_names import path_from_disk
from roles.values.errors import LmkError
from roles.values.findings import Finding, FoundTracker
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import Participant
from roles.values.watched import Watched


@dataclass(frozen=True, slots=True)
class RoleStarted:
    """A role is ready; `address` is where a tracker or seeder really listens."""

    address: Address | None = None
    for_others: Address | None = None  # to type on other machines; loopback without a network
    note: str = ""  # a sentence, if it listens on another port than it was told
    web: str = ""  # the URL for browsers; "" if they are not answered
    code: str = field(default="", repr=False)  # of a private room, as people type it
    room: str = ""  # a tracker's, as a search finds it: see FoundTracker


@dataclass(frozen=True, slots=True)
class RoleStopped:
    """Always a role's last event. `failure` is None if it was asked to stop."""

    failure: LmkError | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A problem that the user should know about; the role keeps running."""

    sentence: str


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """This computer lost or got addresses, or the program was suspended for a while.

    Connections from lost addresses have been closed.
    """

    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()
    held_up_s: float = 0.0  # how long it was suspended
    has_slept: bool = False  # the computer slept; otherwise only this program was stopped
    is_cut_off: bool = False  # no address is left
    for_others: Address | None = None  # where others now reach the role, if it listens


@dataclass(frozen=True, slots=True)
class TrackerMoved:
    """The tracker stopped answering, and the role now asks another address: the tracker has moved,
    or another tracker replaces it.
    """

    former: Address
    tracker: Address
    name: str  # of its computer, from the wire; "" for an original tracker
    is_back: bool = False  # the first tracker answers again


# Tracker


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The tracker's table after a change."""

    participants: tuple[Participant, ...] = ()  # those that are gone first
    files: tuple[ListedFile, ...] = ()  # of all seeders; only the first MAX_SHOWN
    file_count: int = 0  # of all seeders
    folders: tuple[ListedFolder, ...] = ()  # of these files
    wakeable: frozenset[str] = frozenset()  # hosts that Tracker.wake() can wake

    @property
    def seeder_count(self) -> int:
        return sum(
            not (participant.is_leecher or participant.has_left)
            for participant in self.participants
        )


@dataclass(frozen=True, slots=True)
class CodeChanged:
    """A private room has another code: see Tracker.new_code(). Its members are out."""

    code: str = field(repr=False)  # as people type it
    room: str = ""  # the new one: see RoleStarted


class Guesser(NamedTuple):
    """A computer from which wrong codes were tried."""

    host: str
    tries: int  # in the last minute


@dataclass(frozen=True, slots=True)
class GuessersChanged:
    """Who tried wrong codes at a private room in the last minute, most tries first."""

    guessers: tuple[Guesser, ...]


# Seeder


class SeederState(Enum):
    """What the next leecher can expect of a seeder."""

    AVAILABLE = "available"  # no slot is taken
    CONNECTED = "connected"  # some slots are taken
    AWAY = "away"  # all slots are taken


class SkipReason(Enum):
    """Why something in a shared folder is not offered; ui/seeder_words.py has the words for it."""

    UNREADABLE = "unreadable"  # or it keeps changing
    WRITTEN = "written"  # another program keeps writing to it
    NAME = "name"  # others could not store a file of this name
    DEPTH = "depth"  # too many nested folders
    LINK = "link"
    SPECIAL = "special"  # a device, pipe or socket
    SIZE = "size"
    NUMBER = "number"  # the share is full
    LITTER = "litter"  # created by file managers


@dataclass(frozen=True, slots=True)
class Skipped:
    """Everything in a shared folder that is not offered for one reason."""

    why: SkipReason
    paths: tuple[str, ...]  # sorted, safe to show


@dataclass(frozen=True, slots=True)
class FolderScanned:
    """What the seeder's folder offers now."""

    files: tuple[ListedFile, ...]
    announced: int  # how many of these the tracker lists
    in_subfolders: int  # files not offered, because LMK/1 has no folders
    skipped: tuple[Skipped, ...] = ()  # each reason once
    problem: str = ""  # a sentence, if the folder cannot be read any more
    is_whole: bool = True  # False while the folder is being read
    is_listed: bool = True  # the tracker has accepted this list
    refusal: str = ""  # a sentence, if the tracker refused the list


@dataclass(frozen=True, slots=True)
class HashingChanged:
    """Progress of hashing the folder; each file is offered once it is hashed."""

    hashed: int  # bytes, of `size`
    size: int  # bytes to hash
    files_left: int


@dataclass(frozen=True, slots=True)
class TorrentChanged:
    """The torrent of the seeder's folder, or how far the seeder is with making it."""

    torrent: str = ""  # its info hash, 40 hexadecimal digits; "" if there is none now
    path: str = ""  # where browsers get it, behind the seeder's address
    hashed: int = 0  # bytes, of `size`
    size: int = 0  # bytes to hash
    problem: str = ""  # a sentence, if there can be none


@dataclass(frozen=True, slots=True)
class ReachabilityChanged:
    """Whether the tracker could connect to this program."""

    address: Address  # where this program listens
    is_reachable: bool


@dataclass(frozen=True, slots=True)
class TrackerAnswered:
    """The tracker lists this seeder."""

    tracker: Address
    is_original: bool


@dataclass(frozen=True, slots=True)
class TrackerLost:
    """The tracker does not answer; the seeder keeps serving and trying."""

    tracker: Address
    reason: LmkError


@dataclass(frozen=True, slots=True)
class Upload:
    """One leecher that is connected to this seeder."""

    leecher: Address
    name: str  # of the file; "" until it asks for one
    sent: int  # bytes, of `size`
    size: int  # bytes of the requested range; 0 under LMK/2
    rate: float  # bytes per second
    computer: str = ""  # its computer's name, from the wire
    position: int = 0  # in the queue; 0: it is being served, or wants nothing


@dataclass(frozen=True, slots=True)
class UploadsChanged:
    """The connected leechers; posted at most four times per second."""

    state: SeederState
    uploads: tuple[Upload, ...]
    sent_total: int  # bytes since the role started


# Leecher


@dataclass(frozen=True, slots=True)
class FilesListed:
    """The tracker's list arrived."""

    tracker: Address
    files: tuple[ListedFile, ...]
    seeders: tuple[Address, ...]  # known only under LMK/1
    refused: tuple[str, ...]  # names that could escape the folder or mislead users; safe to show
    folders: tuple[ListedFolder, ...] = ()  # the shares of the files, under LMK/2


@dataclass(frozen=True, slots=True)
class ListFailed:
    """The tracker did not answer."""

    tracker: Address
    reason: LmkError


class DownloadState(Enum):
    """The state of one download. ui/download_words.py has the words for users."""

    QUEUED = "queued"
    CHECKING = "checking"  # what the target folder already has
    LOOKING = "looking"  # for a seeder
    IN_QUEUE = "in line"  # in the queues of busy seeders
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
        """Whether nothing more happens unless the user asks for it."""
        return self in (self.DONE, self.SKIPPED, self.FAILED, self.CANCELLED)

    @property
    def is_active(self) -> bool:
        """Whether threads are working on it."""
        return not self.is_final and self not in (self.QUEUED, self.PAUSED)


@dataclass(frozen=True, slots=True)
class Source:
    """What one seeder contributes to a download."""

    seeder: Address
    received: int  # bytes of this file, verified
    rate: float  # bytes per second
    is_sending: bool  # False while connecting
    computer: str = ""  # its computer's name, from the wire


# Why nothing comes, as DownloadChanged.cause says it.
CUT_OFF = "this computer is off the network"
UNREACHABLE = "nobody who has it is reachable"
LACKS_PIECES = "nobody here has the missing pieces"
NOT_OFFERED = "nobody offers it now"


@dataclass(frozen=True, slots=True)
class FileArriving:
    """A file of a folder's download of which some bytes are here, or on their way."""

    name: str  # path, from the wire
    have: int  # bytes, verified and written
    rate: float = 0.0  # bytes per second; 0.0 for a small file, which comes in a pack
    senders: int = 0  # peers that are sending it


@dataclass(frozen=True, slots=True)
class DownloadChanged:
    """A snapshot of one download, posted at each change of state and at most four times per second
    otherwise.
    """

    name: str  # its key: ListedFile.key, or a FolderKey as text
    state: DownloadState
    size: int  # bytes
    have: int  # bytes, verified and written
    rate: float  # bytes per second
    seconds_left: float | None
    sources: tuple[Source, ...]
    cause: str = ""  # why nothing moves, for users
    failure: LmkError | None = None  # in state FAILED
    saved_as: Path | None = None  # in states DONE and SKIPPED
    title: str = ""  # safe to show; "" to show `name`
    position: int = 0  # in a queue, in state IN_QUEUE; 0: unknown
    files: int = 1  # number of files it brings
    files_ended: int = 0  # how many of these are done, skipped or failed
    renamed: int = 0  # files and folders stored under other names than in the share
    arriving: tuple[FileArriving, ...] = ()  # of a folder's files; of thousands, the first ones


def stored_path(path: str, saved_as: Path) -> str:
    """The path of a saved file below the target folder; `path` is its path in the share."""
    return path_from_disk("/".join(saved_as.parts[-1 - path.count("/") :]))


class FileEnded(NamedTuple):  # thousands of them come in a second
    """One file of a download that brings many, or a folder that could not be created."""

    name: str  # path, from the wire; a folder's ends in "/"
    size: int  # bytes
    state: DownloadState  # DONE, SKIPPED or FAILED
    path: str = ""  # where it is saved; text, because thousands of Paths take a while to make
    failure: LmkError | None = None

    @property
    def is_folder(self) -> bool:
        """Folders do not count in DownloadChanged.files."""
        return self.name.endswith("/")

    @property
    def saved_as(self) -> Path | None:
        return Path(self.path) if self.path else None

    @property
    def is_renamed(self) -> bool:
        """Whether the file, or a folder above it, is stored under another name."""
        if not self.path or self.path.endswith("/" + self.name):
            return False  # as nearly always; the rest takes five times as long
        return stored_path(self.name, Path(self.path)) != self.name


@dataclass(frozen=True, slots=True)
class FolderRenamed:
    """A folder that is stored under another name."""

    name: str  # path, from the wire
    saved_as: Path


@dataclass(frozen=True, slots=True)
class FilesEnded:
    """Some files of a download that brings many have ended; each file is reported once."""

    download: str  # DownloadChanged.name
    files: tuple[FileEnded, ...]
    folders: tuple[FolderRenamed, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """The downloads that have not ended, in the order in which they are started, after a change."""

    downloads: tuple[str, ...]  # DownloadChanged.name
    # Of those whose files were put in order: files, and folders with a "/" at their end.
    first: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateFound:
    """Files of a folder have changed since they were downloaded; posted before they are fetched."""

    download: str  # DownloadChanged.name
    title: str  # safe to show
    changed: int  # files
    size: int  # bytes of their new versions
    edited: tuple[str, ...] = ()  # paths of those that the user has edited: they stay as they are


@dataclass(frozen=True, slots=True)
class Verified:
    """How far a download has been read again: at most twice a second, and once at the end."""

    download: str  # DownloadChanged.name
    path: str  # of a file, from the wire; of a folder, with a "/" at its end; "" for all of it
    title: str  # safe to show
    files: int
    size: int  # bytes of them
    files_read: int = 0
    size_read: int = 0
    # Paths, at the end. Damaged: the content differs, although nobody seems to have written to it.
    damaged: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class AllDownloadsEnded:
    """Every requested download is done, skipped, failed or cancelled."""


# Discovery


@dataclass(frozen=True, slots=True)
class TrackersFound:
    """All trackers known after a change."""

    trackers: tuple[FoundTracker, ...]


TrackerEvent: TypeAlias = (
    RoleStarted
    | Warned
    | NetworkChanged
    | RoomChanged
    | CodeChanged
    | GuessersChanged
    | RoleStopped
)
SeederEvent: TypeAlias = (
    RoleStarted
    | Warned
    | NetworkChanged
    | TrackerMoved
    | FolderScanned
    | HashingChanged
    | TorrentChanged
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
    | Watched
    | QueueChanged
    | UpdateFound
    | Verified
    | AllDownloadsEnded
    | ReachabilityChanged
    | UploadsChanged
    | RoleStopped
)
DiscoveryEvent: TypeAlias = NetworkChanged | TrackersFound | RoleStopped
CheckerEvent: TypeAlias = NetworkChanged | Finding | RoleStopped
RoleEvent: TypeAlias = TrackerEvent | SeederEvent | LeecherEvent | DiscoveryEvent | CheckerEvent
Post: TypeAlias = Callable[[RoleEvent], None]  # runs in the role's threads; must not block
