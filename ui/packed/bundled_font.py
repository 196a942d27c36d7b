"""A font for machines without any: there Tk opens no window, so the packed program brings one."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

log = logging.getLogger(__name__)

_OF_THE_MACHINE = Path("/etc/fonts/fonts.conf")
_PLACE_IN_TEXT = "@FONTS@"
_NAME = "fonts.conf"


def use_bundled_font(
    inside: str | None = None,
    environment: MutableMapping[str, str] = os.environ,
    *,
    of_the_machine: Path = _OF_THE_MACHINE,
    platform: str = sys.platform,
) -> bool:
    """Name our font to fontconfig if the machine configures no fonts; returns whether it did. Call
    before Tk is loaded.

    `inside` is the folder of a packed program's own files; None means this program's. A file is
    written there, because fontconfig knows only absolute paths.
    """
    folder = getattr(sys, "_MEIPASS", "") if inside is None else inside
    is_named = "FONTCONFIG_FILE" in environment or "FONTCONFIG_PATH" in environment
    if not (folder and platform.startswith("linux")) or is_named or of_the_machine.exists():
        return False
    fonts, target = Path(folder, "assets", "fonts"), Path(folder, _NAME)
    place = str(fonts).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        text = (fonts / _NAME).read_text(encoding="utf-8")
        target.write_text(text.replace(_PLACE_IN_TEXT, place), encoding="utf-8")
    except OSError as error:
        log.warning("This machine has no fonts, and ours cannot be used: %s", error)
        return False
    environment["FONTCONFIG_FILE"] = str(target)
    return True
