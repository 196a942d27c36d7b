"""The table: what it shows, in which order, and how little it writes."""

from __future__ import annotations

import unittest
from collections.abc import Iterable
from typing import Any, NamedTuple

from roles.values.addresses import Address
from roles.values.events import DownloadChanged, DownloadState, Source
from tests.support import WindowTestCase
from tests.windows import TableTestCase
from ui import room_columns
from ui.columns import Column, Icon
from ui.window.file_tree import LEFT_OUT, NAME, SIZE, FileRow, FileTree
from ui.window.list_columns import COMPUTER_COLUMNS, FILE_COLUMNS, bar_of
from ui.window.list_row import ListRow, Node, NodeKind
from ui.window.room_files import FILE_COLUMNS as ROOM_FILE_COLUMNS
from ui.window.row_pictures import GAP, INDENT, RowPictures
from ui.window.rows_in_sight import NEVER_SEEN
from ui.window.seeder_columns import RECEIVER_COLUMNS
from ui.window.table import Table
from ui.window.theme import Theme
from ui.window.window_geometry import LEAST_WIDTH, USUAL_WIDTH


class Item(NamedTuple):
    name: str
    size: int
    rank: int = 0


COLUMNS = (
    Column[Item]("Name", lambda item: item.name, width=100, stretches=True),
    Column[Item]("Size", lambda item: str(item.size), lambda item: item.size, 80, is_number=True),
)


def row(name: str, size: int) -> Item:
    return Item(name, size)


def listed(size: int, download: DownloadChanged | None = None) -> ListRow:
    node = Node("a", NodeKind.FILE, "a", "a", size, path="a", has_sign=False)
    return ListRow(node, download)


def cells(size: int, download: DownloadChanged | None = None) -> tuple[str, ...]:
    return tuple(column.text(listed(size, download)) for column in FILE_COLUMNS)


class TableTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.theme = Theme(self.root)
        self.table = Table(
            self.root,
            self.theme,
            COLUMNS,
            height=5,
            choose="extended",
            rank=lambda item: item.rank,
        )

    def heading(self, number: int) -> str:
        return str(self.table.tree.heading(str(number), "text"))

    def test_rows_are_sorted_by_the_first_column(self) -> None:
        self.table.show({"b": row("b", 1), "a": row("a", 2)})
        self.assertEqual(self.table.order, ["a", "b"])

    def test_rows_of_one_name_stand_by_the_other_columns_whichever_came_first(self) -> None:
        later = {"x": row("a", 2), "y": row("a", 10), "z": row("b", 1)}
        self.table.show(later)
        self.table.show(later | {"first": row("a", 1)})
        self.assertEqual(self.table.order, ["first", "x", "y", "z"])

    def test_a_heading_sorts_and_sorts_back(self) -> None:
        self.table.show({name: row(name, size) for name, size in (("a", 9), ("b", 10), ("c", 1))})
        self.table.sort_by(1)
        self.assertEqual(self.table.order, ["c", "a", "b"])
        self.assertIn("↑", self.heading(1))
        self.table.sort_by(1)
        self.assertEqual(self.table.order, ["b", "a", "c"])
        self.assertIn("↓", self.heading(1))
        self.assertEqual(self.heading(0), "Name")

    def test_a_change_is_written_and_keeps_choice_and_place(self) -> None:
        self.table.show({name: row(name, 1) for name in "abc"})
        self.table.choose(["b"])
        self.table.show({name: row(name, 7 if name == "b" else 1) for name in "abc"})
        tree = self.table.tree
        self.pump_until(lambda: tree.set(tree.get_children()[1], "1") == "7")
        self.assertEqual(self.table.chosen, ["b"])

    def test_what_is_gone_goes_and_what_is_new_comes(self) -> None:
        self.table.show({name: row(name, 1) for name in "abc"})
        self.table.show({name: row(name, 1) for name in "bd"})
        self.assertEqual(self.table.order, ["b", "d"])

    def test_tk_gets_only_the_rows_in_sight(self) -> None:
        rows = {f"{number:05}": row(f"{number:05}", number) for number in range(10_000)}
        self.table.show(rows)
        self.assertEqual(len(self.table.tree.get_children()), NEVER_SEEN + 1)
        self.table.show(rows | {"00000": row("zzz", 7), "new": row("", 7)})
        self.assertEqual(self.table.order[:2], ["new", "00001"])
        self.assertEqual(self.table.order[-1], "00000")
        self.assertEqual(len(self.table.tree.get_children()), NEVER_SEEN + 1)

    def test_a_row_that_vanishes_while_it_waits_is_never_written(self) -> None:
        self.table.show({"a": row("a", 1)})
        self.table.look_again()
        self.table.show({})
        self.pump_until(lambda: not self.table._flush_id)
        self.assertEqual(self.table.order, [])

    def test_the_rows_of_a_folder_stand_below_it_in_either_order(self) -> None:
        table = FileTree(self.root, self.theme, (NAME, SIZE))
        rows = (
            *(FileRow("x", "x", 1), FileRow("a", "a", 2)),
            FileRow("more", "0", parent="a", rank=LEFT_OUT),
            *(FileRow("a2", "2", 2, parent="a"), FileRow("a1", "1", 1, parent="a")),
        )
        table.show({row.key: row for row in rows})
        self.assertEqual(table.order, ["a", "a1", "a2", "more", "x"])
        table.sort_by(0)
        self.assertEqual(table.order, ["x", "a", "a2", "a1", "more"])

    def test_an_empty_table_shows_the_next_step(self) -> None:
        self.table.show({"a": row("a", 1)})
        self.assertEqual(self.table.empty.winfo_manager(), "")
        self.table.show({})
        self.assertEqual(self.table.empty.winfo_manager(), "place")

    def test_bars_are_pictures_that_are_shared(self) -> None:
        table = Table(self.root, self.theme, FILE_COLUMNS, height=3, bar=bar_of)
        table.show({name: listed(5) for name in "ab"})
        images = {str(table.tree.item(item, "image")) for item in table.tree.get_children()}
        self.assertEqual(len(images), 1)

    def test_icons_take_the_same_room_in_every_row_and_change_with_the_colours(self) -> None:
        table = Table(
            self.root,
            self.theme,
            COLUMNS,
            height=3,
            icon=lambda item: Icon("file" if item.size else "", item.size, is_in_tree=True),
        )
        table.show({"a": row("a", 0), "b": row("b", 1), "c": row("c", 1)})
        images = [str(table.tree.item(item, "image")[0]) for item in table.tree.get_children()]
        self.assertEqual(images[1], images[2])
        widths = [int(self.root.tk.call("image", "width", image)) for image in images]
        self.assertEqual(widths[1] - widths[0], self.theme.px(INDENT))
        self.theme.apply(is_dark=True)
        self.assertNotEqual(str(table.tree.item(table.items["b"], "image")[0]), images[1])

    def test_the_sign_of_a_folder_is_clicked_where_it_is_drawn(self) -> None:
        pictures = RowPictures(self.root, self.theme)
        self.theme.enlarge(2.0)
        folder = Icon("folder", 1, "closed", is_in_tree=True)
        edge = 2 * self.theme.px(2 * INDENT + GAP)
        self.assertTrue(pictures.is_sign(edge, folder))
        self.assertFalse(pictures.is_sign(edge + 1, folder))
        self.assertFalse(pictures.is_sign(0, Icon("file", 1, is_in_tree=True)))


class CutTest(TableTestCase):
    def named(self, name: str) -> ListRow:
        return ListRow(Node("a", NodeKind.FILE, name, "a", 5, path="a", has_sign=False))

    def shown(self, table: Table[ListRow], column: str = "1") -> str:
        return str(table.tree.set(table.items["a"], column))

    def test_a_long_name_is_cut_in_the_middle_and_whole_in_the_tooltip(self) -> None:
        table, name = self.table(), f"{'long ' * 20}.tar.gz"
        table.show({"a": self.named(name)})
        table._fit_texts()
        shown = self.shown(table)
        self.assertIn("…", shown)
        self.assertTrue(shown.startswith("long ") and shown.endswith(".tar.gz"), shown)
        width = int(table.tree.column("1", "width"))
        self.assertLess(self.theme.text_font.measure(shown), width)
        self.assertGreater(self.theme.text_font.measure(shown), width * 3 // 4)
        box = table.tree.bbox(table.items["a"], "1")
        assert box
        table.tooltip.show_at(int(box[0]) + 20, int(box[1]) + 5)
        self.assertEqual(table.tooltip.text, name)
        table.tooltip.show_at(20, int(box[1]) + 5)
        self.assertEqual(table.tooltip.text, "")

    def test_a_wider_column_shows_more_and_a_short_name_is_never_cut(self) -> None:
        table = self.table()
        table.show({"a": self.named("long " * 60)})
        table._fit_texts()
        before = self.shown(table)
        self.root.geometry("1200x300")
        self.pump_until(lambda: len(self.shown(table)) > len(before))
        table.show({"a": self.named("short")})
        self.pump_until(lambda: self.shown(table) == "short")


class ColumnsTest(unittest.TestCase):
    def test_the_columns_of_each_table_fit_into_the_usual_window(self) -> None:
        sets: tuple[Iterable[Column[Any]], ...] = (
            *(room_columns.IN_WINDOW, COMPUTER_COLUMNS, RECEIVER_COLUMNS),
        )
        beside = 2 * 16 + 16  # the margins of a tab, and the scroll bar
        for columns in sets:
            titles = [column.title for column in columns]
            with self.subTest(titles=titles):
                self.assertLessEqual(sum(column.width for column in columns), USUAL_WIDTH - beside)

    def test_the_columns_of_files_fit_into_a_small_window(self) -> None:
        beside = 2 * 16 + 16
        sets: tuple[Iterable[Column[Any]], ...] = (FILE_COLUMNS, ROOM_FILE_COLUMNS)
        for columns in sets:
            self.assertLessEqual(sum(column.width for column in columns), LEAST_WIDTH - beside)


class FileRowTest(unittest.TestCase):
    def download(self, state: DownloadState, have: int = 50, **rest: object) -> DownloadChanged:
        everything = {"rate": 0.0, "seconds_left": None, "sources": (), **rest}
        return DownloadChanged("a", state, 100, have, **everything)  # type: ignore[arg-type]

    def test_a_file_that_nobody_asked_for_has_blanks_and_no_zeros(self) -> None:
        self.assertEqual(cells(5), ("", "a", "5 bytes", "", "", "", "", ""))

    def test_a_running_download(self) -> None:
        seeder = Address("10.0.0.1", 12501)
        sources = (Source(seeder, 50, 2e6, True), Source(seeder, 0, 0.0, False))
        running = self.download(
            DownloadState.DOWNLOADING, rate=2e6, seconds_left=12.0, sources=sources
        )
        self.assertEqual(
            cells(100, running),
            ("50 %", "a", "100 bytes", "2.0 MB/s", "0:12", "1", "Downloading from 1 seeder", ""),
        )

    def test_100_percent_are_kept_for_what_is_checked(self) -> None:
        verifying = self.download(DownloadState.VERIFYING, 100)
        self.assertEqual(cells(100, verifying)[0], "99 %")
        done = self.download(DownloadState.DONE, 100)
        self.assertEqual(cells(100, done)[0], "100 %")
        self.assertEqual(bar_of(listed(100, done)), (100, "Good"))

    def test_a_cancelled_one_starts_from_nothing_again(self) -> None:
        shown = cells(100, self.download(DownloadState.CANCELLED))
        self.assertEqual((shown[0], shown[6]), ("", "Cancelled"))

    def test_every_state_has_words(self) -> None:
        for state in DownloadState:
            with self.subTest(state=state):
                self.assertTrue(cells(100, self.download(state))[6])
