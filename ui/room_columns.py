"""The room as a table: what stands in each column, in the window and in the terminal.

Pure. `silent_s` is how many seconds ago a participant pinged last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from roles.values.participants import Participant
from roles.values.safe_names import shown_name
from ui import wording

SortKey: TypeAlias = str | float

MAX_WORDS = 80  # characters of a stranger's state or reason
MAX_TITLE = 60  # of what it fetches
_STATES = {state.value: words for state, words in wording.SEEDER_STATES.items()}


@dataclass(frozen=True, slots=True)
class RoomColumn:
    """One column; `width` in pixels of a screen of 96 dpi."""

    title: str
    text: Callable[[Participant, float], str]  # of the cell of a participant, and silent_s
    sort_key: Callable[[Participant, float], SortKey] | None = None  # None: sorted by its text
    width: int = 0
    is_number: bool = False
    stretches: bool = False

    def key(self, one: Participant, silent_s: float) -> SortKey:
        """What sorts the rows by this column."""
        return (self.sort_key or self.text)(one, silent_s)


def computer(one: Participant) -> str:
    """What it calls itself, "" when it does not."""
    return shown_name(one.name, wording.COMPUTER_LENGTH)


def by_computer(one: Participant) -> str:
    """Sorts by name, and those without one last."""
    return wording.computer_order(computer(one), str(one.address))


def role(one: Participant) -> str:
    """Leecher or seeder."""
    return "Leecher" if one.is_leecher else "Seeder"


def state(one: Participant) -> str:
    """What it does, in its own words."""
    said = shown_name(one.status.state, MAX_WORDS)
    if one.is_original:
        return "Original program"
    if not one.is_leecher and said in _STATES:
        return _STATES[said]
    return said[:1].upper() + said[1:]


def reason(one: Participant) -> str:
    """What keeps it from going on, in its own words; "" for nothing."""
    said = (one.status.reason, *(transfer.reason for transfer in one.status.transfers))
    return next((shown_name(words, MAX_WORDS) for words in said if words), "")


def state_with_reason(one: Participant) -> str:
    """Both in one cell."""
    words, why = state(one), reason(one)
    if why:
        return f"{words}: {why}" if words else why
    if one.is_reachable is False:
        return f"{words}, behind a firewall".lstrip(", ")
    return words


def hindrances(one: Participant) -> str:
    """Why it waits, and whether others can connect to it."""
    outside = "cannot be reached from outside" if one.is_reachable is False else ""
    return "; ".join(filter(None, (reason(one), outside)))


def has(one: Participant) -> str:
    """How many files a seeder offers; how much a leecher has of all that it fetches."""
    if not one.is_leecher:
        return wording.count(one.files, "file") if one.files else ""
    transfers = one.status.transfers
    if not transfers:
        return ""
    unfinished = (transfer for transfer in transfers if transfer.have < transfer.size)
    title = shown_name(next(unfinished, transfers[0]).title, MAX_TITLE)
    more = f" and {len(transfers) - 1} more" if len(transfers) > 1 else ""
    return f"{_percent(one)} % of {title}{more}"


def by_has(one: Participant) -> float:
    """Leechers by how much they have, then seeders by how much they offer."""
    if not one.is_leecher:
        return 101.0 + one.files
    return float(_percent(one)) if one.status.transfers else -1.0


def _percent(one: Participant) -> int:
    have = sum(transfer.have for transfer in one.status.transfers)
    return wording.percent(have, sum(transfer.size for transfer in one.status.transfers))


COMPUTER = RoomColumn(
    "Computer",
    lambda one, _: computer(one),
    lambda one, _: by_computer(one),
    width=104,
    stretches=True,
)
NAME = RoomColumn(
    "Name", lambda one, _: computer(one) or str(one.address), lambda one, _: by_computer(one)
)
ADDRESS = RoomColumn("Address", lambda one, _: str(one.address), width=142)
ROLE = RoomColumn("Role", lambda one, _: role(one), width=70)
STATE = RoomColumn("State", lambda one, _: state(one))
STATE_WITH_REASON = RoomColumn(
    "State", lambda one, _: state_with_reason(one), width=104, stretches=True
)
HAS = RoomColumn(
    "Has", lambda one, _: has(one), lambda one, _: by_has(one), width=150, stretches=True
)
UP = RoomColumn(
    "Up",
    lambda one, _: wording.rate(one.status.up),
    lambda one, _: float(one.status.up),
    width=88,
    is_number=True,
)
DOWN = RoomColumn(
    "Down",
    lambda one, _: wording.rate(one.status.down),
    lambda one, _: float(one.status.down),
    width=88,
    is_number=True,
)
PING = RoomColumn(
    "Ping",
    lambda _, silent_s: wording.ago(silent_s),
    lambda _, silent_s: silent_s,
    width=76,
    is_number=True,
)
WHY_IT_WAITS = RoomColumn("Why it waits", lambda one, _: hindrances(one))

IN_WINDOW = (COMPUTER, ADDRESS, ROLE, STATE_WITH_REASON, HAS, UP, DOWN, PING)
IN_TERMINAL = (NAME, ROLE, STATE, HAS, UP, DOWN, WHY_IT_WAITS)
