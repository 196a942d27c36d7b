"""The room as a table: what stands in each column, in the window and in the terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable

from roles.values.participants import Participant
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column

MAX_WORDS = 80  # characters of a stranger's state or reason
MAX_TITLE = 60  # of what it fetches
_STATES = {state.value: words for state, words in wording.SEEDER_STATES.items()}


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


COMPUTER = Column("Computer", computer, by_computer, width=104, stretches=True)
NAME = Column[Participant]("Name", lambda one: computer(one) or str(one.address), by_computer)
ADDRESS = Column[Participant]("Address", lambda one: str(one.address), width=142)
ROLE = Column("Role", role, width=70)
STATE = Column("State", state)
STATE_WITH_REASON = Column("State", state_with_reason, width=104, stretches=True)
HAS = Column("Has", has, by_has, width=150, stretches=True)
UP = Column[Participant].of_number(
    "Up", lambda one: one.status.up, lambda one: wording.rate(one.status.up), 88
)
DOWN = Column[Participant].of_number(
    "Down", lambda one: one.status.down, lambda one: wording.rate(one.status.down), 88
)
WHY_IT_WAITS = Column("Why it waits", hindrances)


def ping(clock: Callable[[], float]) -> Column[Participant]:
    """How long ago each pinged; `clock` is the tracker's."""

    def silent_s(one: Participant) -> float:
        return max(0.0, clock() - one.last_ping)

    return Column.of_number("Ping", silent_s, lambda one: wording.ago(silent_s(one)), 76)


IN_TERMINAL = (NAME, ROLE, STATE, HAS, UP, DOWN, WHY_IT_WAITS)


def in_window(clock: Callable[[], float]) -> tuple[Column[Participant], ...]:
    return (COMPUTER, ADDRESS, ROLE, STATE_WITH_REASON, HAS, UP, DOWN, ping(clock))
