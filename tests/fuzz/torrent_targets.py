"""What BitTorrent programs send, and the names that a torrent has, as targets. See targets.py."""

from __future__ import annotations

import re
import struct
from random import Random

from roles.torrents.bencode import Value, encode
from roles.torrents.bep15_wire import (
    Announce,
    Connect,
    Scrape,
    decode_request,
    encode_announced,
    encode_connected,
    encode_scraped,
)
from roles.torrents.metainfo import Torrent, TorrentFile, pieces_of, torrent_files
from roles.torrents.swarms import MAX_TOLD, Swarms
from roles.values.safe_names import collision_key, is_storable, safe_name
from tests.fuzz.target import Target, check

HOST = "192.168.1.7"
INFO_HASH = bytes(range(20))
CONNECT = struct.pack(">QI4s", 0x41727101980, 0, b"abcd")
_ID = b"\xff1234567"
_HEAD = struct.Struct(">8sI4s")
_ANNOUNCE = struct.pack(">20s20sQQQIIIiH", INFO_HASH, b"-XX-" * 5, 0, 5, 0, 2, 0, 1, -1, 6881)
DATAGRAMS = (
    CONNECT,
    _HEAD.pack(_ID, 1, b"efgh") + _ANNOUNCE,
    _HEAD.pack(_ID, 1, b"efgh") + _ANNOUNCE + b"\2\5/path",
    _HEAD.pack(_ID, 2, b"ijkl") + INFO_HASH * 74,
    _HEAD.pack(_ID, 3, b"ijkl") + b"error",
)
PATHS = (
    "a.txt\nA.TXT\na.txt/b\nb/c/d",
    "Ü/e\u0301\nÜ/é\n<a>:?*|\nCON\ncon.txt\naux/nul",
    "100% & mehr #2?.txt\n a \na.\na\nback\\slash\n../x\n..\\x\n.\n..",
    "\u202ex\nx\u0000y\n" + "long" * 90,
)


def datagram(data: bytes) -> None:
    """No answer is longer than what it answers may cost, and no stranger is believed."""
    request = decode_request(data)
    swarms = Swarms(Random(0))
    swarms.offer({INFO_HASH: ""}, now=0.0)
    match request:
        case Connect():
            check(len(encode_connected(request.request, _ID)) <= len(data), "it amplifies")
        case Announce():
            check(data[0] != 0, "an announce that looks like a connect")
            peers = swarms.announce(request, HOST, now=0.0)
            check((peers is None) == (request.info_hash != INFO_HASH), "tracked without an offer")
            counts = swarms.counts(request.info_hash)
            answer = encode_announced(request.request, 120, counts, peers or ())
            check(len(answer) <= 20 + 6 * MAX_TOLD, "too many peers")
        case Scrape():
            counted = [swarms.counts(one) for one in request.info_hashes]
            check(len(encode_scraped(request.request, counted)) <= len(data), "it amplifies")


def names(data: bytes) -> None:
    """Whatever a folder has in it, its torrent has names that every system can store."""
    paths = dict.fromkeys(data.decode("utf-8", "replace").split("\n"))
    files = torrent_files((path, len(path), bytes(32)) for path in paths if is_storable(path))
    seen = set[tuple[str, ...]]()
    for file in files:
        check(bool(file.names), "a file without a name")
        for name in file.names:
            check(not re.search(r'[<>:"/\\|?*\x00-\x1f]', name), "a sign that Windows forbids")
            check(name not in ("", ".", "..") and name.rstrip(" .") == name, "a name for no system")
            check(safe_name(name, windows=True) == name, "another name the second time")
        key = tuple(map(collision_key, file.names))
        check(key not in seen, "two files of one name")
        seen.add(key)
    check_torrent(files)


def check_torrent(files: tuple[TorrentFile, ...]) -> None:
    pieces = [*pieces_of(files)]
    covered = sum(part.length for piece in pieces for part in piece)
    check(covered == sum(file.size for file in files), "bytes in no piece")
    torrent = Torrent("Lesson", files, True, tuple(bytes(20) for _ in pieces))
    read, rest = decoded(torrent.info)
    check(not rest and encode(read) == torrent.info, "read otherwise")


def decoded(data: bytes) -> tuple[Value, bytes]:
    """The first value and what follows it; keys must be sorted and differ."""
    match data[:1]:
        case b"i":
            number, _, rest = data[1:].partition(b"e")
            return int(number), rest
        case b"l":
            items, rest = list[Value](), data[1:]
            while rest[:1] != b"e":
                item, rest = decoded(rest)
                items.append(item)
            return items, rest[1:]
        case b"d":
            found, rest = dict[str, Value](), data[1:]
            while rest[:1] != b"e":
                key, rest = decoded(rest)
                assert isinstance(key, bytes)
                check(not found or max(found) < key.decode(), "keys in another order")
                found[key.decode()], rest = decoded(rest)
            return found, rest[1:]
        case _:
            length, _, rest = data.partition(b":")
            return rest[: int(length)], rest[int(length) :]


TORRENT_TARGETS = (
    Target("BEP 15 datagrams", datagram, DATAGRAMS),
    Target("names in torrents", names, [text.encode() for text in PATHS]),
)
