"""The command `get`: choose, download, verify, say how it went, and seed on when asked to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roles.errors import LmkError, NoSeederError, UserInputError
from roles.events import AllDownloadsEnded, DownloadChanged, DownloadState, FilesListed, ListedFile
from roles.leecher import Leecher
from roles.profile import default_download_folder
from roles.safe_names import shown_name
from roles.seeder import Seeder
from roles.settings import GIVE_UP_AFTER_S, Existing, LeecherSettings, SeederSettings
from ui import wording
from ui.existing_files import existing_names
from ui.exit_codes import ExitCode, exit_code_of
from ui.terminal.arguments import chosen_tracker
from ui.terminal.list_command import tell_refused, wait_for_list
from ui.terminal.output import Output, can_ask
from ui.terminal.serve_commands import SeederReport, follow
from ui.terminal.session import Session

_ANSWERS = {"s": Existing.SKIP, "k": Existing.KEEP_BOTH, "r": Existing.REPLACE}


def run_get(chosen: argparse.Namespace, output: Output) -> ExitCode:
    """Download what was chosen. Raises TrackerSilentError, NoSeederError or UserInputError."""
    if not (chosen.names or chosen.all or (can_ask() and not output.as_json)):
        raise UserInputError("Name the files to get, or say --all. `lmktorrent list` shows them.")
    folder: Path = (chosen.to or default_download_folder()).absolute()
    tracker = chosen_tracker(chosen)
    settings = LeecherSettings(folder, tracker, give_up_after_s=GIVE_UP_AFTER_S)
    with Session() as session:
        leecher = session.start(lambda post: Leecher(settings, post))
        listed = wait_for_list(session)
        tell_refused(listed, output)
        names, missing = _chosen_names(chosen, listed, session)
        for name in missing:
            output.error(f"Nobody offers “{shown_name(name)}”. `lmktorrent list` shows the names.")
            output.json(
                event="file",
                name=name,
                state="failed",
                size=None,
                path=None,
                error="nobody offers it",
            )
        existing = _chosen_existing(chosen, output, session, folder, names)
        code, _ = download(session, leecher, listed, names, existing, output, failed=len(missing))
        if chosen.keep_seeding:
            seeding = SeederSettings(folder, tracker)
            output.say(f"Seeding {folder} until Ctrl-C.")
            session.start(lambda post: Seeder(seeding, post))
            follow(session, SeederReport(output))
    return code


def download(
    session: Session,
    leecher: Leecher,
    listed: FilesListed,
    names: Sequence[str],
    existing: Existing,
    output: Output,
    *,
    failed: int = 0,
) -> tuple[ExitCode, dict[str, Path]]:
    """Download these files of the list and report; `failed` counts what was asked for in vain.

    Returns what to say to the shell, and name to path of what is there now.
    """
    sizes = {file.name: file.size for file in listed.files if file.name in set(names)}
    tally = _Tally(output, sizes, failed=failed)
    leecher.download(names, existing)
    while names:
        match session.next_event():
            case (_, DownloadChanged() as changed):
                tally.note(changed)
            case (_, AllDownloadsEnded()):
                break
            case _:
                continue
    return tally.conclude(), tally.saved


@dataclass(slots=True)
class _Tally:
    """How the downloads of one command stand."""

    output: Output
    sizes: dict[str, int]
    failed: int = 0
    _running: dict[str, DownloadChanged] = field(default_factory=dict)
    _ended: dict[str, DownloadChanged] = field(default_factory=dict)

    @property
    def saved(self) -> dict[str, Path]:
        """Name to path of what is there now."""
        ended = self._ended.items()
        return {name: item.saved_as for name, item in ended if item.saved_as is not None}

    def note(self, changed: DownloadChanged) -> None:
        """Take a snapshot and show it."""
        if changed.name in self._ended:
            return
        if changed.state.is_final:
            self._running.pop(changed.name, None)
            self._ended[changed.name] = changed
            self._tell_end(changed)
            return
        self._running[changed.name] = changed
        self.output.json(
            event="progress",
            name=changed.name,
            state=changed.state.value,
            size=changed.size,
            have=changed.have,
            rate=round(changed.rate),
            seconds_left=_tenths(changed.seconds_left),
            seeders=[str(source.seeder) for source in changed.sources if source.is_sending],
            cause=changed.cause,
        )
        self._draw(changed)

    def conclude(self) -> ExitCode:
        """The summary, and what to say to the shell."""
        failures = [item.failure for item in self._ended.values() if item.failure is not None]
        skipped = sum(1 for item in self._ended.values() if item.state is DownloadState.SKIPPED)
        done = sum(1 for item in self._ended.values() if item.state is DownloadState.DONE)
        code = self._code(failures, good=done + skipped)
        failed = self.failed + len(failures)
        self.output.json(
            event="ended", done=done, skipped=skipped, failed=failed, exit_code=int(code)
        )
        counts = {"done and checked": done, "skipped, the same already here": skipped}
        parts = [f"{number} {what}" for what, number in counts.items() if number]
        if failed:
            parts.append(f"{failed} failed")
        self.output.say(f"Files: {', '.join(parts) or 'none'}.")
        return code

    def _code(self, failures: Sequence[LmkError], *, good: int) -> ExitCode:
        if not failures and not self.failed:
            return ExitCode.DONE
        codes = {exit_code_of(failure) for failure in failures}
        if good or self.failed or len(codes) > 1:
            return ExitCode.SOME_FAILED
        return codes.pop()

    def _tell_end(self, ended: DownloadChanged) -> None:
        path = None if ended.saved_as is None else str(ended.saved_as)
        error = None if ended.failure is None else str(ended.failure)
        self.output.json(
            event="file",
            name=ended.name,
            state=ended.state.value,
            size=ended.size,
            path=path,
            error=error,
        )
        text = f"{shown_name(ended.name)}: {wording.download_status(ended)}"
        if ended.failure is not None:
            self.output.error(text)
        else:
            self.output.say(f"{text} ({wording.size(ended.size)})")

    def _draw(self, changed: DownloadChanged) -> None:
        whole = sum(self.sizes.values())
        ended = sum(self.sizes.get(name, 0) for name in self._ended)
        have = ended + sum(item.have for item in self._running.values())
        rate = sum(item.rate for item in self._running.values())
        left = wording.duration((whole - have) / rate) if rate else ""
        moving = [item for item in self._running.values() if item.rate]
        text = wording.rate(rate) or wording.download_status(changed)
        names = shown_name((moving or [changed])[0].name, 30)
        more = f" and {len(moving) - 1} more" if len(moving) > 1 else ""
        self.output.progress(have / whole if whole else 0.0, f"{text} {left} {names}{more}".strip())


def _chosen_names(
    chosen: argparse.Namespace, listed: FilesListed, session: Session
) -> tuple[list[str], list[str]]:
    """The names to download, and those that nobody offers."""
    offered = [file.name for file in listed.files]
    if (chosen.all or not chosen.names) and not offered:
        raise NoSeederError(f"The tracker {listed.tracker} lists no file. Is a seeder running?")
    if chosen.all:
        return offered, []
    if not chosen.names:
        return _ask_for_names(session, listed.files), []
    names = list(dict.fromkeys(chosen.names))
    return [name for name in names if name in offered], [n for n in names if n not in offered]


def _ask_for_names(session: Session, files: Sequence[ListedFile]) -> list[str]:
    """The numbered list and the question of the original's command line. Raises UserInputError."""
    asking = Output()
    for number, file in enumerate(files, 1):
        asking.result(f"{number:4}  {wording.size(file.size):>10}  {shown_name(file.name)}")
    typed = session.ask("Which files? Numbers with spaces between, or a for all: ")
    if typed.lower() in {"a", "all"}:
        return [file.name for file in files]
    numbers = typed.replace(",", " ").split()
    choices = {str(number): file.name for number, file in enumerate(files, 1)}
    if not numbers or not choices.keys() >= set(numbers):
        raise UserInputError(
            f"“{typed}” is not a choice. Type numbers from 1 to {len(files)}, or a."
        )
    return [choices[number] for number in dict.fromkeys(numbers)]


def _chosen_existing(
    chosen: argparse.Namespace,
    output: Output,
    session: Session,
    folder: Path,
    names: Sequence[str],
) -> Existing:
    """What --existing says, or the person, or nobody: then SKIP, which loses nothing."""
    if chosen.existing is not None:
        return Existing(chosen.existing)
    if output.as_json or not can_ask():
        return Existing.SKIP
    return _ask_about_existing(session, folder, names)


def _ask_about_existing(session: Session, folder: Path, names: Sequence[str]) -> Existing:
    """What to do with the names that exist, asked once; nothing else but s, k or r is taken."""
    there = existing_names(folder, names)
    if not there:
        return Existing.SKIP
    which = shown_name(there[0]) if len(there) == 1 else wording.count(len(there), "file")
    question = f"{folder} has {which} already: (s)kip if the same, (k)eep both, (r)eplace? "
    while True:
        answer = session.ask(question).lower()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        if not answer:  # Enter, or the end of input: the answer that loses nothing
            return Existing.SKIP


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
