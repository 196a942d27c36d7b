"""Receives the datagrams of a room and sends the answers. Nothing that arrives can block it."""

from __future__ import annotations

import logging
import selectors
import time
from collections import deque
from collections.abc import Collection
from typing import NamedTuple, TypeAlias

from roles.net.datagrams import Datagrams
from roles.net.interfaces import ALL_HERE, broadcasts, own_address_towards, own_addresses
from roles.net.listening import bound_beside
from roles.net.neighbours import Neighbours, waiting_bytes
from roles.room.answers import Answers
from roles.room.cookies import Proof
from roles.room.private_answers import PrivateAnswers
from roles.values.addresses import EVERY_INTERFACE, is_loopback
from roles.wire.tracker_wire import RECEIVE_BUFFER
from roles.worker import POLL_S

log = logging.getLogger(__name__)

# The socket, the bytes, and the address that they come from or go to.
_Datagram: TypeAlias = tuple[Datagrams, bytes, tuple[str, int]]

DATAGRAMS_AT_ONCE = 256  # to read before anything else is done
# Bytes of the send buffer, as the system counts, for answers to senders without a cookie that do
# not seem to exist: 80 short answers. The system resolves as many addresses at a time, and its
# table has room for 1,024. Senders that ask again may use more.
UNPROVED_UNSENT, AGAIN_UNSENT = 64 * 1024, 192 * 1024
MAX_ASKED = 4_096  # unanswered hosts to remember, for each of two seconds
MAX_UNSENT = 1_000  # answers that found no room in the system's buffer
UNSENT_S = 0.01  # until they are tried again


class Limits(NamedTuple):
    # For reading datagrams at a time: the longest take a sixth of a millisecond each.
    receive_s: float = 0.005
    unproved: int = 256  # queued datagrams of senders without a cookie
    unproved_s: float = 0.005  # for answering these at a time; their cost grows with their lists


LIMITS = Limits()


class DatagramServer:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        everywhere: Datagrams,
        selector: selectors.BaseSelector,
        neighbours: Neighbours,
        answers: Answers | PrivateAnswers,
    ) -> None:
        """`everywhere` is closed by its owner, the sockets beside it by close()."""
        self._everywhere, self._selector = everywhere, selector
        self._neighbours, self._answers = neighbours, answers
        self._beside: dict[str, Datagrams] = {}  # by address, see network_changed()
        self._unproved: deque[_Datagram] = deque()  # requests without a cookie
        self._unsent: deque[_Datagram] = deque()  # answers
        self._asked, self._asked_before = set[str](), set[str]()  # unanswered hosts
        self._listen(everywhere)
        self.network_changed()

    def network_changed(self) -> None:
        """Look which addresses this computer has.

        With several own addresses, listen at each, to answer from the one that was asked. In one
        network only, listen to its broadcasts, or nobody would find this tracker.
        """
        listening = self._everywhere.address.host
        if listening == EVERY_INTERFACE:
            hosts = own_addresses()
            self._listen_at(hosts if len(hosts) > 1 else ())
        elif not is_loopback(listening):
            addresses = (network.address for network in broadcasts(listening))
            self._listen_at((*addresses, ALL_HERE))

    def _listen_at(self, hosts: Collection[str]) -> None:
        for host in [host for host in self._beside if host not in hosts]:
            datagrams = self._beside.pop(host)
            self._selector.unregister(datagrams)
            datagrams.close()
        for host in [host for host in hosts if host not in self._beside]:
            beside = bound_beside(self._everywhere, host)
            if beside is not None:
                self._beside[host] = beside
                self._listen(beside)

    def work(self) -> None:
        """Answer what waits for its turn, for a moment."""
        self._answer_unproved()
        while self._unsent and self._is_sent(self._unsent[0]):
            self._unsent.popleft()

    @property
    def pause_s(self) -> float:
        """How long work() may wait if no datagram comes."""
        return 0.0 if self._unproved else UNSENT_S if self._unsent else POLL_S

    def expire(self) -> None:
        """A second has passed."""
        self._asked, self._asked_before = set(), self._asked

    def close(self) -> None:
        self._listen_at(())

    def _listen(self, datagrams: Datagrams) -> None:
        datagrams.expect_many()
        self._selector.register(datagrams, selectors.EVENT_READ, lambda: self._receive(datagrams))

    def _receive(self, datagrams: Datagrams) -> None:
        """Answer senders with a cookie at once, and queue the others."""
        now = time.monotonic()
        until = now + LIMITS.receive_s
        for _ in range(DATAGRAMS_AT_ONCE):
            if now >= until:
                return
            try:
                received = datagrams.receive(RECEIVE_BUFFER)
            except OSError as error:
                # Windows: an earlier answer was undeliverable, or this datagram was too long.
                log.debug("receiving: %s", error)
                continue
            if received is None:
                return
            datagram, source = received
            if datagrams is self._beside.get(ALL_HERE) and not self._is_near(source[0]):
                continue
            now = time.monotonic()
            proof = self._answers.proof(datagram, source[0], now=now)
            if proof is not Proof.NONE:
                self._answer((datagrams, datagram, source), proof, now)
            elif len(self._unproved) < LIMITS.unproved:
                self._unproved.append((datagrams, datagram, source))

    def _is_near(self, host: str) -> bool:
        """Whether it is in the only network that we listen in."""
        try:
            return own_address_towards(host) == self._everywhere.address.host
        except OSError:
            return False

    def _answer_unproved(self) -> None:
        until = time.monotonic() + LIMITS.unproved_s
        while self._unproved and (now := time.monotonic()) < until:
            request = self._unproved.popleft()
            if self._is_worth_it(request):
                self._answer(request, Proof.NONE, now)

    def _is_worth_it(self, request: _Datagram) -> bool:
        """Whether an answer can probably be delivered. A few hundred others would fill the buffer.

        A sender that its network does not know yet may still exist. Then it asks again, which few
        forged ones do.
        """
        datagrams, _, (host, _) = request
        waiting = waiting_bytes(datagrams)
        if waiting < UNPROVED_UNSENT or not self._neighbours.is_missing(host):
            return True
        is_again = host in self._asked or host in self._asked_before
        if len(self._asked) < MAX_ASKED:
            self._asked.add(host)
        return is_again and waiting < AGAIN_UNSENT

    def _answer(self, request: _Datagram, proof: Proof, now: float) -> None:
        datagrams, datagram, source = request
        try:
            answers = self._answers.to(datagram, *source, proof, now=now)
        except (OSError, MemoryError) as error:  # the sender asks again
            log.debug("answering %s: %s", source[0], error)
            return
        for answer in answers:
            if not self._is_sent((datagrams, answer, source)):
                self._keep_unsent((datagrams, answer, source), proof)

    def _keep_unsent(self, answer: _Datagram, proof: Proof) -> None:
        """Send it later, because an original asks only once. Senders with a cookie go first, and
        replace others if the queue is full.
        """
        is_full = len(self._unsent) >= MAX_UNSENT
        if proof is not Proof.NONE:
            if is_full:
                self._unsent.pop()
            self._unsent.appendleft(answer)
        elif not is_full:
            self._unsent.append(answer)

    def _is_sent(self, answer: _Datagram) -> bool:
        """Send the answer or drop it; False if the system has no room for it now."""
        datagrams, datagram, source = answer
        try:
            return datagrams.send(datagram, source)
        except OSError as error:  # such as no route; the sender asks again
            log.debug("answering %s: %s", source[0], error)
        return True
