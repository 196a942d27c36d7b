"""Parses JSON from strangers without any of the json module's leniency."""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias, TypeVar

from roles.values.errors import PeerProtocolError

T = TypeVar("T")
JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_BYTES = 16_384  # LMK/1 texts have at most 2,048 bytes
MAX_DEPTH = 8  # LMK/1 nests two levels
MAX_DIGITS = 16  # 2**53 has 16 digits


def loads(data: bytes, *, most: int = MAX_BYTES) -> JsonValue:
    """Parse UTF-8 JSON of at most `most` bytes.

    Raises PeerProtocolError if it is malformed, too long or too deep, repeats a key, or contains a
    number that is not a short integer.
    """
    if len(data) > most:
        raise PeerProtocolError(f"JSON of {len(data)} bytes, at most {most} allowed")
    try:
        text = data.decode()
        value: JsonValue = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise PeerProtocolError(f"not JSON that we accept: {str(error)[:80]}") from None
    # Too few brackets cannot nest too deep, and only an escape can produce a lone surrogate.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value, 0)
    return value


def dumps(value: object) -> bytes:
    """Compact ASCII JSON, so that no reader splits it at an unusual line end."""
    return _ENCODER.encode(value).encode("ascii")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"number {text[:20]}")


def _small_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"number with {len(text)} digits")
    return int(text)


def without_doubles(pairs: list[tuple[str, T]]) -> dict[str, T]:
    """An `object_pairs_hook` that refuses repeated keys. Raises ValueError."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key twice")
    return result


def _check(value: JsonValue, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise PeerProtocolError("JSON nested too deep")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    """Lone surrogates would break every socket, file and Tk widget that they reach."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PeerProtocolError("JSON text with half a character") from None


# Created once, because a tracker reads and writes thousands of short lines per second.
_DECODER = json.JSONDecoder(
    parse_constant=_refuse,
    parse_float=_refuse,
    parse_int=_small_int,
    object_pairs_hook=without_doubles,
)
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
