"""A download that the user looks at: its pieces, its peers, and what holds it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from roles.values.addresses import Address
from roles.values.content import Content


class Slowest(Enum):
    """What holds downloads up; ui/download_words.py has the words for users."""

    LIMIT = "limit"  # that was set for this program
    DISK = "disk"  # of this computer
    PROCESSOR = "processor"  # of this computer, which checks what comes
    LINK = "link"  # this computer's: more senders bring no more
    SENDERS = "senders"  # their lines, or what they let through


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What holds downloads up, with the evidence: rates in bytes per second; 0.0 for unknown."""

    slowest: Slowest
    rate: float  # at which chunks arrive
    senders: tuple[str, ...]  # names of the computers that send, "" for one without
    limit: int = 0
    disk_rate: float = 0.0  # what the disk could take
    fewer: int = 0  # LINK: this many senders brought `fewer_rate` before
    fewer_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class WatchedPeer:
    """A connected peer, and what it has of the watched file."""

    address: Address
    computer: str  # name, from the wire
    has: int | None  # bitmap of chunks; None: not known
    rate: float  # bytes per second, of all that it sends
    coming: int  # bitmap of the chunks that it is sending or will send next
    is_sending: bool  # something, to this program
    position: int = 0  # ours in its queue
    damaged: int = 0  # chunks of the file that came wrong from it
    damaged_again_s: float = 0.0  # until it is asked again for one of those


ALL_HERE, NOT_KNOWN = 255, 255  # in FolderPieces


@dataclass(frozen=True, slots=True)
class FolderPieces:
    """All files of a folder, one after another by path, in parts of equal size."""

    have: bytes  # of each part: from 0, nothing, to ALL_HERE
    coming: int  # bitmap of the parts of which something is on its way
    holders: bytes  # of each part: how many connected peers have it, or NOT_KNOWN
    chunks_here: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What Leecher.watch() asked for; posted at most four times per second."""

    download: str  # DownloadChanged.name
    path: str  # of the file, from the wire
    content: Content | None  # None: no chunk of this file is on its way
    have: int  # bitmaps of chunks
    coming: int
    peers: tuple[WatchedPeer, ...]
    bottleneck: Bottleneck | None  # of all downloads; None: nothing moves
    folder: FolderPieces | None = None  # instead of `content`, if a folder is watched
