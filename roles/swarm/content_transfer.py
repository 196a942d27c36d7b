"""One content that this program receives: its plan, and the file that it goes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from roles.disk.holding import ChunkSource
from roles.swarm.chunk_plan import ChunkPlan
from roles.values.content import DIGEST_SIZE, Content, root_of
from roles.values.errors import FileChangedError, StorageError


class Store(Protocol):
    """The file that chunks go to. Its methods may be called from any thread."""

    def write(self, offset: int, piece: memoryview) -> None:
        """Raises StorageError."""

    def open_source(self) -> ChunkSource:
        """Open it for uploads. Raises FileChangedError."""


class ContentTransfer:
    """A holding.Holding: the chunks that have arrived can be uploaded.

    The swarm's lock protects the plan and the attributes marked with *. The others, and `plan.had`
    for readers, are references that are replaced whole.
    """

    def __init__(self, content: Content, title: str, wake: Callable[[], None]) -> None:
        """`wake` is called from any thread when the owner should look at this: the digests or the
        last chunk are here, or the disk refused a chunk.
        """
        self.content = content
        self.is_single = content.count <= 1  # then the root is enough to check it
        self.title = title
        self.wake = wake
        self.handle = 0  # * our number for it on every connection, set by Swarm.add()
        self.plan = ChunkPlan(content)
        self.store: Store | None = None  # None until chunks are asked for
        self.is_asking = False  # * whether chunks are asked for
        self.fault: StorageError | None = None  # why the disk refused a chunk
        self.arrived = 0  # * bytes of right chunks
        # * Connections whose peer describes another content for this root: it or the list is wrong.
        self.mistaken = set[int]()
        self.writers = 0  # * threads that are writing to the store
        self._digests: bytes | None = None

    @property
    def is_done(self) -> bool:
        """Whether every chunk has been checked and written."""
        return self.plan.is_done

    def digests(self) -> bytes | None:
        return self._digests

    def have(self) -> int:
        return self.plan.had if self.store is not None else 0

    def open(self) -> ChunkSource:
        store = self.store
        if store is None:
            raise FileChangedError(f"{self.title} is not here yet")
        return store.open_source()

    def learn(self, digests: bytes) -> bool:
        """Keep the digests of all chunks, joined; False if they do not match the root."""
        is_right = self._are_right(digests)
        self._digests = digests if is_right else self._digests
        return is_right

    def is_right(self, index: int, digest: bytes) -> bool:
        """Whether this is the digest of chunk `index`."""
        if self._digests is None:
            return self.is_single and self._are_right(digest)
        return self._digests[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE] == digest

    def _are_right(self, digests: bytes) -> bool:
        content = self.content
        is_whole = len(digests) == content.count * DIGEST_SIZE
        return is_whole and root_of(content.size, content.chunk_size, digests) == content.root
