"""Whether the system uses dark colours, and what Windows must be told about a window.

It knows no widget but the window.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tkinter as tk
from pathlib import Path

from roles.program.user_folders import home_folder
from ui.packed.host_environment import cleaned

_PATIENCE_S = 0.3  # seconds, for each program that is asked
_DARK_TITLE_BAR = 20  # DWMWA_USE_IMMERSIVE_DARK_MODE, Windows 10 20H1 and later


def is_system_dark() -> bool:
    """What the desktop says; light if it says nothing. May take a second: not for Tk's thread."""
    if sys.platform == "win32":
        return _is_windows_dark()
    if sys.platform == "darwin":
        return _answer_of("defaults", "read", "-g", "AppleInterfaceStyle").lower() == "dark"
    scheme = _answer_of("gsettings", "get", "org.gnome.desktop.interface", "color-scheme")
    if "dark" in scheme or "light" in scheme:
        return "dark" in scheme
    theme = _answer_of("gsettings", "get", "org.gnome.desktop.interface", "gtk-theme")
    return "dark" in theme.lower() or _is_kde_dark(home_folder())


def see_real_pixels() -> None:
    """Keep Windows from enlarging a small picture of the window. Call before the first window."""
    if sys.platform == "win32":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # Windows 7 has no such call
            ctypes.OleDLL("shcore").SetProcessDpiAwareness(1)


def colour_title_bar(window: tk.Tk, *, is_dark: bool) -> None:
    """Windows draws the title bar light unless told otherwise; elsewhere this does nothing."""
    if sys.platform == "win32":
        import ctypes

        value = ctypes.c_int(is_dark)
        with contextlib.suppress(OSError, AttributeError):
            handle = ctypes.windll.user32.GetParent(window.winfo_id())
            ctypes.windll.dwmapi.DwmSetWindowAttribute(
                handle, _DARK_TITLE_BAR, ctypes.byref(value), ctypes.sizeof(value)
            )


def _answer_of(*command: str) -> str:
    import subprocess  # here and not above: the first picture does not wait for it

    try:
        done = subprocess.run(
            command,
            env=cleaned(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _is_kde_dark(home: Path | None) -> bool:
    if home is None:
        return False
    try:
        text = (home / ".config" / "kdeglobals").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(
        line.startswith(("ColorScheme=", "LookAndFeelPackage=")) and "dark" in line.lower()
        for line in text.splitlines()
    )


def _is_windows_dark() -> bool:
    if sys.platform != "win32":
        return False
    import winreg

    path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
            value, _kind = winreg.QueryValueEx(key, "AppsUseLightTheme")
    except OSError:
        return False
    return bool(value == 0)
