"""What a leecher tells its room of all downloads together. Pure, except for its lock."""

from __future__ import annotations

import threading
from collections import deque
from itertools import chain, islice

from roles.program.log_file import without_folders
from roles.values.events import DownloadChanged, DownloadState
from roles.values.participants import PRECEDENCE, ParticipantState, Status, TransferStatus
from roles.values.safe_names import shown_name

MAX_TRANSFERS = 8  # more do not fit into a ping
_LOOKED_AT = 32  # newest events: all that are running
SETTLES_S = 4  # no time left is told yet: rates are means of 5 s and begin at 0
LEFT_OVER_S = 10  # the time left follows from the mean rate of this time, or it would jump
_STATES = {
    DownloadState.QUEUED: ParticipantState.DOWNLOADING,
    DownloadState.CHECKING: ParticipantState.DOWNLOADING,
    DownloadState.DOWNLOADING: ParticipantState.DOWNLOADING,
    DownloadState.VERIFYING: ParticipantState.DOWNLOADING,
    DownloadState.IN_QUEUE: ParticipantState.WAITING,
    DownloadState.RETRYING: ParticipantState.WAITING,
    DownloadState.WAITING_FOR_SPACE: ParticipantState.WAITING,
    DownloadState.PAUSED: ParticipantState.WAITING,
    DownloadState.DONE: ParticipantState.DONE,
    DownloadState.SKIPPED: ParticipantState.DONE,
    DownloadState.FAILED: ParticipantState.FAILED,
    DownloadState.CANCELLED: ParticipantState.CANCELLED,
}
# From one of these a download only goes on if the user asks for it. None: not asked for before.
_ENDED = (None, ParticipantState.DONE, ParticipantState.FAILED, ParticipantState.CANCELLED)
_REASONS = {
    DownloadState.IN_QUEUE: "in the queue: all seeders are busy",
    DownloadState.PAUSED: "paused",
}


class Progress:
    """Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The newest event of each download; the latest of all is last.
        self._newest: dict[ParticipantState, dict[str, DownloadChanged]] = {
            s: {} for s in PRECEDENCE
        }
        self._states: dict[str, ParticipantState] = {}  # of each download
        self._have = self._size = 0  # bytes of all but cancelled ones
        self._rates = deque[float](maxlen=LEFT_OVER_S)  # one a second
        self._rated_at = float("-inf")
        self._rated_s = 0  # since the first bytes

    def note(self, event: DownloadChanged) -> None:
        with self._lock:
            before = self._states.pop(event.name, None)
            if before is not None:
                self._count(self._newest[before].pop(event.name), -1)
            if before in _ENDED and not event.state.is_final:
                self._forget_cancelled()  # the user has asked for something else
            state = self._states[event.name] = _state(event)
            self._newest[state][event.name] = event
            self._count(event, 1)

    def status(self, *, now: float) -> Status:
        """What the room is told of the downloads; the caller adds shares and uploads."""
        with self._lock:
            state = next(
                (state for state in PRECEDENCE if self._newest[state]), ParticipantState.IDLE
            )
            # What decides the state comes first, so that title and reason belong to it.
            newest = chain.from_iterable(reversed(self._newest[s].values()) for s in PRECEDENCE)
            transfers = tuple(map(_transfer, islice(newest, MAX_TRANSFERS)))
            running = self._newest[ParticipantState.DOWNLOADING].values()
            down = sum(download.rate for download in islice(reversed(running), _LOOKED_AT))
            have, size = self._have, self._size
            left_s = self._left_s(down, now)
        reason = transfers[0].reason if transfers else ""
        left = None if left_s is None else round(left_s)
        return Status(
            state,
            down=round(down),
            reason=reason,
            transfers=transfers,
            have=have,
            size=size,
            seconds_left=left,
        )

    def _left_s(self, down: float, now: float) -> float | None:
        """Until everything is here, at the mean rate of the last LEFT_OVER_S."""
        if not self._newest[ParticipantState.DOWNLOADING]:
            self._rates.clear()
            self._rated_s = 0
        elif now - self._rated_at >= 1.0 and (down or self._rated_s):
            self._rated_at = now
            self._rated_s += 1
            if self._rated_s > SETTLES_S:
                self._rates.append(down)
        mean = sum(self._rates) / max(1, len(self._rates))
        return (self._size - self._have) / mean if mean else None

    def _forget_cancelled(self) -> None:
        for name in self._newest[ParticipantState.CANCELLED]:
            del self._states[name]
        self._newest[ParticipantState.CANCELLED].clear()

    def _count(self, event: DownloadChanged, sign: int) -> None:
        if event.state is not DownloadState.CANCELLED:
            self._have += sign * _have(event)
            self._size += sign * event.size


def _state(event: DownloadChanged) -> ParticipantState:
    if event.state is DownloadState.LOOKING:  # at its start it needs a moment for that
        return ParticipantState.WAITING if event.cause else ParticipantState.DOWNLOADING
    return _STATES[event.state]


def _have(event: DownloadChanged) -> int:
    is_here = event.state in (DownloadState.DONE, DownloadState.SKIPPED)
    return event.size if is_here else min(event.have, event.size)


def _transfer(event: DownloadChanged) -> TransferStatus:
    reason = event.cause or _REASONS.get(event.state, "")
    if event.failure is not None:
        reason = str(event.failure)
    reason = without_folders(reason)  # everybody in the room may read it
    title = event.title or shown_name(event.name)
    return TransferStatus(title, _have(event), event.size, event.rate, event.state.value, reason)
