"""The Tracker tab: starts and stops the tracker of this window, and shows its room."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roles.values import figures
from roles.values.addresses import LOOPBACK, Address
from roles.values.computers import Computer, computers_of, summary_of
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
from roles.values.program_settings import MAX_SEATS
from roles.values.room_words import counts, shown_computer
from ui.room_news import RoomNews
from ui.toned_text import TonedText
from ui.window.computer_detail import ComputerActions
from ui.window.keyboard import tab_in_order
from ui.window.notices import Choice, NoticeArea
from ui.window.room_view import RoomView
from ui.window.running_roles import RunState
from ui.window.tab_pages import Page
from ui.window.tile_view import places_from, places_kept
from ui.window.tracker_form import TrackerForm
from ui.window.tracker_run import TrackerRun
from ui.window.window_context import WindowContext

PINGS_AGAIN_MS = 1_000
MOST_GUESSERS = 3  # that are named
PRIVATE = (
    "Only those who know the code can join, and everything is encrypted. Members trust each "
    "other: each can see, take and offer everything."
)
FIELD_MISTAKE = (
    "The tracker was not started: a field of the Tracker tab has a mistake. Correct it there, then "
    "try again."
)
QUESTION = "tracker"  # the key of what is asked before it starts or stops


@dataclass(frozen=True, slots=True)
class TrackerActions:
    """What the tab asks of the rest of the window."""

    files_changed: Callable[[Address], None]  # at this address programs here reach the tracker
    failed: Callable[[str], None]  # it could not start for a user who looks at another tab
    tries_again: Callable[[], None]  # what failed before is over
    full_screen: Callable[[], None]  # on or off
    join: Callable[[Address], None]  # use another tracker
    from_here: Callable[[], float]  # bytes per second that this computer sends
    steps: Sequence[Choice]  # what to do while nobody is here


class TrackerTab(Page):
    """Owns the tracker of this window."""

    def __init__(self, parent: tk.Misc, context: WindowContext, actions: TrackerActions) -> None:
        px = context.theme.px
        super().__init__(parent, padding=(px(16), px(12)))
        self._context, self.actions = context, actions
        self.run: TrackerRun | None = None  # the last one
        self._told_files: object = None  # of the room, of which the rest of the window knows
        self._news = RoomNews()
        self._own = set[str]()  # room_id of each run: a search may still find one that has stopped
        self._once_started = list[Callable[[Address], None]]()
        self._once_stopped: Callable[[], None] | None = None
        self.notices = NoticeArea(self, context.theme, row=1, columnspan=2)
        self.room = RoomView(
            self,
            context.theme,
            ComputerActions(self._wake, self._remove, self._can_wake),
            kept=places_from(context.settings.now.seats),
            keep=lambda places: context.settings.change(seats=places_kept(places)[-MAX_SEATS:]),
            steps=actions.steps,
        )
        self.form = TrackerForm(self, context)
        self.form.grid(row=0, column=0, columnspan=2, sticky="ew")
        self.room.grid(row=2, column=0, sticky="nsew", pady=(px(12), 0))
        tab_in_order(self.form, self.form.qr, self.notices, self.room)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(2, weight=1)
        self._show_state()
        self._show_room()
        self._show_pings()
        context.trackers.follow(self._show_state)
        context.settings.switch("private_room").trace_add("write", lambda *_: self._show_state())

    # What the rest of the window asks

    def start_only_here(self, then: Callable[[Address], None]) -> None:
        """Start a tracker, at least for this computer; `then` gets its address once it runs."""
        self._once_running(then)
        self._unless_up(lambda: self._start(LOOPBACK))

    def start(self, then: Callable[[Address], None] | None = None) -> None:
        """Do what the button does, unless it runs; `then` gets its address once it does."""
        if then is not None:
            self._once_running(then)
        self._unless_up(self.start_or_stop)

    def _once_running(self, then: Callable[[Address], None]) -> None:
        own = self._context.trackers.own
        if own is not None:
            then(own)
        elif then not in self._once_started:
            self._once_started.append(then)

    def _unless_up(self, start: Callable[[], None]) -> None:
        """Call it unless the tracker is up; if that is stopping, once it has stopped, and only the
        first of several.
        """
        if self.run_state is RunState.STOPPING:
            self._once_stopped = self._once_stopped or start
        elif not self.run_state.is_up:
            start()

    @property
    def run_state(self) -> RunState:
        return RunState.STOPPED if self.run is None else self.run.state

    @property
    def seeder_count(self) -> int | None:
        """None while no tracker runs."""
        run = self.run
        return None if run is None or run.state is not RunState.RUNNING else run.room.seeder_count

    @property
    def counts(self) -> str:
        """Who is in the room, in a few words; "" if nobody is."""
        return counts(summary_of(self.room.computers))

    def fill_screen(self, is_wanted: bool) -> None:
        self.form.fill_screen(self.run, is_wanted=is_wanted)

    def leave(self) -> bool:
        is_left = self.form.leave() or self.room.close_details()
        return is_left or self.notices.close_newest()

    # What the user does

    def start_or_stop(self) -> None:
        """What the button does; it asks where the room would suffer."""
        others = self._others_here()
        if not self.run_state.is_up and self.other_tracker is not None:
            self._ask_to_join(self.other_tracker)
        elif not self.run_state.is_up:
            self._start(self._context.host)
        elif others:
            self._ask_to_stop(others)
        else:
            self._stop()

    def new_code(self, code: str) -> None:
        if self.run is not None:
            self.run.role.new_code(code)

    @property
    def other_tracker(self) -> FoundTracker | None:
        """A tracker that runs on another computer, or in another program of this one."""
        found = self._context.trackers.found
        return next((tracker for tracker in found if tracker.room not in self._own), None)

    def _others_here(self) -> list[Computer]:
        """Computers whose programs use this tracker now, without this one."""
        own = self.run.addresses if self.run is not None else ()
        here = {LOOPBACK, *(address.host for address in own)}
        return [
            computer
            for computer in self.room.computers
            if not (computer.has_left or computer.is_silent or computer.address.host in here)
        ]

    def _ask_to_join(self, other: FoundTracker) -> None:
        name = _name_of(other)
        waiting, self._once_started = self._once_started, []  # any other answer ends the wish

        def start_another() -> None:
            self._once_started = waiting
            self._start(self._context.host)

        self.notices.ask(
            f"{name} runs one already. With two, the room splits: programs that use one do not "
            "see the files of the other.",
            [
                Choice(f"Join {name}", lambda: self.actions.join(other.address)),
                Choice("Start another one", start_another),
            ],
            key=QUESTION,
            tone="Warning",
        )

    def _ask_to_stop(self, others: list[Computer]) -> None:
        use = "computer uses" if len(others) == 1 else "computers use"
        self.notices.ask(
            f"{len(others):,} {use} this tracker. Without it, running downloads go on, but nobody "
            "finds new files or computers.",
            [Choice("Keep it running", lambda: None), Choice("Stop the tracker", self._stop)],
            key=QUESTION,
            tone="Warning",
        )

    def _start(self, host: str) -> None:
        settings = self.form.read(host)
        if settings is None:
            if self._once_started:
                self._once_started.clear()
                self.actions.failed(FIELD_MISTAKE)
            return
        self.notices.close(QUESTION)  # the other one may be gone by now
        self.actions.tries_again()
        self.run = TrackerRun(self._context.roles, settings, self._take)
        self._show_state()

    def _stop(self) -> None:
        if self.run is not None:
            self.run.stop()
            self._context.trackers.forget_own(self._own)
            self._show_state()

    # What can be done with a computer

    def _can_wake(self, computer: Computer) -> bool:
        wakeable = self.run.room.wakeable if self.run is not None else ()
        return any(program.address.host in wakeable for program in computer.programs)

    def _wake(self, computer: Computer) -> None:
        for host in {program.address.host for program in computer.programs}:
            if self.run is not None:
                self.run.role.wake(host)

    def _remove(self, computer: Computer) -> None:
        if self.run is not None:
            self.run.role.remove(computer.machine)

    # Events

    def _take(self, run: TrackerRun, event: RoleEvent) -> None:
        match event:
            case RoleStarted():
                self.form.code.variable.set("")  # from now on, it is the last one
                self._tell_code(run)
                if run.state is RunState.RUNNING:  # else it was stopped while it started
                    self._started(run)
            case CodeChanged() | NetworkChanged():
                self._tell_code(run)
                self._show_state()
            case GuessersChanged(guessers):
                self._name_guessers(guessers)
            case RoomChanged(files=files, seeder_count=count):
                self._show_room()
                if run.own is not None and self._told_files != (count, files):
                    self._told_files = count, files
                    self.actions.files_changed(run.own)
            case RoleStopped(failure):
                self._stopped(run, has_failed=failure is not None)
            case _:
                pass

    def _started(self, run: TrackerRun) -> None:
        self._context.trackers.use_own(run.own, is_only_here=run.is_only_here)
        self._show_state()
        self._show_room()
        waiting, self._once_started = self._once_started, []
        for then in waiting:
            if run.own is not None:
                then(run.own)

    def _stopped(self, run: TrackerRun, *, has_failed: bool) -> None:
        self._tell_code(run)
        self._context.trackers.forget_own(self._own)
        self._news, self._told_files = RoomNews(), None
        start, self._once_stopped = self._once_stopped, None
        if start is None:
            if has_failed and self._once_started:
                self.actions.failed(run.sentence(other="", is_alone=True).text)
            self._once_started.clear()
        self.notices.close(QUESTION)
        self.room.forget()
        self._show_state()
        self._show_room()
        if start is not None:
            start()

    def _tell_code(self, run: TrackerRun) -> None:
        """Tell the other roles of this window, so that the user need not."""
        if run.room_id:
            self._own.add(run.room_id)
        self._context.codes.own(run.code, *run.addresses)

    def _name_guessers(self, guessers: Sequence[Guesser]) -> None:
        """They stay named when they have given up, until the user closes that."""
        names = dict[str, str]()
        for computer in self.room.computers:
            hosts = {program.address.host for program in computer.programs}
            names |= {host: f"{computer.name} ({host})" for host in hosts if computer.name}
        said = [
            f"{names.get(host, host)}, {figures.count(tries, 'time')}"
            for host, tries in guessers[:MOST_GUESSERS]
        ]
        if len(guessers) > len(said):
            said.append(f"and {figures.count(len(guessers) - len(said), 'more computer')}")
        if said:
            at = time.strftime("%H:%M")
            sentence = f"Wrong codes at {at}: {'; '.join(said)}."
            self.notices.say(sentence, tone="Warning", key="guessers")

    # Display

    def _show_state(self) -> None:
        """The row at the top and the sentence below it."""
        self.form.show_run(self.run)
        self.form.sentence.say(*self._sentence())

    def _sentence(self) -> TonedText:
        other = self.other_tracker
        name = _name_of(other) if other is not None else ""
        said = TonedText("")
        if self.run is not None:
            said = self.run.sentence(other=name, is_alone=not self._others_here())
        if said.text or self.run_state is not RunState.STOPPED:
            return said
        if name:
            return TonedText(f"{name} runs a tracker already; a room needs only one.", "Muted")
        return TonedText(PRIVATE if self.form.is_private else "", "Muted")

    def _show_room(self) -> None:
        run, now = self.run, time.monotonic()
        room = RoomChanged() if run is None else run.room
        computers = computers_of(room.participants, now=now)
        self._news.note(computers, now=now)  # the log shows it
        is_running = self.run_state is RunState.RUNNING
        had_computers = bool(self.room.computers)
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
            computers,
            from_here=self.actions.from_here() if is_running else 0.0,
            is_running=is_running,
            is_private=run is not None and bool(run.code),
        )
        if had_computers != bool(computers):
            self._show_state()

    def _show_pings(self) -> None:
        """Silence grows without an event."""
        self.after(PINGS_AGAIN_MS, self._show_pings)
        if self.run_state is RunState.RUNNING:
            self._show_room()


def _name_of(found: FoundTracker) -> str:
    return shown_computer(found.name) or str(found.address)
