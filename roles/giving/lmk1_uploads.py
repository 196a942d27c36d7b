"""Everyone who takes from a seeder by LMK/1: a thread each, and a slot for as long as it lasts."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from roles.base.rates import RateMeter
from roles.base.throttle import Throttle
from roles.base.worker import Worker
from roles.giving.chunk_sender import ChunkSender, UploadProgress
from roles.giving.reception import hang_up
from roles.giving.slots import SlotTable
from roles.sharing.folder_tree import TreeFile
from roles.sharing.shared_folder import SharedFolder
from roles.values.addresses import Address
from roles.values.errors import FileChangedError, PeerProtocolError, ShortageError
from roles.values.events import SeederState, Upload
from roles.wire import lmk1_peer_wire as wire

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Serving:
    thread: threading.Thread
    progress: UploadProgress
    meter: RateMeter
    counted: int = 0


class Lmk1Uploads:
    """Owned by the seeder's thread."""

    def __init__(
        self,
        folder: SharedFolder,
        find: Callable[[str], TreeFile | None],
        changed: Callable[[], None],
        *,
        slots: int,
        throttle: Throttle,
        should_stop: Callable[[], bool],
    ) -> None:
        """`find` looks a name up in the newest listing; `changed` is called when that is old."""
        self._folder = folder
        self._find = find
        self._changed = changed
        self._slots = SlotTable(slots)
        self._throttle = throttle
        self._should_stop = should_stop
        self._serving: list[_Serving] = []
        self._sent_before = 0  # bytes, of connections that ended

    def answer(self, link: socket.socket, address: Address, *, taken_elsewhere: int) -> None:
        """Serve a leecher that greeted, or send it away.

        `taken_elsewhere`: slots that leechers of LMK/2 have now.
        """
        self.reap()
        if not self._slots.take(address.host, taken_elsewhere):
            log.debug("%s heard away: every slot is taken", address)
            hang_up(link, wire.AWAY)
            return
        progress = UploadProgress(address)
        thread = Worker(lambda: self._serve(link, progress), "lmk-upload")
        try:
            thread.start()
        except ShortageError as error:
            log.warning("%s heard away: %s", address, error)
            self._slots.release(address.host)
            hang_up(link, wire.AWAY)
            return
        self._serving.append(_Serving(thread, progress, RateMeter(now=time.monotonic())))
        log.debug("%s is connected", address)

    @property
    def slots_taken(self) -> int:
        """How many slots are held."""
        return self._slots.taken

    def reap(self) -> None:
        """Give back the slots of connections that ended."""
        for serving in [item for item in self._serving if item.progress.has_ended]:
            serving.thread.join()
            self._serving.remove(serving)
            self._sent_before += serving.progress.sent
            self._slots.release(serving.progress.leecher.host)

    def state(self, taken_elsewhere: int) -> SeederState:
        """What the next leecher of LMK/1 hears."""
        return self._slots.state(taken_elsewhere)

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """Who takes what, and the bytes sent since the start."""
        uploads = list[Upload]()
        for serving in self._serving:
            progress = serving.progress
            sent = progress.sent
            serving.meter.add(sent - serving.counted, now=now)
            serving.counted = sent
            rate = serving.meter.rate(now=now)
            uploads.append(Upload(progress.leecher, progress.name, sent, progress.size, rate))
        return tuple(uploads), self._sent_before + sum(item.sent for item in uploads)

    def join(self) -> None:
        """Wait for its threads, which end when should_stop says so."""
        for serving in self._serving:
            serving.thread.join()

    def _serve(self, link: socket.socket, progress: UploadProgress) -> None:
        with link:
            try:
                link.send(wire.CONNECTED)
                ChunkSender(
                    link, self._folder, self._find, progress, self._throttle, self._should_stop
                ).run()
            except FileChangedError as error:
                log.info("%s: %s", progress.leecher, error)
                self._changed()
            except PeerProtocolError as error:
                log.warning("dropped %s: %s", progress.leecher, error)
            except OSError as error:
                log.info("%s is gone: %s", progress.leecher, error)
            except MemoryError:
                log.warning("dropped %s: this computer has no memory left", progress.leecher)
            finally:  # before it hears the end, or it might come again and find no free slot
                progress.has_ended = True
