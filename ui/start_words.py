"""What the start page says below its three choices. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from roles.values import figures
from ui import wording

CALM_S = 10.0  # until then nothing is a problem: others may still be starting, too
_THIS_COMPUTER = "this computer, port"  # see wording.place(); the name of a computer stays as it is


class Line(NamedTuple):
    text: str
    tone: str  # of the window's theme


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What this window knows of the room."""

    looked_s: float  # since the search began
    tracker: str = ""  # the computer of the tracker in use; "" if none answers
    others: int = 0  # trackers found, if it is not known which one is meant
    folders: int = 0  # that the tracker lists
    files: int = 0
    size: int = 0  # bytes of them
    is_own: bool = False  # this window runs the tracker
    is_private: bool = False  # the room is
    needs_code: bool = False  # and its code is not known
    shared: str = ""  # the folder that this window shares


def get_line(facts: StartFacts) -> Line:
    if facts.needs_code:
        return Line("A private room is here. Ask for its code.", "Muted")
    if facts.tracker:
        who = facts.tracker.replace(_THIS_COMPUTER, _THIS_COMPUTER.capitalize())
        what = figures.count(facts.folders, "folder")
        if not facts.folders:
            what = figures.count(facts.files, "file")
        if facts.files:
            size = figures.size(facts.size).replace(" ", "\N{NO-BREAK SPACE}")
            return Line(f"● {who} is here: {what}, {size}", "Good")
        return Line(f"{who} is here, and nobody shares anything yet.", "Muted")
    if facts.others:
        return Line(f"{facts.others} rooms are here. Choose one.", "Muted")
    if facts.looked_s < CALM_S:
        return Line("Looking for others …", "Muted")
    return Line("Nobody is here yet. Still looking.", "Muted")


def give_line(facts: StartFacts) -> Line:
    if facts.shared:
        return Line(f"● Sharing {wording.short_name(facts.shared)}", "Good")
    if facts.is_own:
        return Line("Joins the room of this computer.", "Muted")
    if facts.tracker:
        return Line(f"Joins the room of {facts.tracker}.", "Muted")
    if facts.others:
        return Line(f"{facts.others} rooms are here. Choose one.", "Muted")
    return Line("Starts the room by itself if there is none.", "Muted")


def run_line(facts: StartFacts) -> Line:
    if facts.is_own:
        return Line("● The room runs on this computer.", "Good")
    if facts.tracker:
        tone = "Muted" if facts.looked_s < CALM_S else "Warning"
        return Line(f"Start only one: {facts.tracker} runs one already.", tone)
    if facts.others:
        return Line(f"Start only one: {facts.others} are running already.", "Muted")
    return Line("One computer of the room does this.", "Muted")
