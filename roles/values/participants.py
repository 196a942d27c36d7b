"""Who takes part in a tracker's room, and what each says of itself.

The same values from the ping on the wire to the row of a table. Texts come from strangers.
"""

from __future__ import annotations

from dataclasses import dataclass

from roles.values.addresses import Address


@dataclass(frozen=True, slots=True)
class TransferStatus:
    """One file or folder that a participant fetches."""

    title: str
    have: int  # bytes, of `size`
    size: int
    rate: float  # bytes per second
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a program says of itself in each ping."""

    state: str = ""  # a seeder's is that of SeederState
    shares: tuple[str, ...] = ()  # ids of those that it takes part in
    up: int = 0  # bytes per second that it sends
    down: int = 0  # bytes per second that it receives
    reason: str = ""  # why it stands still, "" when it does not
    transfers: tuple[TransferStatus, ...] = ()  # only the first ones fit into a ping


@dataclass(frozen=True, slots=True)
class Participant:
    """One program of the room, as the tracker knows it."""

    address: Address
    last_ping: float  # time.monotonic() of the tracker
    is_leecher: bool = False
    is_original: bool = False  # it speaks plain LMK/1
    name: str = ""  # of its computer; "" for whoever speaks LMK/1
    status: Status = Status()  # as its last ping said
    files: int = 0  # how many a seeder offers
    is_reachable: bool | None = None  # whether others can connect to it; None: not known yet
