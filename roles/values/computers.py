"""The computers of a room, each with all of its programs. Pure.

The texts come from strangers.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from roles.values.addresses import Address
from roles.values.participants import PRECEDENCE, Participant, ParticipantState, total_of

SILENT_S = 12.0  # without a ping, which comes every 5 s
OLD_SILENT_S = 50.0  # the same for versions before 1.3, which ping every 15 s
ORIGINAL_SILENT_S = 250.0  # originals ping every 120 s
DISK_IS_FULL = "waiting for space"  # the state of such a transfer, on the wire
# The reason of a computer that waits because one of its programs is gone, while others go on.
STOPPED = "stopped before its end"
FELL_SILENT = "the program that downloads is silent"
_UNFINISHED = frozenset({ParticipantState.DOWNLOADING, ParticipantState.WAITING})
# What version 1.2 and earlier report of a download that cannot go on.
_OLD_WAITING = frozenset({"in line", "retrying", DISK_IS_FULL, "paused"})


@dataclass(frozen=True, slots=True)
class Computer:
    """One computer of the room."""

    machine: str  # its id, until its address or the tracker's changes
    name: str  # "" if no program has said it
    address: Address  # of the program that pinged last
    state: ParticipantState
    have: int = 0  # bytes, of `size`: of everything that was asked for
    size: int = 0
    title: str = ""  # of what it downloads, or downloaded last
    reason: str = ""  # why it waits or failed; "" if there is none
    up: int = 0  # bytes per second; 0 if it is silent or has left
    down: int = 0
    given: int = 0  # bytes uploaded
    files: int = 0  # that it offers
    seconds_left: float | None = None  # until it has everything; None if that is not known
    silent_s: float = 0.0  # since the last ping of any of its programs
    silent_from_s: float = SILENT_S  # from then on it counts as silent
    has_left: bool = False  # all of its programs have said that they stop
    is_disk_full: bool = False
    is_reachable: bool | None = None  # can others connect to all of its programs? None: not known
    is_original: bool = False
    programs: tuple[Participant, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether it may have been switched off."""
        return self.silent_s >= self.silent_from_s and not self.has_left

    @property
    def is_behind_firewall(self) -> bool:
        return self.is_reachable is False and not self.has_left

    @property
    def needs_help(self) -> bool:
        is_stuck = self.state is ParticipantState.FAILED or self.is_disk_full
        return is_stuck or self.is_silent or self.is_behind_firewall

    @property
    def is_counted(self) -> bool:
        """Whether it belongs to those that get files, or may begin to."""
        return self.state is not ParticipantState.GIVING


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """How far the room is."""

    counted: int  # without those that only give
    done: int
    problems: int  # computers that need help
    seconds_left: float | None  # until the last one that downloads is done; None if unknown
    silent: int
    states: Counter[ParticipantState]  # how many are in each, without those that are silent

    @property
    def computers(self) -> int:
        return self.silent + self.states.total()


def machine_id(key: bytes, name: str, own: str, tracker: str) -> str:
    """What a program calls its computer in one tracker's room, so that no other room knows it.

    `key` is a secret of the program's user, `own` this computer's address, both the same for all of
    its programs.
    """
    text = "\n".join((name, own, tracker)).encode(errors="replace")
    return hmac.digest(key, text, "sha256").hex()[:16]


def machines_of(everyone: Sequence[Participant]) -> list[str]:
    """Computer.machine of each program's computer.

    A program of version 1.2 or earlier tells no id. It belongs to the computer of the same address
    and name, if only one id is told there: computers behind one router share an address. If the
    user has given the computer another name in version 1.3, it counts as two.
    """
    ids = dict[tuple[str, str], set[str]]()  # told at each address, under each name
    for program in everyone:
        if program.status.machine and program.name:
            ids.setdefault((program.address.host, program.name), set()).add(program.status.machine)

    def machine_of(program: Participant) -> str:
        known = ids.get((program.address.host, program.name), ())
        return next(iter(known)) if len(known) == 1 else program.address.host

    return [program.status.machine or machine_of(program) for program in everyone]


def computers_of(participants: Iterable[Participant], *, now: float) -> tuple[Computer, ...]:
    """In the order of their first programs; `now` is on the clock of Participant.last_ping."""
    return tuple(each_computer(tuple(participants), now=now))


def each_computer(everyone: Sequence[Participant], *, now: float) -> Iterator[Computer]:
    """The same, one after another: most of the work is done when the next one is asked for."""
    by_machine = dict[str, list[Participant]]()
    for program, machine in zip(everyone, machines_of(everyone), strict=True):
        by_machine.setdefault(machine, []).append(program)
    return (_computer(machine, programs, now=now) for machine, programs in by_machine.items())


def summary_of(computers: Iterable[Computer]) -> RoomSummary:
    everyone = tuple(computers)
    counted = [computer for computer in everyone if computer.is_counted]
    left = [computer.seconds_left for computer in everyone if not computer.is_silent]
    known = [seconds for seconds in left if seconds is not None]
    return RoomSummary(
        counted=len(counted),
        done=sum(computer.state is ParticipantState.DONE for computer in counted),
        problems=sum(computer.needs_help for computer in everyone),
        seconds_left=max(known, default=None),
        silent=sum(computer.is_silent for computer in everyone),
        states=Counter(computer.state for computer in everyone if not computer.is_silent),
    )


def state_of(program: Participant) -> ParticipantState:
    """The state that a program reports, even one from before these states existed."""
    said = program.status.state
    if program.is_original or not program.is_leecher:
        return ParticipantState.GIVING
    # Older versions say "done" whenever they download nothing; a program that has only registered
    # has said nothing yet.
    if not said or (said == ParticipantState.DONE and not program.status.machine):
        return ParticipantState.IDLE
    try:
        return ParticipantState(said)
    except ValueError:
        return ParticipantState.WAITING if said in _OLD_WAITING else ParticipantState.DOWNLOADING


def _computer(machine: str, programs: Sequence[Participant], *, now: float) -> Computer:
    """The computer of these programs."""
    present = [program for program in programs if not program.has_left]
    live = [program for program in present if not is_silent(program, now=now)]
    newest = max(live or programs, key=lambda program: program.last_ping)
    leechers = [program for program in live if program.is_leecher]
    has_asked = any(state_of(leecher) is not ParticipantState.IDLE for leecher in leechers)
    # A program that has ended counts until another one of this computer gets something.
    counted = live if has_asked else _last_runs(programs)

    def precedence(program: Participant) -> tuple[int, bool]:
        return PRECEDENCE.index(state_of(program)), program not in live

    first = min(counted, key=precedence)
    state, reason = state_of(first), _reason(first)
    has_ended = bool(live) and first not in live
    if has_ended and state in _UNFINISHED:
        state, reason = ParticipantState.WAITING, STOPPED if first.has_left else FELL_SILENT
    totals = [_total(program) for program in counted]
    known = [program.is_reachable for program in live if program.is_reachable is not None]
    left = [] if state is not ParticipantState.DOWNLOADING else list(map(_seconds_left, live))
    return Computer(
        machine=machine,
        name=next((program.name for program in (newest, *programs) if program.name), ""),
        address=newest.address,
        state=state,
        have=sum(have for have, _ in totals),
        size=sum(size for _, size in totals),
        title=_title(first),
        reason=reason,
        up=sum(program.status.up for program in live),
        down=sum(program.status.down for program in live),
        given=sum(program.status.given for program in programs),
        files=max(program.files for program in programs),
        seconds_left=max((seconds for seconds in left if seconds is not None), default=None),
        silent_s=max(0.0, now - newest.last_ping),
        silent_from_s=_silent_from_s(newest),
        has_left=not live and newest.has_left,
        is_disk_full=not has_ended
        and any(transfer.state == DISK_IS_FULL for transfer in first.status.transfers),
        is_reachable=all(known) if known else None,
        is_original=all(program.is_original for program in programs),
        programs=tuple(programs),
    )


def _last_runs(programs: Sequence[Participant]) -> list[Participant]:
    """Leave out a program if a later one at the same address got something: only one can listen
    there, so the earlier one was killed, and the later one took up what it had begun.
    """
    last = dict[Address, float]()
    for program in programs:
        if state_of(program) not in (ParticipantState.IDLE, ParticipantState.GIVING):
            last[program.address] = max(program.last_ping, last.get(program.address, -inf))
    return [program for program in programs if program.last_ping >= last.get(program.address, -inf)]


def is_silent(program: Participant, *, now: float) -> bool:
    """Whether it has missed at least two pings."""
    return now - program.last_ping >= _silent_from_s(program)


def _silent_from_s(program: Participant) -> float:
    if program.is_original:
        return ORIGINAL_SILENT_S
    return SILENT_S if program.status.machine else OLD_SILENT_S


def _seconds_left(program: Participant) -> float | None:
    """As the program says; if it is older, at its present rate."""
    status = program.status
    if program.status.machine:
        return status.seconds_left
    have, size = _total(program)
    return (size - have) / status.down if status.down > 0 and size > have else None


def _total(program: Participant) -> tuple[int, int]:
    status = program.status
    return (status.have, status.size) if status.size else total_of(status.transfers)


def _title(program: Participant) -> str:
    transfers = program.status.transfers
    unfinished = (transfer for transfer in transfers if transfer.have < transfer.size)
    return next(unfinished, transfers[0]).title if transfers else ""


def _reason(program: Participant) -> str:
    said = (program.status.reason, *(transfer.reason for transfer in program.status.transfers))
    return next(filter(None, said), "")
