"""A room of imitations of the original programs alone, with sockets that speak to them."""

from __future__ import annotations

import json
import random
import socket
import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path

from tests.originals.processes import (
    Address,
    OriginalLeecher,
    OriginalSeeder,
    OriginalTracker,
)

CHUNK_BYTES = 5120
ACKNOWLEDGEMENT = b"acknolwedgement"
NOT_ACKNOWLEDGED = b"error_notacknol"
# How long an original that has nothing to say is listened to.
SILENCE_S = 0.15
TIMEOUT_S = 60.0

FILES = {
    name: random.Random(name).randbytes(size)
    for name, size in {
        "empty": 0,
        "one byte": 1,
        "exactly one chunk": 5120,
        "one chunk and a byte": 5121,
        "a hundred KB": 100_000,
        "Übung ä.txt": 300,
        "-v": 20,
    }.items()
}


class OriginalsTest(unittest.TestCase):
    """Starts imitations and sockets that end with the test."""

    def setUp(self) -> None:
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.folder = self.make_folder("shared", FILES)

    def make_folder(self, name: str, files: dict[str, bytes]) -> Path:
        folder = self.root / name
        folder.mkdir()
        for file_name, content in files.items():
            (folder / file_name).write_bytes(content)
        return folder

    def tracker(self, *, wait_until_ready: bool = True) -> OriginalTracker:
        return self.stack.enter_context(OriginalTracker(wait_until_ready=wait_until_ready))

    def seeder(
        self, tracker: Address, folder: Path | None = None, *, wait_until_ready: bool = True
    ) -> OriginalSeeder:
        folder = folder or self.folder
        seeder = OriginalSeeder(tracker, folder, wait_until_ready=wait_until_ready)
        return self.stack.enter_context(seeder)

    def leecher(
        self,
        tracker: Address,
        folder: Path,
        *names: str,
        keep_seeding_port: int | None = None,
        patience_s: float = 30.0,
    ) -> OriginalLeecher:
        return self.stack.enter_context(
            OriginalLeecher(
                tracker,
                folder,
                *names,
                keep_seeding_port=keep_seeding_port,
                patience_s=patience_s,
            )
        )

    def udp(self) -> socket.socket:
        udp_socket = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp_socket.settimeout(TIMEOUT_S)
        return udp_socket

    def ask(self, tracker: Address, datagram: bytes, answers: int = 1) -> list[bytes]:
        udp_socket = self.udp()
        udp_socket.sendto(datagram, tracker)
        return [udp_socket.recv(65536) for _ in range(answers)]

    def dial(self, address: Address, *words: bytes) -> socket.socket:
        connection = socket.create_connection(address, TIMEOUT_S)
        self.stack.enter_context(connection)
        for word in words:
            connection.sendall(word)
        return connection

    def connected(self, seeder: OriginalSeeder) -> socket.socket:
        """A connection that has heard `connected`: the seeder waits for its second message."""
        connection = self.dial(seeder.address, b"request_connection")
        self.assertEqual(connection.recv(1024), b"connected")
        return connection

    def range_of(
        self, seeder: OriginalSeeder, name: str, chunks: int, start_offset: int = 0
    ) -> socket.socket:
        connection = self.connected(seeder)
        request = json.dumps([name, chunks, start_offset])
        connection.sendall(b"send_file_chunk\n" + request.encode())
        return connection

    def assert_silent(self, connection: socket.socket) -> None:
        connection.settimeout(SILENCE_S)
        with self.assertRaises(TimeoutError):
            connection.recv(1)
        connection.settimeout(TIMEOUT_S)

    def assert_hears(self, seeder: OriginalSeeder, answer: bytes) -> None:
        with self.dial(seeder.address, b"request_connection") as connection:
            self.assertEqual(connection.recv(1024), answer)
            if answer == b"connected":
                connection.sendall(b"exit_connection")
                self.assertEqual(connection.recv(1), b"")

    def assert_serves_on(self, seeder: OriginalSeeder) -> None:
        self.assert_hears(seeder, b"connected")
        self.assertFalse(seeder.ended_accept_loop())

    def assert_deaf_but_pinging(self, seeder: OriginalSeeder, *exception_names: str) -> None:
        line = seeder.wait_for("accept loop ended: ")
        self.assertIn(line.partition(": ")[2], exception_names)
        self.assertTrue(seeder.ended_accept_loop())
        self.assertTrue(seeder.is_alive())
