"""Says what happens in a room, one sentence at a time, for the terminal and the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from roles.program.log_file import SAID
from roles.values import figures
from roles.values.addresses import is_loopback
from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from ui import wording

log = logging.getLogger(__name__)

_ENDED = (ParticipantState.DONE, ParticipantState.FAILED, ParticipantState.CANCELLED)


class RoomNews:
    """Notes how the computers of a room are doing."""

    def __init__(self) -> None:
        self._computers: dict[str, Computer] = {}  # as noted last, by machine
        self._began: dict[str, float] = {}  # when each machine began to download

    def note(self, computers: Sequence[Computer], *, now: float) -> list[str]:
        """What is new, in the order in which it happened; the log has it too."""
        said = list[str]()
        for one in computers:
            news = changes(self._computers.get(one.machine), one, seconds=self._spent(one, now))
            said += [f"{_name(one)} {words}" for words in news]
        machines = {one.machine: one for one in computers}
        for machine, before in self._computers.items():
            if machine not in machines and not before.has_left:
                said.append(f"{_name(before)} has left")
        self._computers = machines
        for sentence in said:
            log.info("%s.", sentence, extra=SAID)
        return said

    def _spent(self, computer: Computer, now: float) -> float | None:
        """Seconds since it began to download, if it was seen to."""
        before = self._computers.get(computer.machine)
        if computer.state is ParticipantState.DOWNLOADING and (
            before is None or before.state in _BEFORE
        ):
            self._began[computer.machine] = now
        return (
            now - self._began.pop(computer.machine, now) or None
            if computer.state in _ENDED
            else None
        )


def changes(
    before: Computer | None, computer: Computer, *, seconds: float | None = None
) -> list[str]:
    """What happened to a computer, in the order in which it is told; `seconds` since its download
    began.
    """
    was = before or replace(
        computer,
        state=ParticipantState.GIVING,
        files=0,
        is_reachable=None,
        has_left=False,
        silent_s=0.0,
    )
    told = ["joined"] if computer.is_counted and (before is None or not before.is_counted) else []
    if computer.files and computer.files != was.files:
        told.append(f"offers {figures.count(computer.files, 'file')}")
    if computer.state is not was.state:
        told += filter(None, [_state(computer, was.state, seconds)])
    if computer.is_behind_firewall and not was.is_behind_firewall:
        told.append("is behind a firewall: others cannot connect to it")
    if computer.is_silent and not was.is_silent:
        told.append("has gone silent")
    if (was.is_silent or was.has_left) and not (computer.is_silent or computer.has_left):
        told.append("is back")
    if computer.has_left and not was.has_left:
        told.append("has left")
    return told


_BEFORE = (ParticipantState.IDLE, ParticipantState.GIVING, *_ENDED)  # a download


def _state(computer: Computer, was: ParticipantState, seconds: float | None) -> str:
    reason = f": {wording.short_name(computer.reason)}" if computer.reason else ""
    what = wording.short_name(computer.title) if computer.title else "everything"
    match computer.state:
        case ParticipantState.DOWNLOADING if was in _BEFORE:
            return f"is downloading {what}, {figures.size(computer.size)}" if computer.size else ""
        case ParticipantState.DONE:
            spent = f" in {figures.duration_words(seconds)}" if seconds else ""
            return f"downloaded {what}, {figures.size(computer.size)}{spent}"
        case ParticipantState.FAILED:
            return f"failed{reason}"
        case ParticipantState.WAITING:
            return f"is waiting{reason}"
        case ParticipantState.CANCELLED:
            return "cancelled its download"
        case _:
            return ""


def _name(computer: Computer) -> str:
    if is_loopback(computer.address.host):
        return wording.place(computer.address)
    return wording.computer(computer.name, computer.address)
