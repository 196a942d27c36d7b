"""The original tracker, imitated: one UDP loop that any exception ends. Knows nothing of LMK/2.

Run: python3 -m tests.originals.tracker HOST PORT
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from typing import Any

from tests.originals.progress import end_with_the_test, say
from tests.originals.tracker_requests import Address

DATAGRAM_BUFFER_BYTES = 1024
FORGET_AFTER_S = 600.0


class Tracker:
    """The two global lists: whatever JSON a stranger sent is kept as it came."""

    def __init__(self, forget_after_s: float) -> None:
        self._forget_after_s = forget_after_s
        self._seeders: list[Any] = []
        self._last_seen: list[float] = []
        self._files: Any = {}

    def serve(self, udp_socket: socket.socket) -> None:
        """Answer for ever; the first exception ends it, as it ended the original."""
        while True:
            self._forget_silent_seeders()
            datagram, sender = udp_socket.recvfrom(DATAGRAM_BUFFER_BYTES)
            fields = datagram.decode().splitlines()
            say(f"tracker heard {fields[0]}")
            self._answer(udp_socket, sender, fields)

    def _answer(self, udp_socket: socket.socket, sender: Address, fields: list[str]) -> None:
        match fields[0]:
            case "add_seeder":
                answer = self._add_seeder(json.loads(fields[1]))
            case "upload_file_list":
                self._files = json.loads(fields[1])
                answer = "success"
            case "ping_tracker":
                answer = self._ping(json.loads(fields[1]))
            case "request_seeder_list":
                udp_socket.sendto(json.dumps(self._seeders).encode(), sender)
                answer = "success"
            case "request_file_list":
                udp_socket.sendto(json.dumps(self._files).encode(), sender)
                answer = "success"
            case _:
                answer = "error\nNone"
        udp_socket.sendto(answer.encode(), sender)

    def _add_seeder(self, seeder: Any) -> str:
        if seeder in self._seeders:
            return "error\nSeeder is already Registered"
        self._seeders.append(seeder)
        self._last_seen.append(time.time())
        return "success"

    def _ping(self, seeder: Any) -> str:
        if seeder not in self._seeders:
            return "error\nSeeder ID not in found with registed seeders"
        self._last_seen[self._seeders.index(seeder)] = time.time()
        return "success"

    def _forget_silent_seeders(self) -> None:
        """Done before each receive only: the first request after a long silence still sees them."""
        now = time.time()
        kept = [
            (seeder, seen)
            for seeder, seen in zip(self._seeders, self._last_seen, strict=True)
            if now - seen <= self._forget_after_s
        ]
        self._seeders = [seeder for seeder, _ in kept]
        self._last_seen = [seen for _, seen in kept]


def main() -> None:
    parser = argparse.ArgumentParser(description="imitation of the original tracker")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--forget-after-s", type=float, default=FORGET_AFTER_S)
    arguments = parser.parse_args()
    end_with_the_test()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp_socket:
        udp_socket.bind((arguments.host, arguments.port))
        host, port = udp_socket.getsockname()
        say(f"tracker ready {host} {port}")
        Tracker(arguments.forget_after_s).serve(udp_socket)


if __name__ == "__main__":
    main()
