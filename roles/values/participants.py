"""The programs that take part in a tracker's room, with the status that each reports.

These values go from the ping on the wire to the row of a table. Their texts come from strangers.
`computers` joins the programs of one computer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from roles.values.addresses import Address


class ParticipantState(StrEnum):
    """What a program, or all programs of one computer, do in the room."""

    IDLE = "idle"  # open, and nothing was asked for
    DOWNLOADING = "downloading"
    WAITING = "waiting"  # a download cannot go on now; the reason says why
    DONE = "done"  # everything that was asked for is here and checked
    FAILED = "failed"
    CANCELLED = "cancelled"
    GIVING = "giving"  # it offers files and has asked for none


# The first of these that occurs among several is the state of them all.
PRECEDENCE = (
    ParticipantState.FAILED,
    ParticipantState.WAITING,
    ParticipantState.DOWNLOADING,
    ParticipantState.CANCELLED,
    ParticipantState.DONE,
    ParticipantState.GIVING,
    ParticipantState.IDLE,
)


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """One file or folder that a participant downloads."""

    title: str
    have: int  # bytes, of `size`
    size: int
    rate: float  # bytes per second
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a program reports in each ping."""

    state: str = ""  # a ParticipantState; other words from older versions
    shares: tuple[str, ...] = ()  # ids of the shares that it uploads or downloads
    up: int = 0  # bytes per second
    down: int = 0  # bytes per second
    reason: str = ""  # why nothing moves, or why it failed
    transfers: tuple[TransferStatus, ...] = ()  # a ping has room for the first few
    # 16 hexadecimal digits, the same for all programs of one computer; "" from older versions. A
    # Participant has the tracker's name for the computer, not the program's own.
    machine: str = ""
    have: int = 0  # bytes, of `size`: of everything that was asked for
    size: int = 0
    given: int = 0  # bytes uploaded since the program started
    seconds_left: int | None = None  # until everything is here; None: not known


@dataclass(frozen=True, slots=True)
class Participant:
    """One program of the room, as the tracker sees it."""

    address: Address
    last_ping: float  # time.monotonic() of the tracker
    is_leecher: bool = False
    is_original: bool = False  # speaks LMK/1 only
    name: str = ""  # of its computer; "" under LMK/1
    status: Status = Status()  # from its last ping
    files: int = 0  # that a seeder offers
    is_reachable: bool | None = None  # can others connect to it? None: not known yet
    has_left: bool = False  # it said that it stops; its status is the last one


def total_of(transfers: Sequence[TransferStatus]) -> tuple[int, int]:
    """Bytes of all transfers that are here, and their size."""
    have = sum(transfer.have for transfer in transfers)
    return have, sum(transfer.size for transfer in transfers)
