"""The computers that download from this one, and the columns of their table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roles.values.addresses import Address
from roles.values.events import Upload
from roles.values.members import Member
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column, Icon


@dataclass(frozen=True, slots=True)
class Taker:
    """A computer with all of its connections to this one."""

    computer: str  # its name, from the wire; "" if it told none
    address: Address  # of one connection
    uploads: tuple[Upload, ...]
    member: Member | None = None  # what the room says of it, if that is known

    @property
    def rate(self) -> float:
        return sum(upload.rate for upload in self.uploads)

    @property
    def sent(self) -> int:
        return sum(upload.sent for upload in self.uploads)

    @property
    def position(self) -> int:
        """Its position in the queue; 0 if it is being sent something, or asked for nothing."""
        positions = [upload.position for upload in self.uploads]
        return min(positions) if all(positions) else 0

    @property
    def percent(self) -> int | None:
        """What it has of everything that it asked for, from whomever; None if that is unknown."""
        if self.member is None or not self.member.size:
            return None
        return wording.percent(self.member.have, self.member.size)

    @property
    def is_taking(self) -> bool:
        return any(upload.name or upload.rate for upload in self.uploads)


def takers_of(uploads: Iterable[Upload], members: Iterable[Member]) -> dict[str, Taker]:
    """One taker for each computer; other names at one address are other computers."""
    by_computer: dict[tuple[str, str], list[Upload]] = {}
    for upload in uploads:
        by_computer.setdefault((upload.leecher.host, upload.computer), []).append(upload)
    known = {
        (one.address.host, program.name): one
        for one in members
        if not one.has_left
        for program in one.programs
    }
    return {
        f"{host}\0{name}": Taker(name, own[0].leecher, tuple(own), known.get((host, name)))
        for (host, name), own in by_computer.items()
    }


def taker_tone(taker: Taker) -> str:
    return "Plain" if taker.is_taking and not taker.position else "Muted"


def _computer(taker: Taker) -> str:
    return shown_name(taker.computer, wording.COMPUTER_LENGTH) or taker.address.host


def _computer_order(taker: Taker) -> str:
    return wording.computer_order(taker.computer, taker.address.host)


def _files(taker: Taker) -> str:
    names = dict.fromkeys(upload.name for upload in taker.uploads if upload.name)
    return wording.names(list(names), 2, shown_name)


def _state(taker: Taker) -> str:
    if taker.position:
        return f"In the queue (position {taker.position})"
    return "Downloading" if taker.is_taking else "Connected"


TAKER_COLUMNS: tuple[Column[Taker], ...] = (
    Column[Taker]("Computer", _computer, _computer_order, width=150, stretches=True),
    Column[Taker]("File", _files, width=120, stretches=True, cut="middle"),
    Column[Taker]("State", _state, width=160),
    Column[Taker].of_size("Sent", lambda taker: taker.sent, 80),
    Column[Taker].of_percent("Has", lambda taker: taker.percent, 60),
    Column[Taker].of_rate("Speed", lambda taker: taker.rate, 84),
    Column[Taker].of_duration(
        "Time left", lambda taker: taker.member.seconds_left if taker.member else None, 88
    ),
)


def taker_icon(taker: Taker) -> Icon:
    return Icon("waiting" if taker.position else "down" if taker.is_taking else "idle")
