"""How long a peer may be silent, and how long a frame may take. Pure: time is an argument."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    silent_s: float = 45.0  # of the peer's silence before we give it up
    still_s: float = 10.0  # without a byte in the middle of a frame: damaged, or the peer hangs
    frame_s: float = 10.0  # from the first byte of a frame to the last
    part_s: float = 75.0  # the same for a part of a chunk, which our seeders give up after 60 s


LIMITS = Limits()


class FrameDeadlines:
    def __init__(self, limits: Limits = LIMITS, *, now: float) -> None:
        self._limits = limits
        self._heard_at = now
        self._began: float | None = None  # when the current frame began to arrive
        self._most_s = limits.frame_s  # for all of that frame

    def next_frame(self, began: float | None = None) -> None:
        """The frame before is complete. `began`: when the first bytes of the next one came."""
        self._began, self._most_s = began, self._limits.frame_s
        self._heard_at = began or self._heard_at

    def is_part(self) -> None:
        self._most_s = self._limits.part_s

    def restart(self, *, now: float) -> None:
        """We had no buffer for what comes: until now it is not late."""
        self._began = self._heard_at = now

    def held_up(self, for_s: float) -> None:
        """Our own rate limit delayed it, which is not the sender's fault."""
        self._heard_at += for_s
        self._began = None if self._began is None else self._began + for_s

    def heard(self, *, now: float) -> None:
        """Bytes came. Raises TimeoutError if the frame takes too long."""
        self._heard_at, self._began = now, self._began or now
        if now - self._began > self._most_s:
            raise TimeoutError(f"a frame did not end within {self._most_s:.0f} s")

    def heard_nothing(self, *, now: float) -> None:
        """Raises TimeoutError if nothing came for too long."""
        silent_s = now - self._heard_at
        if silent_s > self._limits.silent_s:
            raise TimeoutError(f"no sign of life for {self._limits.silent_s:.0f} s")
        if self._began is not None and silent_s > self._limits.still_s:
            raise TimeoutError(f"nothing for {self._limits.still_s:.0f} s in the middle of a frame")
