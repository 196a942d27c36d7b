"""One seeder in the tracker's table: what it said, where it is reached, how a file keeps it.

Pure values: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from roles.lmk1.tracker_wire import Extras
from roles.room.places import Key
from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    Address,
    ip_of,
    is_host,
    is_loopback,
    is_unicast,
    service_at,
)
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedSeeder, RoomMember, SeederState
from roles.values.safe_names import UnsafeNameError, safe_name
from roles.wire.fields import is_port
from roles.wire.tracker_messages import Ping, Register

ORIGINAL_LIFETIME_S = 600.0  # as at an original tracker, which is pinged every 120 s
LIFETIME_S = 50.0  # three pings of ours lost
# An original pings every 120 s. A flood of forged registrations fills the table in seconds, and
# none of them is heard again by then.
STAYED_S = 60.0
MAX_RESTORED_FILES = 1_000  # of one seeder in a state file; a datagram holds a third of that
STATES = {state.value: state for state in SeederState}


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


@dataclass(slots=True)
class Member:
    """What a program that speaks LMK/2 says of itself. Changed by the registry only."""

    instance: str  # others at each start of that program
    name: str  # of its computer
    is_leecher: bool
    shares: tuple[str, ...]  # in which it takes part
    ping: Ping | None = None  # the latest
    is_reachable: bool | None = None  # None: not known yet

    @classmethod
    def of(cls, request: Register) -> Member:
        """One that registers now."""
        return cls(request.peer, request.name, request.is_leecher, request.shares)


@dataclass(slots=True)
class Entry:
    """A seeder, or a leecher of ours, in the tracker's table, changed by the registry only."""

    origin: Origin
    named: Address  # what it calls itself: only a key, never an address that others get unproved
    named_is_here: bool  # one of the tracker's own addresses
    everywhere: bool  # it listens on every interface
    is_original: bool
    last_ping: float
    state: SeederState | None = None
    files: dict[str, int] = field(default_factory=dict)  # what LMK/1 readers are told
    member: Member | None = None  # None: it does not speak LMK/2
    since: float = field(default=0.0)  # when it registered
    is_hidden: bool = False  # LMK/1, and a program of LMK/2 is registered at its place
    is_here_only: bool = field(init=False)  # only programs on the tracker's machine reach it

    def __post_init__(self) -> None:
        is_for_loopback = is_loopback(self.named.host) and not self.everywhere
        self.is_here_only = self.origin.is_here and is_for_loopback

    @classmethod
    def of(
        cls, named: Address, origin: Origin, extras: Extras | None, named_is_here: bool, now: float
    ) -> Entry:
        """A seeder that registers now, without a list."""
        everywhere = named.host == EVERY_INTERFACE or (extras is not None and extras.everywhere)
        return cls(
            origin, named, named_is_here, everywhere, extras is None, last_ping=now, since=now
        )

    @property
    def key(self) -> Key:
        """Its name in the table."""
        if self.member is None:
            return Key.lmk1(self.origin.ip, self.named)
        return Key(self.origin.ip, self.named.port, self.member.instance)

    @property
    def has_stayed(self) -> bool:
        """Whether it proved its address, or has come again long after it registered by LMK/1.

        The second is no proof, but more than a flood of forged sources does.
        """
        return self.member is not None or self.last_ping - self.since >= STAYED_S

    def check_source(self) -> None:
        """Raise PeerProtocolError when nobody should be sent there."""
        if not is_unicast(self.origin.ip):
            raise PeerProtocolError(f"nobody can be reached at {self.origin.ip}")
        service = service_at(self.named.port)
        if service:
            raise PeerProtocolError(f"port {self.named.port} belongs to {service}")

    @property
    def lmk1_share(self) -> str:
        """The id under which LMK/2 readers find the list of an LMK/1 program."""
        return lmk1_share_of((self.origin.ip, self.named.port))

    @property
    def shares(self) -> tuple[str, ...]:
        """In which it takes part, as LMK/2 readers know them."""
        if self.member is not None:
            return self.member.shares
        return (self.lmk1_share,) if self.files else ()

    @property
    def is_leecher(self) -> bool:
        """Whether it is no seeder."""
        return self.member is not None and self.member.is_leecher

    @property
    def lifetime_s(self) -> float:
        """How long it may be silent."""
        return ORIGINAL_LIFETIME_S if self.is_original else LIFETIME_S

    def address_for(self, reader: Reader) -> Address | None:
        """Where this reader reaches the seeder; None when it cannot.

        Another machine's seeder is reached at the source of its packets, whatever it calls itself.
        One on the tracker's own machine may listen on loopback only, and that helps nobody
        elsewhere.
        """
        if not self.origin.is_here:
            return Address(self.origin.ip, self.named.port)
        if self.is_here_only:
            return self.named if reader.is_here else None
        if self.named_is_here and not self.everywhere:
            return self.named
        return Address(reader.tracker_host, self.named.port)

    def take_list(self, files: Mapping[str, int]) -> None:
        """Replace its list, but for names that nobody should store."""
        self.files = {name: size for name, size in files.items() if _is_storable(name)}

    def as_seeder(self, files: int) -> ListedSeeder:
        """For the window: a seeder with so many files."""
        return ListedSeeder(
            address=self._shown_address,
            is_original=self.is_original,
            state=self.state,
            files=files,
            last_ping=self.last_ping,
        )

    def as_member(self, member: Member) -> RoomMember:
        """For the window: what it does, as its last ping said."""
        ping = member.ping
        return RoomMember(
            name=member.name,
            address=self._shown_address,
            is_leecher=member.is_leecher,
            state="" if ping is None else ping.state,
            up=0 if ping is None else ping.up,
            down=0 if ping is None else ping.down,
            reason="" if ping is None else ping.reason,
            transfers=() if ping is None else ping.transfers,
            is_reachable=member.is_reachable,
            last_ping=self.last_ping,
        )

    @property
    def _shown_address(self) -> Address:
        return self.address_for(Reader(is_here=True, tracker_host=LOOPBACK)) or self.named

    def saved(self) -> dict[str, object]:
        """What a state file keeps of an LMK/1 program: no times."""
        return {
            "source": self.origin.ip,
            "is_here": self.origin.is_here,
            "named": list(self.named),
            "named_is_here": self.named_is_here,
            "everywhere": self.everywhere,
            "original": self.is_original,
            "stayed": True,
            "files": self.files,
        }


def lmk1_share_of(place: tuple[str, int]) -> str:
    """The id under which LMK/2 readers find the list of LMK/1 programs at this place."""
    host, port = place
    ip = ip_of(host)
    return f"lmk1{0 if ip is None else int(ip):08x}{port:04x}"


def restored(item: object, now: float) -> Entry | None:
    """What saved() gave to an earlier run, None when it cannot be read.

    Its files pass the checks of an upload, for the file may be anybody's. Version 1.1 saved every
    LMK/1 program, also those that had not stayed, and did not say which.
    """
    match item:
        case {
            "source": str(ip),
            "is_here": bool(is_here),
            "named": [str(host), int(port)],
            "named_is_here": bool(named_is_here),
            "everywhere": bool(everywhere),
            "original": bool(is_original),
            "files": dict(files),
            **others,
        } if is_unicast(ip) and is_host(host) and is_port(port) and not service_at(port):
            pass
        case _:
            return None
    sizes = {
        name: size
        for name, size in islice(files.items(), MAX_RESTORED_FILES)
        if isinstance(name, str) and type(size) is int and 0 <= size <= MAX_FILE_SIZE
        if _is_storable(name)
    }
    return Entry(
        origin=Origin(ip, is_here),
        named=Address(host, port),
        named_is_here=named_is_here,
        everywhere=everywhere,
        is_original=is_original,
        last_ping=now,
        files=sizes,
        since=now - 2 * STAYED_S if others.get("stayed") is True else now,
    )


def _is_storable(name: str) -> bool:
    """Whether it may be passed on: an original leecher writes whatever name it is told."""
    try:
        safe_name(name, windows=False)
    except UnsafeNameError:
        return False
    return True
