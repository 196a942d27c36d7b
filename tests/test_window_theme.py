"""The looks: two sets of colours that can be read, and no text that is cut."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tkinter as tk
import unittest
from dataclasses import astuple
from pathlib import Path
from tkinter import ttk
from typing import ClassVar

from roles.values.program_settings import Appearance
from tests.display import Xvfb
from tests.windows import AppWindowTest, every_widget, text_of
from ui.window.palette import DARK, LIGHT, Palette
from ui.window.system_theme import is_system_dark

CONTRAST = 4.5
ROOT = Path(__file__).resolve().parent.parent


def luminance(colour: str) -> float:
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


class PaletteTest(unittest.TestCase):
    def pairs(self, palette: Palette) -> list[tuple[str, str]]:
        grounds = (palette.ground, palette.card, palette.tint, palette.hover)
        texts = (palette.text, palette.muted, palette.good, palette.warning, palette.bad)
        return [
            *itertools.product(texts, grounds),
            (palette.text, palette.chosen),
            (palette.muted, palette.strip),
            (palette.text, palette.strip),
            (palette.on_accent, palette.accent),
            (palette.link, palette.ground),
            (palette.link, palette.strip),
        ]

    def test_every_text_stands_out_from_its_ground(self) -> None:
        for palette in (LIGHT, DARK):
            for text, ground in self.pairs(palette):
                with self.subTest(text=text, ground=ground):
                    self.assertGreaterEqual(contrast(text, ground), CONTRAST)

    def test_colours_are_six_digits(self) -> None:
        for colour in (*astuple(LIGHT), *astuple(DARK)):
            self.assertRegex(colour, r"\A#[0-9a-f]{6}\Z")

    def test_the_system_can_be_asked_anywhere(self) -> None:
        self.assertIn(is_system_dark(), (True, False))


class LooksTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def background(self) -> str:
        return str(ttk.Style(self.window).lookup("TFrame", "background"))

    def test_light_and_dark_both_apply_at_once(self) -> None:
        window = self.open_window()
        self.assertEqual(self.background(), LIGHT.ground)
        window.appearance.choose(Appearance.DARK)
        self.assertEqual(self.background(), DARK.ground)
        self.assertEqual(str(window.log.text.cget("background")), DARK.card)
        window.appearance.choose(Appearance.LIGHT)
        self.assertEqual(self.background(), LIGHT.ground)

    def test_selected_text_can_be_read_with_and_without_the_focus(self) -> None:
        window = self.open_window()
        style = ttk.Style(window)
        for appearance in (Appearance.LIGHT, Appearance.DARK):
            window.appearance.choose(appearance)
            for name in ("TEntry", "TCombobox", "TSpinbox"):
                for state in ("focus", "!focus"):
                    colours = (
                        str(style.lookup(name, option, [state]))
                        for option in ("selectforeground", "selectbackground")
                    )
                    with self.subTest(appearance=appearance, name=name, state=state):
                        self.assertGreaterEqual(contrast(*colours), CONTRAST)

    def test_a_box_to_tick_shows_a_tick_in_the_colours_of_now(self) -> None:
        window = self.open_window()
        theme = window._context.theme
        middle = theme.px(16) // 2
        light = theme._indicators["ticked"].get(middle, middle // 4)
        window.appearance.choose(Appearance.DARK)
        self.assertEqual(theme._indicators["ticked"].width(), theme.px(16))
        self.assertTrue(light)

    def test_no_text_is_cut_in_the_smallest_window(self) -> None:
        self.keep(window="100x100+0+0")
        window = self.open_window()
        said = window.leecher.form.tracker_said
        self.pump_until(lambda: "No tracker at" in text_of(said))  # a long sentence
        for name in window.tabs.names:
            window.tabs.show(name)
            window.update()
            for widget in every_widget(window.tabs.in_front):
                with self.subTest(widget=str(widget)):
                    self.assert_whole(widget)

    def assert_whole(self, widget: tk.Misc) -> None:
        if not isinstance(widget, ttk.Label | ttk.Button | ttk.Checkbutton):
            return
        if widget.winfo_viewable() and str(widget.cget("text")):
            self.assertGreaterEqual(widget.winfo_width(), widget.winfo_reqwidth())
            self.assertGreaterEqual(widget.winfo_height(), widget.winfo_reqheight())


@unittest.skipUnless(sys.platform.startswith("linux"), "needs screens of its own")
class OtherScreensTest(unittest.TestCase):
    """The same looks test on screens with smaller pixels, each in a process of its own."""

    needs_display = True

    def check(self, dpi: int, size: tuple[int, int]) -> None:
        with Xvfb(size, dpi=dpi, set_display=False) as screen:
            name = "test_window_theme.LooksTest.test_no_text_is_cut"
            done = subprocess.run(
                [sys.executable, "-m", "tests", name],
                cwd=ROOT,
                env={**os.environ, "DISPLAY": screen.name},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_no_text_is_cut_at_144_dpi(self) -> None:
        self.check(144, (1400, 1000))

    def test_no_text_is_cut_at_192_dpi(self) -> None:
        self.check(192, (2000, 1300))
