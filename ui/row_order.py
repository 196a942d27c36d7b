"""What order results when rows are moved, one step or to another row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def moved(order: Sequence[str], chosen: Collection[str], steps: int) -> list[str]:
    """Move the chosen ones by one step, up for -1 and down for 1; together, where they meet."""
    found = list(order)
    places = range(1, len(found)) if steps < 0 else range(len(found) - 2, -1, -1)
    for place in places:
        other = place + steps
        if found[place] in chosen and found[other] not in chosen:
            found[place], found[other] = found[other], found[place]
    return found


def placed(
    order: Sequence[str], chosen: Collection[str], target: str, *, is_below: bool
) -> list[str]:
    """Put the chosen ones above the target, or below it, in the order that they had."""
    if target in chosen or target not in order:
        return list(order)
    rest = [one for one in order if one not in chosen]
    place = rest.index(target) + is_below
    return rest[:place] + [one for one in order if one in chosen] + rest[place:]
