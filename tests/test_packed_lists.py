"""The room's list, packed once for all readers that know the same version."""

from __future__ import annotations

import random
from unittest import mock

from roles.room import packed_lists
from roles.room.packed_lists import PackedLists
from roles.wire.list_wire import Packer, Unpacker
from tests.test_room_list import ONE, RoomListTestCase


class PackedListsTest(RoomListTestCase):
    def test_packed_lists_are_packed_once_and_in_slices(self) -> None:
        rng = random.Random(3)
        self.tell(ONE, [f"+{rng.randbytes(32).hex()}" for _ in range(20_000)])
        lists = PackedLists(self.room_list)
        packed = lists.since("")
        self.assertIs(lists.since("nonsense"), packed)
        slices = 1
        while lists.work():
            slices += 1
        self.assertGreater(slices, 5)
        self.assertIs(lists.since(""), packed)
        assert packed.data is not None
        self.assertGreater(len(packed.data), 1)
        self.assertEqual(packed.size, len(b"".join(packed.data)))
        self.reader.read(packed.version, packed.is_whole, Unpacker().lines(b"".join(packed.data)))
        self.assertEqual(len(self.reader.shares[ONE]), 20_000)
        self.change(ONE, ["+new"], base=1)
        self.assertIsNot(lists.since(""), packed)

    def change_often(self, count: int) -> list[str]:
        """The versions that a reader may know after so many changes."""
        self.tell(ONE, [f"+{number}" for number in range(2_000)])
        versions = [self.room_list.version]
        for base in range(1, count):
            self.change(ONE, [f"-{base - 1}"], base)
            versions.append(self.room_list.version)
        return versions

    def test_few_lists_are_packed_at_once_and_the_others_wait_for_their_turn(self) -> None:
        self.limit(logged_steps=200)
        versions = self.change_often(500)
        lists = PackedLists(self.room_list)
        asked = [lists.since(version) for version in versions]
        self.assertEqual(len({id(answer) for answer in asked}), 200 + 2)
        lists.work()
        begun = {answer.known for answer in asked if answer.version}
        self.assertLessEqual(len(begun), packed_lists.MAX_BUILDS)
        while lists.work():
            continue
        self.assertTrue(all(answer.data is not None for answer in asked))

    def test_what_nobody_waits_for_any_more_is_not_packed(self) -> None:
        versions = self.change_often(50)
        lists = PackedLists(self.room_list)
        asked = [lists.since(version) for version in ("", *versions)]
        lists.work()
        for answer in asked[1:]:
            lists.leave(answer)
        while lists.work():
            continue
        packed = [answer.known for answer in asked if answer.data is not None]
        self.assertLess(len(packed), packed_lists.MAX_BUILDS)
        self.assertIn("", packed)

    def test_after_a_lack_of_memory_a_list_is_packed_anew_for_the_others_who_wait(self) -> None:
        self.tell(ONE, ["+a"])
        lists = PackedLists(self.room_list)
        packed = lists.since("")
        with (
            mock.patch.object(Packer, "pack", side_effect=MemoryError),
            self.assertRaises(MemoryError),
        ):
            lists.work()
        while lists.work():
            continue
        self.assertIsNotNone(packed.data)
