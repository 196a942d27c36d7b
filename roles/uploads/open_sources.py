"""The files that are open to be sent over one connection."""

from __future__ import annotations

from roles.disk.holding import ChunkSource, Holding

MAX_SOURCES = 32  # at once over one connection


class OpenSources:
    """By handle. Owned by the connection's thread."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[Holding, ChunkSource]] = {}  # the oldest use first

    def source(self, handle: int, holding: Holding) -> ChunkSource:
        """This content, opened. Raises FileChangedError."""
        known = self._sources.pop(handle, None)
        if known is not None and known[0] is not holding:  # it is kept elsewhere by now
            known[1].close()
            known = None
        if known is None:
            known = holding, holding.open()
            if len(self._sources) >= MAX_SOURCES:
                self.close(next(iter(self._sources)))
        self._sources[handle] = known
        return known[1]

    def close(self, handle: int) -> None:
        """The content with this handle is needed no longer."""
        known = self._sources.pop(handle, None)
        if known is not None:
            known[1].close()

    def close_all(self) -> None:
        """The connection ends."""
        for handle in list(self._sources):
            self.close(handle)
