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
from ui.terminal.tracker_choice import ChosenTracker, in_room
from ui.toned_text import TonedText


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print one line for each computer, and one for the room; with --watch again at each change,
    until it is interrupted or nobody reads on. Raises TrackerSilentError.
    """
    return in_room(args, output, lambda tracker: _show(args, output, tracker))


def _show(args: argparse.Namespace, output: Output, tracker: ChosenTracker) -> ExitCode:
    address, failover, code = tracker
    shown: list[TonedText] = []
    with Session(output) as session:
        session.start(lambda post: Observer(address, failover, post, code))
        while True:
            match session.next_event():
                case RoomChanged(participants):
                    computers = computers_of(participants, now=time.monotonic())
                    if not args.watch:
                        print_room(computers, output, is_private=tracker.is_private)
                        return ExitCode.DONE
                    shown = watch_room(computers, shown, output, is_private=tracker.is_private)
                    if output.is_lost:
                        return ExitCode.DONE
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
    for computer in computers:
        output.json(
            event="member",
            machine=computer.machine,
            name=shown_name(computer.name),
            address=str(computer.address),
            state=computer.state.value,
            have=computer.have,
            of=computer.size,
            title=shown_name(computer.title),
            reason=shown_name(computer.reason),
            up=computer.up,
            down=computer.down,
            seconds_left=_whole(computer.seconds_left),
            given=computer.given,
            silent_s=round(computer.silent_s, 1),
            left=computer.has_left,
            reachable=computer.is_reachable,
            files=computer.files,
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
