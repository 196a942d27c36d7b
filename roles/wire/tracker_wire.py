"""The datagrams between LMK/2 programs and a tracker, both sides.

A request is an LMK/1 request with one more line, a JSON object (docs/PROTOCOL.md, section 3). The
tracker answers with one datagram.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from roles.values import strict_json
from roles.values.addresses import Address, ip_of
from roles.values.errors import PeerProtocolError
from roles.values.participants import Status, TransferStatus
from roles.values.strict_json import JsonValue
from roles.wire.fields import (
    AS,
    MAX_REQUEST_SHARES,
    address_of,
    cookie_of,
    cut,
    extras_of,
    files_of,
    id_of,
    is_leecher,
    is_port,
    number_of,
    room_of,
    shares_of,
    shown,
    version_of,
)
from roles.wire.tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Done,
    FindTracker,
    Found,
    Holder,
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    Request,
    TellFiles,
)

MAX_REQUEST = 1_000  # bytes; an original tracker receives 1,024 and crashes on a longer list
MAX_ANSWER = 1_200  # bytes; no network fragments it
RECEIVE_BUFFER = 2_048  # bytes; no request of any version is longer
NOT_UNDERSTOOD = b"error\nNone"  # an original's answer to what it does not know, like FindTracker
_ANSWERS = (b"success", b"error", b"[", b"{")  # how all answers of all trackers begin
PADDED = 256  # bytes of a request without a cookie; its answer must not be longer
MAX_TRANSFERS = 8  # in one ping
MAX_NAME = 64  # bytes of a computer's name; the limit of Windows and Linux
MAX_TITLE = 60  # bytes; a ping has room for eight
MAX_REASON = 80  # bytes, a short sentence
MAX_STATE = 20  # bytes, a word or two
MAX_TEXT = 200  # bytes of a refusal

_IS_LEECHER, _IS_UNREACHABLE, _IS_ORIGINAL = 1, 2, 4  # flags of a holder


class Verb(StrEnum):
    """The first line of a request."""

    ADD_SEEDER = "add_seeder"
    UPLOAD_FILE_LIST = "upload_file_list"
    PING_TRACKER = "ping_tracker"
    REQUEST_SEEDER_LIST = "request_seeder_list"
    REQUEST_FILE_LIST = "request_file_list"
    FIND_TRACKER = "find_tracker"


_VERBS = {verb.encode(): verb for verb in Verb}
_WITH_ARGUMENT = frozenset({b"add_seeder", b"upload_file_list", b"ping_tracker"})
_REACHABLE = {True: "true", False: "false", None: "null"}


def encode_request(request: Request) -> bytes:
    """One datagram, padded to PADDED bytes if it has no cookie.

    A ping that is too long loses its last transfers. Raises PeerProtocolError for a list of files
    that is too long.
    """
    datagram = _encoded(request)
    while len(datagram) > MAX_REQUEST and isinstance(request, Ping) and request.status.transfers:
        status = request.status
        request = replace(request, status=replace(status, transfers=status.transfers[:-1]))
        datagram = _encoded(request)
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(f"request of {len(datagram)} bytes, a tracker reads {MAX_REQUEST}")
    return datagram


def decode_request(datagram: bytes) -> Request | None:
    """None if it is no LMK/2 request. Raises PeerProtocolError."""
    fields = datagram.split(b"\n")
    verb = _VERBS.get(fields[0])
    if verb is None or len(fields) < 2:
        return None
    is_with_argument = fields[0] in _WITH_ARGUMENT
    # Without a peer it is LMK/1, which ignores the line.
    if is_with_argument and (len(fields) < 3 or b'"peer"' not in fields[2]):
        return None
    extras = extras_of(fields[1 + is_with_argument])
    if extras is None:
        if is_with_argument:  # otherwise it would be registered as an original seeder
            raise PeerProtocolError("extras that cannot be read")
        return None
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(f"it has {len(datagram)} bytes, {MAX_REQUEST} are allowed")
    return _decode_request(verb, fields[1], extras)


def is_answer(datagram: bytes) -> bool:
    """Whether this looks like a tracker's answer. A tracker must not reply to those: one datagram
    with a forged source would make two trackers answer each other forever.
    """
    return datagram.startswith(_ANSWERS)


def encode_answer(answer: Answer) -> bytes:
    if isinstance(answer, Pinged):  # nearly all are, and dumps() would make them an eighth slower
        known = _REACHABLE[answer.is_reachable]
        return f'success\n{{"lmk":2,"id":"{answer.id}","reachable":{known}}}'.encode()
    word, line = b"success", dict[str, object]({"lmk": 2, "id": answer.id})
    match answer:
        case Done():
            pass
        case ListVersion(_, version, name):
            line |= {"version": version, "name": cut(name, MAX_NAME)}
        case Holders(_, holders):
            line["holders"] = list(map(_holder_value, holders))
        case Found(_, name, port, room, is_private):
            line |= {"name": cut(name, MAX_NAME), "port": port}
            line |= {"room": room} if room else {}
            line |= {"private": True} if is_private else {}
        case Refused(_, code, text, cookie):
            word = b"error"
            line["code"] = code
            line |= {"text": cut(text, MAX_TEXT)} if text else {}
            line |= {"cookie": cookie} if cookie else {}
    return word + b"\n" + strict_json.dumps(line)


def decode_answer(datagram: bytes) -> Answer | None:
    """None if it is no LMK/2 answer; it may be LMK/1's. Raises PeerProtocolError."""
    word, _, text = datagram.partition(b"\n")
    if len(datagram) > MAX_ANSWER or word not in (b"success", b"error"):
        return None
    value = extras_of(text)
    if value is None:
        return None
    answer_id = id_of(value.get("id"))
    match value:
        case {"code": str(code)} if word == b"error":
            why = shown(value.get("text"), MAX_TEXT)
            return Refused(answer_id, code[:MAX_STATE], why, cookie_of(value.get("cookie")))
        case _ if word == b"error":
            raise PeerProtocolError("a refusal without a code")
        case {"version": str(version)}:
            name = shown(value.get("name"), MAX_NAME)
            return ListVersion(answer_id, version_of(version), name)
        case {"holders": list(holders)}:
            return Holders(answer_id, tuple(map(_decode_holder, holders)))
        case {"name": str(name), "port": int(port)} if is_port(port):
            room, is_private = room_of(value.get("room")), value.get("private") is True
            return Found(answer_id, shown(name, MAX_NAME), port, room, is_private)
        case {"reachable": bool() | None as is_reachable}:
            return Pinged(answer_id, is_reachable)
        case _:
            return Done(answer_id)


def refusal_of(datagram: bytes, why: str) -> bytes | None:
    """The answer to an LMK/2 request that decode_request() refused; None if it is not LMK/2's.

    It is no longer than the request, whose source may be forged.
    """
    fields = datagram.split(b"\n")
    line = extras_of(fields[-1])
    if line is None or (fields[0] in _WITH_ARGUMENT and "peer" not in line):
        return None
    try:
        request_id = id_of(line.get("id"))
    except PeerProtocolError:
        return None
    for text in (f"The tracker cannot read this: {why}.", ""):
        answer = encode_answer(Refused(request_id, Code.REFUSED, text))
        if len(answer) <= len(datagram):
            return answer
    return None


def fitting(holders: Iterable[Holder]) -> tuple[Holder, ...]:
    """The first holders, as many as fit into one answer."""
    left = MAX_ANSWER - len(encode_answer(Holders("0" * 16, ())))
    first = list[Holder]()
    for holder in holders:
        left -= len(strict_json.dumps(_holder_value(holder))) + bool(first)
        if left < 0:
            break
        first.append(holder)
    return tuple(first)


def _encoded(request: Request) -> bytes:
    line: dict[str, object] = {"lmk": 2, "id": request.id}
    cookie = "" if isinstance(request, FindTracker) else request.cookie
    if cookie:
        line["cookie"] = cookie
    fields = []
    match request:
        case Register(_, advertised, peer, name, as_leecher, everywhere, shares, _, machine):
            fields = [Verb.ADD_SEEDER.encode(), strict_json.dumps(advertised)]
            line |= {"peer": peer, "name": cut(name, MAX_NAME), "as": AS[as_leecher]}
            line |= {"everywhere": everywhere, "shares": shares[:MAX_REQUEST_SHARES]}
            line |= {"machine": machine} if machine else {}
        case Ping(_, advertised, peer, status, leaving):
            fields = [Verb.PING_TRACKER.encode(), strict_json.dumps(advertised)]
            line |= {"peer": peer} | status_fields(status)
            line |= {"leaving": True} if leaving else {}
        case TellFiles(_, files, peer, port):
            fields = [Verb.UPLOAD_FILE_LIST.encode(), strict_json.dumps(dict(files))]
            line |= {"peer": peer, "port": port}
        case AskVersion(_, version):
            fields = [Verb.REQUEST_FILE_LIST.encode()]
            line["version"] = version
        case AskHolders(_, shares):
            fields = [Verb.REQUEST_SEEDER_LIST.encode()]
            line["shares"] = shares[:MAX_REQUEST_SHARES]
        case FindTracker():
            fields = [Verb.FIND_TRACKER.encode()]
    datagram = b"\n".join([*fields, strict_json.dumps(line)])
    return datagram if cookie else datagram.ljust(PADDED)


def status_fields(status: Status) -> dict[str, object]:
    """The fields of a ping that status_of() reads; those that say nothing are left out."""
    line: dict[str, object] = {"state": cut(status.state, MAX_STATE)}
    line |= {"shares": status.shares[:MAX_REQUEST_SHARES], "up": status.up, "down": status.down}
    if status.reason:
        line["reason"] = cut(status.reason, MAX_REASON)
    if status.transfers:
        line["transfers"] = list(map(_transfer_value, status.transfers[:MAX_TRANSFERS]))
    if status.machine:
        line["machine"] = status.machine
    if status.size:
        line |= {"have": status.have, "of": status.size}
    if status.given:
        line["given"] = status.given
    if status.seconds_left is not None:
        line["seconds_left"] = status.seconds_left
    return line


def _transfer_value(transfer: TransferStatus) -> list[object]:
    title, state = cut(transfer.title, MAX_TITLE), cut(transfer.state, MAX_STATE)
    reason = cut(transfer.reason, MAX_REASON)
    return [title, transfer.have, transfer.size, int(transfer.rate), state, reason]


def _holder_value(holder: Holder) -> list[object]:
    flags = _IS_LEECHER * holder.is_leecher + _IS_UNREACHABLE * holder.is_unreachable
    flags += _IS_ORIGINAL * holder.is_original
    return [*holder.address, flags, holder.asked]


def _decode_request(verb: Verb, argument: bytes, line: dict[str, JsonValue]) -> Request:
    request_id, cookie = id_of(line.get("id")), cookie_of(line.get("cookie"))
    match verb:
        case Verb.ADD_SEEDER:
            return Register(
                id=request_id,
                advertised=_address(argument),
                peer=id_of(line.get("peer")),
                name=shown(line.get("name"), MAX_NAME),
                is_leecher=is_leecher(line.get("as")),
                everywhere=line.get("everywhere") is True,
                shares=shares_of(line.get("shares")),
                cookie=cookie,
                machine=_machine_of(line),
            )
        case Verb.PING_TRACKER:
            return Ping(
                id=request_id,
                advertised=_address(argument),
                peer=id_of(line.get("peer")),
                status=status_of(line),
                leaving=line.get("leaving") is True,
                cookie=cookie,
            )
        case Verb.UPLOAD_FILE_LIST:
            files = files_of(strict_json.loads(argument))
            port = line.get("port")
            if type(port) is not int or not is_port(port):
                raise PeerProtocolError("a list without the port of its seeder")
            return TellFiles(request_id, files, id_of(line.get("peer")), port, cookie)
        case Verb.REQUEST_FILE_LIST:
            version = line.get("version", "")
            return AskVersion(request_id, version_of(version), cookie)
        case Verb.REQUEST_SEEDER_LIST:
            return AskHolders(request_id, shares_of(line.get("shares")), cookie)
        case Verb.FIND_TRACKER:
            return FindTracker(request_id)


def status_of(line: dict[str, JsonValue]) -> Status:
    """Raises PeerProtocolError."""
    transfers = line.get("transfers")
    items = transfers[:MAX_TRANSFERS] if isinstance(transfers, list) else []
    size = number_of(line.get("of", 0))
    return Status(
        state=shown(line.get("state"), MAX_STATE),
        shares=shares_of(line.get("shares")),
        up=number_of(line.get("up", 0)),
        down=number_of(line.get("down", 0)),
        reason=shown(line.get("reason"), MAX_REASON),
        transfers=tuple(map(_decode_transfer, items)),
        machine=_machine_of(line),
        have=min(number_of(line.get("have", 0)), size),
        size=size,
        given=number_of(line.get("given", 0)),
        seconds_left=number_of(line["seconds_left"]) if "seconds_left" in line else None,
    )


def _machine_of(line: dict[str, JsonValue]) -> str:
    return id_of(line["machine"]) if "machine" in line else ""


def _decode_transfer(value: JsonValue) -> TransferStatus:
    match value:
        case [str(title), int(have), int(size), int(rate), str(state), str(reason), *_]:
            return TransferStatus(
                title=shown(title, MAX_TITLE),
                have=min(number_of(have), number_of(size)),
                size=number_of(size),
                rate=float(number_of(rate)),
                state=shown(state, MAX_STATE),
                reason=shown(reason, MAX_REASON),
            )
        case _:
            raise PeerProtocolError("not a transfer")


def _decode_holder(value: JsonValue) -> Holder:
    match value:
        case [str(host), int(port), int(flags), list(asked), *_] if is_port(port):
            if host and ip_of(host) is None:
                raise PeerProtocolError("a holder without an IPv4 address")
            indexes = tuple(index for index in asked if isinstance(index, int))
            if not all(0 <= index < MAX_REQUEST_SHARES for index in indexes):
                raise PeerProtocolError("a holder of a share that was not asked for")
            return Holder(
                address=Address(host, port),
                is_leecher=bool(flags & _IS_LEECHER),
                is_unreachable=bool(flags & _IS_UNREACHABLE),
                is_original=bool(flags & _IS_ORIGINAL),
                asked=indexes,
            )
        case _:
            raise PeerProtocolError("not a holder")


@lru_cache(maxsize=16_384)  # a program's pings repeat it; this makes them an eighth cheaper
def _address(argument: bytes) -> Address:
    return address_of(strict_json.loads(argument))
