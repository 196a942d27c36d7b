"""What somebody who captures every packet of a room learns: in a private one nothing, in an open
one everything, which shows that the search can find something.

    python3 -m tests.lab.leaks

Four computers run the real commands: a tracker, a seeder and two leechers, one of which first tries
a wrong code. All packets are searched as they are, joined to streams, and inflated.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.lab.network import LabError, Link, Network, Place, leave_tidily, memory_folder

REPOSITORY = Path(__file__).resolve().parents[2]
CODE, WRONG_CODE = "482177305", "305177482"
COMPUTER = "marked-computer-name"
FOLDER, FILE, SMALL = "marked-folder", "marked-file-name.bin", "another-marked-name.txt"
CONTENT = b"<these bytes are marked and must not be seen by anybody>"
SIZE = 3_000_000
START_S, LIMIT_S = 8.0, 90.0
MOST_INFLATED = 1 << 20
ALL_PACKETS = 3  # ETH_P_ALL
_LENGTH = struct.Struct(">I")


def main() -> int:
    leave_tidily()
    is_good = True
    for is_private in (False, True):
        kind = "private" if is_private else "open"
        packets, marks = captured(is_private=is_private)
        found = found_in(packets, marks)
        size = sum(map(len, packets))
        say(f"{kind} room: {len(packets):,} packets, {size:,} bytes")
        for name in marks:
            say(f"    {name:32} {'FOUND' if name in found else 'not found'}")
        expected = set() if is_private else set(marks) - {"the code"}
        is_good &= found == expected and size > SIZE
    say("as expected" if is_good else "NOT as expected")
    return 0 if is_good else 1


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def captured(*, is_private: bool) -> tuple[list[bytes], dict[str, bytes]]:
    """Every packet of a room, and what is looked for in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(memory_folder()))
        shared = folder / FOLDER
        shared.mkdir()
        (shared / FILE).write_bytes((CONTENT * (SIZE // len(CONTENT) + 1))[:SIZE])
        (shared / SMALL).write_bytes(CONTENT)
        places = stack.enter_context(Network()).build([Link()] * 4)
        captures = [
            _capture(stack, place, folder / f"packets {n}") for n, place in enumerate(places)
        ]
        time.sleep(1)
        tracker, seeder, *leechers = places
        at = "--tracker", f"{tracker.host}:12500"
        private = ("--private", "--code", CODE) if is_private else ()
        code = ("--code", CODE) if is_private else ()
        _start(stack, tracker, folder / "1", "tracker", *private)
        time.sleep(START_S)
        _start(stack, seeder, folder / "2", "seed", shared, *at, *code)
        time.sleep(START_S)
        listed = _run(leechers[0], folder / "3", "list", "--json", *at, *code)
        _run(leechers[0], folder / "3", "status", *at, *code)
        if is_private:
            _run(leechers[0], folder / "3", "list", *at, "--code", WRONG_CODE)
            _run(leechers[0], folder / "3", "list", *at)
            _run(leechers[0], folder / "3", "trackers")
        for number, leecher in enumerate(leechers, 3):
            target = folder / f"taken {number}"
            _run(leecher, folder / str(number), "get", "--all", "--to", target, *at, *code)
            if len(list(target.rglob("*-name.*"))) != 2:
                raise LabError("the download did not arrive")
        for capture in captures:
            capture.terminate()
            capture.wait()
        packets = [one for path in folder.glob("packets *") for one in _packets(path)]
    share = next(json.loads(line)["share"] for line in listed.splitlines() if '"folder"' in line)
    marks = {
        "a file name": FILE.encode(),
        "another file name": SMALL.encode(),
        "the name of the folder": FOLDER.encode(),
        "the name of a computer": COMPUTER.encode(),
        "the id of the share": share.encode(),
        "the field of peer ids": b'"peer"',
        "content": CONTENT,
        "the code": CODE.encode(),
    }
    return packets, marks


def found_in(packets: Iterable[bytes], marks: dict[str, bytes]) -> set[str]:
    """The names of the marks that are in the packets, in their streams, or in what these inflate
    to.
    """
    packets = list(packets)
    found = set[str]()
    for text in (*packets, *streams_of(packets)):
        for one in (text, *inflated(text)):
            found |= {name for name, mark in marks.items() if mark in one}
    return found


def streams_of(packets: Iterable[bytes]) -> Iterator[bytes]:
    """What TCP carried each way, in the order of the packets."""
    streams = defaultdict[bytes, dict[int, bytes]](dict)
    for packet in packets:
        ip = packet[14:]
        if packet[12:14] != b"\x08\x00" or len(ip) < 40 or ip[9] != socket.IPPROTO_TCP:
            continue
        head = (ip[0] & 15) * 4
        tcp = ip[head : int.from_bytes(ip[2:4], "big") or None]
        data = tcp[(tcp[12] >> 4) * 4 :]
        if data:
            number = int.from_bytes(tcp[4:8], "big")
            streams[ip[12:20] + tcp[:4]].setdefault(number, data)
    for parts in streams.values():
        yield b"".join(parts.values())


def inflated(data: bytes) -> Iterator[bytes]:
    """What begins anywhere in it and can be inflated."""
    at = data.find(b"\x78")
    while at >= 0:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            try:
                text = zlib.decompressobj().decompress(data[at:], MOST_INFLATED)
            except zlib.error:
                text = b""
            if text:
                yield text
        at = data.find(b"\x78", at + 1)


def _command(place: Place, profile: Path, *words: object) -> list[str]:
    program = [sys.executable, REPOSITORY / "lmktorrent_app.py", "--profile", profile, *words]
    named = ["unshare", "--uts", "sh", "-c", f'hostname {COMPUTER}; exec "$@"', "sh"]
    return place.command(*named, *program)


def _start(stack: ExitStack, place: Place, profile: Path, *words: object) -> None:
    process = subprocess.Popen(
        _command(place, profile, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _run(place: Place, profile: Path, *words: object) -> str:
    ran = subprocess.run(
        _command(place, profile, *words),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return ran.stdout


def _capture(stack: ExitStack, place: Place, path: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.lab.leaks", "capture", path]
    process = subprocess.Popen(place.command(*words), cwd=REPOSITORY)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _note_packets(path: Path) -> None:
    """Until the process is ended."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PACKETS))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
    with path.open("wb", buffering=0) as file:
        while True:
            packet = sock.recv(1 << 17)
            file.write(_LENGTH.pack(len(packet)) + packet)


def _packets(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    at = 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        yield data[at + _LENGTH.size : at + _LENGTH.size + length]
        at += _LENGTH.size + length


if __name__ == "__main__":
    if sys.argv[1:2] == ["capture"]:
        _note_packets(Path(sys.argv[2]))
    sys.exit(main())
