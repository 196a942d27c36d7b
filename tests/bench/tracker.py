"""How many requests a second the tracker's loop answers, beside a bare echo of JSON.

    python3 -m tests.bench.tracker

Client and server are two processes on loopback; tracker and echo get equally many requests at the
same time. The echo parses the JSON of a ping and writes that of its answer, and knows no programs.
Prints the tracker's rate, the echo's rate and their ratio with 10, 1,000 and 10,000 registered
programs, then the same for the server's processor time per answer, which other programs disturb
less.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Self

from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import RoleStarted
from roles.values.participants import Status
from roles.values.settings import TrackerSettings
from roles.wire.tracker_messages import (
    AskHolders,
    AskVersion,
    Ping,
    Refused,
    Register,
    Request,
)
from roles.wire.tracker_wire import decode_answer, encode_request
from tests.support import EventLog

ID = "0123456789abcdef"
PEERS = (10, 1_000, 10_000)
UNDER_WAY = 32  # requests at the same time: as many as a room makes, and no buffer overflows
MEASURED_S = 2.0
LIMIT_S = 10.0
FIRST_PORT = 20_000
MIN_PINGS = 1_001


def main() -> None:
    with _Process(_echo) as server:
        echo = _measure(server, _pings(1, "0" * 24))
    _say(f"{'echo':31} {echo[0]:8,.0f} a second       {echo[1] * 1e6:5.1f} us")
    for count in PEERS:
        with _Process(_track) as server:
            cookie = _fill(server.place, count)
            pings = _pings(count, cookie)
            lists = [encode_request(AskVersion(ID, cookie=cookie))]
            holders = [encode_request(AskHolders(ID, (ID,), cookie))]
            for what, questions in (("pings", pings), ("versions", lists), ("holders", holders)):
                rate, cost_s = _measure(server, questions)
                _say(
                    f"{count:6,} programs, {what:14} {rate:8,.0f} a second {rate / echo[0]:5.2f} "
                    f"{cost_s * 1e6:5.1f} us {echo[1] / cost_s:5.2f}"
                )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Process:
    """A server in a process of its own, until the end of the `with` block."""

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
        self.place = ("", 0)

    def __enter__(self) -> Self:
        self._process.start()
        self.place = self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send("end")
        self._process.join(LIMIT_S)

    def used_s(self) -> float:
        """Seconds of processor time that it has used."""
        self._ours.send("used")
        used: float = self._ours.recv()
        return used


def _track(pipe: Connection) -> None:
    log = EventLog()
    tracker = Tracker(TrackerSettings(Address("127.0.0.1", 0)), log)
    tracker.start()
    address = log.wait_for(RoleStarted).address
    assert address is not None
    pipe.send(tuple(address))
    while _is_wanted(pipe, 0.5):
        log.clear()
    tracker.stop()
    tracker.join(LIMIT_S)


def _echo(pipe: Connection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        pipe.send(sock.getsockname())
        while _is_wanted(pipe, 0.0):
            for _ in range(1_000):
                try:
                    datagram, source = sock.recvfrom(2_048)
                except TimeoutError:
                    break
                line = json.loads(datagram[datagram.rindex(b"\n") :])
                answer = {"lmk": 2, "id": line["id"], "reachable": None}
                sock.sendto(b"success\n" + json.dumps(answer).encode(), source)


def _is_wanted(pipe: Connection, wait_s: float) -> bool:
    """Answer what the bench asks; False if it asks for the end."""
    while pipe.poll(wait_s):
        if pipe.recv() == "end":
            return False
        pipe.send(time.process_time())
        wait_s = 0.0
    return True


def _pings(count: int, cookie: str) -> list[bytes]:
    """Of so many programs in turn; no two pings are the same, and each brings news."""
    pings = []
    for number in range(max(count, MIN_PINGS)):
        address = Address("127.0.0.1", FIRST_PORT + number % count)
        status = Status("available", (ID,), up=number)
        pings.append(encode_request(Ping(f"{number:016x}", address, ID, status, cookie=cookie)))
    return pings


def _fill(place: tuple[str, int], count: int) -> str:
    """Register this many programs; returns the cookie that they got."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(LIMIT_S)
        sock.connect(place)
        cookie = ""
        for number in [0, *range(count)]:
            advertised = Address("127.0.0.1", FIRST_PORT + number)
            request: Request = Register(
                ID, advertised, ID, "pc", False, shares=(ID,), cookie=cookie
            )
            sock.send(encode_request(request))
            answer = decode_answer(sock.recv(2_048))
            if isinstance(answer, Refused):
                cookie = answer.cookie
        return cookie


def _measure(server: _Process, questions: list[bytes]) -> tuple[float, float]:
    """Answers per second with UNDER_WAY requests at the same time, and what one cost the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(LIMIT_S)
        sock.connect(server.place)
        used_s = server.used_s()
        for question in (questions * UNDER_WAY)[:UNDER_WAY]:
            sock.send(question)
        answered, began = 0, time.monotonic()
        while (now := time.monotonic()) - began < MEASURED_S:
            sock.recv(2_048)
            answered += 1
            sock.send(questions[(answered + UNDER_WAY) % len(questions)])
        for _ in range(UNDER_WAY):
            sock.recv(2_048)
        cost_s = (server.used_s() - used_s) / (answered + UNDER_WAY)
        return answered / (now - began), cost_s


if __name__ == "__main__":
    main()
