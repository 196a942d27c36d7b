"""The seeder role: offers one folder, tells a tracker about it, serves leechers.

Threads: the role's own accepts, reads greetings and measures; `lmk-announcer` reads the folder and
talks to the tracker; `lmk-upload` serves one leecher each. A silent newcomer costs no thread.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field

from roles import lmk1_peer_wire as wire
from roles.addresses import Address
from roles.announcer import Announcer
from roles.chunk_sender import ChunkSender, UploadProgress
from roles.errors import FileChangedError, PeerProtocolError
from roles.events import Post, RoleStarted, Upload, UploadsChanged
from roles.interfaces import address_for_others
from roles.listening import listen_tcp
from roles.rates import RateMeter
from roles.settings import SeederSettings
from roles.shared_folder import SharedFile, SharedFolder
from roles.slots import SlotTable
from roles.worker import POLL_S, Role, run_guarded

log = logging.getLogger(__name__)

MAX_NEWCOMERS = 16  # connections that have not greeted yet; the oldest silent one goes first
GREETING_S = 5.0  # an original greets within a second of connecting
REPORT_S = 0.25


@dataclass(slots=True)
class _Newcomer:
    link: socket.socket
    address: Address
    deadline: float
    reader: wire.GreetingReader = field(default_factory=wire.GreetingReader)


@dataclass(slots=True)
class _Serving:
    thread: threading.Thread
    progress: UploadProgress
    meter: RateMeter
    counted: int = 0


class Seeder(Role):
    """Give it a folder; it posts SeederEvents until RoleStopped."""

    def __init__(self, settings: SeederSettings, post: Post) -> None:
        super().__init__("seeder", post)
        self._settings = settings
        self._folder = SharedFolder(settings.folder)
        self._announcer = Announcer(settings, self._folder, post, self.should_stop)
        self._slots = SlotTable(settings.slots)
        self._newcomers: dict[socket.socket, _Newcomer] = {}
        self._serving: list[_Serving] = []
        self._sent_before = 0  # bytes, of connections that ended
        self._selector = selectors.DefaultSelector()

    def _run(self) -> None:
        self._announcer.read_folder()
        with self._selector, contextlib.ExitStack() as stack:
            listener, note = listen_tcp(self._settings.bind, exactly=self._settings.bind_exactly)
            stack.enter_context(listener)
            listener.setblocking(False)
            address = Address(*listener.getsockname())
            self._selector.register(listener, selectors.EVENT_READ)
            self._post(RoleStarted(address, address_for_others(address), note))
            announcing = self._start_beside(lambda: self._announcer.run(address), "lmk-announcer")
            try:
                self._accept_until_stopped(listener)
            finally:
                self._stopping.set()
                for newcomer in list(self._newcomers.values()):
                    self._dismiss(newcomer)
                for serving in self._serving:
                    serving.thread.join()
                announcing.join()

    def _accept_until_stopped(self, listener: socket.socket) -> None:
        report_at, reported = 0.0, None
        while not self.should_stop():
            for key, _ in self._selector.select(POLL_S):
                if key.fileobj is listener:
                    self._accept(listener)
                elif isinstance(key.data, _Newcomer) and key.data.link in self._newcomers:
                    self._read_greeting(key.data)
            now = time.monotonic()
            for newcomer in [item for item in self._newcomers.values() if item.deadline < now]:
                self._dismiss(newcomer)
            self._reap()
            if now >= report_at:
                report_at = now + REPORT_S
                report = self._report(now)
                if report != reported:
                    reported = report
                    self._post(report)

    def _accept(self, listener: socket.socket) -> None:
        try:
            link, (host, port) = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # No descriptors left, or it hung up before we looked: the loop goes on.
            log.warning("could not accept a connection: %s", error)
            self._stopping.wait(POLL_S)  # else a full table would keep this thread spinning
            return
        link.setblocking(False)
        newcomer = _Newcomer(link, Address(host, port), time.monotonic() + GREETING_S)
        self._newcomers[link] = newcomer
        self._selector.register(link, selectors.EVENT_READ, newcomer)
        if len(self._newcomers) > MAX_NEWCOMERS:
            self._dismiss(next(iter(self._newcomers.values())))
        self._read_greeting(newcomer)  # it is there already, as a rule

    def _read_greeting(self, newcomer: _Newcomer) -> None:
        try:
            data = newcomer.link.recv(wire.MAX_GREETING)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._dismiss(newcomer)
            return
        match newcomer.reader.feed(data):
            case None:
                return
            case wire.Greeting.LEECHER:
                self._answer(newcomer)
            case wire.Greeting.GAVE_UP:
                self._dismiss(newcomer)
            case wire.Greeting.STRANGER:
                log.warning("%s is no leecher: its first words are unknown", newcomer.address)
                self._dismiss(newcomer, wire.ERROR)

    def _answer(self, newcomer: _Newcomer) -> None:
        self._reap()
        if not self._slots.take(newcomer.address.host):
            log.debug("%s heard away: every slot is taken", newcomer.address)
            self._dismiss(newcomer, wire.AWAY)
            return
        self._forget(newcomer)
        progress = UploadProgress(newcomer.address)
        thread = threading.Thread(
            target=lambda: run_guarded(lambda: self._serve(newcomer, progress)), name="lmk-upload"
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            log.warning("%s heard away: %s", newcomer.address, error)
            self._slots.release(newcomer.address.host)
            _hang_up(newcomer.link, wire.AWAY)
            return
        self._serving.append(_Serving(thread, progress, RateMeter(now=time.monotonic())))
        log.debug("%s is connected", newcomer.address)

    def _dismiss(self, newcomer: _Newcomer, word: bytes = b"") -> None:
        self._forget(newcomer)
        _hang_up(newcomer.link, word)

    def _forget(self, newcomer: _Newcomer) -> None:
        self._selector.unregister(newcomer.link)
        del self._newcomers[newcomer.link]

    def _reap(self) -> None:
        """Give back the slots of connections that ended."""
        for serving in [item for item in self._serving if item.progress.has_ended]:
            serving.thread.join()
            self._serving.remove(serving)
            self._sent_before += serving.progress.sent
            self._slots.release(serving.progress.leecher.host)

    def _report(self, now: float) -> UploadsChanged:
        uploads = list[Upload]()
        for serving in self._serving:
            progress = serving.progress
            sent = progress.sent
            serving.meter.add(sent - serving.counted, now=now)
            serving.counted = sent
            uploads.append(
                Upload(
                    progress.leecher,
                    progress.name,
                    sent,
                    progress.size,
                    serving.meter.rate(now=now),
                )
            )
        self._announcer.state = self._slots.state
        return UploadsChanged(
            self._slots.state,
            tuple(uploads),
            self._sent_before + sum(item.sent for item in uploads),
        )

    def _serve(self, newcomer: _Newcomer, progress: UploadProgress) -> None:
        with newcomer.link as link:
            try:
                link.send(wire.CONNECTED)
                ChunkSender(link, self._folder, self._find, progress, self.should_stop).run()
            except FileChangedError as error:
                log.info("%s: %s", newcomer.address, error)
                self._announcer.folder_changed.set()
            except PeerProtocolError as error:
                log.warning("dropped %s: %s", newcomer.address, error)
            except OSError as error:
                log.info("%s is gone: %s", newcomer.address, error)
            except MemoryError:
                log.warning("dropped %s: this computer has no memory left", newcomer.address)
            finally:  # before it hears the end, or it might come again and find no free slot
                progress.has_ended = True

    def _find(self, name: str) -> SharedFile | None:
        return self._announcer.listing.files.get(name)


def _hang_up(link: socket.socket, word: bytes) -> None:
    with link, contextlib.suppress(OSError):  # it hung up first
        if word:
            link.send(word)
