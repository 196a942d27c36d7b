"""Seeders of LMK/1 that play by a script, written from docs/PROTOCOL.md without our wire code."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.receiving import HEADER, receive_exactly
from tests.support import LIMIT_S

CHUNK = 5_120  # bytes
ACK = b"acknolwedgement"
NOT_ACK = b"error_notacknol"


class ScriptedSeeder:
    """Plays a seeder: each connection gets a thread that runs the script, then is closed."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        self._play = play
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.connections = 0  # written by the accepting thread
        self._socks: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, name="scripted-seeder")
        self._accepting.start()

    def __enter__(self) -> ScriptedSeeder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and hang up on everyone. May be called again."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in self._socks:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # close() was called
                return
            sock.settimeout(LIMIT_S)
            self._socks.append(sock)
            thread = threading.Thread(target=self._run, args=(sock,), name="scripted-link")
            self._threads.append(thread)
            self.connections += 1
            thread.start()

    def _run(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):  # the leecher left, as it may
            self._play(sock)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@dataclass
class Offer:
    """The files of a scripted seeder, and how it sends a chunk. Counts what was acknowledged."""

    files: Mapping[str, bytes]
    pack: Callable[[int, bytes], bytes] = lambda _, chunk: packed(chunk)  # index, chunk
    pause_s: float = 0.0  # before each chunk: a seeder that is slow, not late
    requests: list[tuple[str, int, int]] = field(default_factory=list)
    sent: int = 0  # chunks

    def play(self, sock: socket.socket) -> None:
        """One connection, as an honest seeder has it."""
        request = greeted(sock)
        if request is None:
            return
        self.requests.append(request)
        name, count, offset = request
        for index in range(offset // CHUNK, offset // CHUNK + count):
            if self.pause_s:
                time.sleep(self.pause_s)
            sock.sendall(self.pack(index, self.files[name][index * CHUNK :][:CHUNK]))
            receive_exactly(sock, len(ACK))
            self.sent += 1


class Gate:
    """Holds an Offer back before one chunk until it is opened."""

    def __init__(self, before: int) -> None:
        self._before = before
        self.is_reached = threading.Event()
        self._is_open = threading.Event()

    def pack(self, index: int, chunk: bytes) -> bytes:
        if index == self._before:
            self.is_reached.set()
            self._is_open.wait(LIMIT_S)
        return packed(chunk)

    def open(self) -> None:
        self._is_open.set()


def packed(chunk: bytes) -> bytes:
    """A chunk behind its header."""
    return HEADER.pack(len(chunk), hashlib.sha256(chunk).digest()) + chunk


def greeted(sock: socket.socket) -> tuple[str, int, int] | None:
    """Say `connected` and read the request: name, chunks, offset. None when it left instead."""
    if sock.recv(1024) != b"request_connection":
        return None
    sock.sendall(b"connected")
    second = sock.recv(1024)
    if not second.startswith(b"send_file_chunk\n"):
        return None
    name, count, offset = json.loads(second.partition(b"\n")[2])
    return name, count, offset


def hang_up_on_the_greeting(sock: socket.socket) -> None:
    """Play a seeder that leaves without a word."""
    sock.recv(1_024)


def be_away(sock: socket.socket) -> None:
    """Play a seeder whose slots are all taken."""
    sock.recv(1_024)
    sock.sendall(b"away")
