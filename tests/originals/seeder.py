"""The original seeder, imitated: one leecher at a time, no timeout, no framing. Knows no LMK/2.

Run: python3 -m tests.originals.seeder TRACKER_HOST TRACKER_PORT HOST PORT FOLDER

The accept loop runs in the main thread and dies of its first exception; the ping thread then keeps
the process alive and listed, as it did in the original.
"""

from __future__ import annotations

import argparse
import enum
import hashlib
import json
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from tests.originals.progress import end_with_the_test, say
from tests.originals.tracker_requests import Address, add_seeder, ping_tracker, upload_file_list

CHUNK_BYTES = 5120
FIRST_MESSAGE_BUFFER_BYTES = 2048
SECOND_MESSAGE_BUFFER_BYTES = 1024
ACKNOWLEDGEMENT = b"acknolwedgement"
# Native order and alignment, as in the original: not "<i32s".
CHUNK_HEADER = struct.Struct("i32s")
PING_INTERVAL_S = 120.0


class State(enum.Enum):
    AVAILABLE = "AVAILABLE"
    CONNECTED = "CONNECTED"


class Seeder:
    """Serves a folder, and every other path that this user may read, to one leecher at a time."""

    def __init__(self, folder: Path, chunk_pause_s: float = 0.0) -> None:
        """`chunk_pause_s` makes a slow network of a quick one."""
        self._folder = folder
        self._chunk_pause_s = chunk_pause_s
        self._state = State.AVAILABLE
        # Protects `_state`, and is held during a receive without a timeout: the original's mistake.
        self._lock = threading.Lock()
        # The sending thread never closes its socket, and here the garbage collector may not either.
        self._never_closed: list[socket.socket] = []

    def file_sizes(self) -> dict[str, int]:
        """The list to upload: a sub-folder is shown as if it were a file."""
        return {entry.name: entry.stat().st_size for entry in self._folder.iterdir()}

    def accept_forever(self, listener: socket.socket) -> NoReturn:
        try:
            while True:
                connection, _ = listener.accept()
                self._serve_newcomer(connection)
        except Exception as error:
            say(f"accept loop ended: {type(error).__name__}")
            raise

    def _serve_newcomer(self, connection: socket.socket) -> None:
        fields = connection.recv(FIRST_MESSAGE_BUFFER_BYTES).decode().splitlines()
        if fields[0] == "request_connection":
            with self._lock:
                if self._state is State.AVAILABLE:
                    self._connect(connection)
                else:
                    connection.send(b"away")
                    connection.close()
        else:
            connection.send(b"error")
            connection.close()

    def _connect(self, connection: socket.socket) -> None:
        """Run under the lock: answer, and wait for the second message for as long as it takes."""
        self._never_closed.append(connection)
        self._enter(State.CONNECTED)
        connection.send(b"connected")
        fields = connection.recv(SECOND_MESSAGE_BUFFER_BYTES).decode().splitlines()
        if fields[0] == "send_file_chunk":
            name, number_of_chunks, start_offset = json.loads(fields[1])
            threading.Thread(
                target=self._send_range,
                args=(connection, name, number_of_chunks, start_offset),
                name="original-sending",
            ).start()
        elif fields[0] == "exit_connection":
            self._enter(State.AVAILABLE)
            connection.close()
            self._never_closed.remove(connection)

    def _send_range(
        self, connection: socket.socket, name: Any, number_of_chunks: Any, start_offset: Any
    ) -> None:
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(start_offset)
                whole_range = file.read(number_of_chunks * CHUNK_BYTES)
            for index in range(number_of_chunks):
                time.sleep(self._chunk_pause_s)
                start = index * CHUNK_BYTES
                _send_chunk(connection, whole_range[start : start + CHUNK_BYTES])
        except Exception as error:  # noqa: BLE001 - whatever happens, the original is free again
            say(f"seeder sending failed: {type(error).__name__}")
        finally:
            with self._lock:
                self._enter(State.AVAILABLE)

    def _enter(self, state: State) -> None:
        self._state = state
        say(f"seeder state {state.value}")


def _send_chunk(connection: socket.socket, chunk: bytes) -> None:
    """Send header and chunk in two writes until the answer to them is exactly the right word."""
    header = CHUNK_HEADER.pack(len(chunk), hashlib.sha256(chunk).digest())
    while True:
        connection.send(header)
        connection.send(chunk)
        if connection.recv(len(ACKNOWLEDGEMENT)) == ACKNOWLEDGEMENT:
            return


def run_seeder(
    tracker: Address,
    listen_at: Address,
    folder: Path,
    ping_interval_s: float,
    chunk_pause_s: float = 0.0,
) -> None:
    """Register, upload the list, listen, ping: in the original's order."""
    seeder = Seeder(folder, chunk_pause_s)
    # No SO_REUSEADDR: a restart soon after a transfer fails, as it did in the original.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    registered = listen_at
    if listen_at[1] == 0:
        # The one deviation: a port of the system's choice must be known before it is registered.
        listener.bind(listen_at)
        registered = (listen_at[0], listener.getsockname()[1])
    say(f"seeder registered: {add_seeder(tracker, registered)}")
    say(f"seeder uploaded: {upload_file_list(tracker, seeder.file_sizes())}")
    if listen_at[1] != 0:
        listener.bind(listen_at)
    listener.listen()
    say(f"seeder listening {registered[0]} {registered[1]}")
    # Not a daemon: it outlives the accept loop.
    threading.Thread(
        target=_ping_forever, args=(tracker, registered, ping_interval_s), name="original-ping"
    ).start()
    seeder.accept_forever(listener)


def _ping_forever(tracker: Address, registered: Address, ping_interval_s: float) -> NoReturn:
    while True:
        for _ in range(2):
            say(f"seeder ping: {ping_tracker(tracker, registered)}")
        time.sleep(ping_interval_s)


def main() -> None:
    parser = argparse.ArgumentParser(description="imitation of the original seeder")
    parser.add_argument("tracker_host")
    parser.add_argument("tracker_port", type=int)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ping-interval-s", type=float, default=PING_INTERVAL_S)
    parser.add_argument("--chunk-pause-s", type=float, default=0.0)
    arguments = parser.parse_args()
    end_with_the_test()
    run_seeder(
        (arguments.tracker_host, arguments.tracker_port),
        (arguments.host, arguments.port),
        arguments.folder,
        arguments.ping_interval_s,
        arguments.chunk_pause_s,
    )


if __name__ == "__main__":
    main()
