"""How a program registers, pings and leaves, in each version of the protocol.

Membership decides when.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from roles.joining.room_client import RoomClient
from roles.joining.tracker_place import TrackerPlace
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.participants import Status
from roles.wire.tracker_messages import Done, Ping, Pinged, Refused, Register

LEAVE_S = 0.5  # for the last ping


@dataclass(frozen=True, slots=True)
class Standing:
    """What the tracker knows of this program."""

    is_listed: bool
    is_reachable: bool | None = None  # from outside; None: not known


class Dialect(Protocol):
    """Every method may raise TrackerSilentError."""

    @property
    def is_original(self) -> bool:
        """Whether the tracker is an original one."""

    @property
    def takes_shares(self) -> bool:
        """Whether the tracker takes lists of whole folders, and tries to connect to us."""

    def ping(self, advertised: Address, status: Status) -> Standing: ...

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

    def __init__(self, client: RoomClient, *, peer: str, name: str, is_leecher: bool) -> None:
        self._client = client
        self._peer = peer
        self._name = name
        self._is_leecher = is_leecher

    def register(self, advertised: Address, status: Status, *, everywhere: bool) -> bool:
        """False when it was an original tracker, which lists us as a seeder now."""
        reply = self._client.register(
            Register(
                "",
                advertised,
                self._peer,
                self._name,
                self._is_leecher,
                everywhere,
                status.shares,
            )
        )
        match reply:
            case None:
                return False
            case Done():
                return True
            case Refused(code=code, text=text):
                kind = "leecher" if self._is_leecher else "seeder"
                raise TrackerSilentError(
                    f"The tracker {self._client.tracker} refused this {kind}: {text or code}"
                )

    def ping(self, advertised: Address, status: Status) -> Standing:
        reply = self._client.ping(Ping("", advertised, self._peer, status))
        if isinstance(reply, Pinged):
            return Standing(True, reply.is_reachable)
        return Standing(False)

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        return self._client.tell_files(files, self._peer, port) or 0

    def leave(self, advertised: Address, status: Status) -> None:
        """Takes LEAVE_S at most: the client itself would no longer ask, because should_stop()."""
        until = time.monotonic() + LEAVE_S
        place, cookie = TrackerPlace(self._client.looked_up()), self._client.cookie
        with RoomClient(place, lambda: time.monotonic() > until, cookie=cookie) as client:
            client.ping(Ping("", advertised, self._peer, status, leaving=True))
