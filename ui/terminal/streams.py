"""Standard streams, which may be absent, full, a terminal, or a pipe that nobody reads."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys

# What replaces our own signs where the locale lacks them; letters of names become \u....
_PLAIN = str.maketrans(
    {"“": '"', "”": '"', "’": "'", "–": "-", "…": "...", "·": "-", "→": "->", "\u00a0": " "}
)


class _Writing:
    is_under_way = False  # only the main thread writes, and signals reach no other


def fill_gaps() -> None:
    """Open /dev/null where a standard stream was closed before the program started.

    Otherwise the next file or connection would get its number, and libraries would write their
    warnings into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):  # a machine without /dev/null keeps the gap
                os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one


def is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # absent or closed
        return False


def terminal_size(stream: object) -> os.terminal_size:
    """Columns and lines of the terminal that the stream is; 80 and 24 if nobody knows."""
    try:
        size = os.get_terminal_size(stream.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return shutil.get_terminal_size()
    return size if all(size) else shutil.get_terminal_size()


def is_writing() -> bool:
    """Whether a write may be waiting for a reader, so that only an exception ends it."""
    return _Writing.is_under_way


def write(stream: object, text: str) -> OSError | None:
    """Write what the stream's encoding can carry; returns why that failed, or None.

    After a failure everything written to the stream is dropped.
    """
    if stream is None:  # closed before the program started
        return OSError(errno.EBADF, os.strerror(errno.EBADF))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    _Writing.is_under_way = True
    try:
        stream.write(_encodable(text, encoding))  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
    except OSError as error:
        _give_up(stream)
        return error
    except ValueError as error:  # closed since then
        return OSError(errno.EBADF, str(error))
    except BaseException:
        _give_up(stream)
        raise
    finally:
        _Writing.is_under_way = False
    return None


def as_utf8(typed: str) -> str:
    """What was typed, which may be UTF-8 although the locale is not."""
    try:
        return os.fsencode(typed).decode()
    except ValueError:
        return typed


def has_no_reader(error: OSError) -> bool:
    """Whether write() failed because the reader of the pipe has left."""
    return isinstance(error, BrokenPipeError) or (
        sys.platform == "win32" and error.errno == errno.EINVAL
    )


def can_carry(stream: object, text: str) -> bool:
    """Whether the stream's encoding has all of these letters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _give_up(stream: object) -> None:
    """Drop the rest, otherwise Python waits for the reader again at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        os.close(nowhere)
