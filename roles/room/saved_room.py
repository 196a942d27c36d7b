"""The tracker's state file: what of a room survives a restart."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from roles.disk.state_file import StateFile
from roles.room.answers import TorrentAnswers
from roles.room.registry import Lmk1Seeders, Registry
from roles.values.errors import ShortageError, StorageError
from roles.worker import Worker

log = logging.getLogger(__name__)

SLICE = 100  # items between two looks at the sockets


class Limits(NamedTuple):
    save_s: float = 2.0  # between two state files
    rests: float = 9  # the pause after a state file, in times as long as writing it took


LIMITS = Limits()


class SavedRoom:
    """Owned by the tracker's thread; a thread of its own waits for the disk."""

    def __init__(
        self, state: StateFile, registry: Registry, lmk1: Lmk1Seeders, torrents: TorrentAnswers
    ) -> None:
        self._state, self._registry, self._lmk1 = state, registry, lmk1
        self._torrents = torrents
        self._under_way: Iterator[bool] | None = None
        self._writer: Worker | None = None
        self._saved_version = self._version
        self._next_at = 0.0

    def restore(self, *, with_lmk1: bool = True) -> str:
        """Restore what the last run has saved. Returns a sentence if the file is damaged."""
        saved, now = self._state.read(), time.monotonic()
        if saved is not None and not isinstance(saved, list):
            self._state.keep_aside("is no list of seeders", is_newer=isinstance(saved, dict))
        restored = self._lmk1.restore(saved, now=now) if with_lmk1 else 0
        self._registry.restore(saved, now=now)
        self._torrents.restore(saved, now=now)
        if restored:
            log.info("The tracker restored %d seeders from its last run.", restored)
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
    def _version(self) -> tuple[int, int, int]:
        """Changes whenever the content of the state file would change."""
        owners_state = self._registry.catalogue.owners_state
        return owners_state, self._lmk1.changes_saved, self._torrents.changes_saved

    @property
    def _is_changed(self) -> bool:
        return self._version != self._saved_version

    def _items(self) -> Iterator[dict[str, object]]:
        return chain(self._lmk1.saved(), self._registry.saved(), self._torrents.saved())

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
