"""What a leecher can upload: each content once, the copy with most of it."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.swarm import swarm_library
from roles.swarm.swarm_library import SwarmLibrary
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding

DATA = some_bytes(600_000)


class SwarmLibraryTest(unittest.TestCase):
    def setUp(self) -> None:
        self.library = SwarmLibrary()
        self.looks = 0
        self.library.look_again = self.look

    def look(self) -> None:
        self.looks += 1

    def holding(self, here: int, data: bytes = DATA) -> MemoryHolding:
        holding = MemoryHolding(data)
        holding.here = here
        return holding

    def test_what_is_added_is_found_and_uploads_hear_of_it(self) -> None:
        holding = self.holding(0b001)
        self.library.add(holding)
        self.assertIs(self.library.find(holding.content.root), holding)
        self.assertEqual(self.looks, 1)

    def test_of_two_copies_that_with_more_chunks_stays(self) -> None:
        little, much = self.holding(0b001), self.holding(0b011)
        for first, second in ((little, much), (much, little)):
            self.library.add(first)
            self.library.add(second)
            self.assertIs(self.library.find(little.content.root), much)

    def test_only_the_copy_that_is_there_is_dropped(self) -> None:
        one, other = self.holding(0b011), self.holding(0b001)
        self.library.add(one)
        self.library.drop(other)
        self.assertIs(self.library.find(one.content.root), one)
        self.library.drop(one)
        self.assertIsNone(self.library.find(one.content.root))

    def test_what_has_changed_is_offered_no_more(self) -> None:
        holding = self.holding(0b111)
        self.library.add(holding)
        self.library.withdraw(holding.content.root)
        self.assertIsNone(self.library.find(holding.content.root))

    def test_the_oldest_go_when_there_are_too_many(self) -> None:
        some = [self.holding(1, some_bytes(100, seed)) for seed in range(4)]
        with mock.patch.object(swarm_library, "MAX_CONTENTS", 3):
            for holding in (*some[:3], some[0], some[3]):  # the first one is new again
                self.library.add(holding)
        found = [self.library.find(one.content.root) is not None for one in some]
        self.assertEqual(found, [True, False, True, True])
