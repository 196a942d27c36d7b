"""Texts that are too long for their cell: an ellipsis in the middle of a name, or at an end."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ui.columns import Cut

ELLIPSIS = "…"
REMEMBERED = 20_000  # texts


class TextCutter:
    """`measure` gives the width of a text in pixels, and costs some microseconds."""

    def __init__(self, measure: Callable[[str], int]) -> None:
        self._measure = measure
        self._widest = max(measure("W"), measure("漢"), 1)
        self.width_of = lru_cache(REMEMBERED)(measure)
        self._fitted = lru_cache(REMEMBERED)(self._fit)

    def cut(self, text: str, width: int, where: Cut) -> str:
        """As much of the text as fits."""
        if not where or len(text) * self._widest <= width:
            return text
        return self._fitted(text, width, where)

    def _fit(self, text: str, width: int, where: Cut) -> str:
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
