"""How a program pings and leaves, in each version of the protocol. Membership decides when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from roles.joining.room_client import RoomClient
from roles.joining.tracker_place import TrackerPlace
from roles.values.addresses import Address
from roles.values.participants import Status
from roles.wire.tracker_messages import Ping, Pinged

LEAVE_S = 0.5  # for the last ping


class Dialect(Protocol):
    """Every method may raise TrackerSilentError."""

    @property
    def is_original(self) -> bool:
        """Whether the tracker is an original one."""

    @property
    def takes_shares(self) -> bool:
        """Whether the tracker takes lists of whole folders, and tries to connect to us."""

    def ping(self, advertised: Address, status: Status) -> Pinged | None:
        """None if the tracker does not know this program."""

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        """Send the list for LMK/1 readers; returns how many of these files they get."""

    def leave(self, advertised: Address, status: Status) -> None:
        """The role is stopping."""


class Lmk1Client(Protocol):
    """Speaks LMK/1 with the tracker. Owned by one thread."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...

    def dialect(self, *, is_original: bool) -> Dialect:
        """For a seeder that is registered there."""


class Lmk2Dialect:
    """Towards a tracker of ours."""

    is_original = False
    takes_shares = True

    def __init__(self, client: RoomClient, peer: str) -> None:
        self._client, self._peer = client, peer

    def ping(self, advertised: Address, status: Status) -> Pinged | None:
        reply = self._client.ping(Ping("", advertised, self._peer, status))
        return reply if isinstance(reply, Pinged) else None

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        return self._client.tell_files(files, self._peer, port) or 0

    def leave(self, advertised: Address, status: Status) -> None:
        """Takes LEAVE_S at most: the client itself would no longer ask, because should_stop()."""
        until = time.monotonic() + LEAVE_S
        place, cookie = TrackerPlace(self._client.looked_up()), self._client.cookie
        with RoomClient(place, lambda: time.monotonic() > until, cookie=cookie) as client:
            client.ping(Ping("", advertised, self._peer, status, leaving=True))
