"""Files that somebody is writing, or has just written. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from roles.sharing.folder_tree import TreeFile

SETTLED_NS = 2_000_000_000  # the resolution of FAT, the coarsest of all file systems
# A file being written for longer may be a log or a virtual disk, so the list counts as complete.
WRITTEN_S = 10.0
_WRONG_DATE_NS = 3_600_000_000_000  # further in the future, a date was set, not the clock wrong
_LARGE = 256 * 1024 * 1024  # bytes; takes a second to hash, so wait until nobody writes to it


class WrittenFiles:
    """Which files wait to be hashed because they are being written, and since when."""

    def __init__(self) -> None:
        self._since = dict[str, float]()  # by path

    def note(self, lacking: Iterable[TreeFile], *, now: float, now_ns: int) -> None:
        """These are all files that are not offered yet. `now_ns` is wall clock time."""
        self._since = {
            file.path: self._since.get(file.path, now)
            for file in lacking
            if is_put_off(file, now_ns)
        }

    def for_too_long(self, now: float) -> list[str]:
        """Paths that have been written to for over WRITTEN_S."""
        return [path for path, since in self._since.items() if since < now - WRITTEN_S]


def is_settled(mtime_ns: int, hashed_at_ns: int) -> bool:
    """Whether any change after hashing would show in the modification time.

    It would not within the same tick of the file system's clock. Both times are wall clock times.
    """
    return mtime_ns < hashed_at_ns - SETTLED_NS or mtime_ns > hashed_at_ns + _WRONG_DATE_NS


def is_put_off(file: TreeFile, now_ns: int) -> bool:
    """Whether to wait, because the file was just written and is large, so that hashing it now may
    be wasted, or empty, because many editors save an empty file first.
    """
    is_fresh = abs(now_ns - file.mtime_ns) <= SETTLED_NS
    return is_fresh and (not file.size or file.size >= _LARGE)
