"""The contents that a leecher can upload: all that it downloads or has, from the first chunk on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from roles.disk.holding import Holding

MAX_CONTENTS = 20_000  # beyond that the oldest are forgotten


class SwarmLibrary:
    """A holding.Library. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while the table changes
        self._holdings: dict[bytes, Holding] = {}
        self.look_again: Callable[[], None] = lambda: None  # called when contents were added

    def find(self, root: bytes) -> Holding | None:
        return self._holdings.get(root)

    def withdraw(self, root: bytes) -> None:
        with self._lock:
            self._holdings.pop(root, None)

    def add(self, holding: Holding) -> None:
        """Add a content. Of two with the same root, the one with more chunks stays."""
        root = holding.content.root
        with self._lock:
            known = self._holdings.get(root)
            if known is not None and known.have().bit_count() > holding.have().bit_count():
                return
            self._holdings.pop(root, None)
            self._holdings[root] = holding
            while len(self._holdings) > MAX_CONTENTS:
                del self._holdings[next(iter(self._holdings))]
        self.look_again()

    def drop(self, holding: Holding) -> None:
        """Undo add()."""
        root = holding.content.root
        with self._lock:
            if self._holdings.get(root) is holding:
                del self._holdings[root]
