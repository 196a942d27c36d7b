"""Names of files, which are UTF-8 on the wire, as this system's calls take and give them.

Most systems use UTF-8, and there nothing is converted. Under another locale (LC_ALL=C, ISO 8859-1)
a name that the locale cannot encode is still stored in UTF-8: its bytes are passed through in the
way that Python represents undecodable bytes (PEP 383). Pure text.
"""

from __future__ import annotations

import sys
from pathlib import PurePath

_ENCODING = sys.getfilesystemencoding()


def on_disk(name: str, encoding: str = _ENCODING) -> str:
    """The text by which the system is asked for a file of this name."""
    if encoding == "utf-8" or name.isascii():
        return name
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return name.encode().decode(encoding, "surrogateescape")
    return name


def from_disk(name: str, encoding: str = _ENCODING) -> str:
    """The name of a file that the system calls so; half characters stay where it is no UTF-8."""
    if encoding == "utf-8" or name.isascii():
        return name
    try:
        name.encode(encoding)
    except UnicodeEncodeError:  # bytes that the locale cannot read
        try:
            found = name.encode(encoding, "surrogateescape").decode()
        except UnicodeDecodeError:
            return name
        return found if on_disk(found, encoding) == name else name
    return name


def path_from_disk(path: str) -> str:
    """The same of each name of a path with "/" between."""
    if _ENCODING == "utf-8" or path.isascii():
        return path
    return "/".join(map(from_disk, path.split("/")))


def shown_path(path: PurePath | str) -> str:
    """A path on this system, for a sentence."""
    return path_from_disk(str(path))
