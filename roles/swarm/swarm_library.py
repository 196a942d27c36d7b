"""What a leecher gives on: every content that it takes or took, from its first chunk on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from roles.disk.holding import Holding

MAX_CONTENTS = 20_000  # remembered; the oldest go first


class SwarmLibrary:
    """A holding.Library. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # protects who replaces an entry
        self._holdings: dict[bytes, Holding] = {}
        self.look_again: Callable[[], None] = lambda: None  # there are others than before

    def find(self, root: bytes) -> Holding | None:
        return self._holdings.get(root)

    def withdraw(self, root: bytes) -> None:
        with self._lock:
            self._holdings.pop(root, None)

    def add(self, holding: Holding) -> None:
        """This can be given on; when another download has the same, the one with more."""
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

    def changed(self, holding: Holding) -> None:
        """More of it can be given on than when it was added."""
        self.add(holding)

    def drop(self, holding: Holding) -> None:
        """It is here no longer."""
        root = holding.content.root
        with self._lock:
            if self._holdings.get(root) is holding:
                del self._holdings[root]
