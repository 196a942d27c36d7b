"""A tracker under a flood, and whether programs with real requests still get their answers.

    python3 -m tests.lab --flood

There are four computers on one switch: the tracker; a member that has its cookie; one on which
programs start that have no cookie yet; and one that sends with the addresses of computers of the
same network that do not exist, or opens one connection after the other.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from roles.joining.list_client import fetch_list
from roles.joining.room_client import RoomClient
from roles.joining.tracker_asker import new_id
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import TRACKER_PORT, Address
from roles.values.errors import TrackerSilentError
from roles.values.strict_json import dumps
from roles.wire.tracker_messages import AskVersion, FindTracker, Register
from roles.wire.tracker_wire import encode_request
from tests.lab.network import LabError, Link, Network, Place, batch
from tests.lab.programs import REPOSITORY, Program, ready_address

TRIES = 20
PAUSE_S = 0.05  # between two of them
WITHIN_S = 1.0
SETTLED_S = 4.0  # before anything is measured: the system gives up on absent computers
LIMIT_S = 90.0
NETWORK = "10.79"  # /16, so that there are enough unused addresses
UNUSED = 40_000  # how many of them
KINDS = ("questions", "searches", "lists", "registrations", "connections")
CONNECTIONS = 400  # open at the same time, from the computer that floods
_LIST = {f"file {number:03}": number for number in range(60)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many of TRIES had their answer within WITHIN_S, and the slowest answer."""

    kind: str
    rate: float  # datagrams or connections sent per second
    member: int
    member_s: float
    newcomer: int
    newcomer_s: float
    cpu: float  # share of a processor that the tracker used


def measure(kind: str, rate: float, *, settle_s: float = SETTLED_S) -> Outcome:
    """Flood a tracker in an emulated room. Raises LabError if none can be built."""
    with Network() as network:
        places = network.build([Link()] * 4)
        for number, place in enumerate(places, 1):
            batch(["ip", "-n", place.namespace], [f"addr add {NETWORK}.0.{number}/16 dev eth0"])
        at, member, newcomer, stranger = places
        with Program("tracker", "0.0.0.0", place=at) as tracker:
            ready_address(tracker)
            flood = _start(stranger, "flood", kind, rate)
            try:
                before, began = tracker.ask("report", "reported")["cpu"], time.monotonic()
                asked = [_start(member, "member", settle_s), _start(newcomer, "newcomer", settle_s)]
                told = [_told(process) for process in asked]
                took_s = time.monotonic() - began
                used_s = tracker.ask("report", "reported")["cpu"] - before
            finally:
                flood.send_signal(signal.SIGINT)
                sent, sent_s = _told(flood)
    (member_ok, member_s), (newcomer_ok, newcomer_s) = told
    return Outcome(
        kind,
        sent / sent_s,
        int(member_ok),
        member_s,
        int(newcomer_ok),
        newcomer_s,
        used_s / took_s,
    )


def _start(place: Place, *words: object) -> subprocess.Popen[str]:
    command = place.command(sys.executable, "-m", "tests.lab.flood", *words)
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> tuple[float, float]:
    text, _ = process.communicate(timeout=LIMIT_S)
    try:
        first, second = json.loads(text)
    except ValueError as error:
        raise LabError("A program of the flood has ended too soon.") from error
    return first, second


# What runs on the computers


def run_member(tracker: Address, settle_s: float) -> tuple[int, float]:
    """Ask like a member that registered before the flood; returns how many answers came in time,
    and the slowest.
    """
    with RoomClient(TrackerLocator(tracker)) as client:
        assert client.register(_registration(new_id()))
        time.sleep(settle_s)

        def ask() -> None:
            client.list_version()
            fetch_list(TrackerLocator(tracker), "")

        return _timed(ask)


def run_newcomer(tracker: Address, settle_s: float) -> tuple[int, float]:
    """Register like a program that has no cookie yet, again and again."""
    time.sleep(settle_s)

    def come() -> None:
        with RoomClient(TrackerLocator(tracker)) as client:
            assert client.register(_registration(new_id()))

    return _timed(come)


def _registration(peer: str) -> Register:
    return Register("", Address("127.0.0.1", 12_501), peer, "pc", is_leecher=False)


def _timed(ask: Callable[[], None]) -> tuple[int, float]:
    in_time, slowest_s = 0, 0.0
    for _ in range(TRIES):
        began = time.monotonic()
        try:
            ask()
        except TrackerSilentError:
            slowest_s = max(slowest_s, LIMIT_S)
            continue
        took_s = time.monotonic() - began
        in_time += took_s < WITHIN_S
        slowest_s = max(slowest_s, took_s)
        time.sleep(PAUSE_S)
    return in_time, slowest_s


def run_flood(tracker: Address, kind: str, rate: float) -> tuple[int, float]:
    """Send until the process is told to end; returns how much, and in how many seconds."""
    began, sent = time.monotonic(), 0
    try:
        for _ in _connecting(tracker) if kind == "connections" else _sending(tracker, kind):
            sent += 1
            ahead_s = began + sent / rate - time.monotonic()
            if ahead_s > 0:
                time.sleep(ahead_s)
    except KeyboardInterrupt:
        pass
    return sent, time.monotonic() - began


def _sending(tracker: Address, kind: str) -> Iterator[None]:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        while True:
            number = random.randrange(UNUSED)
            source = f"{NETWORK}.{50 + number // 250}.{1 + number % 250}"
            for datagram in _datagrams(kind, source):
                raw.sendto(_packet(source, tracker, datagram), (tracker.host, 0))
                yield


def _datagrams(kind: str, source: str) -> list[bytes]:
    match kind:
        case "questions":
            return [encode_request(AskVersion(new_id()))]
        case "searches":
            return [encode_request(FindTracker(new_id()))]
        case "lists":
            return [b"request_file_list"]
        case _:
            add = b"add_seeder\n" + dumps([source, 12_501])
            return [add, b"upload_file_list\n" + dumps(_LIST)]


def _packet(source: str, to: Address, datagram: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram; the system fills in the first checksum."""
    length = 8 + len(datagram)
    addresses = socket.inet_aton(source) + socket.inet_aton(to.host)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, socket.IPPROTO_UDP, 0)
    return header + addresses + struct.pack("!HHHH", 40_000, to.port, length, 0) + datagram


def _connecting(tracker: Address) -> Iterator[None]:
    links = list[socket.socket]()
    while True:
        link = socket.socket()
        link.setblocking(False)
        link.connect_ex(tracker)
        links.append(link)
        if len(links) > CONNECTIONS:
            links.pop(0).close()
        yield


def main() -> None:
    role, *words = sys.argv[1:]
    tracker = Address(f"{NETWORK}.0.1", TRACKER_PORT)
    match role:
        case "member":
            told = run_member(tracker, float(words[0]))
        case "newcomer":
            told = run_newcomer(tracker, float(words[0]))
        case _:
            told = run_flood(tracker, words[0], float(words[1]))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
