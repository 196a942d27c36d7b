"""Which downloads were under way, kept for the next start; what they have is read from the disk.

It starts nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from roles.base.state_file import read_state, write_whole
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import shown_name
from roles.values.settings import Existing

log = logging.getLogger(__name__)

RECORD_NAME = "downloads.json"
MAX_DOWNLOADS = 10_000  # more than anybody asks for, and read in a moment
MAX_TEXT = 8_192  # characters of a path, a key or a title
MAX_SHARES = 8  # of one download
_VERSION = 1


@dataclass(frozen=True, slots=True)
class RecordedDownload:
    """One thing that was asked for."""

    tracker: str  # as typed
    folder: Path  # where it goes
    key: str  # what was asked for: a file's, a share's or a folder's
    title: str  # how it was shown, safe to show
    existing: Existing
    shares: tuple[str, ...] = ()  # ids of the shares that it comes from
    path: str = ""  # of a file, to find it by when its share has a new id
    is_paused: bool = False


def load_record(state_folder: Path) -> tuple[RecordedDownload, ...]:
    """The downloads of the last run; none, and a line in the log, when the record is damaged."""
    path = state_folder / RECORD_NAME
    try:
        if not path.is_file():  # a pipe of that name would be waited for
            return ()
        value = read_state(path)
        return () if value is None else decode_record(value)
    except (OSError, PeerProtocolError) as error:
        log.warning("The downloads in %s are forgotten (%s).", path, error)
        return ()


def save_record(state_folder: Path, downloads: Iterable[RecordedDownload]) -> None:
    """Keep them, synced. Raises StorageError."""
    write_whole(state_folder / RECORD_NAME, encode_record(downloads))


def encode_record(downloads: Iterable[RecordedDownload]) -> bytes:
    """Pure ASCII; a folder whose name is no UTF-8 is kept, too."""
    rows = [
        {
            "tracker": download.tracker,
            "folder": str(download.folder),
            "key": download.key,
            "title": download.title,
            "existing": download.existing.value,
            "shares": list(download.shares),
            "path": download.path,
            "paused": download.is_paused,
        }
        for download in downloads
    ]
    return json.dumps({"lmk": _VERSION, "downloads": rows}, indent=1).encode("ascii")


def decode_record(value: object) -> tuple[RecordedDownload, ...]:
    """The downloads in the JSON of a record. Raises PeerProtocolError for anything else."""
    match value:
        case {"lmk": 1, "downloads": list(rows)} if len(rows) <= MAX_DOWNLOADS:
            return tuple(_download(row) for row in rows)
        case {"lmk": int(version), "downloads": list()} if version != _VERSION:
            raise PeerProtocolError(f"it is of version {version}")
        case _:
            raise PeerProtocolError("it is no list of downloads")


def _download(row: object) -> RecordedDownload:
    match row:
        case {
            "tracker": str(tracker),
            "folder": str(folder),
            "key": str(key),
            "title": str(title),
            "existing": str(existing),
            "shares": list(shares),
            "path": str(path),
            "paused": bool(is_paused),
        }:
            pass
        case _:
            raise PeerProtocolError("a download with fields missing")
    ids = tuple(share for share in shares if isinstance(share, str))
    if len(ids) != len(shares) or len(ids) > MAX_SHARES:
        raise PeerProtocolError("a download with impossible shares")
    if max(map(len, (tracker, folder, key, title, path, *ids))) > MAX_TEXT:
        raise PeerProtocolError("a download with an endless text")
    if not folder or "\0" in folder or not Path(folder).is_absolute():
        raise PeerProtocolError("a download without a folder")
    try:
        policy = Existing(existing)
    except ValueError:
        raise PeerProtocolError(f"a download with “{existing[:20]}” files") from None
    shown = shown_name(title)  # the record may be damaged
    return RecordedDownload(tracker, Path(folder), key, shown, policy, ids, path, is_paused)
