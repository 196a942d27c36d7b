"""The values of LMK/2's JSON objects: each read from what a stranger sent, or refused.

It knows no message. Pure values.
"""

from __future__ import annotations

import re

from roles.values import strict_json
from roles.values.addresses import Address, is_host
from roles.values.content import MAX_FILE_SIZE
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import shown_name
from roles.values.strict_json import JsonValue

MAX_REQUEST_SHARES = 8  # in one request
COOKIE_SIZE = 12  # bytes; nobody guesses it within its two minutes
_MAX_NUMBER = 1 << 50  # bytes, and bytes a second: 1 PiB
_MAX_VERSION = 32  # characters, ours have about 12

_ID = re.compile("[0-9a-f]{16}")
_SHARE = re.compile("[0-9a-f]{16}|lmk1[0-9a-f]{12}")  # ours; a list of an original seeder
_PLAIN = re.compile(r"[ !#-\[\]-~]*")  # what JSON holds as it is
_ROOM = re.compile("[0-9a-f]{8}")
_COOKIE = re.compile(f"[0-9a-f]{{{2 * COOKIE_SIZE}}}")


def is_share(text: str) -> bool:
    """Whether this can be the id of a share."""
    return _SHARE.fullmatch(text) is not None


def is_own_share(text: str) -> bool:
    """Whether this can be the id of a share whose list a program of ours tells."""
    return is_id(text)


def is_id(text: str) -> bool:
    """Whether these are the 16 hexadecimal digits of a question, a program or a share."""
    return _ID.fullmatch(text) is not None


def extras_of(line: bytes, *, most: int = strict_json.MAX_BYTES) -> dict[str, JsonValue] | None:
    """The fields of a line of LMK/2 or later, None when it is no such line."""
    try:
        value = strict_json.loads(line, most=most)
    except PeerProtocolError:
        return None
    if not isinstance(value, dict):
        return None
    version = value.get("lmk")
    return value if type(version) is int and version >= 2 else None


def address(value: JsonValue) -> Address:
    """Host and port, as they were named."""
    match value:
        case [str(host), int(port)] if is_port(port) and is_host(host):
            return Address(host, port)
        case _:
            raise PeerProtocolError("not an address")


def is_port(value: int) -> bool:
    """Whether a program can listen there."""
    return type(value) is int and 0 < value <= 65535  # True is an int, but no port


def files_of(value: JsonValue) -> dict[str, int]:
    """Name to size in bytes."""
    if not isinstance(value, dict):
        raise PeerProtocolError("not a list of files")
    return {name: _size(size) for name, size in value.items()}


def _size(value: JsonValue) -> int:
    if type(value) is not int or not 0 <= value <= MAX_FILE_SIZE:
        raise PeerProtocolError("a file with an impossible size")
    return value


def id_of(value: JsonValue) -> str:
    """16 hexadecimal digits: of a question, a program or a share."""
    if not isinstance(value, str) or not is_id(value):
        raise PeerProtocolError("not 16 hexadecimal digits")
    return value


def cookie_of(value: JsonValue) -> str:
    """No cookie, which is asked for then, when this is none."""
    return value if isinstance(value, str) and _COOKIE.fullmatch(value) else ""


def shares_of(value: JsonValue) -> tuple[str, ...]:
    """Ids of at most MAX_REQUEST_SHARES shares."""
    if not isinstance(value, list) or len(value) > MAX_REQUEST_SHARES:
        raise PeerProtocolError("not a list of a few shares")
    shares = tuple(share for share in value if isinstance(share, str) and is_share(share))
    if len(shares) != len(value):
        raise PeerProtocolError("a share that has no id of one")
    return shares


def version_of(value: JsonValue) -> str:
    """A version of a list, "" for none: only the tracker that gave it knows more of it."""
    if not isinstance(value, str) or len(value) > _MAX_VERSION:
        raise PeerProtocolError("not a version of a list")
    return value


def room_of(value: JsonValue) -> str:
    """Which run of a tracker it is, by this or by a version of its list; "" for one that does not
    say.
    """
    room = value.partition("-")[0] if isinstance(value, str) else ""
    return room if _ROOM.fullmatch(room) else ""


def number(value: JsonValue) -> int:
    """Bytes, or bytes a second, or a count."""
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise PeerProtocolError("an impossible number")
    return value


def shown(value: JsonValue, length: int) -> str:
    """A text that may be shown; "" for none."""
    if not isinstance(value, str):
        return ""
    if len(value) <= length and value.isascii() and value.isprintable():
        return value  # nearly all are, and a tracker reads many
    return shown_name(value, length)


def cut(text: str, room: int) -> str:
    """As much of it as `room` bytes of JSON hold, fit for every reader."""
    if len(text) <= room and _PLAIN.fullmatch(text):
        return text  # nearly all are
    text = text[:room].encode(errors="replace").decode()
    while len(strict_json.dumps(text)) - 2 > room:
        text = text[:-1]
    return text
