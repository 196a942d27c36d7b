"""The tracker role: one thread, one loop over its datagrams, its lists and its own calls.

Nothing that arrives ends the loop, and nothing blocks it.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator

from roles.base.interfaces import address_for_others
from roles.base.listening import bind_both
from roles.base.rate_limit import RateLimit
from roles.base.state_file import StateFile
from roles.base.worker import POLL_S, Role, failure_of
from roles.room.cookies import Cookies
from roles.room.dial_back import DialBack, Target
from roles.room.list_server import ListServer
from roles.room.places import Key
from roles.room.registry import Registry
from roles.room.registry_entry import Entry, Reader
from roles.room.room_catalogue import RoomCatalogue
from roles.room.tracker_desk import Desk
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError, ShortageError, StorageError
from roles.values.events import (
    ListedSeeder,
    Post,
    RoleStarted,
    RoomChanged,
    RoomMember,
    Warned,
)
from roles.values.settings import TrackerSettings
from roles.wire.lmk1_tracker_wire import RECEIVE_BUFFER, UNKNOWN_REQUEST
from roles.wire.lmk2_outline import refusal_of

log = logging.getLogger(__name__)

REQUESTS_PER_HOST = 100.0  # a second: an original repeats nothing, so a dropped answer freezes it
REQUESTS_IN_ALL = 2_000.0  # half of them for those who have a cookie
LISTS_IN_ALL = 500.0  # list answers are longer than their questions
COMPLAINTS_PER_HOST = 1.0  # lines a second in the log
COMPLAINTS_IN_ALL = 10.0
SAVE_S = 2.0  # at most one state file in this time
REPORT_S = 0.25
HEARD_REPORT_S = 1.0  # the same when somebody pinged and nothing is new but the time
EXPIRE_S = 1.0
# Times as long as the last state file took, or the last report this thread's processor: a huge room
# is answered meanwhile.
RESTS = 9
LEFT_OUT_S = 60.0  # at most one line in the log in this time
DATAGRAMS_AT_ONCE = 64  # answered before lists have their turn: a few milliseconds
MAX_UNSENT = 1_000  # answers that found no room in the system's buffer
UNSENT_S = 0.01  # until they are tried again
SLICE = 100  # lines of a report made between two looks at the sockets


class Tracker(Role):
    """Give it where to listen; it posts TrackerEvents until RoleStopped."""

    def __init__(self, settings: TrackerSettings, post: Post) -> None:
        super().__init__("tracker", post)
        self._settings = settings
        self._state = None if settings.state_file is None else StateFile(settings.state_file)
        self._registry = Registry(RoomCatalogue(os.urandom(4).hex()))
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)
        self._unsent: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._report: Iterator[None] | None = None  # under way
        self._report_cost_s = 0.0  # of the processor, until now
        self._report_at = self._heard_report_at = self._save_at = self._expire_at = (
            self._log_left_out_at
        ) = 0.0
        self._reported_version = ""
        self._left_out = 0

    def _run(self) -> None:
        if self._state is not None:
            saved = self._state.read()
            if saved is not None and not isinstance(saved, list):
                self._state.keep_aside("is no list of seeders", is_newer=isinstance(saved, dict))
            restored = self._registry.restore(saved, now=time.monotonic())
            if restored:
                log.info("The tracker goes on with the %d seeders that it knew before.", restored)
            if self._state.notice:
                self._post(Warned(self._state.notice))
        link, listener, note = bind_both(self._settings.bind, exactly=self._settings.bind_exactly)
        with link, listener, selectors.DefaultSelector() as selector:
            listening = Address(*link.getsockname())
            self._begin(link, listener, selector, listening)
            self._post(RoleStarted(listening, address_for_others(listening), note))
            try:
                self._answer_until_stopped(selector)
            finally:
                self._lists.close()
                self._dials.close()
                self._save()

    def _begin(
        self,
        link: socket.socket,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        listening: Address,
    ) -> None:
        link.setblocking(False)
        self._link = link
        selector.register(link, selectors.EVENT_READ, self._answer_some)
        self._lists = ListServer(listener, selector, self._registry)
        self._dials = DialBack(selector, self._is_to_be_dialled, self._note_reachable)
        self._desk = Desk(
            self._registry,
            Cookies(os.urandom(32)),
            requests=RateLimit(per_host=REQUESTS_PER_HOST, whole=REQUESTS_IN_ALL / 2),
            proved=RateLimit(per_host=REQUESTS_PER_HOST, whole=REQUESTS_IN_ALL / 2),
            lists=RateLimit(per_host=REQUESTS_PER_HOST, whole=LISTS_IN_ALL),
            name=socket.gethostname(),
            port=listening.port,
            on_arrival=self._dial,
        )

    def _answer_until_stopped(self, selector: selectors.BaseSelector) -> None:
        pause_s = 0.0
        while not self.should_stop():
            try:
                pause_s = self._answer_for_a_while(selector, pause_s)
            except (OSError, MemoryError) as error:
                failure = failure_of(error)
                if not isinstance(failure, ShortageError):
                    raise
                log.warning("%s", failure)  # what was under way is lost, and is asked for again
                self._stopping.wait(POLL_S)

    def _answer_for_a_while(self, selector: selectors.BaseSelector, pause_s: float) -> float:
        """Do what is to be done now, after waiting for it; returns how long the next may wait."""
        for key, _ in selector.select(pause_s):
            key.data()
        is_busy = self._lists.work() | self._work_on_report()
        now = time.monotonic()
        self._dials.work(now=now)
        if now >= self._expire_at:
            self._expire(now)
        if self._desk.is_unsaved and now >= self._save_at:
            self._save()
            took_s = time.monotonic() - now
            self._save_at = now + max(SAVE_S, (1 + RESTS) * took_s)
        self._send_unsent()
        return 0.0 if is_busy else UNSENT_S if self._unsent else POLL_S

    def _answer_some(self) -> None:
        for _ in range(DATAGRAMS_AT_ONCE):
            try:
                datagram, source = self._link.recvfrom(RECEIVE_BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                # Windows: an earlier answer found nobody, or this datagram was too long.
                log.debug("receiving: %s", error)
                continue
            self._answer_one(datagram, source)

    def _answer_one(self, datagram: bytes, source: tuple[str, int]) -> None:
        now = time.monotonic()
        try:
            for answer in self._desk.answers(datagram, *source, now=now):
                self._send(answer, source)
        except PeerProtocolError as error:
            if self._complaints.allows(source[0], now=now):  # a flood must not hide all the rest
                log.info("a request of %s cannot be answered: %s", source[0], error)
            self._send(refusal_of(datagram, str(error)) or UNKNOWN_REQUEST, source)
        except OSError as error:  # no descriptor left: it asks again
            log.debug("answering %s: %s", source[0], error)

    def _send(self, answer: bytes, source: tuple[str, int]) -> None:
        """An original asks only once: what finds no room now is sent a little later."""
        try:
            self._link.sendto(answer, source)
        except BlockingIOError:
            if len(self._unsent) < MAX_UNSENT:
                self._unsent.append((answer, source))
        except OSError as error:  # no route back: it asks again
            log.debug("answering %s: %s", source[0], error)

    def _send_unsent(self) -> None:
        for _ in range(len(self._unsent)):
            answer, source = self._unsent.popleft()
            try:
                self._link.sendto(answer, source)
            except BlockingIOError:
                self._unsent.appendleft((answer, source))
                return
            except OSError as error:
                log.debug("answering %s: %s", source[0], error)

    def _expire(self, now: float) -> None:
        self._expire_at = now + EXPIRE_S
        self._desk.forget_hosts()
        self._lists.expire(now=now)
        if self._registry.expire(now=now):
            self._desk.is_changed = self._desk.is_unsaved = True

    def _dial(self, key: Key, entry: Entry) -> None:
        """See whether others reach it, unless it serves this machine only."""
        here = Reader(is_here=True, tracker_host=entry.origin.ip)
        address = entry.address_for(here)
        if entry.member is not None and address is not None and not entry.is_here_only:
            self._dials.want(Target(key, entry.member.instance, address))

    def _is_to_be_dialled(self, target: Target) -> bool:
        member = self._registry.member(target.key)
        is_there = member is not None and member.instance == target.instance
        return is_there and member is not None and member.is_reachable is not True

    def _note_reachable(self, target: Target, is_reachable: bool) -> None:
        self._registry.note_reachable(target.key, target.instance, is_reachable)
        self._desk.is_changed = True

    def _work_on_report(self) -> bool:
        """Go on with the report of the room, or begin one; whether it is under way."""
        now, version = time.monotonic(), self._registry.catalogue.version
        is_changed = self._desk.is_changed or version != self._reported_version
        is_changed |= self._desk.is_heard and now >= self._heard_report_at
        if self._report is None and is_changed and now >= self._report_at:
            self._desk.is_changed = self._desk.is_heard = False
            self._heard_report_at = now + HEARD_REPORT_S
            self._reported_version = version
            self._report, self._report_cost_s = self._reporting(now), 0.0
            self._report_at = now + REPORT_S
        if self._report is not None:
            self._go_on_with(self._report)
        return self._report is not None

    def _go_on_with(self, report: Iterator[None]) -> None:
        """Make a slice of it. A computer that stands still meanwhile is no reason to rest."""
        began_s = time.thread_time()
        if next(report, self) is self:
            self._report = None
        self._report_cost_s += time.thread_time() - began_s
        rested_at = time.monotonic() + RESTS * self._report_cost_s
        self._report_at = max(self._report_at, rested_at)

    def _reporting(self, began: float) -> Iterator[None]:
        """Post what the room is, made a slice at a time."""
        seeders, members = list[ListedSeeder](), list[RoomMember]()
        for number, entry in enumerate(self._registry.entries()):
            seeder = self._registry.as_seeder(entry)
            seeders += [] if seeder is None else [seeder]
            members += [] if entry.member is None else [entry.as_member(entry.member)]
            if number % SLICE == SLICE - 1:
                yield
        files, count = self._registry.files(), self._registry.catalogue.file_count
        left_out = count - len(self._registry.files_for_originals(is_here=True))
        self._log_left_out(max(0, left_out), began)
        room = RoomChanged(
            tuple(seeders), files, max(0, left_out), file_count=count, members=tuple(members)
        )
        self._post(room)

    def _log_left_out(self, left_out: int, now: float) -> None:
        if left_out > self._left_out and now >= self._log_left_out_at:
            self._log_left_out_at = now + LEFT_OUT_S
            log.info(
                "%d files are not told to LMK/1 programs: "
                "not every seeder has them, or the list is full.",
                left_out,
            )
        self._left_out = left_out

    def _save(self) -> None:
        if self._state is None or not self._desk.is_unsaved:
            return
        self._desk.is_unsaved = False
        try:
            self._state.write(json.dumps(self._registry.saved()).encode())
        except StorageError as error:
            log.warning("The tracker's list is not kept for the next start: %s", error)
