"""Everything can be done without a mouse."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from tkinter import ttk
from typing import ClassVar

from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import NoPermissionError
from roles.values.events import DownloadChanged, DownloadState, FilesListed
from roles.values.listed_file import ListedFile, ListedFolder
from tests.windows import AppWindowTest, every_widget, examples, sentences


class KeyboardTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_window()
        self.window.focus_force()
        self.window.update()

    def press(self, key: str, widget: tk.Misc | None = None) -> None:
        target = widget or self.window.focus_get() or self.window
        target.focus_force()
        self.pump_until(lambda: self.window.focus_get() is target)
        target.event_generate(key)
        self.window.update()

    def list_three(self) -> ttk.Treeview:
        files = tuple(ListedFile(name, 1) for name in "abc")
        self.model._handle(FilesListed(Address(LOOPBACK, 1), files, (), ()))
        return self.window.leecher.list.table.tree

    def test_each_tab_has_its_number(self) -> None:
        window = self.window
        for number, tab in enumerate((window.tracker, window.seeder, window.leecher, window.log)):
            with self.subTest(number=number + 1):
                self.press(f"<Control-Key-{number + 1}>")
                self.assertIs(window.tabs.in_front, tab)

    def test_the_first_control_of_a_tab_has_the_focus(self) -> None:
        self.press("<Control-Key-1>")
        self.assertIs(self.window.focus_get(), self.window.tracker.form.button)
        self.press("<Control-Key-3>")
        self.assertIs(self.window.focus_get(), self.window.leecher.form.from_line.change)

    def test_tab_goes_from_field_to_field_as_they_are_read(self) -> None:
        form = self.window.leecher.form
        self.assertEqual(
            self.stops_after(form.from_line.change, 3), ["Refresh", "Change …", "Open"]
        )
        self.press("<space>", form.from_line.change)
        self.press("<space>", form.to_line.change)
        self.assertEqual(
            self.stops_after(form.folder.entry, 2),
            ["Choose …", "Open"],
        )
        self.press("<Control-Key-2>")
        form_of_seeder = self.window.seeder.form
        self.assertEqual(
            self.stops_after(form_of_seeder.folder.entry, 3),
            ["Choose …", str(form_of_seeder.tracker.entry), "Start seeding"],
        )

    def test_tab_goes_through_the_leecher_tab_from_the_top_to_the_bottom(self) -> None:
        self.window.geometry("1280x800+0+0")
        tree, leecher = self.list_three(), self.window.leecher
        event = DownloadChanged("a", DownloadState.PAUSED, 9, 3, 0.0, None, ())
        self.model._handle(event)
        failed = NoPermissionError("No permission to write /x/b.")
        self.model._handle(replace(event, name="b", state=DownloadState.FAILED, failure=failed))
        leecher.list.table.choose(["b"])
        self.pump_until(lambda: bool(leecher.list.detail.retry.winfo_viewable()))
        form, detail = leecher.form, leecher.list.detail
        expected = [
            *("Refresh", "Change …", "Open"),
            *("Download all, 3 files", "Download selected", "Resume"),
            *("All 3", "Downloading 1", "Problems 1", str(leecher.list.toolbar.finder.entry)),
            *(str(tree), "Retry", "Another folder …"),
            *("1", "5", "30 min", str(detail.sources.tree)),
            "Keep seeding what I download",
            *(str(form.limit.entry), str(form.parallel.entry), "Settings"),
        ]
        self.assertEqual(self.stops_after(form.from_line.change, len(expected)), expected)

    def stops_after(self, widget: tk.Misc, number: int) -> list[str]:
        """What Tab reaches next: the text of a button, the path of a field."""
        stops = list[str]()
        for _ in range(number):
            following = widget.tk_focusNext()
            assert following is not None
            widget = following
            is_button = isinstance(widget, ttk.Button | ttk.Radiobutton | ttk.Checkbutton)
            stops.append(str(widget.cget("text")) if is_button else str(widget))
        return stops

    def test_control_a_in_a_field_selects_its_text(self) -> None:
        entry = self.window.leecher.form.tracker.entry
        self.window.leecher.form.from_line.unfold()
        self.window.update()
        entry.insert(0, "10.0.0.1 ")
        self.press("<Control-a>", entry)
        self.assertEqual(entry.index("sel.first"), 0)
        self.assertEqual(entry.index("sel.last"), len(entry.get()))

    def test_fields_and_buttons_of_tk_s_own_dialogs_have_these_keys_too(self) -> None:
        tcl = self.window.tk
        tcl.eval("ttk::entry .field; .field insert 0 text; place .field -x 0")
        tcl.eval("ttk::button .button -command {set pressed 1}; place .button -x 0; update")
        for widget, key in ((".field", "<Control-a>"), (".button", "<Return>")):
            tcl.eval(f"focus -force {widget}; update; event generate {widget} {key}; update")
        self.assertEqual(tcl.eval(".field index sel.last"), "4")
        self.assertEqual(tcl.eval("set pressed"), "1")

    def test_alt_and_the_letter_of_a_tab_brings_it_to_the_front(self) -> None:
        self.press("<Alt-s>")
        self.assertIs(self.window.tabs.in_front, self.window.seeder)

    def test_alt_and_an_underlined_letter_presses_that_button(self) -> None:
        self.press("<Control-Key-2>")
        asked: list[str] = []

        def ask(title: str, _start: str, _then: object) -> None:
            asked.append(title)

        self.window.seeder.form.folder.ask_folder = ask
        self.press("<Alt-h>")
        self.assertEqual(asked, ["Which folder to seed"])

    def test_no_two_buttons_in_sight_share_a_letter(self) -> None:
        window = self.window
        tabs = {"t", "s", "l", "g"}
        for tab in (window.tracker, window.seeder, window.leecher, window.log):
            letters = []
            for widget in every_widget(tab):
                if isinstance(widget, ttk.Button | ttk.Checkbutton):
                    underline = int(widget.cget("underline"))
                    if underline >= 0:
                        letters.append(str(widget.cget("text"))[underline].lower())
            with self.subTest(tab=str(tab)):
                self.assertEqual(len(letters), len(set(letters)), letters)
                self.assertFalse(tabs & set(letters))

    def test_home_end_and_select_all_work_in_the_list(self) -> None:
        tree = self.list_three()
        self.press("<End>", tree)
        self.assertEqual(self.window.leecher.list.chosen, ["c"])
        self.press("<Home>", tree)
        self.assertEqual(self.window.leecher.list.chosen, ["a"])
        self.press("<Control-a>", tree)
        self.assertEqual(self.window.leecher.list.chosen, ["a", "b", "c"])

    def test_shift_and_arrows_extend_and_shorten_the_choice(self) -> None:
        tree = self.list_three()
        self.press("<Home>", tree)
        self.press("<Shift-Down>", tree)
        self.press("<Shift-Down>", tree)
        self.assertEqual(self.window.leecher.list.chosen, ["a", "b", "c"])
        self.press("<Shift-Up>", tree)
        self.assertEqual(self.window.leecher.list.chosen, ["a", "b"])

    def list_folder(self) -> ttk.Treeview:
        files = tuple(ListedFile(name, 1, b"root", "c0" * 8) for name in ("a", "sub/b"))
        folders = (ListedFolder("c0" * 8, "Course", 2, 2),)
        self.model._handle(FilesListed(Address(LOOPBACK, 1), files, (), (), folders))
        self.window.update()
        return self.window.leecher.list.table.tree

    def test_left_and_right_close_and_open_a_folder(self) -> None:
        tree = self.list_folder()
        self.press("<Home>", tree)
        self.press("<Left>", tree)
        self.assertEqual(len(tree.get_children()), 1)
        self.press("<Right>", tree)
        self.assertEqual(len(tree.get_children()), 3)

    def test_a_click_on_the_sign_of_a_folder_closes_it_and_one_on_its_name_chooses_it(self) -> None:
        tree = self.list_folder()
        first = tree.get_children()[0]
        box = tree.bbox(first, "1")
        assert not isinstance(box, str)
        left, middle = box[0] + 10, box[1] + box[3] // 2
        tree.event_generate("<Button-1>", x=left, y=middle)
        tree.event_generate("<ButtonRelease-1>", x=left, y=middle)
        self.assertEqual(len(tree.get_children()), 1)
        tree.event_generate("<Button-1>", x=left + 60, y=middle)
        tree.event_generate("<ButtonRelease-1>", x=left + 60, y=middle)
        self.assertEqual(self.window.leecher.list.chosen, ["share:" + "c0" * 8])
        self.assertEqual(len(tree.get_children()), 1)

    def test_control_f_goes_to_the_field_that_narrows_the_list(self) -> None:
        self.press("<Control-Key-1>")
        self.press("<Control-f>")
        finder = self.window.leecher.list.toolbar.finder.entry
        self.pump_until(lambda: self.window.focus_get() is finder)

    def test_escape_closes_a_notice(self) -> None:
        self.window.leecher.notices.say("Something.")
        self.press("<Escape>")
        self.assertEqual(sentences(self.window.leecher.notices), [])

    def test_f5_asks_the_tracker_again(self) -> None:
        self.press("<F5>")
        self.assertIn("asking …", self.window.leecher.form.from_line.text)

    def test_f6_goes_from_pane_to_pane_and_round(self) -> None:
        self.list_three()
        shown = self.window.leecher.list
        shown.toolbar.finder.entry.focus_force()
        self.press("<F6>")
        self.assertIs(self.window.focus_get(), shown.table.tree)
        self.press("<F6>")
        self.assertIs(self.window.focus_get(), shown.toolbar.finder.entry)

    def test_enter_downloads_the_chosen_files_and_the_menu_has_the_same_verbs(self) -> None:
        self.window.try_it()
        self.wait_for_files(len(examples()))
        table = self.window.leecher.list.table
        table.choose(["table.csv"])
        menu = self.window.leecher.list.menu
        menu.refresh()
        self.assertEqual(menu.menu.entrycget(0, "state"), "normal")
        self.assertEqual(menu.menu.entrycget(1, "state"), "disabled")
        self.press("<Return>", table.tree)
        self.wait_for_state(DownloadState.DONE, "table.csv")

    def test_enter_presses_the_button_that_has_the_focus(self) -> None:
        self.press("<Control-Key-1>")
        self.press("<Return>")
        self.pump_until(lambda: self.window.tracker.seeder_count == 0)
