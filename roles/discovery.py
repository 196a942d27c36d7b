"""The discovery role: finds trackers in the local network by broadcast."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import NamedTuple

from roles.joining.tracker_search import Targets, TrackerSearch, everywhere
from roles.role import Role
from roles.values.addresses import Address
from roles.values.events import Post, TrackersFound
from roles.worker import POLL_S


class Pace(NamedTuple):
    """How often it calls."""

    first_calls: int = 5
    first_pause_s: float = 1.0  # between these, and while a tracker does not answer any more
    # Later; random, so that the programs of a room do not call all at once.
    pause_s: tuple[float, float] = (10.0, 30.0)


PACE = Pace()


class Discovery(Role):
    """Posts TrackersFound after each change, until RoleStopped."""

    def __init__(
        self,
        post: Post,
        remembered: tuple[Address, ...] = (),
        targets: Targets | None = None,
        network: str = "",
        pace: Pace = PACE,
    ) -> None:
        """`remembered` trackers are asked directly, because they may be in other networks.

        `targets`: where else to ask; None for everywhere, or only in the network of the own
        address `network`.
        """
        super().__init__("discovery", post)
        self._remembered = remembered
        self._targets = targets or partial(everywhere, network)
        self._pace = pace

    def _run(self) -> None:
        calls, called_at, pause_s, pace = 0, 0.0, 0.0, self._pace
        with TrackerSearch(self._remembered, self._targets, self._stopping) as search:
            while not self._stopping.is_set():
                now = time.monotonic()
                is_news = False
                change = self._network_change()
                if change is not None:
                    search.network_changed()
                    is_news = search.found.forget(change.gone)
                    calls, pause_s = 0, 0.0
                is_hurry = search.found.is_one_silent
                next_s = min(pause_s, pace.first_pause_s) if is_hurry else pause_s
                rest_s = called_at + next_s - now
                if rest_s <= 0:
                    is_news |= search.ask()
                    calls, called_at = calls + 1, now
                    is_first = calls < pace.first_calls
                    pause_s = pace.first_pause_s if is_first else random.uniform(*pace.pause_s)
                is_news |= search.listen(min(POLL_S, max(0.0, rest_s)))
                if is_news:
                    self._post(TrackersFound(search.found.trackers()))
