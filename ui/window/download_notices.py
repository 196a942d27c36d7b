"""What is said above the list about downloads: what is here, what failed, and what was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roles.values import figures
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    FilesListed,
    RoleEvent,
    RoleStopped,
    UpdateFound,
    Verified,
)
from ui import download_words, wording
from ui.window.leecher_model import COMPLETE
from ui.window.list_columns import folder_of
from ui.window.list_order import RowFilter
from ui.window.notices import Choice
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.leecher_tab import LeecherTab


class DownloadNotices:
    """In the notice area of the tab, which carries out what the user decides."""

    def __init__(self, tab: LeecherTab, context: WindowContext) -> None:
        self._tab, self._context = tab, context
        self._model, self._area = tab.model, tab.notices
        self._verified = set[str]()  # the keys of notices about what is read anew

    def take(self, event: RoleEvent) -> None:
        """Say what there is to say of this event, once the model has taken it."""
        match event:
            case FilesListed(refused=refused):
                self._say_refused(refused)
            case DownloadChanged(state=state) if not state.is_final:
                self._area.close("done")
            case UpdateFound(download=download):
                self._area.say(download_words.update_found(event), key=f"update {download}")
            case Verified():
                self._say_verified(event)
            case AllDownloadsEnded():
                self._sum_up()
            case RoleStopped():
                self.forget_verified()
            case _:
                pass

    def forget_verified(self) -> None:
        """Another leecher is used: it reads nothing anew, and fetches nothing again."""
        for key in self._verified:
            self._area.close(key)
        self._verified.clear()

    def _say_refused(self, refused: tuple[str, ...]) -> None:
        if not refused:
            self._area.close("refused")
            return
        names = wording.names(refused, shown=wording.quoted)
        what = figures.count(len(refused), "name")
        self._area.say(
            f"Refused {what} that could point outside the folder or mislead you: {names}.",
            tone="Warning",
            key="refused",
        )

    def _say_verified(self, event: Verified) -> None:
        leecher, key = self._model.leecher, f"verify {event.download} {event.path}"
        if leecher is None:
            return
        self._verified.add(key)
        if not event.is_over:
            said = download_words.verifying(event)
            if not self._area.change(key, said):
                stop = Choice("Stop", leecher.stop_verifying)
                self._area.ask(said, [stop], key=key, takes_focus=False)
            return
        if event.files_read < event.files:
            self._area.close(key)
            return
        is_same = not (event.damaged or event.edited or event.missing)
        fetch = Choice("Fetch again", lambda: leecher.fetch_again(event.download, event.damaged))
        leave = Choice("Close" if is_same else "Leave it", lambda: None)
        self._area.ask(
            download_words.verified(event),
            [leave] if is_same else [fetch, leave],
            key=key,
            tone="Good" if is_same else "Bad" if event.damaged else "Warning",
            takes_focus=False,
        )

    def _sum_up(self) -> None:
        model = self._model
        if model.with_problems and model.leecher is not None:
            files = figures.count(model.problem_count, "file").capitalize()
            self._area.ask(
                f"{files} could not be downloaded.",
                [
                    Choice("Retry", lambda: self._tab.retry(model.with_problems)),
                    Choice("Show", lambda: self._tab.list.show_only(RowFilter.PROBLEMS)),
                ],
                key="failed",
                tone="Bad",
                takes_focus=False,
            )
            self._area.close("done")
            return
        self._area.close("failed")
        if model.complete_count and model.in_states(model.downloads, *COMPLETE):
            files = figures.count(model.complete_count, "file").capitalize()
            are = "is" if model.complete_count == 1 else "are"
            self._area.ask(
                f"{files} {are} here and checked.",
                [Choice("Open folder", self._open_last), Choice("Close", lambda: None)],
                key="done",
                tone="Good",
                takes_focus=False,
            )

    def _open_last(self) -> None:
        """Show the folder of what came last."""
        complete = self._model.in_states(reversed(self._model.downloads), *COMPLETE)
        folder = folder_of(self._model.downloads[complete[0]]) if complete else None
        if folder is None:
            self._tab.open_folder()
        else:
            self._context.open_folder(folder, self._area)
