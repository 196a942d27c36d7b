"""The environment for programs of this machine that we start, without what only we need.

A packed program points variables at its own libraries, and other programs that load those break.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

# Set by PyInstaller and by us, always to places inside the packed program.
_OUR_OWN = ("TCL_LIBRARY", "TK_LIBRARY", "FONTCONFIG_FILE")
_PACKERS = ("_PYI_", "_MEI")
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # PyInstaller keeps the former as _ORIG


def cleaned(environment: Mapping[str, str], *, inside: str | None = None) -> dict[str, str]:
    """The environment as it was before our packed program changed it.

    `inside` is the folder of a packed program's own files; None means this program's. What the user
    set stays.
    """
    folder = getattr(sys, "_MEIPASS", "") if inside is None else inside
    clean = dict(environment)
    if not folder:
        return clean
    for name, value in environment.items():
        if name.startswith(_PACKERS) or (name in _OUR_OWN and value.startswith(folder)):
            del clean[name]
    for name in _LIBRARY_PATHS:
        clean.pop(name, None)
        original = clean.pop(f"{name}_ORIG", None)
        if original is not None:
            clean[name] = original
    return clean
