"""What is kept between runs."""

from __future__ import annotations

import unittest
from dataclasses import asdict, fields, replace

from roles.values.program_settings import MAX_RECENTS, ProgramSettings, program_settings_from


class ProgramSettingsTest(unittest.TestCase):
    CHANGED = ProgramSettings(
        tracker="pc:1",
        shared_folder="/a",
        recent_folders=("/a", "/b"),
        download_folder="/c",
        keep_seeding=True,
        private_room=True,
        offers_here=True,
        own_folders=False,
        tracker_port=1,
        seeder_port=65535,
        slots=64,
        parallel_seeders=16,
        up_limit="2 MB/s",
        down_limit="500K",
        appearance="dark",
        recent_trackers=("pc:1", "pc:2"),
        window="900x600+10+10",
        seats=("00112233445566aa 1 2",),
        list_columns="1:300,2:88",
        list_percent=40,
        has_begun=True,
        computer_name="Ann's laptop",
        seat="14",
        network="10.0.0.7",
        size_percent=150,
        keep_awake=False,
        door=False,
        torrent=True,
    )

    def test_what_was_kept_comes_back(self) -> None:
        stored = asdict(self.CHANGED) | {
            "recent_folders": ["/a", "/b"],
            "recent_trackers": ["pc:1", "pc:2"],
            "seats": ["00112233445566aa 1 2"],
        }
        self.assertEqual(program_settings_from(stored), (self.CHANGED, ()))

    def test_every_setting_differs_from_its_default_in_this_test(self) -> None:
        for field in fields(ProgramSettings):
            with self.subTest(field=field.name):
                self.assertNotEqual(
                    getattr(self.CHANGED, field.name), getattr(ProgramSettings(), field.name)
                )

    def test_what_is_missing_stays_at_its_default_and_what_is_unknown_is_skipped(self) -> None:
        settings, unusable = program_settings_from({"slots": 3, "colour": "red"})
        self.assertEqual(settings, ProgramSettings(slots=3))
        self.assertEqual(unusable, ())

    def test_unusable_values_are_named_and_the_others_are_kept(self) -> None:
        for name, value in (
            ("tracker", 5),
            ("tracker", None),
            ("keep_seeding", 1),
            ("keep_seeding", "yes"),
            ("slots", 0),
            ("slots", 65),
            ("slots", True),
            ("slots", "8"),
            ("slots", 8.0),
            ("tracker_port", 65536),
            ("seeder_port", -1),
            ("parallel_seeders", 17),
            ("up_limit", 5),
            ("up_limit", "fast"),
            ("down_limit", "1"),
            ("appearance", "pink"),
            ("appearance", ["dark"]),
            ("computer_name", "x" * 41),
            ("network", "the one by the door"),
            ("size_percent", 79),
            ("size_percent", 201),
            ("recent_folders", "/a"),
            ("recent_folders", {}),
            ("recent_trackers", "pc:1"),
            ("window", []),
        ):
            with self.subTest(name=name, value=value):
                stored: dict[str, object] = {"download_folder": "/c", name: value}
                settings, unusable = program_settings_from(stored)
                self.assertEqual(settings, ProgramSettings(download_folder="/c"))
                self.assertEqual(unusable, (name,))

    def test_recent_folders_that_are_no_texts_are_left_out(self) -> None:
        settings, unusable = program_settings_from(
            {"recent_folders": ["/a", 5, None, ["/b"], "/c"]}
        )
        self.assertEqual((settings.recent_folders, unusable), (("/a", "/c"), ()))

    def test_only_the_newest_recent_folders_are_kept(self) -> None:
        settings = ProgramSettings()
        for number in range(20):
            settings = settings.with_recent_folder(f"/{number}")
        self.assertEqual(len(settings.recent_folders), MAX_RECENTS)
        self.assertEqual((settings.shared_folder, settings.recent_folders[0]), ("/19", "/19"))
        many: dict[str, object] = {"recent_folders": [f"/{number}" for number in range(20)]}
        self.assertEqual(len(program_settings_from(many)[0].recent_folders), MAX_RECENTS)

    def test_only_the_newest_trackers_are_kept_and_one_that_answers_again_moves_to_the_front(
        self,
    ) -> None:
        settings = ProgramSettings()
        for number in (*range(20), 15):
            settings = settings.with_recent_tracker(f"pc:{number}")
        self.assertEqual(len(settings.recent_trackers), MAX_RECENTS)
        self.assertEqual(settings.recent_trackers[:2], ("pc:15", "pc:19"))

    def test_a_folder_chosen_again_moves_to_the_front_and_is_not_doubled(self) -> None:
        settings = replace(ProgramSettings(), recent_folders=("/a", "/b", "/c"))
        self.assertEqual(settings.with_recent_folder("/b").recent_folders, ("/b", "/a", "/c"))
