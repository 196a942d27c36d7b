"""The whole room in a few words: how many are done, when the last will be, who needs help. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from roles.values.events import ListedFile
from roles.values.members import Member, RoomSummary, summary_of
from roles.values.participants import MemberState
from ui import wording
from ui.room_columns import computer, reason

MAX_NAMED = 3  # computers that need help; the others are counted
# The bar from the left, by the tone of its parts.
_STACKED = (
    ("Good", (MemberState.DONE,)),
    ("Accent", (MemberState.DOWNLOADING,)),
    ("Warning", (MemberState.WAITING, MemberState.CANCELLED)),
    ("Bad", (MemberState.FAILED,)),
)


@dataclass(frozen=True, slots=True)
class Summary:
    headline: str  # "23 of 30 done"
    what: str  # what is shared
    parts: tuple[tuple[str, float], ...]  # tone and share of the bar
    last: str  # when the last one is done
    rates: str
    help: str  # who needs help and why; "" if nobody does


def room_summary(members: Sequence[Member], files: Sequence[ListedFile]) -> Summary:
    """`files` are those of the room."""
    room = summary_of(members)
    return Summary(
        headline=headline(room),
        what=_what(files),
        parts=_parts(members, room),
        last=_last(room),
        rates=_rates(members),
        help=_help(members),
    )


def headline(room: RoomSummary) -> str:
    if not room.members:
        return "Nobody here yet"
    return f"{room.done} of {room.members} done"


def _what(files: Sequence[ListedFile]) -> str:
    if not files:
        return "No files are shared yet"
    size = wording.size(sum(file.size for file in files))
    return f"{wording.count(len(files), 'file')}, {size}"


def _parts(members: Sequence[Member], room: RoomSummary) -> tuple[tuple[str, float], ...]:
    """A member that is half done counts half, so the bar moves with each byte."""
    if not room.members:
        return ()
    parts = list[tuple[str, float]]()
    for tone, states in _STACKED:
        there = (one for one in members if one.state in states)
        done = sum(1.0 if one.state is MemberState.DONE else _fraction(one) for one in there)
        if done:
            parts.append((tone, done / room.members))
    return tuple(parts)


def _fraction(one: Member) -> float:
    return one.have / one.size if one.size else 0.0


def _last(room: RoomSummary) -> str:
    if room.members and room.done == room.members:
        return "Everybody is done"
    left = wording.duration_words(room.seconds_left)
    return f"Last one in about {left}" if left else ""


def _rates(members: Sequence[Member]) -> str:
    rate = wording.rate(sum(one.down for one in members))
    return f"{rate} in the room" if rate else ""


def _help(members: Sequence[Member]) -> str:
    stuck = [one for one in members if one.needs_help]
    if not stuck:
        return ""
    named = "  ·  ".join(f"{computer(one)}: {_why(one)}" for one in stuck[:MAX_NAMED])
    more = f"  ·  and {len(stuck) - MAX_NAMED} more" if len(stuck) > MAX_NAMED else ""
    verb = "needs" if len(stuck) == 1 else "need"
    return f"{len(stuck)} {verb} help:  {named}{more}"


def _why(one: Member) -> str:
    if one.is_silent:
        return f"silent for {wording.duration_words(one.silent_s)}"
    return reason(one) or wording.MEMBER_STATES[one.state].lower()
