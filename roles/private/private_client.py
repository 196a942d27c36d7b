"""The side that connects in a private room: it joins with the code, and comes back with the room's
secret.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import threading
import time
import weakref
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from roles.net.connection import Connection
from roles.net.dialling import dialled
from roles.net.tls_carrier import TlsCarrier, client_context, encrypt
from roles.private.certificate import DeviceKey, digest_of
from roles.private.handshake_wire import (
    ANSWER_SIZE,
    GREETING,
    JOIN,
    MEMBER,
    NONCE_SIZE,
    PROVE,
    SECRET_SIZE,
    YES,
    Side,
    clear_words,
    room_of,
    secret_proof,
    tracker_identity,
)
from roles.private.p256 import POINT_SIZE
from roles.private.private_server import ENTER_S, PrivateServer, new_nonce, received
from roles.private.room_keys import RoomKeys
from roles.private.spake2 import PROOF_SIZE, Exchange, Password
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, PeerProtocolError, TrackerSilentError
from roles.wire.list_wire import OPEN_ANSWER
from roles.worker import POLL_S

log = logging.getLogger(__name__)

PATIENCE_S = 30.0  # at most, for its turn to try the code
WRONG = (
    "The tracker {} does not accept this code. Compare it with the one that the tracker shows, and "
    "type it again. {}"
)
TRIES_LEFT = "Tries left before a pause: {}."
NO_TRIES_LEFT = "Wait a minute before the next try."
OTHER_ROOM = (
    "The tracker {} has a new code: ask for it. What has been downloaded stays. (Or another "
    "private room answers there now.)"
)
NO_PROOF = (
    "The tracker {} did not prove that it knows the code: it is the wrong code, or somebody else "
    "answers there. Nothing was sent. Compare the code with the one that the tracker shows."
)
IS_OPEN = "The room of the tracker {} is open: it needs no code. Leave the code out to use it."
LATER = "Too many codes were tried at the tracker {}. Try again in {} s."

T = TypeVar("T")


class _SecretRefusedError(PeerProtocolError):
    """The other side has another secret: the room has a new code, or it is another room.

    Only a person may try a code there: it may be somebody who wants to test a guess.
    """


@dataclass(frozen=True, slots=True)
class _Member:
    keys: RoomKeys
    tracker: Address  # where it joined
    certificate: bytes  # the digest of the tracker's


class PrivateClient:
    """A role's way into a private room. Its methods may be called from any thread."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._joining = threading.Lock()  # held by the one thread that joins
        self._lock = threading.Lock()  # protects `_within`; never held during I/O
        # None before it has joined; after an error, only a new PrivateClient tries a code.
        self._state: _Member | CodeRefusedError | None = None
        self._within = weakref.WeakSet[Connection]()  # connections that the secret let in

    @property
    def keys(self) -> RoomKeys | None:
        state = self._state
        return state.keys if isinstance(state, _Member) else None

    @cached_property
    def private_server(self) -> PrivateServer:
        """Admits those who connect to us. Raises OSError."""
        return PrivateServer(DeviceKey.made(), lambda: self.keys, admitted=self._note)

    def connected(self, tracker: Address, stopping: threading.Event) -> Connection:
        """An encrypted connection to the tracker. Joins with the code first, if we have not yet.

        Raises OSError, PeerProtocolError, CodeRefusedError, and TrackerSilentError if codes cannot
        be tried now.
        """
        while True:
            with self._joining:
                state = self._state
                if isinstance(state, CodeRefusedError):
                    raise state
                if state is None:
                    return self._joined(tracker, stopping)
            connection = dialled(tracker, stopping, is_chosen=True)
            try:
                _run(self._prove(connection, state, tracker), connection, stopping)
            except _SecretRefusedError:
                connection.close()
                if tracker != state.tracker:
                    raise  # a search led us there, and anybody can answer it
                self._end(state, CodeRefusedError(OTHER_ROOM.format(tracker)))
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def enter(self, connection: Connection, stopping: threading.Event) -> None:
        """Encrypt a connection to another member. Raises OSError and PeerProtocolError."""
        state = self._state
        if not isinstance(state, _Member):
            raise PeerProtocolError("this program has not joined its room yet")
        _run(self._prove(connection, state, None), connection, stopping)

    def _joined(self, tracker: Address, stopping: threading.Event) -> Connection:
        """A connection to the tracker, after a proof by the code."""
        until = time.monotonic() + PATIENCE_S
        while True:
            connection = dialled(tracker, stopping, is_chosen=True)
            try:
                wait_s = _run(self._join(connection, tracker), connection, stopping)
            except BaseException:
                connection.close()
                raise
            if not wait_s:
                return connection
            connection.close()
            log.info("Waiting %d s for a turn to try the code.", wait_s)
            if time.monotonic() + wait_s > until or stopping.wait(wait_s):
                raise TrackerSilentError(LATER.format(tracker, wait_s))

    def _join(self, connection: Connection, tracker: Address) -> Generator[bool, None, int]:
        """Returns 0 when we have joined, otherwise how many seconds to wait before a try."""
        room = yield from _greet(connection, tracker)
        password = _password(self._code, room)
        carrier = yield from _encrypted(connection)
        certificate = digest_of(carrier.other_certificate())
        exchange = Exchange(password, is_a=True)
        connection.post(JOIN + exchange.share)
        assert password.on_n  # computed now, while the tracker computes its share
        answer = yield from received(connection, 1)
        if answer != YES:
            (wait_s,) = yield from received(connection, 1)
            return max(1, wait_s)
        share = yield from received(connection, POINT_SIZE)
        identity = tracker_identity(room, certificate)
        proofs = exchange.proofs(share, a=MEMBER, b=identity, context=clear_words(room))
        # Our proof tells the other side whether it guessed our code, so if anything goes wrong from
        # here on, only a person may try again.
        self._state = refusal = CodeRefusedError(NO_PROOF.format(tracker))
        connection.post(proofs.a)
        answer = yield from received(connection, 1)
        if answer != YES:
            (left,) = yield from received(connection, 1)
            words = TRIES_LEFT.format(left) if left else NO_TRIES_LEFT
            self._state = refusal = CodeRefusedError(WRONG.format(tracker, words))
            refusal.tries_left = left
            raise refusal
        proof = yield from received(connection, PROOF_SIZE)
        if not hmac.compare_digest(proof, proofs.b):
            raise refusal
        secret = yield from received(connection, SECRET_SIZE)
        self._state = _Member(RoomKeys(room, secret), tracker, certificate)
        log.info("Joined the private room %s.", room)
        return 0

    def _prove(
        self, connection: Connection, member: _Member, tracker: Address | None
    ) -> Generator[bool, None, None]:
        """Prove the secret to the tracker, or to a member if `tracker` is None."""
        room = yield from _greet(connection, tracker if tracker == member.tracker else None)
        if room != member.keys.room:
            raise _SecretRefusedError("it takes part in another private room")
        carrier = yield from _encrypted(connection)
        certificate, own = digest_of(carrier.other_certificate()), new_nonce()
        if tracker is not None and certificate != member.certificate:
            raise _SecretRefusedError("it is another tracker")
        connection.post(PROVE + own)
        if (yield from received(connection, 1)) != YES:
            raise PeerProtocolError("it refuses us")
        other = yield from received(connection, NONCE_SIZE)
        proof = yield from received(connection, PROOF_SIZE)
        said = room, certificate, own, other
        if not hmac.compare_digest(proof, secret_proof(member.keys.secret, Side.ACCEPTED, *said)):
            raise _SecretRefusedError("it does not know the secret of the room")
        connection.post(secret_proof(member.keys.secret, Side.DIALLED, *said))
        self._note(connection)

    def _note(self, connection: Connection) -> None:
        with self._lock:
            self._within.add(connection)

    def _end(self, member: _Member, refusal: CodeRefusedError) -> None:
        """The room no longer has this secret: end all connections that it let in."""
        with self._lock:
            if self._state is not member:
                return
            self._state = refusal
            ending = list(self._within)
        for connection in ending:
            connection.hang_up()


def _greet(connection: Connection, tracker: Address | None) -> Generator[bool, None, str]:
    """Returns the id of the room that answers. If it is open, the error names `tracker`."""
    connection.post(GREETING)
    line = b""
    while not line.endswith(b"\n") and len(line) < ANSWER_SIZE:
        line += yield from received(connection, 1)
    if line == OPEN_ANSWER and tracker is not None:
        raise CodeRefusedError(IS_OPEN.format(tracker))
    return room_of(line)


@lru_cache(maxsize=8)
def _password(code: str, room: str) -> Password:
    """Takes 0.1 s, once for all roles."""
    return Password.of(code, room)


def _encrypted(connection: Connection) -> Generator[bool, None, TlsCarrier]:
    carrier = encrypt(connection, client_context(), server_side=False)
    while not carrier.shake_hands():
        yield True
    return carrier


def _run(steps: Generator[bool, None, T], connection: Connection, stopping: threading.Event) -> T:
    """Do these steps. Raises TimeoutError after ENTER_S, and what they raise."""
    connection.limit(POLL_S)
    deadline = time.monotonic() + ENTER_S
    with contextlib.closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            if stopping.is_set():
                raise TimeoutError("this program stops")
            if time.monotonic() > deadline:
                raise TimeoutError("it did not answer in time")
