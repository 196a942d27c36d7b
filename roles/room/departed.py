"""Programs that have left the room or fallen silent, so that a teacher sees how far they were.

Pure state.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeAlias

from roles.room.registry_entry import Key
from roles.values.computers import state_of
from roles.values.participants import Participant, ParticipantState
from roles.wire.fields import MAX_NUMBER

MAX_DEPARTED = 1_000  # more than a lesson has computers
MAX_PER_HOST = 4  # so that one computer cannot push out the others
_Computer: TypeAlias = tuple[str, str]  # IP address, and machine or advertised address
_Gone: TypeAlias = tuple[Key, Participant]
_HAS_ASKED_FOR_NOTHING = (ParticipantState.IDLE, ParticipantState.GIVING)


class Departed:
    """One program for each computer: the last one that got something, else the last one."""

    def __init__(self) -> None:
        self._gone: dict[_Computer, _Gone] = {}  # the oldest first
        self._of_host: dict[str, list[_Computer]] = {}

    def items(self) -> list[_Gone]:
        return list(self._gone.values())

    def note(self, key: Key, participant: Participant) -> None:
        """This program is gone."""
        computer = (key.ip, participant.status.machine or str(participant.address))
        gone = key, replace(participant, files=0)
        of_host = self._of_host.get(key.ip, [])
        if computer in self._gone:
            gone = _both(self._pop(computer), gone)
        elif len(of_host) >= MAX_PER_HOST:
            self._pop(of_host[0])
        elif len(self._gone) >= MAX_DEPARTED:
            self._pop(next(iter(self._gone)))
        self._gone[computer] = gone
        self._of_host.setdefault(key.ip, []).append(computer)

    def returned(self, key: Key) -> None:
        """This run of a program is here again, for it was only silent."""
        for computer in tuple(self._of_host.get(key.ip, ())):
            if self._gone[computer][0] == key:
                self._pop(computer)

    def remove(self, keys: AbstractSet[Key]) -> bool:
        """Forget these; False if none of them is here."""
        computers = [computer for computer, (key, _) in self._gone.items() if key in keys]
        for computer in computers:
            self._pop(computer)
        return bool(computers)

    def _pop(self, computer: _Computer) -> _Gone:
        gone = self._gone.pop(computer)
        of_host = self._of_host[computer[0]]
        of_host.remove(computer)
        if not of_host:
            del self._of_host[computer[0]]
        return gone


def _both(first: _Gone, second: _Gone) -> _Gone:
    """What is kept of two programs of one computer. One that was killed is noted only when it has
    been silent for long, and its next run may have ended before that.
    """
    (_, before), (key, last) = sorted((first, second), key=lambda gone: gone[1].last_ping)
    given = min(before.status.given + last.status.given, MAX_NUMBER)  # more could not be passed on
    kept = last
    if state_of(last) in _HAS_ASKED_FOR_NOTHING and before.is_leecher:
        kept = replace(before, last_ping=last.last_ping, has_left=last.has_left)
    return key, replace(kept, status=replace(kept.status, given=given))
