"""The datagrams with which BitTorrent programs ask a tracker for each other (BEP 15).

All numbers are big-endian. The first byte tells these requests from LMK's: it is 0 in a connect,
and FF in all others, because the tracker gives out only ids of connections that begin so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError

HASH_SIZE = 20  # bytes
MAX_SCRAPED = 74  # torrents in one datagram, says the BEP
ID_SIZE = 8  # bytes of the id of a connection
CHOSEN = b"\xff"  # begins every id that a tracker of ours gives out
_MAGIC = bytes.fromhex("00000417 27101980")  # begins a connect
_HEAD = struct.Struct(f"!{ID_SIZE}sI4s")  # id of the connection, action, id of the request
_ANNOUNCE = struct.Struct("!20s20sQQQIIIiH")  # follows the head
_ANSWER = struct.Struct("!I4s")  # action, id of the request
_COUNTS = struct.Struct("!III")
_PEER = struct.Struct("!4sH")


class _Action(IntEnum):
    CONNECT = 0
    ANNOUNCE = 1
    SCRAPE = 2
    ERROR = 3


class Event(IntEnum):
    NONE = 0
    COMPLETED = 1
    STARTED = 2
    STOPPED = 3


class Connect(NamedTuple):
    request: bytes  # its id, for the answer


class Announce(NamedTuple):
    """A program has a torrent, or wants it. The address that it names is left out: only the source
    of the datagram counts.
    """

    request: bytes
    info_hash: bytes
    is_seed: bool
    event: Event
    wanted: int  # peers; negative: as many as the tracker likes
    port: int


class Scrape(NamedTuple):
    request: bytes
    info_hashes: tuple[bytes, ...]


Request: TypeAlias = Connect | Announce | Scrape


class Counts(NamedTuple):
    """How many peers of each kind a torrent has."""

    seeds: int
    others: int


def decode_request(datagram: bytes) -> Request:
    """Raises PeerProtocolError. Bytes behind a request are options of later BEPs."""
    if len(datagram) < _HEAD.size:
        raise PeerProtocolError("a datagram too short for BEP 15")
    connection, action, request = _HEAD.unpack_from(datagram)
    rest = datagram[_HEAD.size :]
    if connection == _MAGIC and action == _Action.CONNECT:
        return Connect(request)
    if connection[:1] != CHOSEN:
        raise PeerProtocolError("an id that no tracker of ours has chosen")
    if action == _Action.ANNOUNCE and len(rest) >= _ANNOUNCE.size:
        info_hash, _, _, left, _, event, _, _, wanted, port = _ANNOUNCE.unpack_from(rest)
        known = Event(event) if event <= max(Event) else Event.NONE
        return Announce(request, info_hash, left == 0, known, wanted, port)
    if action == _Action.SCRAPE and len(rest) >= HASH_SIZE:
        starts = range(0, len(rest) - HASH_SIZE + 1, HASH_SIZE)[:MAX_SCRAPED]
        return Scrape(request, tuple(rest[start : start + HASH_SIZE] for start in starts))
    raise PeerProtocolError("no request of BEP 15")


def encode_connected(request: bytes, connection: bytes) -> bytes:
    """The answer to a connect, which is as long as the request."""
    return _ANSWER.pack(_Action.CONNECT, request) + connection


def encode_announced(
    request: bytes, interval_s: int, counts: Counts, peers: Iterable[Address]
) -> bytes:
    """The hosts of `peers` are IPv4 addresses. ipaddress would take 0.3 ms to read 80 of them."""
    head = _ANSWER.pack(_Action.ANNOUNCE, request)
    head += _COUNTS.pack(interval_s, counts.others, counts.seeds)
    return head + b"".join(
        _PEER.pack(bytes(map(int, host.split("."))), port) for host, port in peers
    )


def encode_scraped(request: bytes, counts: Sequence[Counts]) -> bytes:
    """Counts in the order of the request. How often a torrent was completed is not counted."""
    head = _ANSWER.pack(_Action.SCRAPE, request)
    return head + b"".join(_COUNTS.pack(count.seeds, 0, count.others) for count in counts)


def encode_error(request: bytes, text: str) -> bytes:
    return _ANSWER.pack(_Action.ERROR, request) + text.encode()
