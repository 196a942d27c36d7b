"""What the start page says below its three choices. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from roles.values import figures
from ui import wording
from ui.toned_text import TonedText

CALM_S = 10.0  # until then nothing is a problem: others may still be starting, too
_THIS_COMPUTER = "this computer, port"  # see wording.place(); the name of a computer stays as it is


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


def get_line(facts: StartFacts) -> TonedText:
    if facts.needs_code:
        return TonedText("A private room is here. Ask for its code.", "Muted")
    if facts.tracker:
        who = facts.tracker.replace(_THIS_COMPUTER, _THIS_COMPUTER.capitalize())
        what = figures.count(facts.folders, "folder")
        if not facts.folders:
            what = figures.count(facts.files, "file")
        if facts.files:
            size = figures.size(facts.size).replace(" ", "\N{NO-BREAK SPACE}")
            return TonedText(f"● {who} is here: {what}, {size}", "Good")
        return TonedText(f"{who} is here, and nobody shares anything yet.", "Muted")
    if facts.others:
        return TonedText(f"{facts.others} rooms are here. Choose one.", "Muted")
    if facts.looked_s < CALM_S:
        return TonedText("Looking for others …", "Muted")
    return TonedText("Nobody is here yet. Still looking.", "Muted")


def give_line(facts: StartFacts) -> TonedText:
    if facts.shared:
        return TonedText(f"● Sharing {wording.short_name(facts.shared)}", "Good")
    if facts.is_own:
        return TonedText("Joins the room of this computer.", "Muted")
    if facts.tracker:
        return TonedText(f"Joins the room of {facts.tracker}.", "Muted")
    if facts.others:
        return TonedText(f"{facts.others} rooms are here. Choose one.", "Muted")
    return TonedText("Starts the room by itself if there is none.", "Muted")


def run_line(facts: StartFacts) -> TonedText:
    if facts.is_own:
        return TonedText("● The room runs on this computer.", "Good")
    if facts.tracker:
        tone = "Muted" if facts.looked_s < CALM_S else "Warning"
        return TonedText(f"Start only one: {facts.tracker} runs one already.", tone)
    if facts.others:
        return TonedText(f"Start only one: {facts.others} are running already.", "Muted")
    return TonedText("One computer of the room does this.", "Muted")
