"""Below the list: how far the selected row is, what holds it up, its pieces, and who sends it."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Iterable
from tkinter import ttk

from roles.values.events import DownloadChanged, DownloadState
from roles.values.safe_names import shown_name
from roles.values.watched import Watched
from ui import connected_computers, download_words, remedies
from ui.connected_computers import ConnectedComputer
from ui.pieces import Piece, PiecesOfFile, PiecesOfFolder, pieces_of
from ui.toned_text import TonedText
from ui.window.colour_bar import ColourBar
from ui.window.labels import Sentence
from ui.window.layout import show_if
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import COMPUTER_COLUMNS, folder_of, status_of
from ui.window.list_row import ListRow, NodeKind
from ui.window.palette import mixed
from ui.window.speed_graph import SpeedGraph
from ui.window.table import Table
from ui.window.theme import Theme

HINT = "Select a download to see what is slow, which pieces are here, and who is sending it."
SAMPLE_MS = 1_000
TEXTS, REMEDY, BARS, TABLE = 48, 36, 48, 80  # pixels at 96 dpi, the least that each needs


class DownloadDetail(ttk.Frame):
    """Shows as much as its height has room for."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        model: LeecherModel,
        watch: Callable[[str, str], None],
        retry: Callable[[], None],
        choose_folder: Callable[[], None],
    ) -> None:
        """`watch` gets the download and the path of the file whose pieces are to be told; `retry`
        and `choose_folder` are the two remedies with a button.
        """
        px = theme.px
        super().__init__(parent, padding=(0, px(4), 0, 0))
        self._model, self._theme, self._watch = model, theme, watch
        self._row: ListRow | None = None
        self._download: DownloadChanged | None = None
        self._watched: Watched | None = None
        self._pieces: PiecesOfFile | PiecesOfFolder | None = None
        self._asked = ("", "")
        self._peaks: dict[str, float] = {}
        head = ttk.Frame(self)
        self.title = ttk.Label(head, style="Strong.TLabel")
        self.figures = ttk.Label(head, style="Muted.TLabel")
        self.title.pack(side="left")
        self.figures.pack(side="left", padx=(px(12), 0))
        self.sentence = Sentence(self)
        self._make_remedy(retry, choose_folder)
        self._bars = self._make_bars()
        self._below = ttk.Frame(self)
        self.graph = SpeedGraph(self._below, theme)
        self.sources = Table(
            self._below,
            theme,
            COMPUTER_COLUMNS,
            height=3,
            choose="none",
            tone=lambda computer: "Warning" if computer.is_bad else "Plain",
        )
        self.graph.grid(row=0, column=0, sticky="nsew", padx=(0, px(12)))
        self.sources.grid(row=0, column=1, sticky="nsew")
        self._below.columnconfigure(0, weight=1, uniform="half")
        self._below.columnconfigure(1, weight=1, uniform="half")
        self._below.rowconfigure(0, weight=1)
        head.grid(row=0, column=0, sticky="ew")
        self.sentence.grid(row=1, column=0, sticky="ew", pady=(px(2), 0))
        self.remedy.grid(row=2, column=0, sticky="ew", pady=(px(4), 0))
        self._bars.grid(row=3, column=0, sticky="ew", pady=(px(6), 0))
        self._below.grid(row=4, column=0, sticky="nsew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(4, weight=1)
        self.bind("<Configure>", lambda _event: self.fit())
        self.after(SAMPLE_MS, self._sample)

    # What is shown

    def show(self, row: ListRow | None, download: DownloadChanged | None) -> None:
        """The selected row, and the download that brings it."""
        self._row, self._download = row, download
        asked = ("", "")
        if row is not None and download is not None and not download.state.is_final:
            node = row.node
            is_part = node.is_listed and download.name != node.asked
            asked = (download.name, node.path_in_share if is_part else "")
        if asked != self._asked:
            self._asked = asked
            self._watch(*asked)
            self._watched = self._pieces = None
        if download is not None:
            self._peaks[download.name] = max(download.rate, self._peaks.get(download.name, 0.0))
        if self._watched is None or not self._watched.peers:
            self._show_computers(connected_computers.of_originals(download) if download else [])
        self.sources.say_empty(
            "No computer is connected" if download is not None else "Nothing is selected"
        )
        self._show_texts()
        self.fit()

    def _show_computers(self, rows: Iterable[ConnectedComputer]) -> None:
        self.sources.show({f"{computer.name}\0{computer.address}": computer for computer in rows})

    def show_watched(self, watched: Watched) -> None:
        if (watched.download, watched.path) != self._asked:
            return
        self._watched = watched
        self._pieces = pieces_of(watched)
        self._show_texts()
        self._show_bars()
        if watched.peers:
            self._show_computers(connected_computers.of_swarm(watched, self._model.uploads))

    def fit(self) -> None:
        """Show what there is room for, and something to show."""
        px, height = self._theme.px, self.winfo_height()
        is_moving = bool(self._model.unfinished)
        has_bars = self._pieces is not None and height >= self.least
        show_if(self._bars, has_bars)
        above = self._least_texts + BARS * has_bars
        show_if(self._below, is_moving and height >= px(above + TABLE))

    @property
    def least(self) -> int:
        """The height in pixels that its texts and bars need."""
        return self._theme.px(self._least_texts + BARS * (self._pieces is not None))

    @property
    def _least_texts(self) -> int:
        return TEXTS + (REMEDY if self.remedy.grid_info() else 0)

    def _show_texts(self) -> None:
        download, shown = self._download, self._shown
        self.title.configure(text=self._called())
        peak = 0.0
        if download is not None and shown is not None and download.name == shown.name:
            peak = self._peaks.get(download.name, 0.0)
        self.figures.configure(text=download_words.progress(shown, peak) if shown else "")
        self.sentence.say(*self._said())
        self._show_remedy()

    def _make_remedy(self, retry: Callable[[], None], choose_folder: Callable[[], None]) -> None:
        px = self._theme.px
        self.remedy = ttk.Frame(self)
        self.retry = ttk.Button(self.remedy, text="Retry", underline=4, command=retry)
        self.elsewhere = ttk.Button(
            self.remedy, text="Another folder …", underline=8, command=choose_folder
        )
        self.advice = Sentence(self.remedy)
        self.retry.grid(row=0, column=0, padx=(0, px(8)))
        self.elsewhere.grid(row=0, column=1, padx=(0, px(8)))
        self.advice.grid(row=0, column=2, sticky="ew")
        self.remedy.columnconfigure(2, weight=1)

    def _show_remedy(self) -> None:
        download, shown = self._download, self._shown
        remedy = remedies.remedy(shown) if shown is not None else None
        show_if(self.remedy, remedy is not None)
        if remedy is not None:
            has_failed = download is not None and self._model.problems_of(download.name) > 0
            show_if(self.retry, remedy.has_retry and has_failed)
            show_if(self.elsewhere, remedy.is_elsewhere)
            self.advice.say(remedy.advice)

    @property
    def _shown(self) -> DownloadChanged | None:
        """What the selected row shows."""
        return None if self._row is None else self._row.download

    def _called(self) -> str:
        """The selected file or folder; "" for a row of another kind."""
        node = None if self._row is None else self._row.node
        if node is None or not (node.is_listed or node.kind is NodeKind.PROBLEM):
            return ""
        name = shown_name(node.path or node.name)
        return f"{name}/" if node.kind is NodeKind.FOLDER else name

    def _said(self) -> TonedText:
        """What holds the row up, or what has become of it."""
        row, download = self._row, self._download
        if row is None or row.node.kind is NodeKind.NOTE:
            return TonedText(HINT, "Muted")
        shown = row.download
        if row.node.kind is NodeKind.PROBLEM:
            return TonedText(str(shown.failure or "") if shown is not None else "", "Bad")
        if shown is None:
            return TonedText("Not downloading.", "Muted")
        if shown.state.is_final:
            folder = folder_of(shown)
            where = f", in {shown_name(str(folder))}" if folder is not None else ""
            is_bad = shown.state is DownloadState.FAILED
            return TonedText(f"{status_of(shown)}{where}", "Bad" if is_bad else "Muted")
        moving = download if download is not None else shown
        bottleneck = self._watched.bottleneck if self._watched is not None else None
        if moving.state is DownloadState.DOWNLOADING and bottleneck is not None:
            return TonedText(download_words.bottleneck(bottleneck), "Warning")
        return TonedText(status_of(moving), "Muted")

    # Pieces

    def _make_bars(self) -> ttk.Frame:
        px, frame = self._theme.px, ttk.Frame(self)
        self.pieces = ColourBar(frame, self._theme, 16, self._piece_colours, self._piece_text)
        self.places = ColourBar(frame, self._theme, 10, self._place_colours, self._piece_text)
        self.counted, self.spread = (ttk.Label(frame, style="Muted.TLabel") for _ in range(2))
        rows = (("Pieces", self.pieces, self.counted), ("In the room", self.places, self.spread))
        for number, (text, bar, label) in enumerate(rows):
            ttk.Label(frame, text=text, style="Muted.TLabel").grid(row=number, sticky="w")
            bar.grid(row=number, column=1, sticky="ew", padx=px(8), pady=px(2))
            label.grid(row=number, column=2, sticky="e")
        frame.columnconfigure(1, weight=1)
        return frame

    def _show_bars(self) -> None:
        pieces = self._pieces
        if pieces is not None:
            self.counted.configure(text=f"{pieces.here:,} of {pieces.count:,}")
            self.spread.configure(text=pieces.spread)
        self.fit()
        self.pieces.show()
        self.places.show()

    def _piece_colours(self, width: int) -> list[str]:
        colours = self._theme.colours
        if self._pieces is None:
            return [colours.track] * width
        by_piece = {
            Piece.MISSING: colours.track,
            Piece.SOME: mixed(colours.accent, colours.track),
            Piece.HERE: colours.accent,
            Piece.COMING: colours.warning,
        }
        return [by_piece[piece] for piece in self._pieces.pieces(width)]

    def _place_colours(self, width: int) -> list[str]:
        """Paler where fewer have it; red where nobody does."""
        colours = self._theme.colours
        if self._pieces is None:
            return [colours.track] * width
        pale = mixed(colours.good, colours.track)
        shades = (colours.bad, pale, mixed(colours.good, pale), colours.good)
        most = self._pieces.most or 1
        return [
            colours.track if number is None else shades[-(-number * 3 // most)]
            for number in self._pieces.computers(width)
        ]

    def _piece_text(self, part: float) -> str:
        """The file there, its piece, and who has that."""
        row, pieces = self._row, self._pieces
        if row is None or pieces is None or not 0 <= part < 1:
            return ""
        file = self._model.list.file_at(row.node.asked, part)
        name = self._called() if file is None else shown_name(file.name)
        return f"{name}\n{pieces.words_at(part)}"

    def _sample(self) -> None:
        self.after(SAMPLE_MS, self._sample)
        self.graph.add(self._model.rate, sum(upload.rate for upload in self._model.uploads))
