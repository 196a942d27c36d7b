"""Texts that are too long for their cell: an ellipsis in the middle of a name, or at an end."""

from __future__ import annotations

from collections.abc import Callable

from ui.columns import Cut

ELLIPSIS = "…"
_REMEMBERED = 20_000  # texts


class TextCutter:
    """`measure` gives the width of a text in pixels, and costs some microseconds."""

    def __init__(self, measure: Callable[[str], int]) -> None:
        self._measure = measure
        self._widest = max(measure("W"), measure("漢"), 1)
        self._known: dict[tuple[str, int, Cut], str] = {}
        self._widths: dict[str, int] = {}

    def width_of(self, text: str) -> int:
        """The width in pixels."""
        if text not in self._widths:
            if len(self._widths) >= _REMEMBERED:
                self._widths.clear()
            self._widths[text] = self._measure(text)
        return self._widths[text]

    def cut(self, text: str, width: int, where: Cut) -> str:
        """As much of the text as fits."""
        if not where or len(text) * self._widest <= width:
            return text
        key = (text, width, where)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._fitted(text, width, where)
        return self._known[key]

    def _fitted(self, text: str, width: int, where: Cut) -> str:
        whole = self.width_of(text)
        if whole <= width:
            return text
        letters = max(1, len(text) * width // whole)
        shown = _shortened(text, letters, where)
        while letters > 1 and self._measure(shown) > width:
            letters -= 1
            shown = _shortened(text, letters, where)
        return shown


def _shortened(text: str, letters: int, where: Cut) -> str:
    """Shortened, with the sign of a folder or the ending of a file's name, which tell it from
    others.
    """
    if where == "end":
        return text[:letters].rstrip() + ELLIPSIS
    tail = letters // 2
    return text[: letters - tail] + ELLIPSIS + (text[-tail:] if tail else "")
