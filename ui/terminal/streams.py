"""Writing to a standard stream, which may be absent, or a pipe that nobody reads.

It knows nothing of what is written.
"""

from __future__ import annotations

import contextlib
import os


class _Writing:
    """Whether a write is under way: only the main thread writes, and signals come to it."""

    is_under_way = False


def is_writing() -> bool:
    """Whether a write may be waiting for a reader, so that only an exception ends it."""
    return _Writing.is_under_way


def write(stream: object, text: str) -> None:
    """Write what the stream's encoding can carry, if there is a stream and somebody reads it."""
    write_text = getattr(stream, "write", None)
    if write_text is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    _Writing.is_under_way = True
    try:
        write_text(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()  # type: ignore[attr-defined]
    except (OSError, ValueError):  # a closed pipe: what we do goes on, as with a closed terminal
        return
    except BaseException:
        _give_up(stream)
        raise
    finally:
        _Writing.is_under_way = False


def _give_up(stream: object) -> None:
    """Let the rest go nowhere, or Python waits for the reader again when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        os.close(nowhere)
