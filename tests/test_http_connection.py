"""A browser's connection: what is answered when, and whom it does not wait for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from unittest import mock

from roles.net.throttle import Throttle
from roles.web.http_connection import LIMITS, HttpConnection, Limits
from roles.web.http_wire import HttpError, Request, text_answer
from roles.web.seeder_site import Answer, SeederSite
from roles.web.sending_turns import SendingTurns
from roles.worker import run_guarded
from tests.connections import over, tcp_pair
from tests.role_test import NEVER_S
from tests.support import LIMIT_S, LmkTestCase, wait_until

HOST = b"Host: 127.0.0.1\r\n"
MUCH = 64 * 1024 * 1024  # bytes, more than sockets keep on their way


def get(path: str, more: bytes = b"", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n".encode() + HOST + more + b"\r\n"


def answer(request: Request) -> Answer:
    """The path as text; below /many, as many bytes as the path says."""
    match request.segments:
        case ("many", digits):
            return Answer(b"%012d" % int(digits), zeros(int(digits)), "many")
        case ("missing",):
            raise HttpError(404, "Nothing.")
        case names:
            said = "/".join(names)
            return Answer(text_answer(request, 200, said))


def zeros(count: int) -> Generator[bytes, None, None]:
    while count:
        yield bytes(min(count, 100_000))
        count -= min(count, 100_000)


class HttpConnectionTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.throttle = Throttle()
        self.stopping = threading.Event()
        self.site = mock.create_autospec(SeederSite, instance=True)
        self.site.answer.side_effect = answer
        self.turns = SendingTurns(lambda: 8, 1.0)
        self.limits = LIMITS
        self.ended = threading.Event()

    def served(self, first: bytes = b"", size: int | None = None) -> socket.socket:
        """The browser's end of a connection that is served, with a receive buffer of that size."""
        ours, theirs = self.enterContext(tcp_pair())
        theirs.settimeout(LIMIT_S)
        if size is not None:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.serving = serving = HttpConnection(
            over(ours), self.site, self.turns, self.throttle, self.stopping, self.limits
        )

        def run() -> None:
            self.failure = run_guarded(serving.run)
            serving.connection.close()
            self.ended.set()

        thread = threading.Thread(target=run, name="lmk-test")
        self.addCleanup(thread.join)
        self.addCleanup(self.stopping.set)
        thread.start()
        theirs.sendall(first)
        return theirs

    def all_of(self, sock: socket.socket) -> bytes:
        """What comes until the other side closes."""
        data = b""
        while block := sock.recv(65_536):
            data += block
        return data

    def test_requests_that_come_at_once_are_answered_in_their_order(self) -> None:
        asked = get("/a") + get("/missing") + get("/b", b"Connection: close\r\n") + get("/never")
        said = self.all_of(self.served(asked))
        self.assertEqual(said.count(b"HTTP/1.1 "), 3)
        self.assertLess(said.index(b"\r\n\r\na\n"), said.index(b"404 Not Found"))
        self.assertTrue(said.endswith(b"\r\n\r\nb\n"))

    def test_a_connection_stays_open_between_requests(self) -> None:
        sock = self.served()
        for name in (b"a", b"b"):
            sock.sendall(get(f"/{name.decode()}"))
            said = b""
            while not said.endswith(b"\r\n\r\n" + name + b"\n"):
                said += sock.recv(1_024)
        wait_until(lambda: self.serving.idle_since is not None)

    def test_head_has_no_body(self) -> None:
        said = self.all_of(self.served(get("/a", b"Connection: close\r\n", "HEAD")))
        self.assertIn(b"Content-Length: 2\r\n", said)
        self.assertTrue(said.endswith(b"\r\n\r\n"))

    def test_what_is_no_request_is_told_so_even_if_much_follows(self) -> None:
        self.limits = Limits(refused_s=NEVER_S)
        body = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 30000\r\n\r\n" + bytes(30_000)
        for data, status in (
            (b"GET / HTTP/1.1\n\n", b"400"),
            (body, b"405"),
            (b"G" * 9000, b"431"),
        ):
            with self.subTest(status=status):
                sock = self.served(data)
                sock.shutdown(socket.SHUT_WR)
                self.assertTrue(self.all_of(sock).startswith(b"HTTP/1.1 " + status))

    def test_who_does_not_end_a_request_in_time_is_left(self) -> None:
        self.limits = Limits(request_s=0.3, between_s=NEVER_S, wait_s=0.02)
        self.assertEqual(self.all_of(self.served()), b"")
        self.assertEqual(self.all_of(self.served(b"GET / HT")), b"")
        sock = self.served(get("/a") + b"GET")
        self.assertTrue(self.all_of(sock).endswith(b"a\n"))

    def test_dripping_does_not_lengthen_the_time_for_a_request(self) -> None:
        self.limits = Limits(request_s=0.3, wait_s=0.02)
        sock = self.served()
        with self.assertRaises(OSError):
            for _ in range(10_000):
                sock.sendall(b"G")
                self.ended.wait(0.02)

    def test_who_is_silent_between_two_requests_is_left(self) -> None:
        self.limits = Limits(request_s=NEVER_S, between_s=0.1, wait_s=0.02)
        self.assertTrue(self.all_of(self.served(get("/a"))).endswith(b"a\n"))

    def test_who_takes_nothing_is_left_and_keeps_no_turn(self) -> None:
        self.limits = Limits(stall_s=0.4, wait_s=0.05)
        self.served(get(f"/many/{MUCH}"), size=4_096)
        self.assertTrue(self.ended.wait(LIMIT_S))
        self.assertIn("took nothing", str(self.failure))
        self.assertEqual(self.turns._taken, 0)

    def test_who_takes_a_little_now_and_then_may_lose_its_place(self) -> None:
        self.limits = Limits(patience_s=0.2, wait_s=0.05)
        sock = self.served(get(f"/many/{MUCH}"), size=4_096)
        while self.serving.idle_since is None:
            self.assertTrue(sock.recv(100))
            self.ended.wait(0.02)
        self.assertFalse(self.ended.is_set())

    def test_so_may_one_whose_request_does_not_end(self) -> None:
        self.limits = Limits(patience_s=0.2, wait_s=0.02)
        self.served(b"GET / HTT")
        wait_until(lambda: self.serving.idle_since is not None)
        self.assertFalse(self.ended.is_set())

    def test_while_it_takes_nothing_others_have_its_turn(self) -> None:
        self.limits = Limits(wait_s=0.05)
        self.turns = SendingTurns(lambda: 1, NEVER_S)
        self.served(get(f"/many/{MUCH}"), size=4_096)
        wait_until(lambda: self.site.answer.called)
        self.assertIsNotNone(self.turns.take(self.stopping))

    def test_who_takes_too_little_is_left(self) -> None:
        self.limits = Limits(slow_s=0.2, slowest=MUCH, wait_s=0.05)
        sock = self.served(get(f"/many/{MUCH}"), size=4_096)
        while not self.ended.is_set():
            sock.recv(1_000)
            self.ended.wait(0.02)
        self.assertIn("too slow", str(self.failure))

    def test_all_that_is_sent_counts_for_the_rate_limit(self) -> None:
        with mock.patch.object(Throttle, "wait", autospec=True) as wait:
            said = self.all_of(self.served(get("/many/1000000", b"Connection: close\r\n")))
        self.assertEqual(len(said), 1_000_012)
        self.assertEqual(sum(call.args[1] for call in wait.call_args_list), 1_000_012)

    def test_it_ends_soon_when_the_program_stops(self) -> None:
        for data in (b"", b"GET", get(f"/many/{MUCH}")):
            with self.subTest(data=data[:10]):
                self.stopping.clear()
                self.ended.clear()
                self.served(data, size=4_096)
                self.stopping.set()
                self.assertTrue(self.ended.wait(LIMIT_S))

    def test_a_downloads_title_is_known_while_it_runs(self) -> None:
        self.served(get(f"/many/{MUCH}"), size=4_096)
        wait_until(lambda: self.serving.title == "many")
