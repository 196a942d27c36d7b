"""From and To: two lines of text that unfold into fields, and fold again once these were used."""

from __future__ import annotations

import os
import tkinter as tk
from typing import ClassVar
from unittest import mock

from roles.values.addresses import LOOPBACK, Address
from roles.values.events import FilesListed, TrackersFound
from roles.values.findings import FoundTracker
from roles.values.listed_file import ListedFile
from tests.windows import AppWindowTest, examples, text_of
from ui.window.leecher_form import LeecherForm

ONE = FoundTracker(Address("192.0.2.5", 12500), "Teacher-PC", is_original=False)
OTHER = FoundTracker(Address("192.0.2.6", 12500), "lab-pc-07", is_original=False)


class FoldedFieldTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def open_leecher(self, **settings: object) -> LeecherForm:
        self.keep(tracker="", **settings)
        self.window = self.open_window()
        self.window.focus_force()
        self.window.update()
        return self.window.leecher.form

    def press(self, key: str, widget: tk.Misc) -> None:
        widget.focus_force()
        self.window.update()
        widget.event_generate(key)
        self.window.update()

    def found(self, *trackers: FoundTracker) -> None:
        self.window._context.trackers.take(TrackersFound(trackers))
        self.window.update()

    def test_a_tracker_that_was_found_is_named_with_how_it_is_known_and_what_it_lists(self) -> None:
        form = self.open_leecher()
        self.found(ONE)
        files = tuple(ListedFile(name, 1) for name in "ab")
        self.model._handle(FilesListed(ONE.address, files, (ONE.address,), ()))
        line = "Teacher-PC  192.0.2.5:12500 · found automatically · 2 files from 1 seeder"
        self.assertEqual(form.from_line.text, line)
        self.assertTrue(form.from_line.is_folded)

    def test_the_folder_is_named_from_home_with_the_room_that_it_has(self) -> None:
        with mock.patch.dict(os.environ, {"HOME": str(self.folder)}):
            form = self.open_leecher(download_folder="~/Lessons")
            self.assertTrue(form.to_line.text.startswith("~/Lessons"))
            self.pump_until(lambda: form.to_line.text.endswith(" free"))
            form.say_free_space(38_000_000_000)
            self.assertEqual(form.to_line.text, "~/Lessons  38.0 GB free")
            form.say_free_space(None)
            self.assertEqual(form.to_line.text, "~/Lessons")

    def test_change_unfolds_and_enter_folds_with_what_was_typed(self) -> None:
        form = self.open_leecher()
        self.press("<space>", form.from_line.change)
        self.assertFalse(form.from_line.is_folded)
        self.pump_until(lambda: self.window.focus_get() is form.tracker.entry)
        form.tracker.variable.set("192.0.2.7")
        self.press("<Return>", form.tracker.entry)
        self.pump_until(lambda: form.from_line.is_folded)
        self.assertTrue(form.from_line.text.startswith("192.0.2.7:12500"))
        self.pump_until(lambda: self.window.focus_get() is form.from_line.change)
        assert self.model.settings is not None
        self.assertEqual(self.model.settings.tracker, Address("192.0.2.7", 12500))

    def test_escape_folds_and_leaves_everything_as_it_was(self) -> None:
        form = self.open_leecher()
        before = form.folder.variable.get()
        self.press("<space>", form.to_line.change)
        form.folder.variable.set("/somewhere/else")
        self.window.leecher.notices.say("Something.")
        self.press("<Escape>", form.folder.entry)
        self.pump_until(lambda: form.to_line.is_folded)
        self.assertEqual(form.folder.variable.get(), before)
        self.assertTrue(self.window.leecher.notices.has("Something."))

    def test_the_field_folds_when_the_focus_goes_elsewhere_but_not_to_its_own_button(self) -> None:
        form = self.open_leecher()
        self.press("<space>", form.to_line.change)
        self.pump_until(lambda: self.window.focus_get() is form.folder.entry)
        [choose] = form.to_line._unfolded
        choose.focus_force()
        self.window.update()
        self.assertFalse(form.to_line.is_folded)
        self.window.leecher.list.toolbar.finder.entry.focus_force()
        self.pump_until(lambda: form.to_line.is_folded)

    def test_what_is_wrong_is_said_in_place_and_keeps_the_field_open(self) -> None:
        form = self.open_leecher()
        self.press("<space>", form.from_line.change)
        form.tracker.variable.set("not an address")
        self.press("<Return>", form.tracker.entry)
        self.window.update()
        self.assertIn("is not an address", form.tracker.problem)
        self.assertFalse(form.from_line.is_folded)
        self.press("<Escape>", form.tracker.entry)
        self.pump_until(lambda: form.from_line.is_folded)
        self.assertEqual(form.tracker.problem, "")

    def test_a_wrong_setting_unfolds_its_field_at_the_start(self) -> None:
        self.keep(tracker="not an address")
        window = self.open_window()
        window.update()
        self.assertFalse(window.leecher.form.from_line.is_folded)
        self.assertTrue(window.leecher.form.to_line.is_folded)
        self.assertTrue(window.leecher.form.tracker.entry.winfo_viewable())

    def test_of_several_trackers_the_user_chooses_in_a_field_that_is_open_for_it(self) -> None:
        form = self.open_leecher()
        self.found(ONE, OTHER)
        self.assertFalse(form.from_line.is_folded)
        self.assertEqual(text_of(form.tracker.advice), "2 trackers found: choose one.")
        form.tracker.variable.set(str(form.tracker.entry.cget("values")[1]))
        form.tracker.entry.event_generate("<<ComboboxSelected>>")
        self.pump_until(lambda: form.from_line.is_folded)
        self.assertTrue(form.from_line.text.startswith("lab-pc-07"))

    def test_a_long_path_is_cut_in_the_middle_and_the_room_stays_in_sight(self) -> None:
        form = self.open_leecher(download_folder="/" + "/".join(["a long folder name"] * 20))
        form.say_free_space(5_000_000)
        self.window.update()
        line = form.to_line
        self.assertIn("…", text_of(line._name))
        self.assertEqual(text_of(line._detail), "5.0 MB free")
        self.assertLessEqual(line.links.winfo_x() + line.links.winfo_width(), line.winfo_width())
        self.assertIn("a long folder name/a long folder name", line._whole())

    def test_the_dialog_of_choose_folds_the_line_too(self) -> None:
        form = self.open_leecher()
        chosen, told = str(self.folder / "chosen"), list[bool]()
        form.folder.ask_folder = lambda _title, _start, then: then(chosen)
        self.press("<space>", form.to_line.change)
        form.folder.choose(lambda: told.append(True))
        self.assertEqual(told, [True])
        self.window.leecher.list.toolbar.finder.entry.focus_force()
        self.pump_until(lambda: form.to_line.is_folded)
        self.assertTrue(form.to_line.text.startswith(str(self.folder / "chosen")))


class TriedTest(AppWindowTest):
    def test_this_computers_tracker_is_called_so(self) -> None:
        window = self.open_with_examples()
        port = self.tracker_port
        number = len(examples())
        self.pump_until(
            lambda: (
                window.leecher.form.from_line.text
                == f"This computer  this window's tracker, port {port} · {number} files in 1 folder"
            )
        )


class HereTest(AppWindowTest):
    def test_a_tracker_on_this_computer_that_is_not_ours_is_called_by_its_port(self) -> None:
        window = self.open_window()
        words = window._context.trackers.in_words
        self.assertEqual(words, ("This computer", f"port {self.tracker_port}"))
        self.assertEqual(window._context.trackers.parse("").host, LOOPBACK)
