"""LMK/2 meets LMK/1 and versions to come: nobody is ended by words that they do not know."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from typing import ClassVar

from roles.leecher import Leecher
from roles.seeder import Seeder
from roles.values.events import DownloadChanged, DownloadState, FolderScanned
from tests.receiving import receive_chunk, receive_exactly
from tests.role_test import (
    Running,
    content_of,
    order,
    receive_range,
    wait_for_end,
    wait_for_state,
)
from tests.scripted_seeder import ACK, ScriptedSeeder
from tests.support import LIMIT_S, wait_until
from tests.test_mixes import FILES, MixesTest
from tests.tracker_requests import list_as_lmk2

PEER = "f" * 16
LONG = content_of(600_000, seed=9)  # more than one chunk
FRAME = struct.Struct(">BI")  # kind, length of the body
OPEN, FILE, CHUNK_PART = 1, 2, 9  # kinds of frames
SKIPPED, REFUSED = (64, 65, 200, 255), (0, 15, 16, 63)
MEANWHILE_S = 0.1  # a hello that is sent has arrived by then


def frame(kind: int, body: bytes = b"") -> bytes:
    return FRAME.pack(kind, len(body)) + body


def receive_line(sock: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += receive_exactly(sock, 1)
    return line


def receive_frame(sock: socket.socket) -> tuple[int, bytes]:
    kind, length = FRAME.unpack(receive_exactly(sock, FRAME.size))
    return kind, receive_exactly(sock, length)


class NegotiationTest(MixesTest):
    def setUp(self) -> None:
        super().setUp()
        (self.shared / "long").write_bytes(LONG)
        self.room = self.tracker().address
        self.taken = self.make_folder("taken")

    def offering(self) -> tuple[Running[Seeder], FolderScanned]:
        """A seeder of ours, and what it has when all is read."""
        seeder = self.seeder(self.shared, self.room)
        scan = seeder.log.wait_for(
            FolderScanned, LIMIT_S, where=lambda scan: all(file.root for file in scan.files)
        )
        return seeder, scan


class OurLmk2HelloAtAnOriginalSeeder(NegotiationTest):
    def setUp(self) -> None:
        super().setUp()
        self.elsewhere = self.tracker().address  # where nobody takes it for anything else
        self.original = self.original_seeder(self.shared, self.elsewhere)
        list_as_lmk2(self.room, self.original.address, {"long": LONG})
        self.constant("downloads.download", "MOVING_S", MEANWHILE_S)

    def looking(self) -> Running[Leecher]:
        """A leecher that knows of nobody but the original, and has heard where that is."""
        leecher = self.leecher(self.taken, self.room)
        order(leecher, "long")
        leecher.log.wait_for(
            DownloadChanged, LIMIT_S, where=lambda event: "is reachable" in event.cause
        )
        return leecher

    def waiting(self) -> Running[Leecher]:
        """The same, when the original has not answered it yet."""
        leecher = self.looking()
        wait_until(self.is_connecting)
        time.sleep(MEANWHILE_S)
        return leecher

    @staticmethod
    def is_connecting() -> bool:
        return any(thread.name == "lmk-downloader" for thread in threading.enumerate())

    def end(self, leecher: Running[Leecher], word: str) -> None:
        if word != "stop":
            getattr(leecher.role, word)(["long"])
            state = DownloadState.CANCELLED if word == "cancel" else DownloadState.PAUSED
            wait_for_state(leecher, "long", state)
        leecher.stop()

    def release(self, blocking: socket.socket) -> None:
        blocking.sendall(b"exit_connection")
        self.assertEqual(blocking.recv(1), b"")

    def assert_still_serves(self) -> None:
        self.assert_unharmed(self.original, self.elsewhere)
        self.assertTrue(self.original.is_alive())

    def assert_was_greeted(self) -> None:
        self.original.wait_for("seeder state CONNECTED")
        self.original.wait_for("seeder state AVAILABLE")

    def test_it_is_told_to_forget_us_and_the_others_suffice(self) -> None:
        self.offering()
        leecher = self.leecher(self.taken, self.room)
        order(leecher, "long", *FILES)
        for name in (*FILES, "long"):
            self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        self.assert_same_files(self.taken, {**FILES, "long": LONG})
        self.assert_was_greeted()
        leecher.stop()
        self.assert_still_serves()

    def test_it_may_be_the_only_one_and_is_greeted_again_and_again(self) -> None:
        for name in ("AGAIN_S", "AGAIN_MAX_S"):
            self.constant("swarm.peer_book", name, 0.02)
        leecher = self.looking()
        for _ in range(3):
            self.assert_was_greeted()
        leecher.stop()
        self.assert_still_serves()

    # A leecher that was told `connected` and says nothing keeps the original from answering.

    def assert_ending_before_its_answer_is_safe(self, word: str) -> None:
        blocking = self.connected(self.original.address)
        leecher = self.waiting()
        self.end(leecher, word)
        self.release(blocking)
        self.assert_still_serves()

    def test_cancelling_before_its_answer(self) -> None:
        self.assert_ending_before_its_answer_is_safe("cancel")

    def test_pausing_before_its_answer(self) -> None:
        self.assert_ending_before_its_answer_is_safe("pause")

    def test_stopping_before_its_answer(self) -> None:
        self.assert_ending_before_its_answer_is_safe("stop")

    def test_its_answer_comes_while_we_stop(self) -> None:
        blocking = self.connected(self.original.address)
        leecher = self.waiting()
        leecher.role.stop()
        self.release(blocking)
        leecher.stop()
        self.assert_still_serves()

    def test_its_answer_takes_too_long_again_and_again(self) -> None:
        self.constant("net.peer_greeting", "ANSWER_S", MEANWHILE_S)
        for name in ("AGAIN_S", "AGAIN_MAX_S"):
            self.constant("swarm.peer_book", name, 0.02)
        blocking = self.connected(self.original.address)
        leecher = self.looking()
        time.sleep(6 * MEANWHILE_S)
        leecher.stop()
        self.release(blocking)
        self.assert_still_serves()

    def test_it_is_away(self) -> None:
        for name in ("AGAIN_S", "AGAIN_MAX_S"):
            self.constant("swarm.peer_book", name, 0.02)
        busy = self.ranged(self.original.address, "one chunk", 1)
        chunk = receive_chunk(busy)
        leecher = self.looking()
        time.sleep(MEANWHILE_S)
        leecher.stop()
        busy.sendall(ACK)
        self.assertEqual(chunk, FILES["one chunk"])
        self.assert_still_serves()

    def test_stopping_at_any_moment(self) -> None:
        for name in ("AGAIN_S", "AGAIN_MAX_S"):
            self.constant("swarm.peer_book", name, 0.01)
        rng = random.Random(5)
        for _ in range(10):
            leecher = self.leecher(self.taken, self.room)
            order(leecher, "long")
            time.sleep(rng.uniform(0, 0.15))  # at moments of every kind
            leecher.stop()
        self.assert_still_serves()


class AnOriginalLeecherInARoomOfLmk2(NegotiationTest):
    def test_it_is_served_beside_leechers_of_lmk2(self) -> None:
        self.offering()
        ours = self.leecher(self.taken, self.room)
        order(ours, "long")
        for name in FILES:
            theirs = self.make_folder(f"taken by an original, {name}")
            leecher = self.original_leecher(theirs, self.room, name)
            self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)
            self.assert_same_files(theirs, {name: FILES[name]})
        self.assertIs(wait_for_end(ours, "long").state, DownloadState.DONE)

    def test_it_is_never_told_of_leechers_that_give_on(self) -> None:
        seeder, _ = self.offering()
        ours = self.leecher(self.taken, self.room)
        order(ours, "long")
        wait_for_end(ours, "long")
        theirs = self.make_folder("taken by an original")
        leecher = self.original_leecher(theirs, self.room, "long")
        self.assertEqual(leecher.wait_ended(), 0, leecher.error_output)
        self.assert_same_files(theirs, {"long": LONG})
        seeder.stop()


class ALaterVersionAtOurSeeder(NegotiationTest):
    LATER: ClassVar[dict[str, object]] = {
        "lmk": 3,
        "peer": PEER,
        "name": "pc",
        "listen": 0,
        "as": "leecher",
        "later": {"any": ["thing"]},
    }

    def setUp(self) -> None:
        super().setUp()
        self.ours, self.scan = self.offering()

    def greeted(self, **fields: object) -> socket.socket:
        sock = self.dial(self.ours.address)
        sock.sendall(b"request_connection\n" + json.dumps(fields).encode() + b"\n")
        return sock

    def met(self) -> socket.socket:
        sock = self.greeted(**self.LATER)
        line = receive_line(sock)
        self.assertTrue(line.startswith(b"lmk2 "), line)
        welcome = json.loads(line[5:])
        self.assertEqual((welcome["lmk"], welcome["state"]), (2, "connected"))
        return sock

    def assert_gives(self, sock: socket.socket) -> None:
        """The content of one chunk, when it is opened."""
        root = next(file.root for file in self.scan.files if file.name == "sixty KB")
        sock.sendall(frame(OPEN, struct.pack(">I", 7) + root))
        kind, _ = receive_frame(sock)
        self.assertEqual(kind, FILE)
        kind, body = receive_frame(sock)
        self.assertEqual((kind, body[12:]), (CHUNK_PART, FILES["sixty KB"]))

    def test_it_is_answered_in_lmk2_when_it_says_what_lmk2_needs(self) -> None:
        self.assert_gives(self.met())

    def test_it_is_answered_in_lmk1_when_it_does_not(self) -> None:
        for fields in ({"lmk": 3}, {"lmk": 2}, {**self.LATER, "peer": 5}, {**self.LATER, "lmk": 1}):
            with self.subTest(fields=fields):
                sock = self.greeted(**fields)
                self.assertEqual(sock.recv(1_024), b"connected")
                sock.sendall(b'send_file_chunk\n["one chunk", 1, 0]')
                self.assertTrue(receive_range(sock, 1) == FILES["one chunk"])

    def test_frames_of_later_kinds_are_skipped(self) -> None:
        sock = self.met()
        for kind in SKIPPED:
            sock.sendall(frame(kind, b"anything"))
            sock.sendall(frame(kind))
        self.assert_gives(sock)

    def test_other_unknown_frames_end_the_connection_and_nothing_else(self) -> None:
        for kind in REFUSED:
            with self.subTest(kind=kind):
                sock = self.met()
                sock.sendall(frame(kind, b"anything"))
                self.assert_hangs_up(sock)
        self.assert_gives(self.met())

    def test_a_frame_too_long_ends_the_connection_before_it_has_come(self) -> None:
        for kind in (OPEN, SKIPPED[0]):
            sock = self.met()
            sock.sendall(FRAME.pack(kind, (1 << 32) - 1))
            self.assert_hangs_up(sock)
        self.assert_gives(self.met())


class ALaterVersionAtOurLeecher(NegotiationTest):
    WELCOME: ClassVar[dict[str, object]] = {
        "lmk": 3,
        "peer": PEER,
        "name": "pc",
        "state": "connected",
        "later": [1],
    }

    def setUp(self) -> None:
        super().setUp()
        self.heard = threading.Event()
        self.hello = b""
        self.kinds = list[int]()
        self.has_hung_up = threading.Event()

    def meet(self, *words: bytes) -> None:
        """Have a leecher meet a later seeder that says these after its welcome."""

        def play(sock: socket.socket) -> None:
            self.hello = receive_line(sock) + receive_line(sock)
            sock.sendall(b"lmk2 " + json.dumps(self.WELCOME).encode() + b"\n" + b"".join(words))
            try:
                while True:
                    self.kinds.append(receive_frame(sock)[0])
                    self.heard.set()
            except (EOFError, ConnectionError):
                self.has_hung_up.set()

        later = self.enterContext(ScriptedSeeder(play))
        list_as_lmk2(self.room, later.address, {"long": LONG})
        order(self.leecher(self.taken, self.room), "long")

    def test_our_hello_has_everything_that_lmk2_needs(self) -> None:
        self.meet()
        self.assertTrue(self.heard.wait(LIMIT_S))
        word, line, rest = self.hello.split(b"\n")
        self.assertEqual((word, rest), (b"request_connection", b""))
        self.assertLessEqual(len(self.hello), 512)
        said = json.loads(line)
        self.assertEqual((said["lmk"], said["as"], len(said["peer"])), (2, "leecher", 16))

    def test_frames_of_later_kinds_are_skipped(self) -> None:
        self.meet(*(frame(kind, b"anything") for kind in SKIPPED))
        self.assertTrue(self.heard.wait(LIMIT_S))
        self.assertFalse(self.has_hung_up.wait(MEANWHILE_S))
        self.assertEqual(self.kinds[0], OPEN)

    def test_other_unknown_frames_end_the_connection(self) -> None:
        self.meet(frame(REFUSED[-1]))
        self.assertTrue(self.has_hung_up.wait(LIMIT_S))
