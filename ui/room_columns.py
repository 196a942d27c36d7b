"""The columns of the table of computers, in the window and in the terminal.

Pure.
"""

from __future__ import annotations

from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from roles.values.room_words import by_computer, by_has, by_state, has, name_of, reason, state
from ui.columns import Column, Icon

COMPUTER = Column[Computer]("Computer", name_of, by_computer, width=104, stretches=True)
ADDRESS = Column[Computer]("Address", lambda computer: str(computer.address), width=142)
STATE = Column[Computer]("State", state, by_state, width=116)
HAS = Column[Computer]("Has", has, by_has, width=126, stretches=True)
DOWN = Column[Computer].of_rate("Down", lambda computer: computer.down, 84)
UP = Column[Computer].of_rate("Up", lambda computer: computer.up, 84)
LEFT = Column[Computer].of_duration("Left", lambda computer: computer.seconds_left, 64)
GAVE = Column[Computer].of_size("Gave", lambda computer: computer.given or None, 72)
REASON = Column[Computer]("Reason", reason, width=110, stretches=True, cut="end")

_ICONS = {
    ParticipantState.FAILED: "failed",
    ParticipantState.WAITING: "waiting",
    ParticipantState.DOWNLOADING: "down",
    ParticipantState.CANCELLED: "gone",
    ParticipantState.DONE: "done",
    ParticipantState.GIVING: "up",
    ParticipantState.IDLE: "idle",
}


def icon_of(computer: Computer) -> Icon:
    """The picture of its state."""
    return Icon(_icon_name(computer))


def _icon_name(computer: Computer) -> str:
    if computer.is_silent or computer.has_left:
        return "done" if computer.has_left and computer.state is ParticipantState.DONE else "gone"
    if computer.state is ParticipantState.FAILED or computer.is_disk_full:
        return "failed"
    return "warning" if computer.is_behind_firewall else _ICONS[computer.state]


IN_WINDOW = (COMPUTER, ADDRESS, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
NOT_FOR_A_PROJECTOR = (ADDRESS, UP, GAVE)
IN_TERMINAL = (COMPUTER, STATE, HAS, DOWN, UP, LEFT, GAVE, REASON)
