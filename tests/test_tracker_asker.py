"""Asking a tracker that is silent, slow or garbled: what is repeated, and for how long."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from unittest import mock

from roles.joining import tracker_asker
from roles.joining.tracker_asker import LINGER_S, MAX_REFUSALS
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.participants import Status
from tests.scripted_tracker import (
    LIST,
    PC,
    ScriptedTracker,
    TrackerClientTestCase,
    repeat_after,
    room_of,
)
from tests.support import LIMIT_S, at_once, wait_until


class SilenceTest(TrackerClientTestCase):
    def tries(self, *pauses_s: float) -> None:
        self.enterContext(mock.patch("roles.joining.tracker_asker.TRIES_S", pauses_s))

    def test_a_port_where_nobody_listens_is_given_up_early(self) -> None:
        client = self.client(Address("127.0.0.1", self.free_port("udp")))
        self.tries(*[0.01] * MAX_REFUSALS, 60.0)
        with at_once(), self.assertRaisesRegex(TrackerSilentError, "No tracker at 127.0"):
            client.files()

    def test_a_tracker_that_starts_meanwhile_is_found(self) -> None:
        repeat_after(self, 0.1)
        port = self.free_port("udp")
        late = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

        def answer() -> None:
            late.settimeout(LIMIT_S)
            _, source = late.recvfrom(2048)
            late.sendto(LIST, source)
            late.sendto(b"success", source)

        def start() -> None:
            late.bind(("127.0.0.1", port))
            thread.start()

        thread = threading.Thread(target=answer, name="lmk-test")
        client = TrackerClient(
            TrackerLocator(Address("127.0.0.1", port), stopping=self.starting(start))
        )
        with client:
            self.assertEqual(client.files(), {"a.txt": 5})
        thread.join()

    def starting(self, start: Callable[[], None]) -> threading.Event:
        """An event that calls this when it is first looked at, after the first try."""
        starts = [start]

        def is_set() -> bool:
            while starts:
                starts.pop()()
            return False

        stopping = threading.Event()
        self.enterContext(mock.patch.object(stopping, "is_set", is_set))
        return stopping

    def test_a_silent_tracker_is_given_up_when_we_stop(self) -> None:
        client, tracker = self.asked(lambda *_: [])
        thread = threading.Thread(target=self.stop_when_heard, args=(tracker,), name="lmk-test")
        thread.start()
        self.tries(60.0)
        with at_once(), self.assertRaises(TrackerSilentError):
            client.files()
        thread.join()

    def stop_when_heard(self, tracker: ScriptedTracker) -> None:
        wait_until(lambda: bool(tracker.heard))
        self.stopping.set()

    def test_who_stops_still_says_its_last_word(self) -> None:
        client, tracker = self.asked(room_of)
        self.stopping.set()
        with self.assertRaises(TrackerSilentError):
            client.ping(PC, Status())
        wait_until(lambda: bool(tracker.heard))
        self.assertTrue(tracker.heard[0].startswith(b"ping_tracker\n"))

    def test_what_the_system_says_to_a_question_is_said(self) -> None:
        forbidden = PermissionError(errno.EPERM, "Operation not permitted")  # a firewall of ours
        with (
            mock.patch.object(tracker_asker, "TRIES_S", (0.0, 0.0)),
            mock.patch.object(socket.socket, "send", side_effect=forbidden),
            TrackerClient(TrackerLocator(Address("127.0.0.1", 9))) as client,
            self.assertRaisesRegex(TrackerSilentError, r"\(Operation not permitted\)"),
        ):
            client.files()

    def test_a_machine_that_cannot_be_found_is_a_sentence(self) -> None:
        client = self.client(Address("a..b", 12500))
        with self.assertRaisesRegex(TrackerSilentError, "No computer called"):
            client.files()


class LingeringTest(TrackerClientTestCase):
    """An answer to a closed port ends an original tracker on Windows."""

    def setUp(self) -> None:
        super().setUp()
        self.link = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.link.bind(("127.0.0.1", 0))
        self.link.settimeout(LIMIT_S)
        self.returned = threading.Event()
        self.may_end = threading.Event()

    def run_client(self, ask: Callable[[TrackerClient], object], *, ends_at_once: bool) -> None:
        def work() -> None:
            address = Address(*self.link.getsockname())
            locator = TrackerLocator(address, stopping=self.stopping)
            with TrackerClient(locator) as client:
                ask(client)
                self.returned.set()
                if not ends_at_once:
                    self.may_end.wait(LIMIT_S)

        thread = threading.Thread(target=work, name="lmk-test")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.may_end.set)

    def assert_somebody_listens(self) -> None:
        """The next receive tells when the last datagram found nobody."""
        self.link.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            self.link.recv(100)

    def test_a_late_answer_to_an_earlier_try_still_finds_its_socket(self) -> None:
        repeat_after(self, 0.1)
        self.run_client(lambda client: client.ping(PC, Status()), ends_at_once=False)
        _, source = self.link.recvfrom(2048)
        self.link.recvfrom(2048)  # the second try
        self.link.connect(source)
        self.link.send(b"success")
        self.assertTrue(self.returned.wait(LIMIT_S))
        self.link.send(b"success")
        self.assert_somebody_listens()

    def test_the_success_behind_a_list_still_finds_its_socket_at_the_clients_end(self) -> None:
        self.run_client(lambda client: client.files(), ends_at_once=True)
        _, source = self.link.recvfrom(2048)
        self.link.connect(source)
        self.link.send(LIST)
        self.assertTrue(self.returned.wait(LIMIT_S))
        self.link.send(b"success")
        self.assert_somebody_listens()

    def test_a_socket_whose_answers_all_came_is_closed_at_once(self) -> None:
        self.enterContext(mock.patch("roles.joining.tracker_asker.SECOND_S", LIMIT_S))
        client, _ = self.asked(room_of)
        for _ in range(20):
            client.files()
            client.ping(PC, Status())
            self.assertEqual(self.open_sockets(client), 0)

    def test_sockets_whose_answers_never_came_do_not_pile_up(self) -> None:
        self.assertEqual(LINGER_S, 5.0)
        client, _ = self.asked(lambda *_: [LIST])
        client.files()
        client.files()
        self.assertEqual(self.open_sockets(client), 2)
        for question in client._lingering:
            question.until = 0.0  # as five seconds later
        client.files()
        self.assertEqual(self.open_sockets(client), 1)
