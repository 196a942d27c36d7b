"""Keys with which a user asks for a whole share, or for everything below a path.

No file can have such a name, because file names contain no colon.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

_SHARE = "share:"
_EVERY_SHARE = "folder:"
_AFTER_SLASH = chr(ord("/") + 1)


@dataclass(frozen=True, slots=True)
class FolderKey:
    """As text: "share:ID", "share:ID/PATH", or "folder:PATH" for that folder of every share."""

    share: str = ""  # id; "" for every share that has this folder
    path: str = ""  # folder in the share; "" for the whole share

    @classmethod
    def of(cls, key: str) -> FolderKey | None:
        """None if this is the key of a file."""
        if key.startswith(_SHARE):
            share, _, path = key.removeprefix(_SHARE).partition("/")
            return cls(share, path.rstrip("/")) if share else None
        path = key.removeprefix(_EVERY_SHARE).rstrip("/")
        return cls(path=path) if path and key.startswith(_EVERY_SHARE) else None

    def __str__(self) -> str:
        if not self.share:
            return _EVERY_SHARE + self.path
        return f"{_SHARE}{self.share}/{self.path}" if self.path else _SHARE + self.share


def range_below(paths: Sequence[str], folder: str, start: int = 0) -> tuple[int, int]:
    """The slice (first, stop) of sorted `paths` that are below `folder`, or all from `start` if
    `folder` is "".
    """
    if not folder:
        return start, len(paths)
    first = bisect_left(paths, folder + "/", start)
    return first, bisect_left(paths, folder + _AFTER_SLASH, first)
