"""The tracker's answers to datagrams: whom it believes, how much it answers, in which version.

It looks at this machine's own addresses, and opens no socket to anyone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from roles.base.interfaces import is_own_address, own_address_towards
from roles.base.rate_limit import RateLimit
from roles.room.cookies import Cookies
from roles.room.places import Key
from roles.room.registry import Registry
from roles.room.registry_entry import Entry, Origin, Reader
from roles.values.addresses import LOOPBACK, Address, ip_of, is_loopback, is_unicast
from roles.values.errors import PeerProtocolError
from roles.wire.lmk1_tracker_wire import (
    ALREADY_REGISTERED,
    SUCCESS,
    UNKNOWN_REQUEST,
    UNKNOWN_SEEDER,
    AddSeeder,
    Extras,
    PingTracker,
    Request,
    RequestFileList,
    RequestSeederList,
    UploadFileList,
    decode_request,
    encode_file_list,
    encode_seeder_list,
    with_id,
)
from roles.wire.lmk2_outline import Outline, outline_of
from roles.wire.lmk2_tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Done,
    FindTracker,
    Found,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    TellFiles,
)
from roles.wire.lmk2_tracker_messages import Request as Request2
from roles.wire.lmk2_tracker_wire import decode_request as decode_request2
from roles.wire.lmk2_tracker_wire import encode_answer, encode_holders, pinged, with_holders

log = logging.getLogger(__name__)

_MAX_HOSTS = 16_384  # remembered at once
_MAX_TOLD = 1_000  # questions whose answers are remembered
_SOME_ID = "0" * 16
_TURNS = 16  # answers to one question: 600 holders in a second


@dataclass(slots=True)
class _Host:
    """What is known of one address."""

    is_unicast: bool
    is_loopback: bool
    is_own: bool | None = None  # None: not looked at yet


class Desk:
    """Answers one datagram after the other, from one thread."""

    def __init__(
        self,
        registry: Registry,
        cookies: Cookies,
        *,
        requests: RateLimit,
        proved: RateLimit,
        lists: RateLimit,
        name: str,
        port: int,
        on_arrival: Callable[[Key, Entry], None],
    ) -> None:
        """`requests` that are answered, `proved` ones beyond these, with a cookie, and LMK/1
        `lists`; `name` of this computer, `port` of the tracker; `on_arrival` of those of LMK/2.
        """
        self._registry, self._cookies = registry, cookies
        self._name, self._port, self._on_arrival = name, port, on_arrival
        self._requests, self._proved, self._lists = requests, proved, lists
        self._hosts: dict[str, _Host] = {}  # until forget_hosts()
        self._told: dict[tuple[tuple[str, ...], bool], deque[bytes]] = {}  # holders, until then
        self._told_state = -1
        self._told_version = ("", b"")  # and the answer that tells it
        self._questions: dict[bytes, AskVersion | AskHolders] = {}  # by their Outline.rest
        self.is_changed = True  # since the last report; its user takes it back
        self.is_heard = False  # somebody pinged, and said nothing new; the same
        self.is_unsaved = False  # the same, since the last state file

    def answers(self, datagram: bytes, host: str, port: int, *, now: float) -> list[bytes]:
        """What to send back, one after the other; nothing for whom nobody should answer.

        Raises PeerProtocolError for what is no request.
        """
        source = self._host(host)
        if port == 0 or not source.is_unicast:
            return []
        outline = outline_of(datagram)
        is_proved = outline is not None and self._cookies.accepts(host, outline.cookie, now=now)
        if not (source.is_loopback or self._has_room_for(host, now, is_proved=is_proved)):
            return []
        if outline is not None and is_proved:
            answer = self._answer_again(outline, host, now)
            if answer is not None:
                return [answer]
        request = decode_request2(datagram)
        if request is None:
            return self._answers1(decode_request(datagram), host, now)
        return self._answers2(request, host, now, datagram, outline)

    def forget_hosts(self) -> None:
        """Look again which addresses are this machine's own: cables are plugged in and out."""
        self._hosts.clear()
        self._told.clear()
        self._questions.clear()

    def _has_room_for(self, host: str, now: float, *, is_proved: bool) -> bool:
        """Forged sources have no cookie, and take no room of those who have one."""
        if is_proved and self._proved.allows(host, now=now):
            return True
        return self._requests.allows(host, now=now)

    def _answer_again(self, outline: Outline, host: str, now: float) -> bytes | None:
        """The answer to what was read before, word for word; None when it was not."""
        request_id, _, rest = outline
        member = self._registry.hear_again(host, rest, now=now)
        if member is not None:
            self.is_heard = True
            return pinged(request_id, is_reachable=member.is_reachable)
        match self._questions.get(rest):
            case AskVersion():
                return self._version_for(request_id)
            case AskHolders(_, shares):
                return with_holders(request_id, self._holders_for(shares, host))
            case None:
                return None

    def _answers2(
        self, request: Request2, host: str, now: float, datagram: bytes, outline: Outline | None
    ) -> list[bytes]:
        if not isinstance(request, FindTracker):
            if self._cookies.accepts(host, request.cookie, now=now):
                rest = b"" if outline is None else outline.rest
                return [self._answer_proved(request, host, now, rest)]
            cookie = self._cookies.give(host, now=now)
            answer = encode_answer(Refused(request.id, Code.COOKIE, cookie=cookie))
        else:
            room = self._registry.catalogue.version.partition("-")[0]
            answer = encode_answer(Found(request.id, self._name, self._port, room))
        # Who forges a source must not have more sent to it than it sends itself.
        return [answer] if len(answer) <= len(datagram) else []

    def _answer_proved(
        self,
        request: Ping | AskVersion | AskHolders | Register | TellFiles,
        host: str,
        now: float,
        rest: bytes,
    ) -> bytes:
        match request:
            case Ping():
                return encode_answer(self._pinged2(request, host, now, rest))
            case AskVersion(request_id):
                self._remember(rest, request)
                return self._version_for(request_id.encode())
            case AskHolders(request_id, shares):
                self._remember(rest, request)
                return with_holders(request_id.encode(), self._holders_for(shares, host))
            case Register():
                return encode_answer(self._registered2(request, host, now))
            case TellFiles():
                return encode_answer(self._told2(request, host))

    def _remember(self, rest: bytes, question: AskVersion | AskHolders) -> None:
        if len(self._questions) >= _MAX_TOLD:
            self._questions.clear()
        self._questions[rest] = question

    def _version_for(self, request_id: bytes) -> bytes:
        """Composed once for each version; the id is the first that is put into it."""
        version = self._registry.catalogue.version
        if version != self._told_version[0]:
            answer = encode_answer(ListVersion(_SOME_ID, version, self._name))
            self._told_version = (version, answer)
        return self._told_version[1].replace(_SOME_ID.encode(), request_id, 1)

    def _holders_for(self, shares: tuple[str, ...], host: str) -> bytes:
        """Some holders; in a second many ask, so that _TURNS different answers serve them all."""
        if self._registry.holders_state != self._told_state or len(self._told) > _MAX_TOLD:
            self._told_state = self._registry.holders_state
            self._told.clear()
        is_here = self._is_own(host)
        told = self._told.setdefault((shares, is_here), deque())
        if len(told) >= _TURNS:
            told.rotate()
        else:
            told.appendleft(encode_holders(self._registry.holders(shares, is_here=is_here)))
        return told[0]

    def _pinged2(self, request: Ping, host: str, now: float, rest: bytes) -> Answer:
        member = self._registry.hear(request, host, now=now, words=rest)
        if member is None:
            return Refused(request.id, Code.UNKNOWN, "Register first.")
        self.is_changed = True
        return Pinged(request.id, member.is_reachable)

    def _registered2(self, request: Register, host: str, now: float) -> Answer:
        is_here = self._is_own(request.named.host)
        try:
            key, entry = self._registry.register(
                request, self._origin(host), named_is_here=is_here, now=now
            )
        except PeerProtocolError as error:
            log.info("%s cannot be registered for %s: %s", request.named, host, error)
            return Refused(request.id, Code.FULL, f"The tracker cannot register this: {error}.")
        self.is_changed = True
        self._on_arrival(key, entry)
        return Done(request.id)

    def _told2(self, request: TellFiles, host: str) -> Answer:
        try:
            is_known = self._registry.tell(request, self._origin(host))
        except PeerProtocolError as error:
            return Refused(request.id, Code.FULL, f"The tracker has no room: {error}.")
        self.is_changed |= is_known
        return Done(request.id) if is_known else Refused(request.id, Code.UNKNOWN)

    def _answers1(self, request: Request, host: str, now: float) -> list[bytes]:
        match request:
            case AddSeeder(seeder, extras):
                return [with_id(self._added(seeder, extras, host, now), extras)]
            case UploadFileList(files, extras):
                self._note_change(self._registry.upload(files, self._origin(host), extras))
                return [with_id(SUCCESS, extras)]
            case PingTracker(seeder, extras):
                return [self._pinged(seeder, extras, host, now)]
            case RequestSeederList():
                return self._list_answer(host, now, encode_seeder_list(self._seeders_for(host))[0])
            case RequestFileList():
                files = self._registry.files_for_originals(is_here=self._is_own(host))
                return self._list_answer(host, now, encode_file_list(files.items())[0])

    def _added(self, seeder: Address, extras: Extras | None, host: str, now: float) -> bytes:
        origin, is_here = self._origin(host), self._is_own(seeder.host)
        try:
            is_new = self._registry.add(seeder, origin, extras, named_is_here=is_here, now=now)
        except PeerProtocolError as error:
            log.info("%s cannot be registered for %s: %s", seeder, host, error)
            return UNKNOWN_REQUEST if extras is None else f"error\n{error}".encode()
        self._note_change(is_new)
        return SUCCESS if is_new else ALREADY_REGISTERED

    def _pinged(self, seeder: Address, extras: Extras | None, host: str, now: float) -> bytes:
        is_here = self._is_own(seeder.host)
        is_known = self._registry.ping(
            seeder, self._origin(host), extras, named_is_here=is_here, now=now
        )
        self.is_changed = True
        self.is_unsaved |= extras is None or extras.leaving
        return with_id(SUCCESS if is_known else UNKNOWN_SEEDER, extras)

    def _list_answer(self, host: str, now: float, answer: bytes) -> list[bytes]:
        """The list, then `success`, as an original sends them.

        Nothing when too much is asked for.
        """
        if not self._host(host).is_loopback and not self._lists.allows(host, now=now):
            log.warning("too many lists asked for, the last time by %s", host)
            return []
        return [answer, SUCCESS]

    def _seeders_for(self, host: str) -> list[Address]:
        is_here = self._is_own(host)
        try:
            tracker_host = LOOPBACK if is_loopback(host) else own_address_towards(host)
        except OSError:
            return []
        return self._registry.seeders_for_originals(Reader(is_here, tracker_host))

    def _origin(self, host: str) -> Origin:
        return Origin(host, self._is_own(host))

    def _is_own(self, host: str) -> bool:
        known = self._host(host)
        if known.is_own is None:  # names are never resolved
            known.is_own = known.is_unicast and ip_of(host) is not None and is_own_address(host)
        return known.is_own

    def _host(self, host: str) -> _Host:
        known = self._hosts.get(host)
        if known is None:
            if len(self._hosts) >= _MAX_HOSTS:
                self._hosts.clear()
            known = self._hosts[host] = _Host(is_unicast(host), is_loopback(host))
        return known

    def _note_change(self, is_change: bool) -> None:
        self.is_changed |= is_change
        self.is_unsaved |= is_change
