"""The folders of a download: each is made once, and said to be renamed once."""

from __future__ import annotations

from unittest.mock import patch

from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.downloads.download_scope import Scope
from roles.downloads.made_folders import MadeFolders
from roles.joining.list_copy import Selection
from roles.values.errors import DiskFullError, StorageError
from roles.values.events import FolderRenamed
from roles.values.list_lines import FolderLine
from tests.support import LmkTestCase


def scope(folders: dict[StoredPath, str], share_name: str = "") -> Scope:
    """`folders`: paths in the share, by where they go."""
    lines = {stored: FolderLine(path, None) for stored, path in folders.items()}
    return Scope(Selection("", (), (), (), share_name=share_name), (), {}, folders=lines)


class MadeFoldersTest(LmkTestCase):
    def made(self, home: StoredPath = ()) -> MadeFolders:
        return MadeFolders(TargetFolder(self.folder), home)

    def test_those_of_a_newer_list_are_made_and_no_others(self) -> None:
        folders = self.made()
        first, second = scope({("a",): "a"}), scope({("a",): "a", ("a", "b"): "a/b"})
        self.assertTrue(folders.is_behind(first))
        self.assertEqual(folders.make(first), [])
        self.assertFalse(folders.is_behind(first))
        (self.folder / "a").rmdir()
        with patch.object(TargetFolder, "make_folders", return_value={}) as make:
            folders.make(second)
        self.assertEqual(list(make.call_args.args[0]), [(("a", "b"), None)])
        folders.begin()
        folders.make(second)
        self.assertTrue((self.folder / "a" / "b").is_dir())

    def test_each_that_has_another_name_is_told_once(self) -> None:
        folders = self.made(("lesson (2)",))
        new = scope({("lesson (2)", "A (2)"): "a", ("lesson (2)", "b"): "b"}, "lesson")
        home = self.folder / "lesson (2)"
        renamed = [FolderRenamed("a", home / "A (2)"), FolderRenamed("lesson", home)]
        self.assertEqual(folders.make(new), renamed)
        folders.begin()
        self.assertEqual(folders.make(new), [])
        self.assertEqual(folders.renamed, 2)

    def test_one_that_cannot_be_made_has_failed_and_is_tried_again_when_it_begins_anew(
        self,
    ) -> None:
        (self.folder / "a").write_bytes(b"in the way")
        folders, new = self.made(), scope({("a",): "a", ("b",): "b"})
        folders.make(new)
        self.assertEqual(list(folders.failed), ["a"])
        self.assertTrue((self.folder / "b").is_dir())
        (self.folder / "a").unlink()
        folders.begin()
        folders.make(new)
        self.assertEqual(folders.failed, {})

    def test_without_the_folder_of_all_of_them_none_can_be_made(self) -> None:
        (self.folder / "lesson").write_bytes(b"in the way")
        folders, new = self.made(("lesson",)), scope({("lesson", "a"): "a"}, "lesson")
        with self.assertRaises(StorageError):
            folders.make(new)
        self.assertTrue(folders.is_behind(new))

    def test_after_a_full_disk_all_are_tried_again(self) -> None:
        folders, new = self.made(), scope({("a",): "a"})
        full = DiskFullError("full")
        with (
            patch.object(TargetFolder, "make_folders", side_effect=full),
            self.assertRaises(DiskFullError),
        ):
            folders.make(new)
        self.assertTrue(folders.is_behind(new))
        folders.make(new)
        self.assertTrue((self.folder / "a").is_dir())
