"""The whole room in a few words: how many are done, when the last will be, who needs help. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roles.values import figures
from roles.values.computers import Computer, RoomSummary, summary_of
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import ParticipantState
from roles.values.room_words import name_of, reason, state
from roles.values.safe_names import shown_name
from ui import wording

MAX_NAMED = 3  # computers that need help, or folders; the others are counted
MAX_FOLDER_NAME = 40  # characters
# The bar from the left, by the tone of its parts.
_STACKED = (
    ("Good", (ParticipantState.DONE,)),
    ("Accent", (ParticipantState.DOWNLOADING,)),
    ("Warning", (ParticipantState.WAITING, ParticipantState.CANCELLED)),
    ("Bad", (ParticipantState.FAILED,)),
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
    computers: Sequence[Computer],
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
    room = summary_of(computers)
    return Summary(
        headline=headline(room),
        what=_what(files, folders, max(file_count, len(files))),
        parts=_parts(computers, room),
        last=_last(computers, room),
        rates=_rates(computers, from_here),
        alone=_alone(computers, best_rate),
        help=_help(computers),
    )


def headline(room: RoomSummary) -> str:
    if not room.counted:
        return "Nobody here yet"
    return f"{room.done} of {room.counted} done"


def _what(files: Sequence[ListedFile], folders: Sequence[ListedFolder], count: int) -> str:
    if not count:
        return "Nothing is shared yet"
    named = [f"{shown_name(folder.name, MAX_FOLDER_NAME)}/" for folder in folders]
    size = sum(file.size for file in files)
    is_whole = len(files) == count  # else nobody has added them up
    parts = [figures.count(count, "file"), *([figures.size(size)] if is_whole else [])]
    names = wording.names(named, MAX_NAMED)
    return "   ".join(filter(None, (names, ", ".join(parts))))


def _parts(computers: Sequence[Computer], room: RoomSummary) -> tuple[tuple[str, float], ...]:
    """A computer that is half done counts half, so the bar moves with each byte."""
    if not room.counted:
        return ()
    parts = list[tuple[str, float]]()
    for tone, states in _STACKED:
        there = [computer for computer in computers if computer.state in states]
        done = sum(_fraction(computer) for computer in there if not _has_stopped(computer))
        if done:
            parts.append((tone, done / room.counted))
    silent = sum(_fraction(computer) for computer in computers if _has_stopped(computer))
    return (*parts, *([("Muted", silent / room.counted)] if silent else []))


def _has_stopped(computer: Computer) -> bool:
    """Whether it left or fell silent before it was done, so that nobody knows if it goes on."""
    return (computer.is_silent or computer.has_left) and computer.state is not ParticipantState.DONE


def _fraction(computer: Computer) -> float:
    if computer.state is ParticipantState.DONE:
        return 1.0
    return computer.have / computer.size if computer.size and computer.is_counted else 0.0


def _last(computers: Sequence[Computer], room: RoomSummary) -> str:
    if room.counted and room.done == room.counted:
        return "Everybody is done"
    left = figures.duration_words(room.seconds_left)
    if not left:
        return ""
    moving = (ParticipantState.DONE, ParticipantState.DOWNLOADING)
    counted = [computer for computer in computers if computer.is_counted]
    others = sum(computer.state not in moving or _has_stopped(computer) for computer in counted)
    return f"All but {others} in about {left}" if others else f"Last one in about {left}"


def _rates(computers: Sequence[Computer], from_here: float) -> str:
    rate, here = figures.rate(sum(computer.down for computer in computers)), figures.rate(from_here)
    if not rate:
        return ""
    return f"{rate} in the room, {here} from here" if here else f"{rate} in the room"


def _alone(computers: Sequence[Computer], best_rate: float) -> str:
    sizes = [computer.size for computer in computers if computer.is_counted and computer.size]
    if len(sizes) < 2 or best_rate < 1:
        return ""
    return f"From one server alone: about {figures.duration_words(sum(sizes) / best_rate)}"


def _help(computers: Sequence[Computer]) -> str:
    stuck = in_need(computers)
    if not stuck:
        return ""
    named = "  ·  ".join(f"{name_of(computer)}: {_why(computer)}" for computer in stuck[:MAX_NAMED])
    more = f"  ·  and {len(stuck) - MAX_NAMED} more" if len(stuck) > MAX_NAMED else ""
    verb = "needs" if len(stuck) == 1 else "need"
    return f"{len(stuck)} {verb} help:  {named}{more}"


def in_need(computers: Iterable[Computer]) -> list[Computer]:
    """The computers that need help: first those that only somebody at them can help."""

    def urgency(computer: Computer) -> tuple[bool, bool]:
        return computer.state is not ParticipantState.FAILED, not computer.is_disk_full

    return sorted((computer for computer in computers if computer.needs_help), key=urgency)


def _why(computer: Computer) -> str:
    why = "" if computer.is_silent else reason(computer)
    return why or state(computer).lower()
