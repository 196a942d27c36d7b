"""The folder that is transferred between Linux and Windows, and the contents of folders, to
compare.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.support import random_file

# Names that both systems allow, but that something on the way might not.
ODD_NAMES = (
    "Überraschung – été.txt",
    "日本語 📁/файл.txt",
    "a & b; 100% (x) [y] {z} $HOME ~ 'q' ^!.txt",
    ".hidden",
    "no extension",
    "UPPER.TXT",
    "two  spaces/in a row .txt",
    "l" * 150 + ".txt",
)
# Names that Linux allows and Windows does not, and what they become there.
FOREIGN_NAMES = {
    "what?.txt": "what_.txt",
    "con.txt": "_con.txt",
    "ends with a dot.": "ends with a dot_",
    'a "quoted" <name>|*': "a _quoted_ _name___",
}


def make_tree(folder: Path) -> None:
    """Write 250 files: large ones, empty ones, small ones for packs, odd names, sub-folders."""
    folder.mkdir(parents=True)
    random_file(folder / "large.bin", 6_000_003, seed=1)
    (folder / "empty").touch()
    (folder / "a" / "b" / "c").mkdir(parents=True)
    (folder / "an empty folder").mkdir()
    random_file(folder / "a" / "b" / "c" / "deep.bin", 700_000, seed=2)
    for number in range(240):
        random_file(folder / "a" / "b" / f"small {number}.bin", number * 37, seed=number)
    for number, name in enumerate(ODD_NAMES):
        path = folder / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        random_file(path, 1_000 + number, seed=300 + number)


def make_foreign_tree(folder: Path) -> dict[str, str]:
    """Write names that Windows does not allow; returns what a Windows leecher should then have."""
    folder.mkdir(parents=True)
    for number, name in enumerate(FOREIGN_NAMES):
        random_file(folder / name, 5_000 + number, seed=number)
    here = contents(folder)
    return {there: here[name] for name, there in FOREIGN_NAMES.items()}


def contents(folder: Path) -> dict[str, str]:
    """Each file below the folder with its digest; folders have ""."""
    return {
        path.relative_to(folder).as_posix(): "" if path.is_dir() else _digest(path)
        for path in folder.rglob("*")
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
