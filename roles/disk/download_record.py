"""Keeps the unfinished downloads for the next start: what was asked for, not what has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from roles.disk.share_folders import is_folder_name
from roles.disk.state_file import StateFile
from roles.values.safe_names import shown_name
from roles.values.settings import Existing

RECORD_NAME = "downloads.json"
MAX_DOWNLOADS = 10_000  # more than anybody asks for
MAX_TEXT = 8_192  # characters of a path, a key or a title
MAX_SHARES = 8  # of one download
MAX_FIRST = 1_000  # files and folders of one download that come first
_POLICIES = {policy.value: policy for policy in Existing}


@dataclass(frozen=True, slots=True)
class RecordedDownload:
    tracker: str  # as typed
    folder: Path  # the target folder
    key: str  # ListedFile.key or a FolderKey as text
    title: str  # safe to show
    existing: Existing
    shares: tuple[str, ...] = ()  # ids of the shares that it comes from
    is_paused: bool = False
    home: str = ""  # its folder below the target folder; "" for the target folder itself
    first: tuple[str, ...] = ()  # its files and folders that come first, in this order


class DownloadRecord:
    """For one thread at a time."""

    def __init__(self, state_folder: Path) -> None:
        self._file = StateFile(state_folder / RECORD_NAME)

    @property
    def notice(self) -> str:
        """A sentence for the user, if something is wrong with the file."""
        return self._file.notice

    def load(self) -> tuple[RecordedDownload, ...]:
        """The downloads of the last run; of a damaged record, those that are readable."""
        rows = self._file.read_record("downloads", list) or []
        downloads = [decode_download(row) for row in rows[:MAX_DOWNLOADS]]
        if None in downloads:
            self._file.keep_aside("not all of it can be read")
        return tuple(download for download in downloads if download is not None)

    def save(self, downloads: Iterable[RecordedDownload]) -> None:
        """Raises StorageError."""
        self._file.write_record("downloads", list(map(encode_download, downloads)))


def encode_download(download: RecordedDownload) -> dict[str, object]:
    return {
        "tracker": download.tracker,
        "folder": str(download.folder),
        "key": download.key,
        "title": download.title,
        "existing": download.existing.value,
        "shares": list(download.shares),
        "path": "",  # version 1.2 cannot read a record without it
        "paused": download.is_paused,
        "home": download.home,
        "first": list(download.first),
    }


def decode_download(row: object) -> RecordedDownload | None:
    """None if it is not what encode_download() makes of a download."""
    match row:
        case {
            "tracker": str(tracker),
            "folder": str(folder),
            "key": str(key),
            "title": str(title),
            "existing": str(existing),
            "shares": shares,
            "paused": bool(is_paused),
            **others,
        }:
            pass
        case _:
            return None
    home = others.get("home", "")  # version 1.2 had none
    ids, first = _texts(shares, MAX_SHARES), _texts(others.get("first", []), MAX_FIRST)
    policy = _POLICIES.get(existing)
    if ids is None or first is None or policy is None:
        return None
    if max(map(len, (tracker, folder, key, title))) > MAX_TEXT:
        return None
    if "\0" in folder or not Path(folder).is_absolute():
        return None
    if not isinstance(home, str) or (home and not is_folder_name(home)):
        return None
    shown = shown_name(title)  # the record may be damaged
    return RecordedDownload(tracker, Path(folder), key, shown, policy, ids, is_paused, home, first)


def _texts(value: object, most: int) -> tuple[str, ...] | None:
    """The texts, if it is a list of at most `most` of them; None otherwise."""
    if not isinstance(value, list) or len(value) > most:
        return None
    texts = tuple(text for text in value if isinstance(text, str) and len(text) <= MAX_TEXT)
    return texts if len(texts) == len(value) else None
