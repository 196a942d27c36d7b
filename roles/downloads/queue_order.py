"""The order in which the user wants downloads, and the files of one download. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roles.disk.download_record import MAX_FIRST


def put_in_order(keys: Iterable[str], wished: Sequence[str]) -> list[str]:
    """The wished ones first, in that order, then the others as they were."""
    known = dict.fromkeys(keys)
    return list(dict.fromkeys([*(key for key in wished if key in known), *known]))


class FileOrder:
    """Of the files of one download. A folder, which ends in "/", stands for all that is in it."""

    def __init__(self, first: Sequence[str] = ()) -> None:
        self.first = tuple(dict.fromkeys(first))[:MAX_FIRST]
        self._ranks = {path: rank for rank, path in enumerate(self.first)}

    def key(self, path: str) -> tuple[int, ...]:
        """The sort key of a file. Files without a rank come last, all with the same key."""
        last, ranks, slash = len(self._ranks), list[int](), path.find("/")
        while slash >= 0:
            ranks.append(self._ranks.get(path[: slash + 1], last))
            slash = path.find("/", slash + 1)
        ranks.append(self._ranks.get(path, last))
        while ranks and ranks[-1] == last:
            ranks.pop()  # depth in folders alone must not put a file first
        return (*ranks, last + 1)
