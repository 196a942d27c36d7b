"""Every hostile peer that we can think of beside an honest one, which serves and is served."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time

from roles.swarm.downloader import Limits
from roles.uploads import uploader
from roles.uploads.upload_session import Limits as SessionLimits
from roles.wire import frames
from tests.disks import some_bytes
from tests.hostile_connection import Talk
from tests.hostile_leechers import LEECHERS, Leech, run_leech
from tests.hostile_senders import SENDERS, Sender
from tests.memory_contents import MemoryHolding, bitmap, some_holding
from tests.peers import DownloadingTest, UploadingTest
from tests.raw_peer import RawPeer
from tests.role_test import RoomTest
from tests.support import LIMIT_S, wait_until

PACE = 0.1  # of a script's seconds; the patiences of our side are about as much of the real ones
SMALL = 1_000  # bytes
HOSTILE, HONEST = "10.0.0.1", "10.0.0.2"
CROWD = 8  # connections of a hostile leecher, twice as many as there are slots
SLOTS = 4


class Beside(RoomTest):
    """Scripts in threads that end with the test."""

    def setUp(self) -> None:
        super().setUp()
        self.holdings = [some_holding(6.5), MemoryHolding(some_bytes(SMALL, 2))]
        self.contents = {one.content.root: one for one in self.holdings}
        self.is_over = threading.Event()
        self.threads = list[threading.Thread]()
        self.links = list[socket.socket]()
        self.addCleanup(self.end)

    def end(self) -> None:
        self.is_over.set()
        for link in self.links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def play(self, peer: RawPeer, script: Sender | str) -> None:
        """Have the other end of a connection of ours behave like that."""
        self.links.append(peer.link)
        if isinstance(script, Sender):
            talk = Talk(peer.link, self.contents, PACE, self.is_over.wait)
            thread = threading.Thread(target=script.play, args=(talk,), name="scripted")
        else:
            leech = Leech(peer.link, self.contents, PACE, self.is_over.wait)
            words = LEECHERS[script], leech
            thread = threading.Thread(target=run_leech, args=words, name="scripted")
        self.threads.append(thread)
        thread.start()


class HostileSendersTest(Beside, DownloadingTest):
    def setUp(self) -> None:
        super().setUp()
        for module, name, value in (
            ("swarm.digest_requests", "MORE_S", 0.05),
            ("swarm.chunk_plan", "STALLED_S", 0.2),
            ("swarm.chunk_plan", "UNKNOWN_RATE_S", 0.1),
            ("swarm.single_chunks", "IDLE_S", 0.05),
            ("swarm.single_chunks", "UNPROVEN_S", 0.1),
            ("swarm.swarm", "AGAIN_S", 0.1),
        ):
            self.constant(module, name, value)
        self.downloader_limits = Limits(look_s=0.1)

    def assert_all_comes_beside(self, hostile: Sender) -> None:
        """The hostile one is asked first."""
        transfers = [self.transfer(holding) for holding in self.holdings]
        self.play(self.sender(), hostile)
        self.play(self.sender(), Sender("is honest", {}))

        def are_done() -> bool:
            self.swarm.tick(now=time.monotonic())
            return all(transfer.is_done for _, transfer, _ in transfers)

        wait_until(are_done, LIMIT_S, f"a sender that {hostile.name} holds others up")
        for holding, (_, _, store) in zip(self.holdings, transfers, strict=True):
            self.assertTrue(store.data == holding.data)


class HostileLeechersTest(Beside, UploadingTest):
    def setUp(self) -> None:
        super().setUp()
        for module, name, value in (
            ("uploads.upload_scheduler", "STALL_S", 0.2),
            ("uploads.uplink_rate", "SLOW_UPLINK", 1e9),
        ):
            self.constant(module, name, value)

    def assert_another_is_served_beside(self, name: str) -> None:
        """The hostile ones come first, and more of them than there are slots."""
        patience = SessionLimits(answer_s=0.2, least_answer_s=0.01, position_s=0.1)
        limits = uploader.Limits(wait_s=0.05, session=patience)
        room = self.uploads(*self.holdings, slots=SLOTS, limits=limits)
        for _ in range(CROWD):
            self.play(self.joined(room, host=HOSTILE), name)
        wait_until(lambda: len(room._uploaders) > 0)
        honest = self.joined(room, host=HONEST)
        holding = self.holdings[0]
        self.opened(honest, holding)
        honest.send(frames.Want(7, bitmap(holding.content)))
        self.fetch(honest, holding)


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def _add_tests() -> None:
    """One for each script, so that each can be run and fails by itself."""
    for sender in SENDERS:
        if sender.greeting == "connected":

            def test(self: HostileSendersTest, sender: Sender = sender) -> None:
                self.assert_all_comes_beside(sender)

            name = f"test_all_comes_beside_a_sender_that_{_slug(sender.name)}"
            setattr(HostileSendersTest, name, test)
    for leecher in LEECHERS:

        def serves(self: HostileLeechersTest, leecher: str = leecher) -> None:
            self.assert_another_is_served_beside(leecher)

        name = f"test_another_is_served_beside_one_that_{_slug(leecher)}"
        setattr(HostileLeechersTest, name, serves)


_add_tests()
