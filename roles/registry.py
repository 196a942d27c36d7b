"""Who offers what in the room, right now: the tracker's table.

Each seeder has a list of its own. What LMK/1 readers are told is one group in which every seeder
holds every file, because an original leecher asks every listed seeder for every listed file. Pure
state: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from roles.addresses import LOOPBACK, Address, is_unicast
from roles.errors import PeerProtocolError
from roles.events import ListedFile, ListedSeeder, SeederState
from roles.lmk1_tracker_wire import Extras, encode_file_list
from roles.registry_entry import Entry, Origin, Reader, restored

MAX_SEEDERS = 12_000
MAX_FILES = 400_000  # on all lists together: what strangers send must not take all memory
MAX_SEEDERS_PER_HOST = 8  # lab machines with several users; this machine is exempt
MAX_LISTED_SEEDERS = 5  # an original leecher occupies every seeder that it is told of

# Source IP and named address: nobody can speak for another machine's seeder.
_Key = tuple[str, Address]
_NOBODY: _Key = ("", Address("", 0))


class Registry:
    """The table. Every method that needs the time takes `now` in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._entries: dict[_Key, Entry] = {}
        self._latest_from: dict[str, _Key] = {}  # whose list an upload without a port is
        self._turn = 0
        # What files_for_originals() found for readers here and elsewhere, until a list changes.
        self._groups: dict[bool, dict[str, int]] = {}

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
        self._latest_from.pop(origin.ip, None)  # when this seeder is refused, so is its list
        is_new = self._register(Entry.of(named, origin, extras, named_is_here, now))
        self._latest_from[origin.ip] = (origin.ip, named)
        return is_new

    def upload(self, files: Mapping[str, int], origin: Origin, extras: Extras | None) -> bool:
        """Replace the list of the seeder that it belongs to.

        False when no seeder of that machine is registered. Raises PeerProtocolError when the table
        is full.
        """
        entry = self._owner_of_list(origin, None if extras is None else extras.port)
        if entry is None:
            return False
        others = sum(len(one.files) for one in self._entries.values()) - len(entry.files)
        if others + len(files) > MAX_FILES:
            raise PeerProtocolError(f"there are {others} files on the lists already")
        entry.take_list(files)
        self._groups.clear()
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
                self._register(Entry.of(named, origin, None, named_is_here, now))
            return extras is None
        entry.last_ping = now
        if extras is not None:
            entry.state = None if extras.state is None else SeederState(extras.state)
            if extras.leaving:
                self._forget([(origin.ip, named)])
        return True

    def expire(self, *, now: float) -> bool:
        """Forget who has been silent for too long; True when somebody was."""
        silent = [
            key for key, entry in self._entries.items() if now - entry.last_ping > entry.lifetime_s
        ]
        self._forget(silent)
        return bool(silent)

    def files_for_originals(self, *, is_here: bool) -> dict[str, int]:
        """The files of the group that LMK/1 readers are told of; fits one answer.

        `is_here`: the readers on the tracker's own machine.
        """
        if is_here not in self._groups:
            listed = sorted(self._fullest_list(is_here=is_here))
            _, fitting = encode_file_list(listed)
            self._groups[is_here] = dict(listed[:fitting])
        return self._groups[is_here]

    def seeders_for_originals(self, reader: Reader) -> list[Address]:
        """At most MAX_LISTED_SEEDERS seeders that hold all of those files, others at each call."""
        files = self.files_for_originals(is_here=reader.is_here).items()
        addresses = [
            address
            for entry in self._entries.values()
            if files
            and files <= entry.files.items()
            and (address := entry.address_for(reader)) is not None
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
                address=entry.address_for(here) or entry.named,
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
        return [entry.saved() for entry in self._entries.values()]

    def restore(self, saved: object, *, now: float) -> int:
        """Take up what saved() gave to an earlier run; what cannot be read is left out.

        Returns how many came back.
        """
        for item in saved if isinstance(saved, list) else []:
            entry = restored(item, now)
            if entry is not None and len(self._entries) < MAX_SEEDERS:
                key = (entry.origin.ip, entry.named)
                self._entries[key] = entry
                self._latest_from[entry.origin.ip] = key
        self._groups.clear()
        return len(self._entries)

    def _register(self, entry: Entry) -> bool:
        """A seeder that was known already keeps its list and counts as the newest."""
        self._check_source(entry.named, entry.origin)
        key = (entry.origin.ip, entry.named)
        known = self._entries.pop(key, None)
        if known is None:
            self._check_room(entry.origin)
        else:
            entry.files = known.files
        self._entries[key] = entry
        return known is None

    def _owner_of_list(self, origin: Origin, port: int | None) -> Entry | None:
        """The newest seeder of that machine, or the newest of ours there with that port.

        An older entry with it is of a program that ended without a word.
        """
        latest = self._entries.get(self._latest_from.get(origin.ip, _NOBODY))
        if port is None or (latest is not None and latest.named.port == port):
            return latest
        for (ip, named), entry in reversed(self._entries.items()):
            if ip == origin.ip and named.port == port and not entry.is_original:
                return entry
        return None

    def _forget(self, keys: Iterable[_Key]) -> None:
        for key in keys:
            del self._entries[key]
            if self._latest_from.get(key[0]) == key:
                del self._latest_from[key[0]]
            self._groups.clear()

    def _fullest_list(self, *, is_here: bool) -> frozenset[tuple[str, int]]:
        """The list with most files; of several, the one that most seeders have.

        Only seeders that these readers can reach count.
        """
        reachable = [
            entry.files for entry in self._entries.values() if is_here or not entry.is_here_only
        ]
        most = max(map(len, reachable), default=0)
        seeders = Counter(frozenset(files.items()) for files in reachable if len(files) == most)
        return max(seeders, key=seeders.__getitem__, default=frozenset())

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
