"""What the packed program does for itself when it starts; from source, almost nothing."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from roles.values.errors import ShortageError
from roles.worker import Worker
from ui.packed.bundled_font import use_bundled_font
from ui.packed.parent_watch import watch_parent
from ui.packed.unpack_folder import hold, own_unpack_folder, sweep

SWEEP_AFTER_S = 1.0  # by then the window is painted and a role listens


def settle_in() -> None:
    """Call once there is a log. Returns at once; the sweep comes later, in a thread."""
    folder = own_unpack_folder()
    if folder is not None:
        hold(folder)
        watch_parent(folder)
        with contextlib.suppress(ShortageError):  # the next start sweeps
            Worker(lambda: _sweep_beside(folder), "lmk-sweep", daemon=True).start()


def prepare_for_window() -> None:
    """Call before tkinter is imported."""
    inside = getattr(sys, "_MEIPASS", "")
    if inside:
        use_bundled_font(os.environ, Path(inside))


def _sweep_beside(folder: Path) -> None:
    time.sleep(SWEEP_AFTER_S)
    sweep(folder.parent, folder)
