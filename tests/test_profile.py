"""Where settings and state are kept, and what damage does to them."""

from __future__ import annotations

import errno
import json
import logging
import os
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from roles.disk.state_file import StateFile, write_whole
from roles.program.profile import (
    Profile,
    SettingsFile,
    find_profile,
)
from roles.values.errors import StorageError
from roles.values.program_settings import ProgramSettings
from tests.support import LmkTestCase

DAMAGED = (
    b"{",
    b"hello",
    b"\xff\xfe\x00",
    b"\0" * 100,
    b"[" * 5000,
    b'{"slots": 1, "slots": 2}',
    b"[]",
    b"5",
    b"null",
    b'{"a": ' + b"9" * 5000 + b"}",
    b"x" * 20_000,
)


class FindProfileTest(LmkTestCase):
    HOME = Path("/home/me")

    def found(self, platform: str, **environment: str) -> Profile:
        return find_profile(
            None,
            environment={"HOME": str(self.HOME), **environment},
            platform=platform,
            beside=self.folder,
        )

    def test_the_chosen_folder_wins_over_all(self) -> None:
        (self.folder / "settings.json").touch()
        profile = find_profile(self.folder / "mine", environment={}, beside=self.folder)
        self.assertEqual(profile.settings_file, self.folder / "mine" / "settings.json")
        self.assertEqual(profile.log_file, self.folder / "mine" / "logs" / "lmktorrent.log")
        self.assertEqual(profile.tracker_state_file, self.folder / "mine" / "tracker.json")
        self.assertFalse((self.folder / "mine").exists())

    def test_settings_beside_the_program_make_it_portable(self) -> None:
        (self.folder / "settings.json").touch()
        expected = Profile(self.folder / "settings.json", self.folder)
        self.assertEqual(self.found("linux", XDG_CONFIG_HOME="/elsewhere"), expected)

    def test_a_folder_of_that_name_beside_the_program_does_not(self) -> None:
        (self.folder / "settings.json").mkdir()
        self.assertNotEqual(self.found("linux").state_folder, self.folder)

    def test_each_system_has_its_own_place(self) -> None:
        home = self.HOME
        for profile, settings, state in (
            (
                self.found("linux"),
                home / ".config/lmktorrent/settings.json",
                home / ".local/state/lmktorrent",
            ),
            (
                self.found("linux", XDG_CONFIG_HOME="/c", XDG_STATE_HOME="/s"),
                Path("/c/lmktorrent/settings.json"),
                Path("/s/lmktorrent"),
            ),
            (
                self.found("darwin"),
                home / "Library/Application Support/LMKtorrent/settings.json",
                home / "Library/Application Support/LMKtorrent",
            ),
            (
                self.found("win32", APPDATA="/r", LOCALAPPDATA="/l"),
                Path("/r/LMKtorrent/settings.json"),
                Path("/l/LMKtorrent"),
            ),
            (
                self.found("win32"),
                home / "AppData/Roaming/LMKtorrent/settings.json",
                home / "AppData/Local/LMKtorrent",
            ),
        ):
            with self.subTest(settings=settings):
                self.assertEqual(profile, Profile(settings, state))

    def test_a_place_that_is_no_whole_path_counts_as_none(self) -> None:
        usual = self.found("linux")
        for place in ("relative", "./x", "~/x"):
            with self.subTest(place=place):
                self.assertEqual(
                    self.found("linux", XDG_CONFIG_HOME=place, XDG_STATE_HOME=place), usual
                )

    @unittest.skipUnless(os.name == "posix", "the list of users is a thing of POSIX")
    def test_a_user_without_a_home_has_a_profile_in_which_nothing_can_be_kept(self) -> None:
        with mock.patch("pwd.getpwuid", side_effect=KeyError("no entry")):
            profile = find_profile(None, environment={}, platform="linux", beside=self.folder)
        self.assertTrue(profile.is_nowhere)
        self.assertFalse(self.found("linux").is_nowhere)
        settings = SettingsFile(profile.settings_file)
        self.assertEqual((settings.load(), settings.notice), (ProgramSettings(), ""))
        self.assertIsNone(StateFile(profile.tracker_state_file).read())
        with self.assertRaisesRegex(StorageError, "no home folder.*--profile DIR"):
            settings.save(ProgramSettings())


class SettingsFileTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "deep" / "settings.json"
        self.path.parent.mkdir()

    def load(self) -> ProgramSettings:
        return SettingsFile(self.path).load()

    def stored(self) -> dict[str, Any]:
        value = json.loads(self.path.read_bytes())
        assert isinstance(value, dict)
        return value

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())

    def test_what_was_saved_comes_back(self) -> None:
        self.path.parent.rmdir()
        settings = ProgramSettings(
            tracker="pc:5",
            shared_folder="/tmp/é\u2028 \U0001f600",
            recent_folders=("/a", "/b"),
            keep_seeding=True,
            slots=3,
            appearance="dark",
        )
        SettingsFile(self.path).save(settings)
        with self.assertNoLogs(level=logging.WARNING):
            self.assertEqual(self.load(), settings)

    def test_without_a_file_or_with_an_empty_one_there_are_defaults_and_no_complaint(self) -> None:
        with self.assertNoLogs(level=logging.WARNING):
            self.assertEqual(self.load(), ProgramSettings())
            self.path.write_bytes(b"")
            self.assertEqual(self.load(), ProgramSettings())
        self.assertEqual(self.names(), ["settings.json"])

    def test_marks_and_encodings_of_windows_editors_are_read(self) -> None:
        text = '{"slots": 5, "download_folder": "/srv/Übungen", "later": 1}'
        for content in (
            b"\xef\xbb\xbf" + text.encode(),
            text.encode("utf-16"),
            b"\xfe\xff" + text.encode("utf-16-be"),
            text.replace(",", ",\r\n").encode(),
        ):
            with self.subTest(content=content[:4]), self.assertNoLogs(level=logging.WARNING):
                self.path.write_bytes(content)
                file = SettingsFile(self.path)
                settings = file.load()
                self.assertEqual((settings.slots, settings.download_folder), (5, "/srv/Übungen"))
                file.save(replace(settings, slots=6))
                self.assertEqual((self.stored()["slots"], self.stored()["later"]), (6, 1))
                self.assertEqual(self.names(), ["settings.json"])

    def test_a_damaged_file_means_defaults_is_said_and_is_kept(self) -> None:
        for content in DAMAGED:
            with self.subTest(content=content[:20]):
                self.path.write_bytes(content)
                file = SettingsFile(self.path)
                with self.assertLogs(level=logging.WARNING) as logs:
                    self.assertEqual(file.load(), ProgramSettings())
                self.assertEqual(len(logs.records), 1)
                self.assertIn("It is kept as settings.json.damaged", file.notice)
                file.save(ProgramSettings(slots=2))
                self.assertEqual(self.load().slots, 2)
                kept = self.path.with_name("settings.json.damaged")
                self.assertEqual(kept.read_bytes(), content)
                kept.unlink()

    def test_every_damaged_file_is_kept_and_each_once(self) -> None:
        for content, kept in ((b"{one", 1), (b"{two", 2), (b"{one", 2), (b"{three", 3)):
            for _ in range(3):
                write_whole(self.path, content)
                with self.assertLogs(level=logging.WARNING):
                    self.load()
            self.assertEqual(len(self.names()), 1 + kept)
        found = {path.read_bytes() for path in self.path.parent.glob("*.damaged*")}
        self.assertEqual(found, {b"{one", b"{two", b"{three"})

    def test_an_earlier_one_is_not_lost_where_a_file_has_one_name_only(self) -> None:
        with mock.patch("os.link", side_effect=OSError(errno.EPERM, "no links")):
            for content in (b"{one", b"{two"):
                self.path.write_bytes(content)
                with self.assertLogs(level=logging.WARNING):
                    self.load()
        found = [path.read_bytes() for path in sorted(self.path.parent.glob("*.damaged*"))]
        self.assertEqual(found, [b"{one", b"{two"])

    def test_an_unusable_value_costs_only_itself_and_stays_in_the_file(self) -> None:
        odd = '"shared_folder": "\\ud800", "seeder_port": NaN'
        text = f'{{"slots": 5000, "tracker": "pc", "appearance": ["sepia"], {odd}}}'
        self.path.write_bytes(text.encode())
        file = SettingsFile(self.path)
        with self.assertLogs(level=logging.WARNING):
            settings = file.load()
        self.assertEqual(settings, ProgramSettings(tracker="pc"))
        self.assertIn("shared_folder, seeder_port, slots, appearance.", file.notice)
        file.save(replace(settings, slots=7, window="900x600"))
        stored = self.stored()
        self.assertEqual((stored["slots"], stored["appearance"]), (7, ["sepia"]))
        self.assertEqual(stored["shared_folder"], "\ud800")

    def test_what_a_newer_version_wrote_stays(self) -> None:
        newer = {"slots": 4, "rooms": [{"name": "lab", "weight": 1.5}], "theme": None}
        self.path.write_text(json.dumps(newer))
        file = SettingsFile(self.path)
        settings = file.load()
        self.assertEqual(file.notice, "")
        file.save(replace(settings, tracker="pc"))
        stored = self.stored()
        self.assertEqual({name: stored[name] for name in newer}, newer)
        self.assertEqual(stored["tracker"], "pc")

    def test_what_another_window_or_an_editor_wrote_meanwhile_stays(self) -> None:
        self.path.write_text('{"slots": 4, "tracker": "one"}')
        file = SettingsFile(self.path)
        settings = file.load()
        self.path.write_text('{"slots": 4, "tracker": "two", "up_limit": "5M"}')
        file.save(replace(settings, slots=9))
        stored = self.stored()
        self.assertEqual((stored["slots"], stored["tracker"], stored["up_limit"]), (9, "two", "5M"))
        file.save(replace(settings, slots=9, tracker="three"))
        self.assertEqual(self.stored()["tracker"], "three")
        self.path.write_bytes(b"{half")
        with self.assertLogs(level=logging.WARNING):
            file.save(replace(settings, slots=8))
        self.assertEqual(self.path.with_name("settings.json.damaged").read_bytes(), b"{half")
        self.assertEqual(self.load().slots, 8)

    def test_what_cannot_be_read_is_never_written_over(self) -> None:
        self.path.write_bytes(b'{"slots": 5}')
        for code in (errno.EACCES, errno.EIO):
            file = SettingsFile(self.path)
            refused = mock.patch.object(Path, "open", side_effect=OSError(code, os.strerror(code)))
            with refused, self.assertLogs(level=logging.WARNING):
                self.assertEqual(file.load(), ProgramSettings())
                self.assertIn("leaves it as it is", file.notice)
                with self.assertRaisesRegex(StorageError, "cannot be read"):
                    file.save(ProgramSettings(slots=2))
            self.assertEqual(self.path.read_bytes(), b'{"slots": 5}')
        self.assertEqual(self.names(), ["settings.json"])

    def test_a_damaged_file_that_cannot_be_kept_is_left_as_it_is(self) -> None:
        self.path.write_bytes(b"{half")
        no = OSError(errno.ENOSPC, "no room")
        refused = (mock.patch("os.link", side_effect=no), mock.patch("os.replace", side_effect=no))
        file = SettingsFile(self.path)
        with refused[0], refused[1], self.assertLogs(level=logging.WARNING):
            file.load()
            with self.assertRaises(StorageError):
                file.save(ProgramSettings())
        self.assertEqual(self.path.read_bytes(), b"{half")

    def test_a_folder_or_a_pipe_in_its_place_means_defaults(self) -> None:
        self.path.mkdir()
        self.refuse()
        self.path.rmdir()
        if hasattr(os, "mkfifo"):
            os.mkfifo(self.path)
            self.refuse()

    def refuse(self) -> None:
        file = SettingsFile(self.path)
        with self.assertLogs(level=logging.WARNING):
            self.assertEqual(file.load(), ProgramSettings())
            with self.assertRaises(StorageError):
                file.save(ProgramSettings())

    def test_a_folder_whose_name_is_not_utf_8_costs_no_other_setting(self) -> None:
        SettingsFile(self.path).save(ProgramSettings(shared_folder="/tmp/\udcff", slots=3))
        with self.assertNoLogs(level=logging.WARNING):
            self.assertEqual(self.load(), ProgramSettings(slots=3))

    @unittest.skipUnless(os.name == "posix", "links")
    def test_a_link_to_settings_elsewhere_stays_a_link(self) -> None:
        there = self.folder / "dotfiles" / "lmk.json"
        there.parent.mkdir()
        there.write_text('{"slots": 4}')
        self.path.symlink_to(there)
        file = SettingsFile(self.path)
        file.save(replace(file.load(), tracker="pc"))
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(json.loads(there.read_bytes())["tracker"], "pc")
