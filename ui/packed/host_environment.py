"""The environment for programs of this machine that we start, without what only we need.

A packed program points variables at its own libraries, and other programs that load those break.
Nothing here starts a program.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

# Set by PyInstaller and by us, always to places inside the packed program.
_OUR_OWN = ("TCL_LIBRARY", "TK_LIBRARY", "FONTCONFIG_FILE")
_PACKERS = ("_PYI_", "_MEI")
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_KEPT_BY_THE_PACKER = tuple(f"{name}_ORIG" for name in _LIBRARY_PATHS)


def cleaned(environment: Mapping[str, str], *, inside: str | None = None) -> dict[str, str]:
    """The environment as it was before our packed program changed it.

    `inside` is the folder of a packed program's own files; None means this program's. What the user
    set stays.
    """
    folder = getattr(sys, "_MEIPASS", "") if inside is None else inside
    if not folder:
        return dict(environment)
    clean = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_PACKERS)
        and not (name in _OUR_OWN and value.startswith(folder))
        and name not in (*_LIBRARY_PATHS, *_KEPT_BY_THE_PACKER)
    }
    for name, kept in zip(_LIBRARY_PATHS, _KEPT_BY_THE_PACKER, strict=True):
        original = environment.get(kept)
        if original is not None:
            clean[name] = original
    return clean
