"""The tracker tries to connect to each program, to find out whether others can.

It runs in the tracker's loop and never blocks it. It dials only programs that registered by LMK/2
with a cookie: a bare connection would end an original seeder.
"""

from __future__ import annotations

import logging
import os
import selectors
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from roles.net.connection import Connection
from roles.net.dialling import begun
from roles.room.registry_entry import Key
from roles.values.addresses import Address
from roles.wire.greeting import (
    ANSWER_START,
    EXIT_CONNECTION,
    MAX_ANSWER,
    Probe,
    decode_probe_answer,
    encode_hello,
)

log = logging.getLogger(__name__)

MAX_AT_ONCE = 32
MAX_PER_HOST = 4  # of these: silent programs of one computer must leave room for others
ANSWER_S = 5.0  # to connect and to answer
HURRY_S = 1.0  # the same while MAX_AT_ONCE are under way and others wait
AGAIN_S = 60.0  # between tries at an unreachable program: somebody may open its firewall
MAX_WAITING = 12_000  # hosts: as many as programs may be registered
MAX_WAITING_OF_HOST = 256  # targets: a host may register under a new id each time


@dataclass(frozen=True, slots=True)
class Target:
    key: Key
    address: Address


@dataclass(slots=True, eq=False)
class _Dial:
    target: Target
    connection: Connection
    deadline: float
    probe: str
    received: bytes = b""


class DialBack:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        is_wanted: Callable[[Target], bool],
        tell: Callable[[Target, bool, str], None],
    ) -> None:
        """`is_wanted`: whether a target is still registered and not known to be reachable. `tell`
        gets whether it was reached, and the peer id that answered, "" when it gave none.
        """
        self._selector, self._is_wanted, self._tell = selector, is_wanted, tell
        # By host. Hosts take turns: one may have many programs that do not answer.
        self._waiting: OrderedDict[str, OrderedDict[Key, Target]] = OrderedDict()
        # With the time when each is due again; in this order, because all wait equally long.
        self._later: OrderedDict[Key, tuple[float, Target]] = OrderedDict()
        self._dials: dict[Key, _Dial] = {}
        self._dials_to = Counter[str]()  # by host

    def want(self, target: Target) -> None:
        """Dial a target soon, unless that is under way."""
        key = target.key
        is_full = len(self._waiting) >= MAX_WAITING and key.ip not in self._waiting
        if is_full or key in self._dials:
            return
        of_host = self._waiting.setdefault(key.ip, OrderedDict())
        of_host[key] = target
        if len(of_host) > MAX_WAITING_OF_HOST:
            of_host.popitem(last=False)
        self._later.pop(key, None)

    def network_changed(self, *, now: float) -> None:
        """This computer's addresses changed: try unreachable targets again."""
        for _, target in list(self._later.values()):
            self.want(target)
        self.work(now=now)

    def work(self, *, now: float) -> None:
        """Dial the targets that are due, and give up on those that do not answer."""
        while self._later and next(iter(self._later.values()))[0] <= now:
            self.want(self._later.popitem(last=False)[1][1])
        is_hurry = bool(self._waiting) and len(self._dials) >= MAX_AT_ONCE
        latest = now + (ANSWER_S - HURRY_S if is_hurry else 0.0)
        for dial in [dial for dial in self._dials.values() if latest >= dial.deadline]:
            self._end(dial, is_reachable=False)
        for _ in range(2 * MAX_AT_ONCE):
            if not self._waiting or len(self._dials) >= MAX_AT_ONCE:
                return
            ip, targets = self._waiting.popitem(last=False)
            if self._dials_to[ip] < MAX_PER_HOST:
                _, target = targets.popitem(last=False)
                if self._is_wanted(target):
                    self._dial(target, now)
            if targets:
                self._waiting[ip] = targets

    def close(self) -> None:
        for dial in self._dials.values():
            self._selector.unregister(dial.connection)
            dial.connection.close()
        self._dials.clear()

    def _dial(self, target: Target, now: float) -> None:
        connection = None
        try:
            connection, fault = begun(target.address)
            dial = _Dial(target, connection, now + ANSWER_S, os.urandom(8).hex())
            connection.queue(encode_hello(Probe(dial.probe)))
            self._selector.register(connection, selectors.EVENT_WRITE, lambda: self._go_on(dial))
        except OSError as error:  # no descriptor left: another time
            log.debug("dialling %s: %s", target.address, error)
            if connection is not None:
                connection.close()
            self._put_off(target, now)
            return
        self._dials[target.key] = dial
        self._dials_to[target.key.ip] += 1
        if fault:
            self._end(dial, is_reachable=False)

    def _go_on(self, dial: _Dial) -> None:
        """Send the greeting, then read the answer, as far as the connection goes now."""
        connection = dial.connection
        try:
            if connection.queued:
                connection.flush()
                if not connection.queued:
                    key = self._selector.get_key(connection)
                    self._selector.modify(connection, selectors.EVENT_READ, key.data)
                return
            while dial.target.key in self._dials:
                data = connection.receive(MAX_ANSWER)
                if data is None:
                    return
                self._take(dial, data)
        except OSError:
            self._end(dial, is_reachable=False)

    def _take(self, dial: _Dial, data: bytes) -> None:
        dial.received += data
        is_ours = ANSWER_START.startswith(dial.received[: len(ANSWER_START)])
        if not data or not is_ours or len(dial.received) > MAX_ANSWER:
            self._end(dial, is_reachable=False)
        elif dial.received.endswith(b"\n"):
            answer = decode_probe_answer(dial.received)
            peer = answer.peer if answer is not None else ""
            is_it = answer is not None and answer.probe == dial.probe
            # Another peer id: another program has its port.
            is_reachable = is_it and peer in ("", dial.target.key.peer)
            self._end(dial, is_reachable=is_reachable, peer=peer if is_it else "")

    def _end(self, dial: _Dial, *, is_reachable: bool, peer: str = "") -> None:
        key = dial.target.key
        del self._dials[key]
        self._dials_to[key.ip] -= 1
        if not self._dials_to[key.ip]:
            del self._dials_to[key.ip]
        self._selector.unregister(dial.connection)
        # Without a word an original would wait for one for ever.
        dial.connection.close(b"" if is_reachable else EXIT_CONNECTION)
        if not is_reachable:
            self._put_off(dial.target, time.monotonic())
        self._tell(dial.target, is_reachable, peer)

    def _put_off(self, target: Target, now: float) -> None:
        self._later.pop(target.key, None)
        self._later[target.key] = (now + AGAIN_S, target)
        if len(self._later) > MAX_WAITING:
            self._later.popitem(last=False)
