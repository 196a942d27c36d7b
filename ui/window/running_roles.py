"""The roles that this window runs: starts, counts and stops them. It shows nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from roles.net.throttle import Throttles
from roles.values.addresses import Address
from roles.values.events import Post, RoleEvent, RoleStarted, RoleStopped, Warned
from ui.window.event_pump import EventPump

if TYPE_CHECKING:
    from roles.role import Role

SWITCH_INTERVAL_S = 0.001  # keeps Tk's thread punctual beside busy roles; Python's default is 5 ms


RoleT = TypeVar("RoleT", bound="Role")


class RunningRoles:
    """Owned by Tk's thread."""

    def __init__(self, pump: EventPump, throttles: Throttles, warn: Callable[[str], None]) -> None:
        """`throttles`: the limits that all of them share. `warn` gets their Warned events."""
        self.throttles = throttles
        self._warn = warn
        self._pump = pump
        self._running = list["Role"]()
        self._listening = dict["Role", Address]()
        self._usual_interval_s = sys.getswitchinterval()

    def start(self, make: Callable[[Post], RoleT], handle: Callable[[RoleEvent], None]) -> RoleT:
        """Make a role and start it; its events reach `handle` until the last one, RoleStopped."""

        def note(event: RoleEvent) -> None:
            if isinstance(event, RoleStopped):
                self._running.remove(role)
                self._listening.pop(role, None)
                if self.all_ended:
                    sys.setswitchinterval(self._usual_interval_s)
            if isinstance(event, RoleStarted) and event.address is not None:
                self._listening[role] = event.address
            if isinstance(event, Warned):
                self._warn(event.sentence)
            else:
                handle(event)

        role = make(self._pump.opened(note))
        self._running.append(role)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        role.start()
        return role

    def stop_all(self) -> None:
        """Ask every role to end; each does within 2 s."""
        for role in self._running:
            role.stop()

    @property
    def listening(self) -> list[tuple[str, Address]]:
        """What runs, and where it listens."""
        return [(type(role).__name__, address) for role, address in self._listening.items()]

    @property
    def all_ended(self) -> bool:
        return not self._running
