"""The colours of the window, light and dark. It knows no widgets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """One set of colours; text has a contrast of at least 4.5 to 1 on its background."""

    ground: str  # of the window
    strip: str  # behind the tabs and the status line
    card: str  # of tables and fields
    line: str
    text: str
    muted: str
    accent: str
    accent_strong: str  # pressed
    on_accent: str
    link: str  # a button that looks like text
    chosen: str  # a selected row
    hover: str
    track: str  # the empty part of a bar
    good: str
    warning: str
    bad: str
    tint: str  # behind a notice
    good_tint: str  # of a tile
    warning_tint: str
    bad_tint: str


LIGHT = Palette(
    ground="#ffffff",
    strip="#eef1f6",
    card="#ffffff",
    line="#d5dbe5",
    text="#1b2330",
    muted="#5b6675",
    accent="#2f6fed",
    accent_strong="#2459c7",
    on_accent="#ffffff",
    link="#2459c7",
    chosen="#dfe9fd",
    hover="#f0f4fa",
    track="#e3e8f0",
    good="#17703f",
    warning="#855600",
    bad="#b3261e",
    tint="#f3f6fc",
    good_tint="#e1f3e8",
    warning_tint="#fdf1d6",
    bad_tint="#fde3e0",
)
DARK = Palette(
    ground="#1a1f26",
    strip="#13171c",
    card="#20262e",
    line="#39424e",
    text="#e7eaef",
    muted="#a5afbd",
    accent="#2f6fed",
    accent_strong="#4a85f5",
    on_accent="#ffffff",
    link="#7aa7ff",
    chosen="#2a3c5f",
    hover="#2a323c",
    track="#39424e",
    good="#62cf92",
    warning="#e6b960",
    bad="#ff9289",
    tint="#242c37",
    good_tint="#1c3327",
    warning_tint="#382f1d",
    bad_tint="#412528",
)


def mixed(colour: str, other: str) -> str:
    """The colour halfway between two."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{(first + second) // 2:02x}" for first, second in pairs)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))
