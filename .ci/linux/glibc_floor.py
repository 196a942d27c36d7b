"""The oldest glibc on which an executable of PyInstaller starts: `python3 glibc_floor.py FILE
2.28`.

It checks every library inside and the start of the file itself. It ends with 1 if one of them needs
a newer glibc than the one given, or a library that is neither inside nor part of glibc. Needs
objdump and PyInstaller.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

Version = tuple[int, ...]

# Without libcrypt, which today belongs to libxcrypt and is not on every machine.
PARTS_OF_GLIBC = frozenset(
    (
        *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"),
        *("libresolv.so.2", "ld-linux-x86-64.so.2"),
    )
)


@dataclass(frozen=True, slots=True)
class Library:
    """A file of machine code, and what it needs from the machine."""

    name: str
    floor: Version
    newest_symbols: tuple[str, ...]
    needed: frozenset[str]


def main() -> int:
    """Print the libraries that need the newest glibc, and whether all stay within the limit."""
    executable, limit = Path(sys.argv[1]), _version(sys.argv[2])
    libraries = sorted(_libraries(executable), key=lambda each: each.floor, reverse=True)
    for library in libraries[:6]:
        symbols = ", ".join(library.newest_symbols[:5])
        say(f"glibc {_text(library.floor):6} {library.name}: {symbols}")
    inside = {Path(library.name).name for library in libraries}
    missing = {
        needed: library.name
        for library in libraries
        for needed in library.needed - inside - PARTS_OF_GLIBC
    }
    for needed, library_name in sorted(missing.items()):
        say(f"{needed} is not inside, and {library_name} needs it")
    floor = libraries[0].floor
    say(f"{len(libraries)} files of machine code; glibc {_text(floor)}, at most {_text(limit)}")
    return 1 if missing or floor > limit else 0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _libraries(executable: Path) -> list[Library]:
    archive = CArchiveReader(str(executable))
    found = [_look_into(executable.name, executable)]
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / "file"
        for name in archive.toc:
            unpacked.write_bytes(archive.extract(name) or b"")
            with unpacked.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(_look_into(name, unpacked))
    return found


def _look_into(name: str, path: Path) -> Library:
    symbols = re.findall(r"\(?\bGLIBC_([\d.]+)\)?\s+(\S+)", _objdump("-T", path))
    floor = max((_version(version) for version, _ in symbols), default=(0,))
    newest = tuple(sorted({symbol for version, symbol in symbols if _version(version) == floor}))
    needed = frozenset(re.findall(r"^\s*NEEDED\s+(\S+)", _objdump("-p", path), re.MULTILINE))
    return Library(name, floor, newest, needed)


def _objdump(option: str, path: Path) -> str:
    command = ["objdump", option, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _version(text: str) -> Version:
    return tuple(int(number) for number in text.split("."))


def _text(version: Version) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
