"""The bare loop that LMK/2 is compared with: two processes, four connections, no protocol.

Each chunk is sent from the file, received, hashed and written; nothing else happens.
    python3 -m tests.bench.bare_swarm PORT FILE
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CHUNK = 512 * 1_024
CONNECTIONS = 4
REPOSITORY = Path(__file__).resolve().parents[2]
START = struct.Struct("!QQ")  # where a connection's part of the file begins, and its length


def bare_swarm_rate(source: Path, target: Path) -> float:
    """Bytes per second from one process to another."""
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener:
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-m", "tests.bench.bare_swarm", port, str(source)]
        with subprocess.Popen(command, cwd=REPOSITORY), target.open("wb", buffering=0) as file:
            socks = [listener.accept()[0] for _ in range(CONNECTIONS)]
            began = time.monotonic()
            _all_at_once(_take, [(sock, file.fileno()) for sock in socks])
            seconds = time.monotonic() - began
        return target.stat().st_size / seconds


def _take(sock: socket.socket, descriptor: int) -> None:
    with sock:
        start, length = START.unpack(sock.recv(START.size, socket.MSG_WAITALL))
        buffer = memoryview(bytearray(CHUNK))
        for at in range(start, start + length, CHUNK):
            view = buffer[: min(CHUNK, start + length - at)]
            filled = 0
            while filled < len(view):
                filled += sock.recv_into(view[filled:])
            hashlib.sha256(view).digest()
            os.pwrite(descriptor, view, at)


def _give(sock: socket.socket, descriptor: int, start: int, length: int) -> None:
    with sock:
        sock.sendall(START.pack(start, length))
        at = start
        while at < start + length:
            wanted = min(CHUNK, start + length - at)
            at += os.sendfile(sock.fileno(), descriptor, at, wanted)


def _give_all(port: int, source: Path) -> None:
    with source.open("rb") as file:
        size = source.stat().st_size
        share = -(-size // CONNECTIONS)
        parts = [
            (
                socket.create_connection(("127.0.0.1", port)),
                file.fileno(),
                start,
                min(share, size - start),
            )
            for start in range(0, size, share)
        ]
        _all_at_once(_give, parts)


def _all_at_once(work: Callable[..., None], parts: Sequence[tuple[Any, ...]]) -> None:
    threads = [threading.Thread(target=work, args=part) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    _give_all(int(sys.argv[1]), Path(sys.argv[2]))
