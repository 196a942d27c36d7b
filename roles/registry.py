"""Who offers what in the room, right now: the tracker's table. Pure state, the caller brings clock
and addresses.

Each seeder has a list of its own. What LMK/1 readers are told is one group in which every seeder
holds every file, because an original leecher asks every listed seeder for every listed file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from roles.addresses import LOOPBACK, Address, is_loopback, is_unicast
from roles.errors import PeerProtocolError
from roles.events import ListedFile, ListedSeeder, SeederState
from roles.lmk1_tracker_wire import Extras, encode_file_list
from roles.safe_names import UnsafeNameError, safe_name

ORIGINAL_LIFETIME_S = 600.0  # as at an original tracker, which is pinged every 120 s
LIFETIME_S = 50.0  # three pings of ours lost
MAX_SEEDERS = 12_000
MAX_SEEDERS_PER_HOST = 8  # lab machines with several users; this machine is exempt
MAX_LISTED_SEEDERS = 5  # an original leecher occupies every seeder that it is told of


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
class _Entry:
    origin: Origin
    # what the seeder calls itself; only a key, never an address that others get unproved
    named: Address
    named_is_here: bool
    everywhere: bool
    is_original: bool
    last_ping: float
    state: SeederState | None = None
    files: dict[str, int] = field(default_factory=dict)

    @property
    def lifetime_s(self) -> float:
        return ORIGINAL_LIFETIME_S if self.is_original else LIFETIME_S


_Key = tuple[
    str, Address
]  # source IP, named address: nobody can speak for another machine's seeder


class Registry:
    """The table. Every method that needs the time takes `now` in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._entries: dict[_Key, _Entry] = {}
        self._latest_from: dict[str, _Key] = {}  # whose list an upload without a port is
        self._turn = 0
        self._group: dict[str, int] | None = (
            None  # what files_for_originals() found, until a list changes
        )

    def add(
        self,
        named: Address,
        origin: Origin,
        extras: Extras | None,
        *,
        named_is_here: bool,
        now: float,
    ) -> bool:
        """Register a seeder; False when it was registered already.

        Raises PeerProtocolError when the table is full.
        """
        self._check_source(named, origin)
        key = (origin.ip, named)
        self._latest_from[origin.ip] = key
        known = self._entries.get(key)
        if known is not None:
            known.last_ping, known.is_original = now, extras is None
            return False
        self._check_room(origin)
        self._entries[key] = _Entry(
            origin=origin,
            named=named,
            named_is_here=named_is_here,
            everywhere=named.host == "0.0.0.0" or (extras is not None and extras.everywhere),
            is_original=extras is None,
            last_ping=now,
        )
        return True

    def upload(self, files: Mapping[str, int], origin: Origin, extras: Extras | None) -> bool:
        """Replace the list of the seeder that it belongs to.

        False when no seeder of that machine is registered.
        """
        key = self._latest_from.get(origin.ip)
        if extras is not None and extras.port is not None:
            named_port = (
                k for k in self._entries if k[0] == origin.ip and k[1].port == extras.port
            )
            key = next(named_port, None)
        entry = None if key is None else self._entries.get(key)
        if entry is None:
            return False
        entry.files = {name: size for name, size in files.items() if _is_storable(name)}
        self._group = None
        return True

    def ping(
        self,
        named: Address,
        origin: Origin,
        extras: Extras | None,
        *,
        named_is_here: bool,
        now: float,
    ) -> bool:
        """Note that a seeder lives.

        An unknown original is registered, for it never would do so again itself.
        """
        entry = self._entries.get((origin.ip, named))
        if entry is None:
            if extras is None:
                self.add(named, origin, None, named_is_here=named_is_here, now=now)
            return extras is None
        entry.last_ping = now
        if extras is not None:
            entry.state = None if extras.state is None else SeederState(extras.state)
            if extras.leaving:
                del self._entries[origin.ip, named]
                self._group = None
        return True

    def expire(self, *, now: float) -> bool:
        """Forget who has been silent for too long; True when somebody was."""
        silent = [
            key for key, entry in self._entries.items() if now - entry.last_ping > entry.lifetime_s
        ]
        for key in silent:
            del self._entries[key]
        if silent:
            self._group = None
            self._latest_from = {
                ip: key for ip, key in self._latest_from.items() if key in self._entries
            }
        return bool(silent)

    def files_for_originals(self) -> dict[str, int]:
        """The files of the group that LMK/1 readers are told of; fits one answer."""
        if self._group is None:
            fullest = max(
                self._groups(), key=lambda group: (len(group[0]), group[1]), default=({}, 0)
            )[0]
            listed = sorted(fullest.items())
            _, fitting = encode_file_list(listed)
            self._group = dict(listed[:fitting])
        return self._group

    def seeders_for_originals(self, reader: Reader) -> list[Address]:
        """At most MAX_LISTED_SEEDERS seeders that hold all of those files, another turn of them at
        each call.
        """
        files = self.files_for_originals().items()
        addresses = [
            address
            for entry in self._entries.values()
            if files
            and files <= entry.files.items()
            and (address := _address_for(reader, entry)) is not None
        ]
        addresses = list(dict.fromkeys(addresses))
        self._turn += 1
        start = self._turn % len(addresses) if len(addresses) > MAX_LISTED_SEEDERS else 0
        return (addresses[start:] + addresses[:start])[:MAX_LISTED_SEEDERS]

    def seeders(self) -> tuple[ListedSeeder, ...]:
        """Everyone, for the window."""
        here = Reader(is_here=True, tracker_host=LOOPBACK)
        return tuple(
            ListedSeeder(
                address=_address_for(here, entry) or entry.named,
                is_original=entry.is_original,
                state=entry.state,
                files=len(entry.files),
                last_ping=entry.last_ping,
            )
            for entry in self._entries.values()
        )

    def files(self) -> tuple[ListedFile, ...]:
        """Every content that anyone offers, for the window."""
        contents = {content for entry in self._entries.values() for content in entry.files.items()}
        return tuple(ListedFile(name, size) for name, size in sorted(contents))

    def saved(self) -> list[dict[str, object]]:
        """What a state file keeps: the seeders and their lists, no times."""
        return [
            {
                "source": entry.origin.ip,
                "is_here": entry.origin.is_here,
                "named": list(entry.named),
                "named_is_here": entry.named_is_here,
                "everywhere": entry.everywhere,
                "original": entry.is_original,
                "files": entry.files,
            }
            for entry in self._entries.values()
        ]

    def restore(self, saved: object, *, now: float) -> int:
        """Take up what saved() gave to an earlier run; what cannot be read is left out.

        Returns how many came back.
        """
        for item in saved if isinstance(saved, list) else []:
            entry = _restored(item, now)
            if entry is not None and len(self._entries) < MAX_SEEDERS:
                key = (entry.origin.ip, entry.named)
                self._entries[key] = entry
                self._latest_from[entry.origin.ip] = key
        self._group = None
        return len(self._entries)

    def _groups(self) -> Iterable[tuple[dict[str, int], int]]:
        """For each different list: how many seeders hold all of it."""
        lists = {
            frozenset(entry.files.items()): entry.files
            for entry in self._entries.values()
            if entry.files
        }
        for content, files in lists.items():
            yield (
                files,
                sum(1 for entry in self._entries.values() if content <= entry.files.items()),
            )

    def _check_room(self, origin: Origin) -> None:
        if len(self._entries) >= MAX_SEEDERS:
            raise PeerProtocolError(f"there are {MAX_SEEDERS} seeders already")
        from_there = sum(1 for ip, _ in self._entries if ip == origin.ip)
        if from_there >= MAX_SEEDERS_PER_HOST and not origin.is_here:
            raise PeerProtocolError(f"{origin.ip} registered {from_there} seeders already")

    @staticmethod
    def _check_source(named: Address, origin: Origin) -> None:
        if not is_unicast(origin.ip):
            raise PeerProtocolError(f"nobody can be reached at {origin.ip}")
        if named.port < 1024 and not origin.is_here:
            raise PeerProtocolError(f"port {named.port} belongs to another service")


def _is_storable(name: str) -> bool:
    """An original leecher writes whatever name it is told, so no name that leaves its folder may be
    passed on.
    """
    try:
        safe_name(name, windows=False)
    except UnsafeNameError:
        return False
    return True


def _address_for(reader: Reader, entry: _Entry) -> Address | None:
    """Where this reader reaches the seeder; None when it cannot.

    Another machine's seeder is reached at the source of its packets, whatever it calls itself. One
    on the tracker's own machine may listen on loopback only, and that helps nobody elsewhere.
    """
    if not entry.origin.is_here:
        return Address(entry.origin.ip, entry.named.port)
    if is_loopback(entry.named.host) and not entry.everywhere:
        return entry.named if reader.is_here else None
    if entry.named_is_here and not is_loopback(entry.named.host) and not entry.everywhere:
        return entry.named
    return Address(reader.tracker_host, entry.named.port)


def _restored(item: object, now: float) -> _Entry | None:
    """One entry of a state file.

    Its files pass the checks of an upload, for the file may be anybody's.
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
        } if is_unicast(ip) and 0 < port <= 65535:
            pass
        case _:
            return None
    sizes = {
        name: size
        for name, size in files.items()
        if isinstance(name, str) and type(size) is int and size >= 0 and _is_storable(name)
    }
    return _Entry(
        origin=Origin(ip, is_here),
        named=Address(host, port),
        named_is_here=named_is_here,
        everywhere=everywhere,
        is_original=is_original,
        last_ping=now,
        files=sizes,
    )
