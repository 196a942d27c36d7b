"""The roles that this window runs: starts, counts and stops them, and how far each run is. It
shows nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from roles.net.throttle import Throttles
from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address
from roles.values.errors import AddressGoneError, LmkError
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
        self._is_over = False
        self._usual_interval_s = sys.getswitchinterval()

    def start(self, make: Callable[[Post], RoleT], handle: Callable[[RoleEvent], None]) -> RoleT:
        """Make a role and start it, unless all are to stop; its events reach `handle` until the
        last one, RoleStopped.
        """

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
        if not self._is_over:
            self._running.append(role)
            sys.setswitchinterval(SWITCH_INTERVAL_S)
            role.start()
        return role

    def stop_all(self) -> None:
        """Ask every role to end, and start none any more; each ends within 2 s."""
        self._is_over = True
        for role in self._running:
            role.stop()

    @property
    def listening(self) -> list[tuple[str, Address]]:
        """What runs, and where it listens."""
        return [(type(role).__name__, address) for role, address in self._listening.items()]

    @property
    def all_ended(self) -> bool:
        return not self._running


class RunState(Enum):
    """The state of one run of a role, as its buttons need it."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def is_up(self) -> bool:
        return self in (RunState.STARTING, RunState.RUNNING)


class RoleRun:
    """One run of a role, from its start to its last event. Owned by Tk's thread."""

    role: Role

    def __init__(self, roles: RunningRoles, make: Callable[[Post], Role]) -> None:
        self.state = RunState.STARTING
        self.failure: LmkError | None = None  # why it ended
        self.role = roles.start(make, self.take)

    def stop(self) -> None:
        if self.state.is_up:
            self.state = RunState.STOPPING
            self.role.stop()

    def take(self, event: RoleEvent) -> None:
        """Note what happened."""
        match event:
            case RoleStarted() if self.state is RunState.STARTING:
                self.state = RunState.RUNNING
            case RoleStopped(failure):
                self.state, self.failure = RunState.STOPPED, failure
            case _:
                pass


def explained(failure: LmkError, host: str) -> str:
    """The sentence for the user of this window; `host` is where the role was to listen."""
    if isinstance(failure, AddressGoneError) and host not in (EVERY_INTERFACE, LOOPBACK):
        return gone_network(host)
    return str(failure)


def gone_network(network: str) -> str:
    return (
        f"{network}, the network that is chosen in Settings, is not connected. "
        "Connect it, or choose another one there."
    )
