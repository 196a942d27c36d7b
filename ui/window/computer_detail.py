"""One computer of the room, beside the tiles: its downloads, why they wait, its programs."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from roles.values import figures, room_words
from roles.values.computers import Computer
from roles.values.participants import Participant, TransferStatus
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column
from ui.window.labels import Sentence
from ui.window.table import Table
from ui.window.theme import Theme

WIDTH = 320  # pixels at 96 dpi
MAX_TITLE = 60  # characters
NO_HARDWARE = (
    "It cannot be woken from here: its hardware address is unknown, because it is behind a router "
    "or this system does not tell such addresses."
)
AWAKE = "It is awake."

DOWNLOADS = (
    Column[TransferStatus](
        "Download", lambda transfer: shown_name(transfer.title, MAX_TITLE), width=72, stretches=True
    ),
    Column[TransferStatus].of_percent(
        "Has", lambda transfer: figures.percent(transfer.have, transfer.size), 56
    ),
    Column[TransferStatus](
        "State", lambda transfer: shown_name(transfer.state, MAX_TITLE).capitalize(), width=96
    ),
)


@dataclass(frozen=True, slots=True)
class ComputerActions:
    """What can be done with a computer."""

    wake: Callable[[Computer], None]
    remove: Callable[[Computer], None]
    can_wake: Callable[[Computer], bool]  # whether its hardware address is known


class ComputerDetail(ttk.Frame):
    """Takes no room until a computer is shown."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, actions: ComputerActions, closed: Callable[[], None]
    ) -> None:
        px = theme.px
        super().__init__(parent, style="Tint.TFrame", padding=(px(16), px(10)), width=px(WIDTH))
        self._actions, self._closed = actions, closed
        self.computer: Computer | None = None
        head = ttk.Frame(self, style="Tint.TFrame")
        self._name = ttk.Label(head, style="Title.Tint.TLabel")
        self.close_button = ttk.Button(head, text="Close", command=self.close, width=0)
        self._name.grid(row=0, column=0, sticky="w")
        self.close_button.grid(row=0, column=1, sticky="e")
        head.columnconfigure(0, weight=1)
        self.now = Sentence(self, tone="Plain", ground="Tint.")
        self.reason = Sentence(self, tone="Warning", ground="Tint.")
        self.downloads = Table(self, theme, DOWNLOADS, height=4, choose="none")
        self.downloads.say_empty("No downloads")
        self.programs = Sentence(self, tone="Muted", ground="Tint.")
        buttons = ttk.Frame(self, style="Tint.TFrame")
        self.wake_button = ttk.Button(buttons, text="Wake it up", command=self._wake)
        self.remove_button = ttk.Button(buttons, text="Remove", command=self._remove)
        self.wake_button.pack(side="left")
        self.remove_button.pack(side="left", padx=(px(8), 0))
        self.note = Sentence(self, tone="Muted", ground="Tint.")
        gap = (px(8), 0)
        head.grid(row=0, column=0, sticky="ew")
        self.now.grid(row=1, column=0, sticky="ew")
        self.reason.grid(row=2, column=0, sticky="ew")
        self.downloads.grid(row=3, column=0, sticky="nsew", pady=gap)
        self.programs.grid(row=4, column=0, sticky="ew", pady=gap)
        buttons.grid(row=5, column=0, sticky="w", pady=gap)
        self.note.grid(row=6, column=0, sticky="ew", pady=gap)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(3, weight=1)
        self.grid_propagate(False)

    def show(self, computer: Computer) -> None:
        """`computer` as it is now."""
        self.computer = computer
        self._name.configure(text=room_words.name_of(computer))
        self.now.say(f"{room_words.state(computer)}, {_figures(computer)}".removesuffix(", "))
        self.reason.say(_sentence(room_words.reason(computer)))
        self.downloads.show(
            {
                f"{number} {at}": transfer
                for number, program in enumerate(computer.programs)
                for at, transfer in enumerate(program.status.transfers)
            }
        )
        self.downloads.fit()
        now = time.monotonic()
        self.programs.say("\n".join(_program(program, now) for program in computer.programs))
        is_gone = computer.is_silent or computer.has_left
        can_wake = is_gone and self._actions.can_wake(computer)
        self.wake_button.state(["!disabled" if can_wake else "disabled"])
        can_remove = is_gone and not computer.is_original
        self.remove_button.state(["!disabled" if can_remove else "disabled"])
        self.note.say(AWAKE if not is_gone else "" if can_wake else NO_HARDWARE)

    def close(self) -> None:
        self.computer = None
        self._closed()

    def _wake(self) -> None:
        if self.computer is not None:
            self._actions.wake(self.computer)
            self.note.say("The wake-up packet is sent. A computer needs a minute or two.")

    def _remove(self) -> None:
        computer = self.computer
        if computer is not None:
            self.close()
            self._actions.remove(computer)


def _figures(computer: Computer) -> str:
    has = room_words.has(computer)
    parts = (
        f"has {has}" if computer.size else has,
        f"↓ {figures.rate(computer.down)}" if computer.down >= 1 else "",
        f"↑ {figures.rate(computer.up)}" if computer.up >= 1 else "",
        f"{figures.duration(computer.seconds_left)} left"
        if computer.seconds_left is not None
        else "",
        f"gave {figures.size(computer.given)}" if computer.given else "",
    )
    return ", ".join(filter(None, parts))


def _sentence(reason: str) -> str:
    return f"{wording.capitalized(reason)}." if reason else ""


def _program(program: Participant, now: float) -> str:
    kind = "Leecher" if program.is_leecher else "Seeder"
    reached = {True: "reachable", False: "behind a firewall", None: "not tried yet"}
    heard = "left" if program.has_left else f"heard {figures.ago(now - program.last_ping)}"
    return f"{kind} at {program.address}: {reached[program.is_reachable]}, {heard}"
