"""The original leecher, imitated: whole files in memory, one second for everything. No LMK/2.

Run: python3 -m tests.originals.leecher TRACKER_HOST TRACKER_PORT FOLDER [NAME...]

A file whose range one seeder did not deliver is lost, and the next file is tried; the exit code is
then 1. An exception in the main thread ends the leecher with a traceback. The next file is begun
at once, so a seeder may still be `away` with the end of the last one; if all are, that ends it too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from tests.originals.progress import end_with_the_test, say
from tests.originals.seeder import PING_INTERVAL_S, run_seeder
from tests.originals.tracker_requests import Address, ask_for_list

CHUNK_BYTES = 5120
ANSWER_BUFFER_BYTES = 1024
DATA_BUFFER_BYTES = 2048
SEEDERS_AT_MOST = 5
TIMEOUT_S = 1.0
# Native order and alignment, as in the original: not "<i32s".
CHUNK_HEADER = struct.Struct("i32s")


class RangeThread(threading.Thread):
    """Takes one range of one file from one seeder; `failure` says why it did not."""

    def __init__(
        self, connection: socket.socket, name: str, number_of_chunks: int, start_offset: int
    ) -> None:
        super().__init__(name="original-range")
        self._connection = connection
        self._request = [name, number_of_chunks, start_offset]
        self._number_of_chunks = number_of_chunks
        self.received = b""
        self.failure = ""

    def run(self) -> None:
        try:
            with self._connection:
                self._take_range()
        except Exception as error:  # noqa: BLE001 - whatever ends the thread, the file is lost
            self.failure = type(error).__name__

    def _take_range(self) -> None:
        self._connection.send(("send_file_chunk\n" + json.dumps(self._request)).encode())
        chunks: list[bytes] = []
        while len(chunks) < self._number_of_chunks:
            length, digest = CHUNK_HEADER.unpack(self._connection.recv(CHUNK_HEADER.size))
            chunk = self._receive_data(length)
            if hashlib.sha256(chunk).digest() == digest:
                chunks.append(chunk)
                self._connection.send(b"acknolwedgement")
            else:
                self._connection.send(b"error_notacknol")
        self.received = b"".join(chunks)

    def _receive_data(self, length: int) -> bytes:
        """The chunk; nothing at all for a negative length; a part if the seeder hangs up."""
        data = b""
        while len(data) < length:
            part = self._connection.recv(min(length - len(data), DATA_BUFFER_BYTES))
            if not part:
                break
            data += part
        return data


def connect_to_seeders(seeders: Any, patience_s: float) -> list[socket.socket]:
    """Ask all listed seeders one after another; a dead or silent one costs a second."""
    connected: list[socket.socket] = []
    for host, port in seeders:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(patience_s)
        try:
            connection.connect((host, port))
            connection.send(b"request_connection")
            answer = connection.recv(ANSWER_BUFFER_BYTES).decode()
        except OSError as error:
            answer = type(error).__name__
        say(f"leecher heard {answer} from {host} {port}")
        if answer == "connected":
            connected.append(connection)
        else:
            connection.close()
    for surplus in connected[SEEDERS_AT_MOST:]:
        surplus.send(b"exit_connection")
        surplus.close()
    return connected[:SEEDERS_AT_MOST]


def take_file(connections: list[socket.socket], name: str, size: int, folder: Path) -> str:
    """Take a file in ranges, one per seeder, and write it; return why it was lost, or nothing.

    Without a seeder the split divides by zero, and that ends the leecher.
    """
    number_of_chunks = math.ceil(size / CHUNK_BYTES)
    share = number_of_chunks // len(connections)
    threads = [
        RangeThread(connection, name, share, index * share * CHUNK_BYTES)
        for index, connection in enumerate(connections[:-1])
    ]
    first_of_last = share * len(threads)
    threads.append(
        RangeThread(
            connections[-1], name, number_of_chunks - first_of_last, first_of_last * CHUNK_BYTES
        )
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failures = [thread.failure for thread in threads if thread.failure]
    if not failures:
        # The remote name is a path here, and leads wherever it says.
        (folder / name).write_bytes(b"".join(thread.received for thread in threads))
    return ", ".join(failures)


def run_leecher(
    tracker: Address, folder: Path, names: list[str], patience_s: float = TIMEOUT_S
) -> bool:
    """Take the named files, or all that are listed; return whether all of them came."""
    seeders = ask_for_list(tracker, "request_seeder_list")
    sizes = ask_for_list(tracker, "request_file_list")
    say(f"leecher listed {len(seeders)} seeders, {len(sizes)} files")
    all_came = True
    for name in names or list(sizes):
        try:
            seeders = ask_for_list(tracker, "request_seeder_list")
            connections = connect_to_seeders(seeders, patience_s)
            failure = take_file(connections, name, sizes[name], folder)
        except Exception as error:
            say(f"leecher failed {name}: {type(error).__name__}")
            raise
        say(f"leecher failed {name}: {failure}" if failure else f"leecher file {name} done")
        all_came = all_came and not failure
    return all_came


def main() -> None:
    parser = argparse.ArgumentParser(description="imitation of the original leecher")
    parser.add_argument("tracker_host")
    parser.add_argument("tracker_port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep-seeding", type=int, metavar="PORT")
    parser.add_argument("--keep-seeding-host", default="127.0.0.1")
    parser.add_argument("--ping-interval-s", type=float, default=PING_INTERVAL_S)
    parser.add_argument("--patience-s", type=float, default=TIMEOUT_S)
    arguments = parser.parse_args()
    end_with_the_test()
    tracker = (arguments.tracker_host, arguments.tracker_port)
    all_came = run_leecher(tracker, arguments.folder, arguments.names, arguments.patience_s)
    if arguments.keep_seeding is not None:
        listen_at = (arguments.keep_seeding_host, arguments.keep_seeding)
        run_seeder(tracker, listen_at, arguments.folder, arguments.ping_interval_s)
    sys.exit(0 if all_came else 1)


if __name__ == "__main__":
    main()
