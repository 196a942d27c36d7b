"""The order in which the user wants the files of one download. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from roles.disk.download_record import MAX_FIRST


class FileOrder:
    """Which files come first. A folder, which ends in "/", stands for all that is in it."""

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
