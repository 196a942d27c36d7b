"""Starting the window: nothing that is missing or damaged keeps it from opening."""

from __future__ import annotations

import json
import os
import unittest
from unittest import mock

from tests.support import at_once, widget_texts
from tests.windows import AppWindowTest, is_gone, sentences, text_of
from ui.window import window_geometry
from ui.window.settings_keeper import SettingsKeeper


class StartTest(AppWindowTest):
    def test_the_window_waits_for_no_tracker(self) -> None:
        with mock.patch("roles.joining.tracker_asker.TRIES_S", (60.0,)), at_once():
            self.open_window()

    def test_without_a_tracker_it_says_what_to_do(self) -> None:
        window = self.open_window()
        self.pump_until(lambda: "No tracker at" in text_of(window.leecher.form.tracker_said))
        self.assertIn("press “Try it on this computer”", widget_texts(window))

    def test_the_first_tab_is_the_leechers(self) -> None:
        window = self.open_window()
        self.assertIs(window.tabs.in_front, window.leecher)

    def test_a_folder_that_is_given_is_chosen_and_not_seeded_yet(self) -> None:
        window = self.open_window(folder_to_seed=self.folder)
        self.assertIs(window.tabs.in_front, window.seeder)
        self.assertEqual(window.seeder.form.folder.folder, str(self.folder))
        self.assertIsNone(window.seeder.main)

    def test_notices_of_the_start_are_shown(self) -> None:
        window = self.open_window(notices=("No log is kept.",))
        self.assertEqual(sentences(window.notices), ["No log is kept."])

    def test_damaged_settings_mean_defaults(self) -> None:
        self.profile.settings_file.write_bytes(b'{"slots": [')
        with self.assertLogs("roles.disk.state_file", "WARNING"):
            window = self.open_window()
        self.assertEqual(window.leecher.form.folder.variable.get(), "")
        self.assertIn("It is kept as settings.json.damaged", sentences(window.notices)[0])
        window.close_now()
        self.pump_until(lambda: is_gone(window))
        kept = self.profile.settings_file.with_name("settings.json.damaged")
        self.assertEqual(kept.read_bytes(), b'{"slots": [')
        self.assertIn("window", json.loads(self.profile.settings_file.read_bytes()))

    def test_what_a_role_warns_of_is_shown(self) -> None:
        state = self.profile.tracker_state_file
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(b"{half")
        window = self.open_window()
        window.tracker.start_only_here(lambda _address: None)
        self.pump_until(
            lambda: any("tracker.json" in sentence for sentence in sentences(window.notices))
        )
        self.assertEqual(state.with_name("tracker.json.damaged").read_bytes(), b"{half")

    def test_settings_survive_to_a_second_window(self) -> None:
        window = self.open_window()
        window.tracker.form.port.variable.set("12345")
        window.tracker.form.port.entry.event_generate("<Return>")
        window.tracker.form.port.commit()
        window.leecher.form.keep_seeding.set(True)
        window.leecher.keep_seeding_changed()
        window.close_now()
        self.pump_until(lambda: is_gone(window))
        second = self.open_window()
        self.assertEqual(second.tracker.form.port.variable.get(), "12345")
        self.assertTrue(second.leecher.form.keep_seeding.get())

    @unittest.skipIf(os.name == "nt", "needs a file where a folder should be")
    def test_settings_that_cannot_be_kept_are_said_once(self) -> None:
        blocked = self.folder / "blocked"
        self.profile = type(self.profile)(blocked / "settings.json", blocked)
        blocked.write_text("a file where the folder should be", encoding="utf-8")
        window = self.open_window()
        keeper = window._context.settings
        keeper.change(slots=3)
        self.pump_until(lambda: window.notices.has("settings"))
        self.assertIn("cannot be saved", sentences(window.notices)[0])
        window.notices.close("settings")
        keeper.change(slots=4)
        self.pump_until(lambda: not keeper.is_writing)
        self.assertFalse(window.notices.has("settings"))
        self.assertIsInstance(keeper, SettingsKeeper)

    def test_a_missing_icon_is_no_reason_not_to_start(self) -> None:
        window = self.open_window()
        self.assertIsNone(window_geometry.set_icon(window, "no such.png"))

    def test_an_unusable_tracker_address_is_said_beside_its_field(self) -> None:
        self.keep(tracker="not an address")
        window = self.open_window()
        self.assertIn("is not an address", window.leecher.form.tracker.problem)
        self.assertIsNone(self.model.leecher)

    def test_an_empty_field_means_the_tracker_of_the_environment(self) -> None:
        self.keep(tracker="")
        self.open_window(environment={"LMK_TRACKER": f"127.0.0.1:{self.tracker_port}"})
        assert self.model.settings is not None
        self.assertEqual(self.model.settings.tracker.port, self.tracker_port)


class SizeTest(AppWindowTest):
    withdrawn = False

    def assert_size(self, kept: str, width: int, height: int) -> None:
        self.keep(window=kept)
        window = self.open_window()
        self.pump_until(
            lambda: (window.winfo_width(), window.winfo_height()) == (width, height),
            message=f"{kept} did not become {width}x{height}",
        )

    def test_the_size_of_the_window_survives(self) -> None:
        self.assert_size("1000x700+20+30", 1000, 700)

    def test_a_size_that_the_screen_cannot_show_is_cut(self) -> None:
        window = self.open_window()
        width, height = window.winfo_screenwidth(), window.winfo_screenheight()
        self.assert_size("30000x20000+0+0", width, height)

    def test_a_place_off_the_screen_is_forgotten(self) -> None:
        self.keep(window="900x600+9000+9000")
        window = self.open_window()
        self.pump_until(lambda: window.winfo_width() == 900)
        self.assertLess(window.winfo_x(), window.winfo_screenwidth())

    def test_nonsense_means_the_usual_size(self) -> None:
        self.keep(window="as before")
        window = self.open_window()
        self.pump_until(lambda: window.winfo_width() >= window_geometry.LEAST_WIDTH)
