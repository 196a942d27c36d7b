"""Which small files travel joined."""

from __future__ import annotations

import itertools
import random
import unittest

from roles.sharing.pack_plan import MIN_PACK_SIZE, is_packed, pack_key, plan_packs
from roles.values.list_lines import MAX_PACK_SIZE, PACKED_BELOW, sort_key


def small_files(count: int, size: int, seed: int = 1) -> list[tuple[str, int]]:
    source = random.Random(seed)
    names = sorted((f"dir/{source.random()}" for _ in range(count)), key=sort_key)
    return [(name, size) for name in names]


def packs_by_members(files: list[tuple[str, int]]) -> set[tuple[tuple[str, int], ...]]:
    sizes = dict(files)
    return {tuple((path, sizes[path]) for path in pack) for pack in plan_packs(files)}


class PackPlanTest(unittest.TestCase):
    def test_empty_and_large_files_are_in_no_pack(self) -> None:
        self.assertEqual(
            [is_packed(size) for size in (0, 1, PACKED_BELOW - 1, PACKED_BELOW)],
            [False, True, True, False],
        )

    def test_one_file_is_no_pack_and_two_are_one(self) -> None:
        self.assertEqual(plan_packs([]), [])
        self.assertEqual(plan_packs([("a", 1)]), [])
        self.assertEqual(plan_packs([("a", 1), ("b", 2)]), [("a", "b")])

    def test_packs_follow_each_other_and_keep_the_limits(self) -> None:
        for size in (1, 10_000, PACKED_BELOW - 1):
            with self.subTest(size):
                files = small_files(20_000, size)
                packs = plan_packs(files)
                self.assertGreater(len(packs), 1)
                self.assertEqual(list(itertools.chain(*packs)), [path for path, _ in files])
                self.assertLessEqual(max(map(len, packs)) * size, MAX_PACK_SIZE)

    def test_the_mean_pack_is_twice_the_shortest(self) -> None:
        files = small_files(40_000, 100_000)
        mean = sum(size for _, size in files) / len(plan_packs(files))
        self.assertTrue(1.5 * MIN_PACK_SIZE < mean < 2.6 * MIN_PACK_SIZE, mean)

    def test_tiny_files_do_not_stand_in_one_pack_by_the_hundred_thousand(self) -> None:
        packs = plan_packs(small_files(100_000, 10))
        self.assertLessEqual(max(map(len, packs)), 16_384)

    def test_a_file_more_or_less_changes_few_packs(self) -> None:
        files = small_files(20_000, 20_000)
        before = packs_by_members(files)
        self.assertGreater(len(before), 8)
        for index in range(0, len(files), 997):
            without = files[:index] + files[index + 1 :]
            more = sorted(
                [*files, (files[index][0] + "x", 5_000)], key=lambda file: file[0].encode()
            )
            for changed in (without, more):
                self.assertLessEqual(len(packs_by_members(changed) - before), 4)

    def test_the_key_names_the_members_and_their_order(self) -> None:
        roots = [b"a" * 32, b"b" * 32]
        self.assertEqual(pack_key(roots), pack_key(iter(roots)))
        self.assertNotEqual(pack_key(roots), pack_key(roots[::-1]))
