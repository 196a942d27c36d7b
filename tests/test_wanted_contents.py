"""What is fetched as files and what as packs: every missing file once."""

from __future__ import annotations

import random
import unittest

from roles.disk.wanted_file import WantedFile
from roles.downloads.wanted_contents import WantedContent, WantedPack, plan_contents
from roles.joining.listed_share import Pack
from roles.values.catalogue import FileLine, PackLine
from roles.values.content import Content
from tests.disks import described, some_bytes


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
    return sorted(file.path for one in contents for file in one.files)


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
        self.assertTrue(all(isinstance(one, WantedFile) for one in some))

    def test_a_pack_of_which_most_is_here_is_completed_for_the_rest(self) -> None:
        size = self.pack.line.content.size
        for wanted in (self.files[15:], self.files[19:]):
            [rest] = plan_contents(wanted, [self.pack], lambda _: size - 119)
            self.assertIsInstance(rest, WantedPack)
            self.assertEqual(paths([rest]), [one.path for one in wanted])
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
        self.assertTrue(pack.without({one.identity for one in self.files}).title)

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
            missing = [one for one in self.files if rng.random() < 0.7]
            packs = list[Pack]()
            for _ in range(rng.randrange(4)):
                start = rng.randrange(18)
                packs.append(pack_of(self.lines[start : start + rng.randrange(2, 10)], seed))
            contents = plan_contents(missing, packs, nothing_here)
            self.assertEqual(paths(contents), sorted(one.path for one in missing))
            for one in contents:
                self.assertTrue(one.size and one.title)
