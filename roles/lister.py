"""The lister role: asks a tracker what its room offers, and downloads nothing.

A leecher does the same beside its downloads. A command that only lists loads half as much code.
"""

from __future__ import annotations

from roles.joining.room_reader import RoomReader
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.seeder_finder import SeederFinder
from roles.role import Role
from roles.values.addresses import Address
from roles.values.events import Post
from roles.values.settings import Failover


class Lister(Role):
    """Posts FilesListed or ListFailed, the latter again and again, until RoleStopped."""

    def __init__(self, tracker: Address, failover: Failover, post: Post, code: str = "") -> None:
        """`code`: of a private room."""
        super().__init__("lister", post)
        locator = TrackerLocator(tracker, failover, post, stopping=self._stopping, code=code)
        self._reader = RoomReader(locator, post, SeederFinder(locator, tuple))

    def stop(self) -> None:
        super().stop()
        self._reader.wake()

    def _run(self) -> None:
        self._reader.run()
