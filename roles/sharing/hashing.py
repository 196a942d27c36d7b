"""Hashes a shared folder's files on every core.

A reading is cut into jobs of some milliseconds; the smallest reading goes first. Reading and
hashing release the GIL, so the threads really run in parallel.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from roles.disk.open_folder import LastFolder
from roles.sharing.folder_tree import TreeFile, open_unchanged
from roles.values.content import MIN_CHUNK_SIZE, chunk_size_for
from roles.values.errors import FileChangedError

log = logging.getLogger(__name__)

BLOCK = 1024 * 1024  # bytes to read at once; small enough to be hashed from the processor's cache
_JOB_RANGE = 16 * 1024 * 1024  # bytes of a file for one job: some 20 ms
_JOB_BYTES = 4 * 1024 * 1024  # of small files for one job
_JOB_FILES = 512
_AHEAD = 4  # jobs submitted per thread, so that no thread waits for one
Job: TypeAlias = Callable[["HashingThreads"], int]  # returns how many bytes it processed


class Reading(ABC):
    """Something to hash. Its jobs may run in parallel, because no two write the same data."""

    size: int  # bytes
    files: tuple[TreeFile, ...]

    def __init__(self, files: tuple[TreeFile, ...]) -> None:
        self.files = files
        self.size = sum(file.size for file in files)
        self.started_ns = time.time_ns()  # the wall clock, to compare with modification times

    @abstractmethod
    def jobs(self) -> Iterator[Job]:
        """The jobs, in the order in which to run them."""

    @abstractmethod
    def digests(self) -> list[bytes | None]:
        """For each file the joined digests of its chunks; None for a file that could not be read
        as scanned. Call it when all jobs are done.
        """

    def joined_digests(self) -> bytes | None:
        """The chunk digests of all files joined into one, if requested and possible."""
        return None


class FileReading(Reading):
    """One file of any size."""

    def __init__(self, file: TreeFile) -> None:
        super().__init__((file,))
        self._file = file
        self._chunk_size = chunk_size_for(file.size)
        self._parts = dict[int, bytes]()
        self._has_failed = False

    def jobs(self) -> Iterator[Job]:
        self.started_ns = time.time_ns()
        length = max(_JOB_RANGE, self._chunk_size)
        for start in range(0, self.size, length):
            if self._has_failed:
                return
            yield partial(self._read, start, min(start + length, self.size))

    def digests(self) -> list[bytes | None]:
        if self._has_failed:
            return [None]
        return [b"".join(self._parts[start] for start in sorted(self._parts))]

    def _read(self, start: int, stop: int, threads: HashingThreads) -> int:
        try:
            buffer = memoryview(bytearray(min(BLOCK, stop - start)))
            with (
                closing(LastFolder(threads.folder, make=False)) as folders,
                FileIO(open_unchanged(folders, self._file)) as opened,
            ):
                opened.seek(start)
                self._parts[start] = b"".join(
                    _digest(opened, min(self._chunk_size, stop - chunk), buffer, threads.stopping)
                    for chunk in range(start, stop, self._chunk_size)
                )
                if not self._file.is_still(os.fstat(opened.fileno())):
                    raise FileChangedError("it changed while it was read")
        except (FileChangedError, OSError, MemoryError):
            self._has_failed = True
        return stop - start


class SmallFilesReading(Reading):
    """Small files of one chunk each. `is_joined`: also hash them as one content, a pack."""

    def __init__(self, files: Sequence[TreeFile], *, is_joined: bool) -> None:
        super().__init__(tuple(files))
        self._is_joined = is_joined
        self._results = dict[int, _JobResult]()

    def jobs(self) -> Iterator[Job]:
        self.started_ns = time.time_ns()
        first = offset = 0
        while first < len(self.files):
            stop, length = first, 0
            for file in islice(self.files, first, first + _JOB_FILES):
                if length + file.size > _JOB_BYTES and length:
                    break
                stop, length = stop + 1, length + file.size
            yield partial(self._read, first, stop, offset)
            first, offset = stop, offset + length

    def digests(self) -> list[bytes | None]:
        return [
            digest for first in sorted(self._results) for digest in self._results[first].digests
        ]

    def joined_digests(self) -> bytes | None:
        """Hashes the chunks that lie in two jobs."""
        if not self._is_joined or any(digest is None for digest in self.digests()):
            return None
        digests, rest = list[bytes](), b""
        for first in sorted(self._results):
            result = self._results[first]
            rest += result.head
            if len(rest) == MIN_CHUNK_SIZE:
                digests.append(hashlib.sha256(rest).digest())
                rest = b""
            digests.append(result.whole)
            rest += result.tail
        if rest:
            digests.append(hashlib.sha256(rest).digest())
        return b"".join(digests)

    def _read(self, first: int, stop: int, offset: int, threads: HashingThreads) -> int:
        contents = list[bytes | None]()
        with closing(LastFolder(threads.folder, make=False)) as folders:
            for file in self.files[first:stop]:
                contents.append(None if threads.stopping.is_set() else _content(folders, file))
        sha256 = hashlib.sha256
        digests = [content and sha256(content).digest() for content in contents]
        known = [content for content in contents if content]
        if self._is_joined and len(known) == stop - first:
            self._results[first] = _JobResult(digests, *_cut(b"".join(known), offset))
        else:
            self._results[first] = _JobResult(digests)
        return sum(file.size for file in self.files[first:stop])


@dataclass(frozen=True, slots=True)
class _JobResult:
    """What one job found."""

    digests: list[bytes | None]
    head: bytes = b""  # the end of a chunk that begins in the previous job
    whole: bytes = b""  # digests of the chunks that lie wholly in this job
    tail: bytes = b""  # the start of a chunk that ends in the next job


class HashingThreads:
    """A pool of threads. add() and the generator run() are for one thread."""

    def __init__(self, folder: Path, stopping: threading.Event, threads: int = 0) -> None:
        """`threads`: 0 for one per core."""
        self.folder = folder
        self.stopping = stopping
        self._threads = threads or _cores()
        self._waiting = list[tuple[int, int, Reading, Iterator[Job]]]()  # a heap
        self._added = 0

    def add(self, reading: Reading) -> None:
        """May be called between two items of run()."""
        self._added += 1
        heapq.heappush(self._waiting, (reading.size, self._added, reading, reading.jobs()))

    def run(self) -> Generator[tuple[Reading, int, bool], None, None]:
        """Run all jobs. Yields after each job its reading and the bytes it processed, and at the
        end of a reading (reading, 0, True).

        Ends early once `stopping` is set.
        """
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="lmk-hash")
        running = deque[tuple[Reading, Future[int] | None]]()  # None: no more jobs of this reading
        try:
            while not self.stopping.is_set():
                while len(running) < self._threads * _AHEAD and self._waiting:
                    *_, reading, jobs = self._waiting[0]
                    job = next(jobs, None)
                    if job is None:
                        heapq.heappop(self._waiting)
                    running.append((reading, job and self._submitted(pool, job)))
                if not running:
                    return
                reading, future = running.popleft()
                size = future.result() if future else 0
                if self.stopping.is_set():
                    return
                yield reading, size, future is None
        finally:
            pool.shutdown(cancel_futures=True)
            self._waiting.clear()

    def _submitted(self, pool: ThreadPoolExecutor, job: Job) -> Future[int]:
        """Submit the job to the pool; if the system has no thread left, run it in this thread.

        The pool may run it once more when it gets a thread, with the same result.
        """
        try:
            return pool.submit(job, self)
        except RuntimeError as error:
            log.debug("no thread left to read with: %s", error)
            done = Future[int]()
            done.set_result(job(self))
            return done


def blocks_of(
    opened: FileIO, length: int, buffer: memoryview, stopping: threading.Event
) -> Iterator[memoryview]:
    """The next `length` bytes, which are all in `buffer` one after another. Raises FileChangedError
    if there are fewer, or when stopped.
    """
    while length:
        got = opened.readinto(buffer[:length])
        if not got or stopping.is_set():
            raise FileChangedError("it is shorter than it was")
        yield buffer[:got]
        length -= got


def _digest(opened: FileIO, length: int, buffer: memoryview, stopping: threading.Event) -> bytes:
    hasher = hashlib.sha256()
    for block in blocks_of(opened, length, buffer, stopping):
        hasher.update(block)
    return hasher.digest()


def _content(folders: LastFolder, file: TreeFile) -> bytes | None:
    """The content of a small file; None if it is not as scanned."""
    try:
        descriptor = open_unchanged(folders, file)
        try:
            content = os.read(descriptor, file.size + 1)
            is_whole = len(content) == file.size and file.is_still(os.fstat(descriptor))
        finally:
            os.close(descriptor)
    except (FileChangedError, OSError, MemoryError):
        return None
    return content if is_whole else None


def _cut(joined: bytes, offset: int) -> tuple[bytes, bytes, bytes]:
    """Cut bytes that begin at `offset` in a content into the end of a chunk, the digests of whole
    chunks, and the start of a chunk.
    """
    begin = min(-offset % MIN_CHUNK_SIZE, len(joined))
    whole = (len(joined) - begin) // MIN_CHUNK_SIZE
    view, end = memoryview(joined), begin + whole * MIN_CHUNK_SIZE
    digests = b"".join(
        hashlib.sha256(view[start : start + MIN_CHUNK_SIZE]).digest()
        for start in range(begin, end, MIN_CHUNK_SIZE)
    )
    return joined[:begin], digests, joined[end:]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
