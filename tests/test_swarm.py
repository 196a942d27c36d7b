"""What a program takes: what it says to honest peers and to liars, whatever the order of words."""

from __future__ import annotations

import socket
import threading
import time
import unittest

from roles.net.connection import Connection
from roles.swarm.bad_peers import MAX_BAD_CHUNKS, MAX_BAD_OF_HOST, TRIES_AT_ONCE, BadPeers
from roles.swarm.chunk_plan import FEW_TRIES, STALLED_S, UNKNOWN_RATE_S
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.digest_requests import MORE_S
from roles.swarm.downloader import Limits
from roles.swarm.outlook import Outlook
from roles.swarm.peer import Peer
from roles.swarm.shared_swarm import SharedSwarm
from roles.swarm.shown_peers import watched_peers
from roles.swarm.swarm import AGAIN_S, MOVING_AGAIN_S, OPEN_AGAIN_S, QUIET_S, Swarm
from roles.values.addresses import Address
from roles.values.errors import DiskFullError, StorageError
from roles.wire import frames
from tests.connections import over, tcp_pair
from tests.disks import some_bytes
from tests.memory_contents import CHUNK, MemoryHolding, bitmap, some_holding
from tests.peers import HERE, DownloadingTest
from tests.raw_peer import RawPeer
from tests.support import LIMIT_S, at_once, wait_until


def is_lied_about(swarm: SharedSwarm, transfer: ContentTransfer) -> bool:
    with swarm.locked() as state:
        return bool(Outlook.of(state, [transfer], known=1, lack=None).lied_about)


class SwarmTestCase(DownloadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.holding = some_holding(6)
        self.handle, self.transfer_, self.store = self.transfer(self.holding)

    def want(self, sender: RawPeer) -> int:
        """The bitmap of the next WANT."""
        want = sender.expect(frames.Want)
        assert isinstance(want, frames.Want)
        return int.from_bytes(want.chunks, "little")

    def second(self, peer: str = "", host: str = HERE) -> RawPeer:
        """Another sender that has described the content."""
        sender = self.sender(peer, host=host)
        self.describe(sender, self.holding)
        return sender


class LaterTest(unittest.TestCase):
    """What the state says as time passes."""

    def setUp(self) -> None:
        self.swarm = Swarm()
        self.now = 1_000.0
        self.transfer = self.asked(some_holding(6))
        self.first, self.second = self.joined(1), self.joined(2)
        self.holding_all(self.transfer)

    def asked(self, holding: MemoryHolding) -> ContentTransfer:
        """One whose chunks are asked for."""
        transfer = ContentTransfer(holding.content, "some bytes", lambda: None)
        self.swarm.add(transfer)
        self.assertTrue(transfer.learn(holding.digests() or b""))
        self.swarm.ask(transfer, now=self.now)
        return transfer

    def joined(self, number: int) -> Peer:
        peer = Peer(number, Address("10.0.0.1", number), f"{number:016x}", "pc", self.now)
        self.swarm.joined(peer, now=self.now)
        return peer

    def describe(self, peer: Peer, transfer: ContentTransfer) -> None:
        """It has all of this."""
        content = transfer.content
        file = frames.File(transfer.handle, content.size, content.chunk_size, bitmap(content))
        self.swarm.came(peer, file, now=self.now)

    def holding_all(self, transfer: ContentTransfer) -> None:
        for peer in (self.first, self.second):
            self.describe(peer, transfer)

    def offer(self, peer: Peer, index: int) -> None:
        """Offer a chunk, which is taken."""
        self.swarm.came(peer, frames.Offer(self.transfer.handle, index), now=self.now)
        self.assertIn(frames.Take(self.transfer.handle, index), self.said_to(peer))

    def bring(self, peer: Peer, *indexes: int) -> None:
        for index in indexes:
            self.offer(peer, index)
            self.swarm.written(peer, self.transfer, index, now=self.now)

    def receive(self, peer: Peer, index: int) -> None:
        self.swarm.received(peer, self.transfer, index, 1, now=self.now)

    def said_to(self, peer: Peer) -> list[frames.Frame]:
        """Since the last call."""
        said = [frame for receiver, frame in self.swarm.to_send if receiver is peer]
        self.swarm.to_send = [message for message in self.swarm.to_send if message[0] is not peer]
        return said

    def after(self, seconds: float) -> list[frames.Frame]:
        """What the next look says to the second peer."""
        self.said_to(self.second)
        self.now += seconds
        self.assertEqual(self.swarm.tick(now=self.now), [])
        return self.said_to(self.second)

    def test_a_chunk_that_stalls_at_the_end_comes_from_another_and_the_first_is_told(self) -> None:
        self.bring(self.second, *range(5))
        self.offer(self.first, 5)
        self.assertIn(frames.Want(self.transfer.handle, b"\x20"), self.after(STALLED_S))
        self.bring(self.second, 5)
        self.assertEqual(self.said_to(self.first)[-1], frames.Cancel(self.transfer.handle, 5))
        self.assertTrue(self.transfer.is_done)

    def test_a_file_that_nobody_here_has_keeps_no_late_chunk_of_another_from_being_asked_twice(
        self,
    ) -> None:
        self.bring(self.second, *range(5))
        self.asked(some_holding(3, seed=2))
        self.offer(self.first, 5)
        self.second.chunk_rate = 0.0
        self.receive(self.first, 5)
        later = self.after(2 * UNKNOWN_RATE_S)  # it is late, and has not stalled
        self.assertIn(frames.Want(self.transfer.handle, b"\x20"), later)

    def test_a_second_request_that_may_have_been_overtaken_is_said_again(self) -> None:
        self.bring(self.second, *range(5))
        self.offer(self.first, 5)
        request = frames.Want(self.transfer.handle, b"\x20")
        self.assertIn(request, self.after(STALLED_S))
        self.assertNotIn(request, self.after(AGAIN_S / 2))
        self.assertIn(request, self.after(AGAIN_S / 2))

    def test_what_waits_while_others_move_is_said_again_later(self) -> None:
        other = self.asked(some_holding(3, seed=2))
        self.holding_all(other)
        self.offer(self.first, 3)
        request = frames.Want(other.handle, b"\x07")
        self.assertIn(request, self.after(0.0))  # the first time
        for _ in range(3):
            self.receive(self.first, 3)
            self.assertNotIn(request, self.after(MOVING_AGAIN_S / 4))
        self.receive(self.first, 3)
        self.assertIn(request, self.after(MOVING_AGAIN_S / 4))

    def test_what_stands_still_is_said_again(self) -> None:
        self.after(0.0)
        self.assertEqual(self.after(AGAIN_S), [frames.Want(self.transfer.handle, b"\x3f")])

    def test_after_a_while_without_digests_the_others_are_asked(self) -> None:
        holding = some_holding(3, seed=2)
        transfer = ContentTransfer(holding.content, "some bytes", lambda: None)
        self.swarm.add(transfer)
        self.describe(self.first, transfer)
        question = frames.GetDigests(transfer.handle, 0, 3)
        self.assertIn(question, self.said_to(self.first))
        self.describe(self.second, transfer)
        self.assertNotIn(question, self.said_to(self.second))
        self.assertIn(question, self.after(MORE_S))


class HoldersTest(SwarmTestCase):
    """What is known of who has which chunk."""

    def setUp(self) -> None:
        super().setUp()
        self.downloader_limits = Limits(alive_s=0.05, look_s=0.05)  # which sends what is queued

    def seen(self) -> list[int | None]:
        with self.swarm.locked() as swarm:
            return [peer.seen.get(self.transfer_.handle) for peer in swarm.peers.values()]

    def survey(self) -> None:
        with self.swarm.locked() as swarm:
            swarm.survey([self.transfer_], now=time.monotonic())

    def describe_some(self, sender: RawPeer, handle: int, chunks: int) -> None:
        content = self.holding.content
        have = bitmap(content, chunks)
        sender.send(frames.File(handle, content.size, content.chunk_size, have))

    def begun(self, chunks: int) -> tuple[RawPeer, int]:
        """A sender that has these chunks so far."""
        sender = self.sender()
        opening = sender.expect(frames.Open)
        assert isinstance(opening, frames.Open)
        self.describe_some(sender, opening.handle, chunks)
        self.give_digests(sender, self.holding)
        sender.expect(frames.Want)
        return sender, opening.handle

    def test_a_chunk_that_is_offered_is_there(self) -> None:
        sender, handle = self.begun(0b1)
        self.offer(sender, handle, 3)
        self.assertEqual(self.seen(), [0b1001])

    def test_a_survey_asks_by_a_handle_of_its_own_and_breaks_nothing_off(self) -> None:
        sender, handle = self.begun(0b1)
        self.offer(sender, handle, 0)
        self.survey()
        opening = sender.expect(frames.Open)
        assert isinstance(opening, frames.Open)
        self.assertNotEqual(opening.handle, handle)
        self.describe_some(sender, opening.handle, 0b111)
        self.assertEqual(sender.expect(frames.Want), frames.Want(opening.handle, b""))
        wait_until(lambda: self.seen() == [0b111])
        sender.send_chunk(handle, 0, self.holding.chunk(0))
        wait_until(lambda: self.transfer_.plan.had == 1)

    def test_who_has_lost_it_closes_the_handle_of_the_survey(self) -> None:
        sender, _ = self.begun(0b11)
        self.survey()
        opening = sender.expect(frames.Open)
        assert isinstance(opening, frames.Open)
        sender.send(frames.Gone(opening.handle, "too many files at once"))
        self.assertEqual(sender.expect(frames.Want), frames.Want(opening.handle, b""))
        self.assertEqual(self.seen(), [0b11])

    def test_who_sent_a_damaged_chunk_is_asked_for_it_again_after_a_while(self) -> None:
        sender, handle = self.begun(0b111111)
        self.offer(sender, handle, 2)
        sender.send_chunk(handle, 2, bytes(CHUNK))

        def damaged() -> list[tuple[int, bool]]:
            with self.swarm.locked() as swarm:
                peers = watched_peers(swarm.peers.values(), self.transfer_, now=time.monotonic())
            return [(peer.damaged, peer.damaged_again_s > 0) for peer in peers]

        wait_until(lambda: damaged() == [(1, True)])


class WordsTest(SwarmTestCase):
    def test_a_chunk_that_another_brings_is_declined_with_what_is_wanted(self) -> None:
        first, handle = self.offering(self.holding)
        second = self.second()
        self.assertEqual(self.want(second), 0b111111)
        self.offer(first, handle, 3)
        second.send(frames.Offer(handle, 3))
        decline = second.expect(frames.Decline)
        self.assertEqual(decline, frames.Decline(handle, 3, b"\x37"))

    def test_who_offers_too_late_is_told_what_is_wanted_of_the_other_files_too(self) -> None:
        first, handle = self.offering(self.holding)
        second = self.second()
        self.want(second)
        other = some_holding(3, seed=2)
        other_handle, _, _ = self.transfer(other)
        self.describe(second, other)
        self.give_digests(second, other)
        self.assertEqual(self.want(second), 0b111)
        self.describe(first, other)
        self.want(first)
        self.offer(first, other_handle, 1)
        self.offer(first, handle, 3)
        second.send(frames.Offer(handle, 3))
        self.assertEqual(second.next(), frames.Decline(handle, 3, b"\x37"))
        self.assertEqual(second.next(), frames.Want(other_handle, b"\x05"))
        second.send(frames.Offer(handle, 3), frames.Alive())
        self.assertEqual(second.next(), frames.Decline(handle, 3, b"\x37"))
        second.send(frames.Offer(other_handle, 1))
        self.assertEqual(second.next(), frames.Decline(other_handle, 1, b"\x05"))

    def test_what_a_sender_was_to_bring_is_asked_of_the_others_when_it_leaves(self) -> None:
        first, handle = self.offering(self.holding)
        second = self.second()
        self.want(second)
        self.offer(first, handle, 3)
        self.offer(first, handle, 4)
        first.link.close()
        self.assertEqual(self.want(second), 0b111111)
        self.give(second, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)

    def test_a_content_that_is_gone_here_is_asked_of_others_and_again_when_described(self) -> None:
        first, handle = self.offering(self.holding)
        self.offer(first, handle, 3)
        first.send(frames.Gone(handle, "it changed"))
        wait_until(lambda: self.transfer_.plan.wanted == 0b111111)
        second = self.second()
        self.assertEqual(self.want(second), 0b111111)
        self.send_file(first, handle, self.holding)
        self.assertEqual(self.want(first), 0b111111)

    def test_a_transfer_that_is_removed_closes_its_handle_everywhere(self) -> None:
        first, handle = self.offering(self.holding)
        self.offer(first, handle, 3)
        self.swarm.remove(self.transfer_)
        self.assertEqual(first.expect(frames.Want), frames.Want(handle, b""))
        first.send_chunk(handle, 3, self.holding.chunk(3))
        first.send(frames.Offer(handle, 1))
        self.assertEqual(first.expect(frames.Decline), frames.Decline(handle, 1, b""))
        self.assertEqual(self.store.writes, 0)

    def test_a_sender_that_takes_over_everything_and_sends_nothing_holds_up_few_chunks(
        self,
    ) -> None:
        liar, handle = self.offering(self.holding)
        liar.send(*(frames.Offer(handle, index) for index in range(6)))
        taken = [liar.expect(frames.Take, frames.Decline) for _ in range(6)]
        self.assertLessEqual(sum(isinstance(frame, frames.Take) for frame in taken), 4)


class LostWordsTest(SwarmTestCase):
    """Words that a damaged line swallowed."""

    def tick(self, *, after_s: float) -> None:
        """As if so much time had passed."""
        self.swarm.tick(now=time.monotonic() + after_s)

    def assert_leaves(self, sender: RawPeer) -> None:
        self.tick(after_s=QUIET_S)
        self.assertTrue(sender.has_left())

    def test_what_a_peer_has_not_described_is_opened_again_while_nothing_comes(self) -> None:
        sender = self.sender()
        opening = sender.expect(frames.Open)
        self.tick(after_s=OPEN_AGAIN_S)
        self.assertEqual(sender.expect(frames.Open), opening)
        self.send_file(sender, self.handle, self.holding)
        self.give_digests(sender, self.holding)
        self.give(sender, self.handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)

    def test_a_peer_that_offers_nothing_of_what_it_has_is_connected_to_anew(self) -> None:
        sender, _ = self.offering(self.holding)
        self.assert_leaves(sender)

    def test_a_peer_that_sends_nothing_of_what_was_taken_is_connected_to_anew(self) -> None:
        sender, handle = self.offering(self.holding)
        self.offer(sender, handle, 3)
        self.assert_leaves(sender)

    def test_a_peer_in_whose_queue_we_are_or_that_has_nothing_is_waited_for(self) -> None:
        busy, _ = self.offering(self.holding)
        busy.send(frames.Place(2))
        empty = self.sender()
        empty.expect(frames.Open)
        content = self.holding.content
        empty.send(frames.File(self.handle, content.size, content.chunk_size, bitmap(content, 0)))
        empty.expect(frames.Want)
        wait_until(lambda: any(peer.position for peer in self.swarm._swarm.peers.values()))
        self.tick(after_s=QUIET_S)
        peers = self.swarm._swarm.peers.values()
        self.assertEqual([peer.is_leaving for peer in peers], [False, False])

    def test_a_chunk_that_is_taken_again_comes_behind_what_was_taken_meanwhile(self) -> None:
        sender, handle = self.offering(self.holding)
        self.offer(sender, handle, 3)
        self.offer(sender, handle, 4)
        sender.send_chunk(handle, 3, bytes(len(self.holding.chunk(3))))
        wait_until(lambda: self.transfer_.plan.bad_peers.any_wrong)
        self.offer(sender, handle, 3)
        sender.send_chunk(handle, 4, self.holding.chunk(4))
        sender.send_chunk(handle, 3, self.holding.chunk(3))
        wait_until(lambda: self.transfer_.plan.had == 0b11000)
        self.assertTrue(self.errors.empty())

    def test_an_offer_says_that_the_wait_in_the_queue_is_over(self) -> None:
        sender, handle = self.offering(self.holding)
        sender.send(frames.Place(2))
        self.offer(sender, handle, 3)
        self.assert_leaves(sender)


class DeafTest(SwarmTestCase):
    """Peers that read nothing, in threads that have other things to do."""

    def deaf_connection(self) -> tuple[Peer, Connection]:
        mine, ours = self.enterContext(tcp_pair())
        mine.settimeout(LIMIT_S)
        ours.settimeout(60.0)
        for end in (mine, ours):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.deaf = mine
        peer = Peer(99, Address("127.0.0.1", 1), "f" * 16, "pc", joined_at=0.0)
        return peer, over(ours)

    def test_nobody_waits_for_one_and_it_is_hung_up_on_in_the_end(self) -> None:
        peer, connection = self.deaf_connection()
        self.swarm.joined(peer, connection)
        with at_once():
            for _ in range(8_000):
                transfer = ContentTransfer(self.holding.content, "some", lambda: None)
                self.swarm.add(transfer)
                self.swarm.remove(transfer)
        while self.deaf.recv(1 << 16):
            pass
        self.swarm.left(peer)

    def test_what_was_not_read_at_once_goes_out_later(self) -> None:
        peer, connection = self.deaf_connection()
        self.swarm.joined(peer, connection)
        handles = list[int]()
        while not connection.queued:
            transfer = ContentTransfer(self.holding.content, "some", lambda: None)
            self.swarm.add(transfer)
            handles.append(transfer.handle)
        reader = RawPeer(self.deaf)
        reader.expect(frames.Open)
        for handle in handles:
            self.swarm.tick(now=time.monotonic())
            opening = reader.expect(frames.Open)
            assert isinstance(opening, frames.Open)
            self.assertEqual(opening.handle, handle)
        self.swarm.left(peer)


class LiarsTest(SwarmTestCase):
    def lie(self, sender: RawPeer, handle: int, index: int) -> None:
        self.offer(sender, handle, index)
        sender.send_chunk(handle, index, bytes(CHUNK))

    def test_a_chunk_that_came_wrong_is_not_asked_of_that_peer_while_another_has_it(self) -> None:
        liar, handle = self.offering(self.holding)
        self.want(self.second())
        self.lie(liar, handle, 2)
        self.assertEqual(self.want(liar), 0b111011)
        liar.send(frames.Offer(handle, 2))
        decline = liar.expect(frames.Decline)
        self.assertEqual(decline, frames.Decline(handle, 2, b"\x3b"))

    def test_who_alone_has_a_file_is_asked_on_whatever_came_wrong(self) -> None:
        noisy, handle = self.offering(self.holding)
        for index in (2, 3, 3, 2, 4, 2):
            self.lie(noisy, handle, index)
            self.assertEqual(self.want(noisy), 0b111111)
        self.give(noisy, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)
        self.assertEqual(self.store.data, self.holding.data)

    def test_who_alone_has_a_file_and_spoils_much_of_it_is_asked_again_after_a_pause(self) -> None:
        noisy, handle = self.offering(self.holding)
        for _ in range(TRIES_AT_ONCE):
            self.lie(noisy, handle, 2)
            wanted = self.want(noisy)
        self.assertEqual(wanted, 0)
        wait_until(
            lambda: self.transfer_.plan.bad_peers.may_try(
                self.sender_of(noisy), now=time.monotonic()
            )
        )
        self.swarm.tick(now=time.monotonic())
        while self.want(noisy) != 0b111111:
            pass
        self.give(noisy, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)

    def sender_of(self, _: RawPeer) -> tuple[str, str]:
        (peer,) = self.swarm._swarm.peers.values()
        return peer.sender

    def test_the_second_wrong_chunk_ends_it_on_every_connection_and_only_for_that_peer(
        self,
    ) -> None:
        first, handle = self.offering(self.holding, "1" * 16)
        other = self.second("1" * 16)
        self.assertEqual(self.want(other), 0b111111)
        honest = self.second()
        self.assertEqual(self.want(honest), 0b111111)  # it is known to have the content
        self.lie(first, handle, 2)
        self.lie(first, handle, 3)
        self.assert_refused(first)
        other.send(frames.Offer(handle, 1))
        while not isinstance(frame := other.next(), frames.Decline):
            pass
        self.assertEqual(frame, frames.Decline(handle, 1, b"\0"))
        self.assertEqual(self.store.writes, 0)
        self.give(honest, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)

    def test_a_liar_with_the_id_of_another_peer_of_its_host_harms_itself_alone(self) -> None:
        honest, handle = self.offering(self.holding, "1" * 16)
        self.second()
        liar = self.sender("1" * 16, port=1)
        self.describe(liar, self.holding)
        self.lie(liar, handle, 2)
        self.lie(liar, handle, 3)
        self.assert_refused(liar)
        self.give(honest, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)

    def test_the_count_is_of_one_content(self) -> None:
        liar, handle = self.offering(self.holding)
        self.lie(liar, handle, 2)
        self.want(liar)
        other = some_holding(3, seed=9)
        other_handle, _, _ = self.transfer(other)
        self.assertEqual(self.describe(liar, other), other_handle)
        self.give_digests(liar, other)
        liar.expect(frames.Want)
        self.lie(liar, other_handle, 0)
        self.give(liar, handle, self.holding, 0)
        wait_until(lambda: self.transfer_.plan.had == 1)

    def test_after_wrong_digests_the_others_are_asked(self) -> None:
        liar = self.sender()
        self.describe(liar, self.holding)
        liar.expect(frames.GetDigests)
        honest = self.second()
        liar.send(frames.Digests(self.handle, 0, bytes(6 * 32)))
        self.assert_refused(liar)
        self.give_digests(honest, self.holding)
        self.assertEqual(self.want(honest), 0b111111)

    def test_a_liar_that_comes_back_under_other_ids_is_known_by_its_host(self) -> None:
        honest, handle = self.offering(self.holding, host="10.0.0.8")
        for _ in range(MAX_BAD_OF_HOST // MAX_BAD_CHUNKS):
            liar = self.second(host="10.0.0.7")
            self.want(liar)
            for index in (0, 1):
                self.lie(liar, handle, index)
            self.assert_refused(liar)
        again = self.second(host="10.0.0.7")
        again.send(frames.Offer(handle, 3))
        self.assertEqual(self.want(again), 0)
        decline = again.expect(frames.Decline)
        self.assertEqual(decline, frames.Decline(handle, 3, bitmap(self.holding.content, 0)))
        self.want(honest)
        self.give(honest, handle, self.holding, *range(6))
        wait_until(lambda: self.transfer_.is_done)
        self.assertEqual(self.store.data, self.holding.data)

    def test_nobody_but_liars_is_known_of(self) -> None:
        self.transfer_.plan.bad_peers = BadPeers(tries=6)
        liar = self.sender()
        handle = self.describe(liar, self.holding)
        self.give_digests(liar, self.holding)
        for index in (0, 1, 0):
            self.assertFalse(is_lied_about(self.swarm, self.transfer_))
            self.lie(liar, handle, index)
        self.assert_refused(liar)
        wait_until(lambda: is_lied_about(self.swarm, self.transfer_))
        self.sender()
        wait_until(lambda: not is_lied_about(self.swarm, self.transfer_))


class SmallContentsTest(DownloadingTest):
    def test_a_small_content_that_comes_wrong_is_asked_of_another(self) -> None:
        holding = MemoryHolding(some_bytes(1_000))
        liar, honest = self.sender(), self.sender()
        handle, transfer, _ = self.transfer(holding)
        liar.expect(frames.Open)
        self.send_file(liar, handle, holding)
        liar.send_chunk(handle, 0, bytes(1_000))
        honest.expect(frames.Open)
        honest.send_chunk(handle, 0, holding.data)
        wait_until(lambda: transfer.is_done)

    def test_who_alone_has_a_small_content_is_asked_again_and_not_for_ever(self) -> None:
        holding = MemoryHolding(some_bytes(1_000))
        liar = self.sender()
        handle, transfer, _ = self.transfer(holding)
        for _ in range(FEW_TRIES // 2):  # none was right
            liar.expect(frames.Open)
            self.send_file(liar, handle, holding)
            liar.send_chunk(handle, 0, bytes(1_000))
        self.assert_refused(liar)
        wait_until(lambda: is_lied_about(self.swarm, transfer))

    def test_a_small_content_that_is_gone_is_asked_of_another(self) -> None:
        holding = MemoryHolding(some_bytes(1_000))
        first, second = self.sender(), self.sender()
        handle, transfer, store = self.transfer(holding)
        first.expect(frames.Open)
        first.send(frames.Gone(handle, "it changed"))
        self.assertEqual(first.expect(frames.Want), frames.Want(handle, b""))
        second.expect(frames.Open)
        second.send_chunk(handle, 0, holding.data)
        wait_until(lambda: transfer.is_done)
        self.assertEqual(store.data, holding.data)

    def test_a_small_content_that_was_not_asked_for_is_passed_over(self) -> None:
        holding = MemoryHolding(some_bytes(1_000))
        first, second = self.sender(), self.sender()
        handle, _, store = self.transfer(holding)
        first.expect(frames.Open)
        second.send_chunk(handle, 0, holding.data)
        second.send(frames.Offer(99, 1))
        second.expect(frames.Decline)
        self.assertEqual(store.writes, 0)


class PoliteLock:
    """A downloader that releases it lets others go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.acquire = self._lock.acquire

    def release(self) -> None:
        self._lock.release()
        if threading.current_thread().name == "lmk-test-downloader":
            time.sleep(0.02)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class DiskTest(DownloadingTest):
    def test_what_the_disk_says_is_told_and_the_chunk_wanted_again(self) -> None:
        holding = some_holding(3)
        handle, transfer, store = self.transfer(holding)
        sender, _ = self.offering(holding)
        store.fault = DiskFullError("full")
        self.give(sender, handle, holding, 1)
        wait_until(lambda: transfer.fault is not None)
        self.assertIsInstance(transfer.fault, StorageError)
        self.assertEqual(sender.expect(frames.Want), frames.Want(handle, bitmap(holding.content)))

    def test_nobody_writes_any_more_when_a_transfer_is_removed(self) -> None:
        holding = some_holding(3)
        handle, transfer, store = self.transfer(holding)
        sender, _ = self.offering(holding)
        is_writing, may_end = threading.Event(), threading.Event()
        write = store.write

        def slow_write(offset: int, piece: memoryview) -> None:
            is_writing.set()
            may_end.wait(LIMIT_S)
            write(offset, piece)

        store.write = slow_write  # type: ignore[method-assign]
        self.give(sender, handle, holding, 1)
        self.assertTrue(is_writing.wait(LIMIT_S))
        removing = threading.Thread(target=self.swarm.remove, args=(transfer,))
        removing.start()
        removing.join(0.1)
        self.assertTrue(removing.is_alive())
        may_end.set()
        removing.join(LIMIT_S)
        self.assertEqual(store.writes, 1)

    def test_what_was_written_is_counted_before_a_transfer_is_removed(self) -> None:
        self.swarm._lock = lock = PoliteLock()  # type: ignore[assignment]
        self.swarm._written = threading.Condition(lock)  # type: ignore[arg-type]
        holding = some_holding(3)
        handle, transfer, store = self.transfer(holding)
        sender, _ = self.offering(holding)
        write, removed_with = store.write, list[int]()

        def remove() -> None:
            self.swarm.remove(transfer)
            removed_with.append(transfer.plan.had)

        removing = threading.Thread(target=remove)

        def write_while_it_is_removed(offset: int, piece: memoryview) -> None:
            removing.start()
            wait_until(lambda: not transfer.is_asking)
            write(offset, piece)

        store.write = write_while_it_is_removed  # type: ignore[method-assign]
        self.give(sender, handle, holding, 1)
        wait_until(lambda: bool(removed_with))
        self.assertEqual(removed_with, [0b10])
