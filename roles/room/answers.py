"""The tracker's answers to datagrams, and its limits on them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Protocol

from roles.net.rate_limit import RateLimit
from roles.room.cookies import Cookies, Proof
from roles.room.registry import Registry
from roles.room.registry_entry import Key, Program
from roles.room.senders import Senders
from roles.values.addresses import FIRST_PORT, is_loopback, is_unicast
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
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    Request,
    TellFiles,
)
from roles.wire.tracker_wire import (
    NOT_UNDERSTOOD,
    decode_request,
    encode_answer,
    fitting,
    is_answer,
    refusal_of,
)

REQUESTS_PER_HOST = 100.0  # a second: an original repeats nothing, so a dropped answer freezes it
REQUESTS_IN_ALL = 2_000.0  # a second: half of them for hosts that have a cookie
# What each host with a cookie has besides: one machine may have many addresses, with a cookie each.
ASSURED_PER_HOST, ASSURED_IN_ALL = 5.0, 10_000.0
_MAX_KEPT = 1_000  # questions whose answers are kept
_TURNS = 16  # different answers to one question: 600 holders in a second
_NO_ID = "0" * 16  # in answers that are kept
_BEP15 = (b"\x00", b"\xff")  # begin BitTorrent programs' datagrams, and none of LMK's
_COOKIE = re.compile(rb'"cookie"\s*:\s*"([0-9a-f]{%d})"' % (2 * COOKIE_SIZE))


class Lmk1Answers(Protocol):
    """Answers datagrams that are no requests of LMK/2."""

    def answers(self, datagram: bytes, host: str, *, now: float) -> list[bytes]:
        """Raises PeerProtocolError for a datagram that is no request or cannot be answered."""


class TorrentAnswers(Protocol):
    """Answers datagrams of BitTorrent programs."""

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof: ...

    def answers(self, datagram: bytes, host: str, proof: Proof, *, now: float) -> list[bytes]:
        """Raises PeerProtocolError for a datagram that is no request."""


class Answers:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        registry: Registry,
        cookies: Cookies,
        senders: Senders,
        lmk1: Lmk1Answers | None,
        torrents: TorrentAnswers | None,
        *,
        name: str,
        port: int,
        on_arrival: Callable[[Key, Program], None],
    ) -> None:
        """`lmk1`, `torrents`: None to understand no such programs. `name` is this computer's, and
        `port` the tracker's. `on_arrival` is called when a program registers.
        """
        self._registry, self._cookies = registry, cookies
        self._senders, self._lmk1, self._torrents = senders, lmk1, torrents
        self._name, self._port, self._on_arrival = name, port, on_arrival
        half = REQUESTS_IN_ALL / 2
        self._requests = RateLimit(per_host=REQUESTS_PER_HOST, whole=half)
        self._assured = RateLimit(per_host=ASSURED_PER_HOST, whole=ASSURED_IN_ALL)
        self._proved = RateLimit(per_host=REQUESTS_PER_HOST, whole=half)  # beyond the assured ones
        # Answers by the shares asked for and is_here, all for the registry's state `_kept_state`.
        self._kept: dict[tuple[tuple[str, ...], bool], deque[bytes]] = {}
        self._kept_state = -1

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof:
        """What the datagram's cookie proves. Nothing else is read yet: a datagram with a forged
        source should cost little, and waits until the others are answered.
        """
        if self._torrents is not None and datagram[:1] in _BEP15:
            return self._torrents.proof(datagram, host, now=now)
        cookie = _COOKIE.search(datagram)
        if cookie is None:
            return Proof.NONE
        return self._cookies.proof(host, cookie[1].decode(), now=now)

    def to(self, datagram: bytes, host: str, port: int, proof: Proof, *, now: float) -> list[bytes]:
        """The datagrams to send back, in this order; none if the sender should get no answer."""
        if port < FIRST_PORT or not is_unicast(host) or is_answer(datagram):
            return []
        if not (is_loopback(host) or self._has_room_for(host, proof, now)):
            return []
        try:
            if self._torrents is not None and datagram[:1] in _BEP15:
                return self._torrents.answers(datagram, host, proof, now=now)
            request = decode_request(datagram)
            if request is None:
                if self._lmk1 is None:
                    return [NOT_UNDERSTOOD]
                return self._lmk1.answers(datagram, host, now=now)
            if proof is Proof.GOOD and not isinstance(request, FindTracker):
                return [self._answer_proved(request, host, now)]
            return self._answers_unproved(request, host, now, datagram)
        except PeerProtocolError as error:
            text = "cannot answer a request from %s: %s"
            self._senders.complain(host, now, text, host, error)
            return [refusal_of(datagram, str(error)) or NOT_UNDERSTOOD]

    def forget_hosts(self) -> None:
        """This machine's addresses may have changed: look them up again."""
        self._senders.forget()
        self._kept.clear()

    def _has_room_for(self, host: str, proof: Proof, now: float) -> bool:
        """Hosts with and without a cookie have separate limits, so that forged sources, which have
        none, take nothing from the others. Each host with a cookie has what a program needs.
        """
        if proof is Proof.NONE:
            return self._requests.allows(host, now=now)
        return self._assured.allows(host, now=now) or self._proved.allows(host, now=now)

    def _answers_unproved(
        self, request: Request, host: str, now: float, datagram: bytes
    ) -> list[bytes]:
        answer: Answer
        if isinstance(request, FindTracker):
            room = self._registry.room_list.epoch
            answer = Found(request.id, self._name, self._port, room)
        else:
            answer = Refused(request.id, Code.COOKIE, cookie=self._cookies.give(host, now=now))
        encoded = encode_answer(answer)
        # A forged source must not get more bytes than the forger has sent.
        return [encoded] if len(encoded) <= len(datagram) else []

    def _answer_proved(
        self, request: Ping | AskVersion | AskHolders | Register | TellFiles, host: str, now: float
    ) -> bytes:
        match request:
            case Ping():
                return encode_answer(self._pinged(request, host, now))
            case AskVersion(request_id):
                version = self._registry.room_list.version
                return encode_answer(ListVersion(request_id, version, self._name))
            case AskHolders(request_id, shares):
                kept = self._holders_for(shares, host)
                return kept.replace(_NO_ID.encode(), request_id.encode(), 1)
            case Register():
                return encode_answer(self._registered(request, host, now))
            case TellFiles():
                return encode_answer(self._files_uploaded(request, host))

    def _holders_for(self, shares: tuple[str, ...], host: str) -> bytes:
        """Some holders: _TURNS different answers serve all the leechers that ask in one second."""
        state = self._registry.by_share.state
        if state != self._kept_state or len(self._kept) > _MAX_KEPT:
            self._kept_state = state
            self._kept.clear()
        is_here = self._senders.is_own(host)
        kept = self._kept.setdefault((shares, is_here), deque())
        if len(kept) >= _TURNS:
            kept.rotate()
        else:
            holders = fitting(self._registry.holders(shares, is_here=is_here))
            kept.appendleft(encode_answer(Holders(_NO_ID, holders)))
        return kept[0]

    def _pinged(self, request: Ping, host: str, now: float) -> Answer:
        program = self._registry.hear(request, host, now=now)
        if program is None:
            return Refused(request.id, Code.UNKNOWN, "Register first.")
        return Pinged(request.id, program.is_reachable)

    def _registered(self, request: Register, host: str, now: float) -> Answer:
        origin = self._senders.origin(host, request.advertised.host)
        try:
            key, entry = self._registry.register(request, origin, now=now)
        except PeerProtocolError as error:
            text = "cannot register %s for %s: %s"
            self._senders.complain(host, now, text, request.advertised, host, error)
            return Refused(request.id, Code.FULL, f"The tracker cannot register this: {error}.")
        self._on_arrival(key, entry)
        return Done(request.id)

    def _files_uploaded(self, request: TellFiles, host: str) -> Answer:
        try:
            is_known = self._registry.upload(request, self._senders.origin(host))
        except PeerProtocolError as error:
            return Refused(request.id, Code.FULL, f"The tracker has no room: {error}.")
        return Done(request.id) if is_known else Refused(request.id, Code.UNKNOWN)
