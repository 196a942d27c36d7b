"""Rows that are moved, by drag or by key, change which download comes next."""

from __future__ import annotations

import tkinter as tk
from typing import ClassVar
from unittest import mock

from roles.leecher import Leecher
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    QueueChanged,
)
from tests.windows import COURSE_KEY as KEY
from tests.windows import AppWindowTest
from ui.window.list_columns import QUEUE_COLUMN


class QueueTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def setUp(self) -> None:
        super().setUp()
        self.open_with_course("x.bin", "y.bin", "z.bin", "slides/1", beside="abcd")
        self.list = self.window.leecher.list
        self.table = self.list.table
        leecher = self.model.leecher
        assert leecher is not None
        self.leecher: Leecher = leecher
        self.enterContext(mock.patch.object(leecher, "put_in_order"))
        self.enterContext(mock.patch.object(leecher, "put_files_in_order"))
        self.window.update()

    def queue(self, *names: str, first: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> None:
        for name in names:
            event = DownloadChanged(name, DownloadState.QUEUED, 9, 0, 0.0, None, ())
            self.model._handle(event)
        self.model._handle(QueueChanged(names, first))
        self.pump_until(lambda: all(self.place(name) for name in names))

    def place(self, key: str) -> str:
        return self.table.full_text(key, QUEUE_COLUMN)

    def press(self, key: str) -> None:
        tree = self.table.tree
        tree.focus_force()
        self.window.update()
        tree.event_generate(key)
        self.window.update()

    def put(self) -> list[str]:
        """The order that the leecher was asked for last."""
        asked: mock.Mock = self.leecher.put_in_order  # type: ignore[assignment]
        return list(asked.call_args.args[0])

    def test_each_download_has_its_place_in_the_queue(self) -> None:
        self.queue("c", "a", "b")
        self.assertEqual([self.place(name) for name in "abcd"], ["2", "3", "1", ""])

    def test_alt_and_an_arrow_move_the_selected_download_and_show_the_order(self) -> None:
        self.queue("a", "b", "c")
        self.table.choose(["c"])
        self.press("<Alt-Up>")
        self.assertEqual(self.put(), ["a", "c", "b"])
        self.assertEqual(self.table.sorting, (QUEUE_COLUMN, False))
        self.assertEqual([key for key in self.table.order if key in "abc"], ["a", "c", "b"])
        self.assertEqual(self.table.chosen, ["c"])
        self.press("<Alt-Up>")
        self.assertEqual(self.put(), ["c", "a", "b"])
        self.press("<Alt-Down>")
        self.assertEqual(self.put(), ["a", "c", "b"])

    def test_several_move_together(self) -> None:
        self.queue("a", "b", "c", "d")
        self.table.choose(["b", "c"])
        self.press("<Alt-Up>")
        self.assertEqual(self.put(), ["b", "c", "a", "d"])

    def test_what_waits_for_nothing_does_not_move(self) -> None:
        self.table.choose(["a"])
        self.press("<Alt-Up>")
        asked: mock.Mock = self.leecher.put_in_order  # type: ignore[assignment]
        asked.assert_not_called()
        self.assertFalse(self.list._can_move())

    def test_a_row_is_dragged_above_or_below_another(self) -> None:
        self.queue("a", "b", "c", "d")
        self.table.sort_anew(QUEUE_COLUMN)
        self.window.update()
        self.drag("d", "b", part=0.2)
        self.assertEqual(self.put(), ["a", "d", "b", "c"])
        self.drag("a", "b", part=0.8)
        self.assertEqual(self.put(), ["d", "b", "a", "c"])

    def test_several_are_dragged_together_without_those_that_wait_for_nothing(self) -> None:
        self.queue("b", "c", "d")
        self.table.choose(["a", "d"])
        self.list._drop("d", "b", False)
        self.assertEqual(self.put(), ["d", "b", "c"])

    def test_the_rows_scroll_on_while_the_pointer_stands_still_below_them(self) -> None:
        self.window.geometry("800x560+0+0")
        self.queue(*"abcd")
        self.table.sort_anew(QUEUE_COLUMN)
        tree, rows = self.table.tree, self.table
        self.pump_until(lambda: rows.fitting < len(rows.order) - 3)
        box = tree.bbox(self.table.items["a"], "1")
        assert box
        tree.event_generate("<ButtonPress-1>", x=int(box[0]) + 90, y=int(box[1]) + 5)
        tree.event_generate("<B1-Motion>", x=int(box[0]) + 90, y=tree.winfo_height() + 20)
        self.pump_until(lambda: rows.top >= 3)
        tree.event_generate("<ButtonRelease-1>", x=0, y=tree.winfo_height() + 20)
        asked: mock.Mock = self.leecher.put_in_order  # type: ignore[assignment]
        asked.assert_not_called()

    def test_a_click_moves_nothing_and_a_drag_to_another_folder_neither(self) -> None:
        self.queue("a", "b", KEY)
        self.drag("a", "a", part=0.6)
        self.drag("a", "x.bin", part=0.5)
        asked: mock.Mock = self.leecher.put_in_order  # type: ignore[assignment]
        asked.assert_not_called()
        self.assertEqual(str(self.table.tree["cursor"]), "")

    def test_a_line_shows_where_the_row_would_stand_and_escape_ends_the_drag(self) -> None:
        self.queue("a", "b", "c")
        self.table.sort_anew(QUEUE_COLUMN)
        tree = self.table.tree
        self.drag("a", "c", part=0.8, release=False)
        [line] = [widget for widget in tree.winfo_children() if isinstance(widget, tk.Frame)]
        self.assertTrue(line.winfo_viewable())
        tree.focus_force()
        tree.event_generate("<Escape>")
        self.window.update()
        self.assertFalse(line.winfo_viewable())
        tree.event_generate("<ButtonRelease-1>", x=300, y=100)
        asked: mock.Mock = self.leecher.put_in_order  # type: ignore[assignment]
        asked.assert_not_called()

    def test_files_of_a_folder_on_its_way_can_be_moved_too(self) -> None:
        self.queue(KEY)
        self.table.choose(["z.bin"])
        self.press("<Alt-Up>")
        asked: mock.Mock = self.leecher.put_files_in_order  # type: ignore[assignment]
        key, first = asked.call_args.args
        self.assertEqual((key, list(first)), (KEY, ["slides/", "x.bin", "z.bin", "y.bin"]))
        self.assertEqual(self.place("z.bin"), "3")
        keys = [key for key in self.table.order if key.endswith(".bin")]
        self.assertEqual(keys, ["x.bin", "z.bin", "y.bin"])
        self.drag("y.bin", f"{KEY}/slides", part=0.2)
        key, first = asked.call_args.args
        self.assertEqual(list(first), ["y.bin", "slides/", "x.bin", "z.bin"])

    def test_the_order_of_files_is_shown_after_a_restart(self) -> None:
        self.queue(KEY, first=((KEY, ("z.bin", "x.bin")),))
        names = ("z.bin", "x.bin", "y.bin")
        self.pump_until(lambda: [self.place(name) for name in names] == ["1", "2", ""])

    def test_a_heading_of_the_list_can_still_be_dragged(self) -> None:
        layout = self.list.layout
        before = layout.order
        self.drag_heading(self.table.tree, "#3", "#5")
        self.assertNotEqual(layout.order, before)

    def test_what_ends_leaves_the_queue_and_the_others_move_up(self) -> None:
        self.queue("a", "b", "c")
        self.table.sort_anew(QUEUE_COLUMN)
        self.model._handle(DownloadChanged("a", DownloadState.DONE, 9, 9, 0.0, None, ()))
        self.model._handle(QueueChanged(("b", "c")))
        self.pump_until(lambda: [self.place(name) for name in "abc"] == ["", "1", "2"])
        self.pump_until(lambda: self.keys("abc") == ["b", "c", "a"])

    def keys(self, names: str) -> list[str]:
        return [key for key in self.table.order if key in names]

    def test_the_menu_has_both_steps(self) -> None:
        self.queue("a", "b")
        self.table.choose(["b"])
        menu = self.list.menu
        menu.refresh()
        labels = [menu.menu.entrycget(n, "label") for n in range(menu.menu.index("end") or 0)]
        number = labels.index("Earlier")
        self.assertEqual(menu.menu.entrycget(number, "state"), "normal")
        menu.menu.invoke(number)
        self.assertEqual(self.put(), ["b", "a"])

    def drag(self, key: str, target: str, *, part: float, release: bool = True) -> None:
        """From the middle of a row to this part of another's height."""
        tree = self.table.tree
        self.window.update()
        start, end = (tree.bbox(self.table.items[row], "1") for row in (key, target))
        assert start and end
        x = int(start[0]) + 90
        y = int(start[1]) + int(start[3]) // 2
        tree.event_generate("<ButtonPress-1>", x=x, y=y)
        stop = int(end[1]) + int(int(end[3]) * part)
        for at in (y + (stop - y) // 2, stop):
            tree.event_generate("<B1-Motion>", x=x, y=at)
        if release:
            tree.event_generate("<ButtonRelease-1>", x=x, y=stop)
        self.window.update()
