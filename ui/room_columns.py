"""The members of a room as a table: what stands in each column, in the window and in the terminal.

Pure.
"""

from __future__ import annotations

from roles.values.members import Member
from roles.values.participants import PRECEDENCE, MemberState
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column

MAX_REASON = 80  # characters
MAX_TITLE = 60


def computer(one: Member) -> str:
    """Its name, else its address."""
    return shown_name(one.name, wording.COMPUTER_LENGTH) or str(one.address)


def by_computer(one: Member) -> str:
    """Sorts by name; those without one come last."""
    shown = shown_name(one.name, wording.COMPUTER_LENGTH)
    return wording.computer_order(shown, str(one.address))


def state(one: Member) -> str:
    if one.is_original:
        return "Original program"
    words = wording.MEMBER_STATES[one.state]
    if one.has_left:
        return f"Left, {words.lower()}"
    if one.is_silent:
        return f"Silent for {wording.duration_words(one.silent_s)}"
    return words


def by_state(one: Member) -> float:
    """Those that need help first, then as in PRECEDENCE."""
    return PRECEDENCE.index(one.state) + (0.0 if one.needs_help else len(PRECEDENCE))


def reason(one: Member) -> str:
    """Why it waits or failed, and whether a firewall shields it."""
    said = shown_name(one.reason, MAX_REASON)
    return "; ".join(filter(None, (said, "behind a firewall" * one.is_behind_firewall)))


def tone_of(one: Member) -> str:
    """The colour of its row or tile, as Theme names it."""
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
        return f"{wording.percent(one.have, one.size)} %" + (f" of {title}" if title else "")
    return wording.count(one.files, "file") if one.files else ""


def by_has(one: Member) -> float:
    """By the part that is there; those that asked for nothing come last."""
    if one.size or one.state is MemberState.DONE:
        return float(wording.percent(one.have, one.size))
    return 101.0 + one.files


COMPUTER = Column[Member]("Computer", computer, by_computer, width=104, stretches=True)
ADDRESS = Column[Member]("Address", lambda one: str(one.address), width=142)
STATE = Column[Member]("State", state, by_state, width=116)
HAS = Column[Member]("Has", has, by_has, width=126, stretches=True)
DOWN = Column[Member].of_number(
    "Down", lambda one: one.down, lambda one: wording.rate(one.down), 84
)
UP = Column[Member].of_number("Up", lambda one: one.up, lambda one: wording.rate(one.up), 84)
LEFT = Column[Member].of_number(
    "Left",
    lambda one: -1.0 if one.seconds_left is None else one.seconds_left,
    lambda one: wording.duration(one.seconds_left),
    64,
)
GAVE = Column[Member].of_number(
    "Gave", lambda one: one.given, lambda one: wording.size(one.given) if one.given else "", 72
)
REASON = Column[Member]("Reason", reason, width=110, stretches=True)

IN_WINDOW = (COMPUTER, ADDRESS, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
IN_TERMINAL = (COMPUTER, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
