"""Keeps a tracker's copy of this program's share up to date, by differences where it can."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from typing import Protocol

from roles.joining.list_client import tell_list
from roles.joining.tracker_locator import TrackerLocator
from roles.sharing.offers import LibrarySnapshot
from roles.values.errors import TrackerSilentError
from roles.wire.list_wire import ADDED, REMOVED, TellList
from roles.wire.tracker_messages import Code

log = logging.getLogger(__name__)

TELL_S = 1.0  # between two updates: while a folder is hashed, it changes all the time
AGAIN_S = 3.0  # after a failure, doubling up to
AGAIN_MAX_S = 15.0
BUSY_AGAIN_S = 1.0  # while the tracker waits for an earlier run of this program to fall silent


class OwnShare(Protocol):
    """A folder that this program offers. Other threads replace its snapshot."""

    @property
    def share_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def snapshot(self) -> LibrarySnapshot: ...


class ListUpload:
    """Owned by one thread. Call tell() often: it does nothing while there is nothing new."""

    def __init__(self, own: OwnShare, peer: str, locator: TrackerLocator) -> None:
        self.share_id = own.share_id  # as the tracker knows it
        self.trouble = ""  # one sentence while the tracker does not take the list
        self._own = own
        self._peer = peer
        self._locator = locator
        self._sent: LibrarySnapshot | None = None  # what the tracker has, None for nothing
        self._is_checked = False  # the tracker has confirmed it since we last registered
        self._not_before = 0.0
        self._pause_s = AGAIN_S

    @property
    def listed(self) -> LibrarySnapshot | None:
        """The snapshot that the tracker has; None until the tracker confirms it."""
        return self._sent if self._is_checked else None

    def registered(self) -> None:
        """This may be another tracker: ask whether it has the list."""
        self._is_checked = False
        self._not_before = 0.0

    def tell(self, port: int, *, now: float) -> bool:
        """Send what is new; False when the tracker no longer knows this program."""
        snapshot = self._own.snapshot
        if (self._is_checked and snapshot is self._sent) or now < self._not_before:
            return True
        self._not_before = now + TELL_S
        try:
            return self._send(port, snapshot, now)
        except TrackerSilentError as error:
            if not self._locator.stopping.is_set():
                self._failed(str(error), now)
            return True

    def _send(self, port: int, snapshot: LibrarySnapshot, now: float) -> bool:
        base = self._sent
        list_ = TellList(
            self.share_id,
            self._own.name,
            self._peer,
            port,
            is_whole=base is None,
            base=base.revision if base is not None else 0,
            revision=snapshot.revision,
            packed=0,
        )
        before = base.lines if base is not None else ()
        changes = _changes(before, snapshot.lines)
        taken = tell_list(self._locator, list_, changes)
        if taken.is_taken:
            self._sent, self._is_checked = snapshot, True
            self._pause_s, self.trouble = AGAIN_S, ""
            return True
        self._sent = None
        match taken.code:
            case Code.WHOLE if base is not None:
                self._not_before = now
            case Code.SHARE:
                # Somebody copied the folder together with its share id. This run uses another id;
                # the next ping, a second after the last one, tells it to the tracker.
                digest = hashlib.sha256(f"{self._own.share_id} {self._peer}".encode())
                self.share_id = digest.hexdigest()[:16]
            case Code.UNKNOWN:
                return False
            case Code.BUSY:
                log.debug("the tracker waits with the list: %s", taken.text)
                self._not_before = now + BUSY_AGAIN_S
            case _:
                tracker = self._locator.shown
                self._failed(f"The tracker {tracker} does not take the list: {taken.text}", now)
        return True

    def _failed(self, trouble: str, now: float) -> None:
        log.log(logging.DEBUG if trouble == self.trouble else logging.WARNING, "%s", trouble)
        self.trouble = trouble
        self._not_before = now + self._pause_s
        self._pause_s = min(AGAIN_MAX_S, 2 * self._pause_s)


def _changes(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """The lines that turn one into the other, removals first."""
    old, new = set(before), set(after)
    gone = [REMOVED + line for line in sorted(old - new)]
    return gone + [ADDED + line for line in sorted(new - old)]
