"""The interface of whatever can be uploaded: a seeder's folder, or a running download."""

from __future__ import annotations

from typing import Protocol

from roles.net.connection import Connection
from roles.values.content import Content


class ChunkSource(Protocol):
    """An opened content, for one thread. Methods raise FileChangedError, and send() OSError."""

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """Send some of these bytes; returns how many, 0 if the connection had no room in time."""

    def check(self) -> None:
        """Raise FileChangedError if it is no longer what was hashed."""

    def close(self) -> None: ...


class Holding(Protocol):
    """One content, whole or in part. Any thread may call its methods."""

    @property
    def content(self) -> Content: ...

    @property
    def title(self) -> str:
        """Safe to show."""

    def digests(self) -> bytes | None:
        """The digests of all chunks, joined in order; None if they are not known yet."""

    def have(self) -> int:
        """The bitmap of the chunks that it can send now."""

    def open(self) -> ChunkSource:
        """Open it for one uploader. Raises FileChangedError."""


class Library(Protocol):
    """Everything that a program can upload."""

    def find(self, root: bytes) -> Holding | None: ...

    def withdraw(self, root: bytes) -> None:
        """It changed while it was sent: stop offering it until it has been hashed again."""
