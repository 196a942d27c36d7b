"""Which programs take part in the room, right now: the tracker's table.

An entry is changed only from the address that its program proved, with its peer id. No request is
answered by a look at all entries. Pure state: the caller brings clock and addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from typing import Protocol

from roles.room.held_shares import HeldShares
from roles.room.holders import HoldersByShare
from roles.room.places import Key, Places
from roles.room.registry_entry import (
    LIFETIME_S,
    QUIET_S,
    Entry,
    Origin,
    Program,
    Reader,
)
from roles.room.room_catalogue import RoomCatalogue
from roles.values.addresses import Address, is_unicast
from roles.values.errors import PeerProtocolError
from roles.values.events import ListedFile
from roles.values.participants import Participant, Status
from roles.wire.fields import is_id, is_port
from roles.wire.tracker_messages import Holder, Ping, Register, TellFiles

MAX_PROGRAMS = 12_000  # seeders and leechers
MAX_PER_HOST = 8  # lab machines with several users; this machine is exempt
MAX_RUNS = 2  # programs at one address and port: one of them has ended, or lies
MAX_FILES = 400_000  # on all lists for LMK/1 readers
MAX_SHOWN = 2_000  # files that the window gets: nobody reads more
MAX_SAVED = 32_000  # items of a state file: two of every share, and all seeders of LMK/1
EXPIRED_AT_ONCE = 500  # between two looks at the sockets: a whole room may fall silent together
_HOLDERS = 64  # looked up for one answer: more than fit into it


class Lmk1Seeders(Protocol):
    """Those in the same room that speak LMK/1 only, and prove nothing."""

    def entry(self, key: Key) -> Entry | None: ...

    def note(self, key: Key, program: Program | None) -> None:
        """A program has come or told another list for LMK/1 readers, or is gone."""


class Registry:
    """The table. Every method that needs the time takes `now` in seconds of a monotonic clock."""

    def __init__(self, catalogue: RoomCatalogue | None = None) -> None:
        self.catalogue = catalogue or RoomCatalogue("00000000")
        self.places = Places()  # of programs, changed here only
        self.by_share = HoldersByShare[Key]()  # who takes part in what, seeders of LMK/1 too
        self.held = HeldShares()
        self.lmk1: Lmk1Seeders | None = None  # set once, before anybody registers
        self.news = 0  # another number when a ping said something that the one before did not
        self._programs: dict[Key, Program] = {}
        self._silent = OrderedDict[Key, None]()  # the same, those that were silent longest first
        self._files = 0  # on all lists for LMK/1 readers

    # What programs say

    def register(
        self, request: Register, origin: Origin, *, advertised_is_here: bool, now: float
    ) -> tuple[Key, Program]:
        """Register a program, anew when it was there already.

        Another program at the same address and port is another entry: only one of them can listen
        there, and a program that ended falls silent. Raises PeerProtocolError when the table is
        full.
        """
        program = Program(
            origin,
            request.advertised,
            advertised_is_here,
            request.everywhere,
            last_ping=now,
            status=Status(shares=request.shares),
            is_leecher=request.is_leecher,
            peer=request.peer,
            name=request.name,
        )
        program.check_source()
        key = program.key
        known = self._programs.get(key)
        if known is None:
            self._make_room(key, origin, now)
        else:
            program.files = {} if program.is_leecher else known.files
            program.has_answered = known.has_answered
            self._forget(key, now, keeps=() if program.is_leecher else program.shares)
        self._programs[key] = program
        self._silent[key] = None
        self.places.enter(key)
        self._files += len(program.files)
        self._enter_shares(key, program)
        self._tell_lmk1(key, program)
        return key, program

    def hear(self, ping: Ping, ip: str, *, now: float) -> Program | None:
        """Note what a program there says; None when this one is not registered so."""
        key = Key(ip, ping.advertised.port, ping.peer)
        program = self._programs.get(key)
        if program is None or program.advertised != ping.advertised:
            return None
        program.last_ping = now
        self._silent.move_to_end(key)
        if ping.leaving:
            self._forget(key, now, has_ended=True)
        elif ping.status != program.status:
            self.news += 1
            self._take_status(key, program, ping.status, now)
        return program

    def tell(self, request: TellFiles, origin: Origin) -> bool:
        """Replace a seeder's list for LMK/1 readers; False when it is unknown.

        Raises PeerProtocolError when the table is full.
        """
        key = Key(origin.ip, request.port, request.peer)
        program = self._programs.get(key)
        if program is None or program.is_leecher:
            return False
        others = self._files - len(program.files)
        if others + len(request.files) > MAX_FILES:
            raise PeerProtocolError(f"there are {self._files} files on the lists already")
        program.take_list(request.files)
        self._files = others + len(program.files)
        self._tell_lmk1(key, program)
        return True

    def holders(self, asked: Sequence[str], *, is_here: bool) -> Iterator[Holder]:
        """Who takes part in these shares, for a reader here or elsewhere: who told them, then
        others at each call. Anybody may name a share, and many may name somebody else's.
        """
        reader = Reader(is_here, tracker_host="")
        told = set[Address]()  # a program that starts again is registered twice for a while
        some = self.by_share.some(asked, _HOLDERS)
        for key, indexes in chain(self._owners(asked), some):
            program = self._programs.get(key)
            entry = program or (self.lmk1.entry(key) if self.lmk1 else None)
            address = None if entry is None else entry.address_for(reader)
            if entry is None or address is None or address in told or self._is_elsewhere(key):
                continue
            told.add(address)
            yield Holder(
                # An original's user may have typed localhost: that is the tracker's machine.
                address if address.host[-1:].isdigit() else Address("", address.port),
                is_leecher=entry.is_leecher,
                is_unreachable=program is not None and program.is_reachable is False,
                is_original=program is None,
                asked=indexes,
            )

    def _owners(self, asked: Sequence[str]) -> Iterator[tuple[Key, tuple[int, ...]]]:
        for share in filter(None, map(self.catalogue.share, dict.fromkeys(asked))):
            program = self._programs.get(share.owner.key)
            if program is not None:
                indexes = (index for index, one in enumerate(asked) if one in program.shares)
                yield share.owner.key, tuple(indexes)

    def _is_elsewhere(self, key: Key) -> bool:
        """Whether it cannot be reached, but another program at its place may be."""
        program = self.entry(key)
        if program is None or program.is_reachable is not False:
            return False
        there = filter(None, map(self.entry, self.places.at(key.place)))
        return any(other.is_reachable is not False for other in there)

    @property
    def holders_state(self) -> int:
        """Another number when holders() would tell of others, or otherwise of them."""
        return self.by_share.state

    # What the tracker itself does

    def entry(self, key: Key) -> Program | None:
        """What is registered there."""
        return self._programs.get(key)

    def is_heard(self, key: Key, *, now: float) -> bool:
        """Whether this registration has been pinged lately."""
        program = self._programs.get(key)
        return program is not None and now - program.last_ping < QUIET_S

    def expire(self, *, now: float) -> int:
        """Forget who has been silent for too long; how many, EXPIRED_AT_ONCE at most."""
        gone = 0
        while self._silent and gone < EXPIRED_AT_ONCE:
            key = next(iter(self._silent))
            if now - self._programs[key].last_ping <= LIFETIME_S:
                break
            self._forget(key, now)
            gone += 1
        return gone

    def note_reachable(self, key: Key, is_reachable: bool) -> None:
        """The tracker could connect to this program, or could not."""
        program = self._programs.get(key)
        if program is not None and not program.is_here_only:
            program.is_reachable = is_reachable
            self.by_share.state += 1

    def is_contested(self, key: Key) -> bool:
        """Whether several programs claim this address and port."""
        return len(self.places.at(key.place)) > 1

    def note_listening(self, key: Key, *, now: float) -> None:
        """This program answered at its place: others that are registered there have ended."""
        program = self.entry(key)
        if program is not None:
            program.has_answered = True
        for other in self.places.at(key.place):
            if other != key:
                program = self._programs[other]
                program.last_ping = min(program.last_ping, now - QUIET_S)
                self._tell_lmk1(other, None)

    def entries(self) -> list[Program]:
        """Everyone."""
        return list(self._programs.values())

    def participant(self, program: Program) -> Participant:
        """For who watches the room."""
        if program.is_leecher:
            return program.participant(0)
        shares = filter(None, map(self.catalogue.share, program.shares))
        return program.participant(sum(share.files for share in shares) or len(program.files))

    def files(self) -> Generator[None, None, tuple[ListedFile, ...]]:
        """Some of the contents that anyone offers, for the window, found a slice at a time."""
        return self.catalogue.first_files(MAX_SHOWN)

    # The state file

    @property
    def saved_state(self) -> int:
        """Another value when saved() would give something else."""
        return self.catalogue.owners_state

    def saved(self) -> Iterator[dict[str, object]]:
        """What a state file keeps: who told which share. Programs come back by themselves."""
        owners = {**dict(self.held.items()), **dict(self.catalogue.owners())}
        for share, owner in owners.items():
            yield {"share": share, "teller": [owner.ip, owner.port, owner.peer]}

    def restore(self, saved: object, *, now: float) -> None:
        """Take up what saved() gave to an earlier run; what cannot be read is left out."""
        for item in saved[:MAX_SAVED] if isinstance(saved, list) else []:
            match item:
                case {"share": str(share), "teller": [str(ip), int(port), str(peer)]} if (
                    is_id(share)
                    and is_unicast(ip)
                    and is_port(port)
                    and (is_id(peer) or not peer)  # "": that run of it has ended
                ):
                    self.held.hold(share, Key(ip, port, peer), quiet_at=now + QUIET_S, now=now)

    # Coming and going

    def _forget(
        self, key: Key, now: float, keeps: Sequence[str] = (), *, has_ended: bool = False
    ) -> None:
        program = self._programs.pop(key)
        del self._silent[key]
        self.places.leave(key)
        self._files -= len(program.files)
        self._leave_shares(key, program, now=now, keeps=keeps, has_ended=has_ended)
        self._tell_lmk1(key, None)

    def _take_status(self, key: Key, program: Program, status: Status, now: float) -> None:
        if status.shares == program.shares:
            program.status = status
            return
        self._leave_shares(key, program, now=now, keeps=status.shares)
        program.status = status
        self._enter_shares(key, program)

    def _tell_lmk1(self, key: Key, program: Program | None) -> None:
        if self.lmk1 is not None:
            self.lmk1.note(key, program)

    def _enter_shares(self, key: Key, program: Program) -> None:
        self.by_share.join(key, program.shares, is_leecher=program.is_leecher)

    def _leave_shares(
        self,
        key: Key,
        program: Program,
        *,
        now: float,
        keeps: Sequence[str],
        has_ended: bool = False,
    ) -> None:
        """Those that it told and does not keep are gone.

        Whoever else names them does not keep them: nobody would tell what changes in them. Of a run
        that has ended nobody can come back under its peer id, which others know.
        """
        owner = key._replace(peer="") if has_ended else key
        quiet_at = program.last_ping + QUIET_S
        self.by_share.part(key, program.shares, is_leecher=program.is_leecher)
        for share_id in program.shares:
            share = self.catalogue.share(share_id)
            if share_id not in keeps and share is not None and share.owner.key == key:
                self.catalogue.drop(share_id)
                self.held.hold(share_id, owner, quiet_at=quiet_at, now=now)

    def _make_room(self, key: Key, origin: Origin, now: float) -> None:
        """Make room for one more program. Raises PeerProtocolError when there is none.

        At one place MAX_RUNS are kept: while they ping the one that answered there and the first,
        and the newest.
        """
        there = self.places.at(key.place)
        if len(there) >= MAX_RUNS:

            def worth(one: Key) -> tuple[bool, bool]:
                is_heard = self.is_heard(one, now=now)
                return is_heard and self._programs[one].has_answered, is_heard and one == there[0]

            self._forget(min(there, key=worth), now)
        from_there = self.places.places_of(origin.ip)
        if not there and from_there >= MAX_PER_HOST and not origin.is_here:
            raise PeerProtocolError(f"{origin.ip} registered {from_there} programs already")
        if len(self._programs) >= MAX_PROGRAMS:
            raise PeerProtocolError(f"there are {MAX_PROGRAMS} programs already")
