"""The columns of a table stay as they were dragged."""

from __future__ import annotations

from tests.windows import TableTestCase
from ui.window.column_layout import ColumnLayout
from ui.window.list_row import ListRow
from ui.window.table import Table

AS_BUILT = ["1", "2", "3", "4", "5", "6", "7"]


class ColumnLayoutTest(TableTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.kept: list[str] = []

    def layout(self, table: Table[ListRow], kept: str = "") -> ColumnLayout:
        return ColumnLayout(table.tree, self.theme, kept, self.kept.append)

    def test_columns_keep_their_order_and_widths(self) -> None:
        layout = self.layout(self.table())
        layout.move("6", "2")
        self.assertEqual(layout.order, ["1", "6", "2", "3", "4", "5", "7"])
        [kept] = self.kept
        again = self.layout(self.table(), kept)
        self.assertEqual(again.order, ["1", "6", "2", "3", "4", "5", "7"])

    def test_what_was_kept_of_other_columns_is_left_alone(self) -> None:
        layout = self.layout(self.table(), "1:30,7:50,x,2:9999999")
        self.assertEqual(layout.order, AS_BUILT)

    def test_a_heading_is_dragged_to_the_place_of_another(self) -> None:
        table = self.table()
        layout = self.layout(table)
        self.drag_heading(table.tree, "#3", "#5")
        self.assertEqual(layout.order, ["1", "2", "4", "5", "3", "6", "7"])
        self.assertEqual(table.sorting, (0, False))
