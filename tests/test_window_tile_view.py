"""The tiles: where they stand, what mouse and keys do, and how few items they need."""

from __future__ import annotations

from dataclasses import replace

from roles.values.computers import Computer, computers_of
from tests.lesson import FAILED, lesson, machine
from tests.support import WindowTestCase
from ui.room_tiles import Place
from ui.window.theme import Theme
from ui.window.tile_view import TileView, places_from, places_kept


class SeatsTest(WindowTestCase):
    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.kept: dict[str, Place] = {}
        self.chosen: list[Computer | None] = []
        self.opened: list[Computer] = []
        self.theme = Theme(self.root)
        self.tiles = self.make({})
        self.root.geometry("1000x600+0+0")
        self.computers = computers_of(lesson(0.0).participants[1:], now=0.0)
        self.show(*self.computers)

    def make(self, kept: dict[str, Place]) -> TileView:
        tiles = TileView(
            self.root,
            self.theme,
            kept=kept,
            keep=self.kept.update,
            chosen=self.chosen.append,
            opened=self.opened.append,
        )
        tiles.pack(fill="both", expand=True)
        return tiles

    def show(self, *computers: Computer) -> None:
        self.root.update()
        self.tiles.show(computers)
        self.root.update()

    def place_of(self, number: int) -> Place:
        return self.tiles._places[machine(number)]

    def centre_of(self, number: int) -> tuple[int, int]:
        x1, y1, x2, y2 = self.tiles.canvas.bbox(self.tiles._drawn[machine(number)].items["box"])
        return (x1 + x2) // 2, (y1 + y2) // 2

    def drag(self, number: int, to: int) -> None:
        canvas, (x, y), (right, down) = (
            self.tiles.canvas,
            self.centre_of(number),
            self.centre_of(to),
        )
        canvas.event_generate("<ButtonPress-1>", x=x, y=y)
        canvas.event_generate("<B1-Motion>", x=(x + right) // 2, y=(y + down) // 2)
        canvas.event_generate("<B1-Motion>", x=right, y=down)
        canvas.event_generate("<ButtonRelease-1>", x=right, y=down)
        self.root.update()

    def press(self, key: str) -> None:
        self.tiles.canvas.focus_force()
        self.root.update()
        self.tiles.canvas.event_generate(key)
        self.root.update()

    def test_they_stand_by_name_and_do_not_move_when_states_change(self) -> None:
        before = dict(self.tiles._places)
        self.assertEqual(before[machine(1)], (0, 0))
        self.show(*(replace(computer, silent_s=99.0) for computer in reversed(self.computers)))
        self.assertEqual(self.tiles._places, before)

    def test_dragging_changes_places_and_is_kept_by_machine(self) -> None:
        first, ninth = self.place_of(1), self.place_of(9)
        self.drag(1, to=9)
        self.assertEqual((self.place_of(1), self.place_of(9)), (ninth, first))
        self.assertEqual(self.kept[machine(1)], ninth)
        self.tiles.destroy()
        self.tiles = self.make(places_from(places_kept(self.kept)))
        self.show(*self.computers)
        self.assertEqual(self.place_of(1), ninth)

    def test_a_short_move_of_the_mouse_is_a_click(self) -> None:
        x, y = self.centre_of(1)
        canvas = self.tiles.canvas
        canvas.event_generate("<ButtonPress-1>", x=x, y=y)
        canvas.event_generate("<B1-Motion>", x=x + 2, y=y)
        canvas.event_generate("<ButtonRelease-1>", x=x + 2, y=y)
        self.assertEqual(self.kept, {})
        self.assertEqual(self.tiles.chosen, {machine(1)})

    def test_arrow_keys_move_the_selection_and_enter_opens(self) -> None:
        self.press("<Home>")
        self.assertEqual(self.tiles.chosen, {machine(1)})
        self.press("<Right>")
        self.assertEqual(self.tiles.chosen, {machine(2)})
        self.press("<Down>")
        below = self.place_of(2)[1] + 1
        (chosen,) = self.tiles.chosen
        self.assertEqual(self.tiles._places[chosen], (1, below))
        self.press("<End>")
        self.assertEqual(self.tiles.chosen, {machine(30)})
        self.press("<Return>")
        self.assertEqual([computer.machine for computer in self.opened], [machine(30)])

    def test_computers_that_come_use_the_items_of_those_that_went(self) -> None:
        items = len(self.tiles.canvas.find_all())
        for number in range(5):
            others = [
                replace(computer, machine=f"{number} {computer.machine}")
                for computer in self.computers
            ]
            self.show(*others)
        self.assertEqual(len(self.tiles.canvas.find_all()), items)

    def test_more_than_fit_scroll_with_wheel_and_keys(self) -> None:
        self.show(*computers_of(lesson(0.0, 100).participants, now=0.0))
        self.assertTrue(self.tiles._bar.winfo_ismapped())
        self.tiles.canvas.event_generate("<Button-5>")
        self.assertGreater(self.tiles.canvas.yview()[0], 0.0)
        self.press("<End>")
        self.assertEqual(self.tiles.canvas.yview()[1], 1.0)
        self.show(*self.computers[:3])
        self.assertFalse(self.tiles._bar.winfo_ismapped())

    def test_all_tiles_are_in_sight_whatever_the_width(self) -> None:
        for width in (420, 700, 1000, 1240):
            self.root.geometry(f"{width}x600")
            self.root.update()
            right = max(
                self.tiles.canvas.bbox(tile.items["box"])[2] for tile in self.tiles._drawn.values()
            )
            self.assertLessEqual(right, self.tiles.canvas.winfo_width() + 1, width)

    def test_enlarged_those_that_need_help_come_first_if_not_all_fit(self) -> None:
        self.tiles._kept = {machine(FAILED): (2, 9)}
        self.theme.enlarge(3.0)
        self.root.update()
        first = min(self.tiles._places, key=lambda name: self.tiles._places[name][::-1])
        self.assertTrue(self.tiles._computers[first].needs_help)
        self.drag(1, to=2)
        self.assertEqual(self.kept, {})

    def test_what_does_not_change_is_not_drawn_again(self) -> None:
        self.tiles.show(self.computers)
        drawn = {tile.shown for tile in self.tiles._drawn.values()}
        self.tiles.show(self.computers)
        self.assertEqual({tile.shown for tile in self.tiles._drawn.values()}, drawn)

    def test_places_in_the_settings_that_cannot_be_read_are_left_out(self) -> None:
        kept = ("aa 1 2", "bb 1", "cc x 2", "dd 99999 1", "")
        self.assertEqual(places_from(kept), {"aa": (1, 2)})
