"""Which colours the window has: light, dark, or as the system, whose colours may change."""

from __future__ import annotations

import tkinter as tk

from roles.values.program_settings import Appearance
from ui.window.system_theme import is_system_dark
from ui.window.window_context import WindowContext

LOOK_MS = 10_000  # how often the system is asked whether its theme is dark


class AppearanceChoice:
    """Owned by Tk's thread."""

    def __init__(self, root: tk.Tk, context: WindowContext) -> None:
        self._root, self._context = root, context
        self._chosen = context.settings.variable("appearance")
        self._chosen.trace_add("write", lambda *_: self._keep())
        root.after(0, self._look_at_system)

    def choose(self, appearance: Appearance) -> None:
        """Use these colours now and at the next start."""
        self._chosen.set(appearance.value)

    def _keep(self) -> None:
        self._context.settings.change(appearance=self._chosen.get())
        self._apply()

    def _look_at_system(self) -> None:
        self._root.after(LOOK_MS, self._look_at_system)
        self._apply()

    def _apply(self) -> None:
        appearance, theme = self._chosen.get(), self._context.theme

        def apply(is_dark: bool) -> None:
            is_meant = self._chosen.get() == appearance
            if is_meant and theme.is_dark != is_dark:
                theme.apply(is_dark=is_dark)

        if appearance == Appearance.SYSTEM.value:
            self._context.pump.in_background(is_system_dark, apply)
        else:
            apply(appearance == Appearance.DARK.value)
