"""The pictures at the left of a table's rows: icons and bars, each drawn once for many rows."""

from __future__ import annotations

import tkinter as tk
from typing import Literal, TypeAlias

from ui.columns import Icon
from ui.window.theme import Theme

BAR_WIDTH, BAR_HEIGHT, ICON = 56, 8, 16  # pixels at 96 dpi
INDENT = 20  # for each folder that a row is in; as wide as a sign
GAP = 8  # between two parts of a picture, and beside the text
_SIGN = 12
Bar: TypeAlias = tuple[int, str]  # percentage and tone


class RowPictures:
    """Must live as long as the table: Tk shows nothing once a picture is forgotten."""

    def __init__(self, master: tk.Misc, theme: Theme) -> None:
        self._master = master
        self._theme = theme
        self._images: dict[tuple[Bar | None, Icon | None], tk.PhotoImage] = {}

    def image(self, bar: Bar | None, icon: Icon | None) -> tk.PhotoImage | Literal[""]:
        if bar is None and icon is None:
            return ""
        key = bar, icon
        if key not in self._images:
            self._images[key] = self._drawn(bar, icon)
        return self._images[key]

    def recolour(self) -> None:
        self._images.clear()

    def is_sign(self, x: int, icon: Icon) -> bool:
        """Whether this place in a row, `x` pixels from its left edge, is on a folder's sign."""
        return bool(icon.sign) and x <= self._theme.zoomed(INDENT * (icon.depth + 1) + GAP)

    def _drawn(self, bar: Bar | None, icon: Icon | None) -> tk.PhotoImage:
        px = self._theme.zoomed
        start = px(INDENT * (icon.depth + 1)) if icon is not None and icon.is_in_tree else 0
        width = start + (px(ICON + GAP) if icon is not None else 0)
        bar_at = width
        width += px(BAR_WIDTH + GAP) if bar is not None else 0
        height = px(ICON if icon is not None else BAR_HEIGHT)
        image = tk.PhotoImage(master=self._master, width=width, height=height)
        if icon is not None and icon.sign:
            self._put_icon(image, icon.sign, _SIGN, start - px(INDENT), (height - px(_SIGN)) // 2)
        if icon is not None and icon.name:
            self._put_icon(image, icon.name, ICON, start, 0)
        if bar is not None:
            self._put_bar(image, bar, bar_at, (height - px(BAR_HEIGHT)) // 2)
        return image

    def _put_icon(self, image: tk.PhotoImage, name: str, size: int, x: int, y: int) -> None:
        icon = self._theme.picture(name, size * self._theme.zoom)
        image.tk.call(str(image), "copy", str(icon), "-to", x, y)

    def _put_bar(self, image: tk.PhotoImage, bar: Bar, left: int, top: int) -> None:
        percent, tone = bar
        width, height = self._theme.zoomed(BAR_WIDTH), self._theme.zoomed(BAR_HEIGHT)
        right, bottom = left + width, top + height
        image.put(self._theme.colours.track, to=(left, top, right, bottom))
        if percent:
            filled = max(width * percent // 100, 2)
            image.put(self._theme.tones[tone], to=(left, top, left + filled, bottom))
        for x in (left, right - 1):
            for y in (top, bottom - 1):
                image.transparency_set(x, y, True)
