"""Reports the downloads of one `get`: lines, JSON, a progress line, and the exit code.

It starts nothing and asks nobody.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from roles.values import figures
from roles.values.errors import DiskFullError, LmkError
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    UpdateFound,
    stored_path,
)
from roles.values.safe_names import shown_name
from roles.values.settings import SPACE_AGAIN_S
from ui import download_words
from ui.exit_codes import ExitCode, exit_code_of
from ui.terminal.offered_list import SHOWN_ONE_BY_ONE, Chosen
from ui.terminal.output import Output

SHOWN_RENAMED = 10  # of one download; the log and --json have all of them
SHOWN_FAILURES = 20  # of one download: if the disk is full, all of 10,000 files fail
_FILES = ("done", "skipped", "failed")  # what files are counted as


class _Download:
    """What was asked for, its newest snapshot, and how its files ended."""

    def __init__(self, wanted: Chosen, started: float) -> None:
        self.wanted = wanted
        self.title = shown_name(wanted.title)
        self.started = started
        self.look_at: float | None = None  # again at its full disk
        self.newest = DownloadChanged(
            wanted.key, DownloadState.QUEUED, wanted.size, 0, 0.0, None, ()
        )
        # Keys: those of _FILES, "folders" that could not be made, and "renamed" of both.
        self.counts = Counter[str]()
        self.failures: list[LmkError] = []
        self.renamed: list[tuple[str, str]] = []  # first ones: listed, here

    @property
    def files(self) -> int:
        """How many files it brings."""
        return max(len(self.wanted.files), self.newest.files)

    @property
    def is_summed_up(self) -> bool:
        """Whether it has too many files for a line each."""
        return self.files > SHOWN_ONE_BY_ONE

    @property
    def is_ended(self) -> bool:
        return self.newest.state.is_final

    @property
    def size(self) -> int:
        return max(self.newest.size, 0)

    @property
    def have(self) -> int:
        return self.size if self.is_ended else self.newest.have

    @property
    def counted(self) -> int:
        return sum(self.counts[key] for key in _FILES)

    @property
    def files_ended(self) -> int:
        return self.files if self.is_ended else max(self.counted, self.newest.files_ended)

    def count(self, state: DownloadState, number: int = 1) -> None:
        self.counts[state.value if state.value in _FILES else "failed"] += number

    def note_renamed(self, before: str, now: str) -> None:
        self.counts["renamed"] += 1
        if len(self.renamed) < SHOWN_RENAMED:
            self.renamed.append((before, now))


class DownloadReport:
    """Takes every event of a download, in order; `in_vain` counts the names that nobody offers."""

    def __init__(
        self,
        output: Output,
        wanted: Sequence[Chosen],
        *,
        in_vain: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.saved: dict[str, str] = {}  # path in the list to path on the disk
        self.has_begun = False  # the leecher has started some of it
        self._output = output
        self._clock = clock
        self._in_vain = in_vain
        self._downloads = {one.key: _Download(one, clock()) for one in wanted}
        self._unfinished = len(self._downloads)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for has ended."""
        return self._unfinished == 0

    @property
    def keys(self) -> list[str]:
        """What to ask a leecher for."""
        return list(self._downloads)

    def say_what_is_kept(self) -> None:
        """Not files that only originals offer: without an identity, the halves could be of two
        files.
        """
        unfinished = [one for one in self._downloads.values() if not one.is_ended]
        if any(file.root for one in unfinished for file in one.wanted.files):
            self._output.say("What was downloaded is kept: the same command resumes there.")

    def note(self, changed: DownloadChanged) -> None:
        """Take a snapshot and show it."""
        one = self._downloads.get(changed.name)
        if one is None or one.is_ended:
            return
        is_full = changed.state is DownloadState.WAITING_FOR_SPACE
        if is_full and one.newest.state is not changed.state and not self._output.as_json:
            self._output.error(f"{changed.cause} The download continues once there is room.")
        one.look_at = self._clock() + SPACE_AGAIN_S if is_full else None
        one.newest, self.has_begun = changed, True
        if one.is_ended:
            self._unfinished -= 1
            self._end(one)
        elif self._output.as_json:
            self._output.json(event="progress", **_progress(one))
        elif self._output.wants_progress():
            self._draw(one)

    def pass_time(self) -> None:
        """Count the seconds until a full disk is looked at again."""
        full = next((one for one in self._downloads.values() if one.look_at is not None), None)
        if full is not None and self._output.wants_progress():
            self._draw(full)

    def note_files(self, ended: FilesEnded) -> None:
        """Take the files of a download that have ended."""
        one = self._downloads.get(ended.download)
        if one is None:
            return
        for file in ended.files:
            self._note_file(one, file)
        for folder in ended.folders:
            stored = stored_path(folder.name, folder.saved_as)
            one.note_renamed(f"{folder.name}/", f"{stored}/")
            if not one.is_summed_up:
                self._output.say(f"{shown_name(folder.name)}/: saved as {shown_name(stored)}/")
            self._output.json(
                event="subfolder",
                download=one.wanted.key,
                name=folder.name,
                path=str(folder.saved_as),
            )

    def note_update(self, found: UpdateFound) -> None:
        """Say what has changed since the last download, before it is fetched."""
        self._output.say(download_words.update_found(found))
        self._output.json(
            event="update",
            download=found.download,
            name=found.title,
            changed=found.changed,
            size=found.size,
            edited=list(found.edited),
        )

    def conclude(self) -> ExitCode:
        """Print the summary."""
        total, failures = Counter(failed=self._in_vain), list[LmkError]()
        for one in self._downloads.values():
            if not one.is_ended:
                one.count(DownloadState.FAILED, len(one.wanted.files) or 1)
                self._output.error(f"{one.title}: the list changed, and nobody offers it any more.")
            total.update(one.counts)
            failures += one.failures
        code = _exit_code(total, failures, in_vain=self._in_vain)
        self._output.json(event="ended", **_numbers(total), exit_code=int(code))
        tone = "Good" if code is ExitCode.DONE else "Bad"
        self._output.say(self._output.painted(f"{_counts(total)}.", tone))
        return code

    def _end(self, one: _Download) -> None:
        changed = one.newest
        if not one.wanted.is_folder and not one.counted:
            path = one.wanted.files[0].name if one.wanted.files else changed.name
            there = "" if changed.saved_as is None else str(changed.saved_as)
            ended = FileEnded(path, one.size, changed.state, there, changed.failure)
            self._note_file(one, ended)
            return
        # Files that failed with the whole download have no line of their own.
        without_line = max(0, one.files - one.counted)
        one.count(changed.state, without_line)
        if changed.failure is not None:
            if not (one.counts["failed"] or one.counts["folders"]):
                one.counts["failed"] += 1
            if without_line or not one.failures:
                one.failures.append(changed.failure)
                self._output.error(f"{one.title}: Failed: {changed.failure}")
        if one.is_summed_up:
            self._output.say(self._summary(one))
            if one.renamed:
                self._output.say(download_words.renamed(one.renamed, one.counts["renamed"]))
        self._output.json(
            event="folder",
            download=one.wanted.key,
            name=one.wanted.title,
            state=changed.state.value,
            path=None if changed.saved_as is None else str(changed.saved_as),
            **_numbers(one.counts),
            error=_text(changed.failure),
        )

    def _summary(self, one: _Download) -> str:
        spent = figures.duration_words(self._clock() - one.started)
        if (+one.counts).keys() <= {"done"}:
            done = figures.count(one.counts["done"], "file")
            return (
                f"{one.title}: {done} downloaded and checked ({figures.size(one.size)}) in {spent}"
            )
        return f"{one.title}: {_counts(one.counts)}, in {spent}"

    def _note_file(self, one: _Download, file: FileEnded) -> None:
        if file.is_folder:
            one.counts["folders"] += 1
        else:
            one.count(file.state)
        is_renamed = file.is_renamed
        if file.path:
            self.saved[file.name] = file.path
        if is_renamed:
            one.note_renamed(file.name, stored_path(file.name, Path(file.path)))
        if self._output.as_json:
            self._output.json(
                event="file",
                download=one.wanted.key,
                name=file.name,
                state=file.state.value,
                size=file.size,
                path=str(file.saved_as) if file.path else None,
                renamed=is_renamed,
                error=_text(file.failure),
            )
        if file.failure is not None:
            one.failures.append(file.failure)
            if len(one.failures) <= SHOWN_FAILURES:
                self._output.error(_ended(file))
            elif len(one.failures) == SHOWN_FAILURES + 1:
                self._output.error(f"{one.title}: more files failed.")
        elif not one.is_summed_up:
            self._output.say(f"{_ended(file)} ({figures.size(file.size)})")

    def _draw(self, latest: _Download) -> None:
        downloads = list(self._downloads.values())
        running = [one for one in downloads if not one.is_ended]
        whole = sum(one.size for one in downloads)
        have = sum(one.have for one in downloads)
        files = sum(one.files for one in downloads)
        rate = sum(one.newest.rate for one in running)
        left = figures.duration((whole - have) / rate) if rate else ""
        text = figures.rate(rate) or self._status(latest)
        if files > SHOWN_ONE_BY_ONE:
            what = figures.part(sum(one.files_ended for one in downloads), files, "file")
        else:
            moving = [one for one in running if one.newest.rate] or [latest]
            more = f" and {len(moving) - 1} more" if len(moving) > 1 else ""
            what = shown_name(moving[0].newest.title or moving[0].wanted.title, 30) + more
        self._output.progress(have / whole if whole else 0.0, f"{text} {left} {what}".strip())

    def _status(self, one: _Download) -> str:
        if one.look_at is None:
            return download_words.status(one.newest)
        return f"Disk full, trying again in {figures.duration_words(one.look_at - self._clock())}"


def _ended(file: FileEnded) -> str:
    match file.state:
        case DownloadState.DONE:
            words = f"Done, checked{download_words.other_name(file.name, file.saved_as)}"
        case DownloadState.SKIPPED:
            there = download_words.other_name(file.name, file.saved_as)
            words = f"Already here, identical{there}"
        case DownloadState.FAILED if file.failure is not None:
            words = f"Failed: {file.failure}"
        case state:
            words = state.value.capitalize()
    return f"{shown_name(file.name)}: {words}"


def _progress(one: _Download) -> dict[str, object]:
    changed, left = one.newest, one.newest.seconds_left
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


def _counts(counts: Counter[str]) -> str:
    """ "3 files downloaded and checked, 1 failed", "No files"."""
    words = {
        "done": "downloaded and checked",
        "skipped": "already here and identical",
        "failed": "failed",
    }
    parts = [f"{counts[key]:,} {said}" for key, said in words.items() if counts[key]]
    if parts:
        number, said = parts[0].split(" ", 1)
        parts[0] = f"{number} {'file' if number == '1' else 'files'} {said}"
    if counts["folders"]:
        parts.append(f"{figures.count(counts['folders'], 'folder')} failed")
    if counts["renamed"]:
        parts.append(f"{counts['renamed']:,} under other names")
    return ", ".join(parts) or "No files"


def _numbers(counts: Counter[str]) -> dict[str, int]:
    return {key: counts[key] for key in (*_FILES, "renamed")}


def _text(failure: LmkError | None) -> str | None:
    return None if failure is None else str(failure)


def _exit_code(total: Counter[str], failures: Sequence[LmkError], *, in_vain: int) -> ExitCode:
    if not total["failed"] and not failures:
        return ExitCode.DONE
    if any(isinstance(failure, DiskFullError) for failure in failures):
        return ExitCode.STORAGE  # it ended all the others; it must be solved before a next try
    codes = {exit_code_of(failure) for failure in failures}
    if total["done"] or total["skipped"] or in_vain or len(codes) != 1:
        return ExitCode.SOME_FAILED
    return codes.pop()
