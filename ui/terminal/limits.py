"""The speed limits that all roles of one command share: it makes the roles with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from roles.net.throttle import Throttle, Throttles
from roles.values.events import Post
from roles.values.settings import LeecherSettings, SeederSettings
from ui.roles_on_demand import new_leecher, new_seeder

if TYPE_CHECKING:
    from roles.leecher import Leecher
    from roles.seeder import Seeder


class Limits:
    """In bytes per second, None for no limit."""

    def __init__(self, up: int | None = None, down: int | None = None) -> None:
        self._throttles = Throttles(Throttle(up), Throttle(down))

    def seeder(self, settings: SeederSettings) -> Callable[[Post], Seeder]:
        """What Session.start() takes."""
        return lambda post: new_seeder(settings, post, self._throttles)

    def leecher(self, settings: LeecherSettings) -> Callable[[Post], Leecher]:
        """What Session.start() takes."""
        return lambda post: new_leecher(settings, post, self._throttles)
