"""What runs in this window, in a few words for its bottom line."""

from __future__ import annotations

from ui import wording
from ui.window.leecher_run import LeecherRun


def health(run: LeecherRun | None, seeded_files: int | None, seeder_count: int | None) -> str:
    """`seeded_files` is None if nothing is seeded, `seeder_count` if no tracker runs."""
    parts = []
    if run is not None and run.unfinished:
        parts.append(f"{wording.count(len(run.unfinished), 'download')} to go")
    elif run is not None and run.had_count:
        parts.append(f"{wording.count(run.had_count, 'file')} done, checked")
    if seeded_files is not None:
        parts.append(f"seeding {wording.count(seeded_files, 'file')}")
    if seeder_count is not None:
        parts.append(f"tracker of {wording.count(seeder_count, 'seeder')}")
    text = " · ".join(parts)
    return text[:1].upper() + text[1:] if text else "Nothing is running"
