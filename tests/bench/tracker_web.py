"""What browsers cost the tracker: its pages, and thirty machines that fetch the program at once.

The tracker, the machines that fetch and the one that sends datagrams are processes of their own.
"""

from __future__ import annotations

import multiprocessing
import os
import selectors
import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import RoleStarted
from roles.values.settings import TrackerSettings
from roles.web import program_files
from roles.wire.tracker_messages import FindTracker
from roles.wire.tracker_wire import encode_request
from tests.bench.result import Result
from tests.support import EventLog

ID = "0123456789abcdef"
MACHINES = 30
PROGRAM = 10_600_000  # bytes
IDLE_S = 2.0
PAUSE_S = 0.012  # between two datagrams: a host may send 100 a second
LIMIT_S = 60.0
PAGES = 200
_BUFFER = 1 << 16


def tracker_web(folder: Path) -> Iterator[Result]:
    """Seconds for all of them, and the longest time that a datagram waited meanwhile."""
    program = folder / "lmktorrent"
    program.write_bytes(os.urandom(PROGRAM))
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    tracker = processes.Process(target=_track, args=(theirs, str(program)))
    tracker.start()
    place: tuple[str, int] = ours.recv()
    try:
        first_s = _page(place, "/")
        yield Result("first page, with loading", 1e3 * first_s, "ms")
        pages = sorted(_page(place, "/") for _ in range(PAGES))
        yield Result("page, median", 1e3 * pages[PAGES // 2], "ms")
        idle_s = _longest_wait(place, until=time.monotonic() + IDLE_S)
        fetching = processes.Process(target=_fetch, args=(theirs, place))
        fetching.start()
        busy_s = _longest_wait(place, until=float("inf"), pipe=ours)
        took_s: float = ours.recv()
        fetching.join(LIMIT_S)
        total = MACHINES * PROGRAM
        note = f"{total / took_s / 1e6:,.0f} MB/s in all"
        yield Result(f"{MACHINES} machines fetch 10.6 MB", took_s, "s", note=note)
        yield Result("datagrams meanwhile, longest wait", 1e3 * busy_s, "ms", 1e3 * idle_s, "50 ms")
    finally:
        ours.send("end")
        tracker.join(LIMIT_S)


def _track(pipe: Connection, program: str) -> None:
    program_files.own_files = lambda: ((Path(program), "unix", "Linux"),)
    log = EventLog()
    tracker = Tracker(TrackerSettings(Address("127.0.0.1", 0)), log)
    tracker.start()
    address = log.wait_for(RoleStarted).address
    assert address is not None
    pipe.send(tuple(address))
    pipe.recv()
    tracker.stop()
    tracker.join(LIMIT_S)


def _request(place: tuple[str, int], path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {place[0]}:{place[1]}\r\n\r\n".encode()


def _page(place: tuple[str, int], path: str) -> float:
    began = time.monotonic()
    with socket.create_connection(place, LIMIT_S) as sock:
        sock.sendall(_request(place, path))
        received = b""
        while data := sock.recv(_BUFFER):
            received += data
    assert received.startswith(b"HTTP/1.1 200"), received[:99]
    return time.monotonic() - began


def _fetch(pipe: Connection, place: tuple[str, int]) -> None:
    """As many machines as a room has, each from an address of its own."""
    began, came = time.monotonic(), dict[socket.socket, int]()
    with selectors.DefaultSelector() as selector:
        for number in range(MACHINES):
            sock = socket.create_connection(place, LIMIT_S, (f"127.0.1.{number + 1}", 0))
            sock.sendall(_request(place, "/program/lmktorrent"))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, sock)
            came[sock] = 0
        left = MACHINES
        while left:
            for key, _ in selector.select(LIMIT_S):
                fetching: socket.socket = key.data
                data = fetching.recv(1 << 20)
                came[fetching] += len(data)
                if not data:
                    left -= 1
                    selector.unregister(fetching)
                    fetching.close()
    assert min(came.values()) > PROGRAM, came
    pipe.send(time.monotonic() - began)


def _longest_wait(place: tuple[str, int], until: float, pipe: Connection | None = None) -> float:
    """For the answer to a datagram, until then or until something comes through the pipe."""
    longest_s, question = 0.0, encode_request(FindTracker(ID))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(LIMIT_S)
        sock.connect(place)
        while time.monotonic() < until and not (pipe and pipe.poll()):
            began = time.monotonic()
            sock.send(question)
            sock.recv(2_048)
            longest_s = max(longest_s, time.monotonic() - began)
            time.sleep(PAUSE_S)
    return longest_s
