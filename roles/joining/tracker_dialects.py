"""How a program keeps itself on a tracker's list: the same steps in LMK/1 and in LMK/2.

Membership decides when; this knows only what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from roles.joining.room_client import RoomClient
from roles.joining.tracker_client import TrackerClient
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.participants import Status
from roles.wire.tracker_messages import Done, Ping, Pinged, Refused, Register


@dataclass(frozen=True, slots=True)
class Standing:
    """What the tracker knows of this program."""

    is_listed: bool
    is_reachable: bool | None = None  # from outside; None: not known, or not yet


class Dialect(Protocol):
    """Every method may raise TrackerSilentError."""

    @property
    def is_original(self) -> bool:
        """Whether the tracker is an original one, which nothing may be said to at the end."""

    def ping(self, named: Address, status: Status, *, leaving: bool = False) -> Standing: ...

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        """Tell what LMK/1 readers may see; returns how many of these files they do."""


class Lmk1Dialect:
    """With an original tracker, or with one of ours of version 1.0: both know us already."""

    def __init__(self, client: TrackerClient, *, is_original: bool) -> None:
        self._client = client
        self._is_original = is_original

    @property
    def is_original(self) -> bool:
        return self._is_original

    def ping(self, named: Address, status: Status, *, leaving: bool = False) -> Standing:
        return Standing(self._client.ping(named, state=status.state, leaving=leaving))

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        if self._is_original:
            return self._client.upload_files_to_original(files)
        return self._client.upload_files(files, port)


class Lmk2Dialect:
    """With a tracker of ours."""

    is_original = False

    def __init__(self, client: RoomClient, *, peer: str, name: str, is_leecher: bool) -> None:
        self._client = client
        self._peer = peer
        self._name = name
        self._is_leecher = is_leecher

    def register(self, named: Address, status: Status, *, everywhere: bool) -> bool:
        """Take part in the room; False when it was an original tracker that listed us."""
        reply = self._client.register(
            Register(
                "",
                named,
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

    def ping(self, named: Address, status: Status, *, leaving: bool = False) -> Standing:
        reply = self._client.ping(Ping("", named, self._peer, status, leaving))
        match reply:
            case Pinged(is_reachable=is_reachable):
                return Standing(True, is_reachable)
            case _:
                return Standing(False)

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        return self._client.tell_files(files, self._peer, port) or 0
