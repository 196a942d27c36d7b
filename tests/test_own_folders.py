"""Each share arrives in a folder of its own, and two lessons never mix."""

from __future__ import annotations

import json
import os
import shutil
from unittest import mock

from roles.disk.download_record import RECORD_NAME, DownloadRecord
from roles.downloads.download import Download
from roles.downloads.wanted import WantedFile
from roles.leecher import Leecher
from roles.net.throttle import Throttles
from roles.seeder import Seeder
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesEnded,
    FilesListed,
    RoomChanged,
    UpdateFound,
)
from roles.values.settings import Existing
from tests.role_test import RoomTest, Running, list_now, wait_for_end
from tests.support import wait_until


class OwnFoldersTestCase(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.of_room = self.tracker()
        self.room = self.of_room.address
        self.target = self.folder / "target"
        self.state = self.folder / "state"

    def lesson(self, place: str, files: dict[str, bytes], *empty: str) -> Running[Seeder]:
        """Shared as "lesson", with these empty sub-folders."""
        folder = self.folder / place / "lesson"
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
        for name in empty:
            (folder / name).mkdir()
        return self.seeder(folder, self.room)

    def taking(
        self, *, own_folders: bool = True, throttles: Throttles | None = None
    ) -> Running[Leecher]:
        return self.leecher(
            self.target,
            self.room,
            throttles=throttles,
            give_up_after_s=10.0,
            state_folder=self.state,
            own_folders=own_folders,
        )

    def listed(self, running: Running[Leecher], folders: int) -> FilesListed:
        found: list[FilesListed] = []

        def is_whole() -> bool:
            found[:] = [list_now(running)]
            return len(found[0].folders) == folders and not any(
                folder.files_left for folder in found[0].folders
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
        keys = [folder.key for folder in self.listed(running, 2).folders]
        self.take(*keys, running=running)
        found = self.files()
        self.assertEqual(len(found), 4)
        for name in ("lesson", "lesson (2)"):
            other = "a.txt" if found[f"{name}/README.md"] == b"one" else "b.txt"
            self.assertEqual(found[f"{name}/{other}"], b"same")
        renamed = [folder for ended in running.log.of(FilesEnded) for folder in ended.folders]
        self.assertEqual(
            [(folder.name, folder.saved_as) for folder in renamed],
            [("lesson", self.target / "lesson (2)")],
        )

    def test_a_later_start_finds_the_folder_of_each(self) -> None:
        self.lesson("a", {"README.md": b"one"})
        self.lesson("b", {"README.md": b"two"})
        running = self.taking()
        keys = [folder.key for folder in self.listed(running, 2).folders]
        self.take(*reversed(keys), running=running)
        before = self.files()
        running.stop()
        again = self.taking()
        self.listed(again, 2)
        again.role.download(keys, Existing.SKIP)
        for key in keys:
            self.assertEqual(wait_for_end(again, key).state, DownloadState.SKIPPED)
        self.assertEqual(self.files(), before)

    def test_a_file_with_the_name_of_a_folder_takes_it_from_nobody(self) -> None:
        self.lesson("a", {"README.md": b"one"})
        running = self.taking()
        (share,) = self.listed(running, 1).folders
        self.take(share.key, running=running)
        running.stop()
        self.lesson("b", {"lesson": b"a file"})
        again = self.taking()
        folders = self.listed(again, 2).folders
        self.take("lesson", running=again)
        again.log.clear()
        again.role.download([folder.key for folder in folders], Existing.SKIP)
        for folder in folders:
            self.assertTrue(wait_for_end(again, folder.key).state.is_final)
        self.assertEqual(
            self.files(),
            {
                "lesson/README.md": b"one",
                "lesson (2)": b"a file",
                "lesson (3)/lesson": b"a file",
            },
        )

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


class InterruptedTest(OwnFoldersTestCase):
    DATA = bytes(range(256)) * 12_000

    def setUp(self) -> None:
        super().setUp()
        self.constant("downloads.unfinished_downloads", "SAVE_S", 0.0)
        self.lesson("a", {"large": self.DATA})
        self.lesson("b", {"other": b"x"})

    def key_of(self, running: Running[Leecher], name: str) -> str:
        self.listed(running, 2)
        files = list_now(running, name).files
        return f"share:{next(file.share for file in files if file.name == name)}"

    def in_the_middle(
        self, *, own_folders: bool = True, has_other: bool = False
    ) -> tuple[Running[Leecher], str]:
        """A leecher in the middle of the large file, and the key of its folder. `has_other`: it has
        the other lesson, which took the name.
        """
        throttles = Throttles()
        throttles.down.set_limit(400_000)
        running = self.taking(own_folders=own_folders, throttles=throttles)
        key = self.key_of(running, "large")
        if has_other:
            self.take(self.key_of(running, "other"), running=running)
        running.role.download([key], Existing.SKIP)
        running.log.wait_for(
            DownloadChanged, where=lambda event: event.name == key and event.have > 0
        )
        return running, key

    def interrupt(self, *, own_folders: bool) -> str:
        """End it there; returns the key."""
        running, key = self.in_the_middle(own_folders=own_folders, has_other=own_folders)
        wait_until(lambda: bool(DownloadRecord(self.state).load()))
        running.stop()
        return key

    def test_it_goes_on_in_its_folder(self) -> None:
        key = self.interrupt(own_folders=True)
        self.assertTrue((self.target / "lesson (2)" / "large.lmkpart").exists())
        running = self.taking()
        self.assertEqual(wait_for_end(running, key).state, DownloadState.DONE)
        self.assertEqual(self.files(), {"lesson/other": b"x", "lesson (2)/large": self.DATA})

    def test_one_that_is_cancelled_leaves_no_folder(self) -> None:
        running, key = self.in_the_middle()
        running.role.cancel([key])
        self.assertEqual(wait_for_end(running, key).state, DownloadState.CANCELLED)
        self.assertEqual(list(self.target.iterdir()), [])

    def test_one_that_a_later_run_cancels_leaves_no_folder_unless_it_was_there_before(self) -> None:
        for was_there in (False, True):
            with self.subTest(was_there=was_there):
                if was_there:
                    for folder in (self.state, self.target):
                        shutil.rmtree(folder)
                    (self.target / "lesson (2)").mkdir(parents=True)
                key = self.interrupt(own_folders=True)
                throttles = Throttles()
                throttles.down.set_limit(400_000)
                running = self.taking(throttles=throttles)
                running.log.wait_for(DownloadChanged, where=lambda event: event.have > 0)
                running.role.cancel([key])
                self.assertEqual(wait_for_end(running, key).state, DownloadState.CANCELLED)
                left = {path.name for path in self.target.iterdir()}
                self.assertEqual(left, {"lesson", "lesson (2)"} if was_there else {"lesson"})
                running.stop()

    def test_one_of_an_earlier_version_goes_on_in_the_target_folder_and_stays_there(self) -> None:
        key = self.interrupt(own_folders=False)
        record = self.state / RECORD_NAME
        said = json.loads(record.read_text())
        del said["downloads"][0]["home"]
        record.write_text(json.dumps(said))
        self.assertTrue((self.target / "large.lmkpart").exists())
        running = self.taking()
        self.assertEqual(wait_for_end(running, key).state, DownloadState.DONE)
        running.log.clear()
        running.role.download([key], Existing.SKIP)
        self.assertEqual(wait_for_end(running, key).state, DownloadState.SKIPPED)
        self.assertEqual(self.files(), {"large": self.DATA})


class GivenOnTest(OwnFoldersTestCase):
    """The teacher ends the program, and a student still has the lesson."""

    def wait_for_holders(self, share: str, count: int) -> None:
        """Until the tracker knows of so many leechers that have it."""

        def is_known(room: RoomChanged) -> bool:
            leechers = (
                leecher
                for leecher in room.participants
                if leecher.is_leecher and not leecher.has_left
            )
            return sum(share in leecher.status.shares for leecher in leechers) == count

        self.of_room.log.wait_for(RoomChanged, where=is_known)

    def test_the_share_stays_as_it_was_while_a_student_has_it(self) -> None:
        files = {"README.md": b"one", "slides/1.txt": b"two", "large": bytes(700_000)}
        teacher = self.lesson("a", files)
        first = self.taking()
        (share,) = self.listed(first, 1).folders
        self.take(share.key, running=first)
        self.wait_for_holders(share.share, 1)
        teacher.stop()
        self.target = self.folder / "another"
        self.state = self.folder / "another state"
        second = self.taking()
        self.assertEqual(self.listed(second, 1).folders, (share,))
        self.take(share.key, running=second)
        self.assertEqual(self.files(), {f"lesson/{name}": data for name, data in files.items()})
        self.wait_for_holders(share.share, 2)
        first.stop()
        self.assertEqual(self.listed(second, 1).folders, (share,))
        second.stop()
        third = self.taking()
        wait_until(lambda: list_now(third).folders == ())


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
