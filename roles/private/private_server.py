"""The side that accepts a connection in a private room. It trusts the other side, and tells it
something, only after that has proved that it belongs to the room.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator

from roles.net.connection import Connection
from roles.net.tls_carrier import encrypt, server_context
from roles.private.certificate import DeviceKey, digest_of
from roles.private.guess_limits import GuessLimits
from roles.private.handshake_wire import (
    GREETING,
    JOIN,
    MEMBER,
    NONCE_SIZE,
    PROVE,
    YES,
    Side,
    answer_of,
    clear_words,
    refusal,
    secret_proof,
    tracker_identity,
)
from roles.private.p256 import POINT_SIZE
from roles.private.room_keys import RoomKeys, TrackerKeys
from roles.private.spake2 import PROOF_SIZE, Exchange, Password
from roles.values.errors import PeerProtocolError
from roles.values.events import Guesser

log = logging.getLogger(__name__)

ENTER_S = 5.0  # for everything up to the proof

Steps = Generator[bool, None, None]


class NotPrivateError(PeerProtocolError):
    """The other side does not ask for a private room."""

    is_something_else = True


class PrivateServer:
    """Admits members: at each of them, and at the tracker, which has `verifier`. For one thread."""

    def __init__(
        self,
        key: DeviceKey,
        keys: Callable[[], RoomKeys | None],
        *,
        verifier: CodeVerifier | None = None,
        admitted: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        """`keys` returns None until this program itself has joined. `admitted` is called with each
        connection that was let in. Raises OSError.
        """
        self._context = server_context(key.pem())
        self._certificate = digest_of(key.certificate)
        self._keys, self._verifier, self._admitted = keys, verifier, admitted

    def admit(self, connection: Connection) -> Steps:
        """Ends when the other side belongs to the room; whatever follows is encrypted.

        Yields True when it needs more bytes, and False to let others have a turn. The caller ends
        it after ENTER_S. Raises OSError, PeerProtocolError and NotPrivateError.
        """
        yield from _greeting(connection)
        keys = self._keys()
        if keys is None:
            raise PeerProtocolError("this program has not joined its room yet")
        connection.post(answer_of(keys.room))
        carrier = encrypt(connection, self._context, server_side=True)
        carrier.is_stranger = True
        while not carrier.shake_hands():
            yield True
            yield False  # a handshake takes a millisecond, and many may come at once
        kind = yield from received(connection, 1)
        if kind == PROVE:
            yield from self._check_proof(connection, keys)
        elif kind == JOIN and self._verifier is not None:
            identity = tracker_identity(keys.room, self._certificate)
            yield from self._verifier.check_code(connection, keys, identity)
        else:
            raise PeerProtocolError("it wants to enter in an unknown way")
        carrier.is_stranger = False
        self._admitted(connection)

    def _check_proof(self, connection: Connection, keys: RoomKeys) -> Steps:
        dialled, accepted = (yield from received(connection, NONCE_SIZE)), new_nonce()
        said = keys.room, self._certificate, dialled, accepted
        own = secret_proof(keys.secret, Side.ACCEPTED, *said)
        connection.post(YES + accepted + own)
        proof = yield from received(connection, PROOF_SIZE)
        if not hmac.compare_digest(proof, secret_proof(keys.secret, Side.DIALLED, *said)):
            raise PeerProtocolError("it does not know the secret of the room")


class CodeVerifier:
    """Admits members that have only the code, at the tracker."""

    def __init__(self, keys: TrackerKeys) -> None:
        """Takes 0.1 s."""
        self._password = Password.of(keys.code, keys.room.room)
        self._limits = GuessLimits()
        assert all((self._password.on_m, self._password.on_n))  # computed now, not during a try

    def guessers(self) -> tuple[Guesser, ...]:
        """How often each host failed in the last minute; hanging up during a try is a failure."""
        failed = Counter(self._limits.failed(now=time.monotonic()))
        return tuple(Guesser(host, count) for host, count in failed.most_common())

    def check_code(self, connection: Connection, keys: RoomKeys, identity: bytes) -> Steps:
        """The tracker computes in its own loop: 5 ms at a time, for which another thread would keep
        the interpreter from it as well, and the limits allow four tries a second to guessers.
        """
        host = connection.address.host
        share = yield from received(connection, POINT_SIZE)
        wait_s = self._limits.begin(host, now=time.monotonic())
        if wait_s:
            connection.post(refusal(wait_s))
            raise PeerProtocolError("too many codes were tried lately")
        is_right = False
        try:
            is_right = yield from self._is_right(connection, keys, identity, share)
        finally:
            self._limits.end(host, is_right=is_right, now=time.monotonic())
        if not is_right:
            connection.post(refusal(self._limits.left(host)))
            log.warning("%s tried a wrong code", host)
            raise PeerProtocolError("it does not know the code")

    def _is_right(
        self, connection: Connection, keys: RoomKeys, identity: bytes, share: bytes
    ) -> Generator[bool, None, bool]:
        yield False
        exchange = Exchange(self._password, is_a=False)
        connection.post(YES + exchange.share)  # the member computes while we go on
        yield False
        context = clear_words(keys.room)
        proofs = exchange.proofs(share, a=MEMBER, b=identity, context=context)
        proof = yield from received(connection, PROOF_SIZE)
        if not hmac.compare_digest(proof, proofs.a):
            return False
        connection.post(YES + proofs.b + keys.secret)
        return True


def received(connection: Connection, count: int) -> Generator[bool, None, bytes]:
    """Exactly `count` bytes. Yields True until they have come."""
    while (data := connection.take(count)) is None:
        arrived = connection.read_ahead(count)
        if arrived is None:
            yield True
        elif not arrived:
            raise ConnectionResetError("it hung up")
    return data


def new_nonce() -> bytes:
    return secrets.token_bytes(NONCE_SIZE)


def _greeting(connection: Connection) -> Steps:
    while connection.take(len(GREETING)) != GREETING:
        arrived = connection.read_ahead(len(GREETING))
        begin = connection.take(connection.ahead) or b""
        connection.put_back(begin)
        if not GREETING.startswith(begin[: len(GREETING)]):
            raise NotPrivateError("it does not ask for a private room")
        if arrived is None:
            yield True
        elif not arrived:
            raise ConnectionResetError("it hung up")
