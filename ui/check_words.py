"""What each finding about this computer means, and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from roles.values import figures
from roles.values.disk_names import shown_path
from roles.values.findings import (
    ClockChecked,
    DialBackChecked,
    Finding,
    FolderChecked,
    FoundTracker,
    InterfaceChecked,
    PortChecked,
    SpaceChecked,
    TrackerChecked,
)
from ui import wording

LITTLE_SPACE = 1_000_000_000  # bytes: many lessons need less, a virtual machine needs more
NO_SPACE = 100_000_000  # bytes
CLOCKS_DIFFER_S = 60.0
# The program was written in 2026: an earlier clock is wrong. Later than 2100, its battery is empty.
FIRST_YEAR, LAST_YEAR = 2025, 2100


class Outcome(StrEnum):
    GOOD = "good"
    NOTE = "note"  # works, or cannot be known; worth reading if something fails
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CheckWords:
    """One line of the report."""

    check: str  # the same word in every version: scripts rely on it
    title: str
    outcome: Outcome
    text: str
    remedy: str = ""  # what to do, unless everything is good


def check_words(finding: Finding, platform: str) -> CheckWords:
    """`platform` as in sys.platform."""
    match finding:
        case InterfaceChecked():
            return _interface(finding)
        case TrackerChecked():
            return _tracker(finding)
        case PortChecked():
            return _port(finding)
        case DialBackChecked():
            return _dial_back(finding, platform)
        case FolderChecked(Path() as folder, None):
            text = f"{shown_path(folder)} can be written."
            return CheckWords("folder", "Download folder", Outcome.GOOD, text)
        case FolderChecked(_, failure):
            text, remedy = _split(str(failure))
            return CheckWords("folder", "Download folder", Outcome.FAILED, text, remedy)
        case SpaceChecked():
            return _space(finding)
        case ClockChecked():
            return _clock(finding)


def summary(lines: list[CheckWords]) -> str:
    failed = sum(line.outcome is Outcome.FAILED for line in lines)
    notes = sum(line.outcome is Outcome.NOTE for line in lines)
    if failed:
        verb = "needs" if failed == 1 else "need"
        return f"{figures.count(failed, 'thing').capitalize()} {verb} to be fixed."
    if notes:
        return f"Nothing failed; {figures.count(notes, 'note')}."
    return "This computer is ready."


def _interface(finding: InterfaceChecked) -> CheckWords:
    line = ("discovery", finding.interface or "Network")
    if not finding.host:
        why = f" ({finding.fault})" if finding.fault else ""
        text = f"This computer has no network address{why}."
        return CheckWords(*line, Outcome.FAILED, text, "Plug in the cable, or join the Wi-Fi.")
    if finding.fault:
        text = f"Nothing can be sent from {finding.host} ({finding.fault})."
        remedy = "Check the cable and the settings of this network."
        return CheckWords(*line, Outcome.FAILED, text, remedy)
    if not finding.sent:
        text = f"{finding.host}: no search for trackers, because LMK_DISCOVER is off."
        remedy = "Unset LMK_DISCOVER, or name the tracker."
        return CheckWords(*line, Outcome.NOTE, text, remedy)
    asked = f"{finding.host}: asked {finding.sent} times"
    if finding.heard:
        names = wording.names(list(map(_name, finding.heard)))
        text = f"{asked}, heard {figures.count(len(finding.heard), 'tracker')}: {names}."
        return CheckWords(*line, Outcome.GOOD, text)
    remedy = (
        "Start a tracker in this network. If one runs, its firewall must let UDP 12500 in, "
        "and the Wi-Fi must let computers see each other; otherwise type its address."
    )
    return CheckWords(*line, Outcome.NOTE, f"{asked}, heard no tracker.", remedy)


def _name(tracker: FoundTracker) -> str:
    if tracker.is_private:
        return f"the private room {wording.place(tracker.address)}"
    return wording.computer(tracker.name, tracker.address)


def _tracker(finding: TrackerChecked) -> CheckWords:
    line = ("tracker", "Tracker")
    if finding.tracker is None:
        remedy = "Start one on the teacher's computer, or type its address."
        return CheckWords(*line, Outcome.NOTE, "No tracker was found.", remedy)
    if finding.failure is not None:
        text, remedy = _split(str(finding.failure))
        return CheckWords(*line, Outcome.FAILED, text, remedy)
    who = wording.computer(finding.name, finding.tracker)
    if finding.is_original:
        who = f"The original tracker {wording.place(finding.tracker)}"
    elif not finding.name:
        who = wording.capitalized(who)
    more = " Its room is private, and the code is right." if finding.is_private else ""
    return CheckWords(*line, Outcome.GOOD, f"{who} answers.{more}")


def _port(finding: PortChecked) -> CheckWords:
    name = "tracker-port" if finding.is_trackers else "port"
    kinds = "UDP and TCP" if finding.is_trackers else "TCP"
    line = (name, "Port of a tracker" if finding.is_trackers else "Port of this computer")
    if finding.is_ours:
        text = f"LMKtorrent is using {kinds} {finding.port} on this computer."
        return CheckWords(*line, Outcome.GOOD, text)
    if not finding.fault:
        return CheckWords(*line, Outcome.GOOD, f"{kinds} {finding.port} is free.")
    text, remedy = _split(finding.fault)
    if finding.instead is None:
        return CheckWords(*line, Outcome.FAILED, text, remedy)
    remedy = (
        f"LMKtorrent would use {finding.instead} instead. A firewall that only lets "
        f"{finding.port} in must let that in too, or stop the other program."
    )
    return CheckWords(*line, Outcome.NOTE, text, remedy)


def _dial_back(finding: DialBackChecked, platform: str) -> CheckWords:
    line = ("dial-back", "Reachable by others")
    if finding.is_reachable:
        text = f"The tracker could connect to this computer on TCP {finding.port}."
        return CheckWords(*line, Outcome.GOOD, text)
    if finding.is_reachable is False:
        text = (
            f"Others cannot connect to this computer on TCP {finding.port}: a firewall blocks it."
        )
        remedy = f"Downloads still work. {wording.firewall_remedy(finding.port, platform)}"
        return CheckWords(*line, Outcome.FAILED, text, remedy)
    if finding.is_here:
        text = "Not known: the tracker runs on this computer, so its connections pass no firewall."
        remedy = "Run this check on another computer: it tests the way to this one."
    elif finding.is_original:
        text, remedy = "Not known: an original tracker does not test it.", ""
    else:
        text = "Not known: the tracker did not say whether it could connect."
        remedy = "Check again in a minute; the tracker may be busy."
    return CheckWords(*line, Outcome.NOTE, text, remedy)


def _space(finding: SpaceChecked) -> CheckWords:
    line = ("space", "Free space")
    if finding.fault:
        text = f"The disk of {shown_path(finding.folder)} does not tell its free space."
        return CheckWords(*line, Outcome.NOTE, f"{text[:-1]} ({finding.fault}).")
    size = figures.size(max(0, finding.room))
    text = f"Room for {size} of downloads."
    if finding.room < NO_SPACE:
        remedy = "Delete files that nobody needs, or choose a folder on another disk."
        return CheckWords(*line, Outcome.FAILED, text, remedy)
    if finding.room < LITTLE_SPACE:
        remedy = "Make sure that this is enough for what is offered."
        return CheckWords(*line, Outcome.NOTE, text, remedy)
    return CheckWords(*line, Outcome.GOOD, text)


def _clock(finding: ClockChecked) -> CheckWords:
    line = ("clock", "Clock")
    now = datetime.fromtimestamp(finding.now, UTC)
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        text = f"The clock of this computer says {now:%Y-%m-%d}."
        return CheckWords(*line, Outcome.NOTE, text, _SET_CLOCK)
    ahead_s = finding.disk_ahead_s
    if ahead_s is not None and abs(ahead_s) > CLOCKS_DIFFER_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        text = (
            f"The disk of the download folder has a clock that is {figures.duration(abs(ahead_s))} "
            f"{way} this computer's."
        )
        return CheckWords(*line, Outcome.NOTE, text, _SET_CLOCK)
    return CheckWords(*line, Outcome.GOOD, f"{now:%Y-%m-%d %H:%M} UTC.")


_SET_CLOCK = "Downloads work, but new files may get wrong times. Set the clock."


def _split(sentences: str) -> tuple[str, str]:
    """The first sentence, and what to do. A full stop also stands in addresses and names."""
    first, stop, rest = sentences.partition(". ")
    return first + stop.rstrip(), rest
