"""Each share arrives in a folder of its own, and two lessons never mix."""

from __future__ import annotations

import os
from unittest import mock

from roles.downloads.download import Download
from roles.downloads.wanted import WantedFile
from roles.leecher import Leecher
from roles.values.events import DownloadState, FilesEnded, FilesListed, UpdateFound
from roles.values.settings import Existing, LeecherSettings
from tests.role_test import ANYWHERE, RoomTest, Running, list_now, wait_for_end
from tests.support import EventLog, wait_until


class OwnFoldersTestCase(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address
        self.target = self.folder / "target"
        self.state = self.folder / "state"

    def lesson(self, place: str, files: dict[str, bytes], *empty: str) -> None:
        """Shared as "lesson", with these empty sub-folders."""
        folder = self.folder / place / "lesson"
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        for name in empty:
            (folder / name).mkdir()
        self.seeder(folder, self.room)

    def taking(self, *, own_folders: bool = True) -> Running[Leecher]:
        log = EventLog()
        settings = LeecherSettings(
            self.target,
            self.room,
            give_up_after_s=10.0,
            bind=ANYWHERE,
            state_folder=self.state,
            own_folders=own_folders,
        )
        return self.run_role(Leecher(settings, log), log)

    def listed(self, running: Running[Leecher], folders: int) -> FilesListed:
        found: list[FilesListed] = []

        def is_whole() -> bool:
            found[:] = [list_now(running)]
            return len(found[0].folders) == folders and not any(
                one.files_left for one in found[0].folders
            )

        wait_until(is_whole)
        return found[0]

    def take(self, *keys: str, running: Running[Leecher] | None = None) -> Running[Leecher]:
        running = running or self.taking()
        running.log.clear()
        running.role.download(keys, Existing.SKIP)
        for key in keys:
            self.assertEqual(wait_for_end(running, key).state, DownloadState.DONE)
        return running

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.target).as_posix(): path.read_bytes()
            for path in self.target.rglob("*")
            if path.is_file()
        }


class OwnFoldersTest(OwnFoldersTestCase):
    def test_a_share_and_its_sub_folders_arrive_below_its_name(self) -> None:
        self.lesson("a", {"README.md": b"one", "slides/1.txt": b"two"})
        running = self.taking()
        (share,) = self.listed(running, 1).folders
        self.take(f"{share.key}/slides", running=running)
        self.assertEqual(self.files(), {"lesson/slides/1.txt": b"two"})
        self.take(share.key, running=running)
        self.assertEqual(self.files(), {"lesson/slides/1.txt": b"two", "lesson/README.md": b"one"})
        self.assertEqual(running.role.place_of(share.key), self.target / "lesson")

    def test_a_file_asked_for_by_its_name_arrives_in_the_target_folder(self) -> None:
        self.lesson("a", {"README.md": b"one", "slides/1.txt": b"two"})
        running = self.taking()
        self.listed(running, 1)
        self.take("slides/1.txt", running=running)
        self.assertEqual(self.files(), {"slides/1.txt": b"two"})

    def test_two_lessons_of_one_name_never_mix(self) -> None:
        self.lesson("a", {"README.md": b"one", "a.txt": b"same"})
        self.lesson("b", {"README.md": b"two", "b.txt": b"same"})
        running = self.taking()
        keys = [one.key for one in self.listed(running, 2).folders]
        self.take(*keys, running=running)
        found = self.files()
        self.assertEqual(len(found), 4)
        for name in ("lesson", "lesson (2)"):
            other = "a.txt" if found[f"{name}/README.md"] == b"one" else "b.txt"
            self.assertEqual(found[f"{name}/{other}"], b"same")
        renamed = [one for ended in running.log.of(FilesEnded) for one in ended.folders]
        self.assertEqual(
            [(one.name, one.saved_as) for one in renamed],
            [("lesson", self.target / "lesson (2)")],
        )

    def test_a_later_start_finds_the_folder_of_each(self) -> None:
        self.lesson("a", {"README.md": b"one"})
        self.lesson("b", {"README.md": b"two"})
        running = self.taking()
        keys = [one.key for one in self.listed(running, 2).folders]
        self.take(*reversed(keys), running=running)
        before = self.files()
        running.stop()
        again = self.taking()
        self.listed(again, 2)
        again.role.download(keys, Existing.SKIP)
        for key in keys:
            self.assertEqual(wait_for_end(again, key).state, DownloadState.SKIPPED)
        self.assertEqual(self.files(), before)

    def test_flat_puts_all_into_the_target_folder(self) -> None:
        self.lesson("a", {"README.md": b"one", "slides/1.txt": b"two"})
        running = self.taking(own_folders=False)
        (share,) = self.listed(running, 1).folders
        self.take(share.key, running=running)
        self.assertEqual(self.files(), {"README.md": b"one", "slides/1.txt": b"two"})

    def test_what_an_earlier_version_brought_is_not_brought_again(self) -> None:
        self.lesson("a", {"README.md": b"one", "slides/1.txt": b"two"})
        flat = self.taking(own_folders=False)
        (share,) = self.listed(flat, 1).folders
        self.take(share.key, running=flat)
        flat.stop()
        running = self.taking()
        self.listed(running, 1)
        running.role.download([share.key], Existing.SKIP)
        self.assertEqual(wait_for_end(running, share.key).state, DownloadState.SKIPPED)
        self.assertEqual(self.files(), {"README.md": b"one", "slides/1.txt": b"two"})

    def test_an_empty_sub_folder_is_made_in_it(self) -> None:
        self.lesson("a", {"README.md": b"one"}, "inside")
        running = self.taking()
        (share,) = self.listed(running, 1).folders
        self.take(f"{share.key}/inside", running=running)
        self.assertTrue((self.target / "lesson" / "inside").is_dir())


class UpdateTest(OwnFoldersTestCase):
    """The teacher changes the lesson after it was downloaded."""

    LARGE = 700_000  # bytes; such a file is in no pack

    def setUp(self) -> None:
        super().setUp()
        self.lesson(
            "a",
            {"a.txt": b"one", "b.txt": b"two", "c.txt": b"three", "large": bytes(self.LARGE)},
        )
        self.shared = self.folder / "a" / "lesson"
        self.running = self.taking()
        (share,) = self.listed(self.running, 1).folders
        self.key = share.key
        self.take(self.key, running=self.running)
        self.running.log.clear()

    def change(self, **files: bytes) -> None:
        """Of text files by their names, and of "large"."""
        for name, data in files.items():
            (self.shared / (name if name == "large" else f"{name}.txt")).write_bytes(data)
        size = sum(path.stat().st_size for path in self.shared.iterdir())
        wait_until(lambda: self.listed(self.running, 1).folders[0].size == size)

    def update(self, *, in_new_run: bool = False) -> list[UpdateFound]:
        running = self.running
        if in_new_run:
            running.stop()
            running = self.taking()
            self.listed(running, 1)
        self.take(self.key, running=running)
        return running.log.of(UpdateFound)

    def test_what_the_teacher_changed_is_replaced_and_said_first(self) -> None:
        for number, in_new_run in enumerate((False, True), 2):
            with self.subTest(in_new_run=in_new_run):
                large = bytes([number]) * (self.LARGE + number)
                self.change(a=b"one!" * number, large=large)
                (found,) = self.update(in_new_run=in_new_run)
                self.assertEqual((found.changed, found.edited), (2, ()))
                self.assertEqual(found.size, len(large) + 4 * number)
                self.assertEqual(
                    self.files(),
                    {
                        "lesson/a.txt": b"one!" * number,
                        "lesson/b.txt": b"two",
                        "lesson/c.txt": b"three",
                        "lesson/large": large,
                    },
                )

    def test_what_the_student_edited_stays_and_the_new_one_is_beside_it(self) -> None:
        edited = b"x" + bytes(self.LARGE - 1)
        for name, data in (("a.txt", b"my"), ("large", edited)):
            path = self.target / "lesson" / name
            times = path.stat()
            path.write_bytes(data)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.change(a=b"one!!", large=b"short")
        (found,) = self.update()
        self.assertEqual((found.changed, sorted(found.edited)), (2, ["a.txt", "large"]))
        files = self.files()
        self.assertEqual((files["lesson/a.txt"], files["lesson/a (2).txt"]), (b"my", b"one!!"))
        self.assertEqual((files["lesson/large"], files["lesson/large (2)"]), (edited, b"short"))

    def test_nothing_is_deleted_and_nothing_said_when_files_only_come_and_go(self) -> None:
        (self.shared / "b.txt").unlink()
        self.change(d=b"a new one")
        self.assertEqual(self.update(), [])
        self.assertEqual(self.files()["lesson/b.txt"], b"two")
        self.assertEqual(self.files()["lesson/d.txt"], b"a new one")

    def test_a_file_that_the_student_removed_comes_again_and_is_no_change(self) -> None:
        (self.target / "lesson" / "a.txt").unlink()
        self.change(a=b"one!!")
        self.assertEqual(self.update(), [])
        self.assertEqual(self.files()["lesson/a.txt"], b"one!!")

    def test_an_edit_while_the_new_version_arrives_is_kept(self) -> None:
        mine = self.target / "lesson" / "a.txt"
        found = Download._tell_update

        def edit_late(download: Download, missing: list[WantedFile]) -> None:
            found(download, missing)
            mine.write_bytes(b"mine")

        with mock.patch.object(Download, "_tell_update", edit_late):
            self.change(a=b"one!!")
            self.update()
        self.assertEqual(mine.read_bytes(), b"mine")
        self.assertEqual(self.files()["lesson/a (2).txt"], b"one!!")
