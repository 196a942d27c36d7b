"""Joining a private room by its code, and entering it by its secret."""

from __future__ import annotations

import socket
import threading
import time
import unittest
from unittest import mock

from roles.net.dialling import dialled
from roles.private import guess_limits, private_client
from roles.private.certificate import DeviceKey
from roles.private.private_client import PrivateClient, _Member
from roles.private.room_keys import RoomKeys, TrackerKeys
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import CodeRefusedError, PeerProtocolError, TrackerSilentError
from roles.values.events import Guesser
from roles.wire.list_wire import OPEN_ANSWER
from tests.connections import tcp_pair
from tests.private_trackers import CODE, PrivateTracker, PrivateTrackerTest, connection_over, walk
from tests.support import LIMIT_S, NEVER, wait_until


class JoiningTest(PrivateTrackerTest):
    def test_the_right_code_brings_the_secret_and_a_connection(self) -> None:
        tracker = self.tracker()
        client, connection = self.joined(tracker)
        self.assertEqual(client.keys, tracker.keys.room)
        connection.send_all(b"hello", within_s=LIMIT_S)
        wait_until(lambda: bool(tracker.admitted))
        self.assertEqual(tracker.admitted[0].receive(5), b"hello")

    def test_a_wrong_code_is_refused_and_never_tried_again_without_a_person(self) -> None:
        tracker, client = self.tracker(), PrivateClient("482177306")
        for _ in range(3):
            with self.assertRaises(CodeRefusedError):
                client.connected(tracker.address, NEVER)
        wait_until(lambda: bool(tracker.refused))
        self.assertEqual(len(tracker.refused), 1)
        self.assertEqual(tracker.verifier.guessers(), (Guesser("127.0.0.1", 1),))
        self.assertIsNone(client.keys)

    def test_whoever_tries_a_wrong_code_learns_how_many_tries_are_left(self) -> None:
        tracker, left = self.tracker(), list[int | None]()
        for _ in range(guess_limits.PER_HOST):
            error = self.refusal(tracker, "482177306")
            self.assertIsInstance(error, CodeRefusedError)
            left.append(getattr(error, "tries_left", None))
        self.assertEqual(left, [4, 3, 2, 1, 0])
        self.assertIn("Wait a minute", str(error))

    def test_after_five_wrong_codes_even_the_right_one_has_to_wait(self) -> None:
        tracker = self.tracker()
        for _ in range(guess_limits.PER_HOST):
            self.assertIsInstance(self.refusal(tracker, "482177306"), CodeRefusedError)
        error = self.refusal(tracker, CODE)
        self.assertIsInstance(error, TrackerSilentError)
        self.assertIn("Try again in", str(error))
        self.assertEqual(tracker.admitted, [])

    def test_no_code_is_tried_when_another_thread_learns_that_there_is_a_new_one(self) -> None:
        tracker = self.tracker()
        client, _ = self.joined(tracker)
        member = client._state
        assert isinstance(member, _Member)

        def end(*_: object, **__: object) -> object:
            client._end(member, CodeRefusedError("new code"))  # as another thread does
            return mock.DEFAULT

        with (
            mock.patch.object(private_client, "dialled", side_effect=end, wraps=dialled),
            mock.patch.object(client, "_joined", side_effect=AssertionError),
        ):
            client.connected(tracker.address, NEVER).close()
            with self.assertRaisesRegex(CodeRefusedError, "new code"):
                client.connected(tracker.address, NEVER)

    def test_members_come_back_with_the_secret_while_nobody_may_guess(self) -> None:
        tracker = self.tracker()
        client, _ = self.joined(tracker)
        for _ in range(guess_limits.PER_HOST):
            self.refusal(tracker, "482177306")
        client.connected(tracker.address, NEVER).close()
        wait_until(lambda: len(tracker.admitted) == 2)

    def test_an_open_tracker_elsewhere_ends_no_membership_either(self) -> None:
        client, _ = self.joined(self.tracker())
        with socket.create_server((LOOPBACK, 0)) as stranger:

            def answer() -> None:
                sock, _ = stranger.accept()
                with sock:
                    sock.sendall(OPEN_ANSWER)
                    sock.recv(100)

            answering = threading.Thread(target=answer)
            answering.start()
            with self.assertRaises(PeerProtocolError):
                client.connected(Address(*stranger.getsockname()), NEVER)
            answering.join(LIMIT_S)
        self.assertIsNotNone(client.keys)

    def test_an_honest_join_waits_its_turn_in_a_storm_of_guesses(self) -> None:
        tracker = self.tracker()
        with mock.patch.object(guess_limits, "PER_HOST", 1_000):
            now, limits = time.monotonic(), tracker.verifier._limits
            for number in range(guess_limits.IN_ALL + 1):
                if not limits.begin(host := f"10.0.0.{number}", now=now):
                    limits.end(host, is_right=False, now=now)
            begin, times = limits.begin, iter([now])  # its first try is in the storm, if late, too

            def begin_in_storm(host: str, *, now: float) -> float:
                return begin(host, now=next(times, now))

            with (
                mock.patch.object(limits, "begin", begin_in_storm),
                self.assertLogs("roles.private.private_client", "INFO") as log,
            ):
                client, _ = self.joined(tracker)
        self.assertIn("Waiting", log.output[0])
        self.assertEqual(client.keys, tracker.keys.room)

    def test_a_member_whose_secret_is_old_tries_no_code_and_drops_what_it_let_in(self) -> None:
        tracker = self.tracker()
        client, first = self.joined(tracker)
        second = client.connected(tracker.address, NEVER)
        self.addCleanup(second.close)
        keys = tracker.keys
        other = RoomKeys(keys.room.room, bytes(32))
        tracker.keys = TrackerKeys(keys.code, other, keys.key)
        with self.assertRaisesRegex(CodeRefusedError, "has a new code"):
            client.connected(tracker.address, NEVER)
        self.assertIsNone(client.keys)
        self.assertEqual(tracker.verifier.guessers(), ())
        with self.assertRaises(OSError):
            second.send_all(bytes(1_000_000), within_s=LIMIT_S)
            second.receive(1)
        del first

    def test_another_tracker_even_with_the_secret_gets_no_guess_and_ends_no_membership(
        self,
    ) -> None:
        tracker = self.tracker()
        client, _ = self.joined(tracker)
        keys = TrackerKeys("another code", tracker.keys.room, DeviceKey.made())
        impostor = PrivateTracker(keys=keys)
        self.addCleanup(impostor.close)
        with self.assertRaises(PeerProtocolError):
            client.connected(impostor.address, NEVER)
        client.connected(tracker.address, NEVER).close()
        self.assertEqual(impostor.verifier.guessers(), ())


class MembersTest(PrivateTrackerTest):
    def test_two_members_enter_by_the_secret_in_either_direction(self) -> None:
        tracker = self.tracker()
        one, other = self.joined(tracker)[0], self.joined(tracker)[0]
        for dialling, accepting in ((one, other), (other, one)):
            sock, other_sock = self.enterContext(tcp_pair())
            ends = connection_over(sock), connection_over(other_sock)
            beside = threading.Thread(target=walk, args=(accepting.private_server.admit(ends[1]),))
            beside.start()
            dialling.enter(ends[0], NEVER)
            beside.join(LIMIT_S)
            ends[0].send_all(b"a name", within_s=LIMIT_S)
            self.assertEqual(ends[1].receive(100), b"a name")

    def test_it_gives_up_when_the_other_side_says_nothing(self) -> None:
        tracker = self.tracker()
        member = self.joined(tracker)[0]
        sock, _silent = self.enterContext(tcp_pair())
        with (
            mock.patch.object(private_client, "ENTER_S", 0.1),
            self.assertRaises(TimeoutError),
        ):
            member.enter(connection_over(sock), NEVER)


if __name__ == "__main__":
    unittest.main()
