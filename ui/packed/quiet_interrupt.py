"""What ends the program while it still loads: Ctrl-C with 130, and a lack of memory with a sentence
and 4, both at once and without a traceback.

build.spec also has it run before PyInstaller's own beginning, where nothing else of ours is loaded.
"""

from __future__ import annotations

import os
import signal
import sys
from types import TracebackType

_INTERRUPTED, _REFUSED = 130, 4  # ui/exit_codes.py, which is not to be loaded yet
_NO_MEMORY = b"lmktorrent: This computer has no memory left. Close other programs, and try again.\n"


def end_quietly() -> None:
    """From now until somebody else listens to Ctrl-C; what is raised later never gets here."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
    sys.excepthook = _end


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, MemoryError):
        sys.__excepthook__(kind, error, trace)
        return
    try:
        os.write(2, _NO_MEMORY)
    finally:  # standard error may be closed
        os._exit(_REFUSED)


if __name__ == "__main__":
    end_quietly()
