"""Columns of a table, in the window and in the terminal: what each says of an item. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from roles.values import figures

SortKey: TypeAlias = str | float
Cut: TypeAlias = Literal["", "middle", "end"]  # where the window shortens a text; "": nowhere
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Icon:
    """The picture of a row in the window: one of ui/icons.py."""

    name: str  # "" for none, which takes the same room
    depth: int = 0  # how many folders the row is in
    sign: Literal["open", "closed", ""] = ""  # of a folder
    is_in_tree: bool = False  # leave room for the sign


@dataclass(frozen=True)
class Column(Generic[ItemT]):
    """One column; `width` in pixels at 96 dpi."""

    title: str
    text: Callable[[ItemT], str]
    sort_key: Callable[[ItemT], SortKey] | None = None  # None: sorted by its text
    width: int = 0
    is_number: bool = False
    stretches: bool = False
    cut: Cut = ""
    sign: Callable[[ItemT], str] | None = None  # what begins the text of a folder, to be clicked

    def key(self, item: ItemT) -> SortKey:
        """What sorts the rows by this column."""
        return self.text(item).casefold() if self.sort_key is None else self.sort_key(item)

    @classmethod
    def of_number(
        cls,
        title: str,
        number: Callable[[ItemT], float],
        words: Callable[[ItemT], str],
        width: int = 0,
    ) -> Column[ItemT]:
        """Sorted by a number."""
        return cls(title, words, number, width, is_number=True)

    @classmethod
    def of_rate(cls, title: str, rate: Callable[[ItemT], float], width: int) -> Column[ItemT]:
        """Bytes per second."""
        return cls.of_number(title, rate, lambda item: figures.rate(rate(item)), width)

    @classmethod
    def of_size(cls, title: str, size: Callable[[ItemT], int | None], width: int) -> Column[ItemT]:
        """Bytes; blank for None."""

        def words(item: ItemT) -> str:
            return "" if (known := size(item)) is None else figures.size(known)

        return cls.of_number(title, lambda item: size(item) or 0, words, width)

    @classmethod
    def of_duration(
        cls, title: str, seconds: Callable[[ItemT], float | None], width: int
    ) -> Column[ItemT]:
        """Blank, and behind all others, for None."""

        def number(item: ItemT) -> float:
            return math.inf if (known := seconds(item)) is None else known

        return cls.of_number(title, number, lambda item: figures.duration(seconds(item)), width)

    @classmethod
    def of_percent(
        cls, title: str, percent: Callable[[ItemT], int | None], width: int
    ) -> Column[ItemT]:
        """Blank, and before 0 %, for None."""

        def words(item: ItemT) -> str:
            return "" if (known := percent(item)) is None else f"{known} %"

        def number(item: ItemT) -> float:
            return -1 if (known := percent(item)) is None else known

        return cls.of_number(title, number, words, width)
