"""A carrier that encrypts: TLS 1.3 over a TCP socket, for private rooms only.

The standard library's SSLSocket must not be shared by a thread that reads and one that writes. Here
OpenSSL never sees the socket. It only turns bytes into bytes, under a lock that nothing holds while
it waits.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
import time
from pathlib import Path

from roles.net.carrier import Bytes, Carrier
from roles.net.connection import Connection

MOST = 256 * 1024  # bytes that are encrypted, or received, at once
LEAST = 17 * 1024  # bytes: the largest record, with its header and tag
# Bytes from a stranger that are received at once, and in a row without data. Anybody can send new
# keys: 27 bytes, which cost us 20 µs.
LEAST_OF_STRANGER, FRUITLESS_OF_STRANGER = 2 * 1024, 4 * 1024
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def client_context() -> ssl.SSLContext:
    """It verifies no certificate: the proofs inside the connection show who the other side is."""
    return _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def server_context(pem: bytes) -> ssl.SSLContext:
    """`pem`: certificate and private key. Raises OSError."""
    context = _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.num_tickets = 0  # no connection resumes another: each has its own proof
    # `ssl` reads keys only from files. Nobody else can open this folder.
    with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
        file = Path(folder) / "key.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)
    return context


def _strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    return context


def encrypt(connection: Connection, context: ssl.SSLContext, *, server_side: bool) -> TlsCarrier:
    """Go on in TLS on this connection. Call shake_hands() of the carrier next. Raises OSError."""
    made: list[TlsCarrier] = []

    def make(carrier: Carrier, ahead: bytes) -> TlsCarrier:
        made.append(TlsCarrier(carrier.sock, context, ahead, server_side=server_side))
        made[0].limit(carrier.timeout_s)
        return made[0]

    connection.carry_on_by(make)
    return made[0]


class TlsCarrier(Carrier):
    """It cannot use sendfile(), so send_file() always returns None."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, ahead: bytes, *, server_side: bool
    ) -> None:
        """`ahead`: bytes that were received before."""
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side)
        self._incoming.write(ahead)
        self._room = memoryview(b"")  # to receive into; small, as a tracker has a thousand of these
        self._lock = threading.Lock()  # protects _tls; never held during I/O
        # Held by the thread that takes bytes out of _outgoing, until they are sent or in _unsent:
        # records must leave in the order in which they were made.
        self._sending = threading.Lock()
        self._unsent = memoryview(b"")  # encrypted
        self._promised = 0  # bytes that send() encrypted, but has not wholly sent
        self._may_have_more = True  # TLS may have something to do without new bytes
        self._fruitless = len(ahead)  # bytes received since the last data
        self.is_stranger = False  # the other side has proved nothing yet

    def shake_hands(self) -> bool:
        """Go on with the handshake; False if bytes have to come first. Raises OSError."""
        until = 0.0
        while not self._goes_on_shaking():
            now = time.monotonic()
            if until and now >= until:
                return False
            until = until or now + self.timeout_s
            received = self._receive()
            if received is None:
                return False
            if not received:
                raise ConnectionResetError("it hung up during the handshake")
        return True

    def _goes_on_shaking(self) -> bool:
        try:
            with self._lock:
                self._tls.do_handshake()
        except _WANTS:
            self._flush()
            return False
        except ssl.SSLError as error:
            with contextlib.suppress(OSError):
                self._flush()  # which tells the other side why
            text = f"its encryption is not that of a private room: {error.reason}"
            raise ssl.SSLError(error.errno, text) from None
        self._flush()
        return True

    def other_certificate(self) -> bytes:
        """The certificate of the accepting side, after the handshake; b"" if that is us."""
        with self._lock:
            return self._tls.getpeercert(binary_form=True) or b""

    @property
    def pending(self) -> int:
        return int(self._may_have_more)

    def receive_into(self, target: memoryview, at_least: int = 1) -> int | None:
        until = 0.0
        while True:
            count = self._decrypt_into(target) if self._may_have_more else None
            if count is not None:
                return count
            now = time.monotonic()
            if until and now >= until:  # part of a record is no data
                return None
            until = until or now + self.timeout_s
            if self._outgoing.pending:  # TLS has something to answer
                self._flush()
            # Part of a record may be here already, so the socket may never have `at_least` bytes.
            received = self._receive(len(target), max(1, at_least - LEAST))
            if received is None:
                return None
            if not received:  # without close_notify anybody may have cut it off
                raise ConnectionResetError("it was cut off")

    def _decrypt_into(self, target: memoryview) -> int | None:
        """How many bytes are in `target` now, 0 at the end; None if more has to come first."""
        count = 0
        self._may_have_more = False
        with self._lock:
            try:
                while count < len(target):
                    # One record, 16 KiB at most, at a time.
                    length = int(self._tls.read(len(target) - count, target[count:]))
                    if not length:
                        self._may_have_more = True  # the end, at each call from now on
                        return count
                    count += length
                    self._fruitless = 0
                    if not self._incoming.pending:  # another read() would only raise
                        break
            except _WANTS:
                return count or None
            except ssl.SSLZeroReturnError:
                self._may_have_more = True
                return count
            self._may_have_more = bool(self._tls.pending() or self._incoming.pending)
        return count

    def _receive(self, wanted: int = 0, at_least: int = 1) -> int | None:
        """Give TLS what the socket has; see Carrier.receive_into()."""
        if self._fruitless > (FRUITLESS_OF_STRANGER if self.is_stranger else LEAST):
            raise ConnectionResetError("what it sends brings no data")
        wanted = LEAST_OF_STRANGER if self.is_stranger else min(MOST, max(LEAST, wanted))
        if len(self._room) < wanted:
            self._room = memoryview(bytearray(wanted))
        count = super().receive_into(self._room, at_least)
        if count:
            self._fruitless += count
            self._may_have_more = True
            with self._lock:
                self._incoming.write(self._room[:count])
        return count

    def send(self, data: Bytes, *, more: bool = False, waits: bool = True) -> int:
        with self._sending:
            if not self._promised:
                with self._lock:
                    self._promised = self._tls.write(memoryview(data)[:MOST])
            if not (more or self._send_encrypted(waits=waits)):
                return 0
            sent, self._promised = self._promised, 0
            return sent

    def _flush(self) -> None:
        """Send what TLS itself has to say, if the system takes it now. If another thread is
        sending, that one sends it.
        """
        if self._sending.acquire(blocking=False):
            try:
                self._send_encrypted(waits=False)
            finally:
                self._sending.release()

    def _send_encrypted(self, *, waits: bool) -> bool:
        """Send what is encrypted; True once all of it is sent."""
        until = time.monotonic() + self.timeout_s
        while True:
            if not self._unsent:
                with self._lock:
                    self._unsent = memoryview(self._outgoing.read())
                if not self._unsent:
                    return True
            sent = super().send(self._unsent, waits=waits)
            self._unsent = self._unsent[sent:]
            if not sent or (self._unsent and time.monotonic() >= until):
                return False

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:  # noqa: ARG002
        return None

    def end_sending(self) -> None:
        self._say_goodbye()
        super().end_sending()

    def close(self) -> None:
        self._say_goodbye()
        super().close()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._lock:  # the other side may be gone
            self._tls.unwrap()
        with contextlib.suppress(OSError):
            self._flush()
