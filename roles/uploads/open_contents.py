"""The contents that one leecher has opened over one connection. Pure state."""

from __future__ import annotations

from roles.disk.holding import Holding, Library

MAX_OPEN = 2_048  # contents at once over one connection
# Contents that were not here are described when they come, so each of them is looked at whenever
# something new is here. Beyond this many the oldest is forgotten; our leechers have some 200.
MAX_MISSING = 512


class OpenContents:
    """By the handle that the leecher chose."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._roots: dict[int, bytes] = {}
        self._missing: dict[int, None] = {}  # handles of what was not here, the oldest first
        self._told: dict[bytes, int] = {}  # digests, by root

    @property
    def is_full(self) -> bool:
        """Whether no more can be opened."""
        return len(self._roots) >= MAX_OPEN

    def is_open(self, handle: int) -> bool:
        """Whether the leecher calls something by this handle."""
        return handle in self._roots

    def add(self, handle: int, root: bytes) -> None:
        """The leecher calls this content by this handle from now on."""
        self._roots[handle] = root

    def holding(self, handle: int) -> Holding | None:
        """The content, None when it is not here or was not opened."""
        root = self._roots.get(handle)
        return None if root is None else self._library.find(root)

    def ready(self, handle: int) -> Holding | None:
        """The same, None also while it cannot be described: its digests are not known yet, or its
        only chunk is not here.
        """
        holding = self.holding(handle)
        if holding is None:
            return None
        is_single = holding.content.count <= 1
        is_ready = holding.have() != 0 if is_single else holding.digests() is not None
        return holding if is_ready else None

    def is_told_again(self, handle: int, count: int) -> bool:
        """Count digests that are sent; whether they are more by now than the content has."""
        holding = self.holding(handle)
        if holding is None:
            return False
        root = holding.content.root
        if root not in self._told and len(self._told) >= MAX_OPEN:
            del self._told[next(iter(self._told))]
        self._told[root] = self._told.get(root, 0) + count
        return self._told[root] > holding.content.count

    def note_missing(self, handle: int) -> None:
        """It is not here; it may come."""
        if handle in self._roots:
            self._missing[handle] = None
            if len(self._missing) > MAX_MISSING:
                del self._missing[next(iter(self._missing))]

    def come(self) -> list[int]:
        """The handles of what was missing and is here now."""
        come = [handle for handle in self._missing if self.ready(handle) is not None]
        for handle in come:
            del self._missing[handle]
        return come

    def close(self, handle: int) -> None:
        """The leecher has it, or wants it no longer."""
        self._roots.pop(handle, None)
        self._missing.pop(handle, None)
