"""The tracker's answers to datagrams: whom it believes, how much it answers, in which version.

It looks at this machine's own addresses, and opens no socket to anyone.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from roles.lmk1.tracker_wire import (
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
    is_answer,
    with_id,
)
from roles.net.interfaces import is_own_address, own_address_towards
from roles.net.rate_limit import RateLimit
from roles.room.cookies import Cookies, Proof
from roles.room.places import Key
from roles.room.registry import Registry
from roles.room.registry_entry import Entry, Origin, Reader
from roles.values.addresses import FIRST_PORT, LOOPBACK, Address, ip_of, is_loopback, is_unicast
from roles.values.errors import PeerProtocolError
from roles.wire.fields import COOKIE_SIZE
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
    TellFiles,
)
from roles.wire.tracker_messages import Request as Request2
from roles.wire.tracker_wire import decode_request as decode_request2
from roles.wire.tracker_wire import (
    encode_answer,
    fitting,
    refusal_of,
)

log = logging.getLogger(__name__)

REQUESTS_PER_HOST = 100.0  # a second: an original repeats nothing, so a dropped answer freezes it
REQUESTS_IN_ALL = 2_000.0  # half of them for those who have a cookie,
# of whom each has so many beside: one machine may have many addresses, and a cookie for each.
ASSURED_PER_HOST, ASSURED_IN_ALL = 5.0, 10_000.0
LISTS_IN_ALL = 500.0  # list answers are longer than their questions
COMPLAINTS_PER_HOST, COMPLAINTS_IN_ALL = 0.5, 2.0  # lines a second in the log: 2 MiB in two hours
_MAX_HOSTS = 16_384  # remembered at once
_MAX_TOLD = 1_000  # questions whose answers are remembered
_TURNS = 16  # answers to one question: 600 holders in a second
_COOKIE = re.compile(rb'"cookie"\s*:\s*"([0-9a-f]{%d})"' % (2 * COOKIE_SIZE))


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
        name: str,
        port: int,
        on_arrival: Callable[[Key, Entry], None],
    ) -> None:
        """`name` of this computer, `port` of the tracker; `on_arrival` of programs of LMK/2."""
        self._registry, self._cookies = registry, cookies
        self._name, self._port, self._on_arrival = name, port, on_arrival
        half = REQUESTS_IN_ALL / 2
        self._requests = RateLimit(per_host=REQUESTS_PER_HOST, whole=half)
        self._assured = RateLimit(per_host=ASSURED_PER_HOST, whole=ASSURED_IN_ALL)
        self._proved = RateLimit(per_host=REQUESTS_PER_HOST, whole=half)  # beyond these
        self._lists = RateLimit(per_host=REQUESTS_PER_HOST, whole=LISTS_IN_ALL)  # of LMK/1
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)
        self._hosts: dict[str, _Host] = {}  # until forget_hosts()
        # Answers to one question, until then.
        self._told: dict[tuple[tuple[str, ...], bool], deque[tuple[Holder, ...]]] = {}
        self._told_state = -1
        self.is_changed = True  # since the last report; its user takes it back
        self.is_heard = False  # somebody pinged, and said nothing new; the same

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof:
        """What the sender proves by a cookie in it. Nothing else is read yet: senders that may be
        forged should cost little, and wait until the others are answered.
        """
        found = _COOKIE.search(datagram)
        if found is None:
            return Proof.NONE
        return self._cookies.proof(host, found[1].decode(), now=now)

    def answers(
        self, datagram: bytes, host: str, port: int, proof: Proof, *, now: float
    ) -> list[bytes]:
        """What to send back, one after the other; nothing for whom nobody should answer."""
        source = self._host(host)
        if port < FIRST_PORT or not source.is_unicast or is_answer(datagram):
            return []
        if not (source.is_loopback or self._has_room_for(host, proof, now)):
            return []
        try:
            request = decode_request2(datagram)
            if request is None:
                return self._answers1(decode_request(datagram), host, now)
            if proof is Proof.GOOD and not isinstance(request, FindTracker):
                return [encode_answer(self._answer_proved(request, host, now))]
            return self._answers_unproved(request, host, now, datagram)
        except PeerProtocolError as error:
            self._complain(host, now, "a request of %s cannot be answered: %s", host, error)
            return [refusal_of(datagram, str(error)) or UNKNOWN_REQUEST]

    def forget_hosts(self) -> None:
        """Look again which addresses are this machine's own: cables are plugged in and out."""
        self._hosts.clear()
        self._told.clear()

    def _has_room_for(self, host: str, proof: Proof, now: float) -> bool:
        """Forged sources have no cookie, and take no room of those who have one, nor these of
        those who come to get one. What every member needs is there for each.
        """
        if proof is Proof.NONE:
            return self._requests.allows(host, now=now)
        return self._assured.allows(host, now=now) or self._proved.allows(host, now=now)

    def _complain(self, host: str, now: float, text: str, *values: object) -> None:
        """Log it, unless much was logged lately: a flood must not hide everything else."""
        if self._complaints.allows(host, now=now):
            log.info(text, *values)

    # LMK/2

    def _answers_unproved(
        self, request: Request2, host: str, now: float, datagram: bytes
    ) -> list[bytes]:
        if isinstance(request, FindTracker):
            room = self._registry.catalogue.version.partition("-")[0]
            answer = encode_answer(Found(request.id, self._name, self._port, room))
        else:
            cookie = self._cookies.give(host, now=now)
            answer = encode_answer(Refused(request.id, Code.COOKIE, cookie=cookie))
        # Who forges a source must not have more sent to it than it sends itself.
        return [answer] if len(answer) <= len(datagram) else []

    def _answer_proved(
        self, request: Ping | AskVersion | AskHolders | Register | TellFiles, host: str, now: float
    ) -> Answer:
        match request:
            case Ping():
                return self._pinged2(request, host, now)
            case AskVersion(request_id):
                return ListVersion(request_id, self._registry.catalogue.version, self._name)
            case AskHolders(request_id, shares):
                return Holders(request_id, self._holders_for(shares, host))
            case Register():
                return self._registered2(request, host, now)
            case TellFiles():
                return self._told2(request, host)

    def _holders_for(self, shares: tuple[str, ...], host: str) -> tuple[Holder, ...]:
        """Some holders; in a second many ask, so that _TURNS different answers serve them all."""
        if self._registry.holders_state != self._told_state or len(self._told) > _MAX_TOLD:
            self._told_state = self._registry.holders_state
            self._told.clear()
        is_here = self._is_own(host)
        told = self._told.setdefault((shares, is_here), deque())
        if len(told) >= _TURNS:
            told.rotate()
        else:
            told.appendleft(fitting(self._registry.holders(shares, is_here=is_here)))
        return told[0]

    def _pinged2(self, request: Ping, host: str, now: float) -> Answer:
        news = self._registry.news
        member = self._registry.hear(request, host, now=now)
        if member is None:
            return Refused(request.id, Code.UNKNOWN, "Register first.")
        self.is_heard = True
        self.is_changed |= request.leaving or self._registry.news != news
        return Pinged(request.id, member.is_reachable)

    def _registered2(self, request: Register, host: str, now: float) -> Answer:
        is_here = self._is_own(request.advertised.host)
        try:
            key, entry = self._registry.register(
                request, self._origin(host), named_is_here=is_here, now=now
            )
        except PeerProtocolError as error:
            self._refuse(request.advertised, host, error, now)
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

    # LMK/1

    def _answers1(self, request: Request, host: str, now: float) -> list[bytes]:
        match request:
            case AddSeeder(seeder, extras):
                return [with_id(self._added(seeder, extras, host, now), extras)]
            case UploadFileList(files, extras):
                self.is_changed |= self._registry.upload(files, self._origin(host), extras)
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
            self._refuse(seeder, host, error, now)
            return UNKNOWN_REQUEST if extras is None else f"error\n{error}".encode()
        self.is_changed |= is_new
        return SUCCESS if is_new else ALREADY_REGISTERED

    def _pinged(self, seeder: Address, extras: Extras | None, host: str, now: float) -> bytes:
        is_here = self._is_own(seeder.host)
        is_known = self._registry.ping(
            seeder, self._origin(host), extras, named_is_here=is_here, now=now
        )
        self.is_changed = True
        return with_id(SUCCESS if is_known else UNKNOWN_SEEDER, extras)

    def _refuse(self, named: Address, host: str, error: PeerProtocolError, now: float) -> None:
        self._complain(host, now, "%s cannot be registered for %s: %s", named, host, error)

    def _list_answer(self, host: str, now: float, answer: bytes) -> list[bytes]:
        """The list, then `success`, as an original sends them.

        Nothing when too much is asked for.
        """
        if not self._host(host).is_loopback and not self._lists.allows(host, now=now):
            self._complain(host, now, "too many lists asked for, the last time by %s", host)
            return []
        return [answer, SUCCESS]

    def _seeders_for(self, host: str) -> list[Address]:
        is_here = self._is_own(host)
        try:
            tracker_host = LOOPBACK if is_loopback(host) else own_address_towards(host)
        except OSError:
            return []
        return self._registry.seeders_for_originals(Reader(is_here, tracker_host))

    # Addresses

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
