"""What one leecher is sent, and for how long it may hold a slot: no socket, no clock."""

from __future__ import annotations

import random
import unittest

from roles.uploads.small_contents import FREE_BYTES, SENT_FIRST
from roles.uploads.upload_scheduler import UploadScheduler
from roles.uploads.upload_session import UploadSession
from roles.wire import frames
from tests.disks import some_bytes
from tests.peers import MemoryHolding, MemoryLibrary, bitmap, some_holding

SMALL = [MemoryHolding(some_bytes(FREE_BYTES // 4, seed)) for seed in range(64)]
LARGE = some_holding(3)


class TurnTest(unittest.TestCase):
    def setUp(self) -> None:
        self.library = MemoryLibrary(*SMALL, LARGE)
        self.scheduler = UploadScheduler(1, lambda _: LARGE.content.all_chunks, random.Random(1))

    def session(self, number: int) -> UploadSession:
        """A leecher on a computer of its own."""
        self.scheduler.joined(number, f"10.0.0.{number}")
        return UploadSession(number, self.scheduler, self.library, lambda _: None, now=0.0)

    def wanting(self, number: int) -> UploadSession:
        """One that has opened the large content and wants all of it."""
        session = self.session(number)
        session.came(frames.Open(7, LARGE.content.root), now=0.0)
        session.came(frames.Want(7, bitmap(LARGE.content)), now=0.0)
        session.offer_if_idle(now=0.0)
        return session

    def send_next(self, session: UploadSession) -> bool:
        sending = session.next_chunk(now=0.0)
        if sending is not None:
            session.sent(sending, now=0.0)
        return sending is not None

    def test_small_contents_end_their_turn_also_when_their_slot_came_out_of_the_queue(self) -> None:
        self.wanting(1)
        greedy = self.session(2)
        for handle, one in enumerate(SMALL):
            greedy.came(frames.Open(handle, one.content.root), now=0.0)
        while self.send_next(greedy):
            self.assertFalse(self.scheduler.has_slot(2))
        self.scheduler.left(1)
        self.assertTrue(self.scheduler.has_slot(2))
        self.wanting(3)
        for _ in range(SENT_FIRST + 1):
            self.send_next(greedy)
        self.assertTrue(self.scheduler.has_slot(3))
