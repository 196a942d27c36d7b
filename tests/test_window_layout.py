"""A row of buttons keeps all of them in sight, however narrow the window is."""

from __future__ import annotations

from tkinter import ttk
from typing import ClassVar

from tests.support import WindowTestCase
from ui.window.layout import ButtonRow
from ui.window.theme import Theme


class ButtonRowTest(WindowTestCase):
    withdrawn: ClassVar[bool] = False

    def test_the_right_side_is_below_the_left_one_where_both_have_no_room(self) -> None:
        row = ButtonRow(self.root, Theme(self.root))
        row.pack(fill="x")
        for side in (row.left, row.right):
            ttk.Button(side, text="A button with a long text").pack()
        self.root.geometry("800x100")
        self.pump_until(lambda: row.winfo_width() == 800 and row.right.winfo_x() > 400)
        self.assertEqual(row.right.winfo_y(), 0)
        self.root.geometry("300x100")
        self.pump_until(lambda: row.right.winfo_y() >= row.left.winfo_height())
        self.assertEqual(row.right.winfo_x(), 0)
