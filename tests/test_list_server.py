"""Lists over TCP on real sockets: fetched, told, and no client holds up the loop."""

from __future__ import annotations

import json
import random
import selectors
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any
from unittest import mock

from roles.net.listening import Listener
from roles.room import cached_answer
from roles.room.connection_server import Limits
from roles.room.list_server import Browsers, ListLimits, ListServer
from roles.room.packed_lists import PackedLists
from roles.room.registry import Registry
from roles.room.registry_entry import Origin
from roles.room.senders import Senders
from roles.values.addresses import Address
from roles.values.participants import Participant, Status
from roles.wire.list_wire import (
    MAX_PACKED,
    AskList,
    AskRoom,
    ListFollows,
    Reply,
    RoomFollows,
    ShareOpened,
    Taken,
    TellList,
    Unpacker,
    decode_reply,
    encode_call,
)
from roles.wire.room_wire import decode_participant, encode_participant
from roles.wire.tracker_messages import Ping, Register
from tests.packing import LineAdded, LineRemoved, decode_entry, packed_list
from tests.support import LIMIT_S, LmkTestCase, wait_until

ID = "0123456789abcdef"
PEER = "fedcba9876543210"
SHARE = "00112233445566aa"
SEEDER = Address("127.0.0.1", 12501)
HERE = Origin("127.0.0.1", is_here=True)
LIMITS = Limits()
BYTE_PAUSE_S = 0.002


class ListServerTestCase(LmkTestCase):
    shares: tuple[str, ...] = ()  # of the seeder, beside SHARE

    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()
        self.register()
        listener = self.enterContext(Listener(socket.create_server(("127.0.0.1", 0))))
        self.place = listener.address
        selector = self.enterContext(selectors.DefaultSelector())
        self.participants = list[Participant]()
        self.server = ListServer(
            listener,
            selector,
            self.registry,
            Senders(),
            lambda: self.participants,
            self.for_browsers(),
        )
        self.now_ahead_s = 0.0
        self.turns = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, args=(selector,), name="lmk-test-lists")
        self._thread.start()
        self.addCleanup(self._stop)

    def for_browsers(self) -> Callable[[], Browsers] | None:
        """They get nothing in these tests."""
        return None

    def limit(self, **limits: Any) -> None:
        self.server.limits = self.server.limits._replace(**limits)

    def register(self, instance: str = PEER, *, is_leecher: bool = False) -> None:
        request = Register(ID, SEEDER, instance, "pc", is_leecher, shares=(SHARE, *self.shares))
        self.registry.register(request, HERE, now=0.0)

    def register_share(self, share: str) -> None:
        """The seeder names one more share."""
        self.shares = (*self.shares, share)
        self.register()

    def _loop(self, selector: selectors.BaseSelector) -> None:
        is_busy = False
        while not self._end.is_set():
            ready = selector.select(0 if is_busy else 0.01)
            for key, _ in ready:
                key.data()
            is_busy = self.server.work()
            self.server.expire(now=time.monotonic() + self.now_ahead_s)
            self.turns += 1
        self.server.close()

    def _stop(self) -> None:
        self._end.set()
        self._thread.join(LIMIT_S)

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        sock = socket.create_connection(self.place, LIMIT_S, (source, 0))
        return self.enterContext(sock)

    def reply(self, sock: socket.socket) -> tuple[Reply, bytes]:
        """What came until the tracker closed."""
        received = b""
        while data := sock.recv(1 << 16):
            received += data
        line, _, rest = received.partition(b"\n")
        return decode_reply(line), rest

    def tell(
        self,
        body: bytes,
        *,
        packed: int | None = None,
        whole: bool = True,
        base: int = 0,
        peer: str = PEER,
        port: int = 12501,
    ) -> Taken:
        size = len(body) if packed is None else packed
        call = TellList(SHARE, "folder", peer, port, whole, base, base + 1, size)
        with self.dial() as sock:
            sock.sendall(encode_call(call) + body)
            reply, rest = self.reply(sock)
        assert isinstance(reply, Taken)
        self.assertEqual(rest, b"")
        return reply

    def fetch(self, since: str = "") -> tuple[ListFollows, list[str]]:
        with self.dial() as sock:
            sock.sendall(encode_call(AskList(since)))
            reply, rest = self.reply(sock)
        assert isinstance(reply, ListFollows)
        self.assertEqual(len(rest), reply.packed)
        unpacker = Unpacker()
        lines = list(unpacker.lines(rest))
        unpacker.end()
        return reply, lines

    def lines(self) -> list[str]:
        """Those of the one share, as a reader gets them."""
        return [text[1:] for text in self.fetch()[1] if text.startswith("+")]


class ListsTest(ListServerTestCase):
    def test_a_told_list_is_fetched_and_then_only_what_changed(self) -> None:
        self.assertEqual(self.tell(packed_list([LineAdded("a"), LineAdded("b")])), Taken(True))
        follows, texts = self.fetch()
        self.assertTrue(follows.is_whole)
        opened = ShareOpened(SHARE, "folder")
        entries = [decode_entry(text) for text in texts]
        self.assertEqual(entries, [opened, LineAdded("a"), LineAdded("b")])
        changes = packed_list([LineRemoved("a"), LineAdded("c")])
        self.assertEqual(self.tell(changes, whole=False, base=1), Taken(True))
        follows, texts = self.fetch(follows.version)
        self.assertFalse(follows.is_whole)
        entries = [decode_entry(text) for text in texts]
        self.assertEqual(entries, [opened, LineRemoved("a"), LineAdded("c")])
        self.assertEqual(self.fetch(follows.version)[1], [])

    def test_only_a_registered_seeder_with_that_share_may_tell_it(self) -> None:
        body = packed_list([LineAdded("a")])
        self.assertEqual(self.tell(body, peer=ID).code, "unknown")
        self.assertEqual(self.tell(body, port=12502).code, "unknown")
        self.register(is_leecher=True)
        self.assertEqual(self.tell(body).code, "unknown")
        self.register()
        ping = Ping(ID, SEEDER, PEER, Status("available", ("0000000000000001",)))
        self.registry.hear(ping, HERE.ip, now=0.0)
        self.assertEqual(self.tell(body).code, "unknown")

    def test_changes_without_the_list_before_are_answered_that_the_whole_is_needed(self) -> None:
        self.assertEqual(self.tell(packed_list([LineAdded("a")]), whole=False).code, "whole")

    def test_a_list_that_cannot_be_taken_is_refused_though_all_of_it_was_sent(self) -> None:
        body = zlib.compress(b"".join(b"+%d\n" % number for number in range(300_000)), 0)
        self.assertGreater(len(body), 2_000_000)
        self.assertEqual(self.tell(body, port=12502).code, "unknown")

    def test_a_hundred_thousand_lines_are_told_and_fetched_in_many_short_turns(self) -> None:
        self.limit(work_s=0.0)
        lines = [f'["f","folder/file {number:06}.txt",{number}]' for number in range(100_000)]
        body = packed_list(map(LineAdded, lines))
        self.assertEqual(self.tell(body), Taken(True))
        told = self.turns
        self.assertEqual(self.lines(), lines)
        fetched = self.turns
        self.assertEqual(self.tell(body), Taken(True))
        for turns in (told, fetched - told, self.turns - fetched):
            self.assertGreater(turns, 60)

    def test_many_readers_at_once_all_get_it(self) -> None:
        self.tell(packed_list(LineAdded(f"{number}") for number in range(20_000)))
        socks = list[socket.socket]()
        for number in range(LIMITS.clients + 20):
            socks.append(self.dial(f"127.0.0.{number // LIMITS.clients_here + 1}"))
            socks[-1].sendall(encode_call(AskList()))
        sizes = set()
        for sock in socks:
            reply, rest = self.reply(sock)
            sock.close()
            assert isinstance(reply, ListFollows)
            self.assertEqual(len(rest), reply.packed)
            sizes.add(len(rest))
        self.assertEqual(len(sizes), 1)


class RoomTest(ListServerTestCase):
    def room(self) -> list[Participant]:
        with self.dial() as sock:
            sock.sendall(encode_call(AskRoom()))
            reply, rest = self.reply(sock)
        assert isinstance(reply, RoomFollows)
        self.assertEqual(len(rest), reply.packed)
        lines = list(Unpacker().lines(rest))
        return [decode_participant(line, now=time.monotonic()) for line in lines]

    def test_whoever_asks_is_told_who_is_in_the_room(self) -> None:
        self.participants = [
            Participant(SEEDER, time.monotonic(), name=f"pc {number}") for number in range(1_000)
        ]
        self.assertEqual(
            [participant.name for participant in self.room()], [f"pc {n}" for n in range(1_000)]
        )

    def test_many_who_ask_at_once_cost_one_room(self) -> None:
        self.participants = [Participant(SEEDER, time.monotonic())]
        self.enterContext(mock.patch.object(cached_answer, "KEPT_S", 60.0))
        self.assertEqual(len(self.room()), 1)
        self.participants = []
        self.assertEqual(len(self.room()), 1)
        self.server._room._until = 0.0
        self.assertEqual(self.room(), [])

    def test_those_who_ask_while_a_huge_room_is_packed_cost_one_room(self) -> None:
        packed = list[str]()
        self.enterContext(mock.patch.object(cached_answer, "KEPT_S", 60.0))  # for who is late

        def encoded(participant: Participant, *, now: float) -> str:
            packed.append(participant.name)
            return encode_participant(participant, now=now)

        self.participants = [
            Participant(SEEDER, time.monotonic(), name=f"{number}") for number in range(2_000)
        ]
        with mock.patch("roles.room.list_server.encode_participant", encoded):
            socks = [self.dial() for _ in range(8)]
            for sock in socks:
                sock.sendall(encode_call(AskRoom()))
            for sock in socks:
                reply, rest = self.reply(sock)
                sock.close()
                assert isinstance(reply, RoomFollows)
                self.assertEqual(len(list(Unpacker().lines(rest))), 2_000)
        self.assertEqual(len(packed), 2_000)

    def test_a_room_for_which_memory_runs_out_is_packed_anew(self) -> None:
        self.participants = [Participant(SEEDER, time.monotonic(), name="before")]
        self.room()
        self.server._room._until = 0.0
        self.participants = [
            Participant(SEEDER, time.monotonic(), name=f"{number}") for number in range(1_000)
        ]
        is_short = True

        def encoded(participant: Participant, *, now: float) -> str:
            nonlocal is_short
            if is_short and participant.name == "500":
                is_short = False
                raise MemoryError
            return encode_participant(participant, now=now)

        with mock.patch("roles.room.list_server.encode_participant", encoded):
            unlucky = self.dial()
            unlucky.sendall(encode_call(AskRoom()))
            self.assertEqual(unlucky.recv(1), b"")
            self.assertEqual(
                [participant.name for participant in self.room()], [f"{n}" for n in range(1_000)]
            )


class ShortTurns(ListServerTestCase):
    """Between two turns the tracker answers datagrams."""

    def setUp(self) -> None:
        super().setUp()
        self.limit(work_s=0.0)

    def turns_of(self, body: bytes, code: str = "") -> int:
        """In how many turns the loop takes this list."""
        began = self.turns
        self.assertEqual(self.tell(body).code, code)
        return self.turns - began

    def test_long_lines_are_taken_and_packed_a_few_at_a_time(self) -> None:
        lines = [f"{number:04}" + "x" * 4_000 for number in range(4_000)]
        size = sum(map(len, lines))
        self.assertGreater(self.turns_of(packed_list(map(LineAdded, lines))), size / 150_000)
        began = self.turns
        self.assertEqual(self.lines(), lines)
        self.assertGreater(self.turns - began, size / 150_000)

    def test_bytes_that_hold_no_line_are_taken_a_few_at_a_time(self) -> None:
        empty = b"\x78\x9c" + b"\0\0\0\xff\xff" * 400_000  # blocks of nothing
        self.assertGreater(self.turns_of(empty, "refused"), len(empty) / 150_000)

    def test_many_clients_share_one_turn(self) -> None:
        """All of them together must not make it longer."""
        steps = list[int]()
        step, count = self.server._step, 0

        def counted(client: object) -> None:
            nonlocal count
            count += 1
            step(client)  # type: ignore[arg-type]

        work = self.server.work

        def counted_work() -> bool:
            nonlocal count
            count = 0
            is_busy = work()
            steps.append(count)
            return is_busy

        self.enterContext(mock.patch.object(self.server, "_step", counted))
        self.enterContext(mock.patch.object(self.server, "work", counted_work))
        for number in range(5):
            self.register_share(f"{number:016}")
        body = packed_list(LineAdded(f"{number}") for number in range(5_000))
        socks = [self.dial() for _ in range(5)]
        for number, sock in enumerate(socks):
            call = TellList(f"{number:016}", "f", PEER, 12501, True, 0, 1, len(body))
            sock.sendall(encode_call(call) + body)
        for sock in socks:
            self.assertEqual(self.reply(sock)[0], Taken(True))
            sock.close()
        self.assertEqual(max(steps), 1)


class HostileClientsTestCase(ListServerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.tell(packed_list([LineAdded("honest")]))

    def tearDown(self) -> None:
        self.assertEqual(self.lines(), ["honest"])
        super().tearDown()

    def assert_hung_up(self, sock: socket.socket) -> None:
        try:
            self.assertEqual(sock.recv(1 << 16), b"")
        except ConnectionError:
            return

    def wait_for_clients(self, count: int) -> None:
        wait_until(lambda: len(self.server._clients) == count, LIMIT_S, "they are not accepted")


class HostileClients(HostileClientsTestCase):
    def test_slow_readers_of_many_versions_take_a_bounded_part_of_the_memory(self) -> None:
        noise = random.Random(1)
        text = [f"{noise.getrandbits(8_000):x}" for _ in range(5_000)]  # more than buffers hold
        body = packed_list(map(LineAdded, text))
        self.assertTrue(self.tell(body).is_taken)
        size = self.fetch()[0].packed
        self.server.list_limits = ListLimits(unread=3 * size)
        slow = list[socket.socket]()
        for number in range(6):
            self.tell(packed_list([LineAdded(str(number))]), whole=False, base=number + 1)
            slow.append(self.dial("127.0.0.2"))
            slow[-1].sendall(encode_call(AskList()))
            self.assertTrue(slow[-1].recv(1))
        self.assertLessEqual(len(self.server._readers), 3)
        self.assertGreater(self.fetch()[0].packed, size)
        for sock in slow:
            sock.close()
        self.tell(packed_list([LineAdded("honest")]))

    def test_who_hangs_up_or_talks_on_is_not_packed_for(self) -> None:
        lists, begun = self.server._lists, threading.Event()
        self.enterContext(
            mock.patch.object(lists, "work", lambda: begun.is_set() and PackedLists.work(lists))
        )
        for words in (b"", b"more"):
            with self.dial() as sock:
                sock.sendall(encode_call(AskList()))
                wait_until(lambda: bool(lists._queue), LIMIT_S, "it was not asked for")
                sock.sendall(words)
                if words:
                    self.assert_hung_up(sock)
            wait_until(lambda: not lists._queue, LIMIT_S, "it is packed for nobody")
        begun.set()

    def test_one_that_says_a_byte_at_a_time_holds_nobody_up(self) -> None:
        sock = self.dial()
        for byte in encode_call(AskList())[:-1]:
            sock.sendall(bytes([byte]))
            time.sleep(BYTE_PAUSE_S)
        self.fetch()
        sock.sendall(b"\n")
        self.assertIsInstance(self.reply(sock)[0], ListFollows)

    def test_a_line_without_end_is_hung_up_on(self) -> None:
        sock = self.dial()
        sock.sendall(b"{" * 5_000)
        self.assert_hung_up(sock)

    def test_nonsense_is_hung_up_on(self) -> None:
        for line in (b"\n", b"request_connection\n", b"\xff\n", b"[]\n", b"GET / HTTP/1.0\r\n\r\n"):
            with self.subTest(line=line):
                sock = self.dial()
                sock.sendall(line)
                self.assert_hung_up(sock)

    def test_a_bomb_is_refused(self) -> None:
        bomb = zlib.compress((b"+" + b"a" * 4_000 + b"\n") * 20_000, 9)
        self.assertIn(self.tell(bomb).code, ("refused", "full"))
        self.assertEqual(self.tell(zlib.compress(bytes(80_000_000), 9)).code, "refused")

    def test_lines_that_are_none_are_refused(self) -> None:
        for text in (b"\n", b"a\n", b"+\n", b"-a\n", b"+\xff\n", b"+a", b"+" * 9_000 + b"\n"):
            with self.subTest(text=text[:9]):
                self.assertEqual(self.tell(zlib.compress(text)).code, "refused")
        self.assertEqual(self.tell(b"not packed").code, "refused")

    def test_a_wrong_size_is_refused(self) -> None:
        body = packed_list([LineAdded("a")])
        self.assertEqual(self.tell(body + b"more", packed=len(body)).code, "refused")
        self.assertEqual(self.tell(body, packed=len(body) - 1).code, "refused")
        self.assertEqual(self.tell(b"").code, "refused")
        call = TellList(SHARE, "folder", PEER, 12501, True, 0, 1, len(body) + 1)
        sock = self.dial()
        sock.sendall(encode_call(call) + body)
        sock.shutdown(socket.SHUT_WR)
        self.assert_hung_up(sock)

    def test_a_size_over_the_limit_is_refused_before_the_list_comes(self) -> None:
        for packed in (MAX_PACKED + 1, 1 << 50):
            refused = self.tell(b"", packed=packed)
            self.assertEqual(refused.code, "refused")
            self.assertIn(str(MAX_PACKED), refused.text)

    def test_a_size_that_is_none_is_hung_up_on(self) -> None:
        line = {"lmk": 2, "tell": "list", "share": SHARE, "folder": "a", "peer": PEER}
        line |= {"port": 12501, "whole": True, "base": 0, "revision": 1}
        for packed in (-1, True, "9", None, (1 << 50) + 1):
            with self.subTest(packed=packed):
                sock = self.dial()
                sock.sendall(json.dumps(line | {"packed": packed}).encode() + b"\n")
                self.assert_hung_up(sock)
        sock = self.dial()
        sock.sendall(json.dumps(line).encode() + b"\n")
        self.assert_hung_up(sock)

    def test_hanging_up_at_any_byte_leaves_nothing_behind(self) -> None:
        body = packed_list([LineAdded("a"), LineAdded("b")])
        call = TellList(SHARE, "folder", PEER, 12501, True, 0, 1, len(body))
        words = encode_call(call) + body
        for end in range(0, len(words) - 1, 3):
            with socket.create_connection(self.place, LIMIT_S) as sock:
                sock.sendall(words[:end])
        with socket.create_connection(self.place, LIMIT_S) as sock:
            sock.sendall(encode_call(AskList()))

        def is_taken() -> bool:
            return self.tell(packed_list([LineAdded("honest")])).is_taken

        wait_until(is_taken, LIMIT_S, "a list of somebody who left is still arriving")

    def test_one_list_of_a_share_at_a_time(self) -> None:
        body = packed_list([LineAdded("honest")])
        call = TellList(SHARE, "folder", PEER, 12501, True, 0, 1, len(body))
        first = self.dial()
        first.sendall(encode_call(call) + body[:3])
        wait_until(lambda: self.tell(body).code == "busy", LIMIT_S, "the first did not begin")
        first.sendall(body[3:])
        self.assertEqual(self.reply(first)[0], Taken(True))
        self.assertEqual(self.tell(body), Taken(True))

    def test_who_changes_its_lists_all_the_time_is_told_to_wait(self) -> None:
        request = Register(ID, SEEDER, PEER, "pc", False, shares=(SHARE,))
        elsewhere = Origin("127.0.0.1", is_here=False)
        self.registry.register(request, elsewhere, now=time.monotonic())
        self.server.list_limits = ListLimits(lines_of_a_list=0.01)
        body = packed_list([LineAdded("a"), LineAdded("b")])
        self.assertEqual(self.tell(body), Taken(True))
        version = self.registry.room_list.version
        self.assertEqual(self.tell(packed_list([LineAdded("c")])).code, "busy")
        self.assertEqual(self.registry.room_list.version, version)
        self.register()  # the tracker's own machine is exempt
        self.assertEqual(self.tell(packed_list([LineAdded("honest")])), Taken(True))

    def test_a_list_that_stands_still_makes_way_for_the_same_told_anew(self) -> None:
        body = packed_list([LineAdded("honest")])
        call = TellList(SHARE, "folder", PEER, 12501, True, 0, 1, len(body))
        first = self.dial()
        first.sendall(encode_call(call) + body[:3])
        wait_until(lambda: bool(self.server._uploads), LIMIT_S, "the first did not begin")
        self.limit(stalled_s=0.0)
        self.assertEqual(self.tell(body), Taken(True))
        self.assert_hung_up(first)
        self.assertEqual(self.lines(), ["honest"])


class ShortageTest(ListServerTestCase):
    def test_a_list_for_which_there_is_no_memory_ends_that_connection_alone(self) -> None:
        with mock.patch.object(ListServer, "_send_list", side_effect=MemoryError):
            unlucky = self.dial()
            unlucky.sendall(encode_call(AskList("")))
            self.assertEqual(unlucky.recv(1), b"")
        self.fetch()
