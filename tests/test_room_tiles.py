"""What the tiles of a room say, and where they stand."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from ui.room_tiles import (
    GAP,
    LEAST_HEIGHT,
    LEAST_WIDTH,
    MOST_WIDTH,
    WIDTH,
    Tile,
    grid_for,
    in_order,
    moved,
    places_of,
    tile_of,
)

MOVING = Computer(
    "a" * 16,
    "lab-pc-07",
    Address("10.0.0.7", 12501),
    ParticipantState.DOWNLOADING,
    have=40_000_000,
    size=100_000_000,
    down=2_000_000,
    seconds_left=30.0,
    given=5_000_000,
)


class TilesTest(unittest.TestCase):
    def test_who_downloads_shows_rate_and_time_left(self) -> None:
        self.assertEqual(
            tile_of(MOVING),
            Tile("lab-pc-07", "40 %", "2.0 MB/s", "0:30 left   gave 5.0 MB", "Accent", 0.4),
        )

    def test_what_is_done_has_a_sign_and_is_green(self) -> None:
        tile = tile_of(replace(MOVING, state=ParticipantState.DONE, have=100_000_000, down=0))
        self.assertEqual((tile.corner, tile.first, tile.tone), ("✓", "Done, checked", "Good"))
        self.assertEqual(tile.part, 1.0)

    def test_who_needs_help_says_why(self) -> None:
        full = replace(
            MOVING,
            state=ParticipantState.WAITING,
            is_disk_full=True,
            reason="The disk is full. Free 1 MB",
            down=0,
        )
        tile = tile_of(full)
        self.assertEqual((tile.first, tile.second, tile.tone), ("! Disk full", "Free 1 MB", "Bad"))
        behind = tile_of(replace(MOVING, is_reachable=False))
        self.assertEqual((behind.first, behind.tone), ("! Behind a firewall", "Warning"))
        self.assertIn("2.0 MB/s", behind.second)

    def test_silence_is_grey_whatever_was_said_before(self) -> None:
        tile = tile_of(replace(MOVING, state=ParticipantState.FAILED, silent_s=40.0))
        self.assertEqual((tile.first, tile.tone), ("Silent for 40 s", "Muted"))

    def test_who_has_left_keeps_green_only_if_it_was_done(self) -> None:
        left = replace(MOVING, has_left=True, silent_s=99.0)
        self.assertEqual(tile_of(left).tone, "Muted")
        done = tile_of(replace(left, state=ParticipantState.DONE))
        self.assertEqual((done.tone, done.first), ("Good", "Left, done"))

    def test_who_has_asked_for_nothing_has_no_bar(self) -> None:
        tile = tile_of(
            replace(MOVING, state=ParticipantState.IDLE, have=0, size=0, down=0, given=0)
        )
        self.assertEqual(tile, Tile("lab-pc-07", "", "Not begun", "", "Plain", None))


class GridTest(unittest.TestCase):
    def test_tiles_are_as_large_as_all_fit(self) -> None:
        self.assertGreaterEqual(grid_for(30, 1248, 600).width, WIDTH)
        small = grid_for(30, 1000, 420)
        self.assertLess(small.width, WIDTH)
        self.assertGreaterEqual((small.width, small.height), (LEAST_WIDTH, LEAST_HEIGHT))

    def test_the_tiles_of_a_row_fill_its_width(self) -> None:
        for width in range(600, 1900, 7):
            grid = grid_for(30, width, 500)
            row = grid.columns * (grid.width + GAP) - GAP
            self.assertLessEqual(row, width)
            if grid.width < MOST_WIDTH:
                self.assertGreater(row, width - grid.columns)

    def test_computers_stand_in_the_order_of_their_numbers(self) -> None:
        computers = [replace(MOVING, name=f"PC-{number}") for number in (10, 9, 100, 1)]
        self.assertEqual(
            [computer.name for computer in in_order(computers)], ["PC-1", "PC-9", "PC-10", "PC-100"]
        )

    def test_there_is_at_least_one_column(self) -> None:
        self.assertEqual(grid_for(9, 10, 10).columns, 1)

    def test_a_tile_stands_where_it_was_put_and_the_others_fill_up(self) -> None:
        places = places_of("abcd", {"c": (1, 0), "d": (9, 0)}, 3)
        self.assertEqual(places, {"c": (1, 0), "a": (0, 0), "b": (2, 0), "d": (0, 1)})

    def test_two_that_were_put_at_one_place_do_not_lie_on_each_other(self) -> None:
        places = places_of("ab", {"a": (0, 0), "b": (0, 0)}, 3)
        self.assertEqual(len(set(places.values())), 2)

    def test_who_is_put_where_another_stands_changes_places_with_it(self) -> None:
        places = {"a": (0, 0), "b": (1, 0)}
        self.assertEqual(moved(places, "a", (1, 0)), {"a": (1, 0), "b": (0, 0)})
        self.assertEqual(moved(places, "a", (5, 5)), {"a": (5, 5), "b": (1, 0)})

    def test_problems_come_first_if_asked_for(self) -> None:
        fine = replace(MOVING, name="a")
        failed = replace(MOVING, name="b", state=ParticipantState.FAILED)
        self.assertEqual(in_order([failed, fine]), [fine, failed])
        self.assertEqual(in_order([fine, failed], problems_first=True), [failed, fine])
