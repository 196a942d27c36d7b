"""One program in the tracker's table: its key, what it said, and where others reach it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

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

# Versions before 1.3 ping every 15 s.
LIFETIME_S = 50.0  # three of their pings lost
QUIET_S = 18.0  # without a ping: the program has probably ended


class Key(NamedTuple):
    """Identifies one entry, so that no program can change the entry of another.

    The source address keeps other machines out; the peer id keeps out LMK/1, which has none, and
    other programs on the same machine.
    """

    ip: str  # the source of its datagrams
    port: int  # where it accepts connections
    peer: str = ""  # "" for LMK/1
    host: str = ""  # of LMK/1 programs only: the address that they advertise

    @property
    def is_proved(self) -> bool:
        """Whether it speaks LMK/2, and so proved its address."""
        return bool(self.peer)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Only one program at a time can listen there."""
        return self.ip, self.port

    def is_like(self, other: Key) -> bool:
        """Whether both may be one program: the same run, or restarted at the same endpoint."""
        return self.peer == other.peer or self.endpoint == other.endpoint


class Endpoints:
    """Keys by host and by endpoint."""

    def __init__(self) -> None:
        self._ports: dict[str, dict[int, dict[Key, None]]] = {}  # by source IP; newest last

    def enter(self, key: Key) -> None:
        self._ports.setdefault(key.ip, {}).setdefault(key.port, {})[key] = None

    def leave(self, key: Key) -> None:
        ports = self._ports[key.ip]
        del ports[key.port][key]
        if not ports[key.port]:
            del ports[key.port]
        if not ports:
            del self._ports[key.ip]

    def at(self, endpoint: tuple[str, int]) -> list[Key]:
        """The keys there, the oldest first."""
        ip, port = endpoint
        return list(self._ports.get(ip, {}).get(port, ()))

    def by_port(self, ip: str) -> Collection[Collection[Key]]:
        """The keys at each port of this address."""
        return self._ports.get(ip, {}).values()

    def keys_of(self, ip: str) -> int:
        return sum(map(len, self._ports.get(ip, {}).values()))


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a request, as the tracker's socket sees it."""

    ip: str
    is_here: bool  # one of the tracker's own addresses
    advertises_own: bool = False  # so is the address that the request advertises


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that asks for addresses."""

    is_here: bool
    tracker_host: str  # the tracker's own address towards this reader


_HERE = Reader(is_here=True, tracker_host=LOOPBACK)


@dataclass(slots=True)
class Entry:
    """A program that readers may be sent to."""

    origin: Origin
    advertised: Address  # passed on only where it is proved: see address_for()
    everywhere: bool  # whether it listens on every interface
    last_ping: float
    is_leecher: bool = False
    status: Status = field(default_factory=Status)  # of its last ping; at first only its shares
    files: dict[str, int] = field(default_factory=dict)  # sizes by name, for LMK/1 readers
    is_here_only: bool = field(init=False)  # only programs on the tracker's machine can reach it

    def __post_init__(self) -> None:
        is_for_loopback = is_loopback(self.advertised.host) and not self.everywhere
        self.is_here_only = self.origin.is_here and is_for_loopback

    @property
    def has_stayed(self) -> bool:
        """Whether it proved its address, or, in LMK/1, pinged for a while."""
        return True

    def check_source(self) -> None:
        """Raises PeerProtocolError when nobody should be sent there."""
        if not is_unicast(self.origin.ip):
            raise PeerProtocolError(f"nobody can be reached at {self.origin.ip}")
        service = service_at(self.advertised.port)
        if service:
            raise PeerProtocolError(f"port {self.advertised.port} belongs to {service}")

    def address_for(self, reader: Reader) -> Address | None:
        """The address at which this reader can reach the program; None when it cannot.

        A program on another machine is reached at the source of its datagrams, whatever it
        advertises. One on the tracker's machine may listen on loopback, where nobody else can reach
        it.
        """
        if not self.origin.is_here:
            return Address(self.origin.ip, self.advertised.port)
        if self.is_here_only:
            return self.advertised if reader.is_here else None
        if self.origin.advertises_own and not self.everywhere:
            return self.advertised
        return Address(reader.tracker_host, self.advertised.port)

    def take_list(self, files: Mapping[str, int]) -> None:
        """Replace its list, without the names that nobody should store."""
        self.files = {name: size for name, size in files.items() if is_passed_on(name)}

    @property
    def shown_address(self) -> Address:
        """The address shown to users of the tracker."""
        return self.address_for(_HERE) or self.advertised


@dataclass(slots=True, kw_only=True)
class Program(Entry):
    """A seeder or leecher that speaks LMK/2. Only the registry changes it."""

    peer: str  # a new id at each start
    name: str  # of its computer
    is_reachable: bool | None = None  # from outside; None: not known yet
    has_answered: bool = False  # a probe of the tracker at its address and port

    @property
    def key(self) -> Key:
        return Key(self.origin.ip, self.advertised.port, self.peer)

    @property
    def shares(self) -> tuple[str, ...]:
        return self.status.shares

    @property
    def is_idle(self) -> bool:
        """Whether it has asked for nothing, such as an open window."""
        return self.is_leecher and not self.shares

    def participant(self, files: int) -> Participant:
        """What users of the tracker see; `files`: how many it offers."""
        return Participant(
            address=self.shown_address,
            last_ping=self.last_ping,
            is_leecher=self.is_leecher,
            name=self.name,
            status=replace(self.status, machine=_machine(self.origin, self.status.machine)),
            files=files,
            is_reachable=self.is_reachable,
        )


def _machine(origin: Origin, said: str) -> str:
    """Profiles on a share and cloned disks give many computers one id: only together with its
    address it stands for one.
    """
    seen_at = "" if origin.is_here else origin.ip
    return sha256(f"{seen_at} {said}".encode()).hexdigest()[:16] if said else ""


def is_passed_on(name: str) -> bool:
    """Whether readers get this name: an original leecher writes to whatever name it gets."""
    try:
        safe_name(name, windows=False)
    except UnsafeNameError:
        return False
    return True
