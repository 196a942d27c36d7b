"""Whether the program can write where it must: its profile, and the folder for temporary files."""

from __future__ import annotations

import tempfile
from pathlib import Path

from roles.program.profile import Profile
from ui.selftest.check import Check, SelftestError

_SAMPLE = b"LMKtorrent looks whether it can write here.\n"


def place_checks(profile: Profile) -> tuple[Check, ...]:
    """In the order of their lines."""
    elsewhere = "Make it writable, or name another folder with --profile."
    return (
        Check("settings", lambda: _look_at(profile.settings_file.parent), elsewhere),
        Check("state and logs", lambda: _look_at(profile.state_folder), elsewhere),
        Check(
            "temporary files",
            lambda: _look_at(Path(tempfile.gettempdir())),
            "Free some space there, or set TMPDIR (on Windows TEMP) to a writable folder.",
        ),
    )


def _look_at(folder: Path) -> str:
    """Write there, or where the folder would be made, and leave nothing behind."""
    present = next((place for place in (folder, *folder.parents) if place.is_dir()), folder)
    try:
        with tempfile.TemporaryFile(dir=present, prefix="lmk-selftest-") as file:
            file.write(_SAMPLE)
            file.flush()
            file.seek(0)
            if file.read() != _SAMPLE:
                raise SelftestError(f"What was written in {present} reads differently")
    except OSError as error:
        raise SelftestError(f"{present} cannot be written ({error.strerror or error})") from None
    return str(folder) if present == folder else f"{folder}, which will be made on first use"
