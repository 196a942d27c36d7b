"""Roles of ours and the originals on loopback for a test."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import random
import socket
import sys
import threading
import time
import unittest
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from unittest import mock

from roles.joining import membership
from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.role import Role
from roles.seeder import Seeder
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
    RoleStarted,
    RoleStopped,
    SeederState,
    TrackerAnswered,
    UploadsChanged,
)
from roles.values.settings import Existing, LeecherSettings, SeederSettings, TrackerSettings
from tests.originals.processes import OriginalLeecher, OriginalSeeder, OriginalTracker
from tests.receiving import receive_chunk
from tests.scripted_seeder import ACK, CHUNK, Gate, Offer, ScriptedSeeder
from tests.support import LIMIT_S, PROMPT_S, EventLog, LmkTestCase, wait_until
from tests.tracker_requests import register

ANYWHERE = Address("127.0.0.1", 0)
QUICK_POLL_S = 0.02
NEVER_S = 600.0  # a patience that no test waits for
SOON_S = 0.05
LINUX_ONLY = unittest.skipUnless(sys.platform == "linux", "a thing of Linux")
# Their waits for something to do hold up each stop.
POLLING_MODULES = ("room.datagram_server", "swarm.acceptor")
# What a role that stops must not wait for to the end.
PATIENCES = (
    ("joining.tracker_asker", "TRIES_S", (NEVER_S,)),
    ("net.dialling", "CONNECT_S", NEVER_S),
    ("net.peer_greeting", "ANSWER_S", NEVER_S),
)

RoleT = TypeVar("RoleT", bound=Role)


@dataclass(frozen=True)
class Running(Generic[RoleT]):
    """A role that was started, and what it told."""

    role: RoleT
    log: EventLog

    @property
    def address(self) -> Address:
        """Where a tracker or seeder really listens."""
        address = self.log.wait_for(RoleStarted).address
        assert address is not None
        return address

    def stop(self) -> None:
        """Stop it and wait. May be called again."""
        self.role.stop()
        if not self.role.join(PROMPT_S):
            raise AssertionError(f"{self.role} did not stop")
        if not isinstance(self.log.events[-1], RoleStopped):
            raise AssertionError(f"its last event is {self.log.events[-1]}")


class RoomTest(LmkTestCase):
    """Starts roles, originals and scripted peers that end with the test."""

    has_real_polls: ClassVar[bool] = False  # True in tests that something stops: see PATIENCES

    _elsewhere: Address | None = None  # another room, in which the seeders of lmk1_seeder() are

    def setUp(self) -> None:
        super().setUp()
        if self.has_real_polls:
            for name, patience, value in PATIENCES:
                self.constant(name, patience, value)
        else:
            for name in POLLING_MODULES:
                self.constant(name, "POLL_S", QUICK_POLL_S)
            self.pace(poll_s=QUICK_POLL_S)
        self.addCleanup(self._check_records, self.enterContext(Records()))

    @staticmethod
    def _check_records(records: Records) -> None:
        if records.errors:
            raise AssertionError("the program logged faults of its own:\n" + records.errors)

    def constant(self, module: str, name: str, value: object) -> None:
        """Give a constant of roles.MODULE another value until the test ends."""
        owner = importlib.import_module(f"roles.{module}")
        self.enterContext(mock.patch.object(owner, name, value))

    def limits(self, module: str, **values: Any) -> None:
        """Replace some of the LIMITS of roles.MODULE until the test ends."""
        limits = importlib.import_module(f"roles.{module}").LIMITS
        self.constant(module, "LIMITS", limits._replace(**values))

    def pace(self, **values: float) -> None:
        """Make members of the room hurry until the test ends."""
        self.constant("joining.membership", "PACE", membership.PACE._replace(**values))

    def make_folder(self, name: str, files: Mapping[str, bytes] | None = None) -> Path:
        folder = self.folder / name
        folder.mkdir()
        for file_name, content in (files or {}).items():
            (folder / file_name).write_bytes(content)
        return folder

    def run_role(self, role: RoleT, log: EventLog) -> Running[RoleT]:
        running = Running(role, log)
        role.start()
        self.addCleanup(running.stop)
        return running

    def tracker(self, bind: Address = ANYWHERE, **settings: Any) -> Running[Tracker]:
        """`settings`: of TrackerSettings."""
        self.check_bind(bind)
        log = EventLog()
        role = Tracker(replace(TrackerSettings(bind, bind_exactly=True), **settings), log)
        running = self.run_role(role, log)
        log.wait_for(RoleStarted)
        return running

    def seeder(
        self,
        folder: Path,
        tracker: tuple[str, int],
        *,
        is_announced: bool = True,
        up: int | Throttle | None = None,
        **settings: Any,
    ) -> Running[Seeder]:
        """A seeder that, when it is announced, has its whole folder on the tracker's list.

        `up`: the bytes per second that it keeps to, or what says so. `settings`: of SeederSettings.
        """
        log = EventLog()
        throttle = up if isinstance(up, Throttle) else Throttle(up)
        usual = SeederSettings(folder, Address(*tracker), bind=ANYWHERE, bind_exactly=True)
        role = Seeder(replace(usual, **settings), log, Throttles(throttle))
        running = self.run_role(role, log)
        log.wait_for(RoleStarted)
        if is_announced:
            log.wait_for(TrackerAnswered)
            log.wait_for(FolderScanned, where=lambda scan: scan.announced > 0)
        return running

    def lmk1_seeder(
        self, folder: Path, tracker: tuple[str, int], **settings: Any
    ) -> Running[Seeder]:
        """A seeder of ours that this room takes for an original: it is asked by LMK/1 only."""
        if self._elsewhere is None:
            self._elsewhere = self.tracker().address
        running = self.seeder(folder, self._elsewhere, **settings)
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        register(tracker, running.address, sizes)
        return running

    def leecher(
        self,
        folder: Path,
        tracker: tuple[str, int],
        *,
        throttles: Throttles | None = None,
        **settings: Any,
    ) -> Running[Leecher]:
        """`settings`: of LeecherSettings."""
        log = EventLog()
        usual = LeecherSettings(folder, Address(*tracker), bind=ANYWHERE, own_folders=False)
        return self.run_role(Leecher(replace(usual, **settings), log, throttles), log)

    def original_tracker(self) -> OriginalTracker:
        return self.enterContext(OriginalTracker(*self.free_address()))

    def original_seeder(
        self, folder: Path, tracker: tuple[str, int], *, chunk_pause_s: float | None = None
    ) -> OriginalSeeder:
        return self.enterContext(OriginalSeeder(tracker, folder, chunk_pause_s=chunk_pause_s))

    def original_leecher(
        self, folder: Path, tracker: tuple[str, int], *names: str
    ) -> OriginalLeecher:
        return self.enterContext(OriginalLeecher(tracker, folder, *names))

    def scripted(
        self, play: Callable[[socket.socket], None], tracker: tuple[str, int], **sizes: int
    ) -> ScriptedSeeder:
        """A scripted seeder that is registered with files of these names and sizes."""
        seeder = self.enterContext(ScriptedSeeder(play))
        register(tracker, seeder.address, sizes)
        return seeder

    def dial(self, address: tuple[str, int]) -> socket.socket:
        sock = self.enterContext(socket.create_connection(address, LIMIT_S))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def connected(self, seeder: tuple[str, int]) -> socket.socket:
        """A connection that heard `connected`."""
        sock = self.dial(seeder)
        sock.sendall(b"request_connection")
        self.assertEqual(sock.recv(1024), b"connected")
        return sock

    def ranged(
        self, seeder: tuple[str, int], name: str, count: int, offset: int = 0
    ) -> socket.socket:
        """A connection that asked for a range."""
        sock = self.connected(seeder)
        sock.sendall(b"send_file_chunk\n" + json.dumps([name, count, offset]).encode())
        return sock

    def assert_answers(self, seeder: tuple[str, int], word: bytes) -> None:
        with socket.create_connection(seeder, LIMIT_S) as sock:
            sock.sendall(b"request_connection")
            self.assertEqual(sock.recv(1024), word)
            if word == b"connected":
                sock.sendall(b"exit_connection")
            self.assertEqual(sock.recv(1024), b"")

    def assert_hangs_up(self, sock: socket.socket) -> None:
        """The other side closes without another word."""
        try:
            self.assertEqual(sock.recv(1024), b"")
        except ConnectionResetError:  # it closed before it had read everything
            return

    def assert_downloads(
        self, leecher: Running[Leecher], folder: Path, files: Mapping[str, bytes]
    ) -> None:
        """All of these arrive in the folder."""
        order(leecher, *files)
        for name in files:
            end = wait_for_end(leecher, name)
            self.assertIs(end.state, DownloadState.DONE, end)
        self.assert_same_files(folder, files)

    def assert_same_files(self, folder: Path, files: Mapping[str, bytes]) -> None:
        """Exactly these files, byte for byte."""
        found = {path.name: path for path in folder.iterdir()}
        self.assertEqual(sorted(found), sorted(files))
        for name, content in files.items():
            self.assertTrue(found[name].read_bytes() == content, f"{name} is not the same")


class Records(logging.Handler):
    """Keeps what the roles log off the screen; an error there is a fault of the program."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        self.errors = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.errors += self.format(record) + "\n"

    def __enter__(self) -> Records:
        logger = logging.getLogger("roles")
        logger.addHandler(self)
        logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger("roles")
        logger.removeHandler(self)
        logger.propagate = True


class LeecherTest(RoomTest):
    """A room with a tracker of ours and a folder for what a leecher takes."""

    def setUp(self) -> None:
        super().setUp()
        self.taken = self.make_folder("taken")
        self.room = self.tracker().address

    def offering(self, files: Mapping[str, bytes], name: str = "shared") -> Running[Seeder]:
        """A seeder of ours, that our leechers ask by LMK/2."""
        return self.seeder(self.make_folder(name, files), self.room)

    def offering_lmk1(self, files: Mapping[str, bytes], name: str = "shared") -> Running[Seeder]:
        """The same, for an original in the eyes of the room."""
        return self.lmk1_seeder(self.make_folder(name, files), self.room)

    def offer(self, offer: Offer) -> Offer:
        sizes = {name: len(content) for name, content in offer.files.items()}
        self.scripted(offer.play, self.room, **sizes)
        return offer

    def gated(self, content: bytes, before: int) -> Gate:
        """A seeder of the file "a" that stops before one chunk."""
        gate = Gate(before)
        self.offer(Offer({"a": content}, gate.pack))
        self.addCleanup(gate.open)
        return gate

    def in_the_middle(self, content: bytes, before: int) -> tuple[Running[Leecher], Gate]:
        """A leecher that waits for that chunk of "a" until the gate is opened."""
        gate, leecher = self.gated(content, before), self.taking()
        order(leecher, "a")
        self.assertTrue(gate.is_reached.wait(LIMIT_S))
        return leecher, gate

    def taking(self, **settings: Any) -> Running[Leecher]:
        return self.leecher(self.taken, self.room, **settings)

    def assert_takes(self, leecher: Running[Leecher], files: Mapping[str, bytes]) -> None:
        order(leecher, *files)
        for name in files:
            end = wait_for_end(leecher, name)
            self.assertIs(end.state, DownloadState.DONE, end)
            self.assertEqual(end.saved_as, self.taken / name)
        self.assert_same_files(self.taken, files)

    def assert_fails(
        self, leecher: Running[Leecher], name: str, kind: type[Exception]
    ) -> DownloadChanged:
        end = wait_for_end(leecher, name)
        self.assertIs(end.state, DownloadState.FAILED, end)
        self.assertIsInstance(end.failure, kind)
        return end


class SeederTest(RoomTest):
    """A room with a tracker of ours and a folder that a seeder offers."""

    SIZE: ClassVar[int] = 3 * CHUNK + 100
    CONTENT: ClassVar[bytes] = random.Random(1).randbytes(SIZE)
    FILES: ClassVar[dict[str, bytes]] = {"a": CONTENT, "empty": b"", "é ü.txt": b"accents"}

    def setUp(self) -> None:
        super().setUp()
        self.shared = self.make_folder("shared", self.FILES)
        self.room = self.tracker().address

    def offering(self, **settings: Any) -> Running[Seeder]:
        return self.seeder(self.shared, self.room, **settings)

    def assert_serves(self, seeder: Running[Seeder]) -> None:
        """A whole transfer of another leecher works."""
        sock = self.ranged(seeder.address, "a", 4)
        self.assertTrue(receive_range(sock, 4) == self.CONTENT)
        self.assert_hangs_up(sock)
        sock.close()

    def wait_for_state(self, seeder: Running[Seeder], state: SeederState) -> None:
        def is_so() -> bool:
            reports = seeder.log.of(UploadsChanged)
            return bool(reports) and reports[-1].state is state

        wait_until(is_so, LIMIT_S, f"the state did not become {state}")


def receive_range(sock: socket.socket, count: int) -> bytes:
    """Chunks, each acknowledged when it came, as an original takes them."""
    chunks = []
    for _ in range(count):
        chunks.append(receive_chunk(sock))
        sock.sendall(ACK)
    return b"".join(chunks)


def wait_until_nobody_is_served() -> None:
    """What the seeder reports lags behind this."""
    wait_until(lambda: all(t.name != "lmk-upload" for t in threading.enumerate()))


def list_now(leecher: Running[Leecher], *names: str) -> FilesListed:
    """Refresh until the leecher's list has these names."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        known = len(leecher.log.of(FilesListed))
        leecher.role.refresh()
        wait_until(lambda known=known: len(leecher.log.of(FilesListed)) > known, LIMIT_S)  # type: ignore[misc]
        listed = leecher.log.of(FilesListed)[-1]
        if {file.name for file in listed.files} >= set(names):
            return listed
        if time.monotonic() > deadline:
            raise AssertionError(f"{names} never were on the list: {listed}")


def order(leecher: Running[Leecher], *names: str, existing: Existing = Existing.SKIP) -> None:
    """Have files downloaded, once they are listed."""
    list_now(leecher, *names)
    leecher.role.download(names, existing)


def wait_for_state(
    leecher: Running[Leecher], name: str, *states: DownloadState, timeout_s: float = LIMIT_S
) -> DownloadChanged:
    """The first event, since the log was cleared, that has this download in one of the states."""
    return leecher.log.wait_for(
        DownloadChanged, timeout_s, where=lambda e: e.name == name and e.state in states
    )


def wait_for_end(
    leecher: Running[Leecher], name: str, timeout_s: float = LIMIT_S
) -> DownloadChanged:
    """The event that ends a download, since the log was cleared."""
    return leecher.log.wait_for(
        DownloadChanged, timeout_s, where=lambda e: e.name == name and e.state.is_final
    )


def wait_for_cause(leecher: Running[Leecher], cause: str) -> None:
    """Until a download says that this is why nothing comes."""
    leecher.log.wait_for(DownloadChanged, where=lambda e: cause in e.cause)


def lose_patience(leecher: Running[Leecher], after_s: float = 0.0) -> None:
    """From now on its downloads give up when nothing comes for so long. A patience from the start
    may be over before a slow machine has asked anybody.
    """
    for download in leecher.role._queue.all():
        download._patience.limit_s = after_s


def content_of(size: int, seed: int = 1) -> bytes:
    """Bytes that look random and are the same for the same seed."""
    return random.Random(seed).randbytes(size)


@contextlib.contextmanager
def shouting(play: Callable[[], None]) -> Iterator[None]:
    """Run `play` again and again in a thread while the block lasts."""
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.is_set():
            play()

    thread = threading.Thread(target=repeat, name="scripted-noise")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
