"""A lesson of 30 computers as its tracker tells it, with one of each problem: for window tests and
pictures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from roles.values.addresses import Address
from roles.values.computers import DISK_IS_FULL
from roles.values.events import RoomChanged
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import Participant, ParticipantState, Status, TransferStatus

COMPUTERS = 30
SHARE = "00112233445566aa"
FOLDER = "lesson2"
FILES = 53
SIZE = 174_000_000  # bytes of the folder
RATES = {6: 1_200_000, 18: 1_900_000, 29: 3_500_000}  # those that download, bytes per second
PARTS = {6: 87, 10: 55, 14: 31, 18: 42, 22: 64, 29: 87}  # percent of those that are not done
SILENT, FULL, FAILED, BEHIND, IDLE, WAITING = 10, 14, 17, 22, 27, 28
SILENT_FOR_S = 40.0


def lesson(now: float, computers: int = COMPUTERS) -> RoomChanged:
    """`now` on the clock of Participant.last_ping."""
    return RoomChanged(
        (teacher(now), *students(now, computers)),
        tuple(files()),
        FILES,
        folders=(ListedFolder(SHARE, FOLDER, FILES, 0),),
        wakeable=frozenset({host(SILENT)}),
    )


def teacher(now: float) -> Participant:
    status = Status(
        ParticipantState.GIVING, (SHARE,), 4_200_000, machine=machine(0), given=2 * SIZE
    )
    return Participant(
        Address("127.0.0.1", 12501), now, name="Teacher-PC", status=status, files=FILES
    )


def students(now: float, computers: int) -> Iterator[Participant]:
    chance = random.Random(2)
    for number in range(1, computers + 1):
        yield Participant(
            Address(host(number), 12501),
            now - SILENT_FOR_S if number == SILENT else now,
            is_leecher=True,
            name=name(number),
            status=status(number, chance.randrange(20, 210) * 1_000_000),
            is_reachable=number != BEHIND,
        )


def status(number: int, given: int) -> Status:
    """What this computer says of itself."""
    state, reason, transfer = ParticipantState.DONE, "", "done"
    rate = RATES.get(number, 0)
    if number in PARTS:
        state, transfer = ParticipantState.DOWNLOADING, "downloading"
    if number == BEHIND:
        rate = 1_200_000
    if number == FULL:
        state, transfer = ParticipantState.WAITING, DISK_IS_FULL
        reason = "The disk is full. Free 112 MB for Downloads"
    if number == FAILED:
        state, transfer = ParticipantState.FAILED, "failed"
        reason = "the download folder cannot be written"
    if number == WAITING:
        state, transfer, reason = ParticipantState.WAITING, "paused", "paused"
    if number == IDLE:
        return Status(ParticipantState.IDLE, machine=machine(number))
    have = SIZE * PARTS.get(number, 100 if state is ParticipantState.DONE else 12) // 100
    title = f"{FOLDER}/"
    transfers = (TransferStatus(title, have, SIZE, rate, transfer, reason),)
    return Status(
        state,
        (SHARE,),
        given // 90 if state is ParticipantState.DONE else 0,
        rate,
        reason,
        transfers,
        machine(number),
        have,
        SIZE,
        given if state is ParticipantState.DONE else given // 9,
        (SIZE - have) // rate if rate else None,
    )


def files() -> Iterator[ListedFile]:
    left = SIZE
    for number in range(1, FILES + 1):
        size = left if number == FILES else SIZE // FILES
        left -= size
        path = f"video/{number:02} part.mp4" if number > 40 else f"{number:02} exercise.pdf"
        yield ListedFile(path, size, bytes([number]) * 32, SHARE)


def name(number: int) -> str:
    return f"lab-pc-{number:02}"


def host(number: int) -> str:
    return f"192.168.77.{number + 10}"


def machine(number: int) -> str:
    return f"{number:016x}"
