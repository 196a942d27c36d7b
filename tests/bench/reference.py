"""The bare loop that transfers are compared with: two processes, one connection, no protocol."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
from pathlib import Path

CHUNK = 5_120
BLOCK = 64 * CHUNK
REPOSITORY = Path(__file__).resolve().parents[2]


def reference_rate(source: Path, target: Path) -> float:
    """Bytes per second from one process to another, hashed and written as a leecher does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-m", "tests.bench.reference", port, str(source)]
        with subprocess.Popen(command, cwd=REPOSITORY), listener.accept()[0] as sock:
            began = time.monotonic()
            count = _take(sock, target)
            return count / (time.monotonic() - began)


def _take(sock: socket.socket, target: Path) -> int:
    view = memoryview(bytearray(BLOCK))
    written = 0
    with target.open("wb", buffering=0) as file:
        while filled := _fill(sock, view):
            for start in range(0, filled, CHUNK):
                hashlib.sha256(view[start : min(start + CHUNK, filled)]).digest()
            written += file.write(view[:filled])
    return written


def _fill(sock: socket.socket, view: memoryview) -> int:
    filled = 0
    while filled < len(view):
        count = sock.recv_into(view[filled:])
        if not count:
            break
        filled += count
    return filled


def _give(port: int, source: Path) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock, source.open("rb") as file:
        while block := file.read(BLOCK):
            sock.sendall(block)


if __name__ == "__main__":
    _give(int(sys.argv[1]), Path(sys.argv[2]))
