"""A line between two programs that flips bits on their way, in both directions or in one."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial

from tests.support import LIMIT_S

Damage = Callable[[int, bytearray], None]  # is told where in the stream these bytes begin


def noise(one_in: float, rng: random.Random) -> Damage:
    """A bit flipped in so many bytes, on average."""

    def damage(_: int, data: bytearray) -> None:
        at = rng.expovariate(1 / one_in)
        while at < len(data):
            data[int(at)] ^= 1 << rng.randrange(8)
            at += rng.expovariate(1 / one_in)

    return damage


def flips(*bits: int) -> Damage:
    """These bits of the stream, once."""
    left = set(bits)

    def damage(begin: int, data: bytearray) -> None:
        for bit in list(left):
            if begin <= bit // 8 < begin + len(data):
                left.discard(bit)
                data[bit // 8 - begin] ^= 1 << bit % 8

    return damage


def clean(_: int, __: bytearray) -> None:
    """Nothing is damaged."""


class NoisyLine:
    """A context manager that passes connections to `address` on to the target."""

    def __init__(
        self, target: tuple[str, int], *, there: Damage = clean, back: Damage = clean
    ) -> None:
        """`there` damages the bytes sent to the target, `back` those that it sends."""
        self._target, self._there, self._back = target, there, back
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.connections = 0
        self._socks = list[socket.socket]()
        self._threads = list[threading.Thread]()
        self._start(self._accept)

    def __enter__(self) -> NoisyLine:
        return self

    def __exit__(self, *_: object) -> None:
        _hang_up([self._listener])
        self._threads[0].join()
        _hang_up(self._socks)
        for thread in self._threads[1:]:
            thread.join()
        for sock in (self._listener, *self._socks):
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it is over
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                self._socks.append(near)
                far = socket.create_connection(self._target, LIMIT_S)
                self._socks.append(far)
                for sock in (near, far):
                    sock.settimeout(LIMIT_S)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(partial(_carry, near, far, self._there))
                self._start(partial(_carry, far, near, self._back))

    def _start(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, name="noisy-line"))
        self._threads[-1].start()


def _carry(source: socket.socket, target: socket.socket, damage: Damage) -> None:
    carried = 0
    with contextlib.suppress(OSError):  # one of them left
        while data := bytearray(source.recv(1 << 16)):
            damage(carried, data)
            carried += len(data)
            target.sendall(data)
    _hang_up([source, target])


def _hang_up(socks: Iterable[socket.socket]) -> None:
    for sock in socks:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
