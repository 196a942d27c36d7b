"""An opened file from which chunks are sent, with sendfile where the system has it.

It knows no wire, and not why the file is offered: whoever opened it says what it must still be.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from roles.disk.positioned_file import PositionedFile
from roles.net.connection import Connection
from roles.values.errors import FileChangedError
from roles.worker import SHORTAGES

MAX_READ = 256 * 1024  # bytes, where they pass through memory

# Follows no link, and waits for nobody at a pipe.
OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)

ResultT = TypeVar("ResultT")


class FileSource:
    """A ChunkSource that owns its descriptor. Used by one thread."""

    def __init__(self, descriptor: int, is_still: Callable[[os.stat_result], bool]) -> None:
        """`is_still` judges by its status whether the file is the one that was opened."""
        self._file = PositionedFile(descriptor)
        self._is_still = is_still
        self._has_sendfile = True

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """Send some of these bytes: how many went out, 0 when there was no room in time.

        Raises FileChangedError when the file ends before them or cannot be read, OSError.
        """
        if self._has_sendfile:
            sent = self._send_file(connection, offset, length)
            if sent is not None:
                return sent
            self._has_sendfile = False
        return connection.send(self._read(offset, length))

    def check(self) -> None:
        """Raise FileChangedError when it is not what was opened any more."""
        try:
            is_still = self._is_still(os.fstat(self._file.descriptor))
        except OSError as error:
            raise _changed(error) from None
        if not is_still:
            raise FileChangedError("the file changed while it was sent")

    def close(self) -> None:
        self._file.close()

    def _send_file(self, connection: Connection, offset: int, length: int) -> int | None:
        """None when it cannot be done for this file."""
        try:
            return connection.send_file(self._file.descriptor, offset, length)
        except EOFError:
            raise FileChangedError("the file is shorter than it was") from None
        except OSError as error:
            if error.errno == errno.EIO:  # a connection never says so
                raise _changed(error) from None
            raise

    def _read(self, offset: int, length: int) -> bytes:
        try:
            return _read_at(self._file, offset, length)
        except OSError as error:
            raise _changed(error) from None


class PathSource:
    """A ChunkSource that opens its file for each read, and has it closed while it sends.

    Windows refuses to rename or remove a file as long as anyone has it open.
    """

    def __init__(
        self, path: Callable[[], Path | None], is_still: Callable[[os.stat_result], bool]
    ) -> None:
        """`path` gives where the file is now, None when it is gone."""
        self._path = path
        self._is_still = is_still

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """As FileSource.send()."""
        return connection.send(self._with_file(partial(_read_at, offset=offset, length=length)))

    def check(self) -> None:
        """Raise FileChangedError when it is not what was opened any more."""
        self._with_file(lambda _: None)

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _with_file(self, use: Callable[[PositionedFile], ResultT]) -> ResultT:
        path = self._path()
        try:
            if path is None:
                raise FileChangedError("the file is gone")
            file = PositionedFile(os.open(path, OPEN_FLAGS))
            try:
                if not self._is_still(os.fstat(file.descriptor)):
                    raise FileChangedError("the file changed while it was sent")
                return use(file)
            finally:
                file.close()
        except FileNotFoundError as error:
            if self._path() == path:
                raise _changed(error) from None
        except OSError as error:
            raise _changed(error) from None
        return self._with_file(use)  # it got its final name just now


def _read_at(file: PositionedFile, offset: int, length: int) -> bytes:
    data = file.read(offset, min(length, MAX_READ))
    if not data:
        raise FileChangedError("the file is shorter than it was")
    return data


def _changed(error: OSError) -> FileChangedError | OSError:
    if error.errno in SHORTAGES:  # says nothing about the file
        return error
    return FileChangedError(f"the file cannot be read ({error.strerror or error})")
