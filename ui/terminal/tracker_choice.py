"""Which tracker a command uses: named by an option or the environment, or found on the network."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from roles.values.addresses import Address
from roles.values.errors import LmkError, UserInputError
from roles.values.events import RoleStopped, TrackersFound
from roles.values.findings import FoundTracker, ours_first
from roles.values.room_words import shown_computer
from roles.values.safe_names import shown_name
from roles.values.settings import Failover
from roles.values.typed_settings import may_discover, tracker_address
from ui.terminal.code_options import with_code
from ui.terminal.offered_list import chosen_by_number
from ui.terminal.output import Output, can_ask
from ui.terminal.session import Session

FIND_S = 2.0  # how long to look for trackers
OTHERS_S = 0.5  # how long to wait for others after one of ours has answered
T = TypeVar("T")


class ChosenTracker(NamedTuple):
    """A tracker, where else to look for it, and the code of its room."""

    address: Address
    failover: Failover
    code: str = ""

    @property
    def is_private(self) -> bool:
        """Whether its room is."""
        return bool(self.code)


def in_room(args: argparse.Namespace, output: Output, work: Callable[[ChosenTracker], T]) -> T:
    """Call `work` with the tracker that the options name, or the program finds, and with the code
    if its room turns out to be private. Raises like with_code() and chosen_tracker().
    """

    def enter(code: str) -> T:
        tracker = chosen_tracker(args.tracker, output, is_private=bool(code))
        return work(tracker._replace(code=code))

    return with_code(args, output, enter)


def chosen_tracker(
    typed: Address | None,
    output: Output,
    environment: Mapping[str, str] = os.environ,
    *,
    is_private: bool = False,
) -> ChosenTracker:
    """The tracker of --tracker, of LMK_TRACKER, one found on the network, or this computer.

    `is_private`: a code was given, so only a private room is looked for.
    Raises UserInputError for a bad LMK_TRACKER or a bad answer.
    """
    may_look = may_discover(environment)
    if typed is not None:
        return ChosenTracker(typed, Failover.SAME if may_look else Failover.NOWHERE)
    named = tracker_address("", environment)
    if not may_look:
        return ChosenTracker(named, Failover.NOWHERE)
    if environment.get("LMK_TRACKER", "").strip():
        return ChosenTracker(named, Failover.SAME)
    found = ours_first(found_trackers(output))
    if is_private:
        found = tuple(tracker for tracker in found if tracker.is_private)
    if not found:
        output.say(f"No tracker was found on this network; asking {named}, and still searching.")
        return ChosenTracker(named, Failover.ANY)
    if len(found) == 1:
        output.say(f"Found {_words(found[0])}.")
    elif can_ask() and not output.as_json and not output.quiet:
        return ChosenTracker(_asked_for(found, output), Failover.ANY)
    else:
        taken = _words(found[0])
        output.say(f"Found {len(found)} trackers; using {taken}. Choose another with --tracker.")
    return ChosenTracker(found[0].address, Failover.ANY)


def found_trackers(output: Output, *, for_all: bool = False) -> tuple[FoundTracker, ...]:
    """The trackers that answer within FIND_S. Unless `for_all`, it ends soon after one of ours.

    A computer without a network finds none; that is no error.
    """
    from roles.discovery import Discovery  # a command that is told its tracker needs none

    found: tuple[FoundTracker, ...] = ()
    deadline = time.monotonic() + FIND_S
    try:
        with Session(output) as session:
            session.start(Discovery)
            while (left_s := deadline - time.monotonic()) > 0:
                match session.event_within(left_s):
                    case TrackersFound(found):
                        if not for_all and not all(tracker.is_original for tracker in found):
                            deadline = min(deadline, time.monotonic() + OTHERS_S)
                    case RoleStopped():
                        break
                    case _:
                        continue
    except LmkError:
        pass
    return found


def _words(tracker: FoundTracker) -> str:
    """ "the tracker lab-pc-01 (192.168.1.5:12500)"."""
    if tracker.is_original:
        return f"the original tracker {tracker.address}"
    name = shown_computer(tracker.name)
    kind = "private room" if tracker.is_private else "tracker"
    return f"the {kind} {name} ({tracker.address})" if name else f"the {kind} {tracker.address}"


def _asked_for(found: Sequence[FoundTracker], output: Output) -> Address:
    for number, tracker in enumerate(found, 1):
        output.result(f"{number:4}  {_words(tracker)}")
    with Session(output) as session:
        typed = session.ask(f"Which tracker? A number from 1 to {len(found)}: ") or "1"
    numbers = chosen_by_number(typed, len(found)) if typed.isdigit() else []
    if len(numbers) != 1:
        raise UserInputError(
            f"“{shown_name(typed)}” is not a choice. Type a number from 1 to {len(found)}."
        )
    return found[numbers[0] - 1].address
