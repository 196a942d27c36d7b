"""A wire that loses and delays packets, for kernels that cannot: TUN devices in namespaces.

It runs in a process of its own: python3 -m tests.lab.relay LOSS DELAY_MS SEED NAMESPACE=HOST... It
carries about 200 Mbit/s. It does not look into the packets.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TUN = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LONGEST_PACKET = 65_535
AT_ONCE = 64  # packets of one computer before it is the next one's turn
DESTINATION = slice(16, 20)  # in an IPv4 header
READY_S = 10.0


class Relay:
    """A context manager: the relay's process for these namespaces, each with its address."""

    def __init__(self, places: list[tuple[str, str]]) -> None:
        self._places = [f"{namespace}={host}" for namespace, host in places]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Relay:
        return self

    def start(self, *, loss: float, delay_ms: float, seed: int = 1) -> None:
        """Make the devices eth0 and begin to carry packets."""
        words = map(str, (loss, delay_ms, seed, *self._places))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.relay", *words],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], READY_S)
        if not readable or self._process.stdout.readline() != "ready\n":
            raise subprocess.CalledProcessError(1, "relay", stderr="the relay did not start")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def main() -> None:
    loss, delay_ms, seed = map(float, sys.argv[1:4])
    places = [word.split("=") for word in sys.argv[4:]]
    devices = {socket.inet_aton(host): device_in(namespace) for namespace, host in places}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    carry(devices, random.Random(seed), loss=loss / 100, delay_s=delay_ms / 1e3)


def device_in(namespace: str) -> int:
    """A TUN device named eth0 in that namespace."""
    with _visiting(namespace):
        device = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TUN | IFF_NO_PI))
        return device


@contextmanager
def _visiting(namespace: str) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = (
        os.open(path, os.O_RDONLY) for path in ("/proc/self/ns/net", f"/run/netns/{namespace}")
    )
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "the namespace cannot be entered")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


def carry(devices: dict[bytes, int], chance: random.Random, *, loss: float, delay_s: float) -> None:
    """Pass packets on until the input ends."""
    under_way = list[tuple[float, int, int, bytes]]()
    number = 0
    sources = [sys.stdin.fileno(), *devices.values()]
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, _, device, packet = heapq.heappop(under_way)
            _write(device, packet)
        wait_s = max(0.0, under_way[0][0] - now) if under_way else None
        readable, _, _ = select.select(sources, [], [], wait_s)
        if sources[0] in readable:
            return
        due = time.monotonic() + delay_s
        for packet in _packets_of(readable):
            device_to = devices.get(packet[DESTINATION])
            if device_to is not None and chance.random() >= loss:
                number += 1
                heapq.heappush(under_way, (due, number, device_to, packet))


def _packets_of(readable: list[int]) -> Iterator[bytes]:
    for device in readable:
        for _ in range(AT_ONCE):
            try:
                packet = os.read(device, LONGEST_PACKET)
            except BlockingIOError:
                break
            if packet[0] >> 4 == 4:
                yield packet


def _write(device: int, packet: bytes) -> None:
    try:
        os.write(device, packet)
    except OSError:  # its queue is full or it is down: the packet is lost, as on a wire
        return


if __name__ == "__main__":
    main()
