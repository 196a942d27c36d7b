"""Who is in the room and how far each is, as a page that renews itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from roles.values import room_words
from roles.values.computers import Computer, RoomSummary
from roles.values.figures import count, duration, percent, rate
from roles.values.participants import ParticipantState
from roles.web import page

MAX_ROWS = 200
RENEW_S = 3
# Classes of the style, by what room_words calls them.
_COLOURS = {"Good": "good", "Warning": "warning", "Bad": "bad"}


def shown_of(computers: Iterable[Computer]) -> list[Computer]:
    """Those that have a row, in order."""
    return sorted(computers, key=_need)[:MAX_ROWS]


def room_page(tracker_name: str, shown: Sequence[Computer], room: RoomSummary, clock: str) -> bytes:
    """`tracker_name`: of its computer. `clock`: the time of day. `shown`: see shown_of()."""
    rows = "".join(map(_row, shown))
    left_out = room.computers - len(shown)
    more = f"<p>And {count(left_out, 'more computer')}.</p>" if left_out else ""
    table = (
        '<div class="card table"><table><thead><tr><th>Computer</th><th class="bar">Has</th>'
        '<th class="number">Down</th><th class="number wide">Left</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
    body = (
        f'<div class="card"><p>{page.escape(room_words.how_far(room))}</p>'
        f"<small>{page.escape(room_words.counts(room))}</small></div>"
        f"{table if rows else ''}{more}"
        f"<footer>As of {clock}. This page renews itself every {RENEW_S} s.</footer>"
    )
    below = f"at {page.name(tracker_name)}"
    return page.frame("Room", body, below=below, parents=[("Folders", "./")], renew_s=RENEW_S)


def _need(computer: Computer) -> tuple[float, str]:
    """The sort key of a row: those that lack most come first, then the idle, then the done."""
    has = 99.5 if computer.state is ParticipantState.IDLE else room_words.by_has(computer)
    return has, room_words.by_computer(computer)


def _row(computer: Computer) -> str:
    why = room_words.reason(computer)
    reason = f'<small class="warning">{page.escape(why)}</small>' if why else ""
    left = duration(computer.seconds_left)
    return (
        f"<tr><td><b>{page.name(room_words.name_of(computer))}</b>"
        f'<small class="{_COLOURS.get(room_words.tone_of(computer), "")}">'
        f"{page.escape(room_words.state(computer))}</small>{reason}</td><td>{_has(computer)}</td>"
        f'<td class="number">{rate(computer.down)}</td><td class="number wide">{left}</td></tr>'
    )


def _has(computer: Computer) -> str:
    if computer.state is ParticipantState.DONE:
        return '<span class="good">all</span>'
    words = page.escape(room_words.has(computer))
    if not computer.size:
        return f"<small>{words}</small>"
    part = percent(computer.have, computer.size)
    return f'<progress max="100" value="{part}"></progress><small>{words}</small>'
