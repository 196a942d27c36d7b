"""The torrents of a room. Most rooms have none, so the code that answers BitTorrent programs is
loaded only when it is needed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Protocol

from roles.room.cookies import Proof
from roles.room.registry import MAX_SAVED
from roles.room.room_catalogue import RoomCatalogue
from roles.values.errors import ShortageError, StorageError

log = logging.getLogger(__name__)


class Bep15Answers(Protocol):
    """Answers datagrams of BitTorrent programs."""

    @property
    def changes_saved(self) -> int: ...

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof: ...

    def answers(self, datagram: bytes, host: str, proof: Proof, *, now: float) -> list[bytes]:
        """Raises PeerProtocolError for a datagram that is no request."""

    def expire(self, *, now: float) -> None: ...

    def saved(self) -> Iterator[dict[str, object]]: ...

    def restore(self, saved: Iterable[object], *, now: float) -> None: ...


class Torrents:
    """Owned by the tracker's thread."""

    def __init__(self, catalogue: RoomCatalogue, load: Callable[[], Bep15Answers]) -> None:
        """`load` is called once, for the first torrent or the first BitTorrent program. It may
        raise StorageError.
        """
        self._catalogue, self._load = catalogue, load
        self._loaded: Bep15Answers | None = None
        self._problem = ""  # why it cannot be loaded
        self._restored = list[dict[str, object]]()  # for it, until it is loaded

    def bep15(self) -> Bep15Answers:
        """Raises StorageError."""
        if self._problem:
            raise StorageError(self._problem)
        if self._loaded is None:
            try:
                self._loaded = self._load()
            except ShortageError:  # it may work later
                raise
            except StorageError as error:
                log.warning("BitTorrent programs get no answers: %s", error)
                self._problem = str(error)
                raise
            self._loaded.restore(self._restored, now=time.monotonic())
        return self._loaded

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof:
        """See Bep15Answers. Until that is loaded, nobody has an id of a connection."""
        return Proof.NONE if self._loaded is None else self._loaded.proof(datagram, host, now=now)

    def expire(self, *, now: float) -> None:
        if self._loaded is not None or self._catalogue.torrents():
            with suppress(StorageError):
                self.bep15().expire(now=now)

    # The state file

    @property
    def changes_saved(self) -> int:
        """Changes whenever saved() does."""
        return 0 if self._loaded is None else self._loaded.changes_saved

    def saved(self) -> Iterable[dict[str, object]]:
        return self._restored if self._loaded is None else self._loaded.saved()

    def restore(self, saved: object) -> None:
        """Restore what saved() returned in an earlier run, among other things."""
        items = saved[:MAX_SAVED] if isinstance(saved, list) else []
        self._restored = [one for one in items if isinstance(one, dict) and "torrent" in one]
