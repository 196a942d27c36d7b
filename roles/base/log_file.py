"""The program's log: a file that cannot fill the disk, lines that nobody can forge.

Set up once, by lmktorrent_app.py.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from types import TracebackType

from roles.values.safe_names import shown_name

MAX_BYTES = 1024 * 1024
BACKUPS = 2
MAX_LINE = 500  # characters of one message

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_FORMAT = "%(asctime)s %(levelname)s %(threadName)s %(message)s"


class LineFormatter(logging.Formatter):
    """One record is one line: what a stranger named cannot add lines or move the cursor.

    The lines of a traceback follow, indented, so that none of them passes for a record.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        safe = logging.makeLogRecord(record.__dict__)
        safe.msg, safe.args = shown_name(record.getMessage(), MAX_LINE), None
        return super().format(safe)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  # logging's name
        """The traceback as text."""
        lines = super().formatException(ei).split("\n")
        return "\n".join("    " + shown_name(line, MAX_LINE) for line in lines)


class _LogFile(logging.handlers.RotatingFileHandler):
    """A disk that is full costs lines of the log, and fills no terminal with tracebacks."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Called while the error is being handled."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def start_logging(log_file: Path | None, *, terminal_level: int | None) -> str:
    """Log everything to this file, and to standard error from `terminal_level` on, None for never.

    Returns "" or one sentence on why there is no log file: the program works without one.
    """
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    if terminal_level is not None:
        terminal = logging.StreamHandler()
        terminal.setLevel(terminal_level)
        terminal.setFormatter(LineFormatter("%(message)s"))
        root.addHandler(terminal)
    if log_file is None:
        return ""
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
        return f"No log is kept: {log_file} cannot be written ({error.strerror})."
    handler.setFormatter(LineFormatter(_FORMAT))
    root.addHandler(handler)
    return ""
