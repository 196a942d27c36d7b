"""Opens files that a scan found, without following links."""

from __future__ import annotations

import os
from pathlib import Path

from roles.disk.file_source import OPEN_FLAGS
from roles.disk.open_folder import LastFolder
from roles.sharing.folder_tree import TreeFile
from roles.values.disk_names import on_disk
from roles.values.errors import FileChangedError, StorageError
from roles.values.safe_names import shown_name
from roles.worker import SHORTAGES


class TreeOpener:
    """For one thread. Keeps the folder of the last file open for the next."""

    def __init__(self, folder: Path) -> None:
        self._folders = LastFolder(folder, make=False)

    def __enter__(self) -> TreeOpener:
        return self

    def __exit__(self, *_: object) -> None:
        self._folders.close()

    def open(self, file: TreeFile) -> int:
        """A descriptor for reading, which the caller must close.

        Raises FileChangedError if the file is not as scanned.
        """
        try:
            *parents, name = file.path.split("/")
            inner = self._folders.open(tuple(map(on_disk, parents)))
            descriptor = os.open(inner.at(on_disk(name)), OPEN_FLAGS, dir_fd=inner.descriptor)
        except OSError as error:
            if error.errno in SHORTAGES:  # the file may be fine
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
        """Raise FileChangedError if the file is not as scanned."""
        os.close(self.open(file))
