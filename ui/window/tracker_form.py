"""The top of the Tracker tab: its button, and what is chosen before the tracker starts, or how
others reach it. It starts nothing.
"""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values import room_code
from roles.values.addresses import Address
from roles.values.settings import TrackerSettings
from roles.values.typed_settings import parse_port
from ui.window import desktop
from ui.window.fields import TextField
from ui.window.keyboard import tab_in_order
from ui.window.labels import Sentence
from ui.window.layout import ButtonRow, show_if
from ui.window.own_code import OwnCode
from ui.window.qr_view import QrPage, QrPicture
from ui.window.running_roles import RunState
from ui.window.setting_field import setting_box, setting_field
from ui.window.tracker_run import TrackerRun
from ui.window.window_context import WindowContext

if TYPE_CHECKING:
    from ui.window.tracker_tab import TrackerTab

QR_SIDE = 74  # pixels at 96 dpi, of the QR code beside the web address
HEIGHT_SHARE, WIDTH_SHARE = 0.4, 0.25  # of the screen: its largest size while the tab fills that


class TrackerForm(ttk.Frame):
    """`qr` may stand beside the room, so it belongs to the tab."""

    def __init__(self, tab: TrackerTab, context: WindowContext) -> None:
        super().__init__(tab)
        px, theme = context.theme.px, context.theme
        self._tab, self._context = tab, context
        self._fills_screen = False
        row = ButtonRow(self, theme)
        self.button = ttk.Button(row.left, command=tab.start_or_stop)
        self._make_options(row)
        self._make_running(row)
        self.qr_page = QrPage(tab, theme)
        self.qr = QrPicture(tab, theme, self.enlarge_qr)
        self.sentence = Sentence(self)
        self.button.grid(row=0, column=0, sticky="nw")
        row.grid(row=0, column=0, sticky="ew")
        self.sentence.grid(row=1, column=0, sticky="ew", pady=(px(8), 0))
        self.columnconfigure(0, weight=1)

    def _make_options(self, row: ButtonRow) -> None:
        """The fields that are there until the tracker starts."""
        context, px, theme = self._context, self._context.theme.px, self._context.theme
        self._room, self._others = ttk.Frame(row.left), ttk.Frame(row.right)
        self._is_private = context.settings.switch("private_room")
        private = ttk.Checkbutton(
            self._room, text="Private room", underline=0, variable=self._is_private
        )
        self.code = TextField(
            self._room,
            theme,
            "",
            self._read_code,
            placeholder="Empty: the last code, or a new one",
            width=34,
        )
        private.grid(row=0, column=0, sticky="w", pady=px(6))
        self.code.grid(row=1, column=0, sticky="ew")
        label = ttk.Label(self._others, text="Port", style="Muted.TLabel")
        label.grid(row=0, column=0, sticky="nw", pady=px(7))
        self.port = setting_field(
            TextField, self._others, context, "tracker_port", parse_port, width=6
        )
        self.port.grid(row=0, column=1, sticky="nw", padx=(px(8), 0))
        self._door = setting_box(self._others, context, "door", "Browsers may fetch from here")
        self._door.grid(row=0, column=2, sticky="nw", padx=(px(16), 0), pady=px(6))
        offers = ttk.Frame(self._others)
        label = ttk.Label(offers, text="Who may offer:", style="Muted.TLabel")
        label.pack(side="left")
        for text, is_only_here in (("Everyone", False), ("Only this computer", True)):
            ttk.Radiobutton(
                offers,
                text=text,
                value=is_only_here,
                variable=context.settings.switch("offers_here"),
            ).pack(side="left", padx=(px(8), 0))
        offers.grid(row=1, column=0, columnspan=3, sticky="w", pady=(px(4), 0))
        self._room.grid(row=0, column=1, sticky="nw", padx=px(12))
        self._others.grid(row=0, column=0)
        tab_in_order(private, self.code)
        tab_in_order(self.port, self._door, offers)
        self._is_private.trace_add("write", lambda *_: self._show_private())
        self._show_private()

    def _make_running(self, row: ButtonRow) -> None:
        """How others reach the tracker, and how the room is shown."""
        px, theme = self._context.theme.px, self._context.theme
        self._running = ttk.Frame(row.left)
        self.address = ttk.Label(self._running, style="Title.TLabel")
        copy = ttk.Button(
            self._running, text="Copy", underline=0, width=0, command=self.copy_address
        )
        self.address.grid(row=0, column=0, sticky="w")
        copy.grid(row=0, column=1, sticky="w", padx=(px(8), 0))
        self._web = ttk.Frame(self._running)
        ttk.Label(self._web, text="In a browser:", style="Muted.TLabel").pack(side="left")
        self.web_address = ttk.Label(self._web)
        self.web_address.pack(side="left", padx=(px(6), 0))
        self._web.grid(row=1, column=0, columnspan=2, sticky="w", pady=(px(4), 0))
        self.room_code = OwnCode(self._running, theme, self._tab.new_code)
        self.room_code.grid(row=2, column=0, columnspan=4, sticky="w", pady=(px(4), 0))
        self._running.columnconfigure(3, weight=1)  # a long code moves nothing above it
        self._running.grid(row=0, column=1, sticky="w", padx=px(12))
        self.views = ttk.Frame(row.right)
        self._tab.room.make_switch(self.views).pack(side="left")
        full = ttk.Button(
            self.views, text="Full screen  F11", command=self._tab.actions.full_screen
        )
        full.pack(side="left", padx=(px(8), 0))
        self.views.grid(row=0, column=0)

    @property
    def is_private(self) -> bool:
        return self._is_private.get()

    def show_run(self, run: TrackerRun | None) -> None:
        """Show the state of the tracker, and what the button does now: blue never stops."""
        state = RunState.STOPPED if run is None else run.state
        verb = "Stop" if state.is_up else "Start"
        self.button.configure(
            text=f"{verb} the tracker",
            underline=len(verb) + 2,
            style="TButton" if state.is_up else "Accent.TButton",
        )
        self.button.state(["disabled" if state is RunState.STOPPING else "!disabled"])
        for group in (self._running, self.views):
            show_if(group, state is RunState.RUNNING)
        for group in (self._room, self._others):
            show_if(group, not state.is_up)
        for_others = run.for_others if run is not None else None
        self.address.configure(text=str(for_others or ""))
        self.web_address.configure(text=run.web if run is not None else "")
        show_if(self._web, run is not None and bool(run.web))
        self.room_code.show(run.code if run is not None else "")
        self._show_qr(run)

    def fill_screen(self, run: TrackerRun | None, *, is_wanted: bool) -> None:
        self._fills_screen = is_wanted
        self._show_qr(run)

    def _show_qr(self, run: TrackerRun | None) -> None:
        """Beside the web address; while the tab fills the screen, larger and beside the room."""
        # To be read from every seat.
        is_for_all = self._fills_screen and run is not None and bool(run.code)
        for label in (self.address, self.room_code.label):
            label.configure(style="Headline.TLabel" if is_for_all else "Title.TLabel")
        px = self._context.theme.px
        if run is None or not run.web or not run.is_on_network:
            self.qr.grid_remove()
            self.qr_page.close()
            return
        if self._fills_screen:
            height, width = self.winfo_screenheight(), self.winfo_screenwidth()
            self.qr.show(run.web, int(min(height * HEIGHT_SHARE, width * WIDTH_SHARE)))
            beside = {"in_": self._tab, "row": 2, "column": 1, "rowspan": 1, "sticky": "ne"}
            self.qr.grid(beside, padx=(px(16), 0), pady=(px(12), 0))
        else:
            self.qr.show(run.web, px(QR_SIDE))
            beside = {"in_": self._running, "row": 0, "column": 2, "rowspan": 2, "sticky": "w"}
            self.qr.grid(beside, padx=(px(12), 0), pady=0)
        if self.qr_page.is_open:
            self.qr_page.show(run.web)

    def enlarge_qr(self) -> None:
        self.qr_page.open(self.qr.text)

    def leave(self) -> bool:
        """What Escape does; False if nothing was open."""
        if self.qr_page.is_open:
            self.qr_page.close()
            return True
        return self.room_code.close()

    def copy_address(self) -> None:
        desktop.copy_text(self, str(self.address.cget("text")))

    def read(self, host: str) -> TrackerSettings | None:
        """The settings of a tracker that listens there; None if a field has a mistake, which it
        shows.
        """
        self.port.commit()
        code = self._read_code() if self.is_private else ""
        if self.port.problem or code is None:
            return None
        profile, now = self._context.settings.profile, self._context.settings.now
        return TrackerSettings(
            Address(host, now.tracker_port),
            state_file=profile.tracker_state_file,
            name=self._context.told_name,
            door=now.door,
            is_private=now.private_room,
            code=code,
            keys_file=profile.room_keys_file,
            offers_here=now.offers_here,
        )

    def _show_private(self) -> None:
        show_if(self.code, self.is_private)
        self._door.state(["disabled" if self.is_private else "!disabled"])

    def _read_code(self) -> str | None:
        return self.code.read(room_code.chosen)
