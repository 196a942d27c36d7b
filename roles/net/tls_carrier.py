"""A carrier with a cipher: TLS 1.3 over a TCP socket, for private rooms only.

The standard library's SSLSocket must not be shared by a thread that reads and one that writes. Here
OpenSSL never sees the socket: it turns bytes into bytes, under a lock that is not held while
anything waits.
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
LEAST = 17 * 1024  # bytes: a record, with what is around it
# Bytes that are received at once, and in a row without data, of a stranger: new keys, which anybody
# can send, have 27 bytes and cost 20 µs.
LEAST_OF_STRANGER, FRUITLESS_OF_STRANGER = 2 * 1024, 4 * 1024
_WANTS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def client_context() -> ssl.SSLContext:
    """Who the other side is gets proved inside the connection, not by its certificate."""
    return _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def server_context(pem: bytes) -> ssl.SSLContext:
    """`pem`: certificate and private key. Raises OSError."""
    context = _strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.num_tickets = 0  # nobody resumes: each connection proves itself
    # OpenSSL reads keys from files only. The folder is ours alone, and gone at once.
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
    """Nothing that only a plain socket has is seen: no sendfile(), and SO_RCVLOWAT by wake_at()."""

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, ahead: bytes, *, server_side: bool
    ) -> None:
        """`ahead`: what has come already."""
        super().__init__(sock)
        self._come, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._going, server_side=server_side)
        self._come.write(ahead)
        self._room = memoryview(b"")  # for what comes; a tracker has a thousand of these
        self._lock = threading.Lock()  # protects _tls; never held during I/O
        # Held by whoever takes bytes out of _going, until they are sent or in _unsent: records
        # must leave in the order in which they were made.
        self._sending = threading.Lock()
        self._unsent = memoryview(b"")  # encrypted
        self._promised = 0  # bytes of the last send() that are encrypted, but not all sent
        self._may_have_more = True  # TLS may have something to do without new bytes
        self._fruitless = len(ahead)  # bytes in a row that brought no data
        self.is_stranger = False  # it has proved nothing yet, and gets less of our time

    def shake_hands(self) -> bool:
        """Go on with the handshake; False if bytes have to come first. Raises OSError."""
        until = 0.0
        while not self._goes_on_shaking():
            now = time.monotonic()
            if until and now >= until:
                return False
            until = until or now + self.timeout_s
            come = self._receive()
            if come is None:
                return False
            if not come:
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
        """Of the side that accepted the connection, after the handshake; b"" if that is us."""
        with self._lock:
            return self._tls.getpeercert(binary_form=True) or b""

    @property
    def pending(self) -> int:
        return int(self._may_have_more)

    def receive_into(self, target: memoryview) -> int | None:
        until = 0.0
        while True:
            count = self._decrypt_into(target) if self._may_have_more else None
            if count is not None:
                return count
            now = time.monotonic()
            if until and now >= until:  # bytes that are not yet a record are none in time
                return None
            until = until or now + self.timeout_s
            if self._going.pending:  # it wants an answer from us
                self._flush()
            come = self._receive(len(target))
            if come is None:
                return None
            if not come:  # without the alert that says so, anybody may have cut it off
                raise ConnectionResetError("it was cut off")

    def _decrypt_into(self, target: memoryview) -> int | None:
        """How many bytes are in `target` now, 0 at the end; None if more has to come first."""
        count = 0
        self._may_have_more = False
        with self._lock:
            try:
                while count < len(target):
                    # A record has 16 KiB at most, so this takes one after the other.
                    come = int(self._tls.read(len(target) - count, target[count:]))
                    if not come:
                        self._may_have_more = True  # the end, again and again
                        return count
                    count += come
                    self._fruitless = 0
                    if not self._come.pending:  # another try would only raise
                        break
            except _WANTS:
                return count or None
            except ssl.SSLZeroReturnError:
                self._may_have_more = True
                return count
            self._may_have_more = bool(self._tls.pending() or self._come.pending)
        return count

    def _receive(self, wanted: int = 0) -> int | None:
        """Take what the socket has; see Carrier.receive_into()."""
        if self._fruitless > (FRUITLESS_OF_STRANGER if self.is_stranger else LEAST):
            raise ConnectionResetError("what it sends brings no data")
        wanted = LEAST_OF_STRANGER if self.is_stranger else min(MOST, max(LEAST, wanted))
        if len(self._room) < wanted:
            self._room = memoryview(bytearray(wanted))
        count = super().receive_into(self._room)
        if count:
            self._fruitless += count
            self._may_have_more = True
            with self._lock:
                self._come.write(self._room[:count])
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
        """Send what TLS itself has to say, if the system takes it now. Whoever sends at this moment
        takes it along.
        """
        if self._sending.acquire(blocking=False):
            try:
                self._send_encrypted(waits=False)
            finally:
                self._sending.release()

    def _send_encrypted(self, *, waits: bool) -> bool:
        """Whether all of it is out."""
        until = time.monotonic() + self.timeout_s
        while True:
            if not self._unsent:
                with self._lock:
                    self._unsent = memoryview(self._going.read())
                if not self._unsent:
                    return True
            sent = super().send(self._unsent, waits=waits)
            self._unsent = self._unsent[sent:]
            if not sent or (self._unsent and time.monotonic() >= until):
                return False

    def send_file(self, descriptor: int, offset: int, length: int) -> int | None:  # noqa: ARG002
        return None

    def wake_at(self, count: int) -> None:
        """A part of a record may be here already, so the socket may never have as many bytes."""
        super().wake_at(max(1, count - LEAST))

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
