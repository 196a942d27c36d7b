"""An opened file from which chunks are sent, with sendfile where the system has it.

It knows no wire, and not why the file is offered: whoever opened it says what it must still be.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from roles.disk.positioned_file import PositionedFile
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

# What sendfile says of a file system or a socket that it cannot serve.
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTSOCK}


class FileSource:
    """A ChunkSource that owns its descriptor. Used by one thread."""

    def __init__(self, descriptor: int, is_still: Callable[[os.stat_result], bool]) -> None:
        """`is_still` judges by its status whether the file is the one that was opened."""
        self._file = PositionedFile(descriptor)
        self._is_still = is_still
        self._has_sendfile = hasattr(os, "sendfile")

    def send(self, link: socket.socket, offset: int, length: int) -> int:
        """Send some of these bytes, without blocking for longer than the link's timeout.

        Returns how many went out, at least one. Raises TimeoutError or BlockingIOError when none
        could, FileChangedError when the file ends before them or cannot be read.
        """
        if self._has_sendfile:
            sent = self._send_file(link, offset, length)
            if sent is not None:
                return sent
            self._has_sendfile = False
        return link.send(self._read(offset, length))

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

    def _send_file(self, link: socket.socket, offset: int, length: int) -> int | None:
        """How many bytes the system sent; None when it cannot do it for this file."""
        while True:
            try:
                sent = os.sendfile(link.fileno(), self._file.descriptor, offset, length)
            except BlockingIOError:
                _wait_until_writable(link)
            except OSError as error:
                if error.errno in _NO_SENDFILE:
                    return None
                if error.errno == errno.EIO:  # a link never says so
                    raise _changed(error) from None
                raise
            else:
                if sent == 0:
                    raise FileChangedError("the file is shorter than it was")
                return sent

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

    def send(self, link: socket.socket, offset: int, length: int) -> int:
        """As FileSource.send()."""
        return link.send(self._with_file(partial(_read_at, offset=offset, length=length)))

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


def _wait_until_writable(link: socket.socket) -> None:
    """A socket with a timeout is a non-blocking one underneath. Raises TimeoutError.

    One without has waited already, as long as the system was told to (roles/net/system_wait.py).
    """
    timeout_s = link.gettimeout()
    if timeout_s is None:
        raise TimeoutError("timed out")
    poller = select.poll()
    poller.register(link.fileno(), select.POLLOUT)
    if not poller.poll(timeout_s * 1000):
        raise TimeoutError("timed out")


def _changed(error: OSError) -> FileChangedError | OSError:
    if error.errno in SHORTAGES:  # says nothing about the file
        return error
    return FileChangedError(f"the file cannot be read ({error.strerror or error})")
