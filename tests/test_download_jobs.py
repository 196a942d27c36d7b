"""What is fetched as files and what as packs: every missing file once."""

from __future__ import annotations

import random
import unittest

from roles.downloads.download_jobs import FileJob, Job, PackJob, alone, files_of, plan_jobs, without
from roles.joining.listed_share import Pack
from roles.values.catalogue import FileLine, PackLine
from roles.values.content import Content
from tests.disks import described, some_bytes


def line(path: str, size: int, seed: int) -> FileLine:
    return FileLine(path, size, described(some_bytes(size, seed))[0], 5, is_executable=True)


def job(file: FileLine) -> FileJob:
    assert file.content is not None
    return FileJob(file.path, tuple(file.path.split("/")), file.content, file.mtime, True)


def pack_of(files: list[FileLine], seed: int = 0) -> Pack:
    size = sum(file.size for file in files)
    root = random.Random(seed).randbytes(32)
    return Pack(PackLine(Content(root, size, 1 << 18), files[0].path, len(files)), tuple(files))


def paths(jobs: list[Job]) -> list[str]:
    return sorted(file.path for one in jobs for file in files_of(one))


def nothing_here(_pack: Content) -> int:
    return 0


class PlanTest(unittest.TestCase):
    def setUp(self) -> None:
        self.files = [line(f"d/{n:02}", 100 + n, n) for n in range(20)]
        self.jobs = [job(file) for file in self.files]
        self.pack = pack_of(self.files)

    def test_a_pack_is_fetched_when_half_of_it_is_wanted(self) -> None:
        [all_of_it] = plan_jobs(self.jobs, [self.pack], nothing_here)
        self.assertIsInstance(all_of_it, PackJob)
        [most_of_it] = plan_jobs(self.jobs[8:], [self.pack], nothing_here)
        self.assertIsInstance(most_of_it, PackJob)
        some = plan_jobs(self.jobs[15:], [self.pack], nothing_here)
        self.assertTrue(all(isinstance(one, FileJob) for one in some))

    def test_a_pack_of_which_most_is_here_is_completed_for_the_rest(self) -> None:
        size = self.pack.line.content.size
        for wanted in (self.jobs[15:], self.jobs[19:]):
            [rest] = plan_jobs(wanted, [self.pack], lambda _: size - 119)
            self.assertIsInstance(rest, PackJob)
            self.assertEqual(paths([rest]), [one.path for one in wanted])
        [alone] = plan_jobs(self.jobs[:1], [self.pack], lambda _: size - 500)
        self.assertIsInstance(alone, FileJob)

    def test_one_file_is_fetched_alone_although_it_is_most_of_its_pack(self) -> None:
        pack = pack_of([line("d/a", 100, 1), line("d/b", 1_000, 2)])
        [alone] = plan_jobs([job(pack.members[1])], [pack], nothing_here)
        self.assertIsInstance(alone, FileJob)

    def test_members_know_their_places_although_others_are_not_wanted(self) -> None:
        [pack] = plan_jobs(self.jobs[5:], [self.pack], nothing_here)
        assert isinstance(pack, PackJob)
        self.assertEqual(pack.members[0].offset, sum(100 + n for n in range(5)))
        self.assertEqual(pack.size, sum(100 + n for n in range(5, 20)))

    def test_a_member_alone_is_the_same_file(self) -> None:
        [pack] = plan_jobs(self.jobs, [self.pack], nothing_here)
        assert isinstance(pack, PackJob)
        self.assertEqual([alone(member) for member in pack.members], self.jobs)

    def test_a_pack_for_fewer_files_has_the_others_at_their_places(self) -> None:
        [pack] = plan_jobs(self.jobs, [self.pack], nothing_here)
        assert isinstance(pack, PackJob)
        fewer = without(pack, {self.jobs[0].identity, self.jobs[7].identity})
        self.assertEqual(len(fewer.members), 18)
        self.assertEqual(fewer.members[0], pack.members[1])
        self.assertTrue(without(pack, {one.identity for one in self.jobs}).title)

    def test_a_file_of_another_content_is_not_taken_from_the_pack(self) -> None:
        other = job(line("d/03", 103, 999))
        jobs = plan_jobs([*self.jobs[:3], other, *self.jobs[4:]], [self.pack], nothing_here)
        self.assertIn(other, jobs)
        self.assertEqual(paths(jobs), [file.path for file in self.files])

    def test_every_missing_file_is_fetched_once_whatever_packs_there_are(self) -> None:
        rng = random.Random(1)
        for seed in range(200):
            missing = [one for one in self.jobs if rng.random() < 0.7]
            packs = list[Pack]()
            for _ in range(rng.randrange(4)):
                start = rng.randrange(18)
                packs.append(pack_of(self.files[start : start + rng.randrange(2, 10)], seed))
            jobs = plan_jobs(missing, packs, nothing_here)
            self.assertEqual(paths(jobs), sorted(one.path for one in missing))
            for one in jobs:
                self.assertTrue(one.size and one.title)
