"""Looks for the trackers of the network while the window is open. It shows nothing.

Trackers that it finds go to the choice of trackers; while one is named, it does not search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from roles.values.addresses import TRACKER_PORT, Address, parse_address
from roles.values.errors import UserInputError
from roles.values.events import Post, RoleEvent, TrackersFound
from roles.values.settings import may_discover
from ui.window.running_roles import StartsAndStops
from ui.window.workbench import Workbench

MakeDiscovery = Callable[[Post, tuple[Address, ...]], StartsAndStops]  # addresses to ask one by one


def start_search(bench: Workbench, make: MakeDiscovery) -> bool:
    """Look for trackers until the window closes; False if the environment forbids it."""
    if not is_wished(bench.environment):
        return False
    remembered = _addresses(bench.settings.now.recent_trackers)

    def handle(event: RoleEvent) -> None:
        if isinstance(event, TrackersFound):
            bench.trackers.take_found(event.trackers)

    bench.roles.start(lambda post: make(post, remembered), handle)
    return True


def is_wished(environment: Mapping[str, str]) -> bool:
    """Whether to look for trackers: not if one is named, and not if the search is off."""
    return not environment.get("LMK_TRACKER", "").strip() and may_discover(environment)


def _addresses(texts: tuple[str, ...]) -> tuple[Address, ...]:
    """Those that are addresses: a settings file may have been edited by hand."""
    found = list[Address]()
    for text in texts:
        try:
            found.append(parse_address(text, TRACKER_PORT))
        except UserInputError:
            continue
    return tuple(found)
