"""The room as a table of text: who is in it, how far, how fast. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from roles.values.computers import Computer
from roles.values.room_words import by_computer, tone_of
from ui.columns import Column
from ui.room_columns import IN_TERMINAL
from ui.toned_text import TonedText


def room_table(computers: Sequence[Computer]) -> list[TonedText]:
    """A heading, then one line for each computer: those that only give first."""
    everyone = sorted(computers, key=lambda computer: (computer.is_counted, by_computer(computer)))
    tones = ["Heading", *map(tone_of, everyone)]
    columns = [_cells(column, everyone) for column in IN_TERMINAL]
    texts = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return [TonedText(text, tone) for text, tone in zip(texts, tones, strict=True)]


def _cells(column: Column[Computer], everyone: Sequence[Computer]) -> list[str]:
    """All of one width, the heading first."""
    texts = [column.title, *map(column.text, everyone)]
    width = max(map(len, texts))
    return [text.rjust(width) if column.is_number else text.ljust(width) for text in texts]
