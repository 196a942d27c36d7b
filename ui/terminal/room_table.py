"""The room as a table of text: who is in it, how far, how fast. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from roles.values.members import Member, summary_of
from ui import wording
from ui.columns import Column
from ui.room_columns import IN_TERMINAL, by_computer, tone_of
from ui.terminal.output import Line


def room_table(members: Sequence[Member]) -> list[Line]:
    """A heading, then one line for each computer: those that only give first."""
    everyone = sorted(members, key=lambda one: (one.is_counted, by_computer(one)))
    tones = ["Heading", *map(tone_of, everyone)]
    columns = [_cells(column, everyone) for column in IN_TERMINAL]
    texts = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    return [Line(text, tone) for text, tone in zip(texts, tones, strict=True)]


def room_summary(members: Sequence[Member]) -> str:
    """ "23 of 30 done, the last one in 2 min; 1 needs help."."""
    room = summary_of(members)
    if not room.members:
        return "Nobody has joined to download yet."
    left = wording.duration_words(room.seconds_left)
    sentence = f"{room.done} of {room.members} done" + (f", the last one in {left}" if left else "")
    needs = "needs" if room.problems == 1 else "need"
    return sentence + (f"; {room.problems} {needs} help." if room.problems else ".")


def _cells(column: Column[Member], everyone: Sequence[Member]) -> list[str]:
    """All of one width, the heading first."""
    texts = [column.title, *map(column.text, everyone)]
    width = max(map(len, texts))
    return [text.rjust(width) if column.is_number else text.ljust(width) for text in texts]
