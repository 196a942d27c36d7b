"""Bytes and LMK/1 chunks from a socket, whole; it knows nothing of the program."""

from __future__ import annotations

import hashlib
import socket
import struct

HEADER = struct.Struct("<i32s")  # length and digest, before each chunk of LMK/1


def receive_exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise EOFError(f"it hung up after {len(data)} of {size} bytes")
        data += part
    return data


def receive_chunk(sock: socket.socket) -> bytes:
    """A chunk that matches its header."""
    length, digest = HEADER.unpack(receive_exactly(sock, HEADER.size))
    chunk = receive_exactly(sock, length)
    if hashlib.sha256(chunk).digest() != digest:
        raise AssertionError("a chunk that does not match its digest")
    return chunk
