"""The rows in sight: what Tk gets of many, and what mouse and keys do with them."""

from __future__ import annotations

from tkinter import ttk

from tests.support import WindowTestCase
from ui.window.rows_in_sight import WHEEL, Choosing, RowsInSight

MANY = [f"{number:06}" for number in range(100_000)]
ROW = 20


class Rows(RowsInSight):
    def __init__(self, test: RowsInSightTest, choose: Choosing) -> None:
        super().__init__(test.tree, ROW, choose)
        self._test = test

    def write(self, item: str, key: str) -> None:
        self._test.written += 1
        self.tree.set(item, "0", key)

    def scrolled(self, first: float, last: float) -> None:
        self._test.parts.append((first, last))


class RowsInSightTest(WindowTestCase):
    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.told = 0
        self.parts = list[tuple[float, float]]()
        self.rows = self.made("extended")
        self.rows.put_order(MANY)

    def made(self, choose: Choosing) -> RowsInSight:
        for child in self.root.winfo_children():
            child.destroy()
        self.root.geometry("300x300")
        ttk.Style(self.root).configure("Treeview", rowheight=ROW)
        self.tree = ttk.Treeview(self.root, columns=("0",), show="headings", height=4)
        self.tree.pack(fill="both", expand=True)
        self.root.update()
        self.written = 0
        rows = Rows(self, choose)
        rows.on_choice(self.count)
        return rows

    def count(self) -> None:
        self.told += 1

    @property
    def shown(self) -> list[str]:
        return [str(self.tree.set(item, "0")) for item in self.tree.get_children()]

    @property
    def marked(self) -> list[str]:
        return [str(self.tree.set(item, "0")) for item in self.tree.selection()]

    def press(self, key: str) -> None:
        if self.root.focus_get() is not self.tree:
            self.tree.focus_force()
            self.root.update()
        self.tree.event_generate(key)
        self.root.update()

    def box(self, number: int) -> tuple[int, int, int, int]:
        """Of a row in sight."""
        box = self.tree.bbox(self.tree.get_children()[number])
        assert not isinstance(box, str)
        return box

    def click(self, number: int, event: str = "<ButtonPress-1>") -> None:
        """On a row in sight."""
        x, y, _, height = self.box(number)
        self.tree.event_generate(event, x=x + 5, y=y + height // 2)

    def test_only_what_fits_is_there_and_every_row_fills_its_place(self) -> None:
        self.assertEqual(self.shown, MANY[: self.rows.fitting + 1])
        self.assertEqual(len(self.shown), self.written)
        _, y, _, height = self.box(self.rows.fitting - 1)
        self.assertLessEqual(y + height, self.tree.winfo_height())
        self.assertGreater(y + 2 * height, self.tree.winfo_height() - 2)

    def test_it_scrolls_to_both_ends_and_no_further(self) -> None:
        rows = self.rows
        rows.yview("moveto", "1.0")
        self.assertEqual(self.shown, MANY[-rows.fitting :])
        self.assertEqual(self.parts[-1][1], 1.0)
        rows.yview("scroll", "-1", "pages")
        self.assertEqual(self.shown[-1], MANY[-rows.fitting])
        rows.yview("scroll", "-1", "units")
        rows.yview("moveto", "-0.5")
        self.assertEqual((self.shown[0], self.parts[-1][0]), (MANY[0], 0.0))

    def test_the_wheel_scrolls_by_some_rows(self) -> None:
        self.press("<Button-5>")
        self.assertEqual(self.shown[0], MANY[WHEEL])
        self.press("<Button-4>")
        self.assertEqual(self.shown[0], MANY[0])

    def test_keys_move_the_selection_and_bring_it_into_sight(self) -> None:
        rows, page = self.rows, self.rows.fitting
        for key, place in (
            ("<Down>", 0),
            ("<Down>", 1),
            ("<Next>", 1 + page),
            ("<Up>", page),
            ("<End>", len(MANY) - 1),
            ("<Prior>", len(MANY) - 1 - page),
            ("<Home>", 0),
        ):
            self.press(key)
            self.assertEqual((key, rows.chosen, self.marked), (key, [MANY[place]], [MANY[place]]))

    def test_keys_go_on_beside_a_row_that_has_gone(self) -> None:
        rows = self.rows
        for gone, key, neighbour in (
            (MANY[5:6], "<Down>", MANY[6]),
            (MANY[5:6], "<Up>", MANY[4]),
            (MANY[4:7], "<Down>", MANY[7]),
            (MANY[5:], "<Down>", MANY[4]),
            (MANY[5:], "<Up>", MANY[4]),
        ):
            with self.subTest(gone=len(gone), key=key):
                rows.put_order(MANY)
                rows.choose(MANY[5:6])
                start = MANY.index(gone[0])
                rows.put_order(MANY[:start] + MANY[start + len(gone) :])
                self.assertEqual((rows.chosen, rows.focused), ([], None))
                self.press(key)
                self.assertEqual((rows.chosen, self.marked), ([neighbour], [neighbour]))

    def test_shift_begins_anew_beside_a_row_that_has_gone(self) -> None:
        self.rows.choose(MANY[5:6])
        self.rows.put_order(MANY[:5] + MANY[6:])
        for until in (7, 8):
            self.press("<Shift-Down>")
            self.assertEqual(self.rows.chosen, MANY[6:until])

    def test_many_are_chosen_by_shift_and_all_by_control_a(self) -> None:
        self.click(2)
        self.assertEqual(self.rows.chosen, MANY[2:3])
        self.press("<Shift-Down>")
        self.press("<Shift-End>")
        self.assertEqual(self.rows.chosen, MANY[2:])
        self.press("<Shift-Home>")
        self.assertEqual(self.rows.chosen, MANY[:3])
        self.press("<Control-a>")
        self.assertEqual(len(self.rows.chosen), len(MANY))
        self.assertEqual(self.marked, self.shown)

    def test_control_and_shift_with_the_mouse_add_rows(self) -> None:
        self.click(1)
        self.click(4, "<Control-ButtonPress-1>")
        self.assertEqual(self.rows.chosen, [MANY[1], MANY[4]])
        self.click(4, "<Control-ButtonPress-1>")
        self.assertEqual(self.rows.chosen, [MANY[1]])
        self.click(3)
        self.rows.yview("moveto", "0.5")
        first = self.rows.top
        self.click(0, "<Shift-ButtonPress-1>")
        self.assertEqual(self.rows.chosen, MANY[3 : first + 1])

    def test_what_is_chosen_stays_chosen_out_of_sight_and_where_rows_come_and_go(self) -> None:
        self.rows.choose([MANY[5], MANY[50_000], "unknown"])
        self.rows.yview("moveto", "0.5")
        self.assertEqual(self.marked, [MANY[50_000]])
        told = self.told
        self.rows.put_order([*MANY[:5], *MANY[6:]])
        self.assertEqual(self.rows.chosen, [MANY[50_000]])
        self.assertEqual(self.shown[0], MANY[50_000])  # the same rows as before are in sight
        self.assertEqual(self.told, told)
        self.rows.put_order([])
        self.assertEqual((self.rows.chosen, self.rows.focused, self.shown), ([], None, []))

    def test_of_one_to_choose_shift_and_control_a_choose_no_more(self) -> None:
        rows = self.made("browse")
        rows.put_order(MANY)
        self.click(2)
        self.click(4, "<Shift-ButtonPress-1>")
        self.press("<Control-a>")
        self.press("<Shift-Down>")
        self.assertEqual(rows.chosen, [MANY[5]])

    def test_where_nothing_is_to_be_chosen_keys_scroll(self) -> None:
        rows = self.made("none")
        rows.put_order(MANY)
        self.press("<Next>")
        self.assertEqual((self.shown[0], rows.chosen), (MANY[rows.fitting], []))

    def test_a_larger_window_shows_more(self) -> None:
        before = self.rows.fitting
        self.root.geometry("300x500")
        self.root.update()
        self.rows.draw()
        self.assertGreater(self.rows.fitting, before)
        self.assertEqual(self.shown, MANY[: self.rows.fitting + 1])
        self.root.geometry("300x200")
        self.root.update()
        self.rows.draw()
        self.assertEqual(self.shown, MANY[: self.rows.fitting + 1])

    def test_headings_stay_tks(self) -> None:
        pressed = list[bool]()
        self.tree.heading("0", command=lambda: pressed.append(True))
        for event in ("<ButtonPress-1>", "<ButtonRelease-1>"):
            self.tree.event_generate(event, x=50, y=5)
        self.root.update()
        self.assertEqual((pressed, self.rows.chosen), ([True], []))
