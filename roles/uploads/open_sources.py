"""The files that are open for sending over one connection."""

from __future__ import annotations

from roles.disk.holding import ChunkSource, Holding

MAX_SOURCES = 32  # at once over one connection


class OpenSources:
    """Sources by handle. Owned by the connection's thread."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[Holding, ChunkSource]] = {}  # least recently used first

    def source(self, handle: int, holding: Holding) -> ChunkSource:
        """The opened content, which stays ours to close. Raises FileChangedError."""
        known = self._sources.pop(handle, None)
        if known is not None and known[0] is not holding:  # it is stored elsewhere by now
            known[1].close()
            known = None
        if known is None:
            known = holding, holding.open()
            if len(self._sources) >= MAX_SOURCES:
                self.close(next(iter(self._sources)))
        self._sources[handle] = known
        return known[1]

    def close(self, handle: int) -> None:
        known = self._sources.pop(handle, None)
        if known is not None:
            known[1].close()

    def close_all(self) -> None:
        for handle in list(self._sources):
            self.close(handle)
