"""Which folder below a target folder has the files of which share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from unittest import mock

from roles.disk import share_folders
from roles.disk.share_folders import RECORD_NAME, ShareFolders
from roles.values.content import Content
from roles.values.list_lines import FileLine
from tests.support import LmkTestCase

ONE, TWO, THREE = (digit * 16 for digit in "123")
TIME = 1_700_000_000


def listed(*paths: str, size: int = 5) -> tuple[FileLine, ...]:
    content = Content(b"r" * 32, size, 1 << 18)
    return tuple(FileLine(path, size, content, TIME) for path in paths)


class ShareFoldersTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.folder / "target"
        self.state = self.folder / "state"

    def chosen(
        self,
        share: str,
        name: str = "lesson",
        files: Iterable[FileLine] = (),
        folders: ShareFolders | None = None,
    ) -> str:
        """By a program that starts now, unless one is given."""
        folders = folders or ShareFolders(self.target, self.state)
        found = folders.names_for(share, name, tuple(files)).home
        folders.save()
        return "".join(found)

    def put(self, *files: FileLine, below: str = "", data: bytes = b"12345") -> None:
        for file in files:
            path = self.target / below / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (TIME, TIME))

    def test_each_share_has_a_folder_of_its_own_at_each_later_start(self) -> None:
        for _ in range(2):
            self.assertEqual(self.chosen(ONE), "lesson")
            self.assertEqual(self.chosen(TWO), "lesson (2)")
            self.assertEqual(self.chosen(THREE, "other"), "other")

    def test_each_target_folder_has_its_own(self) -> None:
        self.chosen(ONE)
        elsewhere = ShareFolders(self.folder / "elsewhere", self.state)
        self.assertEqual(self.chosen(TWO, folders=elsewhere), "lesson")

    def test_without_a_state_folder_they_are_known_until_the_end(self) -> None:
        folders = ShareFolders(self.target, None)
        for _ in range(2):
            self.assertEqual(self.chosen(ONE, folders=folders), "lesson")
            self.assertEqual(self.chosen(TWO, folders=folders), "lesson (2)")

    def test_a_folder_with_other_files_is_left_alone(self) -> None:
        self.put(*listed("mine.txt"), below="lesson")
        self.assertEqual(self.chosen(ONE, files=listed("a.txt")), "lesson (2)")

    def test_so_is_one_with_an_equal_file_of_another_lesson(self) -> None:
        self.put(*listed("LICENSE"), below="lesson")
        self.put(*listed("README.md"), below="lesson", data=b"another")
        self.assertEqual(self.chosen(ONE, files=listed("LICENSE", "README.md")), "lesson (2)")

    def test_a_folder_with_files_of_this_share_goes_on_although_the_record_is_lost(self) -> None:
        self.put(*listed("a.txt", "b/c.txt"), below="lesson")
        files = listed("a.txt", "b/c.txt", "d.txt")
        self.assertEqual(self.chosen(ONE, files=files), "lesson")

    def test_a_folder_with_a_file_on_its_way_goes_on_too(self) -> None:
        self.put(*listed("a.txt.lmkpart"), below="lesson")
        self.assertEqual(self.chosen(ONE, files=listed("a.txt", "b.txt")), "lesson")

    def test_an_empty_folder_is_taken(self) -> None:
        (self.target / "lesson").mkdir(parents=True)
        self.assertEqual(self.chosen(ONE, files=listed("a.txt")), "lesson")

    def test_a_link_or_a_file_of_that_name_is_not(self) -> None:
        self.target.mkdir()
        (self.folder / "elsewhere").mkdir()
        (self.target / "lesson").symlink_to(self.folder / "elsewhere")
        (self.target / "other").write_bytes(b"a file")
        self.assertEqual(self.chosen(ONE), "lesson (2)")
        self.assertEqual(self.chosen(TWO, "other"), "other (2)")

    def test_a_folder_that_became_a_link_is_not_used_any_more(self) -> None:
        self.chosen(ONE)
        self.target.mkdir()
        (self.target / "lesson").symlink_to(self.folder)
        self.assertEqual(self.chosen(ONE), "lesson (2)")

    def test_what_an_earlier_version_put_into_the_target_folder_stays_there(self) -> None:
        files = listed("a.txt", "b/c.txt", "d.txt")
        self.put(*files[:2])
        self.assertEqual(self.chosen(ONE, files=files), "")
        for path in ("a.txt", "b/c.txt"):
            (self.target / path).unlink()
        self.assertEqual(self.chosen(ONE, files=files), "")  # remembered

    def test_a_file_of_another_lesson_is_no_earlier_download(self) -> None:
        self.put(*listed("LICENSE"))
        self.assertEqual(self.chosen(ONE, files=listed("LICENSE", "a", "b")), "lesson")

    def test_files_in_the_folder_of_another_share_are_no_earlier_download(self) -> None:
        """Otherwise a stranger who lists the files of a lesson could add more to its folder."""
        self.assertEqual(self.chosen(ONE), "lesson")
        self.put(*listed("a.txt"), below="lesson")
        theirs = listed("lesson/a.txt", "lesson/not the teacher's.txt")
        self.assertEqual(self.chosen(TWO, "other", files=theirs), "other")

    def test_names_that_cannot_be_stored_are_replaced(self) -> None:
        for share, name in zip((ONE, TWO, THREE), ("..", "a/b", "x.lmkpart"), strict=True):
            self.assertEqual(self.chosen(share, name), f"share {share}")

    def test_names_that_the_disk_takes_for_one_are_one(self) -> None:
        self.enterContext(mock.patch.object(share_folders, "key_of_names", lambda _: str.lower))
        self.assertEqual(self.chosen(ONE, "lesson"), "lesson")
        self.assertEqual(self.chosen(TWO, "Lesson"), "Lesson (2)")

    def test_names_of_a_damaged_record_that_lead_elsewhere_are_refused(self) -> None:
        self.state.mkdir()
        rows = ",".join(
            f'{{"target": "{self.target}", "share": "{ONE}", "name": "{name}"}}'
            for name in ("..", "a/b", "/etc")
        )
        (self.state / RECORD_NAME).write_text(f'{{"lmk": 1, "folders": [{rows}, 5]}}')
        self.assertEqual(self.chosen(ONE), "lesson")

    def test_a_record_that_cannot_be_written_stops_nothing(self) -> None:
        self.state.write_bytes(b"a file")
        self.assertEqual(self.chosen(ONE), "lesson")

    def test_two_programs_never_choose_the_same(self) -> None:
        first, second = (ShareFolders(self.target, self.state) for _ in range(2))
        for folders in (first, second):
            folders.load()
        self.assertEqual(self.chosen(ONE, folders=first), "lesson")
        self.assertEqual(self.chosen(TWO, folders=second), "lesson (2)")
