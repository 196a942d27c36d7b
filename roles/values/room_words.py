"""The computers of a room in words, for the window, the terminal and the browser. Pure."""

from __future__ import annotations

import re

from roles.values.computers import Computer, RoomSummary
from roles.values.figures import count, duration_words, percent
from roles.values.participants import PRECEDENCE, ParticipantState
from roles.values.safe_names import shown_name

_COMPUTER_LENGTH = 40  # characters of a computer's name
MAX_REASON = 80  # characters
MAX_TITLE = 60
STATES = {
    ParticipantState.IDLE: "Not begun",
    ParticipantState.DOWNLOADING: "Downloading",
    ParticipantState.WAITING: "Waiting",
    ParticipantState.DONE: "Done",
    ParticipantState.FAILED: "Failed",
    ParticipantState.CANCELLED: "Cancelled",
    ParticipantState.GIVING: "Sharing",
}
_COUNTED = (
    ParticipantState.DONE,
    ParticipantState.DOWNLOADING,
    ParticipantState.WAITING,
    ParticipantState.FAILED,
    ParticipantState.CANCELLED,
    ParticipantState.GIVING,
    ParticipantState.IDLE,
)
_NUMBER = re.compile("[0-9]+")


# One computer


def shown_computer(name: str) -> str:
    """The name of a computer, safe to show, and short enough for a row or a sentence."""
    return shown_name(name, _COMPUTER_LENGTH)


def name_of(computer: Computer) -> str:
    """Its name, else its address."""
    return shown_computer(computer.name) or str(computer.address)


def by_computer(computer: Computer) -> str:
    """Sorts by name; those without one come last."""
    return computer_order(shown_computer(computer.name), str(computer.address))


def computer_order(name: str, where: str) -> str:
    """A sort key for computers: by name, with pc-9 before pc-10; those without one come last."""
    return _NUMBER.sub(_padded, name.casefold()) or f"\uffff{where}"


def state(computer: Computer) -> str:
    words = STATES[computer.state]
    if computer.has_left:
        return f"Left, {words.lower()}"
    if computer.is_silent:
        return f"Silent for {duration_words(computer.silent_s)}"
    return "Original program" if computer.is_original else words


def by_state(computer: Computer) -> float:
    """The sort key of the state: those that need help first, then as in PRECEDENCE."""
    return PRECEDENCE.index(computer.state) + (0.0 if computer.needs_help else len(PRECEDENCE))


def reason(computer: Computer) -> str:
    """Why it waits or failed, and whether a firewall shields it."""
    said = shown_name(computer.reason, MAX_REASON)
    return "; ".join(filter(None, (said, "behind a firewall" * computer.is_behind_firewall)))


def tone_of(computer: Computer) -> str:
    """The colour of its row or tile, as the window's Theme names it."""
    if computer.is_silent:
        return "Muted"
    if computer.state is ParticipantState.FAILED or computer.is_disk_full:
        return "Bad"
    if computer.state is ParticipantState.DONE and not computer.is_behind_firewall:
        return "Good"
    if computer.has_left:
        return "Muted"
    if computer.is_behind_firewall or computer.state is ParticipantState.WAITING:
        return "Warning"
    return "Accent" if computer.state is ParticipantState.DOWNLOADING else "Plain"


def has(computer: Computer) -> str:
    """How much it has of what it asked for, or how many files it offers."""
    if computer.size or computer.state is ParticipantState.DONE:
        title = shown_name(computer.title, MAX_TITLE)
        return f"{percent(computer.have, computer.size)} %" + (f" of {title}" if title else "")
    return count(computer.files, "file") if computer.files else ""


def by_has(computer: Computer) -> float:
    """The sort key of what it has: by the part that is there; who asked for nothing comes last."""
    if computer.size or computer.state is ParticipantState.DONE:
        return float(percent(computer.have, computer.size))
    return 101.0 + computer.files


# All of them


def how_far(room: RoomSummary) -> str:
    """ "23 of 30 done, the last one in 2 min; 1 needs help."."""
    if not room.counted:
        return "Nobody has joined to download yet."
    left = duration_words(room.seconds_left)
    sentence = f"{room.done} of {room.counted} done" + (f", the last one in {left}" if left else "")
    needs = "needs" if room.problems == 1 else "need"
    return sentence + (f"; {room.problems} {needs} help." if room.problems else ".")


def counts(room: RoomSummary) -> str:
    """ "30 computers: 23 done · 3 downloading · 1 silent". Each computer counts once."""
    if not room.computers:
        return ""
    numbers = [(room.states[state], STATES[state].lower()) for state in _COUNTED]
    words = [f"{number} {word}" for number, word in (*numbers, (room.silent, "silent")) if number]
    return f"{count(room.computers, 'computer').capitalize()}: {' · '.join(words)}"


def _padded(number: re.Match[str]) -> str:
    return number[0].zfill(8)
