"""The command `tracker`: runs one, and reports who comes and goes, a line each or as a table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.program.profile import Profile
from roles.tracker import Tracker
from roles.values import room_code
from roles.values.addresses import (
    EVERY_INTERFACE,
    TRACKER_PORT,
    Address,
    is_loopback,
    web_address,
)
from roles.values.computers import computers_of, summary_of
from roles.values.errors import UserInputError
from roles.values.events import (
    GuessersChanged,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoomChanged,
)
from roles.values.room_words import how_far
from roles.values.settings import TrackerSettings
from ui.exit_codes import ExitCode
from ui.qr_code import half_blocks, qr_code
from ui.room_news import RoomNews
from ui.terminal.code_options import given_code
from ui.terminal.output import Output
from ui.terminal.room_table import room_table
from ui.terminal.session import Session
from ui.toned_text import TonedText

TABLE_S = 5.0  # between two tables, where they are appended
LOOK_S = 1.0  # between two looks while nothing is reported


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Run until interrupted. Raises Interrupted, or why the tracker ended."""
    if not args.private and (args.code is not None or args.code_file is not None):
        raise UserInputError("A code is for a private room: add --private.")
    settings = TrackerSettings(
        bind=args.bind or Address(EVERY_INTERFACE, TRACKER_PORT),
        bind_exactly=args.bind is not None,
        state_file=profile.tracker_state_file,
        door=not args.no_door,
        is_private=args.private,
        code=given_code(args) if args.private else "",
        keys_file=profile.room_keys_file,
        offers_here=args.offers == "mine",
    )
    report = TrackerReport(output, shows_room=args.room)
    with Session(output) as session:
        session.start(lambda post: Tracker(settings, post))
        session.follow(report.tell, report.pass_time)
    return ExitCode.DONE


@dataclass(slots=True)
class TrackerReport:
    output: Output
    shows_room: bool = False
    clock: Callable[[], float] = time.monotonic
    _has_web: bool = False  # it serves browsers
    _guessers: frozenset[str] = frozenset()  # hosts that are known to guess
    _room: RoomChanged = field(default_factory=RoomChanged)
    _news: RoomNews = field(default_factory=RoomNews)
    _table: list[TonedText] = field(default_factory=list)
    _shown_at: float = float("-inf")
    _looked_at: float = float("-inf")

    def tell(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(Address() as address, for_others, note, web, code):
                self.output.say(note)
                self.output.say(f"Tracker listening on {address}. Others type {for_others}.")
                self._has_web = bool(web)
                if web:
                    self._say_web(for_others or address)
                if code:
                    self._tell_code(code)
            case NetworkChanged(gone, come, for_others=here):
                if here is not None and (gone or come) and here.host not in gone:
                    self.output.say(f"Others type {here} now.")
                    if self._has_web:
                        self._say_web(here)
            case GuessersChanged(guessers):
                hosts = frozenset(guesser.host for guesser in guessers)
                for host in sorted(hosts - self._guessers):
                    self.output.say(f"{host} is trying wrong codes.")
                self._guessers = hosts
            case RoomChanged() as room:
                self._room = room
                self._look(self.clock())
            case _:
                pass

    def _say_web(self, address: Address) -> None:
        self.output.say(f"Browsers: {web_address(address)}")
        if not is_loopback(address.host):
            self.output.draw(half_blocks(qr_code(web_address(address))))

    def _tell_code(self, code: str) -> None:
        self.output.say(f"This room is private. Its code: {room_code.shown(code)}")
        if warning := room_code.weakness(code):
            self.output.error(warning)

    def pass_time(self) -> None:
        """Look whether somebody has fallen silent, and show the room if it is time."""
        now = self.clock()
        if now - self._looked_at >= LOOK_S:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looked_at = now
        computers = computers_of(self._room.participants, now=now)
        for sentence in self._news.note(computers, now=now):
            self.output.say(sentence)
        pause_s = LOOK_S if self.output.can_redraw else TABLE_S
        if not self.shows_room or now - self._shown_at < pause_s or not (self._table or computers):
            return
        table = [*room_table(computers), TonedText(how_far(summary_of(computers)))]
        if table != self._table:
            self._table, self._shown_at = table, now
            self.output.show_table(table)
