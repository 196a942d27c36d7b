"""Which trackers answer, and which of them replaces a silent one. Pure state."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from roles.values.addresses import Address, is_loopback
from roles.values.findings import FoundTracker, ours_first
from roles.values.settings import Failover

UNANSWERED = 6  # calls, after which a tracker is forgotten: a network may lose some datagrams
MAX_FOUND = 64  # more than anyone chooses from; a limit for floods of answers


class _Answer(NamedTuple):
    tracker: FoundTracker
    is_own: bool  # it is on this computer
    missed: int = 0  # calls since then


class FoundTrackers:
    """A tracker on this computer counts once, however many addresses it answers at."""

    def __init__(self) -> None:
        self._answers: dict[Address, _Answer] = {}  # the last of each

    def note(self, tracker: FoundTracker, *, is_own: bool) -> bool:
        """Take an answer; True when trackers() has changed."""
        if tracker.address not in self._answers and len(self._answers) >= MAX_FOUND:
            return False
        before = self.trackers()
        self._answers[tracker.address] = _Answer(tracker, is_own)
        return self.trackers() != before

    def called(self) -> bool:
        """A call goes out to all. Forget those that did not answer the last UNANSWERED ones; True
        when trackers() has changed.
        """
        before = self.trackers()
        self._answers = {
            address: answer._replace(missed=answer.missed + 1)
            for address, answer in self._answers.items()
            if answer.missed < UNANSWERED
        }
        return self.trackers() != before

    @property
    def is_one_silent(self) -> bool:
        """Whether some tracker has not answered the last call."""
        return any(answer.missed for answer in self._answers.values())

    def forget(self, hosts: Collection[str]) -> bool:
        """This computer lost these addresses; True if a tracker was found at one of them."""
        gone = [address for address in self._own() if address.host in hosts]
        for address in gone:
            del self._answers[address]
        return bool(gone)

    def trackers(self) -> tuple[FoundTracker, ...]:
        """Our trackers first, then by name and address."""
        own = self._own()
        doubles = set[Address]()  # each is listed at an address that others can use, if it has one
        for port in {address.port for address in own}:
            same = (address for address in own if address.port == port)
            doubles.update(sorted(same, key=_best_first)[1:])
        answers = self._answers.items()
        return ours_first(answer.tracker for address, answer in answers if address not in doubles)

    def _own(self) -> list[Address]:
        return [address for address, answer in self._answers.items() if answer.is_own]


def _best_first(address: Address) -> tuple[bool, str]:
    return is_loopback(address.host), address.host


def successor(
    found: Iterable[FoundTracker], *, room: str, name: str, failover: Failover
) -> FoundTracker | None:
    """The tracker to use instead of a silent one; None if there is none, or the user must choose.

    The same run, which `room` names, at another address comes first. Otherwise, if the program
    itself chose the silent one, it is the only tracker on a computer of that `name`, or the only
    one at all. Everybody in the silent one's room knows room and name, so they prove nothing.
    """
    in_order = ours_first(found)
    for tracker in in_order:
        if room and tracker.room == room:
            return tracker
    if failover is not Failover.ANY:
        return None
    namesakes = [tracker for tracker in in_order if name and tracker.name == name]
    candidates = namesakes or list(in_order)
    return candidates[0] if len(candidates) == 1 else None
