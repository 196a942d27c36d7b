"""What a program can send of one content, whoever keeps it: the seeder's folder, or a download.

The two sides of this are in different layers, so only their shape is here. It opens nothing.
"""

from __future__ import annotations

from typing import Protocol

from roles.net.connection import Connection
from roles.values.content import Content


class ChunkSource(Protocol):
    """An opened content, used by one thread. Every method may raise FileChangedError."""

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """Send some of these bytes: how many went out, 0 when there was no room in time."""

    def check(self) -> None:
        """Raise FileChangedError when it is not what was hashed any more."""

    def close(self) -> None: ...


class Holding(Protocol):
    """One content, whole or in part. Its methods may be called from any thread."""

    @property
    def content(self) -> Content: ...

    @property
    def title(self) -> str:
        """A name for the window and the log, safe to show."""

    def digests(self) -> bytes | None:
        """The digests of all chunks, joined in order; None while they are not known yet."""

    def have(self) -> int:
        """The bitmap of the chunks that can be sent now."""

    def open(self) -> ChunkSource:
        """Open it for one sender. Raises FileChangedError."""


class Library(Protocol):
    """Everything that a program can send."""

    def find(self, root: bytes) -> Holding | None:
        """The content of this root, None when it is not here."""

    def withdraw(self, root: bytes) -> None:
        """It changed while it was sent: offer it no more until it was hashed again."""
