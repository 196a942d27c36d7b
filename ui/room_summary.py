"""The whole room in a few words: how many are done, when the last will be, who needs help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roles.values.events import ListedFile, ListedFolder
from roles.values.members import Member, RoomSummary, summary_of
from roles.values.participants import MemberState
from roles.values.room_words import computer, reason, state
from roles.values.safe_names import shown_name
from ui import wording

MAX_NAMED = 3  # computers that need help, or folders; the others are counted
MAX_FOLDER_NAME = 40  # characters
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
    alone: str  # how long it would take without sharing
    help: str  # who needs help and why; "" if nobody does


def room_summary(
    members: Sequence[Member],
    files: Sequence[ListedFile],
    folders: Sequence[ListedFolder] = (),
    *,
    file_count: int = 0,
    from_here: float = 0.0,
    best_rate: float = 0.0,
) -> Summary:
    """`files` are the first of the room's `file_count`. `from_here` is what this computer sends,
    `best_rate` the most that one computer has sent so far, both in bytes per second.
    """
    room = summary_of(members)
    return Summary(
        headline=headline(room),
        what=_what(files, folders, max(file_count, len(files))),
        parts=_parts(members, room),
        last=_last(members, room),
        rates=_rates(members, from_here),
        alone=_alone(members, best_rate),
        help=_help(members),
    )


def headline(room: RoomSummary) -> str:
    if not room.members:
        return "Nobody here yet"
    return f"{room.done} of {room.members} done"


def _what(files: Sequence[ListedFile], folders: Sequence[ListedFolder], count: int) -> str:
    if not count:
        return "Nothing is shared yet"
    named = [f"{shown_name(one.name, MAX_FOLDER_NAME)}/" for one in folders]
    size = sum(file.size for file in files)
    is_whole = len(files) == count  # else nobody has added them up
    parts = [wording.count(count, "file"), *([wording.size(size)] if is_whole else [])]
    names = wording.names(named, MAX_NAMED)
    return "   ".join(filter(None, (names, ", ".join(parts))))


def _parts(members: Sequence[Member], room: RoomSummary) -> tuple[tuple[str, float], ...]:
    """A member that is half done counts half, so the bar moves with each byte."""
    if not room.members:
        return ()
    parts = list[tuple[str, float]]()
    for tone, states in _STACKED:
        there = [one for one in members if one.state in states]
        done = sum(_fraction(one) for one in there if not _has_stopped(one))
        if done:
            parts.append((tone, done / room.members))
    silent = sum(_fraction(one) for one in members if _has_stopped(one))
    return (*parts, *([("Muted", silent / room.members)] if silent else []))


def _has_stopped(one: Member) -> bool:
    """Whether nobody knows if it ever goes on."""
    return (one.is_silent or one.has_left) and one.state is not MemberState.DONE


def _fraction(one: Member) -> float:
    if one.state is MemberState.DONE:
        return 1.0
    return one.have / one.size if one.size and one.is_counted else 0.0


def _last(members: Sequence[Member], room: RoomSummary) -> str:
    if room.members and room.done == room.members:
        return "Everybody is done"
    left = wording.duration_words(room.seconds_left)
    if not left:
        return ""
    moving = (MemberState.DONE, MemberState.DOWNLOADING)
    others = sum(
        one.is_counted and (one.state not in moving or _has_stopped(one)) for one in members
    )
    return f"All but {others} in about {left}" if others else f"Last one in about {left}"


def _rates(members: Sequence[Member], from_here: float) -> str:
    rate, here = wording.rate(sum(one.down for one in members)), wording.rate(from_here)
    if not rate:
        return ""
    return f"{rate} in the room, {here} from here" if here else f"{rate} in the room"


def _alone(members: Sequence[Member], best_rate: float) -> str:
    size = sum(one.size for one in members if one.is_counted)
    receivers = sum(one.size > 0 for one in members if one.is_counted)
    if receivers < 2 or best_rate < 1:
        return ""
    return f"From one server alone: about {wording.duration_words(size / best_rate)}"


def _help(members: Sequence[Member]) -> str:
    stuck = in_need(members)
    if not stuck:
        return ""
    named = "  ·  ".join(f"{computer(one)}: {_why(one)}" for one in stuck[:MAX_NAMED])
    more = f"  ·  and {len(stuck) - MAX_NAMED} more" if len(stuck) > MAX_NAMED else ""
    verb = "needs" if len(stuck) == 1 else "need"
    return f"{len(stuck)} {verb} help:  {named}{more}"


def in_need(members: Iterable[Member]) -> list[Member]:
    """The computers that need help: first those that only somebody at them can help."""
    stuck = [one for one in members if one.needs_help]
    return sorted(
        stuck, key=lambda one: (one.state is not MemberState.FAILED, not one.is_disk_full)
    )


def _why(one: Member) -> str:
    why = "" if one.is_silent else reason(one)
    return why or state(one).lower()
