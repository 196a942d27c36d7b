"""Beginning downloads: what goes on, what is new, and the question about files that are there."""

from __future__ import annotations

from roles.events import DownloadState
from roles.settings import Existing
from ui.existing_files import existing_names, question
from ui.window.event_pump import EventPump
from ui.window.leecher_run import LeecherRun
from ui.window.notices import Choice, NoticeArea

QUESTION = "existing"  # the key of its notice

_FRESH = (None, DownloadState.DONE, DownloadState.SKIPPED, DownloadState.CANCELLED)
_STOPPED = (DownloadState.PAUSED, DownloadState.FAILED)


class DownloadStart:
    """Asks once for each batch, and only about files that are there."""

    def __init__(self, pump: EventPump, notices: NoticeArea) -> None:
        self._pump = pump
        self._notices = notices

    def all(self, run: LeecherRun) -> None:
        """What is not here yet; when all is, everything once more."""
        missing = run.in_states(run.files, None, DownloadState.CANCELLED, *_STOPPED)
        self.these(run, missing or list(run.files))

    def these(self, run: LeecherRun, names: list[str]) -> None:
        """Begin these or let them go on; what runs already is left alone."""
        run.leecher.resume(run.in_states(names, *_STOPPED))
        fresh = run.in_states(names, *_FRESH)
        folder = run.settings.folder
        if fresh:
            self._pump.in_background(
                lambda: existing_names(folder, fresh),
                lambda there: self._fresh(run, fresh, there),
            )

    def _fresh(self, run: LeecherRun, names: list[str], there: list[str]) -> None:
        if run.is_left:  # another folder or tracker was chosen meanwhile
            return
        run.leecher.download([name for name in names if name not in set(there)], Existing.SKIP)
        if not there:
            return

        def choice(label: str, existing: Existing) -> Choice:
            return Choice(label, lambda: run.leecher.download(there, existing))

        self._notices.ask(
            question(there),
            [
                choice("Skip if it is the same", Existing.SKIP),
                choice("Keep both", Existing.KEEP_BOTH),
                choice("Replace", Existing.REPLACE),
                Choice("Do not download", lambda: None),
            ],
            key=QUESTION,
        )
