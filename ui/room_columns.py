"""The columns of a table of computers of a room, in the window and in the terminal.

Pure.
"""

from __future__ import annotations

from roles.values.members import Member
from roles.values.participants import MemberState
from roles.values.room_words import by_computer, by_has, by_state, computer, has, reason, state
from ui.columns import Column, Icon

COMPUTER = Column[Member]("Computer", computer, by_computer, width=104, stretches=True)
ADDRESS = Column[Member]("Address", lambda one: str(one.address), width=142)
STATE = Column[Member]("State", state, by_state, width=116)
HAS = Column[Member]("Has", has, by_has, width=126, stretches=True)
DOWN = Column[Member].of_rate("Down", lambda one: one.down, 84)
UP = Column[Member].of_rate("Up", lambda one: one.up, 84)
LEFT = Column[Member].of_duration("Left", lambda one: one.seconds_left, 64)
GAVE = Column[Member].of_size("Gave", lambda one: one.given or None, 72)
REASON = Column[Member]("Reason", reason, width=110, stretches=True, cut="end")

_ICONS = {
    MemberState.FAILED: "failed",
    MemberState.WAITING: "waiting",
    MemberState.DOWNLOADING: "down",
    MemberState.CANCELLED: "gone",
    MemberState.DONE: "done",
    MemberState.GIVING: "up",
    MemberState.IDLE: "idle",
}


def icon_of(one: Member) -> Icon:
    """The picture of its state."""
    return Icon(_icon_name(one))


def _icon_name(one: Member) -> str:
    if one.is_silent or one.has_left:
        return "done" if one.has_left and one.state is MemberState.DONE else "gone"
    if one.state is MemberState.FAILED or one.is_disk_full:
        return "failed"
    return "warning" if one.is_behind_firewall else _ICONS[one.state]


IN_WINDOW = (COMPUTER, ADDRESS, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
NOT_FOR_A_PROJECTOR = (ADDRESS, UP, GAVE)
IN_TERMINAL = (COMPUTER, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
