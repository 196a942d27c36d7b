"""The contents that a leecher has opened over one connection. Pure state."""

from __future__ import annotations

from roles.disk.holding import Holding, Library

MAX_OPEN = 2_048  # contents at once over one connection
# Missing contents are described once they are here, so each is checked whenever contents change.
# Beyond this many the oldest is forgotten; our leechers have some 200.
MAX_MISSING = 512


class OpenContents:
    """Contents by handle, which the leecher chooses."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._roots: dict[int, bytes] = {}
        self._missing: dict[int, None] = {}  # handles of missing contents, the oldest first
        self._sent: dict[bytes, int] = {}  # how many digests were sent, by root

    @property
    def is_full(self) -> bool:
        return len(self._roots) >= MAX_OPEN

    def is_open(self, handle: int) -> bool:
        return handle in self._roots

    def add(self, handle: int, root: bytes) -> None:
        self._roots[handle] = root

    def holding(self, handle: int) -> Holding | None:
        """None when the content is not here, or the handle is not open."""
        root = self._roots.get(handle)
        return None if root is None else self._library.find(root)

    def ready(self, handle: int) -> Holding | None:
        """The same, but None until it can be described: until its digests are known, or its only
        chunk is here.
        """
        holding = self.holding(handle)
        if holding is None:
            return None
        is_single = holding.content.count <= 1
        is_ready = holding.have() != 0 if is_single else holding.digests() is not None
        return holding if is_ready else None

    def is_sent_again(self, handle: int, count: int) -> bool:
        """Count digests that are sent; True when they are more by now than the content has."""
        holding = self.holding(handle)
        if holding is None:
            return False
        root = holding.content.root
        if root not in self._sent and len(self._sent) >= MAX_OPEN:
            del self._sent[next(iter(self._sent))]
        self._sent[root] = self._sent.get(root, 0) + count
        return self._sent[root] > holding.content.count

    def note_missing(self, handle: int) -> None:
        """It is not here, but may come."""
        if handle in self._roots:
            self._missing[handle] = None
            if len(self._missing) > MAX_MISSING:
                del self._missing[next(iter(self._missing))]

    def come(self) -> list[int]:
        """The handles of contents that were missing and are here now."""
        come = [handle for handle in self._missing if self.ready(handle) is not None]
        for handle in come:
            del self._missing[handle]
        return come

    def close(self, handle: int) -> None:
        self._roots.pop(handle, None)
        self._missing.pop(handle, None)
