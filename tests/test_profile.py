"""Where settings and state are kept, and what damage does to them."""

from __future__ import annotations

import logging
from pathlib import Path

from roles.base.profile import (
    Profile,
    find_profile,
    load_settings,
    save_settings,
)
from roles.values.errors import StorageError
from roles.values.settings import ProgramSettings
from tests.support import LmkTestCase

DAMAGED = (
    b"{",
    b"hello",
    b"\xff\xfe\x00",
    b"\0" * 100,
    b"[" * 5000,
    b'{"slots": NaN}',
    b'{"slots": 1, "slots": 2}',
    b'{"tracker": "\\ud800"}',
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


class SettingsFileTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.profile = Profile(self.folder / "deep" / "settings.json", self.folder)

    def write(self, content: bytes) -> None:
        self.profile.settings_file.parent.mkdir(exist_ok=True)
        self.profile.settings_file.write_bytes(content)

    def test_what_was_saved_comes_back(self) -> None:
        settings = ProgramSettings(
            tracker="pc:5",
            shared_folder="/tmp/é\u2028 \U0001f600",
            recent_folders=("/a", "/b"),
            keep_seeding=True,
            slots=3,
            appearance="dark",
        )
        save_settings(self.profile, settings)
        with self.assertNoLogs(level=logging.WARNING):
            self.assertEqual(load_settings(self.profile), settings)

    def test_without_a_file_or_with_an_empty_one_there_are_defaults_and_no_complaint(self) -> None:
        with self.assertNoLogs(level=logging.WARNING):
            self.assertEqual(load_settings(self.profile), ProgramSettings())
            self.write(b"")
            self.assertEqual(load_settings(self.profile), ProgramSettings())

    def test_a_damaged_file_means_defaults_and_one_line_in_the_log(self) -> None:
        for content in DAMAGED:
            with self.subTest(content=content[:20]):
                self.write(content)
                with self.assertLogs(level=logging.WARNING) as logs:
                    self.assertEqual(load_settings(self.profile), ProgramSettings())
                self.assertEqual(len(logs.records), 1)

    def test_an_unusable_value_costs_only_itself(self) -> None:
        self.write(b'{"slots": 5000, "tracker": "pc"}')
        with self.assertLogs(level=logging.WARNING) as logs:
            self.assertEqual(load_settings(self.profile), ProgramSettings(tracker="pc"))
        self.assertIn("slots", logs.output[0])

    def test_a_folder_in_its_place_means_defaults(self) -> None:
        self.profile.settings_file.mkdir(parents=True)
        with self.assertLogs(level=logging.WARNING):
            self.assertEqual(load_settings(self.profile), ProgramSettings())
        with self.assertRaises(StorageError):
            save_settings(self.profile, ProgramSettings())

    def test_a_folder_whose_name_is_not_utf_8_costs_no_other_setting(self) -> None:
        save_settings(self.profile, ProgramSettings(shared_folder="/tmp/\udcff", slots=3))
        self.assertEqual(load_settings(self.profile).slots, 3)
