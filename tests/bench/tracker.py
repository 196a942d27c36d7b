"""How many requests a second the tracker's loop answers, beside a bare echo of parsed JSON.

    python3 -m tests.bench.tracker

Two processes on loopback, as many questions under way at once for both. Prints the rate, that of
the echo, and their ratio at 10, 1,000 and 10,000 registered programs.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from roles.addresses import Address
from roles.events import RoleStarted
from roles.lmk2_tracker_messages import AskHolders, AskVersion, Ping, Refused, Register, Request
from roles.lmk2_tracker_wire import decode_answer, encode_request
from roles.settings import TrackerSettings
from roles.tracker import Tracker
from tests.support import EventLog

ID = "0123456789abcdef"
PEERS = (10, 1_000, 10_000)
UNDER_WAY = 32  # questions: what a room asks, and no buffer overflows
MEASURED_S = 2.0
LIMIT_S = 10.0
FIRST_PORT = 20_000


def main() -> None:
    with _Process(_echo) as place:
        echo = _rate(place, [_ping(FIRST_PORT, "0" * 24)])
    sys.stdout.write(f"echo: {echo:,.0f} answers a second\n")
    for count in PEERS:
        with _Process(_track) as place:
            cookie = _fill(place, count)
            pings = [_ping(FIRST_PORT + number, cookie) for number in range(count)]
            lists = [encode_request(AskVersion(ID, cookie=cookie))]
            holders = [encode_request(AskHolders(ID, (ID,), cookie))]
            for what, questions in (("pings", pings), ("versions", lists), ("holders", holders)):
                rate = _rate(place, questions)
                line = f"{count:6,} programs, {what}: {rate:,.0f} a second, {rate / echo:.2f}\n"
                sys.stdout.write(line)
                sys.stdout.flush()


class _Process:
    """A server in a process of its own, until the end of the `with` block."""

    def __init__(self, serve: Callable[[Connection], None]) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))

    def __enter__(self) -> tuple[str, int]:
        self._process.start()
        host, port = self._ours.recv()
        return host, port

    def __exit__(self, *_: object) -> None:
        self._ours.send("end")
        self._process.join(LIMIT_S)


def _track(pipe: Connection) -> None:
    tracker = Tracker(TrackerSettings(Address("127.0.0.1", 0)), log := EventLog())
    tracker.start()
    address = log.wait_for(RoleStarted, LIMIT_S).address
    assert address is not None
    pipe.send(tuple(address))
    while not pipe.poll(0.5):
        log.clear()
    tracker.stop()
    tracker.join(LIMIT_S)


def _echo(pipe: Connection) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(0.2)
        pipe.send(link.getsockname())
        while not pipe.poll(0):
            for _ in range(1_000):
                try:
                    datagram, source = link.recvfrom(2_048)
                except TimeoutError:
                    break
                json.loads(datagram[datagram.rindex(b"\n") :])
                link.sendto(datagram, source)


def _ping(port: int, cookie: str) -> bytes:
    named = Address("127.0.0.1", port)
    return encode_request(Ping(ID, named, ID, "available", (ID,), cookie=cookie))


def _fill(place: tuple[str, int], count: int) -> str:
    """Register so many programs; the cookie that they got."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(LIMIT_S)
        link.connect(place)
        cookie = ""
        for number in [0, *range(count)]:
            named = Address("127.0.0.1", FIRST_PORT + number)
            request: Request = Register(ID, named, ID, "pc", False, shares=(ID,), cookie=cookie)
            link.send(encode_request(request))
            answer = decode_answer(link.recv(2_048))
            if isinstance(answer, Refused):
                cookie = answer.cookie
        return cookie


def _rate(place: tuple[str, int], questions: list[bytes]) -> float:
    """Answers a second, with UNDER_WAY questions under way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(LIMIT_S)
        link.connect(place)
        for question in (questions * UNDER_WAY)[:UNDER_WAY]:
            link.send(question)
        answered, began, number = 0, time.monotonic(), UNDER_WAY
        while (now := time.monotonic()) - began < MEASURED_S:
            link.recv(2_048)
            answered += 1
            link.send(questions[number % len(questions)])
            number += 1
        for _ in range(UNDER_WAY):
            link.recv(2_048)
        return answered / (now - began)


if __name__ == "__main__":
    main()
