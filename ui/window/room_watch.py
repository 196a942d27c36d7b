"""Who is in the room of another computer's tracker, while somebody wants to know. No widgets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from roles.values.addresses import Address
from roles.values.computers import Computer, computers_of
from roles.values.events import RoleEvent, RoleStopped, RoomChanged
from roles.values.participants import Participant
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from roles.observer import Observer

AGAIN_S = 30.0  # a tracker that is silent, original or too old is asked again


class RoomWatch:
    """Owned by Tk's thread."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context
        self._observer: Observer | None = None
        self._tracker: Address | None = None  # that was asked last
        self._participants: tuple[Participant, ...] = ()
        self._failed: tuple[Address, str] | None = None  # the last one, with its code
        self._failed_at = 0.0

    @property
    def computers(self) -> tuple[Computer, ...]:
        """As the tracker told last."""
        return computers_of(self._participants, now=time.monotonic())

    def watch(self, tracker: Address | None) -> None:
        """Ask this tracker from now on; None: do not ask any more. May be called often."""
        if self._observer is not None:
            if tracker != self._tracker:
                self._observer.stop()  # then the next call asks the other one
        elif tracker is not None:
            self._start(tracker)

    def _start(self, tracker: Address) -> None:
        from roles.observer import Observer  # not before the window is painted

        if tracker != self._tracker:
            self._tracker, self._participants = tracker, ()
        codes, failover = self._context.codes, self._context.trackers.failover_for(tracker)
        code = codes.of(tracker)
        if self._failed == (tracker, code) and time.monotonic() < self._failed_at + AGAIN_S:
            return

        def take(event: RoleEvent) -> None:
            match event:
                case RoomChanged(participants):
                    self._participants = participants
                case RoleStopped(failure):
                    self._observer = None
                    self._failed = (tracker, code) if failure is not None else None
                    self._failed_at = time.monotonic()
                    codes.refused(tracker, code, failure)
                case _:
                    pass

        self._observer = self._context.roles.start(
            lambda post: Observer(tracker, failover, post, code), take
        )
