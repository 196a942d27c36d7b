"""What the packed program contains: `python3 -m tests.frozen_contents EXECUTABLE`.

It needs a Python with PyInstaller. It prints the size and the largest parts, and ends with 0 if the
program is small enough, contains what others get from it, and nothing that is to be left out.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from ui.selftest.left_out import left_out_of

# The limit for a release. Built with the Python of a developer's machine it was 10.77 MB, of
# which 2.2 are OpenSSL, 1.8 Python, 1.9 modules (1.1 of them ours), 1.5 Tcl and Tk, 0.8 X11's
# library, 0.4 each Freetype, Python's table of Unicode and the .pyz, and 1.4 everything else.
MAX_BYTES = 11_000_000
SHOWN_PARTS = 12
CARRIED = ("lmktorrent.pyz",)  # a tracker gives it to computers of other systems


def main() -> int:
    """Check the executable that the command line names."""
    executable = Path(sys.argv[1])
    size = executable.stat().st_size
    modules, parts = _contents(executable)
    say = sys.stdout.write
    say(f"{executable.name}: {size / 1e6:.2f} MB, at most {MAX_BYTES / 1e6:.2f}\n")
    for bytes_packed, name in sorted(parts, reverse=True)[:SHOWN_PARTS]:
        say(f"{bytes_packed / 1e6:8.2f} MB  {name}\n")
    unwanted = left_out_of(modules | {_module_of(name) for _, name in parts})
    missing = set(CARRIED).difference(name for _, name in parts)
    for fault, names in (("not left out", unwanted), ("missing", missing)):
        if names:
            say(f"FAIL {fault}: {', '.join(names)}\n")
    return int(size > MAX_BYTES or bool(unwanted) or bool(missing))


def _contents(executable: Path) -> tuple[frozenset[str], list[tuple[int, str]]]:
    """Its modules, and all its parts with their sizes as packed."""
    readers = importlib.import_module(
        "PyInstaller.archive.readers"
    )  # only the release tools have it
    archive = readers.CArchiveReader(str(executable))
    modules = archive.open_embedded_archive("PYZ.pyz").toc
    return frozenset(modules), [(entry[1], name) for name, entry in archive.toc.items()]


def _module_of(part: str) -> str:
    """The name of a compiled module: "_bz2" for "python3.13/lib-dynload/_bz2.cpython-313.so"."""
    return part.replace("\\", "/").rpartition("/")[2].partition(".")[0]


if __name__ == "__main__":
    sys.exit(main())
