"""LMK/1 over UDP, both sides: bytes in, messages out. No sockets, no clock, no state.

A request is UTF-8 text, its fields separated by line feeds (docs/PROTOCOL.md, section 1). One more
line, a JSON object, may follow: the extras (section 1.2). An original tracker ignores it; ours
answers with the same id in a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from roles.values import strict_json
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.fields import address, extras_of, files_of, is_id, is_port
from roles.wire.tracker_wire import MAX_REQUEST, RECEIVE_BUFFER, Verb

MAX_ANSWER = 1_024  # bytes; the receive buffer of every original program
MAX_DATAGRAM = 65_535  # an original tracker's list may be of any length

SUCCESS = b"success"
ALREADY_REGISTERED = b"error\nSeeder is already Registered"
UNKNOWN_SEEDER = b"error\nSeeder ID not in found with registed seeders"  # the original's spelling

_STATES = frozenset({"available", "connected", "away"})


@dataclass(frozen=True, slots=True)
class Extras:
    """What our own programs add to an LMK/1 request; every field but the id may be missing."""

    id: str  # 16 hexadecimal digits, repeated in the answer
    everywhere: bool = False  # this seeder listens on every interface, whatever host it names
    port: int | None = None  # upload_file_list: the TCP port of the seeder whose list this is
    state: str | None = None  # ping_tracker: available, connected or away
    leaving: bool = False  # ping_tracker: the seeder stops now


@dataclass(frozen=True, slots=True)
class AddSeeder:
    """Seeder to tracker: I serve on this address."""

    seeder: Address
    extras: Extras | None = None


@dataclass(frozen=True, slots=True)
class UploadFileList:
    """Seeder to tracker: these are my files, name to size in bytes."""

    files: Mapping[str, int]
    extras: Extras | None = None


@dataclass(frozen=True, slots=True)
class PingTracker:
    """Seeder to tracker: I am still here."""

    seeder: Address
    extras: Extras | None = None


@dataclass(frozen=True, slots=True)
class RequestSeederList:
    """Leecher to tracker: who serves?"""


@dataclass(frozen=True, slots=True)
class RequestFileList:
    """Anyone to tracker: which files are there?"""


Request = AddSeeder | UploadFileList | PingTracker | RequestSeederList | RequestFileList


@dataclass(frozen=True, slots=True)
class Verdict:
    """Tracker: done, or not done and why. A tracker of our own repeats the id of the question."""

    is_done: bool
    text: str = ""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class FileList:
    """Tracker to anyone: name to size in bytes. Names are as untrusted as any byte from outside."""

    files: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SeederList:
    """Tracker to leecher: where to connect."""

    seeders: tuple[Address, ...]


Answer = Verdict | FileList | SeederList


def encode_request(request: Request) -> bytes:
    """The one datagram that asks.

    Raises PeerProtocolError when it would be longer than MAX_REQUEST.
    """
    match request:
        case AddSeeder(seeder, extras):
            fields = [Verb.ADD_SEEDER.encode(), strict_json.dumps(seeder), *_extras_line(extras)]
        case UploadFileList(files, extras):
            listed = strict_json.dumps(dict(files))
            fields = [Verb.UPLOAD_FILE_LIST.encode(), listed, *_extras_line(extras)]
        case PingTracker(seeder, extras):
            fields = [Verb.PING_TRACKER.encode(), strict_json.dumps(seeder), *_extras_line(extras)]
        case RequestSeederList():
            fields = [Verb.REQUEST_SEEDER_LIST.encode()]
        case RequestFileList():
            fields = [Verb.REQUEST_FILE_LIST.encode()]
    datagram = b"\n".join(fields)
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(
            f"request of {len(datagram)} bytes, an LMK/1 tracker reads {MAX_REQUEST}"
        )
    return datagram


def decode_request(datagram: bytes) -> Request:
    """Read one request. Raises PeerProtocolError for everything that is not one."""
    if len(datagram) >= RECEIVE_BUFFER:
        raise PeerProtocolError(f"datagram of {len(datagram)} bytes or more")
    fields = datagram.split(b"\n")
    argument = fields[1] if len(fields) > 1 else b""
    extras = _decode_extras(fields[2]) if len(fields) > 2 else None
    match fields[0].decode("ascii", "replace"):
        case Verb.ADD_SEEDER:
            return AddSeeder(address(strict_json.loads(argument)), extras)
        case Verb.UPLOAD_FILE_LIST:
            return UploadFileList(files_of(strict_json.loads(argument)), extras)
        case Verb.PING_TRACKER:
            return PingTracker(address(strict_json.loads(argument)), extras)
        case Verb.REQUEST_SEEDER_LIST:
            return RequestSeederList()
        case Verb.REQUEST_FILE_LIST:
            return RequestFileList()
        case _:
            raise PeerProtocolError("unknown request")


def with_id(answer: bytes, extras: Extras | None) -> bytes:
    """The answer to a question that carried extras: the same words, then our line with its id."""
    if extras is None:
        return answer
    return answer + b"\n" + strict_json.dumps({"lmk": 2, "id": extras.id})


def encode_file_list(files: Iterable[tuple[str, int]]) -> tuple[bytes, int]:
    """Whole JSON of as many files, in this order, as MAX_ANSWER bytes hold, and how many."""
    return _fitting(
        ((strict_json.dumps(name) + b":%d" % size) for name, size in files), b"{}", MAX_ANSWER
    )


def encode_seeder_list(seeders: Iterable[Address]) -> tuple[bytes, int]:
    """Whole JSON of as many seeders, in this order, as MAX_ANSWER bytes hold, and how many."""
    return _fitting((strict_json.dumps(seeder) for seeder in seeders), b"[]", MAX_ANSWER)


def files_that_fit(files: Iterable[tuple[str, int]], extras: Extras | None) -> dict[str, int]:
    """The first files whose upload_file_list stays within MAX_REQUEST bytes.

    Without extras it is for an original tracker, which hands the list on with a blank behind each
    colon and comma: that answer must stay within MAX_ANSWER bytes too.
    """
    files = list(files)
    room = MAX_REQUEST - len(encode_request(UploadFileList({}, extras))) + len(b"{}")
    blanks = b"  " if extras is None else b""
    _, fitting = _fitting(
        ((strict_json.dumps(name) + b":%d" % size + blanks) for name, size in files), b"{}", room
    )
    return dict(files[:fitting])


def decode_answer(datagram: bytes) -> Answer:
    """Read one datagram of a tracker, an original's or ours. Raises PeerProtocolError."""
    if datagram[:1] == b"{":
        return FileList(files_of(strict_json.loads(datagram, most=MAX_DATAGRAM)))
    if datagram[:1] == b"[":
        return SeederList(_decode_seeders(strict_json.loads(datagram, most=MAX_DATAGRAM)))
    fields = datagram.split(b"\n")
    extras = _decode_extras(fields[-1])
    answer_id = None if extras is None else extras.id
    match fields[0]:
        case b"success":
            return Verdict(True, id=answer_id)
        case b"error" if len(fields) > 1:
            return Verdict(False, fields[1].decode("ascii", "replace")[:200], answer_id)
        case _:
            raise PeerProtocolError("not an answer of a tracker")


def _extras_line(extras: Extras | None) -> list[bytes]:
    if extras is None:
        return []
    line: dict[str, object] = {"lmk": 2, "id": extras.id}
    if extras.everywhere:
        line["everywhere"] = True
    if extras.port is not None:
        line["port"] = extras.port
    if extras.state is not None:
        line["state"] = extras.state
    if extras.leaving:
        line["leaving"] = True
    return [strict_json.dumps(line)]


def _decode_extras(line: bytes) -> Extras | None:
    """None when there are none that we understand: the request then counts as plain LMK/1."""
    value = extras_of(line)
    if value is None:
        return None
    request_id, port, state = (value.get(key) for key in ("id", "port", "state"))
    if not isinstance(request_id, str) or not is_id(request_id):
        return None
    return Extras(
        id=request_id,
        everywhere=value.get("everywhere") is True,
        port=port if isinstance(port, int) and is_port(port) else None,
        state=state if isinstance(state, str) and state in _STATES else None,
        leaving=value.get("leaving") is True,
    )


def _decode_seeders(value: JsonValue) -> tuple[Address, ...]:
    """Without what is no address: an original tracker hands on whatever anyone registered."""
    if not isinstance(value, list):
        raise PeerProtocolError("not a list of seeders")
    seeders = dict[Address, None]()
    for item in value:
        with suppress(PeerProtocolError):
            seeders[address(item)] = None
    return tuple(seeders)


def _fitting(items: Iterable[bytes], brackets: bytes, room: int) -> tuple[bytes, int]:
    """Items joined by commas while the text with its brackets stays within `room` bytes.

    Returns it, and how many items came before the first that was too long.
    """
    used, taken = len(brackets), list[bytes]()
    for item in items:
        if used + len(item) + bool(taken) > room:
            break
        used += len(item) + bool(taken)
        taken.append(item)
    return brackets[:1] + b",".join(taken) + brackets[1:], len(taken)
