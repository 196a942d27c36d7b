"""Writing to the terminal: lines, JSON lines, one progress line, and a table in its place.

Standard streams may be closed or full, and the reader of a pipe may leave before the end. The
command goes on in each case, and its exit code tells: see finished().
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ui.exit_codes import ExitCode
from ui.terminal.colour import can_redraw, has_colour, painted
from ui.terminal.streams import can_carry, has_no_reader, is_terminal, terminal_size, write
from ui.toned_text import TonedText

PROGRESS_S = 0.2  # between two drawings of the progress line
PLAIN_PROGRESS_S = 5.0  # between two progress lines where nothing can be overwritten
LEAST_BAR = 10  # characters
_ERASE_BELOW = "\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


@dataclass(slots=True)
class Output:
    """Standard output of one command.

    Progress and errors go to standard error, so that pipes stay clean.
    """

    quiet: bool = False
    as_json: bool = False
    _lost: OSError | None = None  # why standard output took no more
    _line: str = ""  # the progress line that is on the terminal now
    _text_width: int = 0  # of the longest text beside the bar
    _table: Sequence[TonedText] = ()  # stands below everything else on the terminal
    _height: int = 0  # lines of it that are on the terminal now
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

    def draw(self, lines: Sequence[str]) -> None:
        """Print a picture, black on white, on a terminal that has room for it; nowhere else."""
        size = terminal_size(sys.stdout)
        has_room = len(lines) < size.lines and all(len(line) < size.columns for line in lines)
        if has_room and has_colour(sys.stdout) and can_carry(sys.stdout, "".join(lines)):
            self.say("\n".join(painted(line, "Picture") for line in lines))

    def show_table(self, lines: Sequence[TonedText]) -> None:
        """Put a table in place of the one that was shown last, below everything else that is
        printed; where nothing can be overwritten, append it.
        """
        if self.as_json:
            return
        if not self.can_redraw:
            self.result("\n".join(["", *(line.text for line in lines), ""]))
            return
        self._clear_progress()
        self._table = lines
        self._write("")

    @property
    def can_redraw(self) -> bool:
        return can_redraw(sys.stdout)

    def painted(self, text: str, tone: str) -> str:
        """Text for standard output, coloured if that is a terminal."""
        return painted(text, tone) if has_colour(sys.stdout) else text

    def json(self, **fields: object) -> None:
        """Print one JSON object on a line of its own; only with --json."""
        if self.as_json:
            self._write(json.dumps(fields, ensure_ascii=True) + "\n")

    def error(self, text: str) -> None:
        """Print a line on standard error, always."""
        self._clear_progress()
        self._clear_table()
        name = "lmktorrent:"
        write(sys.stderr, f"{painted(name, 'Bad') if has_colour(sys.stderr) else name} {text}\n")
        if self._table:
            self._write("")

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

    @property
    def is_lost(self) -> bool:
        """Whether standard output takes no more."""
        return self._lost is not None

    def wants_progress(self) -> bool:
        """Whether a progress line is due; ask before computing one."""
        if self.quiet or self.as_json:
            return False
        pause_s = PROGRESS_S if is_terminal(sys.stderr) else PLAIN_PROGRESS_S
        return time.monotonic() - self._drawn >= pause_s

    def progress(self, fraction: float, text: str) -> None:
        """Draw the bar over itself on a terminal, as wide as that; elsewhere print a plain line now
        and then.
        """
        if not self.wants_progress():
            return
        self._drawn = time.monotonic()
        if not is_terminal(sys.stderr):
            write(sys.stderr, f"{round(fraction * 100)} % {text}\n")
            return
        width = terminal_size(sys.stderr).columns - 1
        # The bar never grows again, which would look like going back.
        self._text_width = max(self._text_width, len(text))
        bar = max(LEAST_BAR, width - len("[] 100 % ") - self._text_width)
        done = round(fraction * bar)
        line = f"[{'#' * done}{'.' * (bar - done)}] {round(fraction * 100):3} % {text}"[:width]
        shown = line
        if has_colour(sys.stderr):
            shown = f"[{painted(line[1 : done + 1], 'Good')}{line[done + 1 :]}"
        write(sys.stderr, f"\r{shown}{' ' * (len(self._line) - len(line))}")
        self._line = line

    def _write(self, text: str) -> None:
        if self._lost is not None:
            return
        above, self._height = self._erased(), 0
        self._lost = write(sys.stdout, above + text + self._drawn_table())

    def _drawn_table(self) -> str:
        """The table, as much as fits on the terminal."""
        if not self._table:
            return ""
        size = terminal_size(sys.stdout)
        lines, most = [*self._table], max(1, size.lines - 2)
        if len(lines) > most:
            lines[most:] = [TonedText(f"… and {len(lines) - most} more lines", "Muted")]
        self._height = len(lines)
        texts = (self.painted(line.text[: size.columns], line.tone) for line in lines)
        return _NO_WRAP + "".join(f"{text}\n" for text in texts) + _WRAP

    def _clear_table(self) -> None:
        if self._height and self._lost is None:
            above, self._height = self._erased(), 0
            self._lost = write(sys.stdout, above)

    def _erased(self) -> str:
        return f"\x1b[{self._height}A\r{_ERASE_BELOW}" if self._height else ""

    def _clear_progress(self) -> None:
        if self._line:
            write(sys.stderr, "\r" + " " * len(self._line) + "\r")
            self._line = ""


def can_ask() -> bool:
    """Whether a person sits at both ends of the terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stdout)
