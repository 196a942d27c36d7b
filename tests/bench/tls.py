"""One stream in TLS 1.3 as private rooms carry it, beside a bare loop of SSLObject over the same
chunks, and beside curl and nginx; without hashing, two processes each.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from roles.net.carrier import Carrier
from roles.net.connection import Connection
from roles.net.tls_carrier import client_context, encrypt, server_context
from roles.private.certificate import DeviceKey
from roles.values.addresses import LOOPBACK, Address
from tests.bench.result import Result
from tests.bench.seeder_web import nginx

CHUNK = 256 * 1024
SIZE = 1 << 30
ROUNDS = 5
LIMIT_S = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]


def tls(folder: Path) -> Iterator[Result]:
    """1 GiB, in turns with the bare loop, and with curl that gets as much from nginx."""
    pem = DeviceKey.made().pem()
    context = server_context(pem)
    rates, others = dict[str, list[float]](), list[float]()
    (folder / "file").write_bytes(bytes(SIZE))
    curl = shutil.which("curl")
    with nginx(folder, folder, pem) as other:
        for _round in range(ROUNDS):
            for name in WAYS:
                rates.setdefault(name, []).append(_rate(name, context))
            if curl is not None and other is not None:
                others.append(_curl_rate(curl, f"https://{LOOPBACK}:{other[1]}/file"))
    ours, bare = median(rates["ours"]), median(rates["bare"])
    yield Result("one stream in TLS", ours, "MB/s", bare, "0.8", f"bare SSLObject {bare:,.0f}")
    if others:
        note = f"curl from nginx {median(others):,.0f}"
        yield Result("the same beside curl from nginx", ours, "MB/s", median(others), note=note)


def _curl_rate(curl: str, url: str) -> float:
    began = time.monotonic()
    command = [curl, "--silent", "--fail", "--insecure", "--output", os.devnull, url]
    subprocess.run(command, check=True, timeout=LIMIT_S)
    return SIZE / (time.monotonic() - began) / 1e6


def _rate(name: str, context: ssl.SSLContext) -> float:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = str(listener.getsockname()[1])
        command = [sys.executable, "-m", "tests.bench.tls", name, port]
        with subprocess.Popen(command, cwd=REPOSITORY), listener.accept()[0] as sock:
            return SIZE / WAYS[name][0](sock, context) / 1e6


def _take_bare(sock: socket.socket, context: ssl.SSLContext) -> float:
    come, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(come, going, server_side=True)
    room, target = memoryview(bytearray(CHUNK)), memoryview(bytearray(CHUNK))
    _shake_bare_hands(sock, tls, come, going)
    began, received = time.monotonic(), 0
    while received < SIZE:
        try:
            received += int(tls.read(CHUNK, target))
        except ssl.SSLWantReadError:
            come.write(room[: sock.recv_into(room)])
    return time.monotonic() - began


def _give_bare(sock: socket.socket) -> None:
    come, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client_context().wrap_bio(come, going)
    _shake_bare_hands(sock, tls, come, going)
    chunk = bytes(CHUNK)
    for _ in range(SIZE // CHUNK):
        tls.write(chunk)
        sock.sendall(going.read())


def _shake_bare_hands(
    sock: socket.socket, tls: ssl.SSLObject, come: ssl.MemoryBIO, going: ssl.MemoryBIO
) -> None:
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            sock.sendall(going.read())
            come.write(sock.recv(CHUNK))
        else:
            sock.sendall(going.read())
            return


def _take_ours(sock: socket.socket, context: ssl.SSLContext) -> float:
    connection = Connection(Carrier(sock), Address(LOOPBACK, 1))
    connection.limit(LIMIT_S)
    encrypt(connection, context, server_side=True).shake_hands()
    target, received, began = memoryview(bytearray(CHUNK)), 0, time.monotonic()
    while received < SIZE:
        received += connection.receive_into(target) or 0
    return time.monotonic() - began


def _give_ours(sock: socket.socket) -> None:
    connection = Connection(Carrier(sock), Address(LOOPBACK, 1))
    connection.limit(LIMIT_S)
    encrypt(connection, client_context(), server_side=False).shake_hands()
    chunk = bytes(CHUNK)
    for _ in range(SIZE // CHUNK):
        connection.send_all(chunk, within_s=LIMIT_S)


WAYS: dict[
    str,
    tuple[Callable[[socket.socket, ssl.SSLContext], float], Callable[[socket.socket], None]],
] = {"ours": (_take_ours, _give_ours), "bare": (_take_bare, _give_bare)}


if __name__ == "__main__":
    with socket.create_connection((LOOPBACK, int(sys.argv[2]))) as connected:
        WAYS[sys.argv[1]][1](connected)
