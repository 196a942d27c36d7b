"""JSON from strangers: parsed with every lenience of the json module switched off.

No sockets, no files.
"""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

from roles.values.errors import PeerProtocolError

JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_BYTES = 16_384  # the longest LMK/1 text is 2,048 bytes; a settings file stays under this too
MAX_DEPTH = 8  # LMK/1 nests 2 deep
MAX_DIGITS = 16  # 2**53 has 16


def loads(data: bytes, *, most: int = MAX_BYTES) -> JsonValue:
    """Parse UTF-8 JSON of at most `most` bytes.

    Raises PeerProtocolError for anything malformed, too long, too deep, doubled or not an integer.
    """
    if len(data) > most:
        raise PeerProtocolError(f"JSON of {len(data)} bytes, at most {most} allowed")
    try:
        text = data.decode()
        value: JsonValue = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise PeerProtocolError(f"not JSON that we accept: {str(error)[:80]}") from None
    # Without enough brackets nothing is deep; without an escape there is no half character.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check(value, 0)
    return value


def dumps(value: object) -> bytes:
    """Compact pure-ASCII JSON, so that no reader can split it at an unusual line end."""
    return _ENCODER.encode(value).encode("ascii")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"number {text[:20]}")


def _small_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"number with {len(text)} digits")
    return int(text)


def _no_doubles(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
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
    """Lone surrogates parse, but later break every socket, file and Tk widget that they reach."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PeerProtocolError("JSON text with half a character") from None


# Made once: a tracker reads and writes thousands of short lines a second.
_DECODER = json.JSONDecoder(
    parse_constant=_refuse,
    parse_float=_refuse,
    parse_int=_small_int,
    object_pairs_hook=_no_doubles,
)
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
