"""What order results when rows are moved, one step or to another row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def moved(order: Sequence[str], chosen: Collection[str], steps: int) -> list[str]:
    """Move the chosen ones by one step, up for -1 and down for 1; together, where they meet."""
    rows = list(order)
    indexes = range(1, len(rows)) if steps < 0 else range(len(rows) - 2, -1, -1)
    for index in indexes:
        other = index + steps
        if rows[index] in chosen and rows[other] not in chosen:
            rows[index], rows[other] = rows[other], rows[index]
    return rows


def placed(
    order: Sequence[str], chosen: Collection[str], target: str, *, is_below: bool
) -> list[str]:
    """Put the chosen ones above the target, or below it, in the order that they had."""
    if target in chosen or target not in order:
        return list(order)
    rest = [row for row in order if row not in chosen]
    index = rest.index(target) + is_below
    return rest[:index] + [row for row in order if row in chosen] + rest[index:]
