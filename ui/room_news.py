"""Says what happens in a room, one sentence at a time, for the terminal and the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from roles.program.log_file import SAID
from roles.values.addresses import is_loopback
from roles.values.members import Member
from roles.values.participants import MemberState
from ui import wording

log = logging.getLogger(__name__)

_ENDED = (MemberState.DONE, MemberState.FAILED, MemberState.CANCELLED)


class RoomNews:
    """Notes how the computers of a room are doing."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}  # as noted last, by machine
        self._began: dict[str, float] = {}  # when each machine began to download

    def note(self, members: Sequence[Member], *, now: float) -> list[str]:
        """What is new, in the order in which it happened; the log has it too."""
        said = list[str]()
        for one in members:
            news = changes(self._members.get(one.machine), one, seconds=self._spent(one, now))
            said += [f"{_name(one)} {words}" for words in news]
        machines = {one.machine: one for one in members}
        for machine, before in self._members.items():
            if machine not in machines and not before.has_left:
                said.append(f"{_name(before)} has left")
        self._members = machines
        for sentence in said:
            log.info("%s.", sentence, extra=SAID)
        return said

    def _spent(self, one: Member, now: float) -> float | None:
        """Seconds since it began to download, if it was seen to."""
        before = self._members.get(one.machine)
        if one.state is MemberState.DOWNLOADING and (before is None or before.state in _BEFORE):
            self._began[one.machine] = now
        return now - self._began.pop(one.machine, now) or None if one.state in _ENDED else None


def changes(before: Member | None, one: Member, *, seconds: float | None = None) -> list[str]:
    """What happened to a member, in the order in which it is told; `seconds` since its download
    began.
    """
    was = before or replace(
        one,
        state=MemberState.GIVING,
        files=0,
        is_reachable=None,
        has_left=False,
        silent_s=0.0,
    )
    told = ["joined"] if one.is_counted and (before is None or not before.is_counted) else []
    if one.files and one.files != was.files:
        told.append(f"offers {wording.count(one.files, 'file')}")
    if one.state is not was.state:
        told += filter(None, [_state(one, was.state, seconds)])
    if one.is_behind_firewall and not was.is_behind_firewall:
        told.append("is behind a firewall: others cannot connect to it")
    if one.is_silent and not was.is_silent:
        told.append("has gone silent")
    if (was.is_silent or was.has_left) and not (one.is_silent or one.has_left):
        told.append("is back")
    if one.has_left and not was.has_left:
        told.append("has left")
    return told


_BEFORE = (MemberState.IDLE, MemberState.GIVING, *_ENDED)  # a download


def _state(one: Member, was: MemberState, seconds: float | None) -> str:
    reason = f": {wording.short_name(one.reason)}" if one.reason else ""
    what = wording.short_name(one.title) if one.title else "everything"
    match one.state:
        case MemberState.DOWNLOADING if was in _BEFORE:
            return f"is downloading {what}, {wording.size(one.size)}" if one.size else ""
        case MemberState.DONE:
            spent = f" in {wording.spent(seconds)}" if seconds else ""
            return f"downloaded {what}, {wording.size(one.size)}{spent}"
        case MemberState.FAILED:
            return f"failed{reason}"
        case MemberState.WAITING:
            return f"is waiting{reason}"
        case MemberState.CANCELLED:
            return "cancelled its download"
        case _:
            return ""


def _name(one: Member) -> str:
    if is_loopback(one.address.host):
        return wording.place(one.address)
    return wording.computer(one.name, one.address)
