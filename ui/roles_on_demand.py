"""Makes roles; the code of each kind is loaded when the first one is made.

Roles are half of what a start would load, and the window does not need them before it is painted.
Only the type checker imports their types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roles.values.addresses import Address
from roles.values.events import Post
from roles.values.settings import LeecherSettings, SeederSettings, TrackerSettings

if TYPE_CHECKING:
    from roles.discovery import Discovery
    from roles.leecher import Leecher
    from roles.net.throttle import Throttles
    from roles.seeder import Seeder
    from roles.tracker import Tracker


def new_leecher(
    settings: LeecherSettings, post: Post, throttles: Throttles | None = None
) -> Leecher:
    from roles.leecher import Leecher

    return Leecher(settings, post, throttles)


def new_seeder(settings: SeederSettings, post: Post, throttles: Throttles | None = None) -> Seeder:
    from roles.seeder import Seeder

    return Seeder(settings, post, throttles)


def new_tracker(settings: TrackerSettings, post: Post) -> Tracker:
    from roles.tracker import Tracker

    return Tracker(settings, post)


def new_discovery(post: Post, ask: tuple[Address, ...] = ()) -> Discovery:
    from roles.discovery import Discovery

    return Discovery(post, ask)


def load_all() -> None:
    """Load all of them now, so that the first of each starts at once. Safe in any thread."""
    import roles.discovery
    import roles.leecher
    import roles.seeder
    import roles.tracker  # noqa: F401
