"""How the original seeder and leecher ask a tracker. Knows nothing of TCP.

Each request leaves from a fresh UDP port, is sent once and waits without a timeout: one dropped
answer freezes the program for good.
"""

from __future__ import annotations

import json
import socket
from typing import Any

Address = tuple[str, int]

DATAGRAM_BUFFER_BYTES = 1024


def ask(tracker: Address, request: str) -> str:
    """Send a request that has one answer, and return that answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh_socket:
        fresh_socket.sendto(request.encode(), tracker)
        return fresh_socket.recvfrom(DATAGRAM_BUFFER_BYTES)[0].decode()


def ask_for_list(tracker: Address, request: str) -> Any:
    """Send a request that has two answers; return the first, JSON, whatever it holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh_socket:
        fresh_socket.sendto(request.encode(), tracker)
        listed = json.loads(fresh_socket.recvfrom(DATAGRAM_BUFFER_BYTES)[0].decode())
        fresh_socket.recvfrom(DATAGRAM_BUFFER_BYTES)
        return listed


def add_seeder(tracker: Address, seeder: Address) -> str:
    return ask(tracker, "add_seeder\n" + json.dumps(seeder))


def upload_file_list(tracker: Address, sizes: dict[str, int]) -> str:
    return ask(tracker, "upload_file_list\n" + json.dumps(sizes))


def ping_tracker(tracker: Address, seeder: Address) -> str:
    return ask(tracker, "ping_tracker\n" + json.dumps(seeder))
