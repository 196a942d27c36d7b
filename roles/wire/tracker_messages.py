"""The messages of LMK/2 between a tracker and everyone over UDP, in both directions.

Only what they mean; tracker_wire has their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from roles.values.addresses import Address
from roles.values.participants import Status


class Code(StrEnum):
    """Why a request was refused. An answer may hold others: later trackers have more."""

    COOKIE = "cookie"  # ask again with the cookie of this answer
    UNKNOWN = "unknown"  # register first
    FULL = "full"  # no room for one more
    REFUSED = "refused"  # this cannot be registered or listed at all
    WHOLE = "whole"  # the tracker lacks what this list builds on: tell the whole list
    SHARE = "share"  # another program tells a share with this id: make a new id
    BUSY = "busy"  # ask again later


@dataclass(frozen=True, slots=True)
class Register:
    """Peer to tracker: I take connections on this address, and take part in these shares."""

    id: str  # 16 hexadecimal digits, repeated in the answer
    advertised: Address
    peer: str  # 16 hexadecimal digits, others at each start of the program
    name: str  # of its computer
    is_leecher: bool
    everywhere: bool = False  # it listens on every interface, whatever host it names
    shares: tuple[str, ...] = ()
    cookie: str = ""  # what the tracker gave; "" at first


@dataclass(frozen=True, slots=True)
class Ping:
    """Peer to tracker: I am still here, and this is what I do."""

    id: str
    advertised: Address
    peer: str
    status: Status
    leaving: bool = False  # it stops now
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class TellFiles:
    """Seeder to tracker: this is my list for LMK/1 readers."""

    id: str
    files: Mapping[str, int]
    peer: str
    port: int  # on which it takes connections
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class AskVersion:
    """Leecher to tracker: is there another list than the one of this version?"""

    id: str
    version: str = ""  # "" when it has none
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class AskHolders:
    """Leecher to tracker: who has files of these shares?"""

    id: str
    shares: tuple[str, ...]
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class FindTracker:
    """Anyone to everyone: who is a tracker?"""

    id: str


Request: TypeAlias = Register | Ping | TellFiles | AskVersion | AskHolders | FindTracker


@dataclass(frozen=True, slots=True)
class Done:
    """Tracker to peer: so be it."""

    id: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """Tracker to peer: you are on my list."""

    id: str
    is_reachable: bool | None  # whether the tracker could connect; None: not known yet


@dataclass(frozen=True, slots=True)
class ListVersion:
    """Tracker to leecher: the list that I have now."""

    id: str
    version: str
    name: str  # of the tracker's computer


@dataclass(frozen=True, slots=True)
class Holder:
    """One who may have files of the shares that were asked for."""

    address: Address  # host "": the machine of the tracker, as the reader reaches it
    is_leecher: bool = False  # it may have parts only
    is_unreachable: bool = False  # nobody can connect to it
    is_original: bool = False  # it speaks LMK/1 only
    asked: tuple[int, ...] = ()  # of which shares, as indexes of those asked for

    def address_at(self, tracker_host: str) -> Address:
        """Where a reader that reaches the tracker at this host connects."""
        return Address(self.address.host or tracker_host, self.address.port)


@dataclass(frozen=True, slots=True)
class Holders:
    """Tracker to leecher: some of those who may have files of these shares, others each time."""

    id: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Tracker to anyone: here is one."""

    id: str
    name: str  # of its computer
    port: int
    room: str = ""  # as its versions of the list begin: another one at each start


@dataclass(frozen=True, slots=True)
class Refused:
    """Tracker to anyone: no, and why."""

    id: str
    code: str  # one of Code, or a later tracker's
    text: str = ""
    cookie: str = ""  # with Code.COOKIE: what to repeat from now on


Answer: TypeAlias = Done | Pinged | ListVersion | Holders | Found | Refused
