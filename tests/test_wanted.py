"""What is fetched as files and what as packs: every missing file once."""

from __future__ import annotations

import random
import unittest
from dataclasses import replace

from roles.downloads.wanted import WantedContent, WantedFile, WantedPack, plan_contents
from roles.joining.listed_share import Pack
from roles.values.bitmaps import indexes
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.list_lines import FileLine, PackLine
from tests.disks import described, some_bytes

CHUNK = MIN_CHUNK_SIZE
MOST = CHUNK  # bytes of a member that is one chunk


def line(path: str, size: int, seed: int) -> FileLine:
    return FileLine(path, size, described(some_bytes(size, seed))[0], 5, is_executable=True)


def wanted(file: FileLine) -> WantedFile:
    assert file.content is not None
    return WantedFile(file.path, tuple(file.path.split("/")), file.content, file.mtime, True)


def pack_of(files: list[FileLine], seed: int = 0) -> Pack:
    size = sum(file.size for file in files)
    root = random.Random(seed).randbytes(32)
    return Pack(PackLine(Content(root, size, 1 << 18), files[0].path, len(files)), tuple(files))


def paths(contents: list[WantedContent]) -> list[str]:
    return sorted(file.path for content in contents for file in content.files)


def nothing_here(_pack: Content) -> int:
    return 0


class PlanTest(unittest.TestCase):
    def setUp(self) -> None:
        self.lines = [line(f"d/{n:02}", 100 + n, n) for n in range(20)]
        self.files = [wanted(line) for line in self.lines]
        self.pack = pack_of(self.lines)

    def test_a_pack_is_fetched_when_half_of_it_is_wanted(self) -> None:
        [all_of_it] = plan_contents(self.files, [self.pack], nothing_here)
        self.assertIsInstance(all_of_it, WantedPack)
        [most_of_it] = plan_contents(self.files[8:], [self.pack], nothing_here)
        self.assertIsInstance(most_of_it, WantedPack)
        some = plan_contents(self.files[15:], [self.pack], nothing_here)
        self.assertTrue(all(isinstance(content, WantedFile) for content in some))

    def test_a_pack_of_which_most_is_here_is_completed_for_the_rest(self) -> None:
        size = self.pack.line.content.size
        for wanted in (self.files[15:], self.files[19:]):
            [rest] = plan_contents(wanted, [self.pack], lambda _: size - 119)
            self.assertIsInstance(rest, WantedPack)
            self.assertEqual(paths([rest]), [file.path for file in wanted])
        [alone] = plan_contents(self.files[:1], [self.pack], lambda _: size - 500)
        self.assertIsInstance(alone, WantedFile)

    def test_one_file_is_fetched_alone_although_it_is_most_of_its_pack(self) -> None:
        pack = pack_of([line("d/a", 100, 1), line("d/b", 1_000, 2)])
        [alone] = plan_contents([wanted(pack.members[1])], [pack], nothing_here)
        self.assertIsInstance(alone, WantedFile)

    def test_members_know_their_places_although_others_are_not_wanted(self) -> None:
        [pack] = plan_contents(self.files[5:], [self.pack], nothing_here)
        assert isinstance(pack, WantedPack)
        self.assertEqual(pack.files[0].offset, sum(100 + n for n in range(5)))
        self.assertEqual(pack.size, sum(100 + n for n in range(5, 20)))

    def test_a_member_alone_is_the_same_file(self) -> None:
        [pack] = plan_contents(self.files, [self.pack], nothing_here)
        assert isinstance(pack, WantedPack)
        self.assertEqual(list(pack.files), self.files)

    def test_a_pack_for_fewer_files_has_the_others_at_their_places(self) -> None:
        [pack] = plan_contents(self.files, [self.pack], nothing_here)
        assert isinstance(pack, WantedPack)
        fewer = pack.without({self.files[0].identity, self.files[7].identity})
        self.assertEqual(len(fewer.files), 18)
        self.assertEqual(fewer.files[0], pack.files[1])
        self.assertTrue(pack.without({file.identity for file in self.files}).title)

    def test_a_file_of_another_content_is_not_taken_from_the_pack(self) -> None:
        other = wanted(line("d/03", 103, 999))
        contents = plan_contents(
            [*self.files[:3], other, *self.files[4:]], [self.pack], nothing_here
        )
        self.assertIn(other, contents)
        self.assertEqual(paths(contents), [file.path for file in self.files])

    def test_every_missing_file_is_fetched_once_whatever_packs_there_are(self) -> None:
        rng = random.Random(1)
        for seed in range(200):
            missing = [file for file in self.files if rng.random() < 0.7]
            packs = list[Pack]()
            for _ in range(rng.randrange(4)):
                start = rng.randrange(18)
                packs.append(pack_of(self.lines[start : start + rng.randrange(2, 10)], seed))
            contents = plan_contents(missing, packs, nothing_here)
            self.assertEqual(paths(contents), sorted(file.path for file in missing))
            for content in contents:
                self.assertTrue(content.size and content.title)


def sized_pack(sizes: list[int]) -> WantedPack:
    members, offset = list[WantedFile](), 0
    for number, size in enumerate(sizes):
        content = Content(bytes(32), size, CHUNK)
        members.append(WantedFile(f"n{number}", (f"n{number}",), content, offset=offset))
        offset += size
    return WantedPack(Content(bytes(32), offset, CHUNK), tuple(members))


def chunks_of(member: WantedFile) -> set[int]:
    end = member.offset + member.content.size - 1
    return set(range(member.offset // CHUNK, end // CHUNK + 1))


class CoveredTest(unittest.TestCase):
    def test_each_is_told_once_when_the_last_of_its_chunks_has_come(self) -> None:
        for seed in range(50):
            rng = random.Random(seed)
            sizes = [rng.choice((1, 100, CHUNK // 3, MOST)) for _ in range(rng.randrange(1, 60))]
            pack = sized_pack(sizes)
            order = list(indexes(pack.content.all_chunks))
            rng.shuffle(order)
            have, told = 0, list[WantedFile]()
            while order:
                fresh = 0
                for _ in range(rng.randrange(1, 5)):
                    fresh |= 1 << order.pop() if order else 0
                have |= fresh
                now = pack.covered(have, fresh)
                self.assertEqual(now, sorted(now, key=lambda file: file.offset), seed)
                told += now
                here = [file for file in pack.files if chunks_of(file) <= set(indexes(have))]
                self.assertCountEqual(told, here, seed)
            self.assertCountEqual(told, pack.files, seed)

    def test_what_was_taken_out_of_the_list_is_not_told_again(self) -> None:
        pack = sized_pack([CHUNK // 4] * 12)
        last = replace(pack, files=pack.files[8:])
        self.assertEqual(last.covered(0b111, 0b111), list(last.files))
        self.assertEqual(replace(pack, files=pack.files[:4]).covered(0b111, 0b110), [])
        self.assertEqual(replace(pack, files=()).covered(0b111, 0b111), [])

    def test_one_at_an_impossible_place_never_comes(self) -> None:
        pack = sized_pack([3])
        (member,) = pack.files
        for offset in (-1, 1, 1 << 60):
            moved = replace(pack, files=(replace(member, offset=offset),))
            self.assertEqual(moved.covered(1, 1), [])
        empty = replace(member, content=Content(bytes(32), 0, CHUNK))
        long = replace(member, content=Content(bytes(32), 2 * CHUNK, CHUNK))
        self.assertEqual(replace(pack, files=(empty, long)).covered(1, 1), [])
