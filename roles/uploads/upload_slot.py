"""What a connection asks of the uploads that it belongs to, and tells them. It does nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

from roles.uploads.upload_scheduler import Choice


class Desk(Protocol):
    """What a connection asks of the uploads that it belongs to; none of it waits."""

    def want(self, handle: int, root: bytes, chunks: int) -> None: ...

    def forget(self, handle: int) -> None: ...

    def ask_slot(self) -> bool: ...

    def has_slot(self) -> bool: ...

    def moved(self, count: int) -> None: ...

    def next_choice(self) -> Choice | None: ...

    def is_turn_over(self) -> bool: ...

    def sent(self, choice: Choice) -> None: ...

    def not_sent(self, choice: Choice) -> None: ...

    def give_back(self) -> None: ...

    def place(self) -> int: ...

    def sharers(self) -> int: ...


@dataclass(slots=True)
class GiverProgress:
    """What the window is told, and who decides whose connection ends. Written by the connection's
    thread, read by the role's.
    """

    title: str = ""
    sent: int = 0  # bytes
    place: int = 0
    useful_at: float = field(default_factory=time.monotonic)  # when a part was taken, or it came
    is_proven: bool = False  # it has taken a whole chunk
    fruitless: int = 0  # offers since then
