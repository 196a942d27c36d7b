"""The first line that each of two LMK/2 peers sends. With it they agree on a version.

It begins with the first word of LMK/1, so an original takes it for an ordinary greeting
(docs/PROTOCOL.md, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

from roles.values import strict_json
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.fields import AS, cut, extras_of, is_id, shown
from roles.wire.frames import MAX_PART, PART

REQUEST_CONNECTION = b"request_connection"
EXIT_CONNECTION = b"exit_connection"  # frees an original seeder that answered a Hello
AWAY = b"away"  # to an LMK/1 leecher: try again later
ERROR = b"error"  # to a stranger
MAX_GREETING = 512  # bytes, including the line of a later version
ANSWER_START = b"lmk2 "  # no original's answer begins with an "l"
MAX_ANSWER = 512  # bytes
MAX_NAME = 64  # characters of a computer's name
_NAME_ROOM = 256  # bytes for it in a line; an escaped character takes up to 12


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of the side that connects."""

    peer: str  # 16 hexadecimal digits, new for each run of a role
    name: str  # of its computer; decode_hello() makes it safe to show
    listen: int  # its TCP port, 0 for none
    is_seeder: bool  # this is a reverse connection: it uploads, as nobody can connect to it
    longest_part: int = MAX_PART  # bytes of a chunk that it accepts in one frame


@dataclass(frozen=True, slots=True)
class Probe:
    """A tracker's first line when it tests whether a program is reachable, and the answer."""

    probe: str
    peer: str = ""  # only in the answer


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer to a Hello."""

    peer: str
    name: str
    is_away: bool  # it has too many connections
    longest_part: int = MAX_PART  # bytes of a chunk that it accepts in one frame


class Greeting(Enum):
    """How a new connection began."""

    LEECHER = "asks to be served"
    LATER_VERSION = "asks to be served, in a later version if possible"
    GAVE_UP = "asked, and left before the answer"
    BROWSER = "speaks HTTP"
    STRANGER = "said something else"


def encode_hello(hello: Hello | Probe) -> bytes:
    """Send it in one piece, because originals take what they receive at once for one message."""
    if isinstance(hello, Probe):
        return _greeting({"lmk": 2, "probe": hello.probe})
    line: dict[str, object] = {
        "lmk": 2,
        "peer": hello.peer,
        "name": cut(hello.name[:MAX_NAME], _NAME_ROOM),
        "listen": hello.listen,
        "as": AS[not hello.is_seeder],
        "part": hello.longest_part,
    }
    return _greeting(line)


def _greeting(line: dict[str, object]) -> bytes:
    return REQUEST_CONNECTION + b"\n" + strict_json.dumps(line) + b"\n"


def decode_hello(line: bytes) -> Hello | Probe | None:
    """Read the line behind the first word; None if it is not LMK/2's, so LMK/1 goes on."""
    value = extras_of(line, most=MAX_GREETING)
    if value is None:
        return None
    probe, peer = value.get("probe"), value.get("peer")
    if _is_id(probe):
        return Probe(probe)
    listen = value.get("listen")
    if not _is_id(peer) or type(listen) is not int or not 0 <= listen <= 65535:
        return None
    name, is_seeder = shown(value.get("name"), MAX_NAME), value.get("as") == AS[False]
    return Hello(peer, name, listen, is_seeder, _longest_part(value))


def encode_welcome(answer: Welcome | Probe) -> bytes:
    if isinstance(answer, Probe):
        line: dict[str, object] = {"lmk": 2, "probe": answer.probe}
        line |= {"peer": answer.peer} if answer.peer else {}
    else:
        state = "away" if answer.is_away else "connected"
        name = cut(answer.name[:MAX_NAME], _NAME_ROOM)
        part = answer.longest_part
        line = {"lmk": 2, "peer": answer.peer, "name": name, "state": state, "part": part}
    return ANSWER_START + strict_json.dumps(line) + b"\n"


def decode_welcome(data: bytes) -> Welcome | None:
    """Read the answer to a Hello, up to its line feed; None while that has not come.

    Raises PeerProtocolError for anything else, such as the words of LMK/1.
    """
    if not ANSWER_START.startswith(data[: len(ANSWER_START)]):
        raise PeerProtocolError("it does not speak LMK/2")
    if len(data) > MAX_ANSWER:
        raise PeerProtocolError("an answer that does not end")
    if not data.endswith(b"\n"):
        return None
    value = extras_of(data[len(ANSWER_START) :], most=MAX_GREETING)
    peer = None if value is None else value.get("peer")
    if value is None or not _is_id(peer):
        raise PeerProtocolError("an answer without the fields of LMK/2")
    name, is_away = shown(value.get("name"), MAX_NAME), value.get("state") == "away"
    return Welcome(peer, name, is_away, _longest_part(value))


def decode_probe_answer(data: bytes) -> Probe | None:
    """None if it is no answer to a Probe. Version 1.1 sends no `peer`."""
    value = (
        extras_of(data.removeprefix(ANSWER_START), most=MAX_GREETING)
        if data.startswith(ANSWER_START)
        else None
    )
    if value is None or not _is_id(value.get("probe")):
        return None
    peer = value.get("peer")
    return Probe(str(value["probe"]), peer if _is_id(peer) else "")


class GreetingReader:
    """Reads the first message of a new connection.

    The bare word of LMK/1 is complete at once, although more may follow.
    """

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def line(self) -> bytes:
        """What followed the first word, if it was not an original's greeting."""
        return self._buffer[len(REQUEST_CONNECTION) + 1 :]

    def feed(self, data: bytes) -> Greeting | None:
        """Take more bytes; None while they may still become a greeting."""
        self._buffer += data
        if self._buffer[:1].isupper():  # as each method of HTTP, and no greeting
            return Greeting.BROWSER
        if self._buffer in (REQUEST_CONNECTION, REQUEST_CONNECTION + b"\n"):
            return Greeting.LEECHER
        if REQUEST_CONNECTION.startswith(self._buffer):
            return None
        if self._buffer == REQUEST_CONNECTION + EXIT_CONNECTION:
            return Greeting.GAVE_UP
        if (REQUEST_CONNECTION + EXIT_CONNECTION).startswith(self._buffer):
            return None
        return self._feed_later_version()

    def _feed_later_version(self) -> Greeting | None:
        """Recognize request_connection LF {...} LF, the greeting of LMK/2 and later.

        Its sender continues in LMK/1 if it is answered in LMK/1.
        """
        if (
            not self._buffer.startswith(REQUEST_CONNECTION + b"\n")
            or len(self._buffer) > MAX_GREETING
        ):
            return Greeting.STRANGER
        return Greeting.LATER_VERSION if self._buffer.endswith(b"\n") else None


def _longest_part(value: dict[str, JsonValue]) -> int:
    """How many bytes of a chunk the sender of this line accepts; PART if it does not say."""
    part = value.get("part")
    return min(max(PART, part), MAX_PART) if type(part) is int else PART


def _is_id(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and is_id(value)
