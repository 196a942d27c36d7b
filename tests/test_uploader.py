"""The sending end of a connection, against leechers that do not play by the rules."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
import unittest
from typing import Any
from unittest import mock

from roles.net import send_buffer
from roles.net.connection import Connection
from roles.net.frame_budget import Limits as BudgetLimits
from roles.net.throttle import Throttle
from roles.uploads.open_contents import MAX_OPEN
from roles.uploads.part_sizes import MIN_AHEAD
from roles.uploads.small_contents import SENT_FIRST
from roles.uploads.upload_scheduler import PIECE, ChosenChunk
from roles.uploads.upload_session import LeavingChunk, UploadSession
from roles.uploads.upload_session import Limits as SessionLimits
from roles.uploads.uploader import LIMITS, MAX_QUEUED, Limits, Uploader
from roles.values.content import Content
from roles.values.errors import FileChangedError
from roles.wire import frames
from roles.wire.greeting import Hello
from tests.connections import over, tcp_pair
from tests.disks import some_bytes
from tests.memory_contents import CHUNK, MemoryHolding, MemoryLibrary, bitmap, some_holding
from tests.peers import UploadingTest
from tests.raw_peer import Part, RawPeer
from tests.role_test import NEVER_S
from tests.support import LIMIT_S, NEVER, wait_until

SIZE = 8 * MIN_AHEAD


class HonestTest(UploadingTest):
    def test_a_leecher_gets_everything_in_an_order_of_the_senders_choice(self) -> None:
        holding = some_holding(6.3)
        uploads = self.uploads(holding)
        leecher = self.joined(uploads)
        content = holding.content
        file = self.opened(leecher, holding)
        self.assertEqual(file, frames.File(7, content.size, CHUNK, b"\x7f"))
        leecher.send(frames.GetDigests(7, 0, 7))
        self.assertEqual(leecher.next(), frames.Digests(7, 0, holding.digests() or b""))
        leecher.send(frames.Want(7, bitmap(content)))
        self.fetch(leecher, holding)
        wait_until(lambda: uploads.slots_taken == 0)

    def test_a_content_of_one_chunk_comes_at_once_and_closes_its_handle(self) -> None:
        holding = some_holding(0.4)
        leecher = self.joined(self.uploads(holding))
        for _ in range(2):  # asked for again, it is sent again
            file = self.opened(leecher, holding, 9)
            self.assertEqual(file, frames.File(9, holding.content.size, CHUNK, b"\x01"))
            self.assertEqual(leecher.next(), Part(9, 0, 0, holding.data))

    def test_many_small_contents_need_one_round_trip(self) -> None:
        holdings = [MemoryHolding(some_bytes(100 + seed, seed)) for seed in range(200)]
        leecher = self.joined(self.uploads(*holdings))
        leecher.send(*(frames.Open(n, holding.content.root) for n, holding in enumerate(holdings)))
        for number, holding in enumerate(holdings):
            leecher.expect(frames.File)
            self.assertEqual(leecher.next(), Part(number, 0, 0, holding.data))

    def test_an_offer_goes_ahead_of_the_bytes_of_the_chunk_before(self) -> None:
        holding = some_holding(3)
        leecher = self.wanting(self.uploads(holding), holding)
        first = self.offer(leecher)
        leecher.send(frames.Take(7, first.index))
        ahead = self.offer(leecher)
        self.assertNotEqual(ahead.index, first.index)
        self.assertEqual(leecher.chunk(CHUNK), holding.chunk(first.index))

    def test_long_parts_go_to_who_takes_them_once_the_line_is_known_to_be_fast(self) -> None:
        long = [frames.PART] * 4, [frames.MAX_PART]
        short = [frames.PART] * 4, [frames.PART] * 4
        for longest, wait_s, wanted in (
            (frames.MAX_PART, 1e9, long),
            (frames.MAX_PART, 0.0, short),
            (frames.PART, 1e9, short),
        ):
            with self.subTest(longest=longest, wait_s=wait_s):
                self.constant("uploads.part_sizes", "PART_WAIT_S", wait_s)
                self.constant("uploads.part_sizes", "AHEAD_S", 1e9)  # no part ends early
                holding = MemoryHolding(some_bytes(2 << 20), chunk_size=1 << 20)
                leecher = self.joined(self.uploads(holding), longest_part=longest)
                self.opened(leecher, holding)
                leecher.send(frames.Want(7, bitmap(holding.content)))
                self.assertEqual(self.part_lengths(leecher, holding), wanted)

    def part_lengths(self, leecher: RawPeer, holding: MemoryHolding) -> tuple[list[int], list[int]]:
        """Of the parts of the first chunk that comes, and of the second."""
        came = dict[int, list[int]]()
        while sum(map(sum, came.values())) < holding.content.size:
            frame = leecher.expect(Part, frames.Offer, frames.Place)
            if isinstance(frame, frames.Offer):
                leecher.send(frames.Take(frame.handle, frame.index))
            elif isinstance(frame, Part):
                came.setdefault(frame.index, []).append(len(frame.data))
        first, second = came.values()
        return first, second

    def test_what_is_not_here_is_described_when_it_comes(self) -> None:
        holding = some_holding(2)
        uploads = self.uploads()
        leecher = self.joined(uploads)
        leecher.send(frames.Open(7, holding.content.root))
        leecher.expect(frames.Gone)
        self.library.holdings[holding.content.root] = holding
        uploads.look_again()
        leecher.expect(frames.File)

    def test_a_standing_request_is_answered_when_a_chunk_comes(self) -> None:
        holding = some_holding(2)
        holding.here = 0
        uploads = self.uploads(holding)
        leecher = self.wanting(uploads, holding)
        self.assertTrue(leecher.is_silent(0.1))
        holding.here = 0b10
        uploads.news(holding.content.root, 0b10)
        self.assertEqual(self.offer(leecher), frames.Offer(7, 1))


class HostileTest(UploadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.holding = some_holding(6)
        self.room = self.uploads(self.holding, slots=1)

    def assert_dropped(self, leecher: RawPeer) -> None:
        self.assertTrue(leecher.has_left())
        wait_until(lambda: self.room.slots_taken == 0)

    def limit(self, **limits: Any) -> None:
        """Everybody who joins now."""
        self.room = self.uploads(self.holding, slots=1, limits=Limits(**limits))

    def stalls_soon(self, part_s: float = LIMITS.part_s) -> None:
        self.constant("uploads.upload_scheduler", "STALL_S", 0.1)
        self.constant("uploads.uplink_rate", "SLOW_UPLINK", 1e9)
        self.limit(part_s=part_s, wait_s=0.05, session=SessionLimits(position_s=0.05))

    def assert_others_are_served(self) -> None:
        self.fetch(self.wanting(self.room, self.holding), self.holding)

    def test_who_takes_or_declines_what_was_not_offered_is_dropped(self) -> None:
        other = frames.Take(7, 99)
        for hostile in (
            other,
            frames.Take(8, 0),
            frames.Decline(7, 99, bitmap(self.holding.content)),
            frames.Take(0xFFFFFFFF, 0xFFFFFFFF),
        ):
            with self.subTest(frame=hostile):
                leecher = self.wanting(self.room, self.holding)
                self.offer(leecher)
                leecher.send(hostile)
                self.assert_dropped(leecher)
        self.assert_others_are_served()

    def test_who_takes_the_same_chunk_twice_is_dropped(self) -> None:
        leecher = self.wanting(self.room, self.holding, chunks=0b1)
        self.offer(leecher)
        leecher.send(frames.Take(7, 0), frames.Take(7, 0))
        self.assert_dropped(leecher)

    def test_who_sends_what_only_senders_send_is_dropped(self) -> None:
        for frame in (
            frames.Offer(7, 0),
            frames.File(7, 1, CHUNK, b"\1"),
            frames.Digests(7, 0, bytes(32)),
            frames.Place(1),
            frames.Gone(7, ""),
        ):
            leecher = self.joined(self.room)
            leecher.send(frame)
            self.assert_dropped(leecher)
        leecher = self.joined(self.room)
        leecher.send_part(7, 0, 0, b"x")
        self.assert_dropped(leecher)

    def test_a_request_of_another_length_is_refused(self) -> None:
        for words in (b"\x3f\0", b"\xff", bytes(frames.MAX_BITMAP), b"\x40"):
            leecher = self.joined(self.room)
            self.opened(leecher, self.holding)
            leecher.send(frames.Want(7, words))
            self.assert_dropped(leecher)

    def test_digests_that_do_not_exist_are_refused(self) -> None:
        for first, count in ((0, 7), (6, 1), (0, 0), (0, 0xFFFFFFFF), (0xFFFFFFFF, 1)):
            leecher = self.joined(self.room)
            self.opened(leecher, self.holding)
            leecher.send(frames.GetDigests(7, first, count))
            self.assert_dropped(leecher)

    def test_words_about_handles_that_were_not_opened_are_harmless(self) -> None:
        leecher = self.joined(self.room)
        leecher.send(
            frames.Want(1, b"\xff"), frames.Want(1, b""), frames.Cancel(1, 1), frames.Alive()
        )
        leecher.send(frames.GetDigests(1, 0, 1))
        self.assertEqual(leecher.expect(frames.Gone), frames.Gone(1, "not here any more"))
        self.opened(leecher, self.holding)

    def test_three_thousand_contents_at_once_are_too_many(self) -> None:
        self.limit(session=SessionLimits(budget=BudgetLimits(per_second=1e6)))
        leecher = self.joined(self.room)
        opened = [frames.Open(n, random.Random(n).randbytes(32)) for n in range(3_000)]
        leecher.send(*opened)
        reasons = [leecher.expect(frames.Gone) for _ in opened]
        texts = [gone.reason for gone in reasons if isinstance(gone, frames.Gone)]
        self.assertEqual(texts.count("too many files at once"), 3_000 - MAX_OPEN)
        leecher.send(frames.Want(5, b""))
        self.opened(leecher, self.holding, 5)

    def test_a_handle_that_is_opened_anew_means_the_new_content(self) -> None:
        other = some_holding(2, seed=2)
        self.library.holdings[other.content.root] = other
        leecher = self.wanting(self.room, self.holding)
        late = self.offer(leecher)
        leecher.send(frames.Open(7, other.content.root))
        leecher.expect(frames.File)
        leecher.send(frames.Take(7, late.index), frames.Want(7, bitmap(other.content)))
        offer = self.offer(leecher)
        leecher.send(frames.Take(7, offer.index))
        self.assertEqual(leecher.chunk(CHUNK), other.chunk(offer.index))

    def test_the_same_small_content_asked_for_without_end_is_sent_no_oftener_than_it_is_read(
        self,
    ) -> None:
        small = some_holding(0.9)
        self.library.holdings[small.content.root] = small
        leecher = self.joined(self.room)
        leecher.link.settimeout(0.5)
        words, asked = frames.encode(frames.Open(9, small.content.root)) * 500, 0
        try:
            while asked < 200_000:
                asked += leecher.link.send(words) // 41
        except TimeoutError:  # nothing is read from it any more, until it reads itself
            self.assertLess(asked, 200_000)
            return
        parts = 0
        leecher.link.settimeout(LIMIT_S)
        while not leecher.is_silent(0.3):
            parts += 1
        self.assertLess(parts, 20_000)

    def test_who_never_answers_an_offer_keeps_no_slot(self) -> None:
        self.limit(session=SessionLimits(answer_s=0.2))
        hung = self.wanting(self.room, self.holding)
        self.offer(hung)
        self.assert_others_are_served()
        self.assertTrue(hung.is_silent(0.05))

    def test_each_offer_that_leads_to_nothing_holds_a_slot_half_as_long_as_the_one_before(
        self,
    ) -> None:
        patience = SessionLimits(answer_s=NEVER_S, least_answer_s=0.0)
        room = self.uploads(self.holding, slots=1, limits=Limits(session=patience))
        idler = self.wanting(room, self.holding)
        other = self.joined(room)
        self.opened(other, self.holding)
        for declined in range(16):  # a fraction of a second is left of ten minutes
            offered = self.offer(idler)
            if declined == 15:
                break
            rest = self.rest(self.holding, self.holding.content.all_chunks)
            idler.send(frames.Decline(7, offered.index, rest))
        other.send(frames.Want(7, bitmap(self.holding.content)))
        self.fetch(other, self.holding)

    def test_who_says_much_and_takes_nothing_is_dropped(self) -> None:
        budget = BudgetLimits(talk_s=0.05, at_once=50, per_second=1_000.0)
        self.limit(session=SessionLimits(budget=budget))
        for words in (
            frames.encode(frames.Alive()),
            frames.encode(frames.Open(9, bytes(32))),
            frames.encode(frames.Want(7, bitmap(self.holding.content))),
            frames.encode(frames.GetDigests(7, 0, 6)),
            frames.HEADER.pack(200, 60_000) + bytes(60_000),
        ):
            talker = self.joined(self.room)
            self.opened(talker, self.holding)
            talker.talk_until_it_leaves(words * 20)
        self.assert_others_are_served()

    def test_who_says_much_and_takes_chunks_is_served_on(self) -> None:
        self.limit(session=SessionLimits(budget=BudgetLimits(talk_s=0.0, at_once=50)))
        talker = self.joined(self.room)
        self.opened(talker, self.holding)
        for index in range(6):
            talker.send(*[frames.Alive()] * 40)
            talker.send(frames.Want(7, bitmap(self.holding.content, 1 << index)))
            self.assertEqual(self.offer(talker).index, index)
            talker.send(frames.Take(7, index))
            self.assertEqual(talker.chunk(CHUNK), self.holding.chunk(index))

    def test_a_frame_that_does_not_end_ends_the_connection_however_it_trickles(self) -> None:
        self.limit(frame_s=0.2, session=SessionLimits(alive_s=0.05))
        leecher = self.joined(self.room)
        leecher.link.sendall(frames.HEADER.pack(5, 1_000))
        self.assertTrue(self.trickles_until_left(leecher, b"\0"))
        self.assert_others_are_served()

    def trickles_until_left(self, leecher: RawPeer, byte: bytes) -> bool:
        """Whether it hangs up before a thousand bytes came."""
        leecher.link.settimeout(0.02)
        for _ in range(900):
            try:
                leecher.link.sendall(byte)
                leecher.link.recv(100)
            except TimeoutError:
                continue
            except OSError:
                return True
        return False

    def test_small_contents_wait_for_a_slot_once_they_are_many(self) -> None:
        small = [MemoryHolding(some_bytes(100_000, seed)) for seed in range(4)]
        self.library.holdings |= {holding.content.root: holding for holding in small}
        holder = self.wanting(self.room, self.holding)
        self.offer(holder)
        greedy = self.joined(self.room)
        openings = (frames.Open(100 + n, holding.content.root) for n, holding in enumerate(small))
        greedy.send(*openings)
        while not isinstance(frame := greedy.expect(frames.File, Part, frames.Place), frames.Place):
            self.assertLess(getattr(frame, "handle", 0), 102)
        holder.link.close()
        left = {102, 103}
        while left:
            frame = greedy.next()
            left.discard(getattr(frame, "handle", 0))

    def test_a_late_answer_is_served_all_the_same(self) -> None:
        self.limit(session=SessionLimits(answer_s=0.1))
        late = self.wanting(self.room, self.holding)
        offer = self.offer(late)
        self.assert_others_are_served()
        late.send(frames.Take(7, offer.index))
        self.assertEqual(late.chunk(CHUNK), self.holding.chunk(offer.index))

    def test_who_takes_late_waits_in_the_queue_again(self) -> None:
        self.limit(session=SessionLimits(answer_s=1.5, position_s=0.0))
        late = self.wanting(self.room, self.holding)
        offer = self.offer(late)
        wait_until(lambda: self.room.slots_taken == 0)
        other = self.wanting(self.room, self.holding)
        self.offer(other)
        late.send(frames.Take(7, offer.index))
        self.assertEqual(late.expect(frames.Place, Part), frames.Place(1))
        self.assertTrue(late.is_silent(0.1))
        self.assertEqual(late.chunk(CHUNK), self.holding.chunk(offer.index))

    def test_small_contents_without_end_do_not_keep_a_slot_from_others(self) -> None:
        small = [MemoryHolding(some_bytes(1_000, seed)) for seed in range(5 * SENT_FIRST)]
        self.library.holdings |= {holding.content.root: holding for holding in small}
        greedy = self.wanting(self.room, self.holding)
        offer = self.offer(greedy)
        openings = (frames.Open(100 + n, holding.content.root) for n, holding in enumerate(small))
        greedy.send(frames.Take(7, offer.index), *openings)
        sent = 0
        while (part := greedy.expect(Part, frames.File, frames.Offer)) != Part(
            7, offer.index, 0, self.holding.chunk(offer.index)
        ):
            sent += isinstance(part, Part)
        self.assertEqual(sent, SENT_FIRST)

    def test_the_slot_of_who_stops_reading_goes_to_others_until_it_reads_again(self) -> None:
        self.stalls_soon()
        hung = self.joined(self.room, buffer=4_096)
        big = MemoryHolding(some_bytes(8 << 20), chunk_size=4 << 20)
        self.library.holdings[big.content.root] = big
        self.opened(hung, big)
        hung.send(frames.Want(7, bitmap(big.content)))
        offer = self.offer(hung)
        hung.send(frames.Take(7, offer.index))
        self.assert_others_are_served()
        self.assertEqual(hung.chunk(4 << 20), big.chunk(offer.index))

    def test_digests_keep_to_the_limit_too(self) -> None:
        room = self.uploads(self.holding, limit=5_000)
        leecher = self.joined(room)
        self.opened(leecher, self.holding)
        began = time.monotonic()
        leecher.send(*[frames.GetDigests(7, 0, 6)] * 30)
        for _ in range(30):
            leecher.expect(frames.Digests)
        self.assertGreater(time.monotonic() - began, 0.6)

    def test_who_never_reads_is_dropped_and_its_slot_is_free(self) -> None:
        self.stalls_soon(part_s=0.5)
        hung = self.joined(self.room, buffer=4_096)
        big = some_holding(64, seed=3)
        self.library.holdings[big.content.root] = big
        self.opened(hung, big)
        hung.send(frames.Want(7, bitmap(big.content)))
        for _ in range(40):
            try:
                hung.link.settimeout(0.05)
                offer = hung.next()
            except TimeoutError:
                break
            assert isinstance(offer, frames.Offer | Part)
            if isinstance(offer, frames.Offer):
                hung.send(frames.Take(7, offer.index))
            else:
                break
        self.assert_others_are_served()

    def test_who_reads_a_few_bytes_a_second_holds_a_slot_no_longer_than_a_minute(self) -> None:
        self.stalls_soon(part_s=0.5)
        drip = self.joined(self.room, buffer=2_048)
        big = MemoryHolding(some_bytes(8 << 20), chunk_size=4 << 20)
        self.library.holdings[big.content.root] = big
        self.opened(drip, big)
        drip.send(frames.Want(7, bitmap(big.content)))
        drip.send(frames.Take(7, self.offer(drip).index))
        size = 4 << 20
        read = 0
        with contextlib.suppress(OSError):
            while read < size and (data := drip.link.recv(512)):
                read += len(data)
                time.sleep(0.02)
        self.assertLess(read, size)
        self.assert_others_are_served()

    def test_a_leecher_that_only_reads_for_a_long_time_is_not_taken_for_dead(self) -> None:
        limits = Limits(session=SessionLimits(silent_s=1.0))
        room = self.uploads(self.holding, limit=150_000, limits=limits)  # nearly 2 s for a chunk
        leecher = self.wanting(room, self.holding, chunks=0b1)
        self.offer(leecher)
        leecher.send(frames.Take(7, 0))
        self.assertEqual(leecher.chunk(CHUNK), self.holding.chunk(0))
        self.assertTrue(leecher.is_silent(0.05))
        leecher.send(frames.Want(7, bitmap(self.holding.content, 0b10)))
        self.assertEqual(self.offer(leecher).index, 1)

    def test_who_gives_no_sign_of_life_is_dropped(self) -> None:
        self.limit(session=SessionLimits(silent_s=0.2, alive_s=0.1))
        self.assert_dropped(self.joined(self.room))

    def test_a_leecher_that_hangs_up_leaves_nothing_behind_wherever_it_does(self) -> None:
        root, words = self.holding.content.root, bitmap(self.holding.content)
        script = (
            frames.Open(7, root),
            frames.GetDigests(7, 0, 6),
            frames.Want(7, words),
            "offer",
            "take",
            "part",
            "cancel",
        )
        for end in range(len(script) + 1):
            for is_reset in (False, True):
                leecher = self.joined(self.room)
                self.play(leecher, script[:end])
                if is_reset:
                    linger = b"\1\0\0\0\0\0\0\0"
                    leecher.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                leecher.link.close()
        wait_until(lambda: not self.room._uploaders)
        self.assertEqual(self.room.slots_taken, 0)
        self.assertTrue(all(source.is_closed for source in self.holding.sources))
        self.assert_others_are_served()

    def play(self, leecher: RawPeer, script: tuple[frames.Frame | str, ...]) -> None:
        offer = frames.Offer(7, 0)
        for step in script:
            if not isinstance(step, str):
                leecher.send(step)
            elif step == "offer":
                while not isinstance(frame := leecher.next(), frames.Offer):
                    pass
                offer = frame
            elif step == "take":
                leecher.send(frames.Take(7, offer.index))
            elif step == "part":
                leecher.link.recv(1_000)
            else:
                leecher.send(frames.Cancel(7, offer.index))

    def test_frames_come_byte_by_byte(self) -> None:
        leecher = self.joined(self.room)
        for frame in (
            frames.Open(7, self.holding.content.root),
            frames.Want(7, bitmap(self.holding.content, 0b1)),
            frames.Take(7, 0),
        ):
            for byte in frames.encode(frame):
                leecher.link.sendall(bytes([byte]))
            if not isinstance(frame, frames.Take):
                leecher.expect(frames.File if isinstance(frame, frames.Open) else frames.Offer)
        self.assertEqual(leecher.chunk(CHUNK), self.holding.chunk(0))


class InTheMiddleTest(UploadingTest):
    """Words that arrive while a chunk of 4 MiB is under way."""

    def setUp(self) -> None:
        super().setUp()
        self.holding = MemoryHolding(some_bytes(12 << 20), chunk_size=4 << 20)
        self.room = self.uploads(self.holding, slots=1)
        self.slow = self.joined(self.room, buffer=64 * 1024)
        self.opened(self.slow, self.holding)
        self.slow.send(frames.Want(7, bitmap(self.holding.content)))
        self.index = self.offer(self.slow).index
        self.slow.send(frames.Take(7, self.index))
        self.next_offer = self.offer(self.slow)
        self.first = self.part()

    def part(self) -> Part:
        part = self.slow.expect(Part)
        assert isinstance(part, Part)
        return part

    def parts_left(self) -> int:
        """How many more parts of this chunk come."""
        count = 0
        while not self.slow.is_silent(0.3):
            count += 1
        return count

    def test_a_cancelled_chunk_ends_soon_and_the_next_one_follows(self) -> None:
        self.slow.send(frames.Cancel(7, self.index), frames.Take(7, self.next_offer.index))
        come = [self.first]
        while (part := self.slow.expect(Part, frames.Offer)) and isinstance(part, Part):
            if part.index != self.index:
                break
            come.append(part)
        self.assertLess(len(come), 16)

    def test_a_handle_closed_in_the_middle_breaks_neither_connection_nor_content(self) -> None:
        late = frames.Decline(7, self.next_offer.index, b"")
        self.slow.send(frames.Want(7, b""), late)
        self.assertLess(self.parts_left(), 15)
        self.assertEqual(self.library.withdrawn, [])
        self.opened(self.slow, self.holding, 8)
        self.slow.send(frames.Want(8, bitmap(self.holding.content, 0b1)))
        while not isinstance(frame := self.slow.next(), frames.Offer):
            pass
        self.assertEqual(frame, frames.Offer(8, 0))

    def test_a_content_that_vanishes_in_the_middle_is_gone_and_the_connection_stays(self) -> None:
        del self.library.holdings[self.holding.content.root]
        self.slow.send(frames.GetDigests(7, 0, 1))
        while not isinstance(frame := self.slow.next(), frames.Gone):
            self.assertIsInstance(frame, Part)
        other = some_holding(0.5)
        self.library.holdings[other.content.root] = other
        self.opened(self.slow, other, 8)

    def test_a_chunk_taken_of_what_has_vanished_is_answered(self) -> None:
        self.slow.send(frames.Cancel(7, self.index))
        del self.library.holdings[self.holding.content.root]
        self.slow.send(frames.Take(7, self.next_offer.index))
        while not isinstance(frame := self.slow.next(), frames.Gone):
            self.assertIsInstance(frame, Part)

    def test_a_content_that_changed_is_withdrawn_and_its_leecher_told(self) -> None:
        self.holding.has_changed = True
        while not isinstance(frame := self.slow.next(), frames.Gone):
            self.assertIsInstance(frame, Part)
        self.assertEqual(self.library.withdrawn, [self.holding.content.root])

    def test_a_content_that_ends_too_early_breaks_the_connection_off(self) -> None:
        self.holding.data = self.holding.data[:10]
        self.assertTrue(self.slow.has_left())
        self.assertEqual(self.library.withdrawn, [self.holding.content.root])

    def test_the_opened_file_is_closed_when_all_is_over(self) -> None:
        self.slow.link.close()
        wait_until(lambda: all(source.is_closed for source in self.holding.sources))


class VanishingTest(UploadingTest):
    def test_a_small_content_that_changed_is_gone_and_can_be_asked_for_again(self) -> None:
        holding = some_holding(0.5)
        uploads = self.uploads(holding)
        leecher = self.joined(uploads)
        holding.has_changed = True
        self.opened(leecher, holding)
        leecher.expect(Part)
        leecher.expect(frames.Gone)
        holding.has_changed = False
        self.library.holdings[holding.content.root] = holding
        leecher.send(frames.Open(7, holding.content.root))
        leecher.expect(frames.File)

    def test_a_file_that_cannot_be_opened_is_gone(self) -> None:
        holding = some_holding(2)

        def refuse() -> None:
            raise FileChangedError("no such file")

        holding.open = refuse  # type: ignore[method-assign, assignment]
        leecher = self.wanting(self.uploads(holding), holding)
        leecher.send(frames.Take(7, self.offer(leecher).index))
        while not isinstance(frame := leecher.next(), frames.Gone):
            self.assertIsInstance(frame, frames.Offer)


class NotingSource:
    """A file that notes what was sent of it: pieces that follow each other as one."""

    def __init__(self) -> None:
        self.sent = list[tuple[int, int] | str]()

    def send(self, _connection: Connection, offset: int, count: int) -> int:
        before = self.sent[-1] if self.sent else ""
        if isinstance(before, tuple) and sum(before) == offset:
            self.sent[-1] = before[0], before[1] + count
        else:
            self.sent.append((offset, count))
        return count

    def check(self) -> None: ...

    def close(self) -> None: ...


class PartsTest(unittest.TestCase):
    """When the next chunk is offered while one goes out."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(send_buffer, "WIRE_SEGMENT", 1 << 20))  # as on a wire
        self.enterContext(mock.patch.object(send_buffer, "MIN_SEGMENTS", 0))
        self.theirs, ours = self.enterContext(tcp_pair())
        self.throttle, self.source = Throttle(), NotingSource()
        self.session = mock.create_autospec(UploadSession, instance=True)
        self.session.to_send, self.session.closed, self.session.is_cancelled = [], [], False
        self.moved = list[int]()
        self.session.moved = lambda count, **_: self.moved.append(count)
        self.session.offer_ahead = lambda **_: self.source.sent.append("offer")
        self.uploader = Uploader(
            over(ours),
            Hello("f" * 16, "pc", 0, is_seeder=False, longest_part=frames.PART),
            self.session,
            threading.Lock(),
            MemoryLibrary(),
            self.throttle,
            NEVER,
            Limits(report_s=0.0),
        )
        self.addCleanup(self.uploader.close)

    def send(self) -> list[tuple[int, int] | str]:
        """What went out of a chunk, and when the next one was offered."""
        self.source.sent.clear()
        content = Content(b"root" * 8, SIZE, SIZE)
        holding = mock.Mock(content=content)
        sending = LeavingChunk(
            ChosenChunk(7, content.root, 0), holding, content.length(0), is_single=False
        )
        self.assertTrue(self.uploader._send_parts(sending, self.source))
        return list(self.source.sent)

    def fit(self, seconds: float) -> None:
        """A chunk has taken so long."""
        self.uploader._fit(SIZE, seconds, 3)

    def test_what_waits_goes_out_before_the_limit_is_waited_for(self) -> None:
        self.throttle.set_limit(1_000_000)
        self.session.to_send = [frames.Alive(), frames.Digests(7, 0, bytes(32))]
        with mock.patch.object(self.throttle, "wait", side_effect=lambda *_: self.theirs.recv(5)):
            self.theirs.setblocking(False)
            self.uploader._queue_frames()
        with self.assertRaises(BlockingIOError):
            self.theirs.recv(5)

    def test_answers_that_would_fill_the_memory_go_out_at_once(self) -> None:
        self.session.to_send = [frames.Digests(7, 0, bytes(MAX_QUEUED + 1))]
        self.uploader._queue_frames()
        self.assertTrue(self.theirs.recv(100))

    def test_before_a_rate_is_known_the_next_offer_goes_ahead_of_the_chunk(self) -> None:
        self.assertEqual(self.send(), ["offer", (0, SIZE)])

    def test_over_a_slow_connection_it_goes_ahead_of_the_end(self) -> None:
        self.fit(60.0)
        late = SIZE - MIN_AHEAD
        self.assertEqual(self.send(), [(0, late), "offer", (late, MIN_AHEAD)])

    def test_a_connection_that_turns_out_to_be_slow_is_noticed_though_chunks_fit_in(self) -> None:
        self.fit(0.001)
        self.fit(60.0)
        self.assertEqual(self.send().index("offer"), 1)

    def test_over_a_fast_one_it_goes_ahead_of_the_chunk(self) -> None:
        self.fit(0.001)
        self.assertEqual(self.send(), ["offer", (0, SIZE)])

    def test_with_a_limit_it_goes_out_once_too(self) -> None:
        self.fit(60.0)
        self.throttle.set_limit(SIZE * 4)
        sent = self.send()
        self.assertEqual(sent.count("offer"), 1)
        before = [part for part in sent[: sent.index("offer")] if not isinstance(part, str)]
        self.assertEqual(sum(count for _, count in before), SIZE - MIN_AHEAD)
        self.assertGreater(len(self.moved), SIZE // PIECE)

    def test_it_is_told_how_much_went_out_while_it_does_but_for_fast_lines(self) -> None:
        for seconds, pieces in ((60.0, 5), (0.001, 1)):
            with self.subTest(seconds=seconds):
                self.moved.clear()
                self.uploader._sizes._longest = frames.MAX_PART
                self.fit(seconds)
                self.send()
                self.assertEqual(sum(self.moved), SIZE)
                self.assertEqual(len(self.moved), pieces)

    def test_what_the_leecher_hears_is_the_head_of_each_part(self) -> None:
        self.fit(60.0)
        self.send()
        late = SIZE - MIN_AHEAD
        heads = frames.encode_part_head(7, 0, 0, late) + frames.encode_part_head(
            7, 0, late, MIN_AHEAD
        )
        self.assertEqual(self.theirs.recv(1_024), heads)
