"""What a connection asks of the uploads that it belongs to, and tells them. It does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from roles.giving.upload_desk import Choice


class Desk(Protocol):
    """What a connection asks of the uploads that it belongs to; none of it waits."""

    def want(self, handle: int, root: bytes, chunks: int) -> None: ...

    def forget(self, handle: int) -> None: ...

    def ask_slot(self) -> bool: ...

    def next_choice(self) -> Choice | None: ...

    def is_turn_over(self) -> bool: ...

    def sent(self, choice: Choice) -> None: ...

    def not_sent(self, choice: Choice) -> None: ...

    def give_back(self) -> None: ...

    def place(self) -> int: ...

    def sharers(self) -> int: ...


@dataclass(slots=True)
class GiverProgress:
    """What the window is told. Written by the connection's thread, read by the role's."""

    title: str = ""
    sent: int = 0  # bytes
    place: int = 0
    has_ended: bool = False
