"""Sizes, rates, times and counts as text for people, wherever it is read. Pure.

Units are decimal, as disks and networks are sold: 1 MB is 1,000,000 bytes.
"""

from __future__ import annotations

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """ "0 bytes", "512 bytes", "12 kB", "3.4 MB", "1.07 GB"."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return "1 byte" if count == 1 else f"{count} bytes"
    digits = 0 if value >= 99.5 or unit == 1 else 1 if value >= 9.95 else 2 if unit >= 3 else 1
    return f"{value:.{digits}f} {_UNITS[unit]}"


def rate(bytes_per_second: float) -> str:
    """ "3.4 MB/s"; "" for nothing."""
    return f"{size(round(bytes_per_second))}/s" if bytes_per_second >= 1 else ""


def duration(seconds: float | None) -> str:
    """ "0:12", "3 min", "2 h 10 min"; "" for unknown."""
    if seconds is None:
        return ""
    if seconds < 100:
        whole = max(0, round(seconds))
        return f"{whole // 60}:{whole % 60:02}"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else "more than 2 days"


def duration_words(seconds: float | None) -> str:
    """ "20 s", "3 min", "2 h 10 min", at least "1 s"; "" for unknown."""
    if seconds is None or seconds >= 100:
        return duration(seconds)
    return f"{max(1, round(seconds))} s"


def ago(seconds: float) -> str:
    """ "0:12 ago"; "now" below 2 s."""
    return "now" if seconds < 2 else f"{duration(seconds)} ago"


def percent(have: int, whole: int) -> int:
    """0 to 100, and 100 only if everything is there."""
    return 100 if have >= whole else have * 100 // whole


def count(number: int, noun: str) -> str:
    """ "1 file", "10,000 files", "no files"."""
    amount = f"{number:,}" if number else "no"
    return f"{amount} {noun}" + ("" if number == 1 else "s")


def part(number: int, whole: int, noun: str) -> str:
    """ "3 of 10,000 files"."""
    return f"{number:,} of {count(whole, noun)}"
