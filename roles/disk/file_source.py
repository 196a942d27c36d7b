"""Sends chunks from an open file, with sendfile where the system has it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from roles.disk.disk_calls import READ_FLAGS
from roles.disk.positioned_file import PositionedFile
from roles.net.connection import Connection
from roles.values.errors import FileChangedError
from roles.worker import SHORTAGES

MAX_READ = 256 * 1024  # bytes at once, without sendfile

ResultT = TypeVar("ResultT")


class FileSource:
    """A ChunkSource that owns its descriptor. For one thread."""

    def __init__(self, descriptor: int, is_still: Callable[[os.stat_result], bool]) -> None:
        """`is_still` tells from a status whether the file is still the expected one."""
        self._file = PositionedFile(descriptor)
        self._is_still = is_still
        self._has_sendfile = True

    def send(self, connection: Connection, offset: int, length: int) -> int:
        if self._has_sendfile:
            try:
                sent = connection.send_file(self._file.descriptor, offset, length)
            except EOFError:
                raise FileChangedError("the file is shorter than it was") from None
            except OSError as error:
                if error.errno == errno.EIO:  # from the file: sockets do not raise it
                    raise _changed(error) from None
                raise
            if sent is not None:
                return sent
            self._has_sendfile = False
        return connection.send(self.read(offset, length))

    def read(self, offset: int, length: int) -> bytes:
        """Some of these bytes. Raises FileChangedError and OSError."""
        try:
            return _read_at(self._file, offset, length)
        except OSError as error:
            raise _changed(error) from None

    def check(self) -> None:
        try:
            is_still = self._is_still(os.fstat(self._file.descriptor))
        except OSError as error:
            raise _changed(error) from None
        if not is_still:
            raise FileChangedError("the file changed while it was sent")

    def close(self) -> None:
        self._file.close()


class PathSource:
    """A ChunkSource that opens its file for each read and closes it before sending.

    Windows refuses to rename or remove a file while anybody has it open.
    """

    def __init__(
        self, path: Callable[[], Path | None], is_still: Callable[[os.stat_result], bool]
    ) -> None:
        """`path` returns where the file is now, None if it is gone."""
        self._path = path
        self._is_still = is_still

    def send(self, connection: Connection, offset: int, length: int) -> int:
        return connection.send(self._with_file(partial(_read_at, offset=offset, length=length)))

    def check(self) -> None:
        self._with_file(lambda _: None)

    def close(self) -> None:
        """Nothing stays open between two calls."""

    def _with_file(self, use: Callable[[PositionedFile], ResultT]) -> ResultT:
        path = self._path()
        try:
            if path is None:
                raise FileChangedError("the file is gone")
            with closing(PositionedFile(os.open(path, READ_FLAGS))) as file:
                if not self._is_still(os.fstat(file.descriptor)):
                    raise FileChangedError("the file changed while it was sent")
                return use(file)
        except FileNotFoundError as error:
            if self._path() == path:
                raise _changed(error) from None
        except OSError as error:
            raise _changed(error) from None
        return self._with_file(use)  # it has just got its final name


def _read_at(file: PositionedFile, offset: int, length: int) -> bytes:
    data = file.read(offset, min(length, MAX_READ))
    if not data:
        raise FileChangedError("the file is shorter than it was")
    return data


def _changed(error: OSError) -> FileChangedError | OSError:
    if error.errno in SHORTAGES:  # the file may be fine
        return error
    return FileChangedError(f"the file cannot be read ({error.strerror or error})")
