"""What a test asks of a tracker, and has it list."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from roles.joining.list_upload import ListUpload
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import Address
from roles.values.content import Content, chunk_size_for, root_of
from roles.values.list_lines import FileLine, encode_line
from roles.wire.tracker_messages import Register
from tests.support import LIMIT_S


def ask(
    tracker: tuple[str, int], request: bytes, answers: int = 1, *, source: str = "127.0.0.1"
) -> list[bytes]:
    """Send one datagram from a fresh port, as the originals do, and return what comes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.settimeout(LIMIT_S)
        sock.sendto(request, tracker)
        return [sock.recv(65_535) for _ in range(answers)]


def register(tracker: tuple[str, int], seeder: tuple[str, int], sizes: Mapping[str, int]) -> None:
    """Put a seeder with these files on a tracker's list, as an original would."""
    ask(tracker, b"add_seeder\n" + json.dumps(seeder).encode())
    ask(tracker, b"upload_file_list\n" + json.dumps(sizes).encode())


@dataclass
class Own:
    """A folder that a test offers."""

    share_id: str = "1" * 16
    name: str = "maps"
    snapshot: LibrarySnapshot = field(default_factory=lambda: LibrarySnapshot(1, ("a", "b")))


def list_as_lmk2(
    tracker: Address,
    address: tuple[str, int],
    files: Mapping[str, bytes],
    *,
    share: str = "5" * 16,
    peer: str = "f" * 16,
) -> None:
    """Have a tracker name whoever listens there as a peer of LMK/2 that offers these files."""
    lines = []
    for name, content in files.items():
        step = chunk_size_for(len(content))
        parts = (content[start : start + step] for start in range(0, len(content), step))
        digests = b"".join(hashlib.sha256(part).digest() for part in parts)
        known = Content(root_of(len(content), step, digests), len(content), step)
        lines.append(encode_line(FileLine(name, len(content), known)))
    me = Register("", Address(*address), peer, "pc", is_leecher=False, shares=(share,))
    locator = TrackerLocator(tracker)
    with RoomClient(locator) as client:
        assert client.register(me)
    upload = ListUpload(Own(share, "listed", LibrarySnapshot(1, tuple(lines))), peer, locator)
    assert upload.tell(address[1], now=0.0)


def listed_files(tracker: tuple[str, int]) -> dict[str, int]:
    answer, success = ask(tracker, b"request_file_list", 2)
    assert success == b"success"
    files: dict[str, int] = json.loads(answer)
    return files


def listed_seeders(tracker: tuple[str, int], *, source: str = "127.0.0.1") -> list[tuple[str, int]]:
    answer, success = ask(tracker, b"request_seeder_list", 2, source=source)
    assert success == b"success"
    return [(host, port) for host, port in json.loads(answer)]
