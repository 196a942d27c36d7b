"""The observer role: asks a tracker who is in its room, and takes no part in it."""

from __future__ import annotations

from contextlib import suppress

from roles.joining.list_client import fetch_room
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.role import Role
from roles.values.addresses import Address
from roles.values.errors import ListNotPassedError, StoppedError, TrackerSilentError
from roles.values.events import Post, RoomChanged
from roles.values.settings import Failover

ASK_AGAIN_S = 2.0


class Observer(Role):
    """Posts RoomChanged, with the participants alone, every ASK_AGAIN_S until it is stopped.

    Fails with TrackerSilentError when no tracker answers, or one that does not tell its room.
    """

    def __init__(self, tracker: Address, failover: Failover, post: Post, code: str = "") -> None:
        """`code`: of a private room."""
        super().__init__("observer", post)
        self._locator = TrackerLocator(tracker, failover, post, stopping=self._stopping, code=code)

    def _run(self) -> None:
        with suppress(StoppedError), RoomClient(self._locator) as client:
            while not self._stopping.is_set():
                self._ask(client)
                self._stopping.wait(ASK_AGAIN_S)

    def _ask(self, client: RoomClient) -> None:
        if client.list_version() is None:
            raise TrackerSilentError(
                f"{self._locator.shown} runs an original tracker, which cannot show who is in the "
                "room."
            )
        try:
            participants = fetch_room(self._locator)
        except ListNotPassedError as error:
            raise TrackerSilentError(
                f"The tracker {self._locator.shown} cannot show who is in the room; "
                f"trackers from version 1.3 on can: {error}"
            ) from None
        self._post(RoomChanged(participants))
