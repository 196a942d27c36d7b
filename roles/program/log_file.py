"""The program's log: a file of limited size, with lines that strangers cannot forge.

Users send it to us, so it contains no full path of theirs.
"""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import TextIO

from roles.program.user_folders import home_folder
from roles.values.disk_names import shown_path
from roles.values.safe_names import shown_name

MAX_BYTES = 1024 * 1024
BACKUPS = 2
MAX_LINE = 500  # characters of one message
SAID = {"is_said": True}  # `extra` of a record that a command prints itself

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(message)s"


_PROGRAM = Path(__file__).parents[2]  # contains roles/; tracebacks name files below it
# The folders of any other absolute path, up to a space, because a name's end cannot be recognized.
_WHOLE_PATH = re.compile(
    r"""(?<![\w/\\.~…:-])(?:/[^/\s"'“”:]+)+(?=/)|(?<!\w)(?:[A-Za-z]:|\\\\)(?:\\{0,2}[^\\/\s"'“”:]+)+(?=[\\/])"""
)


_END = r"(?![\w-]|\.\w)"  # end of a folder's name; a full stop may follow it


class _Hidden:
    """The folders that without_folders() hides. Attributes are replaced as a whole."""

    shown: dict[str, str] = {}  # noqa: RUF012  # folder -> what to show instead
    above: dict[str, str] = {}  # noqa: RUF012  # the same for their parents
    pattern = re.compile("(?!)")  # matches any of them, longest first


def hide_folder(folder: Path, shown: str = "") -> None:
    """From now on the log shows this folder as `shown` or by its last name, and its parents by
    their last names, because one of them may be the cause of an error.
    """
    if len(folder.parts) < 2 or not folder.is_absolute():  # "/" is in every path
        return
    _Hidden.shown = {**_Hidden.shown, **_as_written(folder, shown)}
    for above in folder.parents[:-1]:
        _Hidden.above = {**_as_written(above), **_Hidden.above}
    # A parent only matches as a whole; _WHOLE_PATH hides everything else below it.
    ends = dict.fromkeys(_Hidden.above, _END + r"(?![/\\])") | dict.fromkeys(_Hidden.shown, _END)
    longest_first = sorted(ends, key=len, reverse=True)
    patterns = (re.escape(text) + ends[text] for text in longest_first)
    _Hidden.pattern = re.compile("|".join(patterns))


def _as_written(folder: Path, shown: str = "") -> dict[str, str]:
    """The folder in every form that may occur; tracebacks double each backslash."""
    path, name = str(folder), shown or f"…/{folder.name}"
    return {path: name, path.replace("\\", "\\\\"): name}


def without_folders(text: str) -> str:
    """The text without full paths."""
    known = _Hidden.above | _Hidden.shown
    text = _Hidden.pattern.sub(lambda match: known[match[0]], text)
    return _WHOLE_PATH.sub("…", text)


def line_of(record: logging.LogRecord) -> str:
    """The message as one line that is safe to show and to send us."""
    return shown_name(without_folders(record.getMessage()), MAX_LINE)


class LineFormatter(logging.Formatter):
    """One record is one line: a name from a stranger can neither add lines nor move the cursor.

    The lines of a traceback follow, indented, so that none of them looks like a record.
    """

    def format(self, record: logging.LogRecord) -> str:
        safe = logging.makeLogRecord(record.__dict__)
        safe.msg, safe.args = line_of(record), None
        safe.exc_text = None  # another handler's, made without us
        return super().format(safe)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  # logging's name
        lines = without_folders(super().formatException(ei)).split("\n")
        return "\n".join("    " + shown_name(line, MAX_LINE) for line in lines)


class _LossyHandler(logging.Handler):
    """Loses lines, instead of printing tracebacks, if a disk is full or nobody reads a pipe."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        if not isinstance(sys.exc_info()[1], OSError | MemoryError):
            super().handleError(record)


class _LogFile(_LossyHandler, logging.handlers.RotatingFileHandler):
    pass


class _Terminal(_LossyHandler, logging.StreamHandler[TextIO]):
    pass


def start_logging(log_file: Path | None, *, terminal_level: int | None) -> str:
    """Log everything to this file, and from `terminal_level` on to standard error (None: nothing).

    Returns "", or a sentence that says why there is no log file. The program works without it.
    """
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    home = home_folder()
    if home is not None:
        hide_folder(home, "~")
    hide_folder(_PROGRAM, "lmktorrent")
    if terminal_level is not None:
        terminal = _Terminal()
        terminal.setLevel(terminal_level)
        terminal.addFilter(lambda record: not hasattr(record, "is_said"))
        terminal.setFormatter(LineFormatter("%(message)s"))
        root.addHandler(terminal)
    if log_file is None:
        root.addHandler(logging.NullHandler())  # without a handler, warnings go to standard error
        return ""
    hide_folder(log_file.parent.parent)
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(
            log_file,
            maxBytes=MAX_BYTES,
            backupCount=BACKUPS,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        root.addHandler(logging.NullHandler())
        return (
            f"No log is kept: {shown_path(log_file)} cannot be written ({error.strerror or error})."
        )
    handler.setFormatter(LineFormatter(_FORMAT))
    root.addHandler(handler)
    return ""
