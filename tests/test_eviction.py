"""Whose connection ends when every place is taken, by the clock of the test."""

from __future__ import annotations

import unittest

from roles.net.eviction import LIMITS, Occupant, evicted, who_goes

MOST, OF_HOST = 8, 4
NEWCOMER = "newcomer"


def occupants(*some: tuple[str, float, bool]) -> list[Occupant[int]]:
    """Numbered from 0 on: host, seconds for which each is idle, whether it was of use."""
    return [Occupant(number, *occupant) for number, occupant in enumerate(some)]


class EvictionTest(unittest.TestCase):
    def goes(self, some: list[Occupant[int]], host: str = NEWCOMER) -> int | None:
        return who_goes(some, host, most_of_host=OF_HOST)

    def test_there_is_room_until_all_places_or_those_of_a_host_are_taken(self) -> None:
        few = occupants(*[("a", 0.0, False)] * 3)
        crowd = occupants(*[("a", 0.0, False)] * OF_HOST)
        full = occupants(*[(f"h{number}", 0.0, False) for number in range(MOST)])
        for some, host, is_free in (
            (few, "a", True),
            (crowd, "a", False),
            (crowd, NEWCOMER, True),
            (full, NEWCOMER, False),
        ):
            leaving = evicted(some, host, most=MOST, most_of_host=OF_HOST)
            self.assertEqual(leaving, [] if is_free else None)

    def test_nobody_goes_who_has_just_come_or_was_of_use_a_moment_ago(self) -> None:
        hosts = [f"h{number}" for number in range(MOST)]
        fresh = occupants(*[(host, LIMITS.unproven_s - 0.1, False) for host in hosts])
        useful = occupants(*[(host, LIMITS.proven_s - 0.1, True) for host in hosts])
        self.assertIsNone(self.goes(fresh))
        self.assertIsNone(self.goes(useful))

    def test_the_one_that_is_idle_longest_goes(self) -> None:
        some = occupants(("a", 5.0, False), ("b", 9.0, False), ("c", LIMITS.proven_s - 1, True))
        self.assertEqual(self.goes(some), 1)
        some = occupants(("a", 5.0, False), ("b", 9.0, False), ("c", LIMITS.proven_s + 1, True))
        self.assertEqual(self.goes(some), 2)

    def test_a_host_with_many_places_loses_one_first_and_soon(self) -> None:
        crowd = [("crowd", LIMITS.crowd_s + 0.1, True), ("crowd", LIMITS.crowd_s, True)]
        some = occupants(("lonely", 60.0, False), *crowd)
        self.assertEqual(self.goes(some), 1)
        self.assertEqual(self.goes(some, "lonely"), 0)  # the crowd has just one more

    def test_a_newcomer_of_a_host_that_has_all_its_places_gets_one_of_that_host(self) -> None:
        some = occupants(
            ("lonely", 60.0, False), *[("a", LIMITS.unproven_s + n, False) for n in range(OF_HOST)]
        )
        self.assertEqual(self.goes(some, "a"), OF_HOST)
        some = occupants(("lonely", 60.0, False), *[("a", LIMITS.unproven_s - 1, False)] * OF_HOST)
        self.assertIsNone(self.goes(some, "a"))
