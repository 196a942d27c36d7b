"""What one leecher is told and sent, decided without a socket or a clock."""

from __future__ import annotations

import random
import unittest

from roles.swarm.swarm_library import SwarmLibrary
from roles.uploads.small_contents import FREE_BYTES, SENT_FIRST
from roles.uploads.upload_scheduler import UploadScheduler
from roles.uploads.upload_session import (
    IN_VAIN,
    LIMITS,
    LeavingChunk,
    UploadSession,
)
from roles.values.bitmaps import bitmap_bytes
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from tests.disks import some_bytes
from tests.memory_contents import MemoryHolding, MemoryLibrary, bitmap, some_holding
from tests.rooms.contents import Shared

CHUNK = MIN_CHUNK_SIZE
HANDLE = 7
SMALL = [MemoryHolding(some_bytes(FREE_BYTES // 4, seed)) for seed in range(64)]
LARGE = some_holding(3)


class SessionTest(unittest.TestCase):
    def setUp(self) -> None:
        self.big = Shared("big", 4 * CHUNK, CHUNK)
        self.small = Shared("small", 1_000, CHUNK)
        self.library = SwarmLibrary()
        self.library.add(self.big)
        self.library.add(self.small)
        self.woken = list[int]()
        self.scheduler = UploadScheduler(1, self.have, self.woken.append, random.Random(1))
        self.now = 100.0
        self.session = self.joined(1)

    def have(self, root: bytes) -> int:
        holding = self.library.find(root)
        return 0 if holding is None else holding.have()

    def joined(self, number: int) -> UploadSession:
        self.scheduler.joined(number, f"10.0.0.{number}")
        return UploadSession(number, "", self.scheduler, self.library, now=self.now)

    def hear(self, *said: frames.Frame, session: UploadSession | None = None) -> None:
        for frame in said:
            (session or self.session).came(frame, now=self.now)

    def told(self, session: UploadSession | None = None) -> list[frames.Frame]:
        """What it has said since the last time."""
        session = session or self.session
        told, session.to_send = session.to_send, []
        return told

    def offered(self, session: UploadSession | None = None) -> frames.Offer:
        """The offer to a leecher that wants all of the big content."""
        session = session or self.session
        wanted = bitmap_bytes(self.big.content.all_chunks, 4)
        self.hear(frames.Open(HANDLE, self.big.content.root), session=session)
        self.hear(frames.Want(HANDLE, wanted), session=session)
        session.next_chunk(now=self.now)
        (offer,) = (frame for frame in self.told(session) if isinstance(frame, frames.Offer))
        return offer

    def sending(self, session: UploadSession | None = None) -> LeavingChunk:
        """The chunk that goes out to it."""
        session = session or self.session
        offer = self.offered(session)
        self.hear(frames.Take(HANDLE, offer.index), session=session)
        sending = session.next_chunk(now=self.now)
        assert sending is not None
        self.assertEqual(sending.choice.index, offer.index)
        return sending

    def test_what_is_wanted_is_offered_and_goes_out_when_it_is_taken(self) -> None:
        sending = self.sending()
        self.assertIs(sending.holding, self.big)
        self.assertFalse(sending.is_single)
        self.session.offer_ahead(now=self.now)
        (ahead,) = self.told()
        self.session.sent(sending, now=self.now)
        assert isinstance(ahead, frames.Offer)
        self.assertNotEqual(ahead.index, sending.choice.index)
        self.assertIsNone(self.session.next_chunk(now=self.now))

    def test_an_answer_to_what_was_not_offered_ends_it(self) -> None:
        index = self.offered().index
        for answer in (
            frames.Take(HANDLE, index + 1),
            frames.Take(HANDLE + 1, index),
            frames.Decline(HANDLE, index + 1, b"\x0f"),
        ):
            with self.subTest(answer=answer), self.assertRaises(PeerProtocolError):
                self.hear(answer)
        self.hear(frames.Take(HANDLE, index))
        with self.assertRaises(PeerProtocolError):
            self.hear(frames.Take(HANDLE, index))

    def test_an_offer_holds_its_slot_half_as_long_after_each_one_in_vain(self) -> None:
        patience_s = LIMITS.answer_s
        for _ in range(8):
            offer = self.offered()
            self.assertEqual(self.session.patience_s(), max(LIMITS.least_answer_s, patience_s))
            self.now += self.session.patience_s() + 1e-6
            self.session.look(now=self.now)
            self.assertEqual(self.scheduler.slots_taken, 0)
            self.hear(frames.Decline(HANDLE, offer.index, b"\x0f"))
            patience_s /= 2
        self.session.sent(self.sending(), now=self.now)
        self.offered()
        self.assertEqual(self.session.patience_s(), LIMITS.answer_s)

    def test_who_is_silent_hears_a_sign_of_life_and_is_gone_in_the_end(self) -> None:
        self.now += LIMITS.alive_s
        self.session.look(now=self.now)
        self.assertEqual(self.told(), [frames.Alive()])
        self.session.look(now=self.now)
        self.assertEqual(self.told(), [])
        self.now += LIMITS.silent_s - LIMITS.alive_s + 0.1
        with self.assertRaises(TimeoutError):
            self.session.look(now=self.now)

    def test_who_waits_longer_than_a_moment_is_told_its_position(self) -> None:
        self.offered()
        other = self.joined(2)
        self.hear(frames.Open(1, self.big.content.root), session=other)
        self.hear(frames.Want(1, b"\x0f"), session=other)
        for wait_s, words in (
            (0.0, []),
            (LIMITS.position_s / 2, []),
            (LIMITS.position_s, [frames.Place(1)]),
        ):
            other.next_chunk(now=self.now + wait_s)
            self.assertEqual([frame for frame in self.told(other) if _is_place(frame)], words)
        self.assertEqual(other.patience_s(), LIMITS.position_s)
        self.now += LIMITS.position_s
        self.scheduler.release(1)
        other.next_chunk(now=self.now)
        self.assertEqual(self.told(other)[0], frames.Place(0))

    def test_a_chunk_that_is_cancelled_while_it_goes_out_is_not_counted_as_sent(self) -> None:
        for words in (
            lambda index: frames.Cancel(HANDLE, index),
            lambda _: frames.Want(HANDLE, b""),
            lambda _: frames.Open(HANDLE, self.small.content.root),
        ):
            sending = self.sending()
            self.assertFalse(self.session.is_cancelled)
            self.hear(words(sending.choice.index))
            self.assertTrue(self.session.is_cancelled)
            self.session.broken_off(sending, now=self.now)
            self.assertFalse(self.session.is_proven)
            self.hear(frames.Want(HANDLE, b""))
            self.told()

    def test_a_content_of_one_chunk_needs_no_offer_and_closes_itself(self) -> None:
        self.hear(frames.Open(3, self.small.content.root))
        sending = self.session.next_chunk(now=self.now)
        assert sending is not None
        self.assertTrue(sending.is_single)
        self.assertEqual(self.told(), [frames.File(3, 1_000, CHUNK, b"\x01")])
        self.session.sent(sending, now=self.now)
        self.assertEqual(self.session.closed, [3])
        self.assertIsNone(self.session.next_chunk(now=self.now))

    def test_what_changed_is_gone_and_is_described_when_it_is_here_again(self) -> None:
        sending = self.sending()
        self.library.withdraw(self.big.content.root)
        self.session.broken_off(sending, now=self.now, has_changed=True)
        self.assertEqual(self.told(), [frames.Gone(HANDLE, "it changed")])
        self.assertEqual(self.session.closed, [HANDLE])
        self.library.add(self.big)
        self.session.contents_changed(now=self.now)
        (file,) = self.told()
        self.assertIsInstance(file, frames.File)

    def test_who_loses_its_slot_in_a_chunk_goes_on_when_it_has_one_again(self) -> None:
        sending = self.sending()
        self.scheduler.release(1)
        other = self.joined(2)
        self.sending(other)
        self.assertFalse(self.session.part_sent(now=self.now))
        self.scheduler.left(2)
        self.assertTrue(self.session.regain(now=self.now))
        self.session.sent(sending, now=self.now)
        self.assertTrue(self.session.is_proven)

    def test_the_time_in_the_queue_is_not_idle_unless_offers_are_in_vain(self) -> None:
        self.offered()
        other = self.joined(2)
        self.hear(frames.Open(1, self.big.content.root), session=other)
        self.hear(frames.Want(1, b"\x0f"), session=other)
        other.next_chunk(now=self.now)
        self.assertEqual(other.idle_s(now=self.now + 9.0), 0.0)
        self.assertEqual(self.session.idle_s(now=self.now + 9.0), 9.0)
        other.fruitless = IN_VAIN
        self.assertEqual(other.idle_s(now=self.now + 9.0), 9.0)

    def test_a_slot_that_is_given_back_wakes_who_waits(self) -> None:
        self.offered()
        other = self.joined(2)
        self.hear(frames.Open(1, self.big.content.root), session=other)
        self.hear(frames.Want(1, b"\x0f"), session=other)
        other.next_chunk(now=self.now)
        self.session.look(now=self.now + LIMITS.answer_s)
        self.assertEqual(self.woken, [2])


class TurnTest(unittest.TestCase):
    def setUp(self) -> None:
        self.library = MemoryLibrary(*SMALL, LARGE)
        self.scheduler = UploadScheduler(
            1, lambda _: LARGE.content.all_chunks, lambda _: None, random.Random(1)
        )

    def session(self, number: int) -> UploadSession:
        """A leecher on a computer of its own."""
        self.scheduler.joined(number, f"10.0.0.{number}")
        return UploadSession(number, "", self.scheduler, self.library, now=0.0)

    def wanting(self, number: int) -> UploadSession:
        """One that has opened the large content and wants all of it."""
        session = self.session(number)
        session.came(frames.Open(7, LARGE.content.root), now=0.0)
        session.came(frames.Want(7, bitmap(LARGE.content)), now=0.0)
        session.next_chunk(now=0.0)
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


def _is_place(frame: frames.Frame) -> bool:
    return isinstance(frame, frames.Place)
