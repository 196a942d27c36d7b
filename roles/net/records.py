"""Messages over a connection, each preceded by its length, in place of an open room's datagrams."""

from __future__ import annotations

import struct

from roles.net.connection import Connection
from roles.values.errors import PeerProtocolError

_LENGTH = struct.Struct(">H")


def post_record(connection: Connection, message: bytes) -> None:
    """Never waits. Raises OSError."""
    connection.post(_LENGTH.pack(len(message)) + message)


def next_record(connection: Connection, most: int) -> bytes | None:
    """None if it has not come in time. Raises OSError (ConnectionError after the other side closed)
    and PeerProtocolError for one of more than `most` bytes.
    """
    while True:
        head = connection.take(_LENGTH.size)
        if head is not None:
            (length,) = _LENGTH.unpack(head)
            if length > most:
                raise PeerProtocolError(f"a record of {length} bytes, {most} are allowed")
            record = connection.take(length)
            if record is not None:
                return record
            connection.put_back(head)
            wanted = _LENGTH.size + length
        else:
            wanted = _LENGTH.size
        count = connection.read_ahead(wanted)
        if count is None:
            return None
        if not count:
            raise ConnectionResetError("it hung up")
