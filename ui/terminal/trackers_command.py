"""The command `trackers`: lists those of this network."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from roles.program.profile import Profile
from roles.values.errors import TrackerSilentError, UserInputError
from roles.values.findings import FoundTracker, ours_first
from roles.values.room_words import shown_computer
from roles.values.typed_settings import may_discover
from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.tracker_choice import found_trackers


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Print them. Raises TrackerSilentError if there is none."""
    if not may_discover(os.environ):
        raise UserInputError(
            "LMK_DISCOVER is off, so nothing was searched. Unset it to search this network."
        )
    return print_trackers(found_trackers(output, for_all=True), output)


def print_trackers(found: Sequence[FoundTracker], output: Output) -> ExitCode:
    if not found:
        raise TrackerSilentError(
            "No tracker was found on this network. Name one of another network with --tracker."
        )
    for tracker in ours_first(found):
        address = str(tracker.address)
        name = "(original)" if tracker.is_original else shown_computer(tracker.name)
        if tracker.is_private:
            name = f"{name} (private)".strip()
        output.json(
            event="tracker",
            name=tracker.name,
            address=address,
            original=tracker.is_original,
            private=tracker.is_private,
        )
        output.result(f"{address:21}  {name}".rstrip())
    return ExitCode.DONE
