"""A text and its tone, by which window and terminal colour it. Pure."""

from __future__ import annotations

from typing import NamedTuple


class TonedText(NamedTuple):
    text: str
    tone: str = "Plain"  # one of Theme's, or of the terminal's colours
