"""Reads bencoding, which the program only writes."""

from __future__ import annotations

from typing import Any


def decoded(data: bytes) -> Any:
    """Integers, bytes, lists, and dictionaries with keys as text. Raises ValueError."""
    value, end = _read(data, 0)
    if end != len(data):
        raise ValueError("something follows the value")
    return value


def _read(data: bytes, at: int) -> tuple[Any, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        items, at = list[Any](), at + 1
        while data[at : at + 1] != b"e":
            item, at = _read(data, at)
            items.append(item)
        return (items if kind == b"l" else _dictionary(items)), at + 1
    colon = data.index(b":", at)
    start = colon + 1
    end = start + int(data[at:colon])
    if end > len(data):
        raise ValueError("it is cut")
    return data[start:end], end


def _dictionary(items: list[Any]) -> dict[str, Any]:
    keys = items[::2]
    if keys != sorted(set(keys)):
        raise ValueError("keys are not in order")
    return {key.decode(): value for key, value in zip(keys, items[1::2], strict=True)}
