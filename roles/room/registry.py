"""Who takes part in the room, right now: the tracker's table.

An entry of LMK/2 is changed only from the address that its program proved, with its peer id. LMK/1
requests, whose sources may be forged, have separate entries: fewer, and the first to be removed. No
request is answered by a look at all entries. Pure state: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain

from roles.lmk1.tracker_wire import Extras
from roles.room.offered_shares import OfferedShares
from roles.room.places import Key, Places
from roles.room.registry_entry import QUIET_S, Entry, Member, Origin, Reader, restored
from roles.room.room_catalogue import RoomCatalogue
from roles.values.addresses import Address, is_unicast
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedFile
from roles.values.participants import Participant, Status
from roles.wire.fields import is_id, is_own_share, is_port
from roles.wire.tracker_messages import Holder, Ping, Register, TellFiles

MAX_PROGRAMS = 12_000  # of LMK/2, seeders and leechers
MAX_LMK1 = 3_000  # seeders of LMK/1, which may not exist: nothing proves their addresses
MAX_PER_HOST = 8  # of each kind: lab machines with several users; this machine is exempt
MAX_NAMES = 8  # LMK/1 seeders at one address and port
MAX_RUNS = 2  # LMK/2 programs at one address and port: one of them has ended, or lies
MAX_FILES = 400_000  # on all lists for LMK/1 readers that LMK/2 programs told
MAX_LMK1_FILES = 100_000  # the same, of LMK/1 programs
MAX_SHOWN = 2_000  # files that the window gets: nobody reads more
MAX_SAVED = 32_000  # items of a state file: all of these seeders, and two of every share
EXPIRED_AT_ONCE = 500  # between two looks at the sockets: a whole room may fall silent together
_HOLDERS = 64  # looked up for one answer: more than fit into it


class Registry:
    """The table. Every method that needs the time takes `now` in seconds of a monotonic clock."""

    def __init__(self, catalogue: RoomCatalogue | None = None) -> None:
        self.catalogue = catalogue or RoomCatalogue("00000000")
        self._entries: dict[Key, Entry] = {}
        # The same, those that were silent longest first; originals ping more seldom.
        self._silent = {kind: OrderedDict[Key, None]() for kind in (False, True)}
        self._programs = 0  # of LMK/2
        # Those of LMK/1 that have not stayed yet, the oldest first: the first to go.
        self._fresh = dict[Key, None]()
        self._places = Places()
        self._changes = 0  # of what a state file keeps of LMK/1 seeders
        self._files = Counter[bool]()  # on all lists for LMK/1 readers, by whether of LMK/2
        self._offered = OfferedShares(self.catalogue, self._places, self._entries)
        self.held = self._offered.held
        self.news = 0  # another number when a ping said something that the one before did not

    # What LMK/1 programs say

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
        entry = Entry.of(named, origin, extras, named_is_here, now)
        is_new = entry.key not in self._entries
        self._register_lmk1(entry)
        self._places.latest[origin.ip] = entry.key
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
        key = Key.lmk1(origin.ip, named)
        entry = self._entries.get(key)
        if entry is None:
            if extras is None:
                self._register_lmk1(Entry.of(named, origin, None, named_is_here, now))
            return extras is None
        self._hear(key, entry, now)
        if extras is not None and not entry.is_original:  # an original never says so much
            entry.status = Status(extras.state or "")
            if extras.leaving:
                self._forget_lmk1(key)
        return True

    def settle(self, *, now: float) -> None:
        """Tell LMK/2 readers what LMK/1 programs said lately. Call it often."""
        self._offered.settle(now=now)

    def files_for_originals(self, *, is_here: bool) -> dict[str, int]:
        """The files that LMK/1 readers are told of, here or elsewhere."""
        return self._offered.originals.files(is_here=is_here)

    def seeders_for_originals(self, reader: Reader) -> list[Address]:
        """Some seeders that hold all of those files, others at each call."""
        return self._offered.originals.seeders(reader)

    # What LMK/2 programs say

    def register(
        self, request: Register, origin: Origin, *, named_is_here: bool, now: float
    ) -> tuple[Key, Entry]:
        """Register a program that speaks LMK/2, anew when it was there already.

        Another program at the same address and port is another entry: only one of them can listen
        there, and a program that ended falls silent. Raises PeerProtocolError when the table is
        full.
        """
        entry = Entry(
            origin,
            request.advertised,
            named_is_here,
            request.everywhere,
            is_original=False,
            last_ping=now,
            status=Status(shares=request.shares),
            member=Member.of(request),
            since=now,
        )
        entry.check_source()
        key = entry.key
        known = self._entries.get(key)
        if known is None:
            self._make_room(key, origin, now)
        else:
            entry.files = {} if entry.is_leecher else known.files
            if entry.member is not None and known.member is not None:
                entry.member.has_answered = known.member.has_answered
            self._forget_lmk2(key, now, keeps=() if entry.is_leecher else entry.shares)
        self._enter(key, entry)
        return key, entry

    def hear(self, ping: Ping, ip: str, *, now: float) -> Member | None:
        """Note what a program there says in LMK/2; None when this one is not registered so."""
        key = Key(ip, ping.advertised.port, ping.peer)
        entry = self._entries.get(key)
        member = None if entry is None else entry.member
        if entry is None or member is None or entry.named != ping.advertised:
            return None
        self._hear(key, entry, now)
        if ping.leaving:
            self._forget_lmk2(key, now, has_ended=True)
        elif ping.status != entry.status:
            self.news += 1
            self._take_status(key, entry, ping.status, now)
        return member

    def tell(self, request: TellFiles, origin: Origin) -> bool:
        """Replace the list for LMK/1 readers of a seeder that speaks LMK/2; False when unknown.

        Raises PeerProtocolError when the table is full.
        """
        key = Key(origin.ip, request.port, request.peer)
        if key not in self._entries or self._entries[key].is_leecher:
            return False
        self._take_list(key, request.files)
        return True

    def holders(self, asked: Sequence[str], *, is_here: bool) -> Iterator[Holder]:
        """Who takes part in these shares, for a reader here or elsewhere: who told them, then
        others at each call. Anybody may name a share, and many may name somebody else's.
        """
        reader = Reader(is_here, tracker_host="")
        told = set[Address]()  # a program that starts again is registered twice for a while
        some = self._offered.holders.some(asked, _HOLDERS)
        for key, indexes in chain(self._tellers(asked), some):
            entry = self._entries[key]
            address, member = entry.address_for(reader), entry.member
            if address is not None and address not in told and not self._is_elsewhere(key, entry):
                told.add(address)
                yield Holder(
                    # An original's user may have typed localhost: that is the tracker's machine.
                    address if address.host[-1:].isdigit() else Address("", address.port),
                    is_leecher=entry.is_leecher,
                    is_unreachable=member is not None and member.is_reachable is False,
                    is_original=member is None,
                    asked=indexes,
                )

    def _tellers(self, asked: Sequence[str]) -> Iterator[tuple[Key, tuple[int, ...]]]:
        for share in filter(None, map(self.catalogue.share, dict.fromkeys(asked))):
            entry = self._entries.get(share.owner.key)
            if entry is not None:
                indexes = (index for index, one in enumerate(asked) if one in entry.shares)
                yield share.owner.key, tuple(indexes)

    def _is_elsewhere(self, key: Key, entry: Entry) -> bool:
        """Whether it cannot be reached, but another program at its place may be."""
        if entry.member is None or entry.member.is_reachable is not False:
            return False
        there = filter(None, map(self.member, self._places.lmk2_at(key.place)))
        return any(member.is_reachable is not False for member in there)

    @property
    def holders_state(self) -> int:
        """Another number when holders() would tell of others, or otherwise of them."""
        return self._offered.holders.state

    # What the tracker itself does

    def entry(self, key: Key) -> Entry | None:
        """What is registered there."""
        return self._entries.get(key)

    def member(self, key: Key) -> Member | None:
        """What is registered there and speaks LMK/2."""
        entry = self._entries.get(key)
        return None if entry is None else entry.member

    def is_heard(self, key: Key, *, now: float) -> bool:
        """Whether this registration has been pinged lately."""
        entry = self._entries.get(key)
        return entry is not None and now - entry.last_ping < QUIET_S

    def expire(self, *, now: float) -> int:
        """Forget who has been silent for too long; how many, EXPIRED_AT_ONCE at most."""
        gone = 0
        for silent in self._silent.values():
            while silent and gone < EXPIRED_AT_ONCE:
                key = next(iter(silent))
                entry = self._entries[key]
                if now - entry.last_ping <= entry.lifetime_s:
                    break
                if key.is_lmk2:
                    self._forget_lmk2(key, now)
                else:
                    self._forget_lmk1(key)
                gone += 1
        return gone

    def note_reachable(self, key: Key, is_reachable: bool) -> None:
        """The tracker could connect to this program, or could not."""
        entry = self._entries.get(key)
        if entry is not None and entry.member is not None and not entry.is_here_only:
            entry.member.is_reachable = is_reachable
            self._offered.holders.state += 1

    def is_contested(self, key: Key) -> bool:
        """Whether several programs claim this address and port."""
        return len(self._places.lmk2_at(key.place)) > 1

    def note_listening(self, key: Key, *, now: float) -> None:
        """This program answered at its place: others that are registered there have ended."""
        member = self.member(key)
        if member is not None:
            member.has_answered = True
        for other in self._places.lmk2_at(key.place):
            if other != key:
                entry = self._entries[other]
                entry.last_ping = min(entry.last_ping, now - QUIET_S)
                self._offered.originals.note(other, None)

    def entries(self) -> list[Entry]:
        """Everyone."""
        return list(self._entries.values())

    def participant(self, entry: Entry) -> Participant | None:
        """For who watches the room; None when nobody is told of this one."""
        if entry.is_hidden:
            return None
        if entry.is_leecher:
            return entry.participant(0)
        shares = filter(None, map(self.catalogue.share, entry.shares))
        return entry.participant(sum(share.files for share in shares) or len(entry.files))

    def files(self) -> Generator[None, None, tuple[ListedFile, ...]]:
        """Some of the contents that anyone offers, for the window, found a slice at a time."""
        return self.catalogue.first_files(MAX_SHOWN)

    # The state file

    @property
    def saved_state(self) -> tuple[int, int]:
        """Another value when saved() would give something else."""
        return self._changes, self.catalogue.tellers_state

    def saved(self) -> Iterator[dict[str, object]]:
        """What a state file keeps, no times: LMK/1 seeders that stayed, for these do not register
        again, and who told which share. LMK/2 programs come back by themselves.
        """
        for entry in self.entries():
            if entry.member is None and entry.has_stayed:
                yield entry.saved()
        tellers = {**dict(self.held.items()), **dict(self.catalogue.tellers())}
        for share, teller in tellers.items():
            yield {"share": share, "teller": [teller.ip, teller.port, teller.peer]}

    def restore(self, saved: object, *, now: float) -> int:
        """Take up what saved() gave to an earlier run; what cannot be read is left out.

        Returns how many seeders came back.
        """
        for item in saved[:MAX_SAVED] if isinstance(saved, list) else []:
            self._restore_teller(item, now)
            entry = restored(item, now)
            if entry is None or self._files[False] + len(entry.files) > MAX_LMK1_FILES:
                continue
            with suppress(PeerProtocolError):  # the table is full
                self._register_lmk1(entry)
                self._places.latest[entry.origin.ip] = entry.key
        return len(self._entries)

    def _restore_teller(self, item: object, now: float) -> None:
        match item:
            case {"share": str(share), "teller": [str(ip), int(port), str(peer)]} if (
                is_own_share(share)
                and is_unicast(ip)
                and is_port(port)
                and (is_id(peer) or not peer)  # "": that run of it has ended
            ):
                self.held.hold(share, Key(ip, port, peer), quiet_at=now + QUIET_S, now=now)

    # Coming and going

    def _register_lmk1(self, entry: Entry) -> None:
        """A seeder that was known already keeps its list and counts as the newest."""
        entry.check_source()
        key = entry.key
        known = self._entries.get(key)
        if known is None:
            self._make_room_for_lmk1(key, entry.origin)
        else:
            entry.files, entry.since = known.files, known.since
            self._forget_lmk1(key)
        self._enter(key, entry)

    def _enter(self, key: Key, entry: Entry) -> None:
        self._entries[key] = entry
        self._silent[entry.is_original][key] = None
        self._places.enter(key)
        self._files[key.is_lmk2] += len(entry.files)
        if key.is_lmk2:
            self._programs += 1
            self._offered.enter(key, entry)
            self._offered.originals.note(key, entry)
        elif not entry.has_stayed:
            self._fresh[key] = None
        self._note_changed(key, entry)

    def _forget_lmk2(
        self, key: Key, now: float, keeps: Sequence[str] = (), *, has_ended: bool = False
    ) -> None:
        self._programs -= 1
        entry = self._taken_out(key)
        self._offered.leave(key, entry, now=now, keeps=keeps, has_ended=has_ended)
        self._offered.originals.note(key, None)
        self._note_changed(key, entry)

    def _forget_lmk1(self, key: Key) -> None:
        self._fresh.pop(key, None)
        entry = self._taken_out(key)
        self._offered.forget_lmk1(key)
        self._note_changed(key, entry)

    def _taken_out(self, key: Key) -> Entry:
        entry = self._entries.pop(key)
        del self._silent[entry.is_original][key]
        self._places.leave(key)
        self._files[key.is_lmk2] -= len(entry.files)
        return entry

    def _hear(self, key: Key, entry: Entry, now: float) -> None:
        entry.last_ping = now
        self._silent[entry.is_original].move_to_end(key)
        if key in self._fresh and entry.has_stayed:
            del self._fresh[key]
            self._note_changed(key, entry)

    def _take_status(self, key: Key, entry: Entry, status: Status, now: float) -> None:
        if status.shares == entry.shares:
            entry.status = status
            return
        self._offered.leave(key, entry, now=now, keeps=status.shares)
        entry.status = status
        self._offered.enter(key, entry)

    def _note_changed(self, key: Key, entry: Entry) -> None:
        """What readers are told of its place, or what a state file keeps, may have changed."""
        self._offered.note_place(key.place)
        self._changes += not key.is_lmk2 and entry.has_stayed

    def _take_list(self, key: Key, files: Mapping[str, int]) -> None:
        entry = self._entries[key]
        if not key.is_lmk2:
            self._make_room_for_list(key, len(files) - len(entry.files))
        elif self._files[True] - len(entry.files) + len(files) > MAX_FILES:
            raise PeerProtocolError(f"there are {self._files[True]} files on the lists already")
        before = len(entry.files)
        entry.take_list(files)
        self._files[key.is_lmk2] += len(entry.files) - before
        if key.is_lmk2:
            self._offered.originals.note(key, entry)
        else:
            self._note_changed(key, entry)

    def _owner_of_list(self, origin: Origin, port: int | None) -> Key | None:
        """The newest LMK/1 seeder of that machine, or the newest of ours there with that port.

        An older entry with it is of a program that ended without a word.
        """
        latest = self._places.latest.get(origin.ip)
        if latest is not None and port in (None, latest.port):
            return latest
        for key in () if port is None else self._places.lmk1_at((origin.ip, port)):
            if not self._entries[key].is_original:
                return key
        return None

    def _make_room(self, key: Key, origin: Origin, now: float) -> None:
        """Make room for one more LMK/2 program. Raises PeerProtocolError when there is none.

        At one place MAX_RUNS are kept: while they ping the one that answered there and the first,
        and the newest.
        """
        there = self._places.lmk2_at(key.place)
        if len(there) >= MAX_RUNS:

            def worth(one: Key) -> tuple[bool, bool]:
                is_heard, member = self.is_heard(one, now=now), self.member(one)
                has_answered = member is not None and member.has_answered
                return is_heard and has_answered, is_heard and one == there[0]

            self._forget_lmk2(min(there, key=worth), now)
        from_there = self._places.lmk2_of(origin.ip)
        if not there and from_there >= MAX_PER_HOST and not origin.is_here:
            raise PeerProtocolError(f"{origin.ip} registered {from_there} programs already")
        if self._programs >= MAX_PROGRAMS:
            raise PeerProtocolError(f"there are {MAX_PROGRAMS} programs already")

    def _make_room_for_lmk1(self, key: Key, origin: Origin) -> None:
        """Make room for one more LMK/1 seeder. Raises PeerProtocolError when there is none."""
        from_there = self._places.lmk1_of(origin.ip)
        if from_there >= MAX_PER_HOST and not origin.is_here:
            raise PeerProtocolError(f"{origin.ip} registered {from_there} seeders already")
        if len(self._places.lmk1_at(key.place)) >= MAX_NAMES:
            raise PeerProtocolError(f"port {key.port} of {origin.ip} has {MAX_NAMES} names already")
        if len(self._entries) - self._programs >= MAX_LMK1:
            if not self._fresh:
                raise PeerProtocolError(f"there are {MAX_LMK1} seeders of LMK/1 already")
            self._forget_lmk1(next(iter(self._fresh)))

    def _make_room_for_list(self, key: Key, more: int) -> None:
        """Make room for an LMK/1 seeder's list. Raises PeerProtocolError when there is none."""
        while (all_files := self._files[False]) + more > MAX_LMK1_FILES:
            oldest = next((fresh for fresh in self._fresh if fresh != key), None)
            if oldest is None:
                raise PeerProtocolError(f"there are {all_files} files on the lists already")
            self._forget_lmk1(oldest)
