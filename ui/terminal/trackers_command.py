"""The command `trackers`: lists the trackers of this network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from roles.values.errors import TrackerSilentError, UserInputError
from roles.values.events import FoundTracker, ours_first
from roles.values.safe_names import shown_name
from roles.values.settings import may_discover
from ui.terminal.output import Output
from ui.terminal.tracker_choice import FIND_S
from ui.terminal.tracker_search import found_trackers


def run_trackers(output: Output, environment: Mapping[str, str] = os.environ) -> None:
    """Print them. Raises TrackerSilentError if there is none."""
    if not may_discover(environment):
        raise UserInputError(
            "LMK_DISCOVER is off, so nothing was searched. Unset it to search this network."
        )
    tell_trackers(found_trackers(FIND_S, for_all=True), output)


def tell_trackers(found: Sequence[FoundTracker], output: Output) -> None:
    """Print those that were found. Raises TrackerSilentError if there is none."""
    if not found:
        raise TrackerSilentError(
            "No tracker was found on this network. Name one of another network with --tracker."
        )
    for one in ours_first(found):
        address = str(one.address)
        output.json(event="tracker", name=one.name, address=address, original=one.is_original)
        if not output.as_json:
            name = "(original)" if one.is_original else shown_name(one.name, 40)
            output.result(f"{address:21}  {name}".rstrip())
