"""The discovery role: finds the trackers of the local network, without sweeping its addresses.

One thread, which calls and listens.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from roles.joining.beacon import Beacon, Destinations
from roles.joining.found_trackers import FoundTrackers
from roles.net.interfaces import is_own_address
from roles.role import Role
from roles.values.addresses import Address
from roles.values.events import FoundTracker, Post, TrackersFound
from roles.worker import POLL_S

FIRST_CALLS = 5  # one a second
FIRST_PAUSE_S = 1.0
PAUSE_S = (10.0, 30.0)  # later, by chance, so that a room full of programs does not call as one
PREFER_S = 0.3  # a tracker of ours that answers so much later than an original one is preferred


class Discovery(Role):
    """Posts TrackersFound after each change, until RoleStopped."""

    def __init__(
        self,
        post: Post,
        remembered: tuple[Address, ...] = (),
        destinations: Destinations | None = None,
    ) -> None:
        """`remembered` trackers may be in other networks: they are asked at their address.

        `destinations` are called at in place of every network.
        """
        super().__init__("discovery", post)
        self._remembered = remembered
        self._destinations = destinations

    def _run(self) -> None:
        trackers = FoundTrackers()
        calls, call_at = 0, 0.0
        with Beacon(self._remembered, self._destinations, self.should_stop) as beacon:
            while not self.should_stop():
                now = time.monotonic()
                is_news = False
                change = self._network_change()
                if change is not None:
                    beacon.network_changed()
                    is_news = trackers.forget(change.gone)
                    calls, call_at = 0, now
                if now >= call_at:
                    beacon.call()
                    calls += 1
                    is_first = calls < FIRST_CALLS
                    call_at = now + (FIRST_PAUSE_S if is_first else random.uniform(*PAUSE_S))
                is_news |= trackers.expire(now=now)
                for tracker in beacon.heard(min(POLL_S, max(0.0, call_at - now))):
                    is_own = is_own_address(tracker.address.host)
                    is_news |= trackers.note(tracker, is_own=is_own, now=time.monotonic())
                if is_news:
                    self._post(TrackersFound(trackers.trackers()))


def find_tracker(
    timeout_s: float,
    *,
    remembered: Iterable[Address] = (),
    destinations: Destinations | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FoundTracker | None:
    """The first tracker that answers, one of ours if there is one; None after `timeout_s`.

    For the command line: it waits.
    """
    trackers = FoundTrackers()
    deadline = time.monotonic() + timeout_s
    call_at = 0.0
    with Beacon(remembered, destinations, should_stop) as beacon:
        while (now := time.monotonic()) < deadline and not should_stop():
            if now >= call_at and not trackers.trackers():
                beacon.call()
                call_at = now + FIRST_PAUSE_S
            for tracker in beacon.heard(min(POLL_S, deadline - now)):
                if not trackers.trackers():
                    deadline = min(deadline, time.monotonic() + PREFER_S)
                is_own = is_own_address(tracker.address.host)
                trackers.note(tracker, is_own=is_own, now=time.monotonic())
                if not tracker.is_original:
                    deadline = 0.0
    return next(iter(trackers.trackers()), None)
