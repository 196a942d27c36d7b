"""The only bridge from other threads to Tk's: events go in from anywhere and come out in Tk's
thread.

They come out in slices of a few milliseconds. It knows no roles, and no widget but the owner of its
timer.
"""

from __future__ import annotations

import itertools
import queue
import time
import tkinter as tk
from collections.abc import Callable, Hashable
from typing import TypeVar

from roles.values.errors import ShortageError
from roles.values.events import (
    DownloadChanged,
    FilesListed,
    FolderScanned,
    HashingChanged,
    Post,
    RoleEvent,
    RoomChanged,
    TrackersFound,
    UploadsChanged,
)
from roles.values.watched import Watched
from roles.worker import Worker

TICK_MS = 50
AGAIN_MS = 500  # after no thread could be started
BUSY_TICK_MS = 10  # while there is more than one tick can handle
BUDGET_S = 0.008  # of work per tick: a frame at 60 Hz lasts 16 ms

T = TypeVar("T")


class EventPump:
    """Any thread may use post(), call() and what opened() returns; the rest is for Tk's thread."""

    def __init__(self, widget: tk.Misc, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._widget = widget
        self._clock = clock
        self._arrived: queue.SimpleQueue[tuple[Hashable, Callable[[], None]]] = queue.SimpleQueue()
        self._pending: dict[Hashable, Callable[[], None]] = {}  # in order of delivery
        self._numbers = itertools.count()
        widget.after(TICK_MS, self._tick)

    def opened(self, handle: Callable[[RoleEvent], None]) -> Post:
        """A `post` for one run of one role.

        Events reach `handle` in order; of snapshots that wait, only the newest.
        """
        channel = next(self._numbers)

        def post(event: RoleEvent) -> None:
            key = _snapshot_key(event)
            whole_key = ("once", next(self._numbers)) if key is None else (channel, key)
            self._arrived.put((whole_key, lambda: handle(event)))

        return post

    def call(self, function: Callable[[], None]) -> None:
        self._arrived.put((("once", next(self._numbers)), function))

    def in_background(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Run `work`, which may wait for a disk, in a thread of its own, then `then(answer)` in
        Tk's.

        `work` must not raise.
        """

        def run() -> None:
            answer = work()
            self.call(lambda: then(answer))

        # A daemon: a dead network drive may hold it for minutes, and no window waits for that.
        try:
            Worker(run, "lmk-window-errand", daemon=True).start()
        except ShortageError:
            self._widget.after(AGAIN_MS, self.in_background, work, then)

    def _tick(self) -> None:
        try:
            self._deliver(self._clock() + BUDGET_S)
        finally:
            pause_ms = BUSY_TICK_MS if self._pending else TICK_MS
            self._widget.after(pause_ms, self._tick)

    def _deliver(self, deadline: float) -> None:
        while self._clock() < deadline:
            try:
                key, function = self._arrived.get_nowait()
            except queue.Empty:
                break
            # The newer one goes to the end, so that events come out in the order of posting.
            self._pending.pop(key, None)
            self._pending[key] = function
        # At least one, otherwise a queue that fills faster than it is read would starve the window.
        while self._pending:
            function = self._pending.pop(next(iter(self._pending)))
            function()
            if self._clock() >= deadline:
                break


def _snapshot_key(event: RoleEvent) -> Hashable:
    """Equal for two events if the later one replaces the earlier; None for events that must all
    arrive.
    """
    match event:
        case DownloadChanged(name=name):
            return (DownloadChanged, name)
        case RoomChanged() | FolderScanned() | UploadsChanged() | FilesListed() | Watched():
            return (type(event),)
        case HashingChanged() | TrackersFound():
            return (type(event),)
        case _:
            return None
