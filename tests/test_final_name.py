"""Final names: the first that is free, over nothing, also where the disk has no links."""

from __future__ import annotations

import errno
import os
from unittest import mock

from roles.disk.final_name import give_name, rename_without_overwriting
from roles.disk.open_folder import OpenFolder
from tests.disks import DiskTestCase, needs_posix


class FinalNameTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.opened = self.enterContext(OpenFolder.base(self.folder, make=False))
        (self.folder / "part").write_bytes(b"ours")

    def test_the_first_free_name_is_given(self) -> None:
        for name in ("a.txt", "a (2).txt"):
            (self.folder / name).write_bytes(b"mine")
        self.assertEqual(give_name(self.opened, "part", "a.txt"), "a (3).txt")
        self.assertEqual(
            self.tree(self.folder), {"a.txt": b"mine", "a (2).txt": b"mine", "a (3).txt": b"ours"}
        )

    def test_what_is_there_is_replaced_only_when_it_was_asked_for(self) -> None:
        (self.folder / "a").write_bytes(b"mine")
        self.assertEqual(give_name(self.opened, "part", "a", may_replace=True), "a")
        self.assertEqual(self.tree(self.folder), {"a": b"ours"})

    @needs_posix
    def test_a_link_is_renamed_itself_and_its_target_gets_no_second_name(self) -> None:
        (self.folder / "victim").write_bytes(b"precious")
        (self.folder / "part").unlink()
        (self.folder / "part").symlink_to("victim")
        give_name(self.opened, "part", "a")
        self.assertTrue((self.folder / "a").is_symlink())
        self.assertEqual((self.folder / "victim").stat().st_nlink, 1)

    @needs_posix
    def test_a_disk_without_links_overwrites_nothing_either(self) -> None:
        (self.folder / "a").write_bytes(b"mine")
        with mock.patch("os.link", side_effect=OSError(errno.EPERM, "no links")):
            with self.assertRaises(FileExistsError):
                rename_without_overwriting(self.opened, "part", "a")
            self.assertEqual(give_name(self.opened, "part", "a"), "a (2)")
        self.assertEqual(self.tree(self.folder), {"a": b"mine", "a (2)": b"ours"})

    def test_what_is_gone_is_an_error_and_no_endless_search(self) -> None:
        with self.assertRaises(FileNotFoundError):
            give_name(self.opened, "gone", "a")
        self.assertFalse(os.path.lexists(self.folder / "a"))
