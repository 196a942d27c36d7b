"""Writing to the terminal: lines, JSON lines and one progress line.

Standard streams may be closed or full, and the reader of a pipe may leave before the end. The
command goes on in each case, and its exit code tells: see finished().
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass, field

from ui.exit_codes import ExitCode
from ui.terminal.streams import has_no_reader, write

PROGRESS_S = 0.2  # between two drawings of the progress line
PLAIN_PROGRESS_S = 5.0  # between two progress lines where nothing can be overwritten
_BAR = 24  # characters


@dataclass(slots=True)
class Output:
    """Standard output of one command.

    Progress and errors go to standard error, so that pipes stay clean.
    """

    quiet: bool = False
    as_json: bool = False
    _lost: OSError | None = None  # why standard output took no more
    _line: str = ""  # the progress line that is on the terminal now
    _drawn: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print a line for people, if there is one; not with -q or --json."""
        if text and not self.quiet:
            self.result(text)

    def result(self, text: str) -> None:
        """Print a line that the user asked for; not with --json."""
        if not self.as_json:
            self._clear_progress()
            self._write(text + "\n")

    def json(self, **fields: object) -> None:
        """Print one JSON object on a line of its own; only with --json."""
        if self.as_json:
            self._write(json.dumps(fields, ensure_ascii=True) + "\n")

    def error(self, text: str) -> None:
        """Print a line on standard error, always."""
        self._clear_progress()
        write(sys.stderr, f"lmktorrent: {text}\n")

    def finished(self, code: int) -> int:
        """The exit code of a command that ends with `code`: output that nobody could read is a
        failure.
        """
        if self._lost is None or code != ExitCode.DONE:
            return code
        if has_no_reader(self._lost):
            return ExitCode.NO_READER
        self.error(f"The output cannot be written ({self._lost.strerror or self._lost}).")
        return ExitCode.STORAGE

    def wants_progress(self) -> bool:
        """Whether a progress line is due; ask before computing one."""
        if self.quiet or self.as_json:
            return False
        pause_s = PROGRESS_S if _is_terminal() else PLAIN_PROGRESS_S
        return time.monotonic() - self._drawn >= pause_s

    def progress(self, fraction: float, text: str) -> None:
        """Draw the bar over itself on a terminal; elsewhere print a plain line now and then."""
        if not self.wants_progress():
            return
        self._drawn = time.monotonic()
        if not _is_terminal():
            write(sys.stderr, f"{round(fraction * 100)} % {text}\n")
            return
        done = round(fraction * _BAR)
        width = shutil.get_terminal_size().columns - 1
        line = f"[{'#' * done}{'.' * (_BAR - done)}] {round(fraction * 100):3} % {text}"[:width]
        write(sys.stderr, "\r" + line.ljust(len(self._line)))
        self._line = line

    def _write(self, text: str) -> None:
        if self._lost is None:
            self._lost = write(sys.stdout, text)

    def _clear_progress(self) -> None:
        if self._line:
            write(sys.stderr, "\r" + " " * len(self._line) + "\r")
            self._line = ""


def can_ask() -> bool:
    """Whether a person sits at both ends of the terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):  # absent or closed
        return False


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False
