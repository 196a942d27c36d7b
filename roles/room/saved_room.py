"""The tracker's state file: what of a room survives a restart."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

from roles.disk.state_file import StateFile
from roles.values.errors import ShortageError, StorageError
from roles.worker import Worker

log = logging.getLogger(__name__)

SLICE = 100  # items between two looks at the sockets
MAX_SAVED = 32_000  # items in a file: two for every share, and all LMK/1 seeders


class Limits(NamedTuple):
    save_s: float = 2.0  # between two state files
    rests: float = 9  # the pause after a state file, in times as long as writing it took


LIMITS = Limits()


class SavedTable(Protocol):
    """A part of the room of which a restart keeps something."""

    @property
    def changes_saved(self) -> int:
        """Changes whenever saved() does."""

    def saved(self) -> Iterator[dict[str, object]]: ...

    def restore(self, saved: Iterable[object], *, now: float) -> None:
        """Restore what all tables have saved in an earlier run; skips what it cannot read."""


class SavedRoom:
    """Owned by the tracker's thread; a thread of its own waits for the disk."""

    def __init__(self, state: StateFile, tables: Sequence[SavedTable]) -> None:
        self._state, self._tables = state, tables
        self._under_way: Iterator[bool] | None = None
        self._writer: Worker | None = None
        self._saved_version = self._version
        self._next_at = 0.0

    def restore(self) -> str:
        """Restore what the last run has saved. Returns a sentence if the file is damaged."""
        saved, now = self._state.read(), time.monotonic()
        if saved is not None and not isinstance(saved, list):
            self._state.keep_aside("is no list of seeders", is_newer=isinstance(saved, dict))
        items = saved[:MAX_SAVED] if isinstance(saved, list) else []
        for table in self._tables:
            table.restore(items, now=now)
        return self._state.notice

    def work(self, *, now: float) -> bool:
        """Continue or begin a state file; returns whether it needs this thread now."""
        if self._under_way is None and self._is_changed and now >= self._next_at:
            self._saved_version = self._version
            self._under_way = self._saving()
        if self._under_way is None:
            return False
        is_busy = next(self._under_way, None)
        if is_busy is None:
            self._under_way = None
        return bool(is_busy)

    def close(self) -> None:
        """Save the last changes, however long the disk takes."""
        if self._writer is not None:
            self._writer.join()
        if self._under_way is not None or self._is_changed:
            self._write(list(map(json.dumps, self._items())))

    @property
    def _version(self) -> list[int]:
        """Changes whenever the content of the state file would change."""
        return [table.changes_saved for table in self._tables]

    @property
    def _is_changed(self) -> bool:
        return self._version != self._saved_version

    def _items(self) -> Iterator[dict[str, object]]:
        return chain.from_iterable(table.saved() for table in self._tables)

    def _saving(self) -> Iterator[bool]:
        """Build the state file slice by slice and write it. Yields True while it needs this thread,
        and False while the disk writes, which may take seconds.
        """
        texts = list[str]()
        for item in self._items():
            texts.append(json.dumps(item))
            if len(texts) % SLICE == 0:
                yield True
        began = time.monotonic()
        self._writer = Worker(lambda: self._write(texts), "lmk-tracker-state")
        try:
            self._writer.start()
            while self._writer.is_alive():
                yield False
        except ShortageError as error:
            log.warning("%s", error)
        self._writer, ended = None, time.monotonic()
        self._next_at = ended + max(LIMITS.save_s, LIMITS.rests * (ended - began))

    def _write(self, texts: list[str]) -> None:
        try:
            self._state.write(f"[{','.join(texts)}]".encode())
        except StorageError as error:
            log.warning("The tracker's list will not survive a restart: %s", error)
