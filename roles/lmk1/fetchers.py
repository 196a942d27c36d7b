"""The threads of one download: one per seeder fetches parts and stores what it has verified."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from roles.disk.partial_file import PartialFile
from roles.lmk1.chunk_fetcher import ChunkFetcher
from roles.lmk1.download_plan import MIN_STOLEN, DownloadPlan
from roles.lmk1.peer_wire import CHUNK_SIZE
from roles.lmk1.seeder_book import SeederBook
from roles.net.rates import RateMeter
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.errors import (
    PeerProtocolError,
    SeederLackedFileError,
    ShortageError,
    StorageError,
    TrackerSilentError,
)
from roles.values.events import Source
from roles.values.listed_file import ListedFile
from roles.values.safe_names import shown_name
from roles.worker import Worker, shortage_of

log = logging.getLogger(__name__)

MOVING_S = 1.0  # a seeder pauses for a moment between two parts
# Idle seeders do not count towards `parallel_seeders` until there are STANDING times as many
# connections.
STANDING = 2


@dataclass(frozen=True, slots=True)
class SeedersOutlook:
    """What to expect of the listed seeders."""

    is_moving: bool  # chunks arrive
    is_connected: bool  # a seeder has a request, and may still be reading its disk
    is_queued: bool  # a seeder answered `away`
    is_trying: bool  # there is a connection, or an attempt
    is_anyone_listed: bool
    all_dropped: bool  # every listed seeder sent too many damaged chunks
    wait_s: float | None  # until a seeder can be tried again
    last_fault: str  # of a seeder, "" for none
    lack: ShortageError | None  # what this computer lacked when it last connected


class Fetchers:
    """Controlled by the download's thread.

    The lock protects plan, book and fetchers; it is never held during I/O.
    """

    def __init__(
        self,
        file: ListedFile,
        book: SeederBook,
        lock: threading.Lock,
        seeders: Callable[[], tuple[Address, ...]],
        parallel_seeders: int,
        *,
        woken: threading.Event,
        throttle: Throttle,
    ) -> None:
        """All downloads of a leecher share `book` and `lock`.

        `seeders` returns the seeders of the file. A thread sets `woken` when it ends.
        """
        self.file = file
        self.storage_fault: StorageError | None = None  # set by a seeder's thread
        self.stopping = threading.Event()  # also set when all chunks are here, or by storage_fault
        self._woken = woken
        self._throttle = throttle
        self._book = book
        self._lock = lock
        self._seeders = seeders
        self._parallel_seeders = parallel_seeders
        self._plan = DownloadPlan(file.size)
        self._partial: PartialFile | None = None
        self._fetchers: dict[ChunkFetcher, Worker] = {}  # and their threads
        self._received = Counter[Address]()  # bytes by seeder, over all its connections
        self._meter = RateMeter(now=time.monotonic())
        self._moved = float("-inf")
        self._last_fault = ""
        self._lack: ShortageError | None = None

    # For the download's thread

    @property
    def have(self) -> int:
        """Bytes verified and written. A short last chunk counts once all others are here."""
        with self._lock:
            return max(0, self.file.size - self._plan.missing * CHUNK_SIZE)

    @property
    def is_done(self) -> bool:
        with self._lock:
            return self._plan.is_done

    def begin(self, partial: PartialFile) -> None:
        """Write to this file from now on. No thread may be running."""
        self._partial, self.storage_fault = partial, None
        self.stopping.clear()
        self._meter = RateMeter(now=time.monotonic())

    def forget(self) -> None:
        """Begin from scratch next time. No thread may be running."""
        self._partial = None
        with self._lock:
            self._plan = DownloadPlan(self.file.size)
            self._received.clear()

    def staff(self, now: float) -> None:
        """Start a thread for each seeder that can be tried, as long as there is work."""
        with self._lock:
            for seeder in self._candidates(now):
                moving = sum(now - fetcher.moved < MOVING_S for fetcher in self._fetchers)
                is_enough = moving >= self._useful and not self._plan.is_slow(now=now)
                is_full = len(self._fetchers) >= STANDING * self._parallel_seeders
                if is_full or is_enough or moving >= self._parallel_seeders:
                    return
                if not self._plan.has_work_for(seeder, now=now):
                    continue
                if not self._book.may_dial(seeder, now=now):
                    return
                if not self._send_to(seeder, now):
                    break
            else:
                return
        log.warning("No thread is left to fetch from %s.", seeder)

    def stop(self) -> None:
        """End all threads, and wait for them."""
        self.stopping.set()
        with self._lock:
            threads = list(self._fetchers.values())
        for thread in threads:
            thread.join()

    def outlook(self, now: float) -> SeedersOutlook:
        with self._lock:
            listed = self._seeders()
            return SeedersOutlook(
                is_moving=now - self._moved < MOVING_S,
                is_connected=any(fetcher.is_connected for fetcher in self._fetchers),
                is_queued=any(self._book.is_away(seeder) for seeder in listed),
                is_trying=bool(self._fetchers),
                is_anyone_listed=bool(listed),
                all_dropped=bool(listed) and all(map(self._book.is_dropped, listed)),
                wait_s=self._book.wait_s(listed, self.file.name, now=now),
                last_fault=self._last_fault,
                lack=self._lack,
            )

    def rate(self, now: float) -> float:
        """Bytes per second from all seeders."""
        with self._lock:
            return self._meter.rate(now=now)

    def sources(self, now: float) -> tuple[Source, ...]:
        with self._lock:
            return tuple(
                Source(
                    fetcher.seeder,
                    self._received[fetcher.seeder],
                    fetcher.meter.rate(now=now),
                    fetcher.is_connected,
                )
                for fetcher in sorted(self._fetchers, key=lambda fetcher: fetcher.seeder)
            )

    # For the fetchers, in their threads

    def take(self, fetcher: ChunkFetcher) -> range | None:
        """A part for a seeder that has answered `connected`; None if there is nothing for it."""
        with self._lock:
            now = time.monotonic()
            usable = len(self._fetchers) + len(self._candidates(now))
            part = self._plan.take(fetcher.seeder, sharers=min(usable, self._useful), now=now)
            fetcher.is_connected = part is not None
            return part

    def store(self, fetcher: ChunkFetcher, first: int, pieces: Sequence[memoryview]) -> int:
        """Write verified chunks from `first` on; returns where the seeder's part ends now."""
        assert self._partial is not None
        data = memoryview(b"".join(pieces))
        self._partial.write(first * CHUNK_SIZE, data)
        count = len(data)
        now = time.monotonic()
        with self._lock:
            self._moved = fetcher.moved = now
            self._meter.add(count, now=now)
            fetcher.meter.add(count, now=now)
            self._received[fetcher.seeder] += count
            self._book.delivered(fetcher.seeder, len(pieces))
            end = self._plan.record(fetcher.seeder, first + len(pieces), now=now)
            if self._plan.is_done:
                self.stopping.set()
            return end

    def reject(self, fetcher: ChunkFetcher, index: int) -> None:
        """Note a damaged chunk. Raises PeerProtocolError if this seeder has sent too many."""
        seeder = fetcher.seeder
        with self._lock:
            now = time.monotonic()
            self._plan.reject(seeder, index, now=now)
            self._book.sent_bad_chunk(seeder)
            others = (*self._candidates(now), *(self._seeders_at_work - {seeder}))
            is_over = self._book.is_dropped(seeder) or (
                self._book.is_suspect(seeder) and not all(map(self._book.is_suspect, others))
            )
        log.warning("Chunk %d of %s from %s failed its check.", index, self.file.name, seeder)
        if is_over:
            raise PeerProtocolError("it keeps sending damaged chunks")

    def part_end(self, fetcher: ChunkFetcher) -> int:
        """Where the seeder's part ends now."""
        with self._lock:
            return self._plan.part_end(fetcher.seeder)

    # With the lock held

    @property
    def _useful(self) -> int:
        """How many seeders at once the missing chunks are worth."""
        return min(self._parallel_seeders, -(-self._plan.missing // MIN_STOLEN))

    @property
    def _seeders_at_work(self) -> set[Address]:
        return {fetcher.seeder for fetcher in self._fetchers}

    def _candidates(self, now: float) -> list[Address]:
        """Further seeders to try."""
        return self._book.candidates(
            self._seeders(), self.file.name, besides=self._seeders_at_work, now=now
        )

    def _send_to(self, seeder: Address, now: float) -> bool:
        """Start a thread for this seeder; False if the system has none left."""
        fetcher = ChunkFetcher(seeder, self, self._throttle, now=now)
        thread = Worker(lambda: self._fetch(fetcher), "lmk-fetch")
        try:
            thread.start()
        except ShortageError as error:
            self._lack = error
            return False
        self._fetchers[fetcher] = thread
        self._book.opened(seeder)
        return True

    def _fetch(self, fetcher: ChunkFetcher) -> None:
        """One connection to one seeder, and what its end means."""
        book, name = self._book, self.file.name
        lack: ShortageError | None = None
        fault = "a fault of the program"  # unless it ends in a known way
        note: Callable[..., None] | None = book.failed
        try:
            is_away = fetcher.run()
            fault, note = "", book.said_away if is_away else None
        except SeederLackedFileError as error:
            fault, note = str(error), partial(book.lacks, name=name)
        except StorageError as error:
            self.storage_fault, fault, note = error, "", None
            self.stopping.set()
        except (PeerProtocolError, TrackerSilentError, OSError) as error:
            fault, lack = _in_few_words(error), shortage_of(error)
        except MemoryError as error:
            fault, lack = "this computer has no memory left", shortage_of(error)
        finally:
            self._lack = lack  # atomic, so without the lock
            self._end(fetcher, fault, note)
        if fault:
            log.info("%s from %s: %s", shown_name(name), fetcher.seeder, fault)

    def _end(self, fetcher: ChunkFetcher, fault: str, note: Callable[..., None] | None) -> None:
        """`note` tells the book what the seeder did."""
        seeder = fetcher.seeder
        with self._lock:
            now = time.monotonic()
            if note is not None:
                note(seeder, now=now)
            if fault:
                self._last_fault = f"{seeder}: {fault}"
            self._plan.release(seeder)
            self._book.closed(seeder, now=now)
            del self._fetchers[fetcher]
        self._woken.set()


def _in_few_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
