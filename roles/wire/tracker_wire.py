"""LMK/2 between a tracker and everyone, both sides, over UDP: bytes in, messages out.

A request is an LMK/1 request with one more line, a JSON object (docs/PROTOCOL.md, section 3). It is
answered with one datagram; list_wire has what goes over TCP. No sockets, no clock, no state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache

from roles.values import strict_json
from roles.values.addresses import Address, ip_of
from roles.values.errors import PeerProtocolError
from roles.values.events import Transfer
from roles.values.strict_json import JsonValue
from roles.wire.fields import (
    MAX_SHARES,
    address,
    cookie_of,
    cut,
    extras_of,
    files_of,
    id_of,
    is_port,
    number,
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

MAX_REQUEST = 1_000  # bytes; an original tracker receives 1,024 and ends on a longer list
MAX_ANSWER = 1_200  # bytes; crosses every network in one piece
RECEIVE_BUFFER = 2_048  # what is longer than this is no request, of any version
NOT_UNDERSTOOD = b"error\nNone"  # to what is no request; an original says it to FindTracker
_ANSWERS = (b"success", b"error", b"[", b"{")  # how the words and lists of every tracker begin
PADDED = 256  # bytes of a request without a cookie: no answer to it may be longer
MAX_TRANSFERS = 8  # in one ping
MAX_NAME = 64  # bytes of a computer's name: what Windows and Linux allow
MAX_TITLE = 60  # bytes; eight of them and the rest fit into a ping
MAX_REASON = 80  # bytes, a short sentence
MAX_STATE = 20  # bytes, a word or two
MAX_TEXT = 200  # bytes of why not

_USUAL_ADDRESS = re.compile(rb'\["([0-9]{1,3}(?:\.[0-9]{1,3}){3})",([1-5][0-9]{4}|[1-9][0-9]{3})\]')
# A ping as encode_request() writes it while nothing is transferred: most of what a tracker hears.
_ONE_SHARE = rb'"(?:[0-9a-f]{16}|lmk1[0-9a-f]{12})"'
_NUMBER = rb"(0|[1-9][0-9]{0,14})"
_USUAL_PING = re.compile(
    rb'\{"lmk":2,"id":"([0-9a-f]{16})","cookie":"([0-9a-f]{24})","peer":"([0-9a-f]{16})"'
    rb',"state":"([ !#-\[\]-~]{0,%d})","shares":\[((?:%b(?:,%b){0,%d})?)\],"up":%b,"down":%b\}'
    % (MAX_STATE, _ONE_SHARE, _ONE_SHARE, MAX_SHARES - 1, _NUMBER, _NUMBER)
)

_IS_LEECHER, _IS_UNREACHABLE, _IS_ORIGINAL = 1, 2, 4  # the flags of a holder


class _Verb(StrEnum):
    """The first line of a request."""

    ADD_SEEDER = "add_seeder"
    UPLOAD_FILE_LIST = "upload_file_list"
    PING_TRACKER = "ping_tracker"
    REQUEST_SEEDER_LIST = "request_seeder_list"
    REQUEST_FILE_LIST = "request_file_list"
    FIND_TRACKER = "find_tracker"


_VERBS = {verb.encode(): verb for verb in _Verb}
_WITH_ARGUMENT = frozenset({b"add_seeder", b"upload_file_list", b"ping_tracker"})
_PINGED = {
    known: b'success\n{"lmk":2,"id":"%%s","reachable":%s}' % word
    for known, word in {True: b"true", False: b"false", None: b"null"}.items()
}
_LIST_VERSION = b'success\n{"lmk":2,"id":"%s","version":"%s","name":%s}'
_AS = {False: "seeder", True: "leecher"}


def encode_request(request: Request) -> bytes:
    """The one datagram that asks, padded while there is no cookie.

    A ping leaves transfers out from the end. Raises PeerProtocolError when it is too long for all
    that: only a list of files can be.
    """
    datagram = _encoded(request)
    while len(datagram) > MAX_REQUEST and isinstance(request, Ping) and request.transfers:
        request = replace(request, transfers=request.transfers[:-1])
        datagram = _encoded(request)
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(f"request of {len(datagram)} bytes, a tracker reads {MAX_REQUEST}")
    return datagram


def decode_request(datagram: bytes) -> Request | None:
    """Read one request; None when it is none of LMK/2. Raises PeerProtocolError."""
    fields = datagram.split(b"\n")
    verb = _VERBS.get(fields[0])
    if verb is None or len(fields) < 2:
        return None
    is_with_argument = fields[0] in _WITH_ARGUMENT
    # Programs of version 1.0 send extras too, but no peer, and get LMK/1's answers.
    if is_with_argument and (len(fields) < 3 or b'"peer"' not in fields[2]):
        return None
    if verb is _Verb.PING_TRACKER and len(datagram) <= MAX_REQUEST:
        usual = _USUAL_PING.fullmatch(fields[2])
        if usual is not None:
            return _usual_ping(_named(fields[1]), *(text.decode() for text in usual.groups()))
    extras = extras_of(fields[1 + is_with_argument])
    if extras is None:
        if is_with_argument:  # it must not become an original seeder
            raise PeerProtocolError("extras that cannot be read")
        return None
    if len(datagram) > MAX_REQUEST:
        raise PeerProtocolError(f"it has {len(datagram)} bytes, {MAX_REQUEST} are allowed")
    return _decode_request(verb, fields[1], extras)


def is_answer(datagram: bytes) -> bool:
    """Whether it begins as what a tracker says. Never answer it: two trackers would go on so for
    ever, once a third machine had sent one of them a datagram in the name of the other.
    """
    return datagram.startswith(_ANSWERS)


def encode_answer(answer: Answer) -> bytes:
    """The one datagram that answers."""
    if isinstance(answer, Pinged):
        return pinged(answer.id.encode(), is_reachable=answer.is_reachable)
    if isinstance(answer, ListVersion):
        return list_version(answer.id, answer.version, answer.name)
    if isinstance(answer, Holders):
        return with_holders(
            answer.id.encode(), ",".join(map(_holder_text, answer.holders)).encode()
        )
    word, line = b"success", dict[str, object]({"lmk": 2, "id": answer.id})
    match answer:
        case Done():
            pass
        case Found(_, name, port, room):
            line |= {"name": cut(name, MAX_NAME), "port": port}
            line |= {"room": room} if room else {}
        case Refused(_, code, text, cookie):
            word = b"error"
            line["code"] = code
            line |= {"text": cut(text, MAX_TEXT)} if text else {}
            line |= {"cookie": cookie} if cookie else {}
    return word + b"\n" + strict_json.dumps(line)


def decode_answer(datagram: bytes) -> Answer | None:
    """Read one answer; None when it is none of LMK/2, but perhaps of LMK/1.

    Raises PeerProtocolError.
    """
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
            return Found(answer_id, shown(name, MAX_NAME), port, room_of(value.get("room")))
        case {"reachable": bool() | None as is_reachable}:
            return Pinged(answer_id, is_reachable)
        case _:
            return Done(answer_id)


def refusal_of(datagram: bytes, why: str) -> bytes | None:
    """The answer to an LMK/2 request that cannot be read; None for one that is not LMK/2's.

    Its source may be forged: the answer is not longer than the request.
    """
    fields = datagram.split(b"\n")
    line = extras_of(fields[-1])
    if line is None or (fields[0] in _WITH_ARGUMENT and "peer" not in line):
        return None  # version 1.0 has such a line too
    try:
        request_id = id_of(line.get("id"))
    except PeerProtocolError:
        return None
    for text in (f"The tracker cannot read this: {why}.", ""):
        answer = encode_answer(Refused(request_id, Code.REFUSED, text))
        if len(answer) <= len(datagram):
            return answer
    return None


def encode_holders(holders: Iterable[Holder]) -> bytes:
    """The end of an answer that tells the first of these, as many as MAX_ANSWER bytes hold."""
    room = MAX_ANSWER - len(with_holders(b"0" * 16, b""))
    texts = list[str]()
    for holder in holders:
        text = _holder_text(holder)
        room -= len(text) + bool(texts)
        if room < 0:
            break
        texts.append(text)
    return ",".join(texts).encode()


def with_holders(answer_id: bytes, encoded: bytes) -> bytes:
    """The datagram of a Holders, of what encode_holders() made of them."""
    return b'success\n{"lmk":2,"id":"%s","holders":[%s]}' % (answer_id, encoded)


def list_version(answer_id: str, version: str, name: str) -> bytes:
    """The datagram of a ListVersion."""
    return _LIST_VERSION % (answer_id.encode(), version.encode(), _computer(name))


def pinged(answer_id: bytes, *, is_reachable: bool | None) -> bytes:
    """The datagram of a Pinged: nearly all answers are."""
    return _PINGED[is_reachable] % answer_id


def _encoded(request: Request) -> bytes:
    line: dict[str, object] = {"lmk": 2, "id": request.id}
    cookie = "" if isinstance(request, FindTracker) else request.cookie
    if cookie:
        line["cookie"] = cookie
    fields = []
    match request:
        case Register(_, named, peer, name, is_leecher, everywhere, shares):
            fields = [_Verb.ADD_SEEDER.encode(), strict_json.dumps(named)]
            line |= {"peer": peer, "name": cut(name, MAX_NAME), "as": _AS[is_leecher]}
            line |= {"everywhere": everywhere, "shares": shares[:MAX_SHARES]}
        case Ping(_, named):
            fields = [_Verb.PING_TRACKER.encode(), strict_json.dumps(named)]
            line |= _ping_fields(request)
        case TellFiles(_, files, peer, port):
            fields = [_Verb.UPLOAD_FILE_LIST.encode(), strict_json.dumps(dict(files))]
            line |= {"peer": peer, "port": port}
        case AskVersion(_, version):
            fields = [_Verb.REQUEST_FILE_LIST.encode()]
            line["version"] = version
        case AskHolders(_, shares):
            fields = [_Verb.REQUEST_SEEDER_LIST.encode()]
            line["shares"] = shares[:MAX_SHARES]
        case FindTracker():
            fields = [_Verb.FIND_TRACKER.encode()]
    datagram = b"\n".join([*fields, strict_json.dumps(line)])
    return datagram if cookie else datagram.ljust(PADDED)


def _ping_fields(ping: Ping) -> dict[str, object]:
    line: dict[str, object] = {"peer": ping.peer, "state": cut(ping.state, MAX_STATE)}
    line |= {"shares": ping.shares[:MAX_SHARES], "up": ping.up, "down": ping.down}
    if ping.leaving:
        line["leaving"] = True
    if ping.reason:
        line["reason"] = cut(ping.reason, MAX_REASON)
    if ping.transfers:
        line["transfers"] = [_transfer_value(one) for one in ping.transfers[:MAX_TRANSFERS]]
    return line


def _transfer_value(transfer: Transfer) -> list[object]:
    title, state = cut(transfer.title, MAX_TITLE), cut(transfer.state, MAX_STATE)
    reason = cut(transfer.reason, MAX_REASON)
    return [title, transfer.have, transfer.size, int(transfer.rate), state, reason]


def _holder_text(holder: Holder) -> str:
    """Its JSON. The host is an address of digits or "": there is nothing to escape."""
    flags = _IS_LEECHER * holder.is_leecher + _IS_UNREACHABLE * holder.is_unreachable
    flags += _IS_ORIGINAL * holder.is_original
    host, port = holder.address
    return f'["{host}",{port},{flags},[{",".join(map(str, holder.asked))}]]'


def _decode_request(verb: _Verb, argument: bytes, line: dict[str, JsonValue]) -> Request:
    request_id, cookie = id_of(line.get("id")), cookie_of(line.get("cookie"))
    match verb:
        case _Verb.ADD_SEEDER:
            return Register(
                id=request_id,
                named=_named(argument),
                peer=id_of(line.get("peer")),
                name=shown(line.get("name"), MAX_NAME),
                is_leecher=_is_leecher(line.get("as")),
                everywhere=line.get("everywhere") is True,
                shares=shares_of(line.get("shares")),
                cookie=cookie,
            )
        case _Verb.PING_TRACKER:
            named = _named(argument)
            return _decode_ping(request_id, named, line, cookie)
        case _Verb.UPLOAD_FILE_LIST:
            files = files_of(strict_json.loads(argument))
            port = line.get("port")
            if type(port) is not int or not is_port(port):
                raise PeerProtocolError("a list without the port of its seeder")
            return TellFiles(request_id, files, id_of(line.get("peer")), port, cookie)
        case _Verb.REQUEST_FILE_LIST:
            version = line.get("version", "")
            return AskVersion(request_id, version_of(version), cookie)
        case _Verb.REQUEST_SEEDER_LIST:
            return AskHolders(request_id, shares_of(line.get("shares")), cookie)
        case _Verb.FIND_TRACKER:
            return FindTracker(request_id)


def _decode_ping(request_id: str, named: Address, line: dict[str, JsonValue], cookie: str) -> Ping:
    transfers = line.get("transfers")
    items = transfers[:MAX_TRANSFERS] if isinstance(transfers, list) else []
    return Ping(
        id=request_id,
        named=named,
        peer=id_of(line.get("peer")),
        state=shown(line.get("state"), MAX_STATE),
        shares=shares_of(line.get("shares")),
        up=number(line.get("up", 0)),
        down=number(line.get("down", 0)),
        reason=shown(line.get("reason"), MAX_REASON),
        transfers=tuple(map(_decode_transfer, items)),
        leaving=line.get("leaving") is True,
        cookie=cookie,
    )


def _usual_ping(
    named: Address, id_: str, cookie: str, peer: str, state: str, shares: str, up: str, down: str
) -> Ping:
    """The same as the long way, in a third of the time: a pattern proved these fields."""
    ids = tuple(shares[1:-1].split('","')) if shares else ()
    return Ping(id_, named, peer, state, ids, int(up), int(down), cookie=cookie)


def _decode_transfer(value: JsonValue) -> Transfer:
    match value:
        case [str(title), int(have), int(size), int(rate), str(state), str(reason), *_]:
            return Transfer(
                title=shown(title, MAX_TITLE),
                have=number(have),
                size=number(size),
                rate=float(number(rate)),
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
            if not all(0 <= index < MAX_SHARES for index in indexes):
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


def _named(argument: bytes) -> Address:
    usual = _USUAL_ADDRESS.fullmatch(argument)
    if usual is not None:
        return Address(usual[1].decode(), int(usual[2]))
    return address(strict_json.loads(argument))


@lru_cache(maxsize=8)  # a tracker is asked often, and has one name
def _computer(name: str) -> bytes:
    return strict_json.dumps(cut(name, MAX_NAME))


def _is_leecher(value: JsonValue) -> bool:
    if value not in _AS.values():
        raise PeerProtocolError("neither a seeder nor a leecher")
    return value == _AS[True]
