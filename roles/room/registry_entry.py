"""One program in the tracker's table: what it said, and where it is reached.

Pure values: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from roles.room.places import Key
from roles.values.addresses import (
    LOOPBACK,
    Address,
    is_loopback,
    is_unicast,
    service_at,
)
from roles.values.errors import PeerProtocolError
from roles.values.participants import Participant, Status
from roles.values.safe_names import UnsafeNameError, safe_name

LIFETIME_S = 50.0  # three pings of ours lost
QUIET_S = 18.0  # without a ping, which comes every 15 s: the program there has probably ended


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the tracker's sockets see it."""

    ip: str
    is_here: bool  # one of the tracker's own addresses


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks for a list, and how the tracker's machine is reached from there."""

    is_here: bool
    tracker_host: str  # the tracker's own address towards this reader


_HERE = Reader(is_here=True, tracker_host=LOOPBACK)


@dataclass(slots=True)
class Entry:
    """Somebody whom readers may be sent to."""

    origin: Origin
    advertised: Address  # what it calls itself: others get it only where it is proved
    advertised_is_here: bool  # one of the tracker's own addresses
    everywhere: bool  # it listens on every interface
    last_ping: float
    is_leecher: bool = False
    status: Status = field(default_factory=Status)  # as its last ping said; at first its shares
    files: dict[str, int] = field(default_factory=dict)  # what LMK/1 readers are told
    is_here_only: bool = field(init=False)  # only programs on the tracker's machine reach it

    def __post_init__(self) -> None:
        is_for_loopback = is_loopback(self.advertised.host) and not self.everywhere
        self.is_here_only = self.origin.is_here and is_for_loopback

    @property
    def has_stayed(self) -> bool:
        """Whether it proved its address, or did the most that it can instead."""
        return True

    def check_source(self) -> None:
        """Raise PeerProtocolError when nobody should be sent there."""
        if not is_unicast(self.origin.ip):
            raise PeerProtocolError(f"nobody can be reached at {self.origin.ip}")
        service = service_at(self.advertised.port)
        if service:
            raise PeerProtocolError(f"port {self.advertised.port} belongs to {service}")

    def address_for(self, reader: Reader) -> Address | None:
        """Where this reader reaches the seeder; None when it cannot.

        Another machine's seeder is reached at the source of its packets, whatever it calls itself.
        One on the tracker's own machine may listen on loopback only, and that helps nobody
        elsewhere.
        """
        if not self.origin.is_here:
            return Address(self.origin.ip, self.advertised.port)
        if self.is_here_only:
            return self.advertised if reader.is_here else None
        if self.advertised_is_here and not self.everywhere:
            return self.advertised
        return Address(reader.tracker_host, self.advertised.port)

    def take_list(self, files: Mapping[str, int]) -> None:
        """Replace its list, but for names that nobody should store."""
        self.files = {name: size for name, size in files.items() if is_passed_on(name)}

    @property
    def shown_address(self) -> Address:
        """For who watches the room."""
        return self.address_for(_HERE) or self.advertised


@dataclass(slots=True, kw_only=True)
class Program(Entry):
    """A seeder or leecher that speaks LMK/2, changed by the registry only."""

    peer: str  # its id, another one at each start
    name: str  # of its computer
    is_reachable: bool | None = None  # by others; None: not known yet
    has_answered: bool = False  # the tracker's probe, at the place where it says that it listens

    @property
    def key(self) -> Key:
        """Its name in the table."""
        return Key(self.origin.ip, self.advertised.port, self.peer)

    @property
    def shares(self) -> tuple[str, ...]:
        """In which it takes part."""
        return self.status.shares

    def participant(self, files: int) -> Participant:
        """For who watches the room; it offers so many files."""
        return Participant(
            address=self.shown_address,
            last_ping=self.last_ping,
            is_leecher=self.is_leecher,
            name=self.name,
            status=self.status,
            files=files,
            is_reachable=self.is_reachable,
        )


def is_passed_on(name: str) -> bool:
    """Whether readers are told of it: an original leecher writes whatever name it is told."""
    try:
        safe_name(name, windows=False)
    except UnsafeNameError:
        return False
    return True
