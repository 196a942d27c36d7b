"""What the fuzzer feeds: one parser, its valid inputs, and how to look at its results."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One parser and its valid inputs."""

    name: str
    run: Callable[[bytes], object]
    seeds: Sequence[bytes]


def check(is_true: bool, what: str) -> None:
    """Not an assert, which `python -O` would skip."""
    if not is_true:
        raise ValueError(what)


def check_visible(text: str, what: str) -> None:
    """Nothing in it is invisible, but for joiners that shape a letter or sign beside them."""
    joined = re.sub(
        r"(?<=[^\x00-\u05ff\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?=[^\x00-\u05ff\u200c\u200d])",
        "",
        text,
    )
    check(joined.isprintable(), what)


def in_pieces(make: Callable[[], Callable[[bytes], object]]) -> Callable[[bytes], None]:
    """A reader that is fed in pieces; the first byte of the data says how long they are."""

    def run(data: bytes) -> None:
        feed, step = make(), data[0] % 40 + 1 if data else 1
        for place in range(1, len(data), step):
            if feed(data[place : place + step]):
                return

    return run
