"""A tracker's table of LMK/1 seeders, and what it tells readers of either version about them.

LMK/1 does not prove source addresses. So these seeders have their own, smaller table, and are
hidden if they claim the address and port of an LMK/2 program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from roles.lmk1.readers_list import ReadersList
from roles.net.rate_limit import RateLimit
from roles.room.registry import EXPIRED_AT_ONCE, MAX_PER_HOST, Registry
from roles.room.registry_entry import (
    Endpoints,
    Entry,
    Key,
    Origin,
    Program,
    Reader,
    is_passed_on,
)
from roles.room.room_list import Owner, UnprovedList
from roles.values.addresses import (
    EVERY_INTERFACE,
    Address,
    ip_of,
    is_host,
    is_unicast,
    service_at,
)
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import FileLine, encode_line
from roles.values.participants import Participant
from roles.wire.fields import is_port

MAX_SEEDERS = 3_000  # few, because their addresses may be forged
MAX_NAMES = 8  # advertised hosts at one address and port
MAX_FILES = 100_000  # on all their lists
ORIGINAL_LIFETIME_S = 600.0  # as at an original tracker, where seeders ping every 120 s
# Originals ping every 120 s. A flood of forged registrations fills the table within seconds, and
# its sources do not ping later.
STAYED_S = 60.0
MAX_RESTORED_FILES = 1_000  # of one seeder in a state file; a datagram has room for a third
# How often the room's list takes these lists over, and how many files at a time. It is limited
# because forged lists may change all the time, and each step grows its log of changes.
STEPS = 4.0  # per second; twice as many in a burst
STEP_FILES = 2_000  # some 10 ms


@dataclass(slots=True, kw_only=True)
class SeederEntry(Entry):
    """A seeder that registered under LMK/1. Only the table changes it."""

    since: float  # when it registered
    is_hidden: bool = False  # an LMK/2 program has the same address and port

    @property
    def key(self) -> Key:
        return key_of(self.origin.ip, self.advertised)

    @property
    def has_stayed(self) -> bool:
        """Whether it pinged long after it registered, which a flood of forged sources does not."""
        return self.last_ping - self.since >= STAYED_S

    def saved(self) -> dict[str, object]:
        """What a state file keeps of it."""
        return {
            "source": self.origin.ip,
            "is_here": self.origin.is_here,
            "named": list(self.advertised),
            "named_is_here": self.origin.advertises_own,
            "files": self.files,
        }


class SeederTable:
    """Belongs to the registry of the same room."""

    def __init__(self, registry: Registry) -> None:
        registry.lmk1 = self
        self.changes = 0  # of what participants() yields
        self.changes_saved = 0  # of what saved() yields
        self._registry = registry
        self._room_list = registry.room_list
        self._seeders: dict[Key, SeederEntry] = {}
        self._fresh = dict[Key, None]()  # seeders that have not stayed yet, oldest first
        self._endpoints = Endpoints()
        self._latest: dict[str, Key] = {}  # by source IP: the seeder that registered last
        self._files = 0  # on all lists
        self._readers = ReadersList()
        self._steps = RateLimit(per_host=STEPS, whole=STEPS)
        self._unsettled: dict[str, tuple[str, int]] = {}  # shares to take over, and their endpoints

    # Requests

    def add(self, advertised: Address, origin: Origin, *, now: float) -> bool:
        """Register a seeder; False if it was registered already.

        Raises PeerProtocolError if the table is full.
        """
        self._latest.pop(origin.ip, None)  # if we refuse the seeder, we refuse its list, too
        seeder = _new_seeder(advertised, origin, now)
        is_new = seeder.key not in self._seeders
        self._register(seeder)
        self._latest[origin.ip] = seeder.key
        return is_new

    def upload(self, files: Mapping[str, int], origin: Origin) -> bool:
        """Replace the list of the seeder of that machine that registered last; False if there is
        none.

        Raises PeerProtocolError if the table is full.
        """
        key = self._latest.get(origin.ip)
        if key is None or not self._may_offer(origin):
            return False
        seeder = self._seeders[key]
        self._make_room_for_list(key, len(files) - len(seeder.files))
        before = len(seeder.files)
        seeder.take_list(files)
        self._files += len(seeder.files) - before
        self._note_changed(key, seeder)
        return True

    def ping(
        self, advertised: Address, origin: Origin, *, is_ours: bool = False, now: float
    ) -> bool:
        """Note that a seeder is alive; False if it is unknown.

        Registers an unknown original, because it would never register again itself.

        Raises PeerProtocolError if the table is full.
        """
        key = key_of(origin.ip, advertised)
        seeder = self._seeders.get(key)
        if seeder is None:
            if not is_ours:
                self._register(_new_seeder(advertised, origin, now))
            return not is_ours
        seeder.last_ping = now
        self.changes += 1
        if key in self._fresh and seeder.has_stayed:
            del self._fresh[key]
            self._note_changed(key, seeder)
        return True

    # Answers
    def entry(self, key: Key) -> SeederEntry | None:
        return self._seeders.get(key)

    def note(self, key: Key, program: Program | None) -> None:
        """An LMK/2 program came, changed its list for LMK/1 readers, or is gone (None)."""
        self._readers.note(key, program)
        self._note_endpoint(key.endpoint)

    def files_for_readers(self, *, is_here: bool) -> dict[str, int]:
        """The files that LMK/1 readers are told. `is_here`: on the tracker's machine."""
        return self._readers.files(is_here=is_here)

    def seeders_for_readers(self, reader: Reader) -> list[Address]:
        """Some seeders that have all of those files, others at each call."""
        return self._readers.seeders(reader)

    def settle(self, *, now: float) -> None:
        """Copy changed lists to the room's list, a few at a time. Call it often."""
        if not self._unsettled or not self._steps.allows("", now=now):
            return
        lists, files = list[UnprovedList](), 0
        while self._unsettled and files < STEP_FILES:
            share_id = next(iter(self._unsettled))
            newest = self._newest_list(share_id, self._unsettled.pop(share_id))
            files += 1 + len(newest.lines)
            lists.append(newest)
        self._room_list.put_unproved(lists)

    def participants(self) -> Iterator[Participant]:
        """The seeders that are not hidden."""
        for seeder in list(self._seeders.values()):
            if not seeder.is_hidden:
                share_id = share_of(seeder.key.endpoint)
                share = self._room_list.share(share_id) if seeder.files else None
                yield Participant(
                    address=seeder.shown_address,
                    last_ping=seeder.last_ping,
                    is_original=True,
                    status=seeder.status,
                    files=(0 if share is None else share.files) or len(seeder.files),
                )

    # Expiry and state file
    def expire(self, *, now: float) -> int:
        """Forget silent seeders, at most EXPIRED_AT_ONCE; returns how many."""
        gone = [
            key
            for key, seeder in self._seeders.items()
            if now - seeder.last_ping > ORIGINAL_LIFETIME_S
        ][:EXPIRED_AT_ONCE]
        for key in gone:
            self._forget(key)
        return len(gone)

    def saved(self) -> Iterator[dict[str, object]]:
        """What a state file keeps: seeders that have stayed, because originals register once."""
        seeders = list(self._seeders.values())
        return (seeder.saved() for seeder in seeders if seeder.has_stayed)

    def restore(self, saved: Iterable[object], *, now: float) -> None:
        """Restore what saved() returned in an earlier run, as far as it is readable."""
        for item in saved:
            seeder = _restored(item, now)
            if seeder is None or self._files + len(seeder.files) > MAX_FILES:
                continue
            with suppress(PeerProtocolError):  # the table is full
                self._register(seeder)
                self._latest[seeder.origin.ip] = seeder.key

    # Changes of the table
    def _register(self, seeder: SeederEntry) -> None:
        """A seeder that was known already keeps its list and counts as the newest."""
        seeder.check_source()
        if not self._may_offer(seeder.origin):
            raise PeerProtocolError("only the tracker's computer offers files")
        key = seeder.key
        known = self._seeders.get(key)
        if known is None:
            self._make_room(key, seeder.origin)
        else:
            seeder.files, seeder.since = known.files, known.since
            self._forget(key)
        self._seeders[key] = seeder
        self._endpoints.enter(key)
        self._files += len(seeder.files)
        if not seeder.has_stayed:
            self._fresh[key] = None
        self._note_changed(key, seeder)

    def _may_offer(self, origin: Origin) -> bool:
        """Asked each time: an address that the tracker's computer had may be another one's now."""
        return origin.is_here or not self._registry.offers_here

    def _forget(self, key: Key) -> None:
        self._fresh.pop(key, None)
        seeder = self._seeders.pop(key)
        self._endpoints.leave(key)
        if self._latest.get(key.ip) == key:
            del self._latest[key.ip]
        self._files -= len(seeder.files)
        self._hide(key)
        self._note_changed(key, seeder)

    def _note_changed(self, key: Key, seeder: SeederEntry) -> None:
        """Call this after each change that affects readers or the state file."""
        self._note_endpoint(key.endpoint)
        self.changes += 1
        self.changes_saved += seeder.has_stayed

    def _note_endpoint(self, endpoint: tuple[str, int]) -> None:
        """Entries or lists at this endpoint (address and port) have changed.

        Only one program can listen at an endpoint. If an LMK/2 program has proved that it has this
        address, the seeders there are hidden.
        """
        is_hidden, is_told = bool(self._registry.endpoints.at(endpoint)), False
        share_id = share_of(endpoint)
        for key in reversed(self._endpoints.at(endpoint)):
            seeder = self._seeders[key]
            seeder.is_hidden = is_hidden
            if seeder.files and not is_hidden:
                is_told = True
                self._readers.note(key, seeder)
                self._registry.by_share.join(key, (share_id,), is_leecher=False)
            else:
                self._hide(key)
        if is_told or self._room_list.share(share_id) is not None:
            self._unsettled[share_id] = endpoint
        else:
            self._unsettled.pop(share_id, None)

    def _hide(self, key: Key) -> None:
        """Stop listing this seeder."""
        self._readers.note(key, None)
        self._registry.by_share.part(key, (share_of(key.endpoint),), is_leecher=False)

    def _newest_list(self, share_id: str, endpoint: tuple[str, int]) -> UnprovedList:
        """The newest list at this endpoint, at which a seeder may advertise several hosts."""
        owner = Owner(Key(*endpoint))
        for key in reversed(self._endpoints.at(endpoint)):
            seeder = self._seeders[key]
            if seeder.files and not seeder.is_hidden:
                folder = seeder.advertised.host if seeder.origin.is_here else seeder.origin.ip
                lines = [encode_line(FileLine(*file, None)) for file in seeder.files.items()]
                return UnprovedList(share_id, owner, folder, lines)
        return UnprovedList(share_id, owner, "", ())

    def _make_room(self, key: Key, origin: Origin) -> None:
        """Make room for one more seeder. Raises PeerProtocolError if that is impossible."""
        if not origin.is_here and self._endpoints.keys_of(origin.ip) >= MAX_PER_HOST:
            raise PeerProtocolError(f"{origin.ip} registered {MAX_PER_HOST} seeders already")
        if len(self._endpoints.at(key.endpoint)) >= MAX_NAMES:
            raise PeerProtocolError(f"port {key.port} of {origin.ip} has {MAX_NAMES} names already")
        if len(self._seeders) >= MAX_SEEDERS:
            if not self._fresh:
                raise PeerProtocolError(f"there are {MAX_SEEDERS} seeders of LMK/1 already")
            self._forget(next(iter(self._fresh)))

    def _make_room_for_list(self, key: Key, more: int) -> None:
        """Make room for `more` files. Raises PeerProtocolError if that is impossible."""
        while self._files + more > MAX_FILES:
            oldest = next((fresh for fresh in self._fresh if fresh != key), None)
            if oldest is None:
                raise PeerProtocolError(f"there are {self._files} files on the lists already")
            self._forget(oldest)


def key_of(ip: str, advertised: Address) -> Key:
    """`ip`: the source of the seeder's datagrams."""
    return Key(ip, advertised.port, "", advertised.host)


def share_of(endpoint: tuple[str, int]) -> str:
    """The share id of the LMK/1 seeders at this endpoint, for LMK/2 readers."""
    host, port = endpoint
    ip = ip_of(host)
    return f"lmk1{0 if ip is None else int(ip):08x}{port:04x}"


def _new_seeder(advertised: Address, origin: Origin, now: float) -> SeederEntry:
    is_everywhere = advertised.host == EVERY_INTERFACE
    return SeederEntry(origin, advertised, is_everywhere, last_ping=now, since=now)


def _restored(item: object, now: float) -> SeederEntry | None:
    """Restore an item of saved(); None if it is not readable.

    Its files are checked as in an upload, because anybody may have written the state file.
    """
    match item:
        case {
            "source": str(ip),
            "is_here": bool(is_here),
            "named": [str(host), int(port)],
            "named_is_here": bool(advertises_own),
            "files": dict(files),
        } if is_unicast(ip) and is_host(host) and is_port(port) and not service_at(port):
            pass
        case _:
            return None
    seeder = _new_seeder(Address(host, port), Origin(ip, is_here, advertises_own), now)
    seeder.since = now - STAYED_S
    seeder.files = {
        name: size
        for name, size in islice(files.items(), MAX_RESTORED_FILES)
        if isinstance(name, str) and type(size) is int and 0 <= size <= MAX_FILE_SIZE
        if is_passed_on(name)
    }
    return seeder
