"""The first page of a new user: what do you want to do? It starts nothing itself."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk
from typing import TYPE_CHECKING

from ui import wording
from ui.start_words import StartFacts, get_line, give_line, run_line
from ui.toned_text import TonedText
from ui.window.labels import Sentence, private_mark
from ui.window.layout import show_if
from ui.window.leecher_model import LeecherModel
from ui.window.notices import Choice
from ui.window.scrolled import ScrolledFrame
from ui.window.tab_pages import Page
from ui.window.theme import Theme
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.seeder_run import SeederRun

NARROW = 620  # pixels at 96 dpi: below that the cards stand one above the other
LOW = 500  # below that there is no room for their pictures


@dataclass(frozen=True, slots=True)
class StartActions:
    get: Callable[[], None]
    give: Callable[[], None]
    run: Callable[[], None]
    try_it: Callable[[], None]
    check: Callable[[], None]


class StartPage(Page):
    def __init__(self, parent: tk.Misc, theme: Theme, actions: StartActions) -> None:
        px = theme.px
        super().__init__(parent)
        self._theme = theme
        scrolled = ScrolledFrame(self, theme, fills=True)
        scrolled.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        page = scrolled.inside
        page.configure(padding=(px(16), 0))
        ttk.Label(page, text="What do you want to do?", style="Headline.TLabel").grid(
            row=0, column=0, pady=(px(24), 0)
        )
        self._hint = ttk.Label(
            page, text="You can change it at any time with the tabs.", style="Muted.TLabel"
        )
        self._hint.grid(row=1, column=0, pady=(px(4), px(16)))
        self._cards = ttk.Frame(page)
        self._cards.grid(row=2, column=0, sticky="nsew")
        self.get = _Card(
            self._cards,
            theme,
            Choice("Get files", actions.get),
            picture="down",
            title="Get files",
            text="Download what somebody in this room shares.",
            is_first=True,
        )
        self.give = _Card(
            self._cards,
            theme,
            Choice("Choose a folder …", actions.give),
            picture="folder",
            title="Give a folder",
            text="Everyone in the room can copy it, and helps the others.",
        )
        self.run = _Card(
            self._cards,
            theme,
            Choice("Start the room", actions.run),
            picture="room",
            title="Run the room",
            text="See every computer, how far it is, and who needs help.",
        )
        self._all = (self.get, self.give, self.run)
        self._make_links(page, actions).grid(row=3, column=0, pady=px(16))
        page.columnconfigure(0, weight=1)
        page.rowconfigure(2, weight=1)
        self._is_narrow = False
        self._place_cards()
        self.bind("<Configure>", self._lay_out)
        for number, card in enumerate(self._all):
            for key, step in (("<Left>", -1), ("<Right>", 1), ("<Up>", -1), ("<Down>", 1)):
                target = self._all[(number + step) % 3].button
                card.button.bind(key, lambda _event, target=target: target.focus_set())  # type: ignore[misc]
        self.show(StartFacts(0.0))

    def show(self, facts: StartFacts) -> None:
        self.get.say(get_line(facts), is_private=facts.is_private)
        self.give.say(give_line(facts), is_private=facts.is_private)
        self.run.say(run_line(facts), is_private=facts.is_private)

    def _make_links(self, page: ttk.Frame, actions: StartActions) -> ttk.Frame:
        px = self._theme.px
        links = ttk.Frame(page)
        rows = (
            ("Just looking?", "Try it on this computer", actions.try_it),
            ("Nobody here?", "Check this computer", actions.check),
        )
        for row, (question, text, act) in enumerate(rows):
            label = ttk.Label(links, text=question, style="Muted.TLabel")
            label.grid(row=row, column=0, sticky="e", padx=(0, px(8)))
            link = ttk.Button(links, text=text, style="Link.TButton", command=act)
            link.grid(row=row, column=1, sticky="w")
        return links

    def _lay_out(self, event: tk.Event[tk.Misc]) -> None:
        px = self._theme.px
        has_pictures = event.height >= px(LOW)
        is_narrow = event.width < px(NARROW)
        for card in self._all:
            show_if(card.picture, has_pictures and not is_narrow)
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self._place_cards()

    def _place_cards(self) -> None:
        px, is_narrow = self._theme.px, self._is_narrow
        for number, card in enumerate(self._all):
            row, column = (number, 0) if is_narrow else (0, number)
            card.grid(
                row=row,
                column=column,
                sticky="nsew",
                padx=px(8),
                pady=(px(16) if is_narrow and number else 0, 0),
            )
            self._cards.columnconfigure(
                number, weight=1 if not is_narrow or number == 0 else 0, uniform="cards"
            )
            self._cards.rowconfigure(number, weight=1 if is_narrow or number == 0 else 0)
        if is_narrow:
            for number in (1, 2):
                self._cards.columnconfigure(number, weight=0, uniform="")


def start_facts(
    context: WindowContext, model: LeecherModel, seeder: SeederRun | None, looked_s: float
) -> StartFacts:
    """`seeder`: the last one of the Seeder tab. `looked_s`: since the search began."""
    trackers, codes, listed = context.trackers, context.codes, model.listed
    folders = listed.folders if listed is not None else ()
    files = listed.files if listed is not None else ()
    at = wording.place(listed.tracker) if listed is not None else ""
    return StartFacts(
        looked_s,
        trackers.name or at,
        len(trackers.found),
        len(folders),
        sum(folder.files for folder in folders) or len(files),
        sum(folder.size for folder in folders),
        is_own=trackers.own is not None,
        is_private=context.is_private,
        needs_code=codes.is_needed(codes.tracker),
        shared=seeder.settings.folder.name if seeder is not None and seeder.state.is_up else "",
    )


class _Card(ttk.Frame):
    """A choice: what it is, its button, and what there is of it now."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        choice: Choice,
        *,
        picture: str,
        title: str,
        text: str,
        is_first: bool = False,
    ) -> None:
        px = theme.px
        style = "Chosen.Panel.TFrame" if is_first else "Panel.TFrame"
        super().__init__(parent, style=style, padding=px(16))
        self.picture = ttk.Label(self, style="Card.TLabel")
        theme.show_picture(self.picture, picture, 64, on_disc=True)
        heading = ttk.Label(self, text=title, style="Title.Card.TLabel")
        says = Sentence(self, ground="Card.")
        self.button = ttk.Button(
            self,
            text=choice.label,
            style="Accent.TButton" if is_first else "TButton",
            command=choice.act,
        )
        self._line = Sentence(self, ground="Card.")
        self.picture.grid(row=1, column=0, pady=(0, px(16)))
        heading.grid(row=2, column=0)
        says.grid(row=3, column=0, sticky="ew", pady=px(8))
        says.say(text)
        self.button.grid(row=4, column=0, pady=(px(8), px(12)), ipadx=px(12))
        self._line.grid(row=5, column=0, sticky="new")
        self._private = private_mark(self, theme, "Card.")
        self._private.grid(row=6, column=0)
        for sentence in (says, self._line):
            sentence.configure(justify="center", anchor="center", width=10)
        self.columnconfigure(0, weight=1)
        line = theme.text_font.metrics("linespace")  # so that all buttons are at one height
        self.rowconfigure(3, minsize=2 * line + px(20))
        self.rowconfigure(5, minsize=3 * line + px(4))
        self.rowconfigure(0, weight=1)
        self.rowconfigure(7, weight=2)

    def say(self, line: TonedText, *, is_private: bool) -> None:
        self._line.say(*line)
        show_if(self._private, is_private)

    @property
    def said(self) -> str:
        return str(self._line.cget("text"))
