"""The receiving end of a connection, against senders that do not play by the rules."""

from __future__ import annotations

import contextlib
import socket
import time

from roles.net.frame_budget import Limits as BudgetLimits
from roles.net.throttle import Throttle
from roles.swarm.arriving_chunks import ArrivingChunks
from roles.swarm.arriving_chunks import Limits as Slowness
from roles.swarm.downloader import Limits
from roles.swarm.frame_deadlines import Limits as FrameLimits
from roles.values.bitmaps import bitmap_bytes
from roles.values.content import chunk_count
from roles.values.errors import PeerProtocolError
from roles.wire import frames
from roles.wire.frames import HEADER, PART
from tests.disks import some_bytes
from tests.memory_contents import CHUNK, MemoryHolding, bitmap, some_holding
from tests.peers import DownloadingTest
from tests.raw_peer import GONE, RawPeer
from tests.support import LIMIT_S, wait_until

SLICE = 32 * 1024  # bytes: what a slow sender gets out in a moment
RESET = b"\1\0\0\0\0\0\0\0"


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        return self.now


class HonestTest(DownloadingTest):
    def test_everything_comes_is_checked_written_and_told_of(self) -> None:
        holding = some_holding(4.2)
        _, transfer, store = self.transfer(holding)
        sender, handle = self.offering(holding)
        self.give(sender, handle, holding, 3, 0, 4, 1, 2)
        wait_until(lambda: transfer.is_done)
        self.assertEqual(store.data, holding.data)
        chunks = [chunks for root, chunks in self.news if root == holding.content.root]
        self.assertEqual(chunks, [1 << index for index in (3, 0, 4, 1, 2)])
        self.assert_no_buffer_is_lost()

    def test_frames_and_parts_come_in_any_pieces(self) -> None:
        holding = some_holding(1.2)
        _, transfer, store = self.transfer(holding)
        sender, handle = self.offering(holding)
        for index in (0, 1):
            stream = frames.encode(frames.Offer(handle, index))
            for byte in stream:
                sender.link.sendall(bytes([byte]))
            sender.expect(frames.Take)
            head = frames.encode_part_head(handle, index, 0, len(holding.chunk(index)))
            for byte in head + holding.chunk(index)[:50]:
                sender.link.sendall(bytes([byte]))
            sender.link.sendall(holding.chunk(index)[50:])
        wait_until(lambda: transfer.is_done)
        self.assertEqual(store.data, holding.data)

    def test_other_frames_stand_between_the_parts_of_a_chunk(self) -> None:
        holding = MemoryHolding(some_bytes(3 << 20), chunk_size=2 << 20)
        _, transfer, store = self.transfer(holding)
        sender, handle = self.offering(holding)
        for index in (1, 0):
            self.offer(sender, handle, index)
            chunk = holding.chunk(index)
            for offset in range(0, len(chunk), 100_000):
                sender.send_part(handle, index, offset, chunk[offset : offset + 100_000])
                sender.send(frames.Alive(), frames.Place(0))
                sender.link.sendall(HEADER.pack(200, 5) + b"later")
        wait_until(lambda: transfer.is_done)
        self.assertEqual(store.data, holding.data)
        self.assert_no_buffer_is_lost()

    def test_small_contents_come_with_their_description(self) -> None:
        holdings = [MemoryHolding(some_bytes(50 + seed, seed)) for seed in range(150)]
        sender = self.sender()
        transfers = [self.transfer(holding)[1] for holding in holdings]
        by_root = {holding.content.root: holding for holding in holdings}
        for _ in holdings:
            opening = sender.expect(frames.Open)
            assert isinstance(opening, frames.Open)
            holding = by_root[opening.root]
            self.send_file(sender, opening.handle, holding)
            sender.send_chunk(opening.handle, 0, holding.data)
        wait_until(lambda: all(transfer.is_done for transfer in transfers))
        self.assert_no_buffer_is_lost()


class HostileTest(DownloadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.holding = MemoryHolding(some_bytes(7 << 20), chunk_size=1 << 20)
        self.chunks = ArrivingChunks(4 << 20)
        self.handle, self.transfer_, self.store = self.transfer(self.holding)

    def begun(self) -> RawPeer:
        """A sender that has sent the first part of chunk 2."""
        sender, handle = self.offering(self.holding) if not self.knows else self.again()
        self.offer(sender, handle, 2)
        sender.send_part(handle, 2, 0, self.holding.chunk(2)[:PART])
        return sender

    def again(self) -> tuple[RawPeer, int]:
        sender = self.sender()
        handle = self.describe(sender, self.holding)
        sender.expect(frames.Want)
        return sender, handle

    @property
    def knows(self) -> bool:
        return self.transfer_.digests() is not None

    def assert_goes_on(self) -> None:
        """An honest sender is taken from, and no buffer is lost."""
        sender, handle = self.offering(self.holding) if not self.knows else self.again()
        rest = [i for i in range(7) if not self.transfer_.plan.had >> i & 1]
        self.give(sender, handle, self.holding, *rest)
        wait_until(lambda: self.transfer_.is_done)
        self.assertEqual(self.store.data, self.holding.data)
        self.assert_no_buffer_is_lost()

    def test_parts_out_of_order_are_refused(self) -> None:
        for offset in (0, 1, 2 * PART, 0xFFFFFFFF):
            sender = self.begun()
            sender.send_part(self.handle, 2, offset, b"x" * 100)
            self.assert_refused(sender)
        self.assert_goes_on()

    def test_a_chunk_that_does_not_begin_at_its_beginning_is_refused(self) -> None:
        sender, handle = self.offering(self.holding)
        for _ in range(12):  # more than there are buffers
            self.offer(sender, handle, 1)
            sender.send_part(handle, 1, 5, b"x")
            self.assert_refused(sender)
            sender, handle = self.again()
        sender.link.close()
        self.assert_goes_on()

    def test_a_part_beyond_the_end_of_its_chunk_is_refused(self) -> None:
        sender, handle = self.offering(self.holding)
        self.offer(sender, handle, 6)
        for offset in range(0, 3 * PART, PART):
            sender.send_part(handle, 6, offset, bytes(PART))
        sender.send_part(handle, 6, 3 * PART, bytes(PART))  # wrong bytes: not taken
        sender.send_part(handle, 6, 4 * PART, b"x")  # nobody asked for it: passed over
        self.offer(sender, handle, 5)
        for offset in range(0, 3 * PART + 5, PART - 1):
            sender.send_part(handle, 5, offset, bytes(PART - 1))
        sender.send_part(handle, 5, 4 * (PART - 1), b"12345")
        self.assert_refused(sender)
        self.assert_goes_on()

    def test_parts_of_other_handles_and_of_what_was_not_taken_are_passed_over(self) -> None:
        sender, handle = self.offering(self.holding)
        sender.send_part(handle + 1, 0, 0, b"x" * 1_000)
        sender.send_part(handle, 3, 0, b"x" * 100_000)
        sender.send_part(handle, 1 << 30, 1 << 31, b"x" * 70_000)
        self.give(sender, handle, self.holding, 3)
        wait_until(lambda: bool(self.transfer_.plan.had >> 3 & 1))
        sender.link.close()
        self.assert_goes_on()

    def test_a_sender_that_sends_without_end_what_nobody_wants_is_dropped(self) -> None:
        self.downloader_limits = Limits(unwanted=2 << 20)
        sender, handle = self.offering(self.holding)
        self.offer(sender, handle, 2)
        try:
            for _ in range(4_000):
                sender.send_part(handle, 3, 0, bytes(PART))
        except OSError:
            pass
        else:
            self.fail("it has taken a gigabyte that it did not want")
        self.assert_refused(sender)
        self.assert_goes_on()

    def test_a_sender_that_leaves_a_chunk_for_another_has_lost_it_and_is_dropped(self) -> None:
        sender = self.begun()
        self.offer(sender, self.handle, 4)
        sender.send_part(self.handle, 4, 0, self.holding.chunk(4)[:PART])
        self.assert_refused(sender)
        self.assert_goes_on()

    def test_after_a_chunk_that_was_called_off_the_next_one_comes_and_no_buffer_is_used_twice(
        self,
    ) -> None:
        sender = self.begun()
        self.offer(sender, self.handle, 4)
        with self.swarm._lock:  # another peer was faster with what this one sends
            (number,) = self.swarm._swarm.peers
            self.transfer_.plan.released(number, 2)
        sender.send_chunk(self.handle, 4, self.holding.chunk(4))
        wait_until(lambda: bool(self.transfer_.plan.had >> 4 & 1))
        self.offer(sender, self.handle, 5)
        sender.send_part(self.handle, 5, 0, self.holding.chunk(5)[:10])
        sender.send_part(self.handle + 9, 5, 0, b"nobody wants this")
        sender.link.close()
        self.assertIsNone(self.errors.get(timeout=LIMIT_S))
        self.assert_goes_on()

    def test_a_sender_that_hangs_up_leaves_nothing_behind_wherever_it_does(self) -> None:
        part = frames.encode_part_head(self.handle, 2, 0, PART)
        begin = frames.encode(frames.Offer(self.handle, 2))
        more = frames.encode_part_head(self.handle, 2, PART, PART)
        whole = begin + part + bytes(PART) + more + bytes(1_000)
        first = len(begin) + len(part)
        for end in (3, len(begin), first - 3, first, first + 1, first + PART, len(whole) - 1):
            for is_reset in (False, True):
                sender, _ = self.offering(self.holding) if not self.knows else self.again()
                sender.link.sendall(whole[: min(end, len(begin))])
                if end > len(begin):
                    sender.expect(frames.Take)
                    sender.link.sendall(whole[len(begin) : end])
                if is_reset:
                    sender.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                sender.link.close()
                self.errors.get(timeout=LIMIT_S)
        self.assert_goes_on()

    def test_frames_that_only_leechers_send_are_refused(self) -> None:
        for frame in (
            frames.Open(1, bytes(32)),
            frames.GetDigests(1, 0, 1),
            frames.Want(1, b"\1"),
            frames.Take(1, 0),
            frames.Decline(1, 0, b""),
            frames.Cancel(1, 0),
        ):
            sender = self.sender()
            sender.send(frame)
            self.assert_refused(sender)
        for raw in (
            HEADER.pack(0, 0),
            HEADER.pack(63, 0),
            HEADER.pack(2, 70_000),
            HEADER.pack(9, 12),
        ):
            sender = self.sender()
            sender.link.sendall(raw)
            self.assert_refused(sender)
        self.assert_goes_on()

    def test_who_has_another_content_than_the_list_says_is_not_asked_for_it(self) -> None:
        """Or a line with a wrong size would end the connections to all who have the right one."""
        size = self.holding.content.size
        sender = self.sender()
        sender.expect(frames.Open)
        for shape in ((size + 1, CHUNK), (size, 2 * CHUNK)):
            sender.send(frames.File(self.handle, *shape, bitmap_bytes(0, chunk_count(*shape))))
            self.assertEqual(sender.expect(frames.Want), frames.Want(self.handle, b""))
        self.assert_goes_on()

    def test_a_shape_that_no_content_has_is_refused(self) -> None:
        size = self.holding.content.size
        for shape in ((size, 3), (1 << 63, 1 << 22), (0, 0)):
            sender = self.sender()
            sender.expect(frames.Open)
            sender.send(frames.File(self.handle, *shape, b"\x7f"))
            self.assert_refused(sender)
        self.assert_goes_on()

    def test_digests_that_were_not_asked_for_are_refused(self) -> None:
        digests = self.holding.digests() or b""
        sender = self.sender()
        self.describe(sender, self.holding)
        sender.expect(frames.GetDigests)
        for wrong in (
            frames.Digests(self.handle, 1, digests[32:]),
            frames.Digests(self.handle, 0, digests + bytes(32)),
        ):
            sender.send(wrong)
            self.assert_refused(sender)
            sender = self.sender()
            self.describe(sender, self.holding)
            sender.expect(frames.GetDigests)
        self.give_digests_again(sender, digests)
        sender.expect(frames.Want)
        sender.send(frames.Digests(self.handle, 0, digests))
        self.assert_refused(sender)
        self.assert_goes_on()

    def give_digests_again(self, sender: RawPeer, digests: bytes) -> None:
        sender.send(frames.Digests(self.handle, 0, digests))

    def test_a_description_must_have_a_bit_for_each_chunk_and_no_more(self) -> None:
        shape = (self.holding.content.size, 1 << 20)  # seven chunks
        for have in (b"", b"\x7f\0", b"\xff", b"\x80", bytes(frames.MAX_BITMAP)):
            for handle in (self.handle, 99):
                sender = self.sender()
                sender.expect(frames.Open)
                sender.send(frames.File(handle, *shape, have))
                self.assert_refused(sender)
        self.assert_goes_on()

    def test_words_about_unknown_handles_are_harmless(self) -> None:
        sender, handle = self.offering(self.holding)
        sender.send(frames.Gone(99, "what?"), frames.Digests(99, 0, bytes(32)))
        sender.send(frames.Offer(99, 5))
        self.assertEqual(sender.expect(frames.Decline), frames.Decline(99, 5, b""))
        sender.send(frames.File(99, 5, CHUNK, b"\1"))
        self.assertEqual(sender.expect(frames.Want), frames.Want(99, b""))
        sender.send(frames.Offer(handle, 7), frames.Offer(handle, 0xFFFFFFFF))
        for _ in range(2):
            decline = sender.expect(frames.Decline)
            assert isinstance(decline, frames.Decline)
            self.assertEqual(decline.chunks, bitmap(self.holding.content))
        self.give(sender, handle, self.holding, *range(7))
        wait_until(lambda: self.transfer_.is_done)

    def test_who_gives_no_sign_of_life_is_dropped_and_its_chunk_wanted_again(self) -> None:
        self.downloader_limits = Limits(
            alive_s=0.1, look_s=0.1, deadlines=FrameLimits(silent_s=0.3)
        )
        self.begun()
        error = self.errors.get(timeout=LIMIT_S)
        self.assertIsInstance(error, TimeoutError)
        self.assertEqual(self.transfer_.plan.wanted, self.holding.content.all_chunks)

    def test_where_no_shutdown_wakes_it_it_looks_more_often_and_says_no_more(self) -> None:
        self.downloader_limits = Limits(look_s=0.05)
        sender = self.begun()
        sender.link.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            sender.next()
        self._stopping.set()
        self.assertIsNone(self.errors.get(timeout=LIMIT_S))

    def test_who_trickles_a_chunk_is_dropped_when_others_wait_for_its_buffer(self) -> None:
        self.chunks = ArrivingChunks(1 << 20, Slowness(judge_s=0.3))
        self.downloader_limits = Limits(alive_s=0.1, look_s=0.1)
        slow = self.begun()
        time.sleep(0.5)  # it is late, and nobody minds
        self.assertTrue(self.errors.empty())
        other, handle = self.again()
        self.offer(other, handle, 5)
        other.send_part(handle, 5, 0, self.holding.chunk(5)[:PART])
        self.assert_refused(slow)
        other.link.close()
        self.assert_goes_on()

    def test_where_all_are_slow_nobody_is_dropped_though_others_wait(self) -> None:
        slowness = Slowness(judge_s=1.0, enough=1 << 30, hopeless=0, slow_share=100)
        self.chunks = ArrivingChunks(2 << 20, slowness)
        self.downloader_limits = Limits(alive_s=0.1, look_s=0.1)
        clock = Clock()
        self.constant("swarm.downloader", "time", clock)
        self.constant("swarm.arriving_chunks", "time", clock)
        senders = [(self.begun(), 2), (self.again()[0], 4), (self.again()[0], 5)]
        for sender, index in senders[1:]:
            self.offer(sender, self.handle, index)
            sender.send_part(self.handle, index, 0, self.holding.chunk(index)[:PART])
            wait_until(lambda: self.two_have(PART))  # the third waits for one of their buffers
        for offset in range(PART, 1 << 20, SLICE):
            wait_until(lambda offset=offset: self.two_have(offset))  # type: ignore[misc]
            clock.now += 0.1
            for sender, index in senders[:2]:
                part = self.holding.chunk(index)[offset : offset + SLICE]
                sender.send_part(self.handle, index, offset, part)
        sender, index = senders[2]
        for offset in range(PART, 1 << 20, PART):
            part = self.holding.chunk(index)[offset : offset + PART]
            sender.send_part(self.handle, index, offset, part)
        wait_until(lambda: self.transfer_.plan.had == 0b110100)
        self.assertTrue(self.errors.empty())

    def two_have(self, count: int) -> bool:
        """Whether two chunks have a buffer, and so many of their bytes are here."""
        chunks = list(self.chunks._chunks)
        return len(chunks) == 2 and all(chunk.received >= count for chunk in chunks)

    def test_the_limit_of_this_program_makes_no_chunk_late(self) -> None:
        self.chunks = ArrivingChunks(1 << 20, Slowness(judge_s=0.3, hopeless=1 << 30))
        throttle = Throttle(1_500_000)
        first, second = self.sender(throttle=throttle), self.sender(throttle=throttle)
        handle = self.describe(first, self.holding)
        self.give_digests(first, self.holding)
        self.describe(second, self.holding)
        for sender, index in ((first, 1), (second, 2)):
            self.offer(sender, handle, index)
        for sender, index in ((first, 1), (second, 2)):
            sender.send_chunk(handle, index, self.holding.chunk(index))
        wait_until(lambda: self.transfer_.plan.had == 0b110)
        self.assertTrue(self.errors.empty())

    def test_what_nobody_wants_keeps_to_the_limit_too(self) -> None:
        sender = self.sender(throttle=Throttle(1_000_000))
        began = time.monotonic()
        for _ in range(4):
            sender.send_part(99, 0, 0, bytes(PART))
        sender.send(frames.Offer(99, 5))
        sender.expect(frames.Open)
        sender.expect(frames.Decline)
        self.assertGreater(time.monotonic() - began, 0.5)

    def test_who_says_much_and_brings_nothing_is_dropped(self) -> None:
        self.budget_limits = BudgetLimits(talk_s=0.05, at_once=50, per_second=1_000.0)
        content = self.holding.content
        file = frames.File(self.handle, content.size, content.chunk_size, bitmap(content))
        for words in (
            frames.encode(frames.Alive()),
            frames.encode(frames.Place(3)),
            frames.encode(frames.Offer(99, 1)),
            frames.encode(frames.Gone(self.handle, "no")) + frames.encode(file),
            HEADER.pack(200, 60_000) + bytes(60_000),
            frames.encode_part_head(99, 0, 0, 1) + b"x",
        ):
            sender = self.sender()
            sender.expect(frames.Open)
            sender.talk_until_it_leaves(words * 20)
            self.assertIsInstance(self.errors.get(timeout=LIMIT_S), PeerProtocolError)
        self.assert_goes_on()

    def test_who_sends_a_chunk_byte_by_byte_in_parts_of_their_own_is_dropped(self) -> None:
        self.budget_limits = BudgetLimits(talk_s=0.05, at_once=50, per_second=1_000.0)
        sender = self.begun()
        heads = (frames.encode_part_head(self.handle, 2, PART + n, 1) for n in range(20_000))
        with contextlib.suppress(OSError):
            for head in heads:
                sender.link.sendall(head + b"x")
        self.assertIsInstance(self.errors.get(timeout=LIMIT_S), PeerProtocolError)
        self.assert_goes_on()

    def test_a_word_that_does_not_end_ends_the_connection_however_it_trickles(self) -> None:
        self.downloader_limits = Limits(deadlines=FrameLimits(frame_s=0.2))
        sender = self.sender()
        sender.link.sendall(HEADER.pack(GONE, 1_000))
        self.trickle_until_it_ends(sender, b"x")
        self.assertIsInstance(self.errors.get(timeout=LIMIT_S), TimeoutError)
        self.assert_goes_on()

    def test_a_part_that_does_not_end_does_so_too_and_the_chunk_is_wanted_again(self) -> None:
        self.downloader_limits = Limits(look_s=0.05, deadlines=FrameLimits(part_s=0.3))
        sender = self.begun()
        sender.link.sendall(frames.encode_part_head(self.handle, 2, PART, PART))
        self.trickle_until_it_ends(sender, b"x" * 200)
        self.assertIsInstance(self.errors.get(timeout=LIMIT_S), TimeoutError)
        self.assertEqual(self.transfer_.plan.wanted, self.holding.content.all_chunks)

    def trickle_until_it_ends(self, sender: RawPeer, piece: bytes) -> None:
        """A thousand pieces are not a whole frame."""
        for _ in range(900):
            if not self.errors.empty():
                return
            with contextlib.suppress(OSError):
                sender.link.sendall(piece)
            time.sleep(0.01)

    def test_a_frame_that_stands_still_ends_the_connection_long_before_silence_does(self) -> None:
        self.downloader_limits = Limits(look_s=0.05, deadlines=FrameLimits(still_s=0.2))
        sender = self.begun()
        sender.link.sendall(frames.encode_part_head(self.handle, 2, PART, PART) + b"x" * 1_000)
        self.assertIsInstance(self.errors.get(timeout=LIMIT_S), TimeoutError)

    def test_a_frame_that_began_together_with_the_one_before_must_end_too(self) -> None:
        self.downloader_limits = Limits(look_s=0.05, deadlines=FrameLimits(still_s=0.2))
        sender = self.begun()
        sender.link.sendall(frames.encode(frames.Alive()) + HEADER.pack(GONE, 1_000)[:3])
        error = self.errors.get(timeout=LIMIT_S)
        self.assertIsInstance(error, TimeoutError)
        self.assertIn("in the middle of a frame", str(error))

    def test_where_the_limit_holds_a_part_up_its_sender_is_not_to_blame(self) -> None:
        self.downloader_limits = Limits(deadlines=FrameLimits(part_s=1.0, still_s=1.0))
        sender = self.sender(throttle=Throttle(200_000))  # more than a second for a part
        handle = self.describe(sender, self.holding)
        self.give_digests(sender, self.holding)
        self.give(sender, handle, self.holding, 1)
        wait_until(lambda: self.transfer_.plan.had == 0b10)

    def test_who_only_hears_gives_signs_of_life(self) -> None:
        self.downloader_limits = Limits(alive_s=0.1, look_s=0.1)
        sender, _ = self.offering(self.holding)
        sender.link.settimeout(0.02)
        heard = list[object]()
        while not heard:
            sender.send(frames.Place(1))
            with contextlib.suppress(TimeoutError):
                heard.append(sender.next())
        self.assertEqual(heard, [frames.Alive()])
        self.assertTrue(self.errors.empty())

    def test_who_has_nothing_to_say_hears_signs_of_life(self) -> None:
        self.downloader_limits = Limits(alive_s=0.1, look_s=0.1)
        sender, _ = self.offering(self.holding)
        self.assertEqual(sender.next(), frames.Alive())
