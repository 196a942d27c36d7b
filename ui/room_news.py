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
_BEFORE = (ParticipantState.IDLE, ParticipantState.GIVING, *_ENDED)  # a download


class RoomNews:
    """Notes how the computers of a room are doing."""

    def __init__(self) -> None:
        self._computers: dict[str, Computer] = {}  # as noted last, by machine
        self._began: dict[str, float] = {}  # when each machine began to download

    def note(self, computers: Sequence[Computer], *, now: float) -> list[str]:
        """What is new, in the order in which it happened; the log has it too."""
        news = list[str]()
        for computer in computers:
            before, seconds = self._computers.get(computer.machine), self._spent(computer, now)
            changed = changes(before, computer, seconds=seconds)
            news += [f"{_name(computer)} {words}" for words in changed]
        present = {computer.machine: computer for computer in computers}
        for machine, gone in self._computers.items():
            if machine not in present and not gone.has_left:
                news.append(f"{_name(gone)} has left")
        self._computers = present
        for sentence in news:
            log.info("%s.", sentence, extra=SAID)
        return news

    def _spent(self, computer: Computer, now: float) -> float | None:
        """How many seconds a download took that has ended; None if nobody saw it begin."""
        before = self._computers.get(computer.machine)
        if computer.state is ParticipantState.DOWNLOADING and (
            before is None or before.state in _BEFORE
        ):
            self._began[computer.machine] = now
        if computer.state not in _ENDED:
            return None
        return now - self._began.pop(computer.machine, now) or None


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
    news = ["joined"] if computer.is_counted and (before is None or not before.is_counted) else []
    if computer.files and computer.files != was.files:
        news.append(f"offers {figures.count(computer.files, 'file')}")
    if computer.state is not was.state:
        news += filter(None, [_state(computer, was.state, seconds)])
    if computer.is_behind_firewall and not was.is_behind_firewall:
        news.append("is behind a firewall: others cannot connect to it")
    if computer.is_silent and not was.is_silent:
        news.append("has gone silent")
    if (was.is_silent or was.has_left) and not (computer.is_silent or computer.has_left):
        news.append("is back")
    if computer.has_left and not was.has_left:
        news.append("has left")
    return news


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
