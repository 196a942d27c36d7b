"""Logs what becomes of each download."""

from __future__ import annotations

import logging

from roles.values.events import DownloadChanged, DownloadState
from roles.values.safe_names import shown_name

log = logging.getLogger(__name__)


class DownloadLog:
    """Any thread may call it; the events of one download come one after another."""

    def __init__(self) -> None:
        self._states: dict[str, DownloadState] = {}  # newest, by download
        self._began: dict[str, float] = {}

    def note(self, event: DownloadChanged, *, now: float) -> None:
        key, state = event.name, event.state
        before = self._states.get(key)
        if state is before:
            return
        self._states[key] = state
        if state.is_active and key not in self._began:
            self._began[key] = now
            verb = "Downloading" if before in (None, DownloadState.QUEUED) else "Resuming"
            # Of single files, which may be thousands, the end is enough.
            level = logging.INFO if event.files > 1 else logging.DEBUG
            log.log(level, "%s %s: %s.", verb, _title(event), _amount(event))
        if state is DownloadState.WAITING_FOR_SPACE:
            log.warning("%s is waiting for space: %s", _title(event), event.cause)
        elif state.is_final or state is DownloadState.PAUSED:
            _log_end(event, now - self._began.pop(key, now))


def _log_end(event: DownloadChanged, seconds: float) -> None:
    title = _title(event)
    match event.state:
        case DownloadState.DONE:
            renamed = f", {event.renamed:,} under other names" if event.renamed else ""
            rate = f" ({_size(round(event.size / seconds))}/s)" if seconds >= 1 else ""
            log.info(
                "Downloaded %s: %s%s, in %.0f s%s.",
                title,
                _amount(event),
                renamed,
                max(1.0, seconds),
                rate,
            )
        case DownloadState.SKIPPED:
            log.info("Not downloaded: %s is already here, identical.", title)
        case DownloadState.FAILED:
            log.warning("Download failed: %s: %s", title, event.failure)
        case DownloadState.CANCELLED:
            log.info("Cancelled %s.", title)
        case _:
            log.info("Paused %s with %s of %s here.", title, _size(event.have), _size(event.size))


def _title(event: DownloadChanged) -> str:
    return event.title or shown_name(event.name)


def _amount(event: DownloadChanged) -> str:
    files = f"{event.files:,} files, " if event.files != 1 else ""
    return files + _size(event.size)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"
