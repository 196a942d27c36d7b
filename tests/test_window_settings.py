"""The page of settings."""

from __future__ import annotations

from tkinter import ttk

from roles.values.program_settings import Appearance
from tests.windows import AppWindowTest, every_widget, is_gone, press
from ui.window.settings_page import SettingsPage


class SettingsPageTest(AppWindowTest):
    def open_page(self) -> SettingsPage:
        window = self.open_window()
        press(window.status, "Settings")
        self.assertIs(window.tabs.in_front, window.settings)
        return window.settings

    def settle(self) -> dict[str, object]:
        """What is kept at the end."""
        window = self.window
        window.close_now()
        self.pump_until(lambda: is_gone(window))
        return self.kept()

    def test_twelve_settings_are_enough(self) -> None:
        widgets = self.open_page()._inside.grid_slaves()
        fields = [widget for widget in widgets if widget.grid_info()["column"] == 1]
        self.assertIn(len(fields), range(1, 13))

    def test_a_name_and_a_seat_are_what_others_see(self) -> None:
        page = self.open_page()
        page.name.variable.set("  Ann's   laptop ")
        page.name.commit()
        page.seat.variable.set("14")
        page.seat.commit()
        self.assertEqual(self.window._context.told_name, "Ann's laptop, seat 14")
        self.window.tracker.start()
        self.pump_until(lambda: self.window._context.trackers.own is not None)
        self.window.leecher.use_fields()
        told = "Ann's laptop, seat 14"
        run = self.tracker_run
        self.pump_until(lambda: any(program.name == told for program in run.room.participants))
        kept = self.settle()
        self.assertEqual((kept["computer_name"], kept["seat"]), ("Ann's laptop", "14"))

    def test_a_name_that_others_could_not_read_is_refused(self) -> None:
        page = self.open_page()
        for name in ("x" * 41, "a\u202eb"):
            page.name.variable.set(name)
            page.name.commit()
            self.assertTrue(page.name.problem)
        self.assertEqual(self.settle().get("computer_name", ""), "")

    def test_a_field_that_stands_in_two_places_is_one(self) -> None:
        page, window = self.open_page(), self.window
        page.up.variable.set("500K")
        page.up.commit()
        self.assertEqual(window.seeder.form.limit.variable.get(), "500K")
        self.assertIsNotNone(window._context.roles.throttles.up.limit)
        window.seeder.form.port.variable.set("13000")
        self.assertEqual(page.seeder_port.variable.get(), "13000")
        page.folder.variable.set(str(self.folder / "elsewhere"))
        self.assertEqual(window.leecher.form.folder.folder, str(self.folder / "elsewhere"))

    def test_a_chosen_network_is_where_roles_listen(self) -> None:
        page = self.open_page()
        page.network.variable.set("127.0.0.1")
        page.network.commit()
        self.assertEqual(self.window._context.host, "127.0.0.1")
        page.network.variable.set("the one by the door")
        page.network.commit()
        self.assertTrue(page.network.problem)
        self.assertEqual(self.settle()["network"], "127.0.0.1")

    def test_where_shares_arrive_counts_at_once(self) -> None:
        page = self.open_page()
        box = next(widget for widget in every_widget(page) if str(widget).endswith("checkbutton2"))
        assert isinstance(box, ttk.Checkbutton)
        box.invoke()
        assert self.model.settings is not None
        self.assertFalse(self.model.settings.own_folders)
        self.assertIs(self.settle()["own_folders"], False)

    def test_the_theme_is_chosen_here_and_in_the_line_below(self) -> None:
        page = self.open_page()
        radios = [widget for widget in every_widget(page) if isinstance(widget, ttk.Radiobutton)]
        next(radio for radio in radios if str(radio.cget("text")) == "Dark").invoke()
        self.assertTrue(self.window._context.theme.is_dark)
        self.window.appearance.choose(Appearance.LIGHT)
        self.assertEqual(self.window._context.settings.variable("appearance").get(), "light")

    def test_the_next_window_is_as_large_as_was_chosen(self) -> None:
        page = self.open_page()
        before = self.window._context.theme.px(100)
        page._size.set("150 %")
        page._keep_size()
        self.assertEqual(self.settle()["size_percent"], 150)
        larger = self.open_window()
        self.assertAlmostEqual(larger._context.theme.px(100) / before, 1.5, delta=0.02)
        self.assertGreater(larger._context.theme.text_font.metrics("linespace"), 1)

    def test_escape_takes_the_page_away(self) -> None:
        self.open_page()
        self.window._leave()
        self.assertFalse(self.window.tabs.is_there("Settings"))
