"""The tracker role: one thread, one datagram socket around a Registry.

Nothing that arrives ends its loop.
"""

from __future__ import annotations

import json
import logging
import socket
import time

from roles.addresses import LOOPBACK, Address, ip_of, is_loopback, is_unicast
from roles.errors import PeerProtocolError, StorageError
from roles.events import Post, RoleStarted, RoomChanged
from roles.interfaces import address_for_others, is_own_address, own_address_towards
from roles.listening import bind_udp
from roles.lmk1_tracker_wire import (
    ALREADY_REGISTERED,
    RECEIVE_BUFFER,
    SUCCESS,
    UNKNOWN_REQUEST,
    UNKNOWN_SEEDER,
    AddSeeder,
    Extras,
    PingTracker,
    Request,
    RequestFileList,
    RequestSeederList,
    UploadFileList,
    decode_request,
    encode_file_list,
    encode_seeder_list,
    with_id,
)
from roles.profile import read_state, write_whole
from roles.rate_limit import RateLimit
from roles.registry import Registry
from roles.registry_entry import Origin, Reader
from roles.settings import TrackerSettings
from roles.worker import POLL_S, Role

log = logging.getLogger(__name__)

REQUESTS_PER_HOST = 100.0  # a second: an original repeats nothing, so a dropped answer freezes it
REQUESTS_IN_ALL = 2_000.0
LISTS_IN_ALL = 500.0  # list answers are longer than their questions
SAVE_S = 2.0  # at most one state file in this time
REPORT_S = 0.25
EXPIRE_S = 1.0
RESTS = 4  # times as long as the last report or state file took: a huge room is answered meanwhile
COMPLAINTS_PER_HOST = 1.0  # lines a second in the log
COMPLAINTS_IN_ALL = 10.0


class Tracker(Role):
    """Give it where to listen; it posts TrackerEvents until RoleStopped."""

    def __init__(self, settings: TrackerSettings, post: Post) -> None:
        super().__init__("tracker", post)
        self._settings = settings
        self._registry = Registry()
        self._requests = RateLimit(per_host=REQUESTS_PER_HOST, whole=REQUESTS_IN_ALL)
        self._lists = RateLimit(per_host=REQUESTS_PER_HOST, whole=LISTS_IN_ALL)
        self._complaints = RateLimit(per_host=COMPLAINTS_PER_HOST, whole=COMPLAINTS_IN_ALL)
        self._is_own_host: dict[str, bool] = {}  # answers of _is_own(), forgotten every EXPIRE_S
        self._changed = True  # since the last report
        self._unsaved = False
        self._left_out = 0

    def _run(self) -> None:
        if self._settings.state_file is not None:
            restored = self._registry.restore(
                read_state(self._settings.state_file), now=time.monotonic()
            )
            if restored:
                log.info("The tracker goes on with the %d seeders that it knew before.", restored)
        link, note = bind_udp(self._settings.bind, exactly=self._settings.bind_exactly)
        with link:
            link.settimeout(POLL_S)
            listening = Address(*link.getsockname())
            self._post(RoleStarted(listening, address_for_others(listening), note))
            try:
                self._answer_until_stopped(link)
            finally:
                self._save()

    def _answer_until_stopped(self, link: socket.socket) -> None:
        report_at = save_at = expire_at = 0.0
        while not self.should_stop():
            self._answer_one(link)
            now = time.monotonic()
            if now >= expire_at:
                expire_at = now + EXPIRE_S
                self._is_own_host.clear()
                self._note_change(self._registry.expire(now=now))
            if self._changed and now >= report_at:
                self._changed = False
                self._report()
                report_at = _again_at(now, REPORT_S)
            if self._unsaved and now >= save_at:
                self._save()
                save_at = _again_at(now, SAVE_S)

    def _answer_one(self, link: socket.socket) -> None:
        try:
            datagram, (host, port) = link.recvfrom(RECEIVE_BUFFER)
        except TimeoutError:
            return
        except OSError as error:
            # Windows: an earlier answer found nobody, or this datagram was too long.
            log.debug("receiving: %s", error)
            return
        now = time.monotonic()
        if (
            port == 0
            or not is_unicast(host)
            or not (is_loopback(host) or self._requests.allows(host, now=now))
        ):
            return
        try:
            for answer in self._answers_to(datagram, host, now):
                link.sendto(answer, (host, port))
        except OSError as error:  # no route back, a full buffer, no descriptor: it asks again
            log.debug("answering %s: %s", host, error)

    def _answers_to(self, datagram: bytes, host: str, now: float) -> list[bytes]:
        try:
            return self._answers(decode_request(datagram), host, now)
        except PeerProtocolError as error:
            if self._complaints.allows(host, now=now):  # a flood must not wash the log away
                log.info("a request of %s cannot be answered: %s", host, error)
            return [UNKNOWN_REQUEST]

    def _answers(self, request: Request, host: str, now: float) -> list[bytes]:
        match request:
            case AddSeeder(seeder, extras):
                return [with_id(self._added(seeder, extras, host, now), extras)]
            case UploadFileList(files, extras):
                self._note_change(self._registry.upload(files, self._origin(host), extras))
                return [with_id(SUCCESS, extras)]
            case PingTracker(seeder, extras):
                return [self._pinged(seeder, extras, host, now)]
            case RequestSeederList():
                return self._list_answer(host, now, encode_seeder_list(self._seeders_for(host))[0])
            case RequestFileList():
                files = self._registry.files_for_originals(is_here=self._is_own(host))
                return self._list_answer(host, now, encode_file_list(files.items())[0])

    def _added(self, seeder: Address, extras: Extras | None, host: str, now: float) -> bytes:
        origin, is_here = self._origin(host), self._is_own(seeder.host)
        try:
            is_new = self._registry.add(seeder, origin, extras, named_is_here=is_here, now=now)
        except PeerProtocolError as error:
            log.info("%s cannot be registered for %s: %s", seeder, host, error)
            return UNKNOWN_REQUEST if extras is None else f"error\n{error}".encode()
        self._note_change(is_new)
        return SUCCESS if is_new else ALREADY_REGISTERED

    def _pinged(self, seeder: Address, extras: Extras | None, host: str, now: float) -> bytes:
        is_here = self._is_own(seeder.host)
        is_known = self._registry.ping(
            seeder, self._origin(host), extras, named_is_here=is_here, now=now
        )
        self._changed = True
        self._unsaved |= extras is None or extras.leaving
        return with_id(SUCCESS if is_known else UNKNOWN_SEEDER, extras)

    def _list_answer(self, host: str, now: float, answer: bytes) -> list[bytes]:
        """The list, then `success`, as an original sends them.

        Nothing when too much is asked for.
        """
        if not is_loopback(host) and not self._lists.allows(host, now=now):
            log.warning("too many lists asked for, the last time by %s", host)
            return []
        return [answer, SUCCESS]

    def _seeders_for(self, host: str) -> list[Address]:
        is_here = self._is_own(host)
        try:
            tracker_host = LOOPBACK if is_loopback(host) else own_address_towards(host)
        except OSError:
            return []
        return self._registry.seeders_for_originals(Reader(is_here, tracker_host))

    def _origin(self, host: str) -> Origin:
        return Origin(host, self._is_own(host))

    def _is_own(self, host: str) -> bool:
        if ip_of(host) is None or not is_unicast(host):  # names are never resolved
            return False
        if host not in self._is_own_host:
            self._is_own_host[host] = is_own_address(host)
        return self._is_own_host[host]

    def _note_change(self, is_change: bool) -> None:
        self._changed |= is_change
        self._unsaved |= is_change

    def _report(self) -> None:
        files = self._registry.files()
        left_out = len(files) - len(self._registry.files_for_originals(is_here=True))
        if left_out > self._left_out:
            log.info(
                "%d files are not told to LMK/1 programs: "
                "not every seeder has them, or the list is full.",
                left_out,
            )
        self._left_out = left_out
        self._post(RoomChanged(self._registry.seeders(), files, left_out))

    def _save(self) -> None:
        if self._settings.state_file is None or not self._unsaved:
            return
        self._unsaved = False
        try:
            write_whole(self._settings.state_file, json.dumps(self._registry.saved()).encode())
        except StorageError as error:
            log.warning("The tracker's list is not kept for the next start: %s", error)


def _again_at(began: float, pause_s: float) -> float:
    """When to do again what began then and ended now."""
    now = time.monotonic()
    return max(began + pause_s, now + RESTS * (now - began))
