"""Decides which idle connection makes room for a newcomer when all places are taken. Pure.

A host with many places loses one before hosts with few; of one host, the connection that has been
idle longest goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar


class Limits(NamedTuple):
    """How long a connection may be idle before it loses its place."""

    unproven_s: float = 2.0  # if it was never of use
    proven_s: float = 15.0  # if it was
    crowd_s: float = 0.5  # in any case, if its host has `crowd` places more than the newcomer's
    crowd: int = 2


LIMITS = Limits()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Occupant(Generic[T]):
    """Who has a place."""

    who: T
    host: str
    idle_s: float  # since it was last of use, or came
    is_proven: bool  # it was of use once


def who_goes(occupants: Collection[Occupant[T]], host: str, *, most_of_host: int) -> T | None:
    """Whom a newcomer from this host replaces; None if all have been active lately."""
    counts = Counter(occupant.host for occupant in occupants)
    of_host = [occupant for occupant in occupants if occupant.host == host]
    rivals = of_host if len(of_host) >= most_of_host else occupants
    idle = [
        occupant
        for occupant in rivals
        if occupant.idle_s >= _patience_s(occupant, counts, counts[host])
    ]
    if not idle:
        return None
    return max(idle, key=lambda occupant: (counts[occupant.host], occupant.idle_s)).who


def evicted(
    occupants: Collection[Occupant[T]], host: str, *, most: int, most_of_host: int
) -> list[T] | None:
    """Who must leave so that a newcomer from this host may come; None if it may not."""
    of_host = sum(occupant.host == host for occupant in occupants)
    if len(occupants) < most and of_host < most_of_host:
        return []
    leaving = who_goes(occupants, host, most_of_host=most_of_host)
    return None if leaving is None else [leaving]


def _patience_s(occupant: Occupant[T], counts: Counter[str], of_newcomer: int) -> float:
    patience_s = LIMITS.proven_s if occupant.is_proven else LIMITS.unproven_s
    is_crowd = counts[occupant.host] >= of_newcomer + LIMITS.crowd
    return min(LIMITS.crowd_s, patience_s) if is_crowd else patience_s
