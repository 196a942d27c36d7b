"""What each of the unpleasant lists of tests/hostile_lists.py costs a leecher."""

from __future__ import annotations

import gc
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from roles.disk.stored_names import StoredNames
from roles.downloads.download_scope import NewestScope, Scope, identity_of
from roles.downloads.wanted import WantedFile, plan_contents
from roles.joining.list_copy import ListCopy
from roles.wire.list_wire import Unpacker
from tests.bench.result import Result
from tests.hostile_lists import SHAPES, lines_of

LINES = 400_000
TARGET = "10 s"
PLAIN = "plain"


def hostile_lists(_: Path) -> Iterator[Result]:
    """Processor time to unpack and read a list, to show it, and to plan to take all of it.

    The reference is an ordinary list of as many lines.
    """
    per_line_s = 0.0
    for shape in sorted(SHAPES, key=lambda shape: shape != PLAIN):
        lines = lines_of(shape, LINES)
        shown_s, planned_s = cost_s(lines)
        seconds = shown_s + planned_s
        per_line_s = per_line_s or seconds / len(lines)
        note = f"{len(lines):7,} lines, {shown_s:.1f} s until they are shown"
        yield Result(shape, seconds, "s", per_line_s * len(lines), TARGET, note)


def cost_s(lines: Sequence[str]) -> tuple[float, float]:
    """To show them, and then to plan to take every folder."""
    packed = zlib.compress("".join(f"{line}\n" for line in lines).encode(), 1)
    gc.collect()
    began = time.process_time()
    room = ListCopy(windows=False)
    room.apply_whole(list(Unpacker().lines(packed)))
    room.files()
    folders, _ = room.folders(), room.refused
    shown = time.process_time()
    names = StoredNames(windows=False)
    for folder in folders:
        wanted = room.select(folder.key)
        assert wanted is not None
        packs = room.packs(wanted.shares)
        scope = NewestScope(wanted, packs, names).scope
        plan_contents(jobs_of(scope), packs, lambda _: 0)
    return shown - began, time.process_time() - shown


def jobs_of(scope: Scope) -> list[WantedFile]:
    """All its files: nothing is here yet."""
    placed = ((file, scope.stored[identity_of(file)]) for file in scope.wanted.files)
    return [
        WantedFile(file.path, stored, file.content)
        for file, stored in placed
        if file.content is not None and isinstance(stored, tuple)
    ]
