"""The Tracker tab: one button, the address for the others, and the room."""

from __future__ import annotations

import logging
import time
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tkinter import ttk
from typing import TYPE_CHECKING

from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback, web_address
from roles.values.events import (
    CodeChanged,
    Guesser,
    GuessersChanged,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
)
from roles.values.findings import FoundTracker
from roles.values.members import Member, members_of, summary_of
from roles.values.room_words import counts
from roles.values.safe_names import shown_name
from roles.values.settings import MAX_SEATS
from ui import wording
from ui.room_news import RoomNews
from ui.window.fields import Sentence
from ui.window.keyboard import tab_in_order
from ui.window.layout import ButtonRow, show_if
from ui.window.member_detail import MemberActions
from ui.window.notices import Choice, NoticeArea
from ui.window.own_code import OwnCode
from ui.window.qr_view import QrPage, QrPicture
from ui.window.room_view import RoomView
from ui.window.seats import places_from, places_kept
from ui.window.tracker_options import TrackerOptions
from ui.window.workbench import RunState, Workbench, explained, gone_network

if TYPE_CHECKING:
    from roles.tracker import Tracker

log = logging.getLogger(__name__)

PINGS_AGAIN_MS = 1_000
QR_SIDE = 74  # pixels at 96 dpi, of the QR code beside the web address
HEIGHT_SHARE, WIDTH_SHARE = 0.4, 0.25  # of the screen: its largest size while the tab fills that
MOST_GUESSERS = 3  # that are named
PRIVATE = (
    "Only those who know the code can join, and everything is encrypted. Members trust each "
    "other: each can see, take and offer everything."
)
ONLY_HERE = "Only this computer may offer folders."
QUESTION = "tracker"  # the key of what is asked before it starts or stops


@dataclass(frozen=True, slots=True)
class TrackerActions:
    """What the tab asks of the rest of the window."""

    files_changed: Callable[[Address], None]  # at this address programs here reach the tracker
    failed: Callable[[str], None]  # it could not start for a user who looks at another tab
    full_screen: Callable[[], None]  # on or off
    join: Callable[[Address], None]  # use another tracker
    from_here: Callable[[], float]  # bytes per second that this computer sends
    steps: Sequence[Choice]  # what to do while nobody is here


class TrackerTab(ttk.Frame):
    """Owns the tracker of this window."""

    def __init__(self, parent: tk.Misc, bench: Workbench, actions: TrackerActions) -> None:
        px = bench.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._bench, self._actions = bench, actions
        self._tracker: Tracker | None = None
        self.run_state = RunState.STOPPED
        self._room = RoomChanged()
        self._news = RoomNews()
        self._is_open = True  # it listens for other computers too
        self._only_network = ""  # this computer's address in the network that it is bound to
        self._is_cut_off = False  # that network is gone
        self._for_others: Address | None = None
        self._has_web = False  # it serves browsers
        self._was_own = set[Address]()  # a search may still find what has been stopped
        self._once_started = list[Callable[[Address], None]]()
        self._note = ""  # about its port
        self._failure = ""  # why it ended, until it starts again
        self.notices = NoticeArea(self, bench.theme)
        self.room = RoomView(
            self,
            bench.theme,
            MemberActions(self._wake, self._remove, self._can_wake),
            kept=places_from(bench.settings.now.seats),
            keep=lambda places: bench.settings.change(seats=places_kept(places)[-MAX_SEATS:]),
            steps=actions.steps,
        )
        self.qr_page = QrPage(self, bench.theme)
        self.qr = QrPicture(self, bench.theme, self._enlarge_qr)
        self._fills_screen = False
        controls = self._make_controls()
        self.sentence = Sentence(self)
        self.sentence.grid(row=1, column=0, columnspan=2, sticky="ew", pady=(px(8), 0))
        self.notices.grid(row=2, column=0, columnspan=2, sticky="ew")
        self.notices.grid_remove()
        self.room.grid(row=3, column=0, sticky="nsew", pady=(px(12), 0))
        tab_in_order(controls, self.qr, self.notices, self.room)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(3, weight=1)
        self._show_state()
        self._show_room()
        self._show_pings()
        bench.trackers.follow(self._show_state)
        bench.settings.switch("private_room").trace_add("write", lambda *_: self._show_state())

    def _make_controls(self) -> ttk.Frame:
        px, theme = self._bench.theme.px, self._bench.theme
        row = ButtonRow(self, theme)
        row.grid(row=0, column=0, columnspan=2, sticky="ew")
        self.button = ttk.Button(row.left, command=self.start_or_stop)
        self.button.grid(row=0, column=0, sticky="nw")
        self._running = ttk.Frame(row.left)
        self.address = ttk.Label(self._running, style="Title.TLabel")
        copy = ttk.Button(
            self._running, text="Copy", underline=0, width=0, command=self._copy_address
        )
        self.address.grid(row=0, column=0, sticky="w")
        copy.grid(row=0, column=1, sticky="w", padx=(px(8), 0))
        self._web = ttk.Frame(self._running)
        ttk.Label(self._web, text="In a browser:", style="Muted.TLabel").pack(side="left")
        self.web_address = ttk.Label(self._web)
        self.web_address.pack(side="left", padx=(px(6), 0))
        self._web.grid(row=1, column=0, columnspan=2, sticky="w", pady=(px(4), 0))
        self.room_code = OwnCode(self._running, theme, self._new_code)
        self.room_code.grid(row=2, column=0, columnspan=4, sticky="w", pady=(px(4), 0))
        self.room_code.show("")
        self._running.columnconfigure(3, weight=1)  # a long code moves nothing above it
        self._running.grid(row=0, column=1, sticky="w", padx=px(12))
        self.options = options = TrackerOptions(row.left, row.right, self._bench)
        options.room.grid(row=0, column=1, sticky="nw", padx=px(12))
        options.others.grid(row=0, column=0)
        self._right = ttk.Frame(row.right)
        self.room.make_switch(self._right).pack(side="left")
        full = ttk.Button(self._right, text="Full screen  F11", command=self._actions.full_screen)
        full.pack(side="left", padx=(px(8), 0))
        self._right.grid(row=0, column=0)
        return row

    # What the rest of the window asks

    def start_only_here(self, then: Callable[[Address], None]) -> None:
        """Start a tracker, at least for this computer; `then` gets its address once it runs."""
        if self._bench.trackers.own is not None:
            then(self._bench.trackers.own)
            return
        self._once_started.append(then)
        if not self.run_state.is_up:
            self._start(LOOPBACK)

    @property
    def seeder_count(self) -> int | None:
        """None while no tracker runs."""
        return self._room.seeder_count if self.run_state is RunState.RUNNING else None

    @property
    def counts(self) -> str:
        """Who is in the room, in a few words; "" if nobody is."""
        return counts(summary_of(self.room.members))

    def fill_screen(self, is_wanted: bool) -> None:
        self._fills_screen = is_wanted
        self._show_qr()

    def close_qr(self) -> bool:
        """Make it small again; False if it was not enlarged."""
        was_open = self.qr_page.is_open
        self.qr_page.close()
        return was_open

    # What the user does

    def start_or_stop(self) -> None:
        """What the button does; it asks where the room would suffer."""
        others = self._others_here()
        if not self.run_state.is_up and self.other_tracker is not None:
            self._ask_to_join(self.other_tracker)
        elif not self.run_state.is_up:
            self._start(self._bench.host)
        elif others:
            self._ask_to_stop(others)
        else:
            self._stop()

    def start(self) -> None:
        if not self.run_state.is_up:
            self.start_or_stop()

    @property
    def other_tracker(self) -> FoundTracker | None:
        """A tracker that runs on another computer, or in another program of this one."""
        own = {self._for_others, self._bench.trackers.own, *self._was_own}
        found = self._bench.trackers.found
        return next((one for one in found if one.address not in own), None)

    def _others_here(self) -> list[Member]:
        """Computers whose programs use this tracker now, without this one."""
        here = {LOOPBACK, self._for_others.host if self._for_others else LOOPBACK}
        return [
            one
            for one in self.room.members
            if not (one.has_left or one.is_silent or one.address.host in here)
        ]

    def _ask_to_join(self, other: FoundTracker) -> None:
        name = _name_of(other)
        self.notices.ask(
            f"{name} runs one already. With two, the room splits: programs that use one do not "
            "see the files of the other.",
            [
                Choice(f"Join {name}", lambda: self._actions.join(other.address)),
                Choice("Start another one", lambda: self._start(self._bench.host)),
            ],
            key=QUESTION,
            tone="Warning",
        )

    def _ask_to_stop(self, others: list[Member]) -> None:
        use = "computer uses" if len(others) == 1 else "computers use"
        self.notices.ask(
            f"{len(others):,} {use} this tracker. Without it, running downloads go on, but nobody "
            "finds new files or computers.",
            [Choice("Keep it running", lambda: None), Choice("Stop the tracker", self._stop)],
            key=QUESTION,
            tone="Warning",
        )

    def _start(self, host: str) -> None:
        from roles.tracker import Tracker  # not before the window is painted

        settings = self.options.read(host)
        if settings is None or self.run_state is RunState.STOPPING:
            return
        self.run_state, self._failure = RunState.STARTING, ""
        self.notices.close(QUESTION)  # the other one may be gone by now
        self._show_state()
        self._tracker = self._bench.roles.start(lambda post: Tracker(settings, post), self._handle)

    def _stop(self) -> None:
        if self._tracker is not None:
            self.run_state = RunState.STOPPING
            self._tracker.stop()
            self._show_state()

    def _new_code(self, code: str) -> None:
        if self._tracker is not None:
            self._tracker.new_code(code)

    def _copy_address(self) -> None:
        self.clipboard_clear()
        self.clipboard_append(str(self.address.cget("text")))

    # What can be done with a computer

    def _can_wake(self, member: Member) -> bool:
        return any(one.address.host in self._room.wakeable for one in member.programs)

    def _wake(self, member: Member) -> None:
        for host in {one.address.host for one in member.programs}:
            if self._tracker is not None:
                self._tracker.wake(host)

    def _remove(self, member: Member) -> None:
        if self._tracker is not None:
            self._tracker.remove(member.machine)

    # Events

    def _handle(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(
                address=Address() as address, for_others=for_others, note=note, web=web, code=code
            ):
                self._has_web = bool(web)
                self.room_code.show(code)
                self._started(address, for_others or address, note)
            case CodeChanged(code):
                self.room_code.show(code)
                self._tell_code()
                self._show_state()
            case GuessersChanged(guessers):
                self._name_guessers(guessers)
            case NetworkChanged(gone=gone, come=come, for_others=Address() as for_others):
                self._for_others = for_others
                if self._only_network in (*gone, *come):
                    self._is_cut_off = self._only_network not in come
                self._tell_code()
                self._show_state()
            case RoomChanged():
                before, self._room = self._room, event
                self._show_room()
                has_news = before.files != event.files or before.seeder_count != event.seeder_count
                if self._bench.trackers.own is not None and has_news:
                    self._actions.files_changed(self._bench.trackers.own)
            case RoleStopped(failure):
                network = self._bench.settings.now.network
                self._stopped(explained(failure, network) if failure is not None else "")
            case _:
                pass

    def _started(self, address: Address, for_others: Address, note: str) -> None:
        if self.run_state is RunState.STARTING:
            self.run_state = RunState.RUNNING
        is_everywhere, is_only_here = address.host == EVERY_INTERFACE, is_loopback(address.host)
        own = Address(LOOPBACK, address.port) if is_everywhere else address
        log.info("The tracker runs on port %d.", address.port)
        self._is_open = not is_only_here
        self._only_network = "" if is_everywhere or is_only_here else address.host
        self._for_others, self._note, self._is_cut_off = for_others, note, False
        self.options.code.variable.set("")  # from now on, it is the last one
        self._tell_code(own)
        self._bench.trackers.set_own(own, is_only_here=is_only_here)
        self._show_state()
        self._show_room()
        waiting, self._once_started = self._once_started, []
        for then in waiting:
            then(own)

    def _stopped(self, failure: str) -> None:
        self._tracker, self.run_state = None, RunState.STOPPED
        self._was_own |= {one for one in (self._for_others, self._bench.trackers.own) if one}
        self.room_code.show("")
        self._tell_code()
        self._bench.trackers.set_own(None)
        self._room, self._for_others, self._note = RoomChanged(), None, ""
        self._news = RoomNews()
        if failure and self._once_started:
            self._actions.failed(failure)
        self._once_started.clear()
        self.notices.close(QUESTION)
        self.room.forget()
        self._failure = failure
        self._show_state()
        self._show_room()
        log.info("The tracker has stopped.")

    def _tell_code(self, own: Address | None = None) -> None:
        """Tell the other roles of this window, so that the user need not."""
        here = (own or self._bench.trackers.own, self._for_others)
        self._bench.codes.own(self.room_code.code, *(one for one in here if one is not None))

    def _name_guessers(self, guessers: Sequence[Guesser]) -> None:
        """They stay named when they have given up, until the user closes that."""
        names = dict[str, str]()
        for member in self.room.members:
            hosts = {one.address.host for one in member.programs}
            names |= {host: f"{member.name} ({host})" for host in hosts if member.name}
        said = [
            f"{names.get(host, host)}, {wording.count(tries, 'time')}"
            for host, tries in guessers[:MOST_GUESSERS]
        ]
        if len(guessers) > len(said):
            said.append(f"and {wording.count(len(guessers) - len(said), 'more computer')}")
        if said:
            at = time.strftime("%H:%M")
            sentence = f"Wrong codes at {at}: {'; '.join(said)}."
            self.notices.say(sentence, tone="Warning", key="guessers")

    # Display

    def _show_state(self) -> None:
        """The row at the top and the sentence below it."""
        state, is_up = self.run_state, self.run_state.is_up
        verb = "Stop" if is_up else "Start"
        self.button.configure(
            text=f"{verb} the tracker",
            underline=len(verb) + 2,
            style="TButton" if is_up else "Accent.TButton",
        )
        self.button.state(["disabled" if state is RunState.STOPPING else "!disabled"])
        is_running = state is RunState.RUNNING
        for widget, is_shown in (
            (self._running, is_running),
            (self._right, is_running),
            (self.options.room, not is_up),
            (self.options.others, not is_up),
        ):
            show_if(widget, is_shown)
        self.address.configure(text=str(self._for_others or ""))
        here = self._for_others if self._has_web else None
        self.web_address.configure(text="" if here is None else web_address(here))
        show_if(self._web, here is not None)
        self._show_qr()
        sentence, tone = self._sentence()
        self.sentence.say(sentence, tone=tone)

    def _show_qr(self) -> None:
        """Beside the web address; while the tab fills the screen, larger and beside the room."""
        # To be read from every seat.
        is_for_all = self._fills_screen and bool(self.room_code.code)
        for label in (self.address, self.room_code.label):
            label.configure(style="Headline.TLabel" if is_for_all else "Title.TLabel")
        address = str(self.web_address.cget("text"))
        if not address or self._for_others is None or is_loopback(self._for_others.host):
            self.qr.grid_remove()
            self.qr_page.close()
        elif self._fills_screen:
            height, width = self.winfo_screenheight(), self.winfo_screenwidth()
            self.qr.show(address, int(min(height * HEIGHT_SHARE, width * WIDTH_SHARE)))
            px = self._bench.theme.px
            self.qr.grid(
                in_=self,
                row=3,
                column=1,
                rowspan=1,
                sticky="ne",
                padx=(px(16), 0),
                pady=(px(12), 0),
            )
        else:
            self.qr.show(address, self._bench.theme.px(QR_SIDE))
            self.qr.grid(
                in_=self._running,
                row=0,
                column=2,
                rowspan=2,
                sticky="w",
                padx=(self._bench.theme.px(12), 0),
                pady=0,
            )
        if self.qr_page.is_open:
            self.qr_page.show(address)

    def _enlarge_qr(self) -> None:
        self.qr_page.open(str(self.web_address.cget("text")))

    def _sentence(self) -> tuple[str, str]:
        """The sentence about the tracker now, and its tone."""
        if self._failure:
            return self._failure, "Bad"
        other = self.other_tracker
        match self.run_state:
            case RunState.STARTING:
                return "Starting …", "Muted"
            case RunState.STOPPING:
                return "Stopping …", "Muted"
            case RunState.STOPPED if other is not None:
                return f"{_name_of(other)} runs a tracker already; a room needs only one.", "Muted"
            case RunState.STOPPED:
                return PRIVATE if self.options.is_private else "", "Muted"
            case RunState.RUNNING:
                pass
        if self._is_cut_off:
            return gone_network(self._only_network), "Bad"
        if other is not None and self._is_open:
            return f"{_name_of(other)} runs a tracker too: a room needs only one.", "Warning"
        weak = self.room_code.warning
        only_here = ONLY_HERE if self._bench.settings.now.offers_here else ""
        said = " ".join(filter(None, (self._note, weak or self._hint(), only_here)))
        return said, "Warning" if weak else "Muted"

    def _hint(self) -> str:
        if self._for_others is not None and not is_loopback(self._for_others.host):
            if self._others_here():
                return ""
            code = " They ask for the code." if self.room_code.code else ""
            return (
                f"Other computers find it by themselves.{code} Where one does not, type this "
                "address there as the tracker."
            )
        if self._is_open:
            return "This computer is off the network: only programs on it reach the tracker."
        return "Only this computer can use it. Stop and start it to let others join."

    def _show_room(self) -> None:
        room = self._room
        now = time.monotonic()
        members = members_of(room.participants, now=now)
        self._news.note(members, now=now)  # the log shows it
        is_running = self.run_state is RunState.RUNNING
        from_here = self._actions.from_here() if is_running else 0.0
        had_members = bool(self.room.members)
        if is_running:
            self.room.say_empty(
                "Nobody is here yet",
                "Start LMKtorrent on the other computers. Whoever opens it appears here, even "
                "before downloading anything.",
            )
        else:
            self.room.say_empty(
                "The tracker is not running",
                "One computer of the room runs it. It lists who has what, and moves no files.",
            )
        self.room.show(
            room,
            members,
            from_here=from_here,
            is_running=is_running,
            is_private=bool(self.room_code.code),
        )
        if had_members != bool(members):
            self._show_state()

    def _show_pings(self) -> None:
        """Silence grows without an event."""
        self.after(PINGS_AGAIN_MS, self._show_pings)
        if self.run_state is RunState.RUNNING:
            self._show_room()


def _name_of(found: FoundTracker) -> str:
    return shown_name(found.name, wording.COMPUTER_LENGTH) or str(found.address)
