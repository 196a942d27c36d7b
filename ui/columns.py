"""Columns of a table, in the window and in the terminal: what each says of an item. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

SortKey: TypeAlias = str | float
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Column(Generic[ItemT]):
    """One column; `width` in pixels at 96 dpi."""

    title: str
    text: Callable[[ItemT], str]
    sort_key: Callable[[ItemT], SortKey] | None = None  # None: sorted by its text
    width: int = 0
    is_number: bool = False
    stretches: bool = False

    def key(self, item: ItemT) -> SortKey:
        """What sorts the rows by this column."""
        return self.text(item).casefold() if self.sort_key is None else self.sort_key(item)
