"""Reads single values out of LMK/2's JSON objects, which come from strangers.

Every reader raises PeerProtocolError for a value that it refuses.
"""

from __future__ import annotations

import re

from roles.values import strict_json
from roles.values.addresses import Address, is_host
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import shown_name
from roles.values.strict_json import JsonValue

MAX_REQUEST_SHARES = 8
AS = ("seeder", "leecher")  # by whether it is a leecher
COOKIE_SIZE = 12  # bytes; too many to guess within its lifetime of two minutes
MAX_NUMBER = 1 << 50  # bytes, or bytes per second: 1 PiB
_MAX_VERSION = 32  # characters; ours have about 12

_ID = re.compile("[0-9a-f]{16}")
_SHARE = re.compile("[0-9a-f]{16}|lmk1[0-9a-f]{12}")  # of our seeders; of LMK/1 seeders
_ROOM = re.compile("[0-9a-f]{8}")
_COOKIE = re.compile(f"[0-9a-f]{{{2 * COOKIE_SIZE}}}")


def is_share(text: str) -> bool:
    return _SHARE.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether these are the 16 hexadecimal digits of a request, a program or an LMK/2 share."""
    return _ID.fullmatch(text) is not None


def extras_of(line: bytes, *, most: int = strict_json.MAX_BYTES) -> dict[str, JsonValue] | None:
    """The fields of a line of LMK/2 or later; None for any other line."""
    try:
        value = strict_json.loads(line, most=most)
    except PeerProtocolError:
        return None
    if not isinstance(value, dict):
        return None
    version = value.get("lmk")
    return value if type(version) is int and version >= 2 else None


def address_of(value: JsonValue) -> Address:
    match value:
        case [str(host), int(port)] if is_port(port) and is_host(host):
            return Address(host, port)
        case _:
            raise PeerProtocolError("not an address")


def is_port(value: int) -> bool:
    return type(value) is int and 0 < value <= 65535  # isinstance() would accept True


def is_leecher(value: JsonValue) -> bool:
    if value not in AS:
        raise PeerProtocolError("neither a seeder nor a leecher")
    return value == AS[True]


def files_of(value: JsonValue) -> dict[str, int]:
    """Size in bytes of each name."""
    if not isinstance(value, dict):
        raise PeerProtocolError("not a list of files")
    return {name: _size(size) for name, size in value.items()}


def _size(value: JsonValue) -> int:
    if type(value) is not int or not 0 <= value <= MAX_FILE_SIZE:
        raise PeerProtocolError("a file with an impossible size")
    return value


def id_of(value: JsonValue) -> str:
    if not isinstance(value, str) or not is_id(value):
        raise PeerProtocolError("not 16 hexadecimal digits")
    return value


def cookie_of(value: JsonValue) -> str:
    """ "" for an invalid cookie, so the tracker asks for a new one."""
    return value if isinstance(value, str) and _COOKIE.fullmatch(value) else ""


def shares_of(value: JsonValue) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_REQUEST_SHARES:
        raise PeerProtocolError("not a list of a few shares")
    shares = tuple(share for share in value if isinstance(share, str) and is_share(share))
    if len(shares) != len(value):
        raise PeerProtocolError("not the id of a share")
    return shares


def version_of(value: JsonValue) -> str:
    """A list's version, "" for none. Only the tracker that issued it understands it."""
    if not isinstance(value, str) or len(value) > _MAX_VERSION:
        raise PeerProtocolError("not a version of a list")
    return value


def room_of(value: JsonValue) -> str:
    """The id of a tracker's run, from its own field or a list's version; "" if there is none."""
    room = value.partition("-")[0] if isinstance(value, str) else ""
    return room if _ROOM.fullmatch(room) else ""


def number_of(value: JsonValue) -> int:
    if type(value) is not int or not 0 <= value <= MAX_NUMBER:
        raise PeerProtocolError("an impossible number")
    return value


def shown(value: JsonValue, length: int) -> str:
    """A text of at most `length` characters that is safe to show; "" if `value` is no text."""
    if not isinstance(value, str):
        return ""
    if len(value) <= length and value.isascii() and value.isprintable():
        return value  # shortcut: a tracker reads many texts, nearly all of them like this
    return shown_name(value, length)


def cut(text: str, most: int) -> str:
    """The start of the text, as far as it fits into `most` bytes of JSON; no lone surrogates."""
    text = text[:most].encode(errors="replace").decode()
    while len(strict_json.dumps(text)) - 2 > most:
        text = text[:-1]
    return text
