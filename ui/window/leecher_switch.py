"""Which leecher is in use, and the change to another one. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from roles.values.events import RoleEvent
from roles.values.settings import LeecherSettings
from ui.window.leecher_run import LeecherRun
from ui.window.running_roles import RunningRoles


class LeecherSwitch:
    """Owned by Tk's thread. At most one leecher works at a time: two would share partial files."""

    def __init__(
        self,
        roles: RunningRoles,
        handle: Callable[[RoleEvent], None],
        begun: Callable[[LeecherRun], None],
    ) -> None:
        """`begun` gets each new run, before its first event."""
        self._roles, self._handle, self._begun = roles, handle, begun
        self.run: LeecherRun | None = None  # in use
        self._left: LeecherRun | None = None  # has not ended yet
        self._next: Callable[[], None] = lambda: None
        self._is_closed = False

    def renew(self, settings: LeecherSettings) -> None:
        """Use another leecher, as soon as the one before has released its files."""
        old, self.run = self.run, None
        self._next = partial(self._begin, settings, self._left or old)
        if self._left is not None:
            return
        if old is None or not old.unfinished:
            if old is not None:
                old.leave()
            self._next()
            return
        self._left = old
        old.leave(then=self._begin_next)

    def ended(self) -> None:
        """The leecher in use has stopped."""
        self.run = None

    def close(self) -> None:
        """Start no other leecher."""
        self._is_closed = True

    def _begin_next(self) -> None:
        self._left = None
        self._next()

    def _begin(self, settings: LeecherSettings, old: LeecherRun | None) -> None:
        if self._is_closed:
            return
        self.run = LeecherRun(self._roles, settings, self._handle)
        if old is not None:
            self.run.remember(old)
        self._begun(self.run)
