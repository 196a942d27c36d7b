"""Keeps the unfinished downloads for the next start: what was asked for, not what has come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from roles.disk.share_folders import is_folder_name
from roles.disk.state_file import StateFile
from roles.values.errors import PeerProtocolError
from roles.values.safe_names import shown_name
from roles.values.settings import Existing

RECORD_NAME = "downloads.json"
MAX_DOWNLOADS = 10_000  # more than anybody asks for
MAX_TEXT = 8_192  # characters of a path, a key or a title
MAX_SHARES = 8  # of one download
MAX_FIRST = 1_000  # files and folders of one download that come first
_VERSION = 1
_NAMES = {"lmk", "downloads"}


@dataclass(frozen=True, slots=True)
class RecordedDownload:
    tracker: str  # as typed
    folder: Path  # the target folder
    key: str  # ListedFile.key or a FolderKey as text
    title: str  # safe to show
    existing: Existing
    shares: tuple[str, ...] = ()  # ids of the shares that it comes from
    path: str = ""  # of a file, to find it again when its share has a new id
    is_paused: bool = False
    home: str = ""  # its folder below the target folder; "" for the target folder itself
    first: tuple[str, ...] = ()  # its files and folders that come first, in this order
    # Further fields, written by a newer version.
    more: Mapping[str, object] = field(default_factory=dict, hash=False)


class DownloadRecord:
    """For one thread at a time."""

    def __init__(self, state_folder: Path) -> None:
        self.notice = ""  # a sentence for the user, if something is wrong with the file
        self._file = StateFile(state_folder / RECORD_NAME)
        self._more: Mapping[str, object] = {}  # further fields, written by a newer version

    def load(self) -> tuple[RecordedDownload, ...]:
        """The downloads of the last run; of a damaged record, those that are readable."""
        value = self._file.read()
        downloads = tuple[RecordedDownload, ...]()
        if value is not None:
            try:
                downloads = decode_record(value)
            except PeerProtocolError as error:
                self._file.keep_aside(str(error), is_newer=_is_newer(value))
                downloads = _readable(value)
        if isinstance(value, dict) and not _is_newer(value):
            self._more = {name: value[name] for name in value.keys() - _NAMES}
        self.notice = self._file.notice
        return downloads

    def save(self, downloads: Iterable[RecordedDownload]) -> None:
        self._file.write(encode_record(downloads, self._more))


def encode_record(
    downloads: Iterable[RecordedDownload], more: Mapping[str, object] | None = None
) -> bytes:
    """ASCII only, so that a folder name that is not UTF-8 survives, too."""
    rows = [
        {
            **download.more,
            "tracker": download.tracker,
            "folder": str(download.folder),
            "key": download.key,
            "title": download.title,
            "existing": download.existing.value,
            "shares": list(download.shares),
            "path": download.path,
            "paused": download.is_paused,
            "home": download.home,
            "first": list(download.first),
        }
        for download in downloads
    ]
    record = {**(more or {}), "lmk": _VERSION, "downloads": rows}
    return json.dumps(record, indent=1).encode("ascii")


def decode_record(value: object) -> tuple[RecordedDownload, ...]:
    """Raises PeerProtocolError if `value` is not the JSON of a record."""
    match value:
        case {"lmk": 1, "downloads": list(rows)} if len(rows) <= MAX_DOWNLOADS:
            return tuple(_download(row) for row in rows)
        case {"lmk": int(version), "downloads": list()} if version != _VERSION:
            raise PeerProtocolError(f"is of version {version}")
        case _:
            raise PeerProtocolError("it is no list of downloads")


def _is_newer(value: object) -> bool:
    match value:
        case {"lmk": int(version)}:
            return version > _VERSION
        case _:
            return False


def _readable(value: object) -> tuple[RecordedDownload, ...]:
    """The readable downloads of a damaged record."""
    found = list[RecordedDownload]()
    rows = value.get("downloads") if isinstance(value, dict) and not _is_newer(value) else None
    for row in rows[:MAX_DOWNLOADS] if isinstance(rows, list) else ():
        with suppress(PeerProtocolError):
            found.append(_download(row))
    return tuple(found)


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
            **more,
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
    kept = {str(name): value for name, value in more.items()}
    home = kept.pop("home", "")  # version 1.2 had none
    if not isinstance(home, str) or (home and not is_folder_name(home)):
        raise PeerProtocolError("a download to an impossible folder")
    first = kept.pop("first", [])  # version 1.2 had none
    names = first if isinstance(first, list) else [None]
    paths = tuple(one for one in names if isinstance(one, str) and len(one) <= MAX_TEXT)
    if len(paths) != len(names) or len(paths) > MAX_FIRST:
        raise PeerProtocolError("a download with an impossible order")
    return RecordedDownload(
        tracker, Path(folder), key, shown, policy, ids, path, is_paused, home, paths, kept
    )
