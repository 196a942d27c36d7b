"""The participants of a tracker's room, with the status that each reports.

These values go from the ping on the wire to the row of a table. Their texts come from strangers.
"""

from __future__ import annotations

from dataclasses import dataclass

from roles.values.addresses import Address


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

    state: str = ""  # a seeder sends the value of a SeederState
    shares: tuple[str, ...] = ()  # ids of the shares that it uploads or downloads
    up: int = 0  # bytes per second
    down: int = 0  # bytes per second
    reason: str = ""  # why nothing moves, if so
    transfers: tuple[TransferStatus, ...] = ()  # a ping has room for the first few


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
