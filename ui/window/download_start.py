"""Starts downloads: those that go on, those that are new, and the question about existing files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from roles.values.events import DownloadState
from roles.values.settings import Existing
from ui.existing_files import existing_names, has_any, question
from ui.file_list import is_folder
from ui.window.event_pump import EventPump
from ui.window.leecher_model import LeecherModel
from ui.window.notices import Choice, NoticeArea

if TYPE_CHECKING:
    from roles.leecher import Leecher

QUESTION = "existing"  # key of the notice
LOOKED_AT = 2_000  # files of one folder: enough to know, and quick even on a network drive

_FRESH = (None, DownloadState.DONE, DownloadState.SKIPPED, DownloadState.CANCELLED)
_STOPPED = (DownloadState.PAUSED, DownloadState.FAILED)


def missing(model: LeecherModel, names: Sequence[str]) -> list[str]:
    """The names that are neither here nor on their way."""
    names = model.in_states(names, None, DownloadState.CANCELLED, *_STOPPED)
    return [name for name in names if not model.came_with_folder(name)]


class DownloadStart:
    """Asks once for each batch, and only about files that exist."""

    def __init__(self, pump: EventPump, notices: NoticeArea, model: LeecherModel) -> None:
        self._pump = pump
        self._notices = notices
        self._model = model

    def all(self, everything: list[str]) -> None:
        """Download what of it is not here yet; if everything is, download it again."""
        self.these(missing(self._model, everything) or everything)

    def these(self, names: list[str]) -> None:
        """Start or resume these; those that run are left alone."""
        model = self._model
        if model.leecher is None or model.settings is None:
            return
        model.leecher.resume(model.in_states(names, *_STOPPED))
        fresh = model.in_states(names, *_FRESH)
        if not fresh:
            return
        leecher, target = model.leecher, model.settings.folder
        files = [name for name in fresh if not is_folder(name)]
        paths = {name: self._paths_to_look_at(name) for name in fresh if is_folder(name)}

        def look() -> list[str]:
            places = {name: leecher.place_of(name) for name in paths}
            folders = (
                name for name, place in places.items() if place and has_any(place, paths[name])
            )
            return [*existing_names(target, files), *folders]

        def start(there: list[str]) -> None:
            if model.leecher is leecher:  # no other folder or tracker was chosen in the meantime
                new = [name for name in fresh if name not in set(there)]
                leecher.download(new, Existing.SKIP)
                if there:
                    self._ask(leecher, there)

        self._pump.in_background(look, start)

    def _ask(self, leecher: Leecher, there: list[str]) -> None:
        def choice(label: str, existing: Existing) -> Choice:
            return Choice(label, lambda: leecher.download(there, existing))

        folders = [self._model.list.name_of(name) for name in there if is_folder(name)]
        files = [name for name in there if not is_folder(name)]
        self._notices.ask(
            question(files, folders),
            [
                choice("Skip if identical", Existing.SKIP),
                choice("Keep both", Existing.KEEP_BOTH),
                choice("Replace", Existing.REPLACE),
                Choice("Do not download", lambda: None),
            ],
            key=QUESTION,
        )

    def _paths_to_look_at(self, name: str) -> list[str]:
        """The first files of a folder, without those that were downloaded already."""
        missing = (file.name for file in self._model.list.below(name) if not self._model.has(file))
        return list(islice(missing, LOOKED_AT))
