"""Which members of a pack have come with its chunks."""

from __future__ import annotations

import random
import unittest
from dataclasses import replace

from roles.disk.pack_members import covered
from roles.disk.wanted_file import WantedFile
from roles.values.content import MIN_CHUNK_SIZE, Content, indexes

CHUNK = MIN_CHUNK_SIZE
MOST = CHUNK  # bytes of a member that is one chunk


def pack_of(sizes: list[int]) -> tuple[Content, list[WantedFile]]:
    members, offset = list[WantedFile](), 0
    for number, size in enumerate(sizes):
        content = Content(bytes(32), size, CHUNK)
        members.append(WantedFile(f"n{number}", (f"n{number}",), content, offset=offset))
        offset += size
    return Content(bytes(32), offset, CHUNK), members


def chunks_of(member: WantedFile) -> set[int]:
    end = member.offset + member.content.size - 1
    return set(range(member.offset // CHUNK, end // CHUNK + 1))


class CoveredTest(unittest.TestCase):
    def test_each_is_told_once_when_the_last_of_its_chunks_has_come(self) -> None:
        for seed in range(50):
            rng = random.Random(seed)
            sizes = [rng.choice((1, 100, CHUNK // 3, MOST)) for _ in range(rng.randrange(1, 60))]
            pack, members = pack_of(sizes)
            order = list(indexes(pack.all_chunks))
            rng.shuffle(order)
            have, told = 0, list[WantedFile]()
            while order:
                fresh = 0
                for _ in range(rng.randrange(1, 5)):
                    fresh |= 1 << order.pop() if order else 0
                have |= fresh
                now = covered(members, pack, have, fresh)
                self.assertEqual(now, sorted(now, key=lambda one: one.offset), seed)
                told += now
                here = [one for one in members if chunks_of(one) <= set(indexes(have))]
                self.assertCountEqual(told, here, seed)
            self.assertCountEqual(told, members, seed)

    def test_what_was_taken_out_of_the_list_is_not_told_again(self) -> None:
        pack, members = pack_of([CHUNK // 4] * 12)
        self.assertEqual(covered(members[8:], pack, 0b111, 0b111), members[8:])
        self.assertEqual(covered(members[:4], pack, 0b111, 0b110), [])
        self.assertEqual(covered([], pack, 0b111, 0b111), [])

    def test_one_at_an_impossible_place_never_comes(self) -> None:
        pack, (member,) = pack_of([3])
        for offset in (-1, 1, 1 << 60):
            self.assertEqual(covered([replace(member, offset=offset)], pack, 1, 1), [])
        empty = replace(member, content=Content(bytes(32), 0, CHUNK))
        long = replace(member, content=Content(bytes(32), 2 * CHUNK, CHUNK))
        self.assertEqual(covered([empty, long], pack, 1, 1), [])


if __name__ == "__main__":
    unittest.main()
