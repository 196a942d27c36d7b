"""A private room: how long a join takes, what a member costs the tracker, and whether 1,000 of them
get their answers in time, also while 200 more join at once, or somebody guesses codes.

The tracker is a process of its own, and so are those who join; every member has its own address of
loopback, because the tracker counts the tries of each address.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from unittest import mock

from roles.net import dialling
from roles.net.connection import Connection
from roles.net.records import next_record, post_record
from roles.private import private_client
from roles.private.handshake_wire import ANSWER_SIZE, GREETING, JOIN, YES
from roles.private.p256 import POINT_SIZE
from roles.private.private_client import PrivateClient
from roles.private.private_server import received
from roles.private.spake2 import PROOF_SIZE, Exchange, Password
from roles.tracker import Tracker
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import RoleStarted
from roles.values.participants import Status
from roles.values.settings import TrackerSettings
from roles.wire.list_wire import OpenChannel, encode_call
from roles.wire.tracker_messages import Ping, Pinged, Register
from roles.wire.tracker_wire import MAX_ANSWER, decode_answer, encode_request
from tests.bench.result import Result
from tests.lab.network import LabError
from tests.support import NEVER, EventLog

REPOSITORY = Path(__file__).resolve().parents[2]
CODE, COOKIE = "482177305", "0" * 24
JOINS = 30
MEMBERS, NEWCOMERS = 1_000, 200
EVERY_S = 5.0  # each member pings so often
ALONE_S = 15.0  # of pings, before anybody joins
LIMIT_S = 60.0
GUESSERS, GUESSES, GUESSES_AT_ONCE = 250, 20_000, 32
GUESSING_S = 300.0


def private(_: Path) -> Iterator[Result]:
    with _tracker() as (tracker, process):
        yield from _joins(tracker)
    with _tracker() as (tracker, process), ExitStack() as stack:
        before, began = _memory(process.pid), time.monotonic()
        members = list(_joined(tracker, stack))
        took_s = time.monotonic() - began
        each = (_memory(process.pid) - before) / MEMBERS / 1e3
        yield Result("the tracker's memory for each member", each, "kB", note=f"{took_s:.0f} s")
        pings = _Pings(members)
        yield pings.result("a ping is answered, 99 of 100", ALONE_S)
        newcomers = _program("join", str(tracker.port))
        with newcomers:
            yield pings.result("the same while 200 join at once", LIMIT_S, newcomers)
            assert newcomers.stdout is not None
            joined, seconds = newcomers.stdout.read().split()
        note = f"{joined} of {NEWCOMERS}"
        yield Result("until the last of them has joined", float(seconds), "s", None, "30", note)
        before, guesser = _memory(process.pid), _program("guess", str(tracker.port))
        with guesser:
            what = f"the same while {GUESSERS} addresses guess {GUESSES:,} codes"
            yield pings.result(what, GUESSING_S, guesser)
            assert guesser.stdout is not None
            tried, seconds = guesser.stdout.read().split()
        more = f"in {float(seconds):.0f} s; {(_memory(process.pid) - before) / 1e6:.1f} MB more"
        yield Result("of these were really tried", float(tried), "codes", note=more)


def _joins(tracker: Address) -> Iterator[Result]:
    """Each kind in turns with the others; an answer of the tracker's loop is part of all."""
    first, known, back, scrypt = list[float](), list[float](), list[float](), list[float]()
    cost = list[float]()
    for _ in range(JOINS):
        private_client._password.cache_clear()
        client, before_s = PrivateClient(CODE), time.process_time()
        first.append(_time_of(client, tracker))
        cost.append((time.process_time() - before_s) * 1e3)
        known.append(_time_of(PrivateClient(CODE), tracker))
        back.append(_time_of(client, tracker))
        began = time.monotonic()
        Password.of(CODE, "0" * 16)
        scrypt.append((time.monotonic() - began) * 1e3)
    note = (
        f"least {min(first):.0f}; scrypt {median(scrypt):.0f}; processor time of the member "
        f"{median(cost):.0f} ms"
    )
    yield Result("a join by the code", median(first), "ms", None, "150 ms", note)
    yield Result("a join, the scrypt of the code is known", median(known), "ms")
    yield Result("a member comes back by the secret", median(back), "ms")


def _time_of(client: PrivateClient, tracker: Address) -> float:
    began = time.monotonic()
    with client.connected(tracker, NEVER):
        return (time.monotonic() - began) * 1e3


@contextmanager
def _tracker() -> Iterator[tuple[Address, subprocess.Popen[str]]]:
    with _program("track") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield Address(LOOPBACK, int(process.stdout.readline())), process
        process.stdin.close()


def _program(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.private_room", *words],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _memory(pid: int) -> int:
    """Bytes of its own that the process has in memory. Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise LabError("this system does not tell how much memory a process has")


class _Member:
    """Registered, with a talk of its own."""

    def __init__(self, number: int, connection: Connection) -> None:
        self.connection = connection
        self._id = f"{number:016x}"
        self._address = Address(_host(number), 20_000 + number)
        connection.post(encode_call(OpenChannel()))
        me = Register(self._id, self._address, self._id, f"pc {number}", True, cookie=COOKIE)
        post_record(connection, encode_request(me))
        connection.limit(LIMIT_S)
        if next_record(connection, MAX_ANSWER) is None:
            raise LabError("a member is not answered")
        connection.limit(0)

    def ping(self) -> None:
        me = Ping(self._id, self._address, self._id, Status("idle"), cookie=COOKIE)
        post_record(self.connection, encode_request(me))

    def is_answered(self) -> bool:
        record = next_record(self.connection, MAX_ANSWER)
        if record is None:
            return False
        if not isinstance(decode_answer(record), Pinged):
            raise LabError("a member is not known any more")
        return True


def _joined(tracker: Address, stack: ExitStack) -> Iterator[_Member]:
    """One that joins by the code, and others that know the secret from it."""
    client = PrivateClient(CODE)
    for number in range(MEMBERS):
        with _from_hosts() as here:
            here.number = number
            connection = stack.enter_context(client.connected(tracker, NEVER))
        yield _Member(number, connection)


class _Pings:
    """Every member pings every EVERY_S, evenly in that time."""

    def __init__(self, members: list[_Member]) -> None:
        self._members = members

    def result(
        self, what: str, limit_s: float, until: subprocess.Popen[str] | None = None
    ) -> Result:
        """Go on until that process has ended, or for `limit_s`."""
        waiting, took_s, turn = dict[_Member, float](), list[float](), 0
        began = time.monotonic()
        while (now := time.monotonic()) < began + limit_s and (
            until is None or until.poll() is None
        ):
            while turn < (now - began) / EVERY_S * len(self._members):
                member = self._members[turn % len(self._members)]
                turn += 1
                if member in waiting:  # for a whole round already
                    raise LabError("a ping was not answered within 5 s")
                member.ping()
                waiting[member] = time.monotonic()
            for member in [one for one in waiting if one.is_answered()]:
                took_s.append(time.monotonic() - waiting.pop(member))
            time.sleep(0.001)
        took_s.sort()
        worst = f"worst {took_s[-1] * 1e3:.0f} of {len(took_s):,}"
        return Result(what, took_s[len(took_s) * 99 // 100] * 1e3, "ms", None, "1,000 ms", worst)


def _host(number: int) -> str:
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


@contextmanager
def _from_hosts() -> Iterator[threading.local]:
    """Connections of a thread come from the address of its `number`."""
    opened, here = dialling._opened, threading.local()

    def bound(address: Address) -> tuple[socket.socket, Connection]:
        sock, connection = opened(address)
        sock.bind((_host(here.number), 0))
        return sock, connection

    with mock.patch.object(dialling, "_opened", bound):
        yield here


def _track() -> None:
    logging.getLogger("roles").setLevel(logging.ERROR)  # not each wrong code
    log = EventLog()
    settings = TrackerSettings(Address(LOOPBACK, 0), bind_exactly=True, is_private=True, code=CODE)
    tracker = Tracker(settings, log)
    tracker.start()
    address = log.wait_for(RoleStarted).address
    assert address is not None
    sys.stdout.write(f"{address.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    tracker.stop()
    tracker.join(LIMIT_S)


def _join(port: int) -> None:
    """NEWCOMERS threads at once. On 200 computers each would compute the scrypt of the code itself;
    here it is computed before.
    """
    tracker, joined = Address(LOOPBACK, port), list[Connection]()

    def join(number: int) -> None:
        here.number = number
        joined.append(PrivateClient(CODE).connected(tracker, NEVER))

    with _from_hosts() as here:
        join(MEMBERS)
        threads = [
            threading.Thread(target=join, args=(number,))
            for number in range(MEMBERS + 1, MEMBERS + NEWCOMERS)
        ]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
    sys.stdout.write(f"{len(joined)} {time.monotonic() - began:.1f}\n")


def _guess(port: int) -> None:
    """As fast as it goes: the share is made once, and the proof is nothing."""
    tracker, share = Address(LOOPBACK, port), Exchange(Password(1), is_a=True).share

    def answers(connection: Connection) -> Generator[bool, None, bytes]:
        connection.post(GREETING)
        yield from received(connection, ANSWER_SIZE)
        yield from private_client._encrypted(connection)
        connection.post(JOIN + share)
        answer = yield from received(connection, 1)
        if answer == YES:
            yield from received(connection, POINT_SIZE)
            connection.post(bytes(PROOF_SIZE))
            yield from received(connection, 1)
        return answer

    def guess(number: int) -> bool:
        here.number = MEMBERS + NEWCOMERS + number % GUESSERS
        with dialling.dialled(tracker, NEVER, is_chosen=True) as connection:
            return private_client._run(answers(connection), connection, NEVER) == YES

    began = time.monotonic()
    with _from_hosts() as here, ThreadPoolExecutor(GUESSES_AT_ONCE) as pool:
        tried = sum(pool.map(guess, range(GUESSES)))
    sys.stdout.write(f"{tried} {time.monotonic() - began:.1f}\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["join", port]:
            _join(int(port))
        case ["guess", port]:
            _guess(int(port))
        case _:
            _track()
