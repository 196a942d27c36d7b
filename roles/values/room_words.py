"""The computers of a room in words, for the window, the terminal and the browser. Pure."""

from __future__ import annotations

import re

from roles.values.figures import count, duration_words, percent
from roles.values.members import Member, RoomSummary
from roles.values.participants import PRECEDENCE, MemberState
from roles.values.safe_names import shown_name

COMPUTER_LENGTH = 40  # characters of a computer's name in a row
MAX_REASON = 80  # characters
MAX_TITLE = 60
STATES = {
    MemberState.IDLE: "Not begun",
    MemberState.DOWNLOADING: "Downloading",
    MemberState.WAITING: "Waiting",
    MemberState.DONE: "Done",
    MemberState.FAILED: "Failed",
    MemberState.CANCELLED: "Cancelled",
    MemberState.GIVING: "Sharing",
}
_COUNTED = (
    MemberState.DONE,
    MemberState.DOWNLOADING,
    MemberState.WAITING,
    MemberState.FAILED,
    MemberState.CANCELLED,
    MemberState.GIVING,
    MemberState.IDLE,
)
_NUMBER = re.compile("[0-9]+")


# One computer


def computer(one: Member) -> str:
    """Its name, else its address."""
    return shown_name(one.name, COMPUTER_LENGTH) or str(one.address)


def by_computer(one: Member) -> str:
    """Sorts by name; those without one come last."""
    return computer_order(shown_name(one.name, COMPUTER_LENGTH), str(one.address))


def computer_order(name: str, where: str) -> str:
    """A sort key for computers: by name, with pc-9 before pc-10; those without one come last."""
    return _NUMBER.sub(_padded, name.casefold()) or f"\uffff{where}"


def state(one: Member) -> str:
    words = STATES[one.state]
    if one.has_left:
        return f"Left, {words.lower()}"
    if one.is_silent:
        return f"Silent for {duration_words(one.silent_s)}"
    return "Original program" if one.is_original else words


def by_state(one: Member) -> float:
    """The sort key of the state: those that need help first, then as in PRECEDENCE."""
    return PRECEDENCE.index(one.state) + (0.0 if one.needs_help else len(PRECEDENCE))


def reason(one: Member) -> str:
    """Why it waits or failed, and whether a firewall shields it."""
    said = shown_name(one.reason, MAX_REASON)
    return "; ".join(filter(None, (said, "behind a firewall" * one.is_behind_firewall)))


def tone_of(one: Member) -> str:
    """The colour of its row or tile, as the window's Theme names it."""
    if one.is_silent:
        return "Muted"
    if one.state is MemberState.FAILED or one.is_disk_full:
        return "Bad"
    if one.state is MemberState.DONE and not one.is_behind_firewall:
        return "Good"
    if one.has_left:
        return "Muted"
    if one.is_behind_firewall or one.state is MemberState.WAITING:
        return "Warning"
    return "Accent" if one.state is MemberState.DOWNLOADING else "Plain"


def has(one: Member) -> str:
    """How much it has of what it asked for, or how many files it offers."""
    if one.size or one.state is MemberState.DONE:
        title = shown_name(one.title, MAX_TITLE)
        return f"{percent(one.have, one.size)} %" + (f" of {title}" if title else "")
    return count(one.files, "file") if one.files else ""


def by_has(one: Member) -> float:
    """The sort key of what it has: by the part that is there; who asked for nothing comes last."""
    if one.size or one.state is MemberState.DONE:
        return float(percent(one.have, one.size))
    return 101.0 + one.files


# All of them


def how_far(room: RoomSummary) -> str:
    """ "23 of 30 done, the last one in 2 min; 1 needs help."."""
    if not room.members:
        return "Nobody has joined to download yet."
    left = duration_words(room.seconds_left)
    sentence = f"{room.done} of {room.members} done" + (f", the last one in {left}" if left else "")
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
