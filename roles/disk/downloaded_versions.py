"""Which version of each file of a share was downloaded to a folder, remembered across runs.

With it a later version replaces a file only if that is byte for byte what was downloaded.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from roles.disk import disk_calls
from roles.disk.state_file import StateFile
from roles.values.content import Content, check_shape
from roles.values.errors import PeerProtocolError, StorageError

log = logging.getLogger(__name__)

FOLDER_NAME = "arrived"  # in the state folder; a file for each share and target folder
MAX_RECORDS = 200  # those that were written longest ago go first


class DownloadedVersions:
    """The files of one share in one folder. For one thread at a time."""

    def __init__(self, state_folder: Path, target: Path, share: str) -> None:
        digest = hashlib.sha256(os.fsencode(target.absolute()) + b"\0" + share.encode())
        self._folder = state_folder / FOLDER_NAME
        self._file = StateFile(self._folder / f"{digest.hexdigest()[:32]}.json")

    def load(self) -> dict[str, Content]:
        """The content of each file, by its path in the share."""
        files = self._file.read_record("files", dict) or {}
        contents = ((path, _content(fields)) for path, fields in files.items())
        return {path: content for path, content in contents if content is not None}

    def note(self, files: Mapping[str, Content]) -> None:
        """These have arrived, or were there already."""
        known = self.load()
        newest = {**known, **files}
        if newest == known:
            return
        record = {
            path: [content.size, content.chunk_size, content.root.hex()]
            for path, content in newest.items()
        }
        try:
            self._file.write_record("files", record)
        except StorageError as error:
            log.warning("The next versions of these files will not replace them: %s", error)
        else:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        with suppress(OSError):
            with os.scandir(self._folder) as entries:
                records = sorted(entries, key=lambda entry: -entry.stat().st_mtime)
            for record in records[MAX_RECORDS:]:
                disk_calls.unlink(record.path)


def _content(fields: object) -> Content | None:
    match fields:
        case [int(size), int(chunk_size), str(root)]:
            with suppress(ValueError, PeerProtocolError):
                check_shape(size, chunk_size)
                return Content(bytes.fromhex(root), size, chunk_size)
        case _:
            pass
    return None
