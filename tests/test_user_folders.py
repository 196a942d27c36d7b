"""Which folder is meant by what was typed, and where a user is at home."""

from __future__ import annotations

import os
import unittest
from pathlib import Path
from unittest import mock

from roles.program.user_folders import (
    default_download_folder,
    folder_named,
    home_folder,
    pasted_path,
)
from roles.values.errors import StorageError, UserInputError
from tests.support import LmkTestCase

ON_POSIX = unittest.skipUnless(os.name == "posix", "~NAME and deleted current folders are POSIX's")


def nobody_knows(_user: int) -> None:
    raise KeyError("no entry in the list of users")


class HomeTest(unittest.TestCase):
    def test_the_environment_names_the_home(self) -> None:
        home = Path("x").absolute()
        self.assertEqual(home_folder({"HOME": str(home)}), home)

    @ON_POSIX
    def test_a_home_that_is_no_whole_path_counts_as_none_and_the_list_of_users_is_asked(
        self,
    ) -> None:
        import pwd

        listed = Path(pwd.getpwuid(os.getuid()).pw_dir)
        for environment in ({}, {"HOME": ""}, {"HOME": "relative"}):
            with self.subTest(environment=environment):
                self.assertEqual(home_folder(environment), listed)

    @ON_POSIX
    def test_a_user_without_a_home_has_none_and_downloads_go_nowhere_by_themselves(self) -> None:
        with mock.patch("pwd.getpwuid", nobody_knows), mock.patch.dict(os.environ):
            os.environ.pop("HOME", None)
            self.assertIsNone(home_folder())
            with self.assertRaisesRegex(UserInputError, "no home folder"):
                default_download_folder()
            with self.assertRaisesRegex(UserInputError, "no home folder"):
                folder_named("~/x")


class PastedPathTest(unittest.TestCase):
    def test_pasted_paths_lose_what_pasting_brought_along(self) -> None:
        for typed, folder in {
            " /home/lab ": "/home/lab",
            '"C:\\My files"': "C:\\My files",
            "'/home/my lab'": "/home/my lab",
            "“/home/my lab”": "/home/my lab",
            "file:///home/my%20lab": "/home/my lab",
            "FILE://localhost/home/%C3%A9t%C3%A9": "/home/été",
            "file:///C:/lab": "C:/lab",
            "C://lab": "C://lab",
            '"': '"',
            "": "",
            " \t": "",
        }.items():
            with self.subTest(typed=typed):
                self.assertEqual(pasted_path(typed), folder)

    def test_the_address_of_something_else_is_no_folder(self) -> None:
        for typed in ("http://192.168.1.5:12500/", "smb://server/share", "lmk://pc"):
            with self.subTest(typed=typed), self.assertRaisesRegex(UserInputError, "not a folder"):
                pasted_path(typed)

    @ON_POSIX
    def test_a_file_of_another_computer_is_no_folder_here(self) -> None:
        with self.assertRaisesRegex(UserInputError, "on another computer"):
            pasted_path("file://server/share")


class FolderNamedTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        before = Path.cwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        self.enterContext(mock.patch.dict(os.environ, {"HOME": "/home/me"}))

    def test_nothing_and_blanks_name_no_folder(self) -> None:
        for typed in ("", " ", "\t", '""', "' '"):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(UserInputError, "The folder is missing"),
            ):
                folder_named(typed)

    def test_a_path_is_taken_from_the_current_folder(self) -> None:
        here = Path.cwd()
        for typed, folder in {
            "x/y": here / "x" / "y",
            ".": here,
            "/a/b": Path("/a/b"),
            "x~": here / "x~",
            "./~": here / "~",
        }.items():
            with self.subTest(typed=typed):
                self.assertEqual(folder_named(typed), folder)

    def test_a_tilde_at_the_beginning_is_the_home(self) -> None:
        (self.folder / "~").mkdir()  # as an earlier version made it
        self.assertEqual(folder_named("~"), Path("/home/me"))
        self.assertEqual(folder_named(" ~/x y "), Path("/home/me/x y"))
        self.assertEqual(folder_named("~/"), Path("/home/me"))

    @ON_POSIX
    def test_a_tilde_with_a_name_is_the_home_of_that_user(self) -> None:
        self.assertEqual(folder_named("~root/x"), Path("~root/x").expanduser())
        with self.assertRaisesRegex(UserInputError, "no user “no-such-user”.*Type ./~no-such-user"):
            folder_named("~no-such-user/x")
        (self.folder / "~no-such-user").mkdir()
        self.assertEqual(folder_named("~no-such-user"), Path.cwd() / "~no-such-user")

    def test_a_name_that_really_ends_with_a_blank_or_has_quotes_is_taken_as_it_is(self) -> None:
        for name in ("a ", "'b'"):
            (self.folder / name).mkdir()
            with self.subTest(name=name):
                self.assertEqual(folder_named(name).name, name)

    def test_what_no_system_takes_is_no_path(self) -> None:
        with self.assertRaisesRegex(UserInputError, "not a path"):
            folder_named("a\0b")

    @ON_POSIX
    def test_a_current_folder_that_is_gone_is_a_sentence_and_whole_paths_go_on(self) -> None:
        gone = self.folder / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
        for typed in ("out", "."):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(StorageError, f"“{typed}” begins at the current folder"),
            ):
                folder_named(typed)
        self.assertEqual(folder_named("/tmp/x"), Path("/tmp/x"))
