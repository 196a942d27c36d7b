"""What one hostile computer costs an honest leecher beside it.

    python3 -m tests.lab.hostile [WORD...]         scenes with one of these words in their names
    python3 -m tests.lab.hostile play KIND NAME HOST ...    the hostile computer itself

There are a tracker, a seeder and a leecher at 100 Mbit/s, and one more computer that plays peers
of tests/hostile_senders.py (each has the same files; or 14 of them on two computers) or of
tests/hostile_leechers.py (with 16 connections from one address, or 128 from eight). The time runs
from the order to the last verified file. It should be at most twice that of the leecher alone, plus
3 s.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from roles.values.addresses import Address
from roles.values.content import chunk_size_for
from roles.wire.greeting import Hello, Probe, Welcome, decode_hello, encode_hello
from roles.wire.greeting import encode_welcome as welcome
from tests.hostile_connection import Talk
from tests.hostile_leechers import LEECHERS, ORIGINAL_LEECHERS, Leech, run_leech
from tests.hostile_senders import SENDERS, Sender
from tests.lab.network import LabError, Link, Network, Place, batch, leave_tidily
from tests.lab.programs import Program, ready_address
from tests.memory_contents import MemoryHolding
from tests.tracker_requests import list_as_lmk2

MBIT = 100.0
FILES = {"big": 12 << 20, "small": 200_000}
LIMIT_S = 60.0
ADDRESSES = 8  # of one hostile computer
AGAIN_S = 0.5  # a leecher that was dropped comes back
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Scene:
    """One hostile computer, and which file is fetched beside it."""

    kind: str  # sender or leecher
    name: str
    file: str = "big"
    count: int = 1  # ports of a sender, connections of a leecher
    addresses: int = 1

    @property
    def title(self) -> str:
        what = "ports" if self.kind == "sender" else "connections"
        many = f", {self.count} {what}" if self.count > 1 else ""
        many += f" of {self.addresses} addresses" if self.addresses > 1 else ""
        return f"{self.kind} {self.name}{many}, {self.file} file"


def scenes() -> Iterator[Scene]:
    for sender in SENDERS:
        yield Scene("sender", sender.name)
        yield Scene("sender", sender.name, "small")
    for name in (
        "says that it is alive",
        "does not greet",
        "says a place in its line",
        "sends nothing that was taken",
        "sends each byte in a part of its own",
    ):
        yield Scene("sender", name, count=14)
    for name in (*LEECHERS, *ORIGINAL_LEECHERS):
        yield Scene("leecher", name, count=16)
        yield Scene("leecher", name, count=128, addresses=ADDRESSES)
    for name in ("connects and says nothing", "connects and leaves"):
        yield Scene("leecher", name, count=128, addresses=ADDRESSES)
    for name in ("calls and offers nothing",):
        yield Scene("caller", name, count=64, addresses=ADDRESSES)


# The hostile computer


def play(words: list[str]) -> None:
    """Behave as told until the input ends."""
    os.nice(19)  # it plays a computer of its own, and must not slow this one down
    kind, name, tracker_host, tracker_port, folder, count, *addresses = words
    tracker = Address(tracker_host, int(tracker_port))
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    contents = {}
    for title, data in files.items():
        holding = MemoryHolding(data, chunk_size=chunk_size_for(len(data)))
        holding.title = title
        contents[holding.content.root] = holding
    if kind == "sender":
        sender = next(one for one in SENDERS if one.name == name)
        for number in range(int(count)):
            port = listen(sender, addresses[number % len(addresses)], contents, number)
            source = Address(addresses[number % len(addresses)], port)
            peer = f"{os.getpid():08x}{number:08x}"
            list_as_lmk2(tracker, source, files, share=peer[::-1], peer=peer)
    else:
        target = Address(addresses.pop(0), 12501)
        for number in range(int(count)):
            source = Address(addresses[number % len(addresses)], 0)
            run = leech_of(kind, name, source, target, contents)
            threading.Thread(target=run, daemon=True).start()
        time.sleep(1.0)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


def listen(sender: Sender, host: str, contents: dict[bytes, MemoryHolding], number: int) -> int:
    """A port at which such a sender listens."""
    backlog = 0 if sender.greeting == "none" else 64
    listener = socket.create_server((host, 0), backlog=backlog)

    def accept() -> None:
        while True:
            link, _ = listener.accept()
            link.settimeout(LIMIT_S)
            threading.Thread(target=serve, args=(link,), daemon=True).start()

    def serve(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError, EOFError):
            said = b""
            while said.count(b"\n") < 2:
                said += link.recv(1_024) or b"\n"
            hello = decode_hello(said.split(b"\n")[1])
            if isinstance(hello, Probe):
                link.sendall(welcome(hello))
                return
            line = welcome(Welcome(f"{number:016x}", "hostile", sender.greeting == "away"))
            if sender.greeting == "silent":
                time.sleep(LIMIT_S)
            elif sender.greeting == "slow":
                for byte in line:
                    link.sendall(bytes([byte]))
                    time.sleep(1.0)
            else:
                link.sendall(line)
            sender.play(Talk(link, contents))

    port: int = listener.getsockname()[1]
    if sender.greeting != "none":
        threading.Thread(target=accept, daemon=True).start()
    else:
        for _ in range(4):  # nobody else gets through until its queue is full
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((host, port))
            FILLERS.append(filler)
    LISTENERS.append(listener)
    return port


LISTENERS = list[socket.socket]()
FILLERS = list[socket.socket]()


def leech_of(
    kind: str, name: str, source: Address, target: Address, contents: dict[bytes, MemoryHolding]
) -> Callable[[], None]:
    """One connection after the other."""
    script = {**LEECHERS, **ORIGINAL_LEECHERS}.get(name)

    def once() -> None:
        with socket.socket() as link:
            link.bind((source.host, 0))
            link.settimeout(5.0)
            link.connect(target)
            link.settimeout(LIMIT_S)
            if name == "connects and leaves":
                return
            if name == "connects and says nothing":
                link.recv(1)
                return
            if name in ORIGINAL_LEECHERS:
                assert script is not None
                run_leech(script, Leech(link, contents))
                return
            is_seeder = kind == "caller"
            peer = os.urandom(8).hex()
            link.sendall(encode_hello(Hello(peer, "hostile", 0, is_seeder=is_seeder)))
            answer = b""
            while not answer.endswith(b"\n"):
                byte = link.recv(1)
                if not byte:
                    return
                answer += byte
            if b"away" in answer:
                return
            run_leech(script or LEECHERS["is idle"], Leech(link, contents))

    def again_and_again() -> None:
        while True:
            with contextlib.suppress(OSError, EOFError):
                once()
            time.sleep(0.0 if name == "connects and leaves" else AGAIN_S)

    return again_and_again


# The measurement


class Hostile:
    """A context manager: the hostile computer's process."""

    def __init__(self, place: Place, words: list[str]) -> None:
        command = place.command(sys.executable, "-m", "tests.lab.hostile", "play", *words)
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise LabError("The hostile computer did not start.")

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


class Room:
    """All programs but the leecher and the hostile one."""

    def __init__(self, stack: ExitStack) -> None:
        network = stack.enter_context(Network())
        places = network.build([Link(MBIT)] * 5)
        self.tracker, self.seeder, self.leecher, self.hostile, self.other = places
        self.addresses = [self.hostile.host] + [f"10.77.0.{n}" for n in range(100, 107)]
        lines = [f"addr add {one}/24 dev eth0" for one in self.addresses[1:]]
        batch(["ip", "-n", self.hostile.namespace], lines)
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))

    def measure(self, scene: Scene | None, file: str) -> tuple[float, str]:
        """Seconds until the leecher has the file, and what went wrong."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self._folder)))
            shared, target = folder / "shared", folder / "target"
            shared.mkdir()
            target.mkdir()
            for name in {file, *(FILES if scene is not None and scene.kind == "leecher" else ())}:
                (shared / name).write_bytes(os.urandom(FILES[name]))
            tracker = stack.enter_context(Program("tracker", "0.0.0.0", place=self.tracker))
            port = ready_address(tracker)[1]
            where = self.tracker.host, port
            seeder = stack.enter_context(
                Program("seeder", "0.0.0.0", *where, shared, place=self.seeder)
            )
            seeder.wait_for("ready")
            seeder.wait_for("hashed")
            leecher = Program("leecher", "0.0.0.0", *where, target, place=self.leecher)
            if scene is not None and scene.kind != "caller":
                self._start(scene, stack, where, shared, self.seeder.host)
            stack.enter_context(leecher)
            leecher.wait_for("ready")
            count = len(list(shared.iterdir()))
            leecher.ask("list", "listed", limit_s=30.0, files=count, seconds=20.0)
            began = time.monotonic() + 0.2
            leecher.send("download", files=1, at=began)
            if scene is not None and scene.kind == "caller":
                self._start(scene, stack, where, shared, self.leecher.host)
            try:
                ended = leecher.wait_for("ended", seconds=LIMIT_S)
            except LabError:
                facts = leecher.ask("report", "reported")
                return LIMIT_S, f"NOT DONE: {facts['have'] / FILES[file]:.0%}, {facts['state']}"
            same = (target / file).read_bytes() == (shared / file).read_bytes()
            return ended["at"] - began, ended["failed"] or ("" if same else "WRONG")

    def _start(
        self, scene: Scene, stack: ExitStack, where: tuple[str, int], shared: Path, target: str
    ) -> None:
        """A tracker accepts eight ports of one computer, so more senders are on two computers."""
        words = [scene.kind, scene.name, where[0], str(where[1]), str(shared)]
        if scene.kind == "sender":
            for place in (self.hostile, self.other)[: 1 + (scene.count > 1)]:
                count = -(-scene.count // 2)
                stack.enter_context(Hostile(place, [*words, str(count), place.host]))
        else:
            addresses = self.addresses[: scene.addresses]
            stack.enter_context(
                Hostile(self.hostile, [*words, str(scene.count), target, *addresses])
            )


def main() -> int:
    if sys.argv[1:2] == ["play"]:
        play(sys.argv[2:])
    leave_tidily()
    chosen = [
        scene
        for scene in scenes()
        if not sys.argv[1:] or any(word in scene.title for word in sys.argv[1:])
    ]
    worst = 0.0
    with ExitStack() as stack:
        try:
            room = Room(stack)
            alone = {file: min(room.measure(None, file)[0] for _ in range(3)) for file in FILES}
            for file, seconds in alone.items():
                sys.stdout.write(f"alone, {file} file: {seconds:.2f} s\n")
            for scene in chosen:
                seconds, fault = room.measure(scene, scene.file)
                allowed = 2 * alone[scene.file] + 3.0
                worst = max(worst, seconds / allowed)
                mark = fault or ("" if seconds <= allowed else "TOO LONG")
                sys.stdout.write(f"{scene.title:75} {seconds:6.2f} s of {allowed:.2f} {mark}\n")
                sys.stdout.flush()
        except LabError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0 if worst <= 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
