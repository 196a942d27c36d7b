"""The tracker role: one loop for datagrams, lists and dial-backs, and a thread while the disk
writes the state file.

Nothing that arrives can end or block the loop.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import selectors
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from roles.disk.state_file import StateFile
from roles.lmk1.seeder_table import SeederTable
from roles.lmk1.tracker_answers import TrackerAnswers
from roles.net.datagrams import Datagrams
from roles.net.interfaces import address_for_others, own_addresses, own_name
from roles.net.listening import Listener, bind_both, bound_beside
from roles.net.neighbours import Neighbours, waiting_bytes
from roles.net.wake import wake
from roles.role import Role
from roles.room.answers import Answers
from roles.room.cookies import Cookies, Proof
from roles.room.dial_back import DialBack, Target
from roles.room.list_server import ListServer
from roles.room.registry import EXPIRED_AT_ONCE, Registry
from roles.room.registry_entry import Key, Program, Reader
from roles.room.room_catalogue import RoomCatalogue
from roles.room.senders import Senders
from roles.values.addresses import EVERY_INTERFACE, Address
from roles.values.errors import ShortageError, StorageError
from roles.values.events import Post, RoleStarted, RoomChanged, Warned
from roles.values.participants import Participant
from roles.values.settings import TrackerSettings
from roles.wire.tracker_wire import RECEIVE_BUFFER
from roles.worker import POLL_S, Worker, failure_of

log = logging.getLogger(__name__)

# The socket, the bytes, and the address that they come from or go to.
_Datagram: TypeAlias = tuple[Datagrams, bytes, tuple[str, int]]

HEARD_REPORT_S = 1.0  # between two reports with nothing new except the times of pings
EXPIRE_S = 1.0
LEFT_OUT_S = 60.0  # between two such lines in the log
DATAGRAMS_AT_ONCE = 256  # to read before anything else is done
# Bytes of the send buffer, as the system counts, for answers to senders without a cookie that do
# not seem to exist: 80 short answers. The system resolves as many addresses at a time, and its
# table has room for 1,024. Senders that ask again may use more.
UNPROVED_UNSENT, AGAIN_UNSENT = 64 * 1024, 192 * 1024
MAX_ASKED = 4_096  # unanswered hosts to remember, for each of two seconds
MAX_UNSENT = 1_000  # answers that found no room in the system's buffer
UNSENT_S = 0.01  # until they are tried again
MAX_HARDWARE = 4_096  # hosts whose hardware address is remembered
SLICE = 100  # lines of a report or state file between two looks at the sockets


@dataclass(frozen=True, slots=True)
class Limits:
    save_s: float = 2.0  # between two state files
    report_s: float = 0.25  # between two reports
    # After a state file or a report, pause so many times as long as it took, to keep answering in a
    # huge room.
    rests: float = 9
    # For reading datagrams at a time: the longest take a sixth of a millisecond each.
    receive_s: float = 0.005
    unproved: int = 256  # queued datagrams of senders without a cookie
    unproved_s: float = 0.005  # for answering these at a time; their cost grows with their lists


LIMITS = Limits()


class Tracker(Role):
    """Posts TrackerEvents."""

    def __init__(self, settings: TrackerSettings, post: Post) -> None:
        super().__init__("tracker", post)
        self._settings = settings
        self._state = None if settings.state_file is None else StateFile(settings.state_file)
        self._registry = Registry(RoomCatalogue(os.urandom(4).hex()))
        self._lmk1 = SeederTable(self._registry)
        self._unproved: deque[_Datagram] = deque()  # requests without a cookie
        self._unsent: deque[_Datagram] = deque()  # answers
        self._asked, self._asked_before = set[str](), set[str]()  # unanswered hosts
        self._beside: dict[str, Datagrams] = {}  # by own address, if there are several
        self._report: Iterator[None] | None = None  # under way
        self._report_cost_s = 0.0  # processor time of it so far
        self._saving: Iterator[bool] | None = None  # a state file under way
        self._writer: Worker | None = None  # its thread
        self._saved_state = self._state_now
        self._report_at = self._heard_report_at = 0.0
        self._save_at = self._expire_at = self._log_left_out_at = 0.0
        self._reported: object = None  # the state of the room that the last report showed
        self._reported_pings = 0
        self._left_out = 0
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._hardware: dict[str, bytes] = {}  # by host

    def remove(self, machine: str) -> None:
        """Forget a computer (Member.machine) that is gone or silent; from any thread."""
        self._orders.put(lambda: self._registry.remove(machine, now=time.monotonic()))

    def wake(self, host: str) -> None:
        """Wake the computer that had this address; from any thread. See RoomChanged.wakeable."""
        hardware = self._hardware.get(host)
        if hardware is not None:
            self._orders.put(lambda: wake(hardware))

    def _run(self) -> None:
        if self._state is not None:
            saved = self._state.read()
            if saved is not None and not isinstance(saved, list):
                self._state.keep_aside("is no list of seeders", is_newer=isinstance(saved, dict))
            restored = self._lmk1.restore(saved, now=time.monotonic())
            self._registry.restore(saved, now=time.monotonic())
            if restored:
                log.info("The tracker restored %d seeders from its last run.", restored)
            if self._state.notice:
                self._post(Warned(self._state.notice))
        datagrams, listener, note = bind_both(
            self._settings.bind, exactly=self._settings.bind_exactly
        )
        with datagrams, listener, selectors.DefaultSelector() as selector:
            listening = datagrams.address
            self._begin(datagrams, listener, selector, listening)
            self._post(RoleStarted(listening, address_for_others(listening), note))
            try:
                self._answer_until_stopped(selector, listening)
            finally:
                self._listen_at((), selector)
                self._lists.close()
                self._dials.close()
                self._save_now()

    def _begin(
        self,
        datagrams: Datagrams,
        listener: Listener,
        selector: selectors.BaseSelector,
        listening: Address,
    ) -> None:
        self._neighbours = Neighbours(datagrams)
        datagrams.expect_many()
        self._datagrams = datagrams
        selector.register(datagrams, selectors.EVENT_READ, lambda: self._receive(datagrams))
        senders = Senders()
        self._lists = ListServer(listener, selector, self._registry, senders, self._participants)
        self._dials = DialBack(selector, self._is_to_be_dialled, self._note_reachable)
        self._lmk1_answers = TrackerAnswers(self._lmk1, senders)
        self._answers = Answers(
            self._registry,
            Cookies(os.urandom(32)),
            senders,
            self._lmk1_answers,
            name=self._settings.name or own_name(),
            port=listening.port,
            on_arrival=self._dial,
        )
        if listening.host == EVERY_INTERFACE:
            self._listen_at(own_addresses(), selector)

    def _listen_at(self, hosts: Collection[str], selector: selectors.BaseSelector) -> None:
        """With several own addresses, listen at each, to answer from the one that was asked."""
        hosts = hosts if len(hosts) > 1 else ()
        for host in [one for one in self._beside if one not in hosts]:
            datagrams = self._beside.pop(host)
            selector.unregister(datagrams)
            datagrams.close()
        for host in [one for one in hosts if one not in self._beside]:
            beside = bound_beside(self._datagrams, host)
            if beside is None:
                continue
            beside.expect_many()
            self._beside[host] = beside
            selector.register(
                beside,
                selectors.EVENT_READ,
                lambda datagrams=beside: self._receive(datagrams),
            )

    def _answer_until_stopped(self, selector: selectors.BaseSelector, listening: Address) -> None:
        pause_s = 0.0
        while not self.should_stop():
            try:
                if self._network_change(listening):
                    self._begin_anew(selector, listening)
                pause_s = self._answer_for_a_while(selector, pause_s)
            except (OSError, MemoryError) as error:
                failure = failure_of(error)
                if not isinstance(failure, ShortageError):
                    raise
                log.warning("%s", failure)  # programs repeat the lost requests
                self._stopping.wait(POLL_S)

    def _begin_anew(self, selector: selectors.BaseSelector, listening: Address) -> None:
        """This computer's addresses changed."""
        self._answers.forget_hosts()
        self._dials.network_changed(now=time.monotonic())
        if listening.host == EVERY_INTERFACE:
            self._listen_at(own_addresses(), selector)

    def _answer_for_a_while(self, selector: selectors.BaseSelector, pause_s: float) -> float:
        """Wait up to `pause_s` for something to do, and do it; returns the next pause."""
        for key, _ in selector.select(pause_s):
            key.data()
        while not self._orders.empty():
            self._orders.get()()
        self._answer_unproved()
        is_busy = bool(self._unproved) | self._lists.work() | self._work_on_report()
        now = time.monotonic()
        self._lmk1.settle(now=now)
        self._dials.work(now=now)
        if now >= self._expire_at:
            self._expire(now)
        is_busy |= self._work_on_saving(now)
        self._send_unsent()
        return 0.0 if is_busy else UNSENT_S if self._unsent else POLL_S

    def _receive(self, datagrams: Datagrams) -> None:
        """Answer senders with a cookie at once, and queue the others."""
        now = time.monotonic()
        until = now + LIMITS.receive_s
        for _ in range(DATAGRAMS_AT_ONCE):
            if now >= until:
                return
            try:
                come = datagrams.receive(RECEIVE_BUFFER)
            except OSError as error:
                # Windows: an earlier answer was undeliverable, or this datagram was too long.
                log.debug("receiving: %s", error)
                continue
            if come is None:
                return
            datagram, source = come
            now = time.monotonic()
            proof = self._answers.proof(datagram, source[0], now=now)
            if proof is not Proof.NONE:
                self._answer((datagrams, datagram, source), proof, now)
            elif len(self._unproved) < LIMITS.unproved:
                self._unproved.append((datagrams, datagram, source))

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

    def _send_unsent(self) -> None:
        while self._unsent and self._is_sent(self._unsent[0]):
            self._unsent.popleft()

    def _expire(self, now: float) -> None:
        self._answers.forget_hosts()
        self._neighbours.forget()
        self._asked, self._asked_before = set(), self._asked
        self._lists.expire(now=now)
        gone = max(self._registry.expire(now=now), self._lmk1.expire(now=now))
        self._lmk1_answers.is_changed |= gone > 0
        self._expire_at = now + (EXPIRE_S if gone < EXPIRED_AT_ONCE else 0.0)

    def _dial(self, key: Key, program: Program) -> None:
        """Test whether others can reach the program, unless it serves only this machine, and which
        program is there if several claim the same address and port.
        """
        here = Reader(is_here=True, tracker_host=program.origin.ip)
        address = program.address_for(here)
        is_contested = self._registry.is_contested(key)
        if address is not None and (is_contested or not program.is_here_only):
            self._dials.want(Target(key, address))

    def _is_to_be_dialled(self, target: Target) -> bool:
        program = self._registry.entry(target.key)
        if program is None or program.is_reachable:
            return False
        return not program.is_here_only or self._registry.is_contested(target.key)

    def _note_reachable(self, target: Target, is_reachable: bool, peer: str) -> None:
        self._registry.note_reachable(target.key, is_reachable)
        if is_reachable and peer:
            self._registry.note_listening(target.key, now=time.monotonic())

    def _work_on_report(self) -> bool:
        """Continue or begin a report of the room; returns whether one is under way."""
        now, pings = time.monotonic(), self._registry.pings
        state = self._registry.changes, self._registry.catalogue.version
        is_changed = state != self._reported or self._lmk1_answers.is_changed
        is_changed |= pings != self._reported_pings and now >= self._heard_report_at
        if self._report is None and is_changed and now >= self._report_at:
            self._lmk1_answers.is_changed = False
            self._heard_report_at = now + HEARD_REPORT_S
            self._reported, self._reported_pings = state, pings
            self._report, self._report_cost_s = self._reporting(now), 0.0
            self._report_at = now + LIMITS.report_s
        if self._report is not None:
            self._go_on_with(self._report)
        return self._report is not None

    def _go_on_with(self, report: Iterator[None]) -> None:
        """Make one slice. Counts processor time, because a suspended computer needs no pause."""
        began_s = time.thread_time()
        if next(report, self) is self:
            self._report = None
        self._report_cost_s += time.thread_time() - began_s
        rested_at = time.monotonic() + LIMITS.rests * self._report_cost_s
        self._report_at = max(self._report_at, rested_at)

    def _reporting(self, began: float) -> Iterator[None]:
        """Build a RoomChanged slice by slice and post it."""
        # A restarted program is registered twice for a while; the newest entry wins.
        participants = dict[tuple[Address, bool], Participant]()
        unknown = set[str]()  # hosts
        for number, one in enumerate(self._participants()):
            participants[one.address, one.has_left] = one
            if one.address.host not in self._hardware:
                unknown.add(one.address.host)
            if number % SLICE == SLICE - 1:
                self._learn_hardware(unknown)
                unknown.clear()
                yield
        self._learn_hardware(unknown)
        files = yield from self._registry.files()
        count = self._registry.catalogue.file_count
        left_out = count - len(self._lmk1.files_for_readers(is_here=True))
        self._log_left_out(max(0, left_out), began)
        self._post(
            RoomChanged(
                tuple(participants.values()),
                files,
                count,
                max(0, left_out),
                self._registry.folders(),
                frozenset(self._hardware),
            )
        )

    def _learn_hardware(self, hosts: Collection[str]) -> None:
        """The system forgets its neighbours after minutes; the room wakes them after hours."""
        if hosts and len(self._hardware) < MAX_HARDWARE:
            self._hardware = self._hardware | self._neighbours.hardware_of(hosts)

    def _participants(self) -> Iterator[Participant]:
        now = time.monotonic()
        return chain(self._lmk1.participants(), self._registry.participants(now=now))

    def _log_left_out(self, left_out: int, now: float) -> None:
        if left_out > self._left_out and now >= self._log_left_out_at:
            self._log_left_out_at = now + LEFT_OUT_S
            log.info(
                "%s files are hidden from original LMKtorrent programs, "
                "because not every seeder has them or the list is full.",
                f"{left_out:,}",
            )
        self._left_out = left_out

    def _work_on_saving(self, now: float) -> bool:
        """Continue or begin a state file; returns whether it needs this thread now."""
        is_changed = self._state_now != self._saved_state
        if self._saving is None and is_changed and now >= self._save_at:
            self._saved_state = self._state_now
            self._saving = None if self._state is None else self._saving_to(self._state)
        if self._saving is None:
            return False
        is_busy = next(self._saving, None)
        if is_busy is None:
            self._saving = None
        return bool(is_busy)

    def _saving_to(self, state: StateFile) -> Iterator[bool]:
        """Build the state file slice by slice and write it. Yields True while it needs this thread,
        and False while the disk writes, which may take seconds.
        """
        texts = list[str]()
        for item in self._saved():
            texts.append(json.dumps(item))
            if len(texts) % SLICE == 0:
                yield True
        began = time.monotonic()
        self._writer = Worker(lambda: _write(state, texts), "lmk-tracker-state")
        try:
            self._writer.start()
            while self._writer.is_alive():
                yield False
        except ShortageError as error:
            log.warning("%s", error)
        self._writer, ended = None, time.monotonic()
        self._save_at = ended + max(LIMITS.save_s, LIMITS.rests * (ended - began))

    @property
    def _state_now(self) -> tuple[int, int]:
        """Changes whenever the content of the state file would change."""
        return self._registry.catalogue.owners_state, self._lmk1.changes

    def _saved(self) -> Iterator[dict[str, object]]:
        return chain(self._lmk1.saved(), self._registry.saved())

    def _save_now(self) -> None:
        if self._writer is not None:
            self._writer.join()
        is_changed = self._state_now != self._saved_state
        if self._state is not None and (self._saving is not None or is_changed):
            _write(self._state, list(map(json.dumps, self._saved())))


def _write(state: StateFile, texts: list[str]) -> None:
    try:
        state.write(f"[{','.join(texts)}]".encode())
    except StorageError as error:
        log.warning("The tracker's list will not survive a restart: %s", error)
