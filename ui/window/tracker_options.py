"""What is chosen before the tracker starts: its port, who may enter, who may offer folders."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from roles.values import room_code
from roles.values.addresses import Address
from roles.values.settings import TrackerSettings, parse_port
from ui.window.fields import TextField
from ui.window.keyboard import tab_in_order
from ui.window.layout import show_if
from ui.window.setting_field import setting_box, setting_field
from ui.window.workbench import Workbench


class TrackerOptions:
    """Two groups of fields; its owner shows them."""

    def __init__(self, left: tk.Misc, right: tk.Misc, bench: Workbench) -> None:
        """One group is a child of `left`, beside the button, the other of `right`."""
        px, theme, settings = bench.theme.px, bench.theme, bench.settings
        self._bench = bench
        self.room, self.others = ttk.Frame(left), ttk.Frame(right)
        self._is_private = settings.switch("private_room")
        private = ttk.Checkbutton(
            self.room, text="Private room", underline=0, variable=self._is_private
        )
        self.code = TextField(
            self.room,
            theme,
            "",
            self._read_code,
            placeholder="Empty: the last code, or a new one",
            width=34,
        )
        private.grid(row=0, column=0, sticky="w", pady=px(6))
        self.code.grid(row=1, column=0, sticky="ew")
        label = ttk.Label(self.others, text="Port", style="Muted.TLabel")
        label.grid(row=0, column=0, sticky="nw", pady=px(7))
        self.port = setting_field(
            TextField, self.others, bench, "tracker_port", parse_port, width=6
        )
        self.port.grid(row=0, column=1, sticky="nw", padx=(px(8), 0))
        self._door = setting_box(self.others, bench, "door", "Browsers may fetch from here")
        self._door.grid(row=0, column=2, sticky="nw", padx=(px(16), 0), pady=px(6))
        offers = ttk.Frame(self.others)
        label = ttk.Label(offers, text="Who may offer:", style="Muted.TLabel")
        label.pack(side="left")
        for text, is_only_here in (("Everyone", False), ("Only this computer", True)):
            ttk.Radiobutton(
                offers,
                text=text,
                value=is_only_here,
                variable=settings.switch("offers_here"),
            ).pack(side="left", padx=(px(8), 0))
        offers.grid(row=1, column=0, columnspan=3, sticky="w", pady=(px(4), 0))
        tab_in_order(private, self.code)
        tab_in_order(self.port, self._door, offers)
        self._is_private.trace_add("write", lambda *_: self._show())
        self._show()

    @property
    def is_private(self) -> bool:
        return self._is_private.get()

    def read(self, host: str) -> TrackerSettings | None:
        """The settings of a tracker that listens there; None if a field has a mistake, which it
        shows.
        """
        self.port.commit()
        code = self._read_code() if self.is_private else ""
        if self.port.problem or code is None:
            return None
        profile, now = self._bench.settings.profile, self._bench.settings.now
        return TrackerSettings(
            Address(host, now.tracker_port),
            state_file=profile.tracker_state_file,
            name=self._bench.told_name,
            door=now.door,
            is_private=now.private_room,
            code=code,
            keys_file=profile.room_keys_file,
            offers_here=now.offers_here,
        )

    def _show(self) -> None:
        show_if(self.code, self.is_private)
        self._door.state(["disabled" if self.is_private else "!disabled"])

    def _read_code(self) -> str | None:
        return self.code.read(room_code.chosen)
