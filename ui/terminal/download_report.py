"""Reports the downloads of one `get`: lines, JSON, a progress line, and the exit code.

It starts nothing and asks nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roles.values.errors import DiskFullError, LmkError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    stored_path,
)
from roles.values.safe_names import shown_name
from ui import wording
from ui.exit_codes import ExitCode, exit_code_of
from ui.terminal import phrases
from ui.terminal.choosing import SHOWN_ONE_BY_ONE, Chosen
from ui.terminal.output import Output

SHOWN_RENAMED = 10  # of one download; the log and --json have all of them
SHOWN_FAILURES = 20  # of one download: if the disk is full, all of 10,000 files fail


@dataclass(slots=True)
class Counts:
    """How many files of one download ended in which state."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    folders: int = 0  # that could not be made
    renamed: int = 0  # files counted above, and folders

    @property
    def all(self) -> int:
        return self.done + self.skipped + self.failed

    def note(self, state: DownloadState, number: int = 1) -> None:
        match state:
            case DownloadState.DONE:
                self.done += number
            case DownloadState.SKIPPED:
                self.skipped += number
            case _:
                self.failed += number

    def add(self, other: Counts) -> None:
        """Add the files of another download."""
        self.done += other.done
        self.skipped += other.skipped
        self.failed += other.failed
        self.folders += other.folders
        self.renamed += other.renamed

    def words(self) -> str:
        """ "3 done and checked, 1 failed", "none"."""
        parts = [
            f"{self.done:,} done and checked" if self.done else "",
            f"{self.skipped:,} skipped, already here and identical" if self.skipped else "",
            f"{self.failed:,} failed" if self.failed else "",
            f"{wording.count(self.folders, 'folder')} failed" if self.folders else "",
            f"{self.renamed:,} under other names" if self.renamed else "",
        ]
        return ", ".join(part for part in parts if part) or "none"


@dataclass(slots=True)
class One:
    """One download: what was asked for, and its newest snapshot."""

    wanted: Chosen
    started: float
    newest: DownloadChanged | None = None
    counts: Counts = field(default_factory=Counts)
    failures: list[LmkError] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)  # first ones: listed, here

    @property
    def files(self) -> int:
        """How many files it brings."""
        return max(len(self.wanted.files), self.newest.files if self.newest is not None else 1)

    @property
    def is_summed_up(self) -> bool:
        """Whether it has too many files for a line each."""
        return self.files > SHOWN_ONE_BY_ONE

    @property
    def is_ended(self) -> bool:
        return self.newest is not None and self.newest.state.is_final

    @property
    def size(self) -> int:
        return max(self.newest.size, 0) if self.newest is not None else self.wanted.size

    @property
    def have(self) -> int:
        if self.newest is None:
            return 0
        return self.size if self.is_ended else self.newest.have

    @property
    def files_ended(self) -> int:
        if self.newest is None:
            return 0
        return self.files if self.is_ended else max(self.counts.all, self.newest.files_ended)


class DownloadReport:
    """Gets every event of a download, in order; `in_vain` counts the names that nobody offers."""

    def __init__(
        self,
        output: Output,
        wanted: Sequence[Chosen],
        *,
        in_vain: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.saved: dict[str, Path] = {}  # path in the list to path on the disk
        self._output = output
        self._clock = clock
        self._in_vain = in_vain
        self._downloads = {one.key: One(one, clock()) for one in wanted}
        self._unfinished = len(self._downloads)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for has ended."""
        return self._unfinished == 0

    @property
    def has_begun(self) -> bool:
        """Whether the leecher has started any of it."""
        return any(one.newest is not None for one in self._downloads.values())

    @property
    def is_kept(self) -> bool:
        """Whether the same command can later use what was downloaded so far.

        Not for files that only originals offer: without an identity, the halves could be of two
        files.
        """
        unfinished = [one for one in self._downloads.values() if not one.is_ended]
        return any(file.root for one in unfinished for file in one.wanted.files)

    def note(self, changed: DownloadChanged) -> None:
        """Take a snapshot and show it."""
        one = self._downloads.get(changed.name)
        if one is None or one.is_ended:
            return
        one.newest = changed
        if changed.state.is_final:
            self._unfinished -= 1
            self._end(one, changed)
            return
        self._output.json(event="progress", **_progress(one, changed))
        if self._output.wants_progress():
            self._draw(one, changed)

    def note_files(self, ended: FilesEnded) -> None:
        """Take the files of a download that have ended."""
        one = self._downloads.get(ended.download)
        if one is not None:
            for file in ended.files:
                self._note_file(one, file)
            for folder in ended.folders:
                stored = stored_path(folder.name, folder.saved_as)
                self._note_renamed(one, f"{folder.name}/", f"{stored}/")
                if not one.is_summed_up:
                    self._output.say(f"{shown_name(folder.name)}/: saved as {shown_name(stored)}/")
                self._output.json(
                    event="subfolder",
                    download=one.wanted.key,
                    name=folder.name,
                    path=str(folder.saved_as),
                )

    def conclude(self) -> ExitCode:
        """Print the summary; returns the exit code."""
        total, failures = Counts(failed=self._in_vain), list[LmkError]()
        for one in self._downloads.values():
            if not one.is_ended:
                one.counts.note(DownloadState.FAILED, len(one.wanted.files) or 1)
                title = shown_name(one.wanted.title)
                self._output.error(f"{title}: the list changed, and nobody offers it any more.")
            total.add(one.counts)
            failures += one.failures
        code = _exit_code(total, failures, in_vain=self._in_vain)
        self._output.json(
            event="ended",
            done=total.done,
            skipped=total.skipped,
            failed=total.failed,
            renamed=total.renamed,
            exit_code=int(code),
        )
        self._output.say(f"Files: {total.words()}.")
        return code

    def _end(self, one: One, changed: DownloadChanged) -> None:
        if not one.wanted.is_folder and not one.counts.all:
            path = one.wanted.files[0].name if one.wanted.files else changed.name
            self._note_file(
                one,
                FileEnded(path, changed.size, changed.state, changed.saved_as, changed.failure),
            )
            return
        untold = self._count_untold(one, changed)
        if changed.failure is not None and (untold or not one.failures):
            one.failures.append(changed.failure)
            self._output.error(f"{shown_name(one.wanted.title)}: Failed: {changed.failure}")
        if one.is_summed_up:
            self._output.say(self._summary(one))
            if one.renamed:
                self._output.say(wording.renamed(one.renamed, one.counts.renamed))
        self._output.json(
            event="folder",
            download=one.wanted.key,
            name=one.wanted.title,
            state=changed.state.value,
            done=one.counts.done,
            skipped=one.counts.skipped,
            failed=one.counts.failed,
            renamed=one.counts.renamed,
            error=None if changed.failure is None else str(changed.failure),
        )

    def _count_untold(self, one: One, changed: DownloadChanged) -> int:
        """Count the files that failed with the whole download and had no line of their own; returns
        how many.
        """
        untold = max(0, one.files - one.counts.all)
        if untold:
            one.counts.note(changed.state, untold)
        elif changed.failure is not None and not (one.counts.failed or one.counts.folders):
            one.counts.failed += 1
        return untold

    def _summary(self, one: One) -> str:
        title, counts = shown_name(one.wanted.title), one.counts
        time_spent = phrases.spent(self._clock() - one.started)
        if counts.all == counts.done and not (counts.renamed or counts.folders):
            size = wording.size(one.size)
            done = wording.count(counts.done, "file")
            return f"{title}: {done} done and checked ({size}) in {time_spent}"
        return f"{title}: of {wording.count(one.files, 'file')} {counts.words()}, in {time_spent}"

    def _note_file(self, one: One, file: FileEnded) -> None:
        if file.is_folder:
            one.counts.folders += 1
        else:
            one.counts.note(file.state)
        is_renamed = file.is_renamed
        if file.saved_as is not None:
            self.saved[file.name] = file.saved_as
            if is_renamed:
                self._note_renamed(one, file.name, stored_path(file.name, file.saved_as))
        self._output.json(
            event="file",
            download=one.wanted.key,
            name=file.name,
            state=file.state.value,
            size=file.size,
            path=None if file.saved_as is None else str(file.saved_as),
            renamed=is_renamed,
            error=None if file.failure is None else str(file.failure),
        )
        if file.failure is not None:
            one.failures.append(file.failure)
            if len(one.failures) <= SHOWN_FAILURES:
                self._output.error(_words(file))
            elif len(one.failures) == SHOWN_FAILURES + 1:
                self._output.error(f"{shown_name(one.wanted.title)}: more files failed.")
        elif not one.is_summed_up:
            self._output.say(f"{_words(file)} ({wording.size(file.size)})")

    def _note_renamed(self, one: One, before: str, now: str) -> None:
        one.counts.renamed += 1
        if len(one.renamed) < SHOWN_RENAMED:
            one.renamed.append((before, now))

    def _draw(self, latest: One, changed: DownloadChanged) -> None:
        downloads = list(self._downloads.values())
        running = [one.newest for one in downloads if one.newest is not None and not one.is_ended]
        whole = sum(one.size for one in downloads)
        have = sum(one.have for one in downloads)
        rate = sum(newest.rate for newest in running)
        left = wording.duration((whole - have) / rate) if rate else ""
        moving = [newest for newest in running if newest.rate]
        text = wording.rate(rate) or wording.download_status(changed)
        what = _names(moving or [changed], latest)
        files = sum(one.files for one in downloads)
        if files > SHOWN_ONE_BY_ONE:
            ended = sum(one.files_ended for one in downloads)
            what = wording.part(ended, files, "file")
        self._output.progress(have / whole if whole else 0.0, f"{text} {left} {what}".strip())


def _words(file: FileEnded) -> str:
    words = phrases.ended(file.name, file.state, file.saved_as, file.failure)
    return f"{shown_name(file.name)}: {words}"


def _names(shown: Sequence[DownloadChanged], latest: One) -> str:
    first = shown[0]
    name = first.title or (latest.wanted.title if latest.newest is first else first.name)
    more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
    return shown_name(name, 30) + more


def _progress(one: One, changed: DownloadChanged) -> dict[str, object]:
    left = changed.seconds_left
    return {
        "download": changed.name,
        "name": one.wanted.title if one.wanted.is_folder else changed.name,
        "state": changed.state.value,
        "size": changed.size,
        "have": changed.have,
        "rate": round(changed.rate),
        "seconds_left": None if left is None else round(left, 1),
        "seeders": [str(source.seeder) for source in changed.sources if source.is_sending],
        "cause": changed.cause,
        "place": changed.position,
        "files": one.files,
        "files_ended": one.files_ended,
    }


def _exit_code(total: Counts, failures: Sequence[LmkError], *, in_vain: int) -> ExitCode:
    if not total.failed and not failures:
        return ExitCode.DONE
    if any(isinstance(failure, DiskFullError) for failure in failures):
        return ExitCode.STORAGE  # it ended all the others; it must be solved before a next try
    codes = {exit_code_of(failure) for failure in failures}
    if total.done or total.skipped or in_vain or len(codes) != 1:
        return ExitCode.SOME_FAILED
    return codes.pop()
