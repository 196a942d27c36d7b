"""The folders that a download makes in the target folder, before the files that go into them."""

from __future__ import annotations

from roles.disk.stored_names import StoredPath
from roles.disk.target_folder import TargetFolder
from roles.downloads.download_scope import Scope
from roles.values.disk_names import path_from_disk
from roles.values.errors import StorageError
from roles.values.events import FolderRenamed


class MadeFolders:
    """Owned by the download's thread; others may read its numbers."""

    def __init__(self, target: TargetFolder, home: StoredPath) -> None:
        """`home`: the folder below the target folder that all of them are in; () for none."""
        self._target, self._home = target, home
        self._renamed = set[StoredPath]()  # those that have other names here
        self.begin()

    def begin(self) -> None:
        """Make all of them once more."""
        self.failed = dict[str, StorageError]()  # those that could not be made, by their paths
        self._tried = set[StoredPath]()  # those that were made, or could not be
        self._scope: Scope | None = None  # whose folders are all among them

    @property
    def renamed(self) -> int:
        return len(self._renamed)

    def is_behind(self, scope: Scope) -> bool:
        return scope is not self._scope

    def make(self, scope: Scope) -> list[FolderRenamed]:
        """Make those that no earlier list had. Returns those that have other names here, each once.

        Raises StorageError if not even `home` can be made, StoppedError, and DiskFullError, after
        which it can be called again.
        """
        fresh = {
            stored: line for stored, line in scope.folders.items() if stored not in self._tried
        }
        times = [(stored, folder.mtime) for stored, folder in fresh.items()]
        if self._home and not self._tried:
            times.insert(0, (self._home, None))
        failed = self._target.make_folders(times)
        if self._home in failed:
            raise failed[self._home]
        self._tried.update(fresh)
        self._scope = scope
        self.failed |= {fresh[stored].path: error for stored, error in failed.items()}
        paths = {stored: folder.path for stored, folder in fresh.items() if stored not in failed}
        if self._home:
            paths[self._home] = scope.wanted.share_name
        renamed = [stored for stored, path in paths.items() if self._is_news(stored, path)]
        self._renamed.update(renamed)
        return [
            FolderRenamed(paths[stored], self._target.path.joinpath(*stored)) for stored in renamed
        ]

    def _is_news(self, stored: StoredPath, path: str) -> bool:
        """Whether it has another name here, and nobody was told yet."""
        below = stored if stored == self._home else stored[len(self._home) :]
        return path_from_disk("/".join(below)) != path and stored not in self._renamed
