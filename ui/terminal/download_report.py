"""Reports the downloads of one `get`: lines, JSON, a progress line, and the exit code.

It starts nothing and asks nobody.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from roles.values import figures
from roles.values.disk_names import shown_path
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
        self._downloads = {item.key: _Download(item, clock()) for item in wanted}
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
        unfinished = [download for download in self._downloads.values() if not download.is_ended]
        if any(file.root for download in unfinished for file in download.wanted.files):
            self._output.say("What was downloaded is kept: the same command resumes there.")

    def note(self, changed: DownloadChanged) -> None:
        """Take a snapshot and show it."""
        download = self._downloads.get(changed.name)
        if download is None or download.is_ended:
            return
        is_full = changed.state is DownloadState.WAITING_FOR_SPACE
        if is_full and download.newest.state is not changed.state and not self._output.as_json:
            self._output.error(f"{changed.cause} The download continues once there is room.")
        download.look_at = self._clock() + SPACE_AGAIN_S if is_full else None
        download.newest, self.has_begun = changed, True
        if download.is_ended:
            self._unfinished -= 1
            self._end(download)
        elif self._output.as_json:
            self._output.json(event="progress", **_progress(download))
        elif self._output.wants_progress():
            self._draw(download)

    def pass_time(self) -> None:
        """Count the seconds until a full disk is looked at again."""
        downloads = self._downloads.values()
        waiting = [download for download in downloads if download.look_at is not None]
        if waiting and self._output.wants_progress():
            self._draw(waiting[0])

    def note_files(self, ended: FilesEnded) -> None:
        """Take the files of a download that have ended."""
        download = self._downloads.get(ended.download)
        if download is None:
            return
        for file in ended.files:
            self._note_file(download, file)
        for folder in ended.folders:
            stored = stored_path(folder.name, folder.saved_as)
            download.note_renamed(f"{folder.name}/", f"{stored}/")
            if not download.is_summed_up:
                self._output.say(f"{shown_name(folder.name)}/: saved as {shown_name(stored)}/")
            self._output.json(
                event="subfolder",
                download=download.wanted.key,
                name=folder.name,
                path=shown_path(folder.saved_as),
            )

    def note_update(self, update: UpdateFound) -> None:
        """Say what has changed since the last download, before it is fetched."""
        self._output.say(download_words.update_found(update))
        self._output.json(
            event="update",
            download=update.download,
            name=update.title,
            changed=update.changed,
            size=update.size,
            edited=list(update.edited),
        )

    def conclude(self) -> ExitCode:
        """Print the summary."""
        total, failures = Counter(failed=self._in_vain), list[LmkError]()
        for download in self._downloads.values():
            if not download.is_ended:
                download.count(DownloadState.FAILED, len(download.wanted.files) or 1)
                self._output.error(
                    f"{download.title}: the list changed, and nobody offers it any more."
                )
            total.update(download.counts)
            failures += download.failures
        code = _exit_code(total, failures, in_vain=self._in_vain)
        self._output.json(event="ended", **_numbers(total), exit_code=int(code))
        tone = "Good" if code is ExitCode.DONE else "Bad"
        self._output.say(self._output.painted(f"{_counts(total)}.", tone))
        return code

    def _end(self, download: _Download) -> None:
        changed = download.newest
        if not download.wanted.is_folder and not download.counted:
            path = download.wanted.files[0].name if download.wanted.files else changed.name
            there = "" if changed.saved_as is None else str(changed.saved_as)
            ended = FileEnded(path, download.size, changed.state, there, changed.failure)
            self._note_file(download, ended)
            return
        # Files that failed with the whole download have no line of their own.
        without_line = max(0, download.files - download.counted)
        download.count(changed.state, without_line)
        if changed.failure is not None:
            if not (download.counts["failed"] or download.counts["folders"]):
                download.counts["failed"] += 1
            if without_line or not download.failures:
                download.failures.append(changed.failure)
                self._output.error(f"{download.title}: Failed: {changed.failure}")
        if download.is_summed_up:
            self._output.say(self._summary(download))
            if download.renamed:
                self._output.say(
                    download_words.renamed(download.renamed, download.counts["renamed"])
                )
        self._output.json(
            event="folder",
            download=download.wanted.key,
            name=download.wanted.title,
            state=changed.state.value,
            path=None if changed.saved_as is None else shown_path(changed.saved_as),
            **_numbers(download.counts),
            error=_text(changed.failure),
        )

    def _summary(self, download: _Download) -> str:
        spent = figures.duration_words(self._clock() - download.started)
        if (+download.counts).keys() <= {"done"}:
            done = figures.count(download.counts["done"], "file")
            size = figures.size(download.size)
            return f"{download.title}: {done} downloaded and checked ({size}) in {spent}"
        return f"{download.title}: {_counts(download.counts)}, in {spent}"

    def _note_file(self, download: _Download, file: FileEnded) -> None:
        if file.is_folder:
            download.counts["folders"] += 1
        else:
            download.count(file.state)
        is_renamed = file.is_renamed
        if file.path:
            self.saved[file.name] = file.path
        if is_renamed:
            download.note_renamed(file.name, stored_path(file.name, Path(file.path)))
        if self._output.as_json:
            self._output.json(
                event="file",
                download=download.wanted.key,
                name=file.name,
                state=file.state.value,
                size=file.size,
                path=shown_path(Path(file.path)) if file.path else None,
                renamed=is_renamed,
                error=_text(file.failure),
            )
        if file.failure is not None:
            download.failures.append(file.failure)
            if len(download.failures) <= SHOWN_FAILURES:
                self._output.error(_ended(file))
            elif len(download.failures) == SHOWN_FAILURES + 1:
                self._output.error(f"{download.title}: more files failed.")
        elif not download.is_summed_up:
            self._output.say(f"{_ended(file)} ({figures.size(file.size)})")

    def _draw(self, latest: _Download) -> None:
        downloads = list(self._downloads.values())
        running = [download for download in downloads if not download.is_ended]
        whole = sum(download.size for download in downloads)
        have = sum(download.have for download in downloads)
        files = sum(download.files for download in downloads)
        rate = sum(download.newest.rate for download in running)
        left = figures.duration((whole - have) / rate) if rate else ""
        text = figures.rate(rate) or self._status(latest)
        if files > SHOWN_ONE_BY_ONE:
            what = figures.part(sum(download.files_ended for download in downloads), files, "file")
        else:
            moving = [download for download in running if download.newest.rate] or [latest]
            more = f" and {len(moving) - 1} more" if len(moving) > 1 else ""
            what = shown_name(moving[0].newest.title or moving[0].wanted.title, 30) + more
        self._output.progress(have / whole if whole else 0.0, f"{text} {left} {what}".strip())

    def _status(self, download: _Download) -> str:
        if download.look_at is None:
            return download_words.status(download.newest)
        left = figures.duration_words(download.look_at - self._clock())
        return f"Disk full, trying again in {left}"


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


def _progress(download: _Download) -> dict[str, object]:
    changed, left = download.newest, download.newest.seconds_left
    return {
        "download": changed.name,
        "name": download.wanted.title if download.wanted.is_folder else changed.name,
        "state": changed.state.value,
        "size": changed.size,
        "have": changed.have,
        "rate": round(changed.rate),
        "seconds_left": None if left is None else round(left, 1),
        "seeders": [str(source.seeder) for source in changed.sources if source.is_sending],
        "cause": changed.cause,
        "place": changed.position,
        "files": download.files,
        "files_ended": download.files_ended,
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
