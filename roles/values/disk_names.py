"""Converts file names between UTF-8, which the wire uses, and what this system's calls expect.

Most systems use UTF-8, where nothing is converted. Under another locale (LC_ALL=C, ISO 8859-1) a
name that the locale cannot encode is still stored in UTF-8: Python's surrogateescape (PEP 383)
carries its bytes through.
"""

from __future__ import annotations

import sys
from pathlib import PurePath

_ENCODING = sys.getfilesystemencoding()


def on_disk(name: str, encoding: str = _ENCODING) -> str:
    """The name to pass to system calls."""
    if encoding == "utf-8" or name.isascii():
        return name
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return name.encode().decode(encoding, "surrogateescape")
    return name


def from_disk(name: str, encoding: str = _ENCODING) -> str:
    """The inverse of on_disk(). Bytes that are not UTF-8 stay surrogates."""
    if encoding == "utf-8" or name.isascii():
        return name
    try:
        name.encode(encoding)
    except UnicodeEncodeError:  # it has bytes that the locale could not decode
        try:
            decoded = name.encode(encoding, "surrogateescape").decode()
        except UnicodeDecodeError:
            return name
        return decoded if on_disk(decoded, encoding) == name else name
    return name


def path_from_disk(path: str) -> str:
    """from_disk() for each name in a path with "/" between."""
    if _ENCODING == "utf-8" or path.isascii():
        return path
    return "/".join(map(from_disk, path.split("/")))


def shown_path(path: PurePath | str) -> str:
    """A path on this system, ready for a message."""
    return path_from_disk(str(path))
