"""A connection's slot at the desk, or its place in the line for one, as its leecher hears of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from roles.uploads.upload_slot import Desk, GiverProgress
from roles.wire import frames

PLACE_S = 1.0  # of waiting before the first word about the place, and between two


class QueuePosition:
    """Owned by the connection's thread."""

    def __init__(
        self, desk: Desk, progress: GiverProgress, send: Callable[[frames.Frame], None]
    ) -> None:
        self._desk = desk
        self._progress = progress
        self._send = send
        self._told, self._told_at = 0, 0.0

    @property
    def has_slot(self) -> bool:
        """Whether it holds one. It may have been taken away from a leecher that hardly reads."""
        return self._desk.has_slot()

    def rest(self) -> None:
        """Others may have the slot."""
        self._desk.give_back()

    def regain(self) -> bool:
        """Whether it has a slot for the chunk that was taken; else it waits in line for one."""
        if self.has_slot:
            return True
        has_slot = self._desk.ask_slot()
        self.tell()
        return has_slot

    def tell(self) -> None:
        """Its place, once it has waited for PLACE_S, and when that is another one; 0 when it does
        not wait any more. In a quick room nobody waits for so long.
        """
        place, now = 0 if self.has_slot else self._desk.place(), time.monotonic()
        if not self._progress.place:
            self._told_at = now  # it waits from now on, if it does
        self._progress.place = place
        is_due = now - self._told_at >= PLACE_S
        if place != self._told and (is_due or not place):
            self._told, self._told_at = place, now
            self._send(frames.Place(place))
