"""The files of a download beside those in its target folder: which are here, which are new versions
of what it brought before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from roles.disk.downloaded_versions import DownloadedVersions
from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.downloads.wanted import WantedFile
from roles.values.content import Content
from roles.values.events import DownloadState, FileEnded
from roles.values.folder_keys import FolderKey
from roles.values.list_lines import FileLine
from roles.values.safe_names import UnsafeNameError
from roles.values.settings import Existing


def versions_of(key: str, state_folder: Path | None, folder: Path) -> DownloadedVersions | None:
    """The record for what this key brings to this folder; None without a share or state folder."""
    asked = FolderKey.of(key)
    if state_folder is None or asked is None or not asked.share:
        return None
    return DownloadedVersions(state_folder, folder, asked.share)


class Comparison:
    """For the download's thread."""

    def __init__(self, target: TargetFolder, versions: DownloadedVersions | None) -> None:
        self._target = target
        self._versions = versions
        self._former = dict[str, Content]()  # what earlier runs brought, by path
        self._newest = dict[str, Content]()  # of the files that were compared, by path
        self._here = dict[str, Content]()  # under their own names, and not in the record yet

    def begin(self) -> None:
        if self._versions is not None and self._target.existing is Existing.SKIP:
            self._former = self._versions.load()

    def compare(
        self, file: FileLine, stored: StoredPath | UnsafeNameError
    ) -> FileEnded | WantedFile:
        """How it ended, if it is here or cannot be stored; else what must be fetched."""
        if isinstance(stored, UnsafeNameError):
            return FileEnded(file.path, file.size, DownloadState.FAILED, failure=stored)
        assert file.content is not None
        if self._versions is not None:
            self._newest[file.path] = file.content
        there = self._target.find(stored, file.content)
        if there is not None:
            return FileEnded(file.path, file.size, DownloadState.SKIPPED, os.fspath(there))
        former = self._former.get(file.path, file.content)
        is_new = former != file.content
        replaces = self._target.unchanged(stored, former) if is_new else None
        how = (file.mtime, file.is_executable, 0, replaces)
        return WantedFile(file.path, stored, file.content, *how)

    def changed(self, missing: Iterable[WantedFile]) -> list[WantedFile]:
        """Those of which another version is here; files that are not here any more are new."""
        return [
            file
            for file in missing
            if self._former.get(file.path, file.content) != file.content
            and (file.replaces or self._target.has(file.stored))
        ]

    def note(self, files: Iterable[FileEnded]) -> None:
        """These have ended in the version that was compared last."""
        if self._versions is not None:
            here = (file.name for file in files if file.path and not file.is_renamed)
            self._here |= {path: self._newest[path] for path in here}

    def save(self) -> None:
        """Record which version of each file is here."""
        here, self._here = self._here, {}
        if here and self._versions is not None:
            self._versions.note(here)
