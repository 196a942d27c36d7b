"""The tracker looks whether others can connect: real sockets, answers of every kind."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

from roles.net import carrier
from roles.room import dial_back
from roles.room.dial_back import AGAIN_S, ANSWER_S, DialBack, Target
from roles.room.registry_entry import Key
from roles.values.addresses import Address
from roles.wire.greeting import Probe, decode_hello, encode_welcome
from tests.carriers import Line
from tests.support import LIMIT_S, LmkTestCase

INSTANCE = "fedcba9876543210"


class DialBackTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.selector = self.enterContext(selectors.DefaultSelector())
        self.told: list[tuple[Target, bool]] = []
        self.unwanted: set[Target] = set()
        self.dials = DialBack(
            self.selector,
            lambda target: target not in self.unwanted,
            self.tell,
        )
        self.addCleanup(self.dials.close)
        self.listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.listener.settimeout(LIMIT_S)

    def tell(self, target: Target, is_reachable: bool, peer: str) -> None:
        self.told.append((target, is_reachable))
        self.peer = peer

    def target(self, port: int = 0) -> Target:
        address = Address("127.0.0.1", port or self.listener.getsockname()[1])
        return Target(Key("127.0.0.1", address.port, INSTANCE), address)

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            for key, _ in self.selector.select(LIMIT_S if self.selector.get_map() else 0):
                key.data()

    def dial(self) -> tuple[socket.socket, bytes]:
        """Let it dial; the connection at the other end, and what it said."""
        self.dials.want(self.target())
        self.dials.work(now=0.0)
        sock = self.enterContext(self.listener.accept()[0])
        sock.settimeout(LIMIT_S)
        self.turn()
        return sock, sock.recv(1_024)

    def assert_told(self, is_reachable: bool) -> None:
        self.assertEqual(self.told, [(self.target(), is_reachable)])
        self.assertEqual(len(self.selector.get_map()), 0)

    @staticmethod
    def answer(said: bytes, peer: str = "") -> bytes:
        word, line, end = said.split(b"\n")
        probe = decode_hello(line)
        assert (word, end) == (b"request_connection", b"") and isinstance(probe, Probe)
        return encode_welcome(replace(probe, peer=peer))

    def test_who_answers_the_probe_can_be_reached(self) -> None:
        sock, said = self.dial()
        sock.sendall(self.answer(said))
        self.turn()
        self.assert_told(True)
        self.assertEqual((sock.recv(1_024), self.peer), (b"", ""))

    def test_what_a_carrier_holds_back_of_the_answer_is_read_too(self) -> None:
        self.enterContext(mock.patch.object(carrier, "carrier_of", Line(piece=7).carrier_of))
        sock, said = self.dial()
        while not said.endswith(b"}\n"):
            said += sock.recv(1_024)
        sock.sendall(self.answer(said))
        self.turn()
        self.assert_told(True)

    def test_who_says_its_own_peer_id_is_there(self) -> None:
        sock, said = self.dial()
        sock.sendall(self.answer(said, INSTANCE))
        self.turn()
        self.assert_told(True)
        self.assertEqual(self.peer, INSTANCE)

    def test_another_program_in_its_place_is_not_it(self) -> None:
        sock, said = self.dial()
        sock.sendall(self.answer(said, INSTANCE[::-1]))
        self.turn()
        self.assert_told(False)

    def test_the_answer_may_come_in_pieces(self) -> None:
        sock, said = self.dial()
        answer = self.answer(said)
        for start in range(len(answer)):
            sock.sendall(answer[start : start + 1])
            self.turn()
        self.assert_told(True)

    def test_another_probe_or_none_is_no_answer(self) -> None:
        changes: tuple[Callable[[bytes], bytes], ...] = (
            lambda answer: answer.replace(b'"probe":"', b'"probe":"x'),
            lambda _: b"lmk2 {}\n",
            lambda _: b"lmk2 \xff\n",
            lambda _: b"away",
            lambda _: b"lmk2 " + b"x" * 600,
        )
        for change in changes:
            with self.subTest(change=change):
                self.told.clear()
                sock, said = self.dial()
                sock.sendall(change(self.answer(said)))
                while not self.told:
                    self.turn()
                self.assert_told(False)

    def test_an_original_hears_that_the_call_is_over(self) -> None:
        sock, _ = self.dial()
        sock.sendall(b"connected")
        self.turn()
        self.assert_told(False)
        self.assertEqual(sock.recv(1_024), b"exit_connection")

    def test_who_hangs_up_cannot_be_reached(self) -> None:
        sock, _ = self.dial()
        sock.close()
        self.turn()
        self.assert_told(False)

    def test_who_says_nothing_is_given_up_in_time(self) -> None:
        sock, _ = self.dial()
        self.dials.work(now=ANSWER_S - 0.1)
        self.assertEqual(self.told, [])
        self.dials.work(now=ANSWER_S)
        self.assert_told(False)
        self.assertEqual(sock.recv(1_024), b"exit_connection")

    def test_nobody_there_cannot_be_reached_and_is_dialled_again_later(self) -> None:
        target = self.target(self.free_port("tcp"))
        self.dials.want(target)
        self.dials.work(now=0.0)
        while not self.told:
            self.turn()
        self.assertEqual(self.told, [(target, False)])
        self.dials.work(now=0.0)
        self.assertEqual(len(self.selector.get_map()), 0)
        self.dials.work(now=time.monotonic() + AGAIN_S)
        while len(self.told) < 2:
            self.turn()
        self.assertEqual(self.told, [(target, False)] * 2)

    def test_when_the_network_changed_who_could_not_be_reached_is_dialled_at_once(self) -> None:
        target = self.target(self.free_port("tcp"))
        self.dials.want(target)
        self.dials.work(now=0.0)
        while not self.told:
            self.turn()
        self.assertEqual(len(self.selector.get_map()), 0)
        self.dials.network_changed(now=1.0)
        self.assertEqual(len(self.selector.get_map()), 1)

    def test_who_registers_again_and_again_is_dialled_again_once(self) -> None:
        target = self.target(self.free_port("tcp"))
        for count in range(1, 6):
            self.dials.want(target)
            self.dials.work(now=0.0)
            while len(self.told) < count:
                self.turn()
        self.assertEqual(len(self.dials._later), 1)
        self.dials.want(target)
        self.assertEqual(len(self.dials._later), 0)

    def test_who_is_gone_or_known_is_not_dialled(self) -> None:
        self.unwanted.add(self.target())
        self.dials.want(self.target())
        self.dials.work(now=0.0)
        self.assertEqual(len(self.selector.get_map()), 0)

    def of_host(self, host: str, number: int) -> Target:
        address = Address("127.0.0.1", self.listener.getsockname()[1])
        return Target(Key(host, number, INSTANCE), address)

    def test_few_are_dialled_at_once_and_each_once(self) -> None:
        for number in range(100):
            for _ in range(2):
                self.dials.want(self.of_host(f"127.0.0.{number}", 1))
        self.dials.work(now=0.0)
        self.assertEqual(len(self.selector.get_map()), dial_back.MAX_AT_ONCE)

    def test_one_host_keeps_no_other_from_being_dialled(self) -> None:
        for number in range(dial_back.MAX_AT_ONCE - 1):
            self.dials.want(self.of_host("10.0.0.1", number))
        self.dials.want(self.of_host("10.0.0.2", 1))
        self.dials.work(now=0.0)
        self.assertEqual(len(self.selector.get_map()), dial_back.MAX_PER_HOST + 1)
        self.assertIn(self.of_host("10.0.0.2", 1).key, self.dials._dials)

    def test_many_hosts_that_do_not_answer_delay_a_newcomer_for_a_moment_only(self) -> None:
        newcomer = self.of_host("10.1.0.1", 1)
        for number in range(8 * dial_back.MAX_AT_ONCE):
            self.dials.want(self.of_host(f"10.0.0.{number % dial_back.MAX_AT_ONCE}", number))
        self.dials.work(now=0.0)
        self.dials.want(newcomer)
        self.dials.work(now=dial_back.HURRY_S - 0.1)
        self.assertEqual(self.told, [])
        self.dials.work(now=dial_back.HURRY_S)
        self.dials.work(now=2 * dial_back.HURRY_S)
        self.assertIn(newcomer.key, self.dials._dials)

    def test_one_host_that_always_has_another_id_keeps_no_other_from_being_dialled(self) -> None:
        for number in range(2 * dial_back.MAX_WAITING_OF_HOST):
            self.dials.want(self.of_host("10.0.0.1", number))
        self.assertEqual(len(self.dials._waiting["10.0.0.1"]), dial_back.MAX_WAITING_OF_HOST)
        newcomer = self.of_host("10.1.0.1", 1)
        self.dials.want(newcomer)
        self.dials.work(now=0.0)
        self.assertIn(newcomer.key, self.dials._dials)

    def test_who_registers_again_while_it_is_dialled_is_not_dialled_twice(self) -> None:
        for _ in range(9):
            self.dials.want(self.target())
            self.dials.work(now=0.0)
        self.assertEqual(len(self.selector.get_map()), 1)

    def test_without_descriptors_it_is_dialled_another_time(self) -> None:
        lacking = OSError(errno.EMFILE, "Too many open files")
        register = self.selector.register
        for place, name in ((socket, "socket"), (self.selector, "register")):
            with self.subTest(name=name), mock.patch.object(place, name, side_effect=lacking):
                self.dials.want(self.target())
                self.dials.work(now=0.0)
            self.assertEqual((self.told, self.dials._dials), ([], {}))
        self.assertEqual(self.selector.register, register)
        self.dials.work(now=AGAIN_S)
        self.listener.accept()[0].close()
