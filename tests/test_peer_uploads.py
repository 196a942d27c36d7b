"""Everyone who takes from this program: how many, of whom, and how soon they are gone."""

from __future__ import annotations

import errno
import socket
import threading
import time
from unittest import mock

from roles.net.eviction import LIMITS
from roles.uploads import uploader
from roles.uploads.upload_session import MAX_CONNECTIONS, MAX_PER_HOST, Limits
from roles.values.addresses import Address
from roles.wire import frames
from roles.wire.greeting import Hello
from tests.connections import over
from tests.memory_contents import CHUNK, bitmap, some_holding
from tests.peers import UploadingTest
from tests.support import at_once, wait_until


class PeerUploadsTest(UploadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.holding = some_holding(8)
        self.room = self.uploads(self.holding, slots=2)
        self.began = time.monotonic()

    def makes_room(self, host: str, *, after_s: float | None = None) -> bool:
        """Whether it does so at the beginning, when nobody can have been idle, or after so long."""
        now = self.began if after_s is None else time.monotonic() + after_s
        return self.room.make_room(Address(host, 1), now=now)

    def test_one_host_cannot_keep_the_others_out(self) -> None:
        for _ in range(MAX_PER_HOST):
            self.joined(self.room, host="10.0.0.1")
        self.assertFalse(self.makes_room("10.0.0.1"))
        self.assertTrue(self.makes_room("10.0.0.2"))

    def test_this_machine_may_have_all_connections(self) -> None:
        for _ in range(MAX_PER_HOST):
            self.joined(self.room)
        self.assertTrue(self.makes_room("127.0.0.1"))

    def test_there_is_an_end_to_it_for_everybody_and_room_again_when_they_leave(self) -> None:
        leechers = [self.joined(self.room) for _ in range(MAX_CONNECTIONS)]
        self.assertFalse(self.makes_room("10.0.0.2"))
        leechers[0].link.close()
        wait_until(lambda: self.makes_room("10.0.0.2"))

    def test_idle_leechers_lose_their_places_to_others_the_longest_idle_first(self) -> None:
        hosts = [f"10.0.0.{n}" for n in range(MAX_CONNECTIONS // MAX_PER_HOST)]
        idle = [self.joined(self.room, host=host) for host in hosts for _ in range(MAX_PER_HOST)]
        self.assertTrue(self.makes_room("10.0.0.99", after_s=LIMITS.unproven_s))
        self.assertTrue(idle[0].has_left())
        self.assertTrue(self.makes_room(hosts[1], after_s=LIMITS.unproven_s))
        self.assertTrue(idle[MAX_PER_HOST].has_left())
        self.assertTrue(idle[1].is_silent(0.01))

    def test_who_took_a_chunk_or_waits_for_one_keeps_its_place(self) -> None:
        host = "10.0.0.1"
        leecher = self.joined(self.room, host=host)
        self.opened(leecher, self.holding)
        leecher.send(frames.Want(7, bitmap(self.holding.content)))
        self.fetch(leecher, self.holding)
        hungs = [self.wanting(self.room, self.holding) for _ in range(2)]  # they hold both slots
        for hung in hungs:
            self.offer(hung)
        waiting = self.joined(self.room, host=host)
        self.opened(waiting, self.holding)
        waiting.send(frames.Want(7, bitmap(self.holding.content)))
        waiting.expect(frames.Place)
        idle = [self.joined(self.room, host=host) for _ in range(MAX_PER_HOST - 2)]
        for one in idle:
            self.assertTrue(self.makes_room(host, after_s=LIMITS.unproven_s))
            self.assertTrue(one.has_left())
            self.joined(self.room, host=host)
        hungs[0].link.close()
        self.fetch(waiting, self.holding)

    def test_twenty_leechers_are_served_through_two_slots(self) -> None:
        threads, faults = list[threading.Thread](), list[str]()

        def take() -> None:
            try:
                self.fetch(self.wanting(self.room, self.holding), self.holding)
            except (AssertionError, OSError, EOFError) as error:
                faults.append(repr(error))

        for _ in range(20):
            threads.append(threading.Thread(target=take, name="scripted-leecher"))
            threads[-1].start()
        most = 0
        while any(thread.is_alive() for thread in threads):
            most = max(most, self.room.slots_taken)
            threads[0].join(0.001)
            threads.append(threads.pop(0))
        self.assertEqual(faults, [])
        self.assertLessEqual(most, 2)
        wait_until(lambda: self.room.slots_taken == 0)

    def test_whoever_waits_is_told_its_position(self) -> None:
        hungs = [self.wanting(self.room, self.holding) for _ in range(2)]
        for hung in hungs:
            self.offer(hung)
        waiting = self.wanting(self.room, self.holding)
        self.assertEqual(waiting.expect(frames.Place), frames.Place(1))
        uploads, _ = self.room.report(time.monotonic())
        self.assertIn(1, [upload.position for upload in uploads])
        hungs[0].link.close()
        self.assertEqual(waiting.expect(frames.Place), frames.Place(0))
        self.offer(waiting)

    def test_who_waits_for_a_moment_only_is_not_told_that_it_waits(self) -> None:
        limits = uploader.Limits(session=Limits(position_s=60.0))
        self.room = self.uploads(self.holding, slots=2, limits=limits)
        hungs = [self.wanting(self.room, self.holding) for _ in range(2)]
        for hung in hungs:
            self.offer(hung)
        waiting = self.wanting(self.room, self.holding)
        wait_until(
            lambda: [upload.position for upload in self.room.report(time.monotonic())[0]] == [1]
        )
        hungs[0].link.close()
        self.assertIsInstance(waiting.expect(frames.Place, frames.Offer), frames.Offer)

    def test_bytes_that_were_sent_are_counted_and_stay_counted(self) -> None:
        leecher = self.wanting(self.room, self.holding)
        self.fetch(leecher, self.holding)
        wait_until(lambda: self.room.report(time.monotonic())[1] == 8 * CHUNK)
        leecher.link.close()
        wait_until(lambda: not self.room._uploaders)
        self.assertEqual(self.room.report(time.monotonic())[1], 8 * CHUNK)

    def test_it_ends_at_once_in_the_middle_of_everything(self) -> None:
        for _ in range(5):
            leecher = self.wanting(self.room, self.holding)
        hung = self.joined(self.room, buffer=4_096)
        self.opened(hung, self.holding)
        hung.send(frames.Want(7, bitmap(self.holding.content)))
        with at_once():
            self.room.stop()
            self.room.join()
        self.assertTrue(leecher.has_left())

    def test_who_comes_when_it_has_ended_is_not_served(self) -> None:
        self.room.stop()
        self.room.join()
        with self.assertRaises(AssertionError):
            self.joined(self.room)
        self.assertEqual(self.room.slots_taken, 0)

    def test_who_cannot_be_served_is_hung_up_on_and_the_others_go_on(self) -> None:
        served = self.joined(self.room)
        for place, error in (
            ("socket.socketpair", OSError(errno.EMFILE, "Too many open files")),
            ("threading.Thread.start", RuntimeError("can't start new thread")),
        ):
            ours, theirs = socket.socketpair()
            with (
                theirs,
                self.subTest(place=place),
                mock.patch(place, side_effect=error),
                self.assertLogs("roles.uploads.peer_uploads", "WARNING"),
            ):
                them = Hello("f" * 16, "pc", 0, is_seeder=False)
                self.assertFalse(self.room.serve(over(ours, Address("10.0.0.3", 1)), them))
                self.assertEqual(theirs.recv(1), b"")
        self.assertEqual(self.room.slots_taken, 0)
        served.link.close()
        self.fetch(self.wanting(self.room, self.holding), self.holding)
