"""Ctrl-C while the program still loads: it ends at once, with 130 and without a traceback.

build.spec also has it run before PyInstaller's own beginning, where nothing else of ours is loaded.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED = 130  # ui/exit_codes.py, which is not to be loaded yet


def end_quietly() -> None:
    """From now until somebody else listens to Ctrl-C."""
    signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))


if __name__ == "__main__":
    end_quietly()
