"""Lists over TCP, by a scripted tracker."""

from __future__ import annotations

import json
import socket
import threading
import zlib
from collections.abc import Callable
from unittest import mock

from roles.joining import list_client
from roles.joining.list_client import FetchedList, fetch_list, fetch_room, tell_list
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.participants import Participant
from roles.wire import list_wire
from roles.wire.list_wire import Taken, TellList
from roles.wire.room_wire import encode_participant
from tests.scripted_seeder import ScriptedSeeder
from tests.support import LIMIT_S, LmkTestCase

SHARE = "1" * 16
LINES = ['S["1111111111111111","maps"]', '+["d","a",0]', '+["d","é",0]']
TOLD = TellList(SHARE, "maps", "a" * 16, 12501, True, 0, 3, 0)
Play = Callable[[socket.socket], None]


def packed(*lines: str) -> bytes:
    return zlib.compress("".join(line + "\n" for line in lines).encode())


def first_line(sock: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        data += sock.recv(1)
    return data


class ListClientTestCase(LmkTestCase):
    def tracker(self, play: Play) -> TrackerLocator:
        return TrackerLocator(Address(*self.enterContext(ScriptedSeeder(play)).address))

    def answering(self, answer: bytes, *parts: bytes) -> TrackerLocator:
        """A tracker that answers so, whatever it is asked."""

        def play(sock: socket.socket) -> None:
            self.call = first_line(sock)
            for part in (answer, *parts):
                sock.sendall(part)

        return self.tracker(play)

    def whole(self, data: bytes, **fields: object) -> TrackerLocator:
        line = {"lmk": 2, "version": "ab-3", "whole": True, "packed": len(data)} | fields
        return self.answering(json.dumps(line).encode() + b"\n", data)


class FetchTest(ListClientTestCase):
    def test_a_whole_list_and_changes_are_fetched(self) -> None:
        tracker = self.whole(packed(*LINES))
        self.assertEqual(fetch_list(tracker, ""), FetchedList("ab-3", True, tuple(LINES)))
        self.assertEqual(json.loads(self.call), {"lmk": 2, "ask": "list", "since": ""})
        tracker = self.whole(packed(), whole=False)
        self.assertEqual(fetch_list(tracker, "ab-2"), FetchedList("ab-3", False, ()))
        self.assertEqual(json.loads(self.call)["since"], "ab-2")

    def test_a_list_that_comes_byte_by_byte_is_the_same(self) -> None:
        data = packed(*LINES)
        line = b'{"lmk":2,"version":"ab-3","whole":true,"packed":%d}\n' % len(data)

        def play(sock: socket.socket) -> None:
            first_line(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in line + data:
                sock.sendall(bytes([byte]))

        self.assertEqual(fetch_list(self.tracker(play), "").lines, tuple(LINES))

    def test_a_long_list_is_fetched(self) -> None:
        lines = [LINES[0], *(f'+["d","{number}",0]' for number in range(100_000))]
        self.assertEqual(fetch_list(self.whole(packed(*lines)), "").lines, tuple(lines))

    def test_whatever_is_wrong_is_one_sentence(self) -> None:
        data = packed(*LINES)
        too_long = packed("+" + "x" * 5_000)
        for locator in (
            self.whole(data, packed=len(data) + 1),
            self.whole(data, packed=len(data) - 1),
            self.whole(data + b"more", packed=len(data) + 4),
            self.whole(b"not packed"),
            self.whole(too_long),
            self.whole(data, packed=1 << 40),
            self.whole(data, version=7),
            self.answering(b""),
            self.answering(b"x" * 10_000),
            self.answering(b"success\n"),
            self.answering(b'{"lmk":2,"taken":true}\n'),
            TrackerLocator(Address("127.0.0.1", self.free_port("tcp"))),
        ):
            with self.subTest(locator.shown), self.assertRaises(TrackerSilentError) as raised:
                fetch_list(locator, "")
            said = f"The list of the tracker {locator.shown}"
            self.assertTrue(str(raised.exception).startswith(said))

    def test_a_list_of_more_lines_than_a_room_has_is_dropped(self) -> None:
        bomb = self.whole(zlib.compress(b"+\n" * (list_client.MAX_LINES + 1)))
        with self.assertRaisesRegex(TrackerSilentError, "more than 412064 lines"):
            fetch_list(bomb, "")

    def test_a_list_that_unpacks_to_more_than_the_limit_is_dropped(self) -> None:
        with mock.patch.object(list_wire.Unpacker, "__init__", self.small_unpacker()):
            tracker = self.whole(packed(*["+" + "x" * 1_000] * 1_000))
            with self.assertRaisesRegex(TrackerSilentError, "too long"):
                fetch_list(tracker, "")

    def small_unpacker(self) -> Callable[..., None]:
        made = list_wire.Unpacker.__init__
        return lambda unpacker: made(unpacker, most=100_000)

    def test_a_tracker_that_says_nothing_is_given_up(self) -> None:
        is_over = threading.Event()
        self.addCleanup(is_over.set)

        def play(_: socket.socket) -> None:
            is_over.wait(LIMIT_S)

        tracker = self.tracker(play)
        with (
            mock.patch.object(list_client, "PATIENCE_S", 0.05),
            self.assertRaisesRegex(TrackerSilentError, "takes too long"),
        ):
            fetch_list(tracker, "")
        is_over.set()

    def test_who_stops_waits_no_longer(self) -> None:
        is_over, stopping = threading.Event(), threading.Event()
        self.addCleanup(is_over.set)

        def play(sock: socket.socket) -> None:
            first_line(sock)
            stopping.set()
            is_over.wait(LIMIT_S)

        locator = self.tracker(play)
        locator.stopping = stopping
        with self.assertRaisesRegex(TrackerSilentError, "this program stops"):
            fetch_list(locator, "")
        is_over.set()


class TellTest(ListClientTestCase):
    def test_a_list_is_told_and_taken(self) -> None:
        lines = [f'+["d","folder {number}",0]' for number in range(20_000)]
        heard = list[bytes]()

        def play(sock: socket.socket) -> None:
            heard.append(first_line(sock))
            size = json.loads(heard[0])["packed"]
            while sum(map(len, heard[1:])) < size:
                heard.append(sock.recv(10_000))
            sock.sendall(b'{"lmk":2,"taken":true}\n')

        self.assertEqual(tell_list(self.tracker(play), TOLD, lines), Taken(True))
        self.assertEqual(zlib.decompress(b"".join(heard[1:])).decode().splitlines(), lines)
        self.assertEqual(
            json.loads(heard[0]) | {"packed": 0},
            {
                "lmk": 2,
                "tell": "list",
                "share": SHARE,
                "folder": "maps",
                "peer": "a" * 16,
                "port": 12501,
                "whole": True,
                "base": 0,
                "revision": 3,
                "packed": 0,
            },
        )

    def test_one_line_of_a_room_that_cannot_be_read_hides_no_other(self) -> None:
        line = encode_participant(Participant(Address("10.0.0.7", 1), 0.0), now=0.0)
        data = packed(line, line.replace('"up":0', '"up":-1'), line)
        tracker = self.answering(b'{"lmk":2,"room":%d}\n' % len(data), data)
        self.assertEqual(len(fetch_room(tracker)), 2)

    def test_a_refusal_is_told_with_its_code(self) -> None:
        tracker = self.answering(b'{"lmk":2,"taken":false,"code":"whole","text":"all of it"}\n')
        self.assertEqual(tell_list(tracker, TOLD, []), Taken(False, "whole", "all of it"))

    def test_a_refusal_that_comes_before_all_was_sent_is_heard(self) -> None:
        lines = [f"+{number * 7919}" for number in range(300_000)]
        tracker = self.answering(b'{"lmk":2,"taken":false,"code":"full","text":"no room"}\n')
        try:
            self.assertEqual(tell_list(tracker, TOLD, lines).code, "full")
        except TrackerSilentError:  # the answer was lost when it closed with bytes unread
            return

    def test_a_list_that_no_tracker_takes_is_not_sent(self) -> None:
        with mock.patch.object(list_client, "MAX_PACKED", 10):
            taken = tell_list(TrackerLocator(Address("127.0.0.1", 1)), TOLD, ['+["d","a",0]'])
        self.assertEqual((taken.is_taken, taken.code), (False, "full"))

    def test_what_is_no_answer_is_a_sentence(self) -> None:
        for answer in (b"", b"\n", b'{"lmk":2,"version":"a","whole":true,"packed":0}\n'):
            with self.subTest(answer=answer), self.assertRaises(TrackerSilentError):
                tell_list(self.answering(answer), TOLD, [])
