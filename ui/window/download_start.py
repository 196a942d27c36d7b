"""Starts downloads: those that go on, those that are new, and the question about existing files."""

from __future__ import annotations

from roles.values.events import DownloadState
from roles.values.settings import Existing
from ui.existing_files import existing_names, has_any, question
from ui.window.event_pump import EventPump
from ui.window.leecher_run import LeecherRun
from ui.window.list_tree import is_folder
from ui.window.notices import Choice, NoticeArea

QUESTION = "existing"  # key of the notice
LOOKED_AT = 2_000  # files of one folder: enough to know, and quick even on a network drive

_FRESH = (None, DownloadState.DONE, DownloadState.SKIPPED, DownloadState.CANCELLED)
_STOPPED = (DownloadState.PAUSED, DownloadState.FAILED)


class DownloadStart:
    """Asks once for each batch, and only about files that exist."""

    def __init__(self, pump: EventPump, notices: NoticeArea) -> None:
        self._pump = pump
        self._notices = notices

    def all(self, run: LeecherRun) -> None:
        """Download what is not here yet; if everything is, download it again."""
        everything = run.tree.all_asked
        missing = run.in_states(everything, None, DownloadState.CANCELLED, *_STOPPED)
        self.these(run, missing or everything)

    def these(self, run: LeecherRun, names: list[str]) -> None:
        """Start or resume these; those that run are left alone."""
        run.leecher.resume(run.in_states(names, *_STOPPED))
        fresh = run.in_states(names, *_FRESH)
        if not fresh:
            return
        folder = run.settings.folder
        files = [name for name in fresh if not is_folder(name)]
        paths = {name: _paths_to_look_at(run, name) for name in fresh if is_folder(name)}
        self._pump.in_background(
            lambda: [
                *existing_names(folder, files),
                *(name for name, below in paths.items() if has_any(folder, below)),
            ],
            lambda there: self._fresh(run, fresh, there),
        )

    def _fresh(self, run: LeecherRun, names: list[str], there: list[str]) -> None:
        if run.is_left:  # another folder or tracker was chosen in the meantime
            return
        run.leecher.download([name for name in names if name not in set(there)], Existing.SKIP)
        if not there:
            return

        def choice(label: str, existing: Existing) -> Choice:
            return Choice(label, lambda: run.leecher.download(there, existing))

        folders = [run.tree.name_of(name) for name in there if is_folder(name)]
        files = [name for name in there if not is_folder(name)]
        self._notices.ask(
            question(files, folders),
            [
                choice("Skip if it is the same", Existing.SKIP),
                choice("Keep both", Existing.KEEP_BOTH),
                choice("Replace", Existing.REPLACE),
                Choice("Do not download", lambda: None),
            ],
            key=QUESTION,
        )


def _paths_to_look_at(run: LeecherRun, name: str) -> list[str]:
    """The first files of a folder, without those that this run has downloaded."""
    return [file.name for file in run.tree.below(name) if not run.has(file)][:LOOKED_AT]
