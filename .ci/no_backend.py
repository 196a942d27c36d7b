"""A build backend for pip that builds nothing, and says of a source what its PKG-INFO says.

`pip download` asks the backend of a source for its version, which runs code of the source or even
compiles it. .ci/common puts this file in the place of every backend: then a source is only a file
whose digest fits, and nothing of it runs.
"""

from __future__ import annotations

import sys
from email import message_from_string
from pathlib import Path


def prepare_metadata_for_build_wheel(
    folder: str, config_settings: dict[str, str] | None = None
) -> str:
    """Write the metadata into a folder of its own, and return that folder's name."""
    del config_settings
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    said = message_from_string(text)
    name = f"{said['Name'].replace('-', '_')}-{said['Version']}.dist-info"
    Path(folder, name).mkdir()
    Path(folder, name, "METADATA").write_text(text, encoding="utf-8")
    return name


# What pip asks for where a source has no pyproject.toml: setuptools.build_meta:__legacy__.
__legacy__ = sys.modules[__name__]
