"""The contents of one chunk that a leecher waits for, on one connection, in order.

They go before a chunk that was taken. The first ones need no slot: a slot would cost more than they
do. Later ones need one like any chunk; otherwise a leecher of small files would never queue. Pure:
the caller passes the time.
"""

from __future__ import annotations

SENT_FIRST = 16  # before a chunk that was taken: together as much as the longest chunk
FREE_BYTES = 64 * 1024  # without a slot, at once
FREE_RATE = 8 * 1024  # bytes per second that may follow without a slot
TURN_BYTES = 256 * 1024  # with a slot, while others wait for one: as much as the shortest chunk


class SmallContents:
    def __init__(self) -> None:
        self._handles: dict[int, None] = {}  # in the order in which they were opened
        self._sent_first = 0
        self._free, self._since = float(FREE_BYTES), 0.0
        self._turn, self._turn_bytes = 0, 0

    def __bool__(self) -> bool:
        return bool(self._handles)

    def add(self, handle: int) -> None:
        self._handles[handle] = None

    def drop(self, handle: int) -> None:
        self._handles.pop(handle, None)

    def pop(self) -> int:
        handle = next(iter(self._handles))
        del self._handles[handle]
        return handle

    def sent(self, count: int, *, now: float) -> None:
        self._turn, self._turn_bytes = self._turn + 1, self._turn_bytes + count
        gained = max(0.0, now - self._since) * FREE_RATE
        self._free = min(FREE_BYTES, self._free + gained) - count
        self._since = now

    def needs_slot(self, *, now: float) -> bool:
        """Whether the next one needs a slot, because many went out without one."""
        return self._free + max(0.0, now - self._since) * FREE_RATE <= 0

    @property
    def is_turn_over(self) -> bool:
        """Whether as much as a chunk went out since this was last True."""
        is_over = self._turn >= SENT_FIRST or self._turn_bytes >= TURN_BYTES
        if is_over:
            self._turn = self._turn_bytes = 0
        return is_over

    def are_next(self, *, chunk_waits: bool) -> bool:
        """Whether to send one of them now. `chunk_waits`: a chunk was taken and has a slot."""
        if not self._handles or (chunk_waits and self._sent_first >= SENT_FIRST):
            self._sent_first = 0
            return False
        self._sent_first += chunk_waits
        return True
