"""Who takes part in the room, right now: the tracker's table.

It keeps the catalogue free of shares that nobody offers any more. No request is answered by a look
at everyone. Pure state: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from roles.room.offered_shares import OfferedShares
from roles.room.originals_list import OriginalsList
from roles.room.places import NOBODY, Key, Places
from roles.room.registry_entry import STATES, Entry, Member, Origin, Reader, restored
from roles.room.room_catalogue import RoomCatalogue
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedFile, ListedSeeder, SeederState
from roles.wire.lmk1_tracker_wire import Extras
from roles.wire.lmk2_tracker_messages import Holder, Ping, Register, TellFiles

MAX_SEEDERS = 12_000  # leechers too
MAX_FILES = 400_000  # on all LMK/1 lists together: what strangers send must not take all memory
MAX_SEEDERS_PER_HOST = 8  # lab machines with several users; this machine is exempt
MAX_SHOWN = 2_000  # files that the window gets: nobody reads more
_HOLDERS = 64  # looked up for one answer: more than fit into it


class Registry:
    """The table. Every method that needs the time takes `now` in seconds of a monotonic clock."""

    def __init__(self, catalogue: RoomCatalogue | None = None) -> None:
        self.catalogue = catalogue or RoomCatalogue("00000000")
        self._entries: dict[Key, Entry] = {}
        # The same, those that were silent longest first; originals ping more seldom.
        self._silent = {kind: OrderedDict[Key, None]() for kind in (False, True)}
        self._places = Places()
        # Who said what in its last ping, by IP and the words: most pings are the same again.
        self._heard: dict[tuple[str, bytes], Key] = {}
        self._files = 0  # on all LMK/1 lists
        self._originals = OriginalsList()
        self._offered = OfferedShares(self.catalogue, self._places, self._entries)

    def add(
        self,
        named: Address,
        origin: Origin,
        extras: Extras | None,
        *,
        named_is_here: bool,
        now: float,
    ) -> bool:
        """Register a seeder by LMK/1; False when it was registered already.

        Raises PeerProtocolError when the table is full.
        """
        self._places.latest.pop(origin.ip, None)  # when this seeder is refused, so is its list
        is_new = self._register(Entry.of(named, origin, extras, named_is_here, now))
        self._places.latest[origin.ip] = (origin.ip, named)
        return is_new

    def upload(self, files: Mapping[str, int], origin: Origin, extras: Extras | None) -> bool:
        """Replace the list of the seeder that it belongs to.

        False when no seeder of that machine is registered. Raises PeerProtocolError when the table
        is full.
        """
        key = self._owner_of_list(origin, None if extras is None else extras.port)
        if key is None:
            return False
        self._take_list(key, files)
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
        """Note that a seeder lives, which said so by LMK/1.

        An unknown original is registered, for it never would do so again itself.
        """
        key = (origin.ip, named)
        entry = self._entries.get(key)
        if entry is None:
            if extras is None:
                self._register(Entry.of(named, origin, None, named_is_here, now))
            return extras is None
        self._hear(key, entry, now)
        if extras is not None:
            entry.state = None if extras.state is None else SeederState(extras.state)
            if extras.leaving:
                self._forget(key)
        return True

    def register(
        self, request: Register, origin: Origin, *, named_is_here: bool, now: float
    ) -> tuple[Key, Entry]:
        """Register a program that speaks LMK/2, anew when it was there already.

        Raises PeerProtocolError when the table is full.
        """
        entry = Entry(
            origin,
            request.named,
            named_is_here,
            request.everywhere,
            is_original=False,
            last_ping=now,
            member=Member.of(request),
        )
        self._register(entry)
        return (origin.ip, request.named), entry

    def hear(self, ping: Ping, ip: str, *, now: float, words: bytes = b"") -> Member | None:
        """Note what a program there says in LMK/2; None when this one is not registered.

        `words`: the same for hear_again() when it says the same again.
        """
        key = (ip, ping.named)
        entry = self._entries.get(key)
        member = None if entry is None else entry.member
        if entry is None or member is None or member.instance != ping.peer:
            return None
        self._hear(key, entry, now)
        member.ping = ping
        entry.state = STATES.get(ping.state)
        if ping.leaving:
            self._forget(key)
        elif ping.shares != member.shares:
            self._offered.leave(key, entry, keeps=ping.shares)
            member.shares = ping.shares
            self._offered.enter(key, entry)
        if words and not ping.leaving:
            self._heard.pop((ip, member.words), None)
            member.words = words
            self._heard[ip, words] = key
        return member

    def hear_again(self, ip: str, words: bytes, *, now: float) -> Member | None:
        """Note that a program lives that says what it said before; None when none does."""
        key = self._heard.get((ip, words))
        if key is None:
            return None
        entry = self._entries[key]
        self._hear(key, entry, now)
        return entry.member

    def tell(self, request: TellFiles, origin: Origin) -> bool:
        """Replace the list for LMK/1 readers of a seeder that speaks LMK/2; False when unknown.

        Raises PeerProtocolError when the table is full.
        """
        key = self.key_of(origin.ip, request.port, request.peer)
        if key is None or self._entries[key].is_leecher:
            return False
        self._take_list(key, request.files)
        return True

    def key_of(self, ip: str, port: int, instance: str) -> Key | None:
        """The program that registered by LMK/2 from there, with this port."""
        for key in self._places.at(ip, port):
            member = self._entries[key].member
            if member is not None and member.instance == instance:
                return key
        return None

    def entry(self, key: Key) -> Entry | None:
        """What is registered there."""
        return self._entries.get(key)

    def member(self, key: Key) -> Member | None:
        """What is registered there and speaks LMK/2."""
        entry = self._entries.get(key)
        return None if entry is None else entry.member

    def expire(self, *, now: float) -> bool:
        """Forget who has been silent for too long; True when somebody was."""
        is_change = False
        for silent in self._silent.values():
            while silent:
                key = next(iter(silent))
                entry = self._entries[key]
                if now - entry.last_ping <= entry.lifetime_s:
                    break
                self._forget(key)
                is_change = True
        return is_change

    def holders(self, asked: Sequence[str], *, is_here: bool) -> Iterator[Holder]:
        """Who takes part in these shares, for a reader here or elsewhere; others at each call."""
        reader = Reader(is_here, tracker_host="")
        for key, indexes in self._offered.holders.some(asked, _HOLDERS):
            entry = self._entries[key]
            address = entry.address_for(reader)
            if address is not None:
                member = entry.member
                yield Holder(
                    # An original's user may have typed localhost: that is the tracker's machine.
                    address if address.host[-1:].isdigit() else Address("", address.port),
                    is_leecher=entry.is_leecher,
                    is_unreachable=member is not None and member.is_reachable is False,
                    is_original=member is None,
                    asked=indexes,
                )

    @property
    def holders_state(self) -> int:
        """Another number when holders() would tell of others, or otherwise of them."""
        return self._offered.holders.state

    def note_reachable(self, key: Key, instance: str, is_reachable: bool) -> None:
        """The tracker could connect to this program, or could not."""
        member = self.member(key)
        if member is not None and member.instance == instance:
            member.is_reachable = is_reachable
            self._offered.holders.state += 1

    def files_for_originals(self, *, is_here: bool) -> dict[str, int]:
        """The files that LMK/1 readers are told of, here or elsewhere."""
        return self._originals.files(is_here=is_here)

    def seeders_for_originals(self, reader: Reader) -> list[Address]:
        """Some seeders that hold all of those files, others at each call."""
        return self._originals.seeders(reader)

    def entries(self) -> list[Entry]:
        """Everyone."""
        return list(self._entries.values())

    def as_seeder(self, entry: Entry) -> ListedSeeder | None:
        """A seeder as the window shows it; None for a leecher."""
        if entry.is_leecher:
            return None
        shares = filter(None, map(self.catalogue.share, entry.shares))
        return entry.as_seeder(sum(share.files for share in shares) or len(entry.files))

    def seeders(self) -> tuple[ListedSeeder, ...]:
        """All seeders, for the window."""
        return tuple(filter(None, map(self.as_seeder, self._entries.values())))

    def files(self) -> tuple[ListedFile, ...]:
        """Some of the contents that anyone offers, for the window."""
        return self.catalogue.first_files(MAX_SHOWN)

    def saved(self) -> list[dict[str, object]]:
        """What a state file keeps: those who speak LMK/1 and their lists, no times.

        The others come back by themselves.
        """
        return [entry.saved() for entry in self._entries.values() if entry.member is None]

    def restore(self, saved: object, *, now: float) -> int:
        """Take up what saved() gave to an earlier run; what cannot be read is left out.

        Returns how many came back.
        """
        for item in saved if isinstance(saved, list) else []:
            entry = restored(item, now)
            if entry is not None and len(self._entries) < MAX_SEEDERS:
                key = (entry.origin.ip, entry.named)
                if key in self._entries:
                    self._forget(key)
                self._enter(key, entry)
                self._places.latest[entry.origin.ip] = key
        return len(self._entries)

    def _register(self, entry: Entry) -> bool:
        """A seeder that was known already keeps its list and counts as the newest."""
        entry.check_source()
        key = (entry.origin.ip, entry.named)
        known = self._entries.get(key)
        if known is None:
            self._check_room(entry.origin)
        else:
            if not entry.is_leecher:
                entry.files = known.files
            self._forget(key, keeps=() if entry.is_leecher else entry.shares)
        self._enter(key, entry)
        return known is None

    def _enter(self, key: Key, entry: Entry) -> None:
        self._entries[key] = entry
        self._silent[entry.is_original][key] = None
        self._places.enter(key)
        self._offered.enter(key, entry)
        self._note_list(key, entry, {})

    def _forget(self, key: Key, keeps: Sequence[str] = ()) -> None:
        entry = self._entries.pop(key)
        del self._silent[entry.is_original][key]
        self._places.leave(key)
        if entry.member is not None:
            self._heard.pop((key[0], entry.member.words), None)
        self._offered.leave(key, entry, keeps)
        self._files -= len(entry.files)
        self._originals.note(key, None)

    def _hear(self, key: Key, entry: Entry, now: float) -> None:
        entry.last_ping = now
        self._silent[entry.is_original].move_to_end(key)

    def _take_list(self, key: Key, files: Mapping[str, int]) -> None:
        entry = self._entries[key]
        others = self._files - len(entry.files)
        if others + len(files) > MAX_FILES:
            raise PeerProtocolError(f"there are {others} files on the lists already")
        before = entry.files
        entry.take_list(files)
        self._note_list(key, entry, before)

    def _note_list(self, key: Key, entry: Entry, before: Mapping[str, int]) -> None:
        """The list for LMK/1 readers is another one: LMK/2 readers find an LMK/1 program by it."""
        self._files += len(entry.files) - len(before)
        self._originals.note(key, entry)
        self._offered.note_list(key, entry)

    def _owner_of_list(self, origin: Origin, port: int | None) -> Key | None:
        """The newest LMK/1 seeder of that machine, or the newest of ours there with that port.

        An older entry with it is of a program that ended without a word.
        """
        latest = self._places.latest.get(origin.ip, NOBODY)
        if self.member(latest) is not None or latest not in self._entries:
            latest = NOBODY
        if port is None or latest[1].port == port:
            return None if latest is NOBODY else latest
        for key in self._places.at(origin.ip, port):
            if not self._entries[key].is_original and self.member(key) is None:
                return key
        return None

    def _check_room(self, origin: Origin) -> None:
        if len(self._entries) >= MAX_SEEDERS:
            raise PeerProtocolError(f"there are {MAX_SEEDERS} seeders already")
        from_there = self._places.count(origin.ip)
        if from_there >= MAX_SEEDERS_PER_HOST and not origin.is_here:
            raise PeerProtocolError(f"{origin.ip} registered {from_there} seeders already")
