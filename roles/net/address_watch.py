"""Notices changes of this computer's addresses, and that it slept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from roles.net.interfaces import working_addresses
from roles.values.events import NetworkChanged

LOOK_S = 1.0
CUT_OFF_S = 600.0  # a cable that is unplugged for longer is unplugged on purpose
LATE_S = 5.0  # after such a delay, the computer slept or the program was stopped

if sys.platform == "linux":

    def _with_sleep() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

elif sys.platform == "darwin":

    def _with_sleep() -> float:  # time.monotonic() does not count it there
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:
    _with_sleep = time.monotonic


class AddressWatch:
    """One thread calls look(), several times a second."""

    def __init__(
        self,
        addresses: Callable[[], tuple[str, ...]] = working_addresses,
        clock: Callable[[], float] = time.monotonic,
        clock_with_sleep: Callable[[], float] = _with_sleep,
    ) -> None:
        self._addresses = addresses
        self._clock, self._clock_with_sleep = clock, clock_with_sleep
        self._known = self._found(frozenset())
        self._cut_off_at: float | None = None  # when the last address went
        self.awake_until = self._looked_at = clock()  # awake_until: of the look before the last one
        self._called: tuple[float, float] | None = None  # by either clock; None: not yet
        self._asleep_s = clock_with_sleep() - self._looked_at

    @property
    def is_cut_off(self) -> bool:
        """Whether this computer lost all its addresses in the last CUT_OFF_S. From any thread."""
        cut_off_at = self._cut_off_at
        return cut_off_at is not None and self._clock() - cut_off_at < CUT_OFF_S

    def look(self) -> NetworkChanged | None:
        """What changed since the last look; None if nothing, or if it is too early to look."""
        now, now_with_sleep = self._clock(), self._clock_with_sleep()
        # A role may take long until the first call.
        self.awake_until, called_with_sleep = self._called or (now, now_with_sleep)
        self._called = now, now_with_sleep
        held_up_s = now_with_sleep - called_with_sleep
        was_held_up = held_up_s > LATE_S
        if not was_held_up and now - self._looked_at < LOOK_S:
            return None
        self._looked_at = now
        asleep_s = now_with_sleep - now
        has_slept = asleep_s - self._asleep_s > LATE_S
        self._asleep_s = asleep_s
        before, self._known = self._known, self._found(self._known)
        if self._known:
            self._cut_off_at = None
        elif before:
            self._cut_off_at = now
        if before == self._known and not was_held_up:
            return None
        return NetworkChanged(
            gone=tuple(sorted(before - self._known)),
            come=tuple(sorted(self._known - before)),
            held_up_s=held_up_s if was_held_up else 0.0,
            has_slept=has_slept,
            is_cut_off=bool(before) and not self._known,
        )

    def _found(self, known: frozenset[str]) -> frozenset[str]:
        """The addresses now; those known before if the system has no descriptor left to tell."""
        try:
            return frozenset(self._addresses())
        except OSError:
            return known
