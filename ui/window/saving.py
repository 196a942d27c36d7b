"""Writing a value to the disk outside Tk's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from roles.values.errors import StorageError
from ui.window.event_pump import EventPump

T = TypeVar("T")


class Saving(Generic[T]):
    """One write at a time; of the values that come meanwhile the newest is written."""

    def __init__(
        self, pump: EventPump, write: Callable[[T], None], written: T, failed: Callable[[str], None]
    ) -> None:
        """`write` may raise StorageError, of which `failed` is told. `written` is on the disk."""
        self._pump, self._write, self._failed = pump, write, failed
        self._written = self._newest = written
        self.is_writing = False

    def save(self, value: T) -> None:
        self._newest = value
        if not self.is_writing and value != self._written:
            self.is_writing, self._written = True, value
            self._pump.in_background(lambda: self._problem(value), self._ended)

    def _problem(self, value: T) -> str:
        try:
            self._write(value)
        except StorageError as error:
            return str(error)
        return ""

    def _ended(self, problem: str) -> None:
        self.is_writing = False
        if problem:
            self._failed(problem)
        self.save(self._newest)
