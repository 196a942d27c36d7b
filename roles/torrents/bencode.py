"""Bencoding, in which torrents are written (BEP 3). We write torrents and read none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "int | str | bytes | Sequence[Value] | Mapping[str, Value]"


def encode(value: Value) -> bytes:
    """Text becomes UTF-8; keys are sorted by their bytes."""
    parts = list[bytes]()
    _add(value, parts)
    return b"".join(parts)


def _add(value: Value, parts: list[bytes]) -> None:
    match value:
        case int():
            parts.append(b"i%de" % value)
        case bytes():
            parts.append(b"%d:%b" % (len(value), value))
        case str():
            _add(value.encode(), parts)
        case Mapping():
            parts.append(b"d")
            for key in sorted(value, key=str.encode):
                _add(key, parts)
                _add(value[key], parts)
            parts.append(b"e")
        case _:
            parts.append(b"l")
            for item in value:
                _add(item, parts)
            parts.append(b"e")
