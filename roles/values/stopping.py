"""Loops over what strangers sent: however long, they end soon when they are told to.

Pure: the caller decides when to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from roles.values.errors import HaltedError

LOOK_EVERY = 500  # items between two looks: at 0.2 ms for the worst line of a list, 0.1 s

T = TypeVar("T")


def go_on() -> bool:
    """As `should_stop`: never."""
    return False


def until_stopped(items: Iterable[T], should_stop: Callable[[], bool]) -> Iterator[T]:
    """The same items. Raises HaltedError once should_stop() says so."""
    for number, item in enumerate(items):
        if number % LOOK_EVERY == 0 and should_stop():
            raise HaltedError("told to stop")
        yield item
