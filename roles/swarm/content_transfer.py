"""One content on its way into this program: its plan, and the file that it goes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from roles.disk.holding import ChunkSource
from roles.swarm.chunk_plan import ChunkPlan
from roles.values.content import DIGEST_SIZE, Content, root_of
from roles.values.errors import FileChangedError, StorageError


class Store(Protocol):
    """Where the bytes go. Its methods may be called from any thread."""

    def write(self, offset: int, piece: memoryview) -> None:
        """Keep these bytes. Raises StorageError."""

    def open_source(self) -> ChunkSource:
        """Open what is kept. Raises FileChangedError."""


class ContentTransfer:
    """A holding.Holding: whatever has arrived can be uploaded.

    The swarm's lock protects the plan, and what is marked with *. The rest, and `plan.had` for
    those who only read it, are references that are replaced whole.
    """

    def __init__(self, content: Content, title: str, wake: Callable[[], None]) -> None:
        """`wake` is called, from any thread, when the owner should look at this again: its digests
        are here, or its last chunk, or the disk has refused one.
        """
        self.plan = ChunkPlan(content)
        self.store: Store | None = None  # where chunks go; None until they are asked for
        self.is_asking = False  # * whether chunks are asked for
        self.fault: StorageError | None = None  # what the disk said
        self.arrived = 0  # * bytes that came and were right
        # * Connections whose peer describes another content for this root: it or the list is wrong.
        self.mistaken = set[int]()
        self.writers = 0  # * threads that write to the store now
        self.wake = wake
        self._content = content
        self._title = title
        self._digests: bytes | None = None

    @property
    def content(self) -> Content:
        return self._content

    @property
    def title(self) -> str:
        return self._title

    @property
    def is_single(self) -> bool:
        """Whether it is one chunk or none, and needs no digests: the root is enough."""
        return self._content.count <= 1

    @property
    def is_done(self) -> bool:
        """Whether every chunk is here, checked and written."""
        return self.plan.is_done

    def digests(self) -> bytes | None:
        return self._digests

    def have(self) -> int:
        return self.plan.had if self.store is not None else 0

    def open(self) -> ChunkSource:
        store = self.store
        if store is None:
            raise FileChangedError(f"{self._title} is not here yet")
        return store.open_source()

    def are_right(self, digests: bytes) -> bool:
        """Whether these are the digests of its chunks, joined."""
        content = self._content
        is_whole = len(digests) == content.count * DIGEST_SIZE
        return is_whole and root_of(content.size, content.chunk_size, digests) == content.root

    def learn(self, digests: bytes) -> None:
        """Keep digests that are right."""
        self._digests = digests

    def is_right(self, index: int, digest: bytes) -> bool:
        """Whether a chunk with this digest is the one that belongs there."""
        if self._digests is None:
            return self.is_single and self.are_right(digest)
        return self._digests[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE] == digest
