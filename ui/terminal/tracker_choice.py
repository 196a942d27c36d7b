"""Which tracker a command uses: the one that is named, otherwise one found on the network."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from roles.values.addresses import Address
from roles.values.errors import UserInputError
from roles.values.events import FoundTracker, ours_first
from roles.values.safe_names import shown_name
from roles.values.settings import Follow, may_discover, tracker_address
from ui.terminal.choosing import chosen_by_number
from ui.terminal.output import Output, can_ask
from ui.terminal.session import Session
from ui.terminal.tracker_search import found_trackers

FIND_S = 2.0  # how long to look for trackers

Search = Callable[[], Sequence[FoundTracker]]
Ask = Callable[[str], str]


class ChosenTracker(NamedTuple):
    """A tracker, and where else it may be looked for."""

    address: Address
    follow: Follow


def chosen_tracker(
    chosen: argparse.Namespace, output: Output, environment: Mapping[str, str] = os.environ
) -> ChosenTracker:
    """The tracker of --tracker, of LMK_TRACKER, one found on the network, or this computer.

    Raises UserInputError for a bad LMK_TRACKER or a bad answer.
    """
    ask = _ask if can_ask() and not output.as_json and not output.quiet else None
    return tracker_for(chosen.tracker, output, environment, lambda: found_trackers(FIND_S), ask)


def tracker_for(
    typed: Address | None,
    output: Output,
    environment: Mapping[str, str],
    search: Search,
    ask: Ask | None,
) -> ChosenTracker:
    """The same, given how to search, and how to ask a person if there is one."""
    may_look = may_discover(environment)
    if typed is not None:
        return ChosenTracker(typed, Follow.SAME if may_look else Follow.NOWHERE)
    named = tracker_address("", environment)
    if not may_look:
        return ChosenTracker(named, Follow.NOWHERE)
    if environment.get("LMK_TRACKER", "").strip():
        return ChosenTracker(named, Follow.SAME)
    found = ours_first(search())
    if not found:
        output.say(f"No tracker was found on this network; asking {named}, and still searching.")
        return ChosenTracker(named, Follow.ANY)
    if len(found) == 1:
        output.say(f"Found {tracker_words(found[0])}.")
        return ChosenTracker(found[0].address, Follow.ANY)
    return ChosenTracker(_one_of(found, output, ask), Follow.ANY)


def tracker_words(found: FoundTracker) -> str:
    """ "the tracker lab-pc-01 (192.168.1.5:12500)"."""
    if found.is_original:
        return f"the original tracker {found.address}"
    name = shown_name(found.name, 40)
    return f"the tracker {name} ({found.address})" if name else f"the tracker {found.address}"


def _one_of(found: Sequence[FoundTracker], output: Output, ask: Ask | None) -> Address:
    if ask is None:
        taken = tracker_words(found[0])
        output.say(f"Found {len(found)} trackers; using {taken}. Choose another with --tracker.")
        return found[0].address
    for number, one in enumerate(found, 1):
        output.result(f"{number:4}  {tracker_words(one)}")
    typed = ask(f"Which tracker? A number from 1 to {len(found)}: ") or "1"
    numbers = chosen_by_number(typed, len(found)) if typed.isdigit() else []
    if len(numbers) != 1:
        raise UserInputError(
            f"“{shown_name(typed)}” is not a choice. Type a number from 1 to {len(found)}."
        )
    return found[numbers[0] - 1].address


def _ask(question: str) -> str:
    with Session() as session:
        return session.ask(question)
