"""A build backend for pip that builds nothing and reports only what the PKG-INFO of a source says.

`pip download` asks a source's own backend for its version, which runs or even compiles code of the
source. .ci/common replaces every backend with this file: then a source is only a file with the
right digest, and nothing in it runs.
"""

from __future__ import annotations

import sys
from email import message_from_string
from pathlib import Path


def prepare_metadata_for_build_wheel(
    folder: str, config_settings: dict[str, str] | None = None
) -> str:
    """Write the metadata into a folder of its own; returns that folder's name."""
    del config_settings
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    said = message_from_string(text)
    name = f"{said['Name'].replace('-', '_')}-{said['Version']}.dist-info"
    Path(folder, name).mkdir()
    Path(folder, name, "METADATA").write_text(text, encoding="utf-8")
    return name


# What pip asks for if a source has no pyproject.toml: setuptools.build_meta:__legacy__.
__legacy__ = sys.modules[__name__]
