"""The imitation of the original leecher takes like it, and dies where it died."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable

from tests.original_rooms import (
    ACKNOWLEDGEMENT,
    CHUNK_BYTES,
    FILES,
    NOT_ACKNOWLEDGED,
    TIMEOUT_S,
    OriginalsTest,
)
from tests.originals.processes import (
    Address,
    OriginalLeecher,
)
from tests.receiving import HEADER, receive_chunk

PATIENCE_S = 3.0  # of a leecher that somebody is silent to


class ScriptedSeeder:
    """Plays a seeder to one leecher: says `connected`, then acts."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.address: Address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, name="scripted-seeder")
        self._thread.start()

    def _serve(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            connection.settimeout(TIMEOUT_S)
            connection.recv(1024)
            connection.sendall(b"connected")
            connection.recv(1024)
            self._act(connection)

    def join(self) -> None:
        self._thread.join()


class LeecherOfTheOriginal(OriginalsTest):
    def setUp(self) -> None:
        super().setUp()
        self.tracker_address = self.tracker().address
        self.received = self.make_folder("received", {})

    def register(self, address: Address, sizes: dict[str, int]) -> None:
        self.ask(self.tracker_address, b"add_seeder\n" + json.dumps(address).encode())
        self.ask(self.tracker_address, b"upload_file_list\n" + json.dumps(sizes).encode())

    def take_from_script(self, size: int, act: Callable[[socket.socket], None]) -> OriginalLeecher:
        scripted = ScriptedSeeder(act)
        self.addCleanup(scripted.join)
        self.register(scripted.address, {"file": size})
        leecher = self.leecher(self.tracker_address, self.received, patience_s=PATIENCE_S)
        leecher.wait_ended()
        return leecher

    def assert_lost(self, leecher: OriginalLeecher, name: str, why: str) -> None:
        leecher.wait_for(f"leecher failed {name}: {why}")
        self.assertEqual(leecher.wait_ended(), 1)
        self.assertFalse((self.received / name).exists())

    def test_it_dies_when_all_seeders_are_away(self) -> None:
        seeder = self.seeder(self.tracker_address)
        receive_chunk(self.range_of(seeder, "a hundred KB", 20))
        leecher = self.leecher(self.tracker_address, self.received, "one byte")
        leecher.wait_for("leecher heard away")
        self.assert_lost(leecher, "one byte", "ZeroDivisionError")
        self.assertEqual(leecher.ended_by(), "ZeroDivisionError")
        self.assertFalse(seeder.ended_accept_loop())

    def test_it_dies_when_no_seeder_is_listed(self) -> None:
        self.ask(self.tracker_address, b'upload_file_list\n{"file": 1}')
        leecher = self.leecher(self.tracker_address, self.received)
        self.assertEqual(leecher.ended_by(), "ZeroDivisionError")

    def test_it_passes_over_a_dead_seeder(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            dead = listener.getsockname()
        self.register(dead, {})
        self.seeder(self.tracker_address)
        leecher = self.leecher(self.tracker_address, self.received, "one byte")
        self.assertNotIn("connected", leecher.wait_for("leecher heard "))
        self.assertEqual(leecher.wait_ended(), 0)

    def test_it_passes_over_a_silent_seeder_after_a_second_and_ends_its_accept_loop(self) -> None:
        blocked = self.seeder(self.tracker_address)
        silent = self.dial(blocked.address)
        self.seeder(self.tracker_address)
        leecher = self.leecher(
            self.tracker_address, self.received, "one byte", patience_s=PATIENCE_S
        )
        leecher.wait_for("leecher heard TimeoutError")
        self.assertEqual(leecher.wait_ended(), 0)
        silent.sendall(b"anything")
        # What comes next is the leecher's word, and then its end.
        self.assert_deaf_but_pinging(
            blocked, "IndexError", "ConnectionResetError", "ConnectionAbortedError"
        )

    def test_it_loses_the_whole_file_when_one_seeder_lacks_it(self) -> None:
        lacking = self.make_folder("lacking", {"one byte": FILES["one byte"]})
        seeders = [self.seeder(self.tracker_address, lacking), self.seeder(self.tracker_address)]
        leecher = self.leecher(
            self.tracker_address, self.received, "a hundred KB", patience_s=PATIENCE_S
        )
        self.assert_lost(leecher, "a hundred KB", "TimeoutError")
        for seeder in seeders:
            seeder.wait_for("seeder state AVAILABLE")
            self.assert_serves_on(seeder)

    def test_it_writes_outside_of_its_folder_for_a_hostile_tracker(self) -> None:
        (self.root / "a").mkdir()
        (self.root / "pwned.txt").write_bytes(b"hostile")
        self.received = self.make_folder("a/received", {})
        sharing = self.make_folder("sharing", {})
        self.seeder(self.tracker_address, sharing)
        self.ask(self.tracker_address, b'upload_file_list\n{"../pwned.txt": 7}')
        self.assertEqual(self.leecher(self.tracker_address, self.received).wait_ended(), 0)
        self.assertEqual((self.root / "a" / "pwned.txt").read_bytes(), b"hostile")

    def test_a_short_header_is_fatal_to_the_file(self) -> None:
        self.assert_lost(self.take_from_script(1, lambda c: c.sendall(b"x" * 20)), "file", "error")

    def test_a_header_that_takes_over_a_second_is_fatal_to_the_file(self) -> None:
        def say_nothing(connection: socket.socket) -> None:
            self.assertEqual(connection.recv(1), b"")

        self.assert_lost(self.take_from_script(1, say_nothing), "file", "TimeoutError")

    def test_a_negative_length_is_taken_for_an_empty_chunk(self) -> None:
        header = HEADER.pack(-1, hashlib.sha256(b"").digest())
        leecher = self.take_from_script(CHUNK_BYTES, lambda c: c.sendall(header))
        self.assertEqual(leecher.wait_ended(), 0)
        self.assertEqual((self.received / "file").read_bytes(), b"")

    def test_a_wrong_digest_is_asked_again_from_the_same_seeder(self) -> None:
        heard = []

        def lie_twice(connection: socket.socket) -> None:
            for claimed in (b"y", b"z", b"x"):
                connection.sendall(HEADER.pack(1, hashlib.sha256(claimed).digest()) + b"x")
                heard.append(connection.recv(15))

        self.assertEqual(self.take_from_script(1, lie_twice).wait_ended(), 0)
        self.assertEqual(heard, [NOT_ACKNOWLEDGED, NOT_ACKNOWLEDGED, ACKNOWLEDGEMENT])
        self.assertEqual((self.received / "file").read_bytes(), b"x")

    def test_a_list_answer_in_one_datagram_ends_it(self) -> None:
        tracker = self.udp()
        tracker.bind(("127.0.0.1", 0))
        leecher = self.leecher(tracker.getsockname(), self.received)
        tracker.sendto(b"success\n{}", tracker.recvfrom(1024)[1])
        self.assertEqual(leecher.ended_by(), "JSONDecodeError")

    def test_a_name_that_is_not_listed_ends_it(self) -> None:
        self.seeder(self.tracker_address)
        leecher = self.leecher(self.tracker_address, self.received, "unheard of")
        self.assertEqual(leecher.ended_by(), "KeyError")
