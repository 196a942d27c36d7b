"""Places of browsers at a seeder: how many, of one host, and who goes when all are taken."""

from __future__ import annotations

import socket
import threading
from unittest import mock

from roles.net.throttle import Throttle
from roles.sharing.folder_library import FolderLibrary
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import ShortageError
from roles.web import http_connection
from roles.web.browser_uploads import BrowserUploads, Limits
from roles.web.seeder_site import SeederSite
from roles.worker import Worker
from tests.connections import over, tcp_pair
from tests.role_test import RoomTest
from tests.support import LIMIT_S, NEVER, wait_until

GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class BrowserUploadsTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        folder = self.make_folder("lesson", {"a": b"hello"})
        library = FolderLibrary(folder, None, lambda _: None, NEVER)
        self.is_waited_for = False
        self.site = SeederSite(library, lambda: Address(LOOPBACK, 12500), lambda: "", lambda: True)
        self.use()

    def use(self, patience_s: float = LIMIT_S, **limits: int) -> None:
        connection = http_connection.Limits(wait_s=0.02, patience_s=patience_s)
        self.browsers = BrowserUploads(
            self.site,
            Throttle(),
            lambda: self.is_waited_for,
            Limits(connection=connection, **limits),
        )
        self.addCleanup(self.browsers.join)
        self.addCleanup(self.browsers.stop)

    def browser(self, host: str = LOOPBACK) -> socket.socket:
        ours, theirs = self.enterContext(tcp_pair())
        theirs.settimeout(LIMIT_S)
        self.browsers.take(over(ours, Address(host, 1)))
        return theirs

    def idle(self, host: str = LOOPBACK) -> socket.socket:
        """A browser that has been answered and asks for nothing more."""
        sock = self.browser(host)
        sock.sendall(GET)
        self.assertTrue(sock.recv(9).startswith(b"HTTP/1.1"))
        wait_until(lambda: self.idle_count() > 0)
        return sock

    def idle_count(self) -> int:
        return sum(browser.serving.idle_since is not None for browser in self.browsers._browsers)

    def assert_refused(self, sock: socket.socket) -> None:
        said = sock.recv(4_096)
        self.assertTrue(said.startswith(b"HTTP/1.1 503 "), said)
        self.assertIn(b"\r\nRetry-After: ", said)

    def assert_left(self, sock: socket.socket) -> None:
        while sock.recv(4_096):
            pass

    def test_one_host_has_so_many_places_and_all_together_have_an_end(self) -> None:
        self.use(places=5, of_host=3)
        for _ in range(3):
            self.browser("10.0.0.1")
        self.assert_refused(self.browser("10.0.0.1"))
        for _ in range(2):
            self.browser("10.0.0.2")
        self.assert_refused(self.browser("10.0.0.3"))

    def test_who_was_idle_longest_makes_room(self) -> None:
        self.use(places=3)
        first, _busy = self.idle(), self.browser("10.0.0.2")
        second = self.idle("10.0.0.3")
        wait_until(lambda: self.idle_count() == 2)
        self.browser("10.0.0.4")
        self.assert_left(first)
        self.browser("10.0.0.5")
        self.assert_left(second)
        self.assert_refused(self.browser("10.0.0.6"))

    def test_so_does_one_whose_request_does_not_end(self) -> None:
        self.use(places=1, patience_s=0.0)
        slow = self.browser()
        slow.sendall(b"GET / HTT")
        wait_until(lambda: self.idle_count() == 1)
        self.idle("10.0.0.2")
        self.assert_left(slow)

    def test_a_full_host_makes_room_for_itself_only(self) -> None:
        self.use(of_host=1)
        other, own = self.idle("10.0.0.2"), self.idle("10.0.0.1")
        wait_until(lambda: self.idle_count() == 2)
        self.browser("10.0.0.1")
        self.assert_left(own)
        other.sendall(GET)
        self.assertTrue(other.recv(4_096))

    def test_a_place_is_free_again_when_its_browser_has_left(self) -> None:
        self.use(places=1)
        self.browser().close()
        wait_until(lambda: not self.browsers._browsers)
        self.idle()

    def test_fewer_downloads_are_sent_at_once_while_leechers_wait(self) -> None:
        self.assertEqual(self.browsers._most(), 8)
        self.is_waited_for = True
        self.assertEqual(self.browsers._most(), 2)

    def test_without_a_thread_the_browser_may_come_again(self) -> None:
        with mock.patch.object(Worker, "start", side_effect=ShortageError("no thread")):
            self.assert_refused(self.browser())
        self.assertFalse(self.browsers._browsers)

    def test_bytes_of_those_who_left_still_count(self) -> None:
        self.idle().close()
        wait_until(lambda: not self.browsers._browsers)
        uploads, sent = self.browsers.report(0.0)
        self.assertEqual(uploads, ())
        self.assertGreater(sent, 0)

    def test_all_end_when_it_stops(self) -> None:
        socks = [self.browser(), self.idle()]
        self.browsers.stop()
        self.browsers.join()
        for sock in socks:
            self.assert_left(sock)
        self.assertFalse(
            [thread for thread in threading.enumerate() if thread.name == "lmk-browser"]
        )
