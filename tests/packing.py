"""Lists as values, which the product writes and reads line by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from roles.wire.list_wire import (
    ADDED,
    REMOVED,
    Packer,
    ShareGone,
    ShareOpened,
    decode_share,
    encode_share,
)


@dataclass(frozen=True)
class LineAdded:
    line: str


@dataclass(frozen=True)
class LineRemoved:
    line: str


Entry: TypeAlias = ShareOpened | LineAdded | LineRemoved | ShareGone


def encode_entry(entry: Entry) -> str:
    match entry:
        case LineAdded(line):
            return ADDED + line
        case LineRemoved(line):
            return REMOVED + line
        case _:
            return encode_share(entry)


def decode_entry(text: str) -> Entry:
    match text[:1]:
        case "+":
            return LineAdded(text[1:])
        case "-":
            return LineRemoved(text[1:])
        case _:
            return decode_share(text)


def packed_list(entries: Iterable[Entry]) -> bytes:
    packer = Packer()
    return b"".join([*(packer.pack(encode_entry(entry)) for entry in entries), packer.end()])
