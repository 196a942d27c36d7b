"""A font for machines that have none: there Tk opens no window, so the packed program brings one.

Nothing here loads Tk; it has to run before Tk is loaded.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path

log = logging.getLogger(__name__)

_OF_THE_MACHINE = Path("/etc/fonts/fonts.conf")
_PLACE_IN_TEXT = "@FONTS@"
_NAME = "fonts.conf"


def use_bundled_font(
    environment: MutableMapping[str, str],
    inside: Path,
    *,
    of_the_machine: Path = _OF_THE_MACHINE,
    platform: str = sys.platform,
) -> bool:
    """Name our font to fontconfig if the machine configures no fonts; returns whether it did.

    `inside` is the folder of the packed program; a file is written there, because fontconfig knows
    only absolute paths.
    """
    is_told = "FONTCONFIG_FILE" in environment or "FONTCONFIG_PATH" in environment
    if not platform.startswith("linux") or is_told or of_the_machine.exists():
        return False
    fonts = inside / "assets" / "fonts"
    target = inside / _NAME
    try:
        text = (fonts / _NAME).read_text(encoding="utf-8")
        target.write_text(text.replace(_PLACE_IN_TEXT, _as_xml(fonts)), encoding="utf-8")
    except OSError as error:
        log.warning("This machine has no fonts, and ours cannot be used: %s", error)
        return False
    environment["FONTCONFIG_FILE"] = str(target)
    return True


def _as_xml(path: Path) -> str:
    return str(path).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
