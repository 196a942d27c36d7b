"""The messages that LMK/2 exchanges with a tracker over UDP; tracker_wire encodes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from roles.values.addresses import Address
from roles.values.participants import Status


class Code(StrEnum):
    """Why a request was refused. Later trackers may send other codes."""

    COOKIE = "cookie"  # repeat the request with the cookie of this answer
    UNKNOWN = "unknown"  # register first
    FULL = "full"  # the tracker has no room
    REFUSED = "refused"  # this can never be registered or listed
    WHOLE = "whole"  # the tracker lacks the list's base: send the whole list
    SHARE = "share"  # another program owns this share id: choose a new one
    BUSY = "busy"  # try again later
    PRIVATE = "private"  # the room is private: its members talk over connections


@dataclass(frozen=True, slots=True)
class Register:
    """Peer to tracker: I accept connections at this address, and take part in these shares."""

    id: str  # 16 hexadecimal digits, repeated in the answer
    advertised: Address
    peer: str  # 16 hexadecimal digits, new at each start of the program
    name: str  # of its computer
    is_leecher: bool
    everywhere: bool = False  # it listens on every interface, whatever host it advertises
    shares: tuple[str, ...] = ()
    cookie: str = ""  # issued by the tracker; "" in a first request
    machine: str = ""  # as in Status


@dataclass(frozen=True, slots=True)
class Ping:
    """Peer to tracker: I am still here, and this is my status."""

    id: str
    advertised: Address
    peer: str
    status: Status
    leaving: bool = False  # the program is stopping
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class TellFiles:
    """Seeder to tracker: tell LMK/1 readers these files."""

    id: str
    files: Mapping[str, int]  # size in bytes of each name
    peer: str
    port: int  # where it accepts connections
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class AskVersion:
    """Leecher to tracker: is your list newer than this version?"""

    id: str
    version: str = ""  # "" if it has no list yet
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
    """Tracker to peer: done."""

    id: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """Tracker to peer: you are on my list."""

    id: str
    is_reachable: bool | None  # whether the tracker could connect to you; None: not known yet


@dataclass(frozen=True, slots=True)
class ListVersion:
    """Tracker to leecher: the version of my list."""

    id: str
    version: str
    name: str  # of the tracker's computer


@dataclass(frozen=True, slots=True)
class Holder:
    """A peer that may have files of the requested shares."""

    address: Address  # host "": the tracker's machine
    is_leecher: bool = False  # it may have only some chunks
    is_unreachable: bool = False  # nobody can connect to it
    is_original: bool = False  # it speaks LMK/1 only
    asked: tuple[int, ...] = ()  # its shares, as indexes into those of the request

    def address_at(self, tracker_host: str) -> Address:
        """Its address for a reader that reaches the tracker at `tracker_host`."""
        return Address(self.address.host or tracker_host, self.address.port)


@dataclass(frozen=True, slots=True)
class Holders:
    """Tracker to leecher: a different selection of holders each time."""

    id: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Tracker to anyone: I am a tracker."""

    id: str
    name: str  # of its computer
    port: int
    room: str = ""  # new at each start; its list versions begin with it
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Tracker to anyone: I refuse this request."""

    id: str
    code: str  # a Code, or one that a later version added
    text: str = ""
    cookie: str = ""  # with Code.COOKIE: send it with every request


Answer: TypeAlias = Done | Pinged | ListVersion | Holders | Found | Refused
