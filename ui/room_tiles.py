"""What the tile of a computer shows, and where the tiles of a room stand. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from roles.values import figures
from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from roles.values.room_words import by_computer, name_of, reason, state, tone_of
from ui import wording

Place: TypeAlias = tuple[int, int]  # column and row

WIDTH, HEIGHT, GAP = 196, 92, 10  # pixels at 96 dpi
LEAST_WIDTH, LEAST_HEIGHT = 140, 72
MOST_WIDTH = 240  # where another column finds no room
PART_GAP = "   "  # between parts of the second line, which are left out where they do not fit
_STEPS = 8  # sizes between those two that are tried


@dataclass(frozen=True, slots=True)
class Tile:
    """`tone` is one of Theme's; sign, words and colour all say the same."""

    name: str
    corner: str  # a percentage, or a sign
    first: str  # what it does, or why it does not
    second: str
    tone: str
    part: float | None  # of the bar that is full; None for no bar


@dataclass(frozen=True, slots=True)
class Grid:
    """The size of tiles in pixels at 96 dpi, and how many stand beside each other."""

    width: int
    height: int
    columns: int


def tile_of(computer: Computer) -> Tile:
    first, second = _lines(computer)
    is_done = computer.state is ParticipantState.DONE
    has_part = computer.size > 0 or is_done
    percent = figures.percent(computer.have, computer.size)
    return Tile(
        name=name_of(computer),
        corner="✓" if is_done else f"{percent} %" if has_part else "",
        first=first,
        second=second,
        tone=tone_of(computer),
        part=percent / 100 if has_part else None,
    )


def grid_for(count: int, width: int, height: int) -> Grid:
    """The largest tiles of which all fit into this room, else the smallest."""
    columns = 1
    for step in range(_STEPS + 1):
        tile_width = WIDTH - (WIDTH - LEAST_WIDTH) * step // _STEPS
        tile_height = HEIGHT - (HEIGHT - LEAST_HEIGHT) * step // _STEPS
        columns = max(1, (width + GAP) // (tile_width + GAP))
        rows = (height + GAP) // (tile_height + GAP)
        if columns * rows >= count:
            break
    # The rest of the width is theirs, too, so that both edges are straight.
    tile_width = max(tile_width, min((width + GAP) // columns - GAP, MOST_WIDTH))
    return Grid(tile_width, tile_height, columns)


def in_order(computers: Iterable[Computer], *, problems_first: bool = False) -> list[Computer]:
    """Sorted by name; with `problems_first`, those that need help before all others."""
    return sorted(
        computers,
        key=lambda computer: (problems_first and not computer.needs_help, by_computer(computer)),
    )


def places_of(machines: Sequence[str], kept: Mapping[str, Place], columns: int) -> dict[str, Place]:
    """Where each machine's tile stands: where it was put, else at the first free place."""
    places = dict[str, Place]()
    taken = set[Place]()
    for machine in machines:
        place = kept.get(machine)
        if place is not None and place[0] < columns and place not in taken:
            places[machine] = place
            taken.add(place)
    free = _free(taken, columns)
    for machine in machines:
        if machine not in places:
            places[machine] = next(free)
    return places


def moved(places: Mapping[str, Place], machine: str, to: Place) -> dict[str, Place]:
    """All places, after this machine was put there; who stood there takes its place."""
    there = next((other for other, place in places.items() if place == to), None)
    changed = dict(places)
    if there is not None:
        changed[there] = places[machine]
    changed[machine] = to
    return changed


def _free(taken: Collection[Place], columns: int) -> Iterator[Place]:
    row = 0
    while True:
        for column in range(columns):
            if (column, row) not in taken:
                yield column, row
        row += 1


def _lines(computer: Computer) -> tuple[str, str]:
    gave = f"gave {figures.size(computer.given)}" if computer.given else ""
    words = state(computer)
    if computer.is_silent or computer.has_left:
        return words, gave
    if computer.is_original:
        return words, figures.count(computer.files, "file") if computer.files else ""
    moving = _joined(figures.rate(computer.down), _left(computer))
    why = reason(computer)
    if computer.is_disk_full:  # the reason says so first, and then what to do
        return "! Disk full", why.partition(". ")[2] or why
    if computer.state is ParticipantState.FAILED:
        return f"! {words}", why or gave
    if why:
        return f"! {wording.capitalized(why)}", moving or gave
    match computer.state:
        case ParticipantState.DOWNLOADING:
            return figures.rate(computer.down) or words, _joined(_left(computer), gave)
        case ParticipantState.DONE:
            return "Done, checked", gave
        case ParticipantState.GIVING:
            return f"Sharing {figures.count(computer.files, 'file')}", gave
        case _:
            return words, gave


def _left(computer: Computer) -> str:
    left = figures.duration(computer.seconds_left)
    return f"{left} left" if left else ""


def _joined(*parts: str) -> str:
    return PART_GAP.join(filter(None, parts))
