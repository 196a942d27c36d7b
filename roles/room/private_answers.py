"""What the tracker of a private room answers to datagrams: that it is there, and private."""

from __future__ import annotations

from roles.net.rate_limit import RateLimit
from roles.room.cookies import Proof
from roles.values.addresses import FIRST_PORT, is_loopback, is_unicast
from roles.values.errors import PeerProtocolError
from roles.wire.tracker_messages import Code, FindTracker, Found, Refused
from roles.wire.tracker_wire import (
    NOT_UNDERSTOOD,
    Verb,
    decode_request,
    encode_answer,
    is_answer,
)

PRIVATE = "This room is private: ask for its code."
PER_HOST, IN_ALL = 100.0, 1_000.0  # a second
# Original programs end on an answer that is not JSON where they asked for a list.
_LMK1 = {
    Verb.REQUEST_SEEDER_LIST: [b"[]", b"success"],
    Verb.REQUEST_FILE_LIST: [b"{}", b"success"],
    Verb.FIND_TRACKER: [NOT_UNDERSTOOD],
}


class PrivateAnswers:
    """Used like Answers, for programs that are not members; those talk over connections."""

    def __init__(self, room: str, port: int) -> None:
        """`room`: with what the versions of its lists begin."""
        self._room, self._port = room, port
        self._requests = RateLimit(per_host=PER_HOST, whole=IN_ALL)

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof:  # noqa: ARG002
        return Proof.NONE

    def to(
        self,
        datagram: bytes,
        host: str,
        port: int,
        proof: Proof,  # noqa: ARG002
        *,
        now: float,
    ) -> list[bytes]:
        """The datagrams to send back, in this order."""
        if port < FIRST_PORT or not is_unicast(host) or is_answer(datagram):
            return []
        if not (is_loopback(host) or self._requests.allows(host, now=now)):
            return []
        try:
            request = decode_request(datagram)
        except PeerProtocolError:
            return []
        if isinstance(request, FindTracker):
            answer = encode_answer(Found(request.id, "", self._port, self._room, is_private=True))
        elif request is not None:
            answer = encode_answer(Refused(request.id, Code.PRIVATE, PRIVATE))
        else:
            return self._to_original(datagram)
        return [answer] if len(answer) <= len(datagram) else []  # the source may be forged

    def _to_original(self, datagram: bytes) -> list[bytes]:
        try:
            verb = Verb(datagram.partition(b"\n")[0].decode())
        except ValueError:
            return []
        return _LMK1.get(verb, [f"error\n{PRIVATE}".encode()])
