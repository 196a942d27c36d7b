"""Keeps this computer from sleeping while something is on its way, by what its system offers."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping

from ui.packed.host_environment import cleaned

log = logging.getLogger(__name__)

END_S = 0.5
# Each holds the computer awake until its standard input is closed, even if this program is killed.
_COMMANDS = {
    "linux": (
        "systemd-inhibit",
        "--what=idle:sleep",
        "--who=LMKtorrent",
        "--why=Files are on their way",
        "cat",
    ),
    "darwin": ("caffeinate", "-i", "cat"),
}
_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001  # SetThreadExecutionState of Windows


class KeepAwake:
    """For one thread, because Windows counts the wish of each."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._helper: subprocess.Popen[bytes] | None = None
        self._is_impossible = False
        self.is_held = False

    def hold(self, is_wanted: bool) -> None:
        """Keep it awake from now on, or no longer. May be called often."""
        if is_wanted == self.is_held or self._is_impossible:
            return
        self.is_held = is_wanted
        if sys.platform == "win32":
            import ctypes

            wish = _CONTINUOUS | (_SYSTEM_REQUIRED if is_wanted else 0)
            ctypes.windll.kernel32.SetThreadExecutionState(wish)
        elif is_wanted:
            self._start_helper()
        else:
            self._end_helper()

    def _start_helper(self) -> None:
        command = _COMMANDS.get("darwin" if sys.platform == "darwin" else "linux", ())
        try:
            self._helper = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=cleaned(self._environment),
            )
        except OSError as error:  # no such program here
            log.info("This computer may fall asleep: %s", error)
            self._is_impossible, self.is_held = True, False

    def _end_helper(self) -> None:
        helper, self._helper = self._helper, None
        if helper is not None and helper.stdin is not None:
            helper.stdin.close()  # `cat` ends at once
            try:
                helper.wait(END_S)
            except subprocess.TimeoutExpired:
                helper.kill()
                helper.wait()
