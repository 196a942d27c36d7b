"""What browsers get at a tracker, over real sockets: pages, the program, the way to the seeders.

Whoever is slow, silent or hostile gets little, and holds nobody up.
"""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from roles.net.interfaces import own_name
from roles.room.list_server import Browsers
from roles.room.registry_entry import Origin
from roles.room.senders import Senders
from roles.values.addresses import LOOPBACK, Address
from roles.values.participants import Participant, Status
from roles.web import page, tracker_site
from roles.web.program_files import ProgramFiles
from roles.web.tracker_site import TrackerSite
from roles.wire.tracker_messages import Register
from roles.wire.tracker_wire import NOT_UNDERSTOOD
from tests.packing import LineAdded, packed_list
from tests.role_test import RoomTest
from tests.support import LIMIT_S, wait_until
from tests.test_bep15_wire import CONNECT, REQUEST
from tests.test_list_server import HERE, ID, PEER, SEEDER, SHARE, ListServerTestCase
from tests.test_page import HOSTILE, SHOWN
from tests.web_pages import WebPage

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = bytes(range(256)) * 8_192  # 2 MiB
FILE = f'["f","a.txt",1000,"{"ab" * 32}",262144,5,0]'
OTHER_FILE = f'["f","b.txt",500000,"{"cd" * 32}",262144,5,0]'
BROWSERS = '["w"]'
TORRENT = f'["t","{"ef" * 20}"]'
# Modules that a room of programs alone does not need.
LOADED = "import sys, ui.terminal.{0}_command, roles.{1}; print(*sys.modules)"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def answer_of(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = [line.split(": ", 1) for line in lines]
    names = [name.lower() for name, _ in headers]
    assert len(names) == len(set(names)), f"a header comes twice: {names}"
    return Answer(int(first.split()[1]), {name.lower(): value for name, value in headers}, body)


def read_all(sock: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while data := sock.recv(1 << 16):
            received += data
    return received


class TrackerSiteTestCase(ListServerTestCase):
    def for_browsers(self) -> Callable[[], Browsers]:
        self.program = self.folder / "lmktorrent"
        self.program.write_bytes(PROGRAM)
        self.opened = 0
        return self.open_site

    def open_site(self) -> Browsers:
        self.opened += 1
        programs = ProgramFiles(((self.program, "unix", "Linux (x86_64)"),))
        self.site = TrackerSite(
            self.registry, Senders(), lambda: self.participants, self.place, "teacher", programs
        )
        return self.site

    def send(self, data: bytes, source: str = LOOPBACK) -> bytes:
        with self.dial(source) as sock:
            sock.sendall(data)
            return read_all(sock)

    def ask(
        self,
        path: str = "/",
        *headers: str,
        method: str = "GET",
        host: str = "",
        source: str = LOOPBACK,
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or self.place}", *headers, "", ""]
        return answer_of(self.send("\r\n".join(lines).encode(), source))

    def offer(self, *lines: str) -> None:
        taken = self.tell(packed_list(map(LineAdded, lines)))
        self.assertTrue(taken.is_taken, taken)


class PagesTest(TrackerSiteTestCase):
    def test_the_first_page_has_the_folders_the_program_and_the_room(self) -> None:
        self.offer(FILE, OTHER_FILE, BROWSERS, TORRENT)
        self.participants = [Participant(SEEDER, time.monotonic(), name="pc", files=2)]
        answer = self.ask()
        read = WebPage(answer.body)
        self.assertIn("2 files, 501 kB, at 1 seeder", read.text)
        self.assertIn("Nobody has joined to download yet.", read.text)
        self.assertIn("at teacher", read.text)
        self.assertIn(hashlib.sha256(PROGRAM).hexdigest(), read.text)
        for link in (
            f"./s/{SHARE}/folder/",
            f"./z/{SHARE}/folder/folder.zip",
            f"./t/{SHARE}/folder.torrent",
            "./program/lmktorrent",
            "./room",
        ):
            self.assertIn(link, read.links)

    def test_every_page_has_the_policy_and_nothing_that_says_more(self) -> None:
        self.offer(FILE, BROWSERS)
        for path in ("/", "/room", "/nothing", f"/s/{SHARE}/", "/program/lmktorrent"):
            with self.subTest(path=path):
                headers = self.ask(path).headers
                self.assertTrue(headers["content-security-policy"].startswith("default-src 'none'"))
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertEqual(headers["referrer-policy"], "no-referrer")
                self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
                self.assertEqual(headers["connection"], "close")
                for name in ("server", "set-cookie", "access-control-allow-origin"):
                    self.assertNotIn(name, headers)
        headers = self.ask().headers
        self.assertIn(f"'sha256-{page.STYLE_SHA256}'", headers["content-security-policy"])
        self.assertEqual(headers["cache-control"], "no-store")

    def test_the_room_is_shown_with_each_computer(self) -> None:
        status = Status("downloading", machine="a" * 16, have=40, size=100)
        self.participants = [
            Participant(Address("10.0.0.7", 12501), time.monotonic(), True, False, "pc-7", status)
        ]
        read = WebPage(self.ask("/room").body)
        self.assertIn("pc-7", read.text)
        self.assertIn("40 %", read.text)

    def test_a_head_has_no_body(self) -> None:
        for path in ("/", "/nothing", "/program/lmktorrent"):
            with self.subTest(path=path):
                answer = self.ask(path, method="HEAD")
                self.assertEqual(answer.body, b"")
                self.assertEqual(
                    answer.headers["content-length"], self.ask(path).headers["content-length"]
                )

    def test_what_there_is_not_is_not_found(self) -> None:
        for path in ("/nothing", "/room/", "/program/", "/program/x", "/s", "//", "/..%2f", "/%00"):
            with self.subTest(path=path):
                self.assertEqual(self.ask(path).status, 404)

    def test_names_of_strangers_are_words(self) -> None:
        self.offer(FILE, BROWSERS)
        self.registry.room_list._shares[SHARE].folder = HOSTILE
        self.participants = [
            Participant(SEEDER, time.monotonic(), name=HOSTILE, status=Status(reason=HOSTILE))
        ]
        self.assertIn(SHOWN, WebPage(self.ask().body).text)
        self.assertIn(SHOWN[:30], WebPage(self.ask("/room").body).text)

    def test_a_large_room_is_shown_in_many_short_turns(self) -> None:
        self.limit(work_s=0.0)
        self.participants = [
            Participant(
                Address(f"10.0.{number >> 8}.{number & 255}", 12501),
                0.0,
                status=Status(machine=f"{number:016x}"),
            )
            for number in range(5_000)
        ]
        before = self.turns
        self.assertIn(b"And 4,800 more computers.", self.ask("/room").body)
        self.assertGreater(self.turns - before, 150)

    def test_a_page_comes_also_while_the_program_cannot_be_read(self) -> None:
        self.program.unlink()
        self.enterContext(self.assertLogs("roles.web", "WARNING"))
        self.assertIn("its own file cannot be read", WebPage(self.ask().body).text)
        self.assertEqual(self.ask("/program/lmktorrent").status, 404)

    def test_it_is_loaded_for_the_first_browser_and_never_before(self) -> None:
        self.fetch()
        self.assertEqual(self.opened, 0)
        self.ask()
        self.ask("/room")
        self.assertEqual(self.opened, 1)


class ProgramTest(TrackerSiteTestCase):
    PATH = "/program/lmktorrent"

    def test_it_is_given_as_a_file_that_is_never_shown(self) -> None:
        answer = self.ask(self.PATH)
        self.assertEqual((answer.status, answer.body), (200, PROGRAM))
        self.assertEqual(answer.headers["content-type"], "application/octet-stream")
        self.assertTrue(answer.headers["content-disposition"].startswith("attachment;"))
        self.assertIn("sandbox", answer.headers["content-security-policy"])
        self.assertEqual(answer.headers["etag"], f'"{hashlib.sha256(PROGRAM).hexdigest()}"')

    def test_a_download_that_broke_off_goes_on(self) -> None:
        answer = self.ask(self.PATH, "Range: bytes=1000000-")
        self.assertEqual((answer.status, answer.body), (206, PROGRAM[1_000_000:]))
        self.assertEqual(self.ask(self.PATH, "Range: bytes=9000000-").status, 416)
        etag = answer.headers["etag"]
        self.assertEqual(self.ask(self.PATH, f"If-None-Match: {etag}").status, 304)
        other = self.ask(self.PATH, "Range: bytes=5-", 'If-Range: "another"')
        self.assertEqual((other.status, other.body), (200, PROGRAM))

    def test_a_slow_reader_holds_nobody_up(self) -> None:
        with self.dial() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            slow.sendall(f"GET {self.PATH} HTTP/1.1\r\nHost: {self.place}\r\n\r\n".encode())
            self.assertEqual(slow.recv(4), b"HTTP")
            self.assertEqual(self.ask(self.PATH).body, PROGRAM)
            self.fetch()


class WayToSeedersTest(TrackerSiteTestCase):
    def way(self, path: str, **more: str) -> str:
        answer = self.ask(path, **more)
        self.assertEqual(answer.status, 307)
        return answer.headers["location"]

    def test_files_zips_and_torrents_are_at_the_seeder(self) -> None:
        self.offer(FILE, BROWSERS)
        for path in (
            f"/s/{SHARE}/",
            f"/s/{SHARE}/Woche%201/%C3%9C%23%3F.txt",
            f"/z/{SHARE}/folder/folder.zip",
            f"/t/{SHARE}/folder.torrent",
            f"/s/{SHARE}/many/?from=1000",
        ):
            with self.subTest(path=path):
                self.assertEqual(self.way(path), f"http://127.0.0.1:{SEEDER.port}{path}")

    def test_a_seeder_on_this_computer_is_at_the_host_that_the_reader_used(self) -> None:
        self.offer(FILE, BROWSERS)
        self.registry.register(
            Register(ID, SEEDER, PEER, "pc", False, shares=(SHARE,), everywhere=True),
            HERE,
            now=0.0,
        )
        name = f"{own_name()}.local"
        self.assertEqual(
            self.way(f"/s/{SHARE}/", host=f"{name}:12500"),
            f"http://{name.lower()}:{SEEDER.port}/s/{SHARE}/",
        )

    def test_no_line_break_gets_into_the_location(self) -> None:
        self.offer(FILE, BROWSERS)
        where = self.way(f"/s/{SHARE}/a%0d%0aSet-Cookie:%20a=b/?from=%0d%0ax")
        self.assertNotRegex(where, r"[\r\n ]")

    def obstacle(self) -> str:
        answer = self.ask(f"/s/{SHARE}/")
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        read = WebPage(self.ask().body)
        self.assertEqual([link for link in read.links if link.startswith("./s/")], [])
        said = re.findall("Only the program[^.]*", WebPage(answer.body).text)
        self.assertEqual(len(said), 1)
        self.assertIn(said[0], read.text)
        return str(said[0])

    def test_a_seeder_that_serves_no_browsers_is_never_named(self) -> None:
        self.offer(FILE)
        self.assertIn("its seeder serves no browsers", self.obstacle())

    def test_a_seeder_that_nobody_can_connect_to_is_never_named(self) -> None:
        self.offer(FILE, BROWSERS)
        key, program = next(iter(self.registry._programs.items()))
        program.is_here_only = False
        self.registry.note_reachable(key, False)
        self.assertIn("nobody can connect to its seeder", self.obstacle())

    def test_a_folder_whose_seeder_has_left_stays_on_the_page(self) -> None:
        self.offer(FILE, BROWSERS)
        self.registry.by_share.join(next(iter(self.registry._programs)), (SHARE,), is_leecher=True)
        self.registry._forget(next(iter(self.registry._programs)), 0.0)
        self.assertIn("its seeder has left", self.obstacle())

    def test_an_unknown_folder_is_not_found(self) -> None:
        self.assertEqual(self.ask(f"/s/{'0' * 16}/").status, 404)

    def test_copies_of_a_folder_are_one_and_lead_to_the_seeder_that_can_be_reached(self) -> None:
        self.offer(FILE)
        other = self.offer_copy(HERE)
        read = WebPage(self.ask().body)
        self.assertIn("1 file, 1 kB, at 2 seeders", read.text)
        self.assertIn(f"./s/{other}/folder/", read.links)
        self.assertNotIn(f"./s/{SHARE}/folder/", read.links)

    def test_a_copy_at_the_trackers_own_computer_comes_before_a_strangers(self) -> None:
        self.offer(FILE, BROWSERS)
        other = self.offer_copy(Origin("10.9.8.7", is_here=False))
        shares = self.registry.room_list._shares
        shares[SHARE] = shares.pop(SHARE)  # the other one was told first
        read = WebPage(self.ask().body)
        self.assertIn(f"./s/{SHARE}/folder/", read.links)
        self.assertNotIn(f"./s/{other}/folder/", read.links)

    def offer_copy(self, origin: Origin) -> str:
        """A second seeder offers the same folder; returns the id of its share."""
        other, port = "f" * 16, 12_502
        self.registry.register(
            Register(ID, Address(LOOPBACK, port), other, "pc", False, shares=(other,)),
            origin,
            now=0.0,
        )
        room_list = self.registry.room_list
        share = room_list._shares[SHARE]
        lines = {line: line for line in (FILE, BROWSERS)}
        owner = type(share.owner)(next(key for key in self.registry._programs if key.port == port))
        room_list._shares[other] = type(share)("folder", owner, 1, lines, share.sums)
        return other


class StrangersTest(TrackerSiteTestCase):
    def status(self, request: bytes) -> int:
        return answer_of(self.send(request)).status

    def test_only_this_computers_own_names_are_answered(self) -> None:
        for host in (
            "127.0.0.1",
            "192.168.1.5:12500",
            "localhost",
            own_name(),
            f"{own_name()}.local",
        ):
            with self.subTest(host=host):
                self.assertEqual(self.ask(host=host).status, 200)
        for host in (
            "evil.example",
            f"{own_name()}.evil.example",
            "127.0.0.1.evil.example",
            "[::1]",
        ):
            with self.subTest(host=host):
                self.assertEqual(self.ask(host=host).status, 421)

    def test_nothing_but_get_and_head_is_done(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"):
            with self.subTest(method=method):
                answer = self.ask(method=method)
                self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))

    def test_what_two_programs_could_read_differently_is_refused(self) -> None:
        host = f"Host: {self.place}\r\n".encode()
        for request in (
            b"GET / HTTP/1.1\n" + host + b"\n",
            b"GET / HTTP/1.1\r\n" + host + b"A: b\n\r\n",
            b"GET / HTTP/1.1\r\n" + host + host + b"\r\n",
            b"GET / HTTP/1.1\r\n" + host + b"A: b\r\n c\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + host + b"Content-Length: 5\r\n\r\nabcde",
            b"GET / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\n" + host + b"\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"A: b\n\r\n",
            b"HELLO\r\n\r\n",
        ):
            with self.subTest(request=request):
                self.assertEqual(self.status(request), 400)

    def test_a_head_without_end_is_refused(self) -> None:
        self.assertEqual(self.status(b"GET / HTTP/1.1\r\nA: " + b"b" * 9_000), 431)
        many = b"".join(b"H%d: a\r\n" % number for number in range(70))
        self.assertEqual(self.status(b"GET / HTTP/1.1\r\n" + many + b"\r\n"), 431)

    def test_of_several_requests_at_once_the_first_is_answered(self) -> None:
        request = f"GET /room HTTP/1.1\r\nHost: {self.place}\r\n\r\n".encode()
        received = self.send(request * 3)
        self.assertEqual(received.count(b"HTTP/1.1 200"), 1)

    def test_one_that_says_a_byte_at_a_time_is_answered_or_ended(self) -> None:
        request = f"GET /room HTTP/1.1\r\nHost: {self.place}\r\n\r\n".encode()
        with self.dial() as sock:
            for byte in request:
                sock.sendall(bytes([byte]))
            self.assertEqual(answer_of(read_all(sock)).status, 200)
        with self.dial() as sock:
            sock.sendall(request[:-1])
            self.now_ahead_s = tracker_site.REQUEST_S + 1.0
            self.assertEqual(read_all(sock), b"")

    def test_three_hundred_silent_and_slow_browsers_keep_nobody_from_the_list(self) -> None:
        self.offer(FILE, BROWSERS)
        begun = f"GET /program/lmktorrent HTTP/1.1\r\nHost: {self.place}\r\n".encode()
        for number in range(300):
            sock = self.dial(f"127.0.1.{number % 60 + 1}")
            with suppress(ConnectionError):
                sock.sendall((b"", b"G", begun, begun + b"\r\n")[number % 4])
        self.assertEqual(self.lines(), [FILE, BROWSERS])
        self.assertEqual(self.ask("/room", source="127.0.2.1").status, 200)

    def test_browsers_leave_room_for_readers_of_lists(self) -> None:
        self.limit(browsers=2, silent_s=600.0, crowd_s=600.0)
        slow = [self.dial(f"127.0.1.{number}") for number in (1, 2)]
        for sock in slow:
            sock.sendall(b"GET / HTTP")
        wait_until(lambda: sum(client.is_browser for client in self.server._clients) == 2)
        answer = self.ask("/room")
        self.assertEqual(answer.status, 503)
        self.assertIn("retry-after", answer.headers)
        self.fetch()
        slow[0].close()
        wait_until(lambda: len(self.server._clients) == 1)
        self.assertEqual(self.ask("/room").status, 200)

    def test_one_that_hangs_up_in_between_does_no_harm(self) -> None:
        request = f"GET /program/lmktorrent HTTP/1.1\r\nHost: {self.place}\r\n\r\n".encode()
        for length in (1, 30, len(request)):
            with self.dial() as sock:
                sock.sendall(request[:length])
        self.assertEqual(self.ask().status, 200)


class LoadingTest(RoomTest):
    def test_programs_load_nothing_of_it_at_their_start(self) -> None:
        for command, role in (("tracker", "tracker"), ("seed", "seeder"), ("get", "leecher")):
            with self.subTest(command=command):
                done = subprocess.run(
                    [sys.executable, "-c", LOADED.format(command, role)],
                    cwd=REPOSITORY,
                    capture_output=True,
                    text=True,
                    check=True,
                )
                loaded = [name for name in done.stdout.split() if name.startswith("roles.web.")]
                self.assertEqual(loaded, [])

    def first_bytes(self, address: Address) -> bytes:
        with socket.create_connection(address, LIMIT_S) as sock:
            sock.sendall(f"GET /room HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
            return read_all(sock)

    def test_a_tracker_serves_browsers_unless_it_is_told_not_to(self) -> None:
        self.assertTrue(self.first_bytes(self.tracker().address).startswith(b"HTTP/1.1 200 OK"))
        closed = self.tracker(door=False).address
        self.assertEqual(self.first_bytes(closed), b"")

    def test_nor_does_it_understand_bittorrent_programs_then(self) -> None:
        for door, connected in ((True, b"\0\0\0\0" + REQUEST), (False, NOT_UNDERSTOOD[:8])):
            with self.subTest(door=door), socket.socket(type=socket.SOCK_DGRAM) as sock:
                sock.settimeout(LIMIT_S)
                sock.sendto(CONNECT, self.tracker(door=door).address)
                self.assertEqual(sock.recv(64)[:8], connected)

    def test_nor_are_torrents_looked_at_that_seeders_tell(self) -> None:
        tracker = self.tracker(door=False).role
        with mock.patch.object(tracker._torrents, "expire") as expire:
            tracker._expire_at = 0.0
            wait_until(lambda: tracker._expire_at > 0.0)
        expire.assert_not_called()

    def test_what_cannot_be_loaded_ends_no_tracker(self) -> None:
        """The program's own file may be gone by now."""
        room = self.tracker().address
        with mock.patch.dict(sys.modules, {"roles.web.tracker_site": None}):
            self.assertEqual(self.first_bytes(room), b"")
        self.assertEqual(self.first_bytes(room), b"")
        self.seeder(self.make_folder("shared", {"a": b"x"}), room)
