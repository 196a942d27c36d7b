"""Opening the files that a scan of a folder found, and nothing else.

No name on the way may be a link. It knows no content and no wire.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from roles.disk.file_source import OPEN_FLAGS
from roles.disk.open_folder import OpenFolder
from roles.sharing.folder_tree import TreeFile
from roles.values.disk_names import on_disk
from roles.values.errors import FileChangedError, StorageError
from roles.values.safe_names import shown_name
from roles.worker import SHORTAGES


class TreeOpener:
    """For one thread, in a `with` block: the folder of the last file stays open for the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = ""  # path of what is open in _inner
        self._inner: OpenFolder | None = None

    def __enter__(self) -> TreeOpener:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def open(self, file: TreeFile) -> int:
        """A descriptor for reading, the caller's to close.

        Raises FileChangedError when it is not what was scanned.
        """
        try:
            parent, _, name = file.path.rpartition("/")
            inner = self._entered(parent)
            descriptor = os.open(inner.at(on_disk(name)), OPEN_FLAGS, dir_fd=inner.descriptor)
        except OSError as error:
            if error.errno in SHORTAGES:  # says nothing about the file
                raise
            why = error.strerror or type(error).__name__
            raise FileChangedError(f"{shown_name(file.path)} cannot be read ({why})") from None
        except StorageError as error:
            raise FileChangedError(str(error)) from None
        if not file.is_still(os.fstat(descriptor)):
            os.close(descriptor)
            raise FileChangedError(f"{shown_name(file.path)} changed since the folder was read")
        return descriptor

    def check(self, file: TreeFile) -> None:
        """Raise FileChangedError when it is not what was scanned."""
        os.close(self.open(file))

    def _entered(self, parent: str) -> OpenFolder:
        if self._inner is None or parent != self._parent:
            self._leave()
            names = [on_disk(name) for name in parent.split("/")] if parent else ()
            self._inner = OpenFolder.below(self._folder, names, make=False)
            self._parent = parent
        return self._inner

    def _leave(self) -> None:
        if self._inner is not None:
            self._inner.close()
            self._inner = None
