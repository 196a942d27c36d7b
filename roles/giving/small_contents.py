"""The contents of one chunk that a leecher waits for, on one connection. Pure: handles in, order
out.

They need no slot, and go before a chunk that was taken; but that chunk holds one.
"""

from __future__ import annotations

SENT_FIRST = 16  # before a chunk that was taken: together as much as the longest chunk


class SmallContents:
    """Handles, in the order in which they were opened."""

    def __init__(self) -> None:
        self._handles: dict[int, None] = {}
        self._sent_first = 0

    def __bool__(self) -> bool:
        return bool(self._handles)

    def add(self, handle: int) -> None:
        """This one is to be sent."""
        self._handles[handle] = None

    def drop(self, handle: int) -> None:
        """This one is not wanted any more."""
        self._handles.pop(handle, None)

    def pop(self) -> int:
        """The next one; it is not to be sent any more."""
        handle = next(iter(self._handles))
        del self._handles[handle]
        return handle

    def are_next(self, *, chunk_waits: bool) -> bool:
        """Whether one of them is sent now. `chunk_waits`: a chunk was taken, and has its slot."""
        if not self._handles or (chunk_waits and self._sent_first >= SENT_FIRST):
            self._sent_first = 0
            return False
        self._sent_first += chunk_waits
        return True
