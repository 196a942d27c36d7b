"""The tracker's TCP connections: who has a place, and who loses it when another comes."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from typing import cast

from roles.net.connection import Connection
from roles.net.listening import Listener
from roles.room.connection_server import Limits
from roles.wire.list_wire import (
    MAX_PACKED,
    AskList,
    ListFollows,
    Taken,
    TellList,
    encode_call,
)
from tests.packing import LineAdded, packed_list
from tests.support import LIMIT_S, wait_until
from tests.test_list_server import PEER, SHARE, HostileClientsTestCase, ListServerTestCase

LIMITS = Limits()
NEVER_S = 600.0  # a patience that no test waits for
BYTE_PAUSE_S = 0.002
ZLIB_HEADER, EMPTY_BLOCK = b"x\x9c", b"\0\0\0\xff\xff"  # of a packed list that never ends


class PlacesTest(HostileClientsTestCase):
    def test_a_silent_one_is_hung_up_on_after_its_time(self) -> None:
        sock = self.dial()
        self.fetch()
        self.now_ahead_s = LIMITS.call_s
        self.assert_hung_up(sock)
        self.now_ahead_s = 0.0

    def fill(self, words: bytes = b"") -> list[socket.socket]:
        """Take every place, from as many addresses as that needs."""
        self.wait_for_clients(0)
        hosts = LIMITS.clients // LIMITS.clients_here
        socks = list[socket.socket]()
        for number in range(LIMITS.clients):
            socks.append(self.dial(f"127.0.1.{number % hosts}"))
            socks[-1].sendall(words)
        self.wait_for_clients(LIMITS.clients)
        return socks

    def assert_served(self, source: str = "127.0.0.1") -> None:
        sock = self.dial(source)
        sock.sendall(encode_call(AskList()))
        self.assertIsInstance(self.reply(sock)[0], ListFollows)
        sock.close()

    def test_silent_ones_on_every_place_only_delay_the_others(self) -> None:
        socks = self.fill()
        socks[0].sendall(b"{")
        self.assert_served()
        for sock in socks:
            sock.close()

    def test_one_that_stands_still_on_the_last_place_goes_when_another_comes(self) -> None:
        self.limit(silent_s=NEVER_S, stalled_s=NEVER_S)
        socks = self.fill(b"{")
        later = self.dial()
        later.sendall(encode_call(AskList()))
        self.limit(silent_s=0.0)
        self.assertIsInstance(self.reply(later)[0], ListFollows)
        self.assert_hung_up(socks[0])
        for sock in [*socks, later]:
            sock.close()

    def telling(self, count: int) -> list[socket.socket]:
        """Programs of one host that tell lists, and have only begun."""
        socks = list[socket.socket]()
        for number in range(count):
            share = f"{number:016}"
            self.register_share(share)
            call = TellList(share, "folder", PEER, 12501, True, 0, 1, MAX_PACKED)
            socks.append(self.dial())
            socks[-1].sendall(encode_call(call) + ZLIB_HEADER)
        wait_until(lambda: len(self.server._uploads) == count, LIMIT_S, "they are not read")
        return socks

    def test_a_byte_now_and_then_keeps_no_place_when_another_comes(self) -> None:
        self.limit(clients=2, stalled_s=0.2)
        socks = self.telling(2)
        later = self.dial()
        later.sendall(encode_call(AskList()))
        later.settimeout(BYTE_PAUSE_S)
        until = time.monotonic() + LIMIT_S
        for byte in cycle(EMPTY_BLOCK):
            if time.monotonic() >= until:
                self.fail("it was not served")
            for sock in socks:
                with suppress(OSError):  # one of them is hung up on
                    sock.send(bytes([byte]))
            with suppress(TimeoutError):
                self.assertTrue(later.recv(1))
                break
        for sock in [*socks, later]:
            sock.close()

    def test_a_host_with_many_places_loses_one_sooner(self) -> None:
        self.limit(clients=LIMITS.crowd, stalled_s=NEVER_S, crowd_s=0.0)
        socks = self.telling(LIMITS.crowd)
        self.assert_served()
        for sock in socks:
            sock.close()

    def test_who_has_its_answer_and_does_not_close_goes_when_another_comes(self) -> None:
        self.limit(silent_s=NEVER_S, stalled_s=NEVER_S, linger_s=NEVER_S, call_s=NEVER_S)
        socks = self.fill(encode_call(AskList()))
        self.assert_served()
        for sock in socks:
            sock.close()

    def test_silent_ones_of_one_host_keep_no_other_host_out(self) -> None:
        self.limit(silent_s=NEVER_S)
        for most in (LIMITS.clients_here, LIMITS.clients_per_host):  # as other machines are
            host = "127.0.0.2"
            with self.subTest(most=most):
                self.limit(clients_here=most)
                self.wait_for_clients(0)
                socks = [self.dial(host) for _ in range(3 * LIMITS.clients)]
                self.wait_for_clients(most)
                self.assert_served("127.0.0.3")
                self.assert_served(host)  # its silent ones go first
                for sock in socks:
                    sock.close()

    def test_another_machine_has_few_places(self) -> None:
        self.limit(clients_here=LIMITS.clients_per_host)
        self.limit(silent_s=NEVER_S, stalled_s=NEVER_S, crowd_s=NEVER_S)  # none of them is late
        body = packed_list([LineAdded("a")])
        call = TellList(SHARE, "folder", PEER, 12501, True, 0, 1, len(body))
        socks = [self.dial() for _ in range(LIMITS.clients_per_host)]
        socks[0].sendall(encode_call(call))
        wait_until(lambda: bool(self.server._uploads), LIMIT_S, "it was not read")
        for sock in socks[1:]:
            sock.close()
        self.wait_for_clients(1)
        shares = [f"{number:016}" for number in range(len(socks) - 1)]
        for share in shares:
            self.register_share(share)
        told = [self.dial() for _ in shares]
        for sock, share in zip(told, shares, strict=True):
            sock.sendall(encode_call(replace(call, share=share)))
        wait_until(lambda: len(self.server._uploads) == len(socks), LIMIT_S, "they were not read")
        self.assert_hung_up(self.dial())
        socks[0].sendall(body)
        self.assertEqual(self.reply(socks[0])[0], Taken(True))
        for sock in [*socks, *told]:
            sock.close()
        self.tell(packed_list([LineAdded("honest")]))


class ShortageTest(ListServerTestCase):
    def test_without_descriptors_it_rests_until_it_looks_again(self) -> None:
        listener, refused = self.server._listener, list[int]()

        class Refusing:
            def __init__(self) -> None:
                self.is_refusing = True

            def accept(self) -> Connection | None:
                if self.is_refusing:
                    refused.append(1)
                    raise OSError(errno.EMFILE, "Too many open files")
                return listener.accept()

            def fileno(self) -> int:
                return listener.fileno()

        refusing = Refusing()
        self.server._listener = cast("Listener", refusing)
        self.addCleanup(setattr, self.server, "_listener", listener)
        sock = self.dial()
        sock.sendall(encode_call(AskList("")))
        wait_until(lambda: len(refused) > 1)
        refusing.is_refusing = False
        self.assertIsInstance(self.reply(sock)[0], ListFollows)
