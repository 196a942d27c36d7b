"""The program as one file for machines that have Python: python3 .ci/build_pyz.py [FOLDER].

It makes dist/lmktorrent.pyz; `python3 lmktorrent.pyz` runs it. Comments and docstrings are left
out, each line keeps its number, and the same sources give the same bytes. Its members are not
compressed: build.spec packs it into the executable, which compresses it better as a whole.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "lmktorrent.pyz"
# The file with the main function. It imports `lmktorrent_app`, which so keeps its own name.
MAIN = "import sys\n\nfrom lmktorrent_app import main\n\nsys.exit(main())\n"
ICON = "assets/icon-64.png"  # the one that the window shows
MAX_BYTES = 2_300_000  # it had 1,960,000; if it has more, something does not belong there
_STAMP = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can have
_FIRST_LINE = b"#!/usr/bin/env python3\n"

Place = tuple[int, int]  # a line, counted from 1, and a column in it


def main() -> int:
    """Build the file and print its size."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    target = write(folder)
    size = target.stat().st_size
    sys.stdout.write(f"{target}: {size / 1e3:.1f} kB, at most {MAX_BYTES / 1e3:.0f}\n")
    return int(size > MAX_BYTES)


def write(folder: Path) -> Path:
    """Build the file in this folder, which is made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NAME
    target.write_bytes(_FIRST_LINE + archive())
    target.chmod(0o755)
    return target


def archive() -> bytes:
    """The zip of everything that the program needs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in (("__main__.py", MAIN.encode()), *_members()):
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content)
    return buffer.getvalue()


def bare(source: str) -> str:
    """The same program without comments and docstrings; each line stays in its place."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            _blank(lines, token.start, token.end)
    for first, last, is_alone in _docstrings(source):
        _blank(lines, first, last)
        if is_alone:  # a body needs a statement
            line, column = first
            lines[line - 1] = lines[line - 1][:column] + "0"
    return "\n".join(line.rstrip() for line in lines)


def _members() -> Iterator[tuple[str, bytes]]:
    modules = [ROOT / "lmktorrent_app.py", *_below("roles"), *_below("ui")]
    for path in sorted(modules, key=_name):
        if path.suffix == ".py":
            yield _name(path), bare(path.read_text(encoding="utf-8")).encode()
    yield ICON, (ROOT / ICON).read_bytes()
    for path in sorted(_below("data"), key=_name):
        yield _name(path), path.read_bytes()


def _below(folder: str) -> Iterator[Path]:
    return (path for path in (ROOT / folder).rglob("*") if path.is_file())


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _docstrings(source: str) -> Iterator[tuple[Place, Place, bool]]:
    """From where to where each one goes, and whether its body has nothing else."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and ast.get_docstring(node, clean=False) is not None:
                start = _place(lines, first.lineno, first.col_offset)
                end = _place(lines, first.end_lineno or 0, first.end_col_offset or 0)
                yield start, end, len(node.body) == 1


def _place(lines: list[str], line: int, offset: int) -> Place:
    """The parser's offsets count bytes of UTF-8."""
    return line, len(lines[line - 1].encode()[:offset].decode())


def _blank(lines: list[str], start: Place, end: Place) -> None:
    for line in range(start[0], end[0] + 1):
        text = lines[line - 1]
        first = start[1] if line == start[0] else 0
        last = end[1] if line == end[0] else len(text)
        lines[line - 1] = text[:first] + " " * (last - first) + text[last:]


if __name__ == "__main__":
    sys.exit(main())
