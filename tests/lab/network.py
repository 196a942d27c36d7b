"""Computers with limited links on one switch: network namespaces that disappear by themselves.

Everything, even the switch, is in namespaces of its own, so that nothing reaches a real network. It
knows nothing of the programs that run there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.lab.firewall import DROP_GREETINGS
from tests.lab.relay import Relay

PREFIX = "lmklab"  # followed by the process that made it: the next run removes what a dead one left
NAMED = re.compile(PREFIX + r"-(\d+)-")
NAMESPACES = Path("/run/netns")
MEMORY_FOLDER = Path("/dev/shm")
SUBNET = "10.77.0"
BURST_KB = 64
QUEUE_KB = 256  # of each port: a small switch has 512 kB for all ports
# What lab computers use, whatever this machine uses, and the nearest alternative: a kernel may
# forbid the first one in a namespace.
CONGESTION_CONTROLS = ("cubic", "reno")
# A network card splits up to 64 KiB into packets by itself. With 9 KB here, the two cores that play
# all hosts are full in a room of 16, and it takes a tenth longer. Must be well below the burst.
SEGMENT_B = 24_000


class LabError(Exception):
    """The room cannot be built or did not do its job; the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """One computer: where to start programs, and how others reach it."""

    namespace: str
    host: str

    def command(self, *words: object) -> list[str]:
        """The command that starts this one there."""
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]


@dataclass(frozen=True, slots=True)
class Link:
    """How a computer is connected to the switch."""

    mbit: float | None = None  # in each direction; None: as fast as the machine is
    is_firewalled: bool = False  # nobody can connect to it


class Network:
    """A context manager: computers on one switch, or on a relay that loses and delays packets."""

    def __init__(self, *, loss: float = 0.0, delay_ms: float = 0.0) -> None:
        self._loss, self._delay_ms = loss, delay_ms
        self._stack = ExitStack()
        self._names: list[str] = []
        self._prefix = f"{PREFIX}-{os.getpid()}-"

    def __enter__(self) -> Network:
        require_root()
        sweep()
        self._stack.callback(remove_namespaces, self._names)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def build(self, links: Iterable[Link]) -> list[Place]:
        """Make one computer for each link."""
        links = list(links)
        places = [
            Place(f"{self._prefix}{number}", f"{SUBNET}.{number}")
            for number in range(1, len(links) + 1)
        ]
        self._make_namespaces([place.namespace for place in places])
        try:
            if self._loss or self._delay_ms:
                self._join_by_relay(places)
            else:
                self._join_by_switch(places)
            for place, link in zip(places, links, strict=True):
                self._set_up(place, link)
        except subprocess.CalledProcessError as error:
            raise LabError(f"The room cannot be built: {error.stderr.strip()}") from error
        return places

    def _make_namespaces(self, names: list[str]) -> None:
        self._names += names
        batch(["ip"], [f"netns add {name}" for name in names])

    def _join_by_switch(self, places: list[Place]) -> None:
        switch = f"{self._prefix}switch"
        self._make_namespaces([switch])
        lines = ["link add br0 type bridge", "link set br0 up"]
        for number, place in enumerate(places, 1):
            lines += [
                f"link add p{number} gso_max_size {SEGMENT_B} type veth"
                f" peer name eth0 gso_max_size {SEGMENT_B} netns {place.namespace}",
                f"link set p{number} master br0 up",
            ]
        batch(["ip", "-n", switch], lines)
        set_kernel(switch, "net.bridge.bridge-nf-call-iptables", "0")  # a switch filters nothing

    def _join_by_relay(self, places: list[Place]) -> None:
        relay = Relay([(place.namespace, place.host) for place in places])
        self._stack.enter_context(relay)
        relay.start(loss=self._loss, delay_ms=self._delay_ms)

    def _set_up(self, place: Place, link: Link) -> None:
        use_common_congestion_control(place)
        lines = ["link set lo up", f"addr add {place.host}/24 dev eth0", "link set eth0 up"]
        batch(["ip", "-n", place.namespace], lines)
        switch, port = f"{self._prefix}switch", f"p{place.host.rpartition('.')[2]}"
        ends = [(place.namespace, "eth0"), *([(switch, port)] if switch in self._names else [])]
        for namespace, device in ends:
            if link.mbit is None:
                break
            shape = f"rate {link.mbit * 1e6:.0f}bit burst {BURST_KB}kb limit {QUEUE_KB}kb"
            batch(["tc", "-n", namespace], [f"qdisc add dev {device} root tbf {shape}"])
        if link.is_firewalled:
            batch(["tc", "-n", place.namespace], DROP_GREETINGS)


def use_common_congestion_control(place: Place) -> None:
    """Make the computer's TCP behave like an ordinary one's; does nothing if that is forbidden."""
    for name in CONGESTION_CONTROLS:
        if set_kernel(place.namespace, "net.ipv4.tcp_congestion_control", name):
            return


def set_kernel(namespace: str, setting: str, value: str) -> bool:
    """Set this in the namespace; False if that is forbidden or the setting is unknown."""
    command = ["ip", "netns", "exec", namespace, "sysctl", "-qw", f"{setting}={value}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def require_root() -> None:
    """Raise LabError if no room can be built."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise LabError(
            "An emulated room needs Linux and root, because it is made of network namespaces. "
            "Run it there as root, for example with sudo."
        )


def memory_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory that a later run removes if this one cannot."""
    place = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    return tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-", dir=place)


def leave_tidily() -> None:
    """Make a request to end unwind the program, so that it removes what it made."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows does not know the second one
        if number := getattr(signal, name, None):
            signal.signal(number, leave)


def sweep() -> None:
    """Remove what killed runs left behind, and the programs in it."""
    names = [path.name for path in NAMESPACES.iterdir()] if NAMESPACES.is_dir() else []
    if left := [name for name in names if is_left(name)]:
        remove_namespaces(left)
    for path in MEMORY_FOLDER.iterdir() if MEMORY_FOLDER.is_dir() else ():
        if is_left(path.name):
            shutil.rmtree(path, ignore_errors=True)


def is_left(name: str) -> bool:
    """Whether a run made this that is no longer running."""
    match = NAMED.match(name)
    return match is not None and not Path("/proc", match[1]).exists()


def remove_namespaces(names: list[str]) -> None:
    """End the programs in these namespaces and remove them."""
    for name in names:
        found = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
        for pid in found.stdout.split():
            subprocess.run(["kill", "-KILL", pid], check=False, capture_output=True)
    lines = "\n".join(f"netns del {name}" for name in names)
    subprocess.run(["ip", "-force", "-batch", "-"], input=lines, text=True, capture_output=True)
    names.clear()


def batch(command: list[str], lines: list[str]) -> None:
    """Give these lines to `ip` or `tc` in one process."""
    text = "\n".join(lines) + "\n"
    whole = [*command, "-batch", "-"]
    subprocess.run(whole, input=text, text=True, capture_output=True, check=True)
