"""The datagrams between LMK/1 programs and a tracker, both sides.

A request is UTF-8 text, with fields separated by line feeds (docs/PROTOCOL.md, section 1). Trackers
ignore lines after those that they know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from roles.values import strict_json
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.strict_json import JsonValue
from roles.wire.fields import address_of, extras_of, files_of
from roles.wire.tracker_wire import MAX_REQUEST, RECEIVE_BUFFER, Verb

MAX_ANSWER = 1_024  # bytes; the receive buffer of every original program
MAX_DATAGRAM = 65_535  # an original tracker does not limit its list

SUCCESS = b"success"
ALREADY_REGISTERED = b"error\nSeeder is already Registered"
UNKNOWN_SEEDER = b"error\nSeeder ID not in found with registed seeders"  # the original's spelling


@dataclass(frozen=True, slots=True)
class AddSeeder:
    """Seeder to tracker: I serve at this address."""

    seeder: Address


@dataclass(frozen=True, slots=True)
class UploadFileList:
    """Seeder to tracker: these are my files (size in bytes by name)."""

    files: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PingTracker:
    """Seeder to tracker: I am still here."""

    seeder: Address
    is_ours: bool = False  # up to version 1.2 ours add a line, and register again if unknown


ListRequest = Literal[Verb.REQUEST_SEEDER_LIST, Verb.REQUEST_FILE_LIST]
Request = AddSeeder | UploadFileList | PingTracker | ListRequest


@dataclass(frozen=True, slots=True)
class Verdict:
    """Tracker to anyone: done, or why not."""

    is_done: bool
    text: str = ""


FileList: TypeAlias = dict[str, int]  # size in bytes by name; names are untrusted
SeederList: TypeAlias = tuple[Address, ...]  # exactly as the tracker lists them
Answer = Verdict | FileList | SeederList


def encode_request(request: Request) -> bytes:
    """One datagram. Raises PeerProtocolError if it would be longer than MAX_REQUEST."""
    match request:
        case AddSeeder(argument):
            verb = Verb.ADD_SEEDER
        case UploadFileList(argument):
            verb = Verb.UPLOAD_FILE_LIST
        case PingTracker(argument):
            verb = Verb.PING_TRACKER
        case _:
            return request.encode()
    datagram = verb.encode() + b"\n" + strict_json.dumps(argument)
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(
            f"request of {len(datagram)} bytes, an LMK/1 tracker reads {MAX_REQUEST}"
        )
    return datagram


def decode_request(datagram: bytes) -> Request:
    """Raises PeerProtocolError if it is no LMK/1 request."""
    if len(datagram) >= RECEIVE_BUFFER:
        raise PeerProtocolError(f"datagram of {len(datagram)} bytes or more")
    fields = datagram.split(b"\n")
    argument = fields[1] if len(fields) > 1 else b""
    match fields[0].decode("ascii", "replace"):
        case Verb.ADD_SEEDER:
            return AddSeeder(address_of(strict_json.loads(argument)))
        case Verb.UPLOAD_FILE_LIST:
            return UploadFileList(files_of(strict_json.loads(argument)))
        case Verb.PING_TRACKER:
            is_ours = len(fields) > 2 and extras_of(fields[2]) is not None
            return PingTracker(address_of(strict_json.loads(argument)), is_ours)
        case Verb.REQUEST_SEEDER_LIST:
            return Verb.REQUEST_SEEDER_LIST
        case Verb.REQUEST_FILE_LIST:
            return Verb.REQUEST_FILE_LIST
        case _:
            raise PeerProtocolError("unknown request")


def encode_file_list(files: Iterable[tuple[str, int]]) -> tuple[bytes, int]:
    """Valid JSON of the first files, as many as fit into MAX_ANSWER bytes, and how many."""
    return _fitting(
        ((strict_json.dumps(name) + b":%d" % size) for name, size in files), b"{}", MAX_ANSWER
    )


def encode_seeder_list(seeders: Iterable[Address]) -> tuple[bytes, int]:
    """Valid JSON of the first seeders, as many as fit into MAX_ANSWER bytes, and how many."""
    return _fitting((strict_json.dumps(seeder) for seeder in seeders), b"[]", MAX_ANSWER)


def files_that_fit(files: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The first files, as many as fit into one upload_file_list of MAX_REQUEST bytes.

    An original tracker forwards the list with a space after each colon and comma; that answer must
    fit into MAX_ANSWER bytes, too.
    """
    files = list(files)
    room = MAX_REQUEST - len(encode_request(UploadFileList({}))) + len(b"{}")
    items = (strict_json.dumps(name) + b":%d  " % size for name, size in files)
    _, fitting = _fitting(items, b"{}", room)
    return dict(files[:fitting])


def decode_answer(datagram: bytes) -> Answer:
    """Read a datagram of any tracker. Raises PeerProtocolError."""
    if datagram[:1] == b"{":
        return files_of(strict_json.loads(datagram, most=MAX_DATAGRAM))
    if datagram[:1] == b"[":
        return _decode_seeders(strict_json.loads(datagram, most=MAX_DATAGRAM))
    fields = datagram.split(b"\n")
    match fields[0]:
        case b"success":
            return Verdict(True)
        case b"error" if len(fields) > 1:
            return Verdict(False, fields[1].decode("ascii", "replace")[:200])
        case _:
            raise PeerProtocolError("not an answer of a tracker")


def _decode_seeders(value: JsonValue) -> tuple[Address, ...]:
    """Skips invalid addresses, because original trackers list whatever anyone registered."""
    if not isinstance(value, list):
        raise PeerProtocolError("not a list of seeders")
    seeders = dict[Address, None]()
    for item in value:
        with suppress(PeerProtocolError):
            seeders[address_of(item)] = None
    return tuple(seeders)


def _fitting(items: Iterable[bytes], brackets: bytes, room: int) -> tuple[bytes, int]:
    """Join items with commas, as many as fit with the brackets into `room` bytes.

    Returns the text and the number of items.
    """
    used, taken = len(brackets), list[bytes]()
    for item in items:
        if used + len(item) + bool(taken) > room:
            break
        used += len(item) + bool(taken)
        taken.append(item)
    return brackets[:1] + b",".join(taken) + brackets[1:], len(taken)
