"""The command `status`: who is in the room and how far."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from roles.observer import Observer
from roles.program.profile import Profile
from roles.values.computers import Computer, RoomSummary, computers_of, summary_of
from roles.values.events import RoomChanged
from roles.values.room_words import how_far
from roles.values.safe_names import shown_name
from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.room_table import room_table
from ui.terminal.session import Session
from ui.terminal.trackers import ChosenTracker, in_room
from ui.toned_text import TonedText


def run(chosen: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print one line for each computer, and one for the room; with --watch again at each change,
    until it is interrupted. Raises TrackerSilentError.
    """
    return in_room(chosen, output, lambda tracker: _show(chosen, output, tracker))


def _show(chosen: argparse.Namespace, output: Output, tracker: ChosenTracker) -> ExitCode:
    address, failover, code = tracker
    shown: list[TonedText] = []
    with Session(output) as session:
        session.start(lambda post: Observer(address, failover, post, code))
        while True:
            match session.next_event():
                case RoomChanged(participants):
                    computers = computers_of(participants, now=time.monotonic())
                    if not chosen.watch:
                        print_room(computers, output, is_private=tracker.is_private)
                        return ExitCode.DONE
                    shown = watch_room(computers, shown, output, is_private=tracker.is_private)
                case _:
                    continue


def watch_room(
    computers: Sequence[Computer],
    shown: list[TonedText],
    output: Output,
    *,
    is_private: bool = False,
) -> list[TonedText]:
    """Show the room if it is not what is shown already; returns what is shown now."""
    if output.as_json:
        print_room(computers, output, is_private=is_private)
        return shown
    end = TonedText(_end(summary_of(computers), is_private=is_private))
    table = [*(room_table(computers) if computers else ()), end]
    if table != shown:
        output.show_table(table)
    return table


def print_room(computers: Sequence[Computer], output: Output, *, is_private: bool = False) -> None:
    for one in computers:
        output.json(
            event="member",
            machine=one.machine,
            name=shown_name(one.name),
            address=str(one.address),
            state=one.state.value,
            have=one.have,
            of=one.size,
            title=shown_name(one.title),
            reason=shown_name(one.reason),
            up=one.up,
            down=one.down,
            seconds_left=_whole(one.seconds_left),
            given=one.given,
            silent_s=round(one.silent_s, 1),
            left=one.has_left,
            reachable=one.is_reachable,
            files=one.files,
        )
    room = summary_of(computers)
    output.json(
        event="room",
        members=room.counted,
        done=room.done,
        problems=room.problems,
        seconds_left=_whole(room.seconds_left),
        private=is_private,
    )
    if not output.as_json:
        for line in room_table(computers) if computers else ():
            output.result(output.painted(*line))
        output.say(_end(room, is_private=is_private))


def _end(room: RoomSummary, *, is_private: bool) -> str:
    return f"Private room: {how_far(room)}" if is_private else how_far(room)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)
