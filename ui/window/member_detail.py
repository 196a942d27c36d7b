"""One computer of the room, beside the tiles: its downloads, why they wait, its programs."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from tkinter import ttk

from roles.values import room_words
from roles.values.members import Member
from roles.values.participants import Participant, TransferStatus
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column
from ui.window.fields import Sentence
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
        "Download", lambda one: shown_name(one.title, MAX_TITLE), width=72, stretches=True
    ),
    Column[TransferStatus].of_percent("Has", lambda one: wording.percent(one.have, one.size), 56),
    Column[TransferStatus](
        "State", lambda one: shown_name(one.state, MAX_TITLE).capitalize(), width=96
    ),
)


@dataclass(frozen=True, slots=True)
class MemberActions:
    """What can be done with a computer."""

    wake: Callable[[Member], None]
    remove: Callable[[Member], None]
    can_wake: Callable[[Member], bool]  # whether its hardware address is known


class MemberDetail(ttk.Frame):
    """Takes no room until a computer is shown."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, actions: MemberActions, closed: Callable[[], None]
    ) -> None:
        px = theme.px
        super().__init__(parent, style="Tint.TFrame", padding=(px(16), px(10)), width=px(WIDTH))
        self._actions, self._closed = actions, closed
        self.member: Member | None = None
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

    def show(self, member: Member) -> None:
        """`member` as it is now."""
        self.member = member
        self._name.configure(text=room_words.computer(member))
        self.now.say(f"{room_words.state(member)}, {_figures(member)}".removesuffix(", "))
        self.reason.say(_sentence(room_words.reason(member)))
        self.downloads.show(
            {
                f"{number} {at}": transfer
                for number, program in enumerate(member.programs)
                for at, transfer in enumerate(program.status.transfers)
            }
        )
        self.downloads.fit()
        now = time.monotonic()
        self.programs.say("\n".join(_program(one, now) for one in member.programs))
        is_gone = member.is_silent or member.has_left
        can_wake = is_gone and self._actions.can_wake(member)
        self.wake_button.state(["!disabled" if can_wake else "disabled"])
        can_remove = is_gone and not member.is_original
        self.remove_button.state(["!disabled" if can_remove else "disabled"])
        self.note.say(AWAKE if not is_gone else "" if can_wake else NO_HARDWARE)

    def close(self) -> None:
        self.member = None
        self._closed()

    def _wake(self) -> None:
        if self.member is not None:
            self._actions.wake(self.member)
            self.note.say("The wake-up packet is sent. A computer needs a minute or two.")

    def _remove(self) -> None:
        member = self.member
        if member is not None:
            self.close()
            self._actions.remove(member)


def _figures(one: Member) -> str:
    has = room_words.has(one)
    parts = (
        f"has {has}" if one.size else has,
        f"↓ {wording.rate(one.down)}" if one.down >= 1 else "",
        f"↑ {wording.rate(one.up)}" if one.up >= 1 else "",
        f"{wording.duration(one.seconds_left)} left" if one.seconds_left is not None else "",
        f"gave {wording.size(one.given)}" if one.given else "",
    )
    return ", ".join(filter(None, parts))


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _program(one: Participant, now: float) -> str:
    kind = "Leecher" if one.is_leecher else "Seeder"
    reached = {True: "reachable", False: "behind a firewall", None: "not tried yet"}
    heard = "left" if one.has_left else f"heard {wording.ago(now - one.last_ping)}"
    return f"{kind} at {one.address}: {reached[one.is_reachable]}, {heard}"
