"""The window on a screen of wine: open it, press keys, take a picture of each tab.

It knows the tabs and keys of our window, and nothing of the other tests.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from wine import end_all, set_dpi, windows_path

from tests.display import Xvfb
from tests.programs import environment
from tests.support import wait_until

TITLE = "^LMKtorrent$"
DESKTOP_TITLE = "Wine desktop"
# For each tab of `demo`, the keys that lead there and the name of its picture. The first keys
# download everything.
TABS = (("alt+a", "leecher"), ("ctrl+1", "tracker"), ("ctrl+2", "seeder"), ("ctrl+4", "log"))

_LIMIT_S = 60.0
_STILL_S = 1.5  # a screen that has not changed for so long will not change any more
_SETTLE_LIMIT_S = 20.0


def take_pictures(
    executable: Path, screen: Xvfb, dots_per_inch: int, folder: Path, pictures: Path
) -> tuple[int, int]:
    """Open the window at this density and write windows-DPI-TAB.png; returns the window's size."""
    set_dpi(dots_per_inch)
    folder.mkdir()
    width, height = screen.size
    program = [windows_path(executable), "demo", "--profile", windows_path(folder / "profile")]
    with subprocess.Popen(
        ["wine", "explorer", f"/desktop=lmk,{width}x{height}", *program],
        cwd=folder,
        env=environment(DISPLAY=screen.name),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        try:
            wait_until(lambda: _window(TITLE) != "", _LIMIT_S, "no window opened")
            size = _size(_window(TITLE))
            _xdotool("windowfocus", _window(DESKTOP_TITLE))
            _settled(screen, folder / "opened.png")
            _xdotool("mousemove", str(width // 4), str(height // 3), "click", "1")
            for keys, name in TABS:
                _xdotool("key", keys)
                _settled(screen, pictures / f"windows-{dots_per_inch}dpi-{name}.png")
        finally:
            end_all()
    return size


def _settled(screen: Xvfb, picture: Path) -> None:
    """Take a picture of the screen once it has stopped changing."""
    until = time.monotonic() + _SETTLE_LIMIT_S
    screen.screenshot(picture)
    before = b""
    while (now := picture.read_bytes()) != before and time.monotonic() < until:
        before = now
        time.sleep(_STILL_S)
        screen.screenshot(picture)


def _window(title: str) -> str:
    """The number of the window with this title; "" if there is none."""
    return _xdotool("search", "--name", title).partition("\n")[0]


def _size(window: str) -> tuple[int, int]:
    lines = _xdotool("getwindowgeometry", "--shell", window).splitlines()
    values = dict(line.split("=") for line in lines)
    return int(values["WIDTH"]), int(values["HEIGHT"])


def _xdotool(*arguments: str) -> str:
    done = subprocess.run(
        ["xdotool", *arguments], capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    return done.stdout.strip()
