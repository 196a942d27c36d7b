"""The tracker's table: which programs are in the room now, and which of them owns a share.

An entry changes only on a request from its proved address with its peer id. No request looks at all
entries. Pure state: the caller passes the time and addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

from roles.room.departed import Departed
from roles.room.holders import HoldersByShare
from roles.room.registry_entry import (
    LIFETIME_S,
    QUIET_S,
    Endpoints,
    Entry,
    Key,
    Origin,
    Program,
    Reader,
)
from roles.room.reserved_shares import ReservedShares
from roles.room.room_list import ListRefusedError, Owner, RoomList
from roles.values.addresses import Address, is_unicast
from roles.values.computers import SILENT_S, is_silent, machines_of
from roles.values.errors import PeerProtocolError
from roles.values.participants import Participant, Status
from roles.wire.fields import is_id, is_port
from roles.wire.list_wire import TellList
from roles.wire.tracker_messages import Code, Holder, Ping, Register, TellFiles

MAX_PROGRAMS = 12_000  # seeders and leechers
MAX_PER_HOST = 8  # for lab machines with several users; this machine is exempt
MAX_IDLE_PER_HOST = 32  # besides: open windows that have asked for nothing
MAX_RUNS = 2  # programs at one address and port: one of them has ended or lies
MAX_FILES = 400_000  # on all lists for LMK/1 readers
EXPIRED_AT_ONCE = 500  # before sockets are read again: a whole room may fall silent together
_HOLDERS = 64  # looked up for one answer, which holds fewer


class Lmk1Seeders(Protocol):
    """The seeders in the same room that speak only LMK/1. Nothing proves their addresses."""

    changes: int  # of what participants() yields

    def entry(self, key: Key) -> Entry | None: ...

    def note(self, key: Key, program: Program | None) -> None:
        """A program registered or changed its list for LMK/1 readers; None: it is gone."""

    def participants(self) -> Iterator[Participant]: ...

    def files_for_readers(self, *, is_here: bool) -> Mapping[str, int]:
        """What LMK/1 readers are told. `is_here`: on the tracker's machine."""


class Registry:
    """`now` is in seconds of a monotonic clock everywhere."""

    def __init__(self, room_list: RoomList | None = None, *, offers_here: bool = False) -> None:
        """With `offers_here` only the tracker's own computer may offer files."""
        self.offers_here = offers_here
        self.room_list = room_list or RoomList("00000000")
        self.endpoints = Endpoints()  # of programs; only this class changes it
        self.by_share = HoldersByShare()  # includes LMK/1 seeders
        self.reserved = ReservedShares()
        self.departed = Departed()
        self.lmk1: Lmk1Seeders | None = None  # set once, before anybody registers
        self.changes = 0  # of what participants() yields, except the times of pings
        self.pings = 0
        self._programs: dict[Key, Program] = {}
        self._runs: dict[str, Key] = {}  # the newest entry of each run of a program, by its peer id
        self._silent = OrderedDict[Key, None]()  # the same keys, longest silence first
        self._files = 0  # on all lists for LMK/1 readers

    # What programs say

    def register(self, request: Register, origin: Origin, *, now: float) -> tuple[Key, Program]:
        """Register a program, or register it again.

        Another program at the same address and port gets its own entry: only one of them can listen
        there, and the one that has ended falls silent. Raises PeerProtocolError when the table is
        full.
        """
        program = Program(
            origin,
            request.advertised,
            request.everywhere,
            last_ping=now,
            status=Status(shares=request.shares, machine=request.machine),
            is_leecher=request.is_leecher,
            peer=request.peer,
            name=request.name,
        )
        program.check_source()
        key = program.key
        known = self._programs.get(key)
        if known is None:
            self._make_room(key, origin, now, is_idle=program.is_idle)
        else:
            program.files = {} if program.is_leecher else known.files
            program.has_answered = known.has_answered
            if program.is_leecher == known.is_leecher:  # its next ping tells it
                said = program.status
                program.status = replace(known.status, shares=said.shares, machine=said.machine)
            self._take_out(key, now, keeps=() if program.is_leecher else program.shares)
        self.changes += 1
        self.departed.returned(key)
        self._programs[key] = program
        self._runs[key.peer] = key
        self._silent[key] = None
        self.endpoints.enter(key)
        self._files += len(program.files)
        self._enter_shares(key, program)
        if known is not None:
            self._drop_unheld(known.shares, now)
        self._tell_lmk1(key, program)
        return key, program

    def hear(self, ping: Ping, ip: str, *, now: float) -> Program | None:
        """Take a ping from this address; None when no such program is registered."""
        key = Key(ip, ping.advertised.port, ping.peer)
        program = self._programs.get(key)
        if program is None or program.advertised != ping.advertised:
            return None
        self.pings += 1
        program.last_ping = now
        self._silent.move_to_end(key)
        if ping.leaving:
            last = replace(program, status=ping.status).participant(0)
            self.departed.note(key, replace(last, has_left=True))
            self._forget(key, now, has_ended=True)
        elif ping.status != program.status:
            self.changes += 1
            self._take_status(key, program, ping.status, now)
        return program

    def upload(self, request: TellFiles, origin: Origin) -> bool:
        """Replace a seeder's list for LMK/1 readers; False when the seeder is unknown.

        Raises PeerProtocolError when the table is full.
        """
        key = Key(origin.ip, request.port, request.peer)
        program = self._programs.get(key)
        if program is None or program.is_leecher:
            return False
        if self.offers_here and not origin.is_here:
            return True
        others = self._files - len(program.files)
        if others + len(request.files) > MAX_FILES:
            raise PeerProtocolError(f"there are {self._files} files on the lists already")
        self.changes += 1
        program.take_list(request.files)
        self._files = others + len(program.files)
        self._tell_lmk1(key, program)
        return True

    def holders(self, asked: Sequence[str], *, is_here: bool) -> Iterator[Holder]:
        """Seeders and leechers of these shares: first their owners, because anybody can claim to
        have a share, then some others, different ones at each call. `is_here`: the reader is on
        the tracker's machine. The answers change with `by_share.state`.
        """
        reader = Reader(is_here, tracker_host="")
        named = set[Address]()  # a restarted program is registered twice for a while
        others = self.by_share.sample(asked, _HOLDERS)
        for key, indexes in chain(self._owners(asked), others):
            program = self._programs.get(key)
            entry = program or (self.lmk1.entry(key) if self.lmk1 else None)
            address = None if entry is None else entry.address_for(reader)
            if entry is None or address is None or address in named or self._is_elsewhere(key):
                continue
            named.add(address)
            yield Holder(
                # An original's user may have typed localhost: that is the tracker's machine.
                address if address.host[-1:].isdigit() else Address("", address.port),
                is_leecher=entry.is_leecher,
                is_unreachable=program is not None and program.is_reachable is False,
                is_original=program is None,
                asked=indexes,
            )

    def _owners(self, asked: Sequence[str]) -> Iterator[tuple[Key, tuple[int, ...]]]:
        for share in filter(None, map(self.room_list.share, dict.fromkeys(asked))):
            program = self._programs.get(share.owner.key)
            if program is not None:
                indexes = (at for at, share_id in enumerate(asked) if share_id in program.shares)
                yield share.owner.key, tuple(indexes)

    def _is_elsewhere(self, key: Key) -> bool:
        """Whether it is unreachable, but another program at its address and port may not be."""
        program = self.entry(key)
        if program is None or program.is_reachable is not False:
            return False
        there = filter(None, map(self.entry, self.endpoints.at(key.endpoint)))
        return any(other.is_reachable is not False for other in there)

    # What the tracker itself does

    def entry(self, key: Key) -> Program | None:
        return self._programs.get(key)

    def is_heard(self, key: Key, *, now: float) -> bool:
        """Whether this program pinged within QUIET_S."""
        return self._is_within(key, QUIET_S, now)

    def expire(self, *, now: float) -> int:
        """Forget programs that have been silent for LIFETIME_S. Returns how many: EXPIRED_AT_ONCE
        at most.
        """
        gone = 0
        while self._silent and gone < EXPIRED_AT_ONCE:
            key = next(iter(self._silent))
            if now - self._programs[key].last_ping <= LIFETIME_S:
                break
            if not self._has_moved(key, now=now):
                self.departed.note(key, self._programs[key].participant(0))
            self._forget(key, now)
            gone += 1
        return gone

    def note_reachable(self, key: Key, is_reachable: bool) -> None:
        """The tracker has tried to connect to this program."""
        program = self._programs.get(key)
        if program is not None and not program.is_here_only:
            program.is_reachable = is_reachable
            self.changes += 1
            self.by_share.state += 1

    def is_contested(self, key: Key) -> bool:
        """Whether several programs claim this address and port."""
        return len(self.endpoints.at(key.endpoint)) > 1

    def note_listening(self, key: Key, *, now: float) -> None:
        """This program answered at its address and port: others registered there have ended."""
        program = self.entry(key)
        if program is not None:
            program.has_answered = True
        for other in self.endpoints.at(key.endpoint):
            if other != key:
                program = self._programs[other]
                program.last_ping = min(program.last_ping, now - QUIET_S)
                self._tell_lmk1(other, None)

    def entries(self) -> list[Program]:
        return list(self._programs.values())

    def participants(self, *, now: float) -> Iterator[Participant]:
        """All programs, first those that are gone."""
        for key, gone in self.departed.items():
            if gone.has_left or not self._has_moved(key, now=now):
                yield gone
        for key, program in list(self._programs.items()):
            if not self._has_moved(key, now=now):
                yield self.participant(program)

    def _has_moved(self, key: Key, *, now: float) -> bool:
        """Whether it is silent, but the same run is heard from another address: its computer has
        changed the network. Peers know each other's ids, so this proves nothing while it is heard.
        """
        newest = self._runs.get(key.peer, key)
        if newest == key or self._is_within(key, SILENT_S, now):
            return False
        return self._is_within(newest, SILENT_S, now)

    def _is_within(self, key: Key, seconds: float, now: float) -> bool:
        program = self._programs.get(key)
        return program is not None and now - program.last_ping < seconds

    def participant(self, program: Program) -> Participant:
        if program.is_leecher:
            return program.participant(0)
        shares = filter(None, map(self.room_list.share, program.shares))
        return program.participant(sum(share.files for share in shares) or len(program.files))

    def remove(self, machine: str, *, now: float) -> None:
        """Forget a computer (Computer.machine) whose programs are all gone or silent."""
        programs = {key: program.participant(0) for key, program in self._programs.items()}
        everyone = [*programs.items(), *self.departed.items()]
        machines = machines_of([participant for _, participant in everyone])
        there = [known for known, its in zip(everyone, machines, strict=True) if its == machine]
        running = [key for key, participant in there if programs.get(key) is participant]
        if not all(is_silent(programs[key], now=now) for key in running):
            return
        for key in running:
            self._forget(key, now)
        self.changes += self.departed.remove({key for key, _ in there})

    def owner_of(self, call: TellList, ip: str, *, now: float) -> Owner:
        """The program at this address that sends the list, as the owner of the share, which it is
        from now on. Raises ListRefusedError if it must not change the share.
        """
        program = self.entry(Key(ip, call.port, call.peer))
        if program is None or program.is_leecher or call.share not in program.shares:
            text = "The tracker does not know a seeder with this folder."
            raise ListRefusedError(Code.UNKNOWN, text)
        # Programs on the tracker's own machine have no limit.
        owner = Owner(program.key, "" if program.origin.is_here else ip, program.status.machine)
        share = self.room_list.share(call.share)
        if share is None:
            self._check_reserved(call.share, owner, now=now)
        elif share.owner != owner:
            self._take_over(call.share, share.owner, owner, now=now)
        return owner

    def _check_reserved(self, share_id: str, owner: Owner, *, now: float) -> None:
        """Whether it may own a share that is not listed. Raises ListRefusedError."""
        reservation = self.reserved.get(share_id, now=now)
        if reservation is None or reservation.owner.known_by == owner.key:
            return
        self._check_follows(reservation.owner, owner, now=now)
        if reservation.owner.key.ip != owner.key.ip and now < reservation.quiet_at:
            raise _busy()

    def _take_over(self, share_id: str, former: Owner, owner: Owner, *, now: float) -> None:
        """Give it a listed share. Raises ListRefusedError.

        While the last registration still pings, that one keeps the share, except against the same
        run on the same machine. A program that returns to where the share was told gets it back
        from one that told it elsewhere in the meantime.
        """
        key, before = owner.key, former.known_by
        reservation = self.reserved.get(share_id, now=now)
        has_returned = reservation is not None and reservation.owner.known_by == key
        if before != key and not has_returned:
            self._check_follows(former, owner, now=now)
            is_same_run = (before.ip, before.peer) == (key.ip, key.peer)
            if not is_same_run and self.is_heard(before, now=now):
                raise _busy()
            if before.ip != key.ip:
                self.reserved.reserve(share_id, former, quiet_at=now, now=now)
        self.room_list.hand_over(share_id, owner)

    def _check_follows(self, former: Owner, owner: Owner, *, now: float) -> None:
        """Whether it is the program that owned the share before. Raises ListRefusedError.

        It has the same peer id, or the same address and port, because it may have restarted. Peers
        know each other's ids, so an id alone proves nothing. Once the former one has ended or is
        silent, any program of the same user of the same computer counts as the same: nobody else
        can name its machine id.
        """
        if former.known_by.is_like(owner.key):
            return
        computer = (former.key.ip, former.machine)
        is_same_computer = bool(former.machine) and computer == (owner.key.ip, owner.machine)
        if not is_same_computer or self.is_heard(former.known_by, now=now):
            text = "Another program shares a folder with this id, or did a short time ago."
            raise ListRefusedError(Code.SHARE, text)

    # The state file

    @property
    def changes_saved(self) -> int:
        """Changes whenever saved() does, unless only reserved shares have changed."""
        return self.room_list.owners_state

    def saved(self) -> Iterator[dict[str, object]]:
        """The owner of each share, for the state file. Programs register again by themselves."""
        owners = dict(self.reserved.items()) | dict(self.room_list.owners())
        for share, owner in owners.items():
            key = owner.known_by
            saved: dict[str, object] = {"share": share, "teller": [key.ip, key.port, key.peer]}
            yield {**saved, "machine": owner.machine} if owner.machine else saved

    def restore(self, saved: Iterable[object], *, now: float) -> None:
        """Restore what saved() returned in an earlier run; skips what it cannot read."""
        for item in saved:
            match item:
                case {"share": str(share), "teller": [str(ip), int(port), str(peer)], **others} if (
                    is_id(share)
                    and is_unicast(ip)
                    and is_port(port)
                    and (is_id(peer) or not peer)  # "": that run has ended
                ):
                    machine = others.get("machine")
                    machine = machine if isinstance(machine, str) and is_id(machine) else ""
                    owner = Owner(Key(ip, port, peer), machine=machine)
                    self.reserved.reserve(share, owner, quiet_at=now + QUIET_S, now=now)

    # Coming and going

    def _forget(self, key: Key, now: float, *, has_ended: bool = False) -> None:
        shares = self._programs[key].shares
        self._take_out(key, now, has_ended=has_ended)
        self._drop_unheld(shares, now)

    def _take_out(
        self, key: Key, now: float, keeps: Sequence[str] = (), *, has_ended: bool = False
    ) -> None:
        self.changes += 1
        program = self._programs.pop(key)
        if self._runs.get(key.peer) == key:
            del self._runs[key.peer]
        del self._silent[key]
        self.endpoints.leave(key)
        self._files -= len(program.files)
        self._leave_shares(key, program, now=now, keeps=keeps, has_ended=has_ended)
        self._tell_lmk1(key, None)

    def _take_status(self, key: Key, program: Program, status: Status, now: float) -> None:
        if status.shares == program.shares:
            program.status = status
            return
        before = program.shares
        self._leave_shares(key, program, now=now, keeps=status.shares)
        program.status = status
        self._enter_shares(key, program)
        self._drop_unheld(before, now)

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
        """Leave the shares that it owns and does not keep to those who have them, or else drop
        them. `has_ended`: its peer id, which others know, is worthless now.
        """
        quiet_at = program.last_ping + QUIET_S
        self.by_share.part(key, program.shares, is_leecher=program.is_leecher)
        for share_id in program.shares:
            share = self.room_list.share(share_id)
            if share_id in keeps or share is None or share.owner.key != key:
                continue
            machine = program.status.machine
            owner = replace(share.owner, machine=machine, has_ended=has_ended)
            if self.by_share.has_any(share_id):
                self.room_list.leave(share_id, owner)
            else:
                self.room_list.drop(share_id)
                self.reserved.reserve(share_id, owner, quiet_at=quiet_at, now=now)

    def _drop_unheld(self, shares: Sequence[str], now: float) -> None:
        """Drop those of these shares which nobody has any more."""
        for share_id in shares:
            share = self.room_list.share(share_id)
            if share is None or not share.owner.is_proved or self.by_share.has_any(share_id):
                continue
            self.room_list.drop(share_id)
            self.reserved.reserve(share_id, share.owner, quiet_at=now, now=now)

    def _is_host_full(self, ip: str, *, is_idle: bool) -> bool:
        ports = self.endpoints.by_port(ip)
        idle = sum(all(self._programs[key].is_idle for key in there) for there in ports)
        return idle >= MAX_IDLE_PER_HOST if is_idle else len(ports) - idle >= MAX_PER_HOST

    def _make_room(self, key: Key, origin: Origin, now: float, *, is_idle: bool) -> None:
        """Make room for one more program. Raises PeerProtocolError if there is none.

        At one address and port, MAX_RUNS stay: the newest, and one that still pings, preferably the
        one that answered there, else the first.
        """
        there = self.endpoints.at(key.endpoint)
        if len(there) >= MAX_RUNS:

            def worth(run: Key) -> tuple[bool, bool]:
                is_heard = self.is_heard(run, now=now)
                return is_heard and self._programs[run].has_answered, is_heard and run == there[0]

            least = min(there, key=worth)
            self.departed.note(least, self._programs[least].participant(0))
            self._forget(least, now)
        if not there and not origin.is_here and self._is_host_full(origin.ip, is_idle=is_idle):
            raise PeerProtocolError(f"{origin.ip} registered too many programs already")
        if len(self._programs) >= MAX_PROGRAMS:
            raise PeerProtocolError(f"there are {MAX_PROGRAMS} programs already")


def _busy() -> ListRefusedError:
    text = "The tracker waits until the program that shared this folder before falls silent."
    return ListRefusedError(Code.BUSY, text)
