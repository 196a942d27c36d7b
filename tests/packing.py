"""Compresses whole lists as the product does line by line."""

from __future__ import annotations

from collections.abc import Iterable

from roles.wire.list_wire import Entry, Packer, encode_entry


def packed_list(entries: Iterable[Entry]) -> bytes:
    packer = Packer()
    return b"".join([*(packer.pack(encode_entry(entry)) for entry in entries), packer.end()])
