"""The first line each way between two LMK/2 peers: text in, messages out. No sockets, no state.

It begins with the first word of LMK/1, so that an original takes it for a greeting of its own: this
is where two programs find out which version they speak (docs/PROTOCOL.md, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeGuard

from roles.values import strict_json
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.fields import cut, extras_of, is_id, shown
from roles.wire.frames import MAX_PART, PART

REQUEST_CONNECTION = b"request_connection"
EXIT_CONNECTION = b"exit_connection"  # frees an original seeder that took a Hello for its own
AWAY = b"away"  # to a leecher of LMK/1: come again
ERROR = b"error"  # to a stranger
MAX_GREETING = 512  # bytes, that of a later version included
ANSWER_START = b"lmk2 "  # no original program's answer begins with an "l"
MAX_ANSWER = 512  # bytes, as many as a greeting has
MAX_NAME = 64  # characters that a computer calls itself
_NAME_ROOM = 256  # bytes of it in a line: escapes take up to 12 for one character


@dataclass(frozen=True, slots=True)
class Hello:
    """First line of whoever connects: who it is, and which way the data goes."""

    peer: str  # 16 hexadecimal digits, new for each run of a role
    name: str  # of its computer, safe to show once it was read
    listen: int  # TCP port at which it can be reached, 0 for none
    is_seeder: bool  # it could not be reached and offers over its own connection
    longest_part: int = MAX_PART  # bytes of a chunk that it takes in one frame


@dataclass(frozen=True, slots=True)
class Probe:
    """First line of a tracker that looks whether a program can be reached, and the answer to it."""

    probe: str
    peer: str = ""  # in the answer: who is there


@dataclass(frozen=True, slots=True)
class Welcome:
    """Answer to a Hello."""

    peer: str
    name: str
    is_away: bool  # too many connections
    longest_part: int = MAX_PART  # bytes of a chunk that it takes in one frame


class Greeting(Enum):
    """How a newcomer began."""

    LEECHER = "asks to be served"
    LATER_VERSION = "asks to be served, in a later version if possible"
    GAVE_UP = "asked, and left before the answer"
    STRANGER = "said something else"


def encode_hello(hello: Hello | Probe) -> bytes:
    """The whole greeting, to be sent at once: an original takes it for its own first word."""
    if isinstance(hello, Probe):
        return _greeting({"lmk": 2, "probe": hello.probe})
    line: dict[str, object] = {
        "lmk": 2,
        "peer": hello.peer,
        "name": cut(hello.name[:MAX_NAME], _NAME_ROOM),
        "listen": hello.listen,
        "as": "seeder" if hello.is_seeder else "leecher",
        "part": hello.longest_part,
    }
    return _greeting(line)


def _greeting(line: dict[str, object]) -> bytes:
    return REQUEST_CONNECTION + b"\n" + strict_json.dumps(line) + b"\n"


def decode_hello(line: bytes) -> Hello | Probe | None:
    """The line behind the first word; None when it is none of ours, and LMK/1 goes on."""
    value = extras_of(line, most=MAX_GREETING)
    if value is None:
        return None
    probe, peer = value.get("probe"), value.get("peer")
    if _is_id(probe):
        return Probe(probe)
    listen = value.get("listen")
    if not _is_id(peer) or type(listen) is not int or not 0 <= listen <= 65535:
        return None
    name, is_seeder = shown(value.get("name"), MAX_NAME), value.get("as") == "seeder"
    return Hello(peer, name, listen, is_seeder, _longest_part(value))


def encode_welcome(answer: Welcome | Probe) -> bytes:
    """The line that answers a Hello or a Probe."""
    if isinstance(answer, Probe):
        line: dict[str, object] = {"lmk": 2, "probe": answer.probe}
        line |= {"peer": answer.peer} if answer.peer else {}
    else:
        state = "away" if answer.is_away else "connected"
        name = cut(answer.name[:MAX_NAME], _NAME_ROOM)
        part = answer.longest_part
        line = {"lmk": 2, "peer": answer.peer, "name": name, "state": state, "part": part}
    return ANSWER_START + strict_json.dumps(line) + b"\n"


def decode_probe_answer(data: bytes) -> Probe | None:
    """What answers a Probe; None for anything else. Version 1.1 did not say who it is."""
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
    """The first message of a newcomer at a seeder.

    The bare word is complete at once, whatever may follow it.
    """

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def line(self) -> bytes:
        """What a later version said behind the first word."""
        return self._buffer[len(REQUEST_CONNECTION) + 1 :]

    def feed(self, data: bytes) -> Greeting | None:
        """Take more bytes; None while they may still become a greeting."""
        self._buffer += data
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
        """Whether it is request_connection LF {...} LF.

        A later version says so, and goes on in LMK/1 when it is answered in LMK/1.
        """
        if (
            not self._buffer.startswith(REQUEST_CONNECTION + b"\n")
            or len(self._buffer) > MAX_GREETING
        ):
            return Greeting.STRANGER
        return Greeting.LATER_VERSION if self._buffer.endswith(b"\n") else None


class WelcomeReader:
    """The answer to a Hello, at whoever connected. Takes no byte of the frames behind it."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Welcome | None:
        """Take more bytes, up to the line feed and no further; None while it has not come.

        Raises PeerProtocolError for anything else, the words of LMK/1 included.
        """
        self._buffer += data
        if not ANSWER_START.startswith(self._buffer[: len(ANSWER_START)]):
            raise PeerProtocolError("it does not speak LMK/2")
        if len(self._buffer) > MAX_ANSWER:
            raise PeerProtocolError("an answer that does not end")
        if not self._buffer.endswith(b"\n"):
            return None
        value = extras_of(self._buffer[len(ANSWER_START) :], most=MAX_GREETING)
        peer = None if value is None else value.get("peer")
        if value is None or not _is_id(peer):
            raise PeerProtocolError("an answer that nobody of ours gives")
        name, is_away = shown(value.get("name"), MAX_NAME), value.get("state") == "away"
        return Welcome(peer, name, is_away, _longest_part(value))


def _longest_part(value: dict[str, JsonValue]) -> int:
    """What may be sent to whom said this; who says nothing takes what everybody takes."""
    part = value.get("part")
    return min(max(PART, part), MAX_PART) if type(part) is int else PART


def _is_id(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and is_id(value)
