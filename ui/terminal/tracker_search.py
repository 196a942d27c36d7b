"""Looking for trackers on the network, from a command."""

from __future__ import annotations

import time
from collections.abc import Callable

from roles.values.errors import LmkError
from roles.values.events import FoundTracker, Post, RoleStopped, TrackersFound
from ui.roles_on_demand import new_discovery
from ui.terminal.session import AnyRole, Session

OTHERS_S = 0.5  # how long to wait for others after one of ours has answered


def found_trackers(seconds: float, *, for_all: bool = False) -> tuple[FoundTracker, ...]:
    """The trackers that answer in this time. Unless `for_all`, it ends soon after one of ours."""
    return search(new_discovery, seconds, for_all=for_all)


def search(
    make: Callable[[Post], AnyRole], seconds: float, *, for_all: bool
) -> tuple[FoundTracker, ...]:
    """The same with this role. If a computer has no network, it finds none; that is no error."""
    found: tuple[FoundTracker, ...] = ()
    deadline = time.monotonic() + seconds
    try:
        with Session() as session:
            session.start(make)
            while (left_s := deadline - time.monotonic()) > 0:
                match session.event_within(left_s):
                    case (_, TrackersFound(trackers)):
                        found = trackers
                        if not for_all and not all(one.is_original for one in found):
                            deadline = min(deadline, time.monotonic() + OTHERS_S)
                    case (_, RoleStopped()):
                        break
                    case _:
                        continue
    except LmkError:
        return found
    return found
