"""What a leecher tells its room of all downloads together. Pure, except for its lock."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import islice

from roles.values.events import DownloadChanged, DownloadState
from roles.values.participants import PRECEDENCE, MemberState, Status, TransferStatus
from roles.values.safe_names import shown_name

MAX_TRANSFERS = 8  # more do not fit into a ping
_LOOKED_AT = 32  # newest events: all that are running, and what ended last
_STATES = {
    DownloadState.QUEUED: MemberState.DOWNLOADING,
    DownloadState.CHECKING: MemberState.DOWNLOADING,
    DownloadState.DOWNLOADING: MemberState.DOWNLOADING,
    DownloadState.VERIFYING: MemberState.DOWNLOADING,
    DownloadState.IN_QUEUE: MemberState.WAITING,
    DownloadState.RETRYING: MemberState.WAITING,
    DownloadState.WAITING_FOR_SPACE: MemberState.WAITING,
    DownloadState.PAUSED: MemberState.WAITING,
    DownloadState.DONE: MemberState.DONE,
    DownloadState.SKIPPED: MemberState.DONE,
    DownloadState.FAILED: MemberState.FAILED,
    DownloadState.CANCELLED: MemberState.CANCELLED,
}
_REASONS = {
    DownloadState.IN_QUEUE: "in the queue: every seeder is serving others",
    DownloadState.PAUSED: "paused",
}


class Progress:
    """Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, DownloadChanged] = {}  # by download, the one that changed last last
        self._states = Counter[MemberState]()
        self._have = self._size = 0  # bytes of all but cancelled ones

    def note(self, event: DownloadChanged) -> None:
        with self._lock:
            if not event.state.is_final and self._states[MemberState.CANCELLED]:
                self._forget_cancelled()
            self._count(self._newest.pop(event.name, None), -1)
            self._newest[event.name] = event
            self._count(event, 1)

    def status(self) -> Status:
        """Without shares and rates of the connections."""
        with self._lock:
            state = next((one for one in PRECEDENCE if self._states[one]), MemberState.IDLE)
            newest = list(islice(reversed(self._newest.values()), _LOOKED_AT))
            have, size = self._have, self._size
        # What decides the state comes first, so that title and reason belong to it.
        newest.sort(key=lambda one: (_state(one) is not state, one.state.is_final))
        transfers = tuple(map(_transfer, newest[:MAX_TRANSFERS]))
        reason = transfers[0].reason if transfers else ""
        return Status(state, reason=reason, transfers=transfers, have=have, size=size)

    def _forget_cancelled(self) -> None:
        """The user has asked for something else."""
        for one in list(self._newest.values()):
            if one.state is DownloadState.CANCELLED:
                self._count(self._newest.pop(one.name), -1)

    def _count(self, event: DownloadChanged | None, sign: int) -> None:
        if event is None:
            return
        self._states[_state(event)] += sign
        if event.state is not DownloadState.CANCELLED:
            self._have += sign * _have(event)
            self._size += sign * event.size


def _state(event: DownloadChanged) -> MemberState:
    if event.state is DownloadState.LOOKING:  # at its start it needs a moment for that
        return MemberState.WAITING if event.cause else MemberState.DOWNLOADING
    return _STATES[event.state]


def _have(event: DownloadChanged) -> int:
    is_here = event.state in (DownloadState.DONE, DownloadState.SKIPPED)
    return event.size if is_here else min(event.have, event.size)


def _transfer(event: DownloadChanged) -> TransferStatus:
    reason = event.cause or _REASONS.get(event.state, "")
    if event.failure is not None:
        reason = str(event.failure)
    title = event.title or shown_name(event.name)
    return TransferStatus(title, _have(event), event.size, event.rate, event.state.value, reason)
