"""The computers that download from this one, and the columns of their table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roles.values import figures, room_words
from roles.values.addresses import Address
from roles.values.computers import Computer
from roles.values.events import Upload
from roles.values.safe_names import shown_name
from ui import wording
from ui.columns import Column, Icon


@dataclass(frozen=True, slots=True)
class Receiver:
    """A computer with all of its connections to this one."""

    name: str  # its name, from the wire; "" if it told none
    address: Address  # of one connection
    uploads: tuple[Upload, ...]
    computer: Computer | None = None  # what the room says of it, if that is known

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
        if self.computer is None or not self.computer.size:
            return None
        return figures.percent(self.computer.have, self.computer.size)

    @property
    def is_receiving(self) -> bool:
        return any(upload.name or upload.rate for upload in self.uploads)


def receivers_of(uploads: Iterable[Upload], computers: Iterable[Computer]) -> dict[str, Receiver]:
    """One receiver for each computer; other names at one address are other computers."""
    by_computer: dict[tuple[str, str], list[Upload]] = {}
    for upload in uploads:
        by_computer.setdefault((upload.leecher.host, upload.computer), []).append(upload)
    known = {
        (computer.address.host, program.name): computer
        for computer in computers
        if not computer.has_left
        for program in computer.programs
    }
    return {
        f"{host}\0{name}": Receiver(name, own[0].leecher, tuple(own), known.get((host, name)))
        for (host, name), own in by_computer.items()
    }


def receiver_tone(receiver: Receiver) -> str:
    return "Plain" if receiver.is_receiving and not receiver.position else "Muted"


def _computer(receiver: Receiver) -> str:
    return room_words.shown_computer(receiver.name) or receiver.address.host


def _computer_order(receiver: Receiver) -> str:
    return room_words.computer_order(receiver.name, receiver.address.host)


def _files(receiver: Receiver) -> str:
    names = dict.fromkeys(upload.name for upload in receiver.uploads if upload.name)
    return wording.names(list(names), 2, shown_name)


def _state(receiver: Receiver) -> str:
    if receiver.position:
        return f"In the queue (position {receiver.position})"
    return "Downloading" if receiver.is_receiving else "Connected"


RECEIVER_COLUMNS: tuple[Column[Receiver], ...] = (
    Column[Receiver]("Computer", _computer, _computer_order, width=150, stretches=True),
    Column[Receiver]("File", _files, width=120, stretches=True, cut="middle"),
    Column[Receiver]("State", _state, width=160),
    Column[Receiver].of_size("Sent", lambda receiver: receiver.sent, 80),
    Column[Receiver].of_percent("Has", lambda receiver: receiver.percent, 60),
    Column[Receiver].of_rate("Speed", lambda receiver: receiver.rate, 84),
    Column[Receiver].of_duration(
        "Time left",
        lambda receiver: receiver.computer.seconds_left if receiver.computer else None,
        88,
    ),
)


def receiver_icon(receiver: Receiver) -> Icon:
    return Icon("waiting" if receiver.position else "down" if receiver.is_receiving else "idle")
