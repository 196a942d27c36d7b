"""The program as one file for machines that have Python: python3 .ci/build_pyz.py [FOLDER].

It makes dist/lmktorrent.pyz; `python3 lmktorrent.pyz` runs it. Comments, docstrings and the
annotations of functions are left out, each line keeps its number, and the same sources give the
same bytes. Its members are not compressed: build.spec packs it into the executable, which
compresses it better as a whole.
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
MAX_BYTES = 2_300_000  # it had 1,940,000; if it has more, something does not belong there
_STAMP = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can have
_FIRST_LINE = b"#!/usr/bin/env python3\n"

Place = tuple[int, int]  # a line, counted from 1, and a column in it
Piece = tuple[Place, Place, str]  # where it begins and ends, and what takes its place


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
        for name, content in (("__main__.py", MAIN.encode()), *members()):
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o644 << 16
            file.writestr(entry, content)
    return buffer.getvalue()


def bare(source: str) -> str:
    """The same program without comments, docstrings and the annotations of functions; each line
    keeps its number.
    """
    lines = source.split("\n")
    left_out = [*_comments(source), *_docstrings(source), *_annotations(source)]
    for (first, start), (last, end), instead in sorted(left_out, reverse=True):
        behind = lines[last - 1][end:]
        lines[first - 1 : last] = [lines[first - 1][:start] + instead, *[""] * (last - first)]
        lines[last - 1] += behind
    return "\n".join(line.rstrip() for line in lines)


def members() -> Iterator[tuple[str, bytes]]:
    """The modules, the icon and the examples: names and contents."""
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


def _comments(source: str) -> Iterator[Piece]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start, token.end, ""


def _docstrings(source: str) -> Iterator[Piece]:
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            is_alone = len(node.body) == 1  # a body needs a statement
            yield _start(lines, node.body[0]), _end(lines, node.body[0]), "0" * is_alone


def _annotations(source: str) -> Iterator[Piece]:
    """Those of functions; classes may read their own."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation is not None:
            line, column = _start(lines, node)
            yield (line, column + len(node.arg)), _end(lines, node), ""
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            (line, column), end = _start(lines, node.returns), _end(lines, node.returns)
            if line == end[0]:  # a head may have several lines only in brackets
                yield (line, lines[line - 1].rindex(" ->", 0, column)), end, ""


def _start(lines: list[str], node: ast.stmt | ast.expr | ast.arg) -> Place:
    return _place(lines, node.lineno, node.col_offset)


def _end(lines: list[str], node: ast.stmt | ast.expr | ast.arg) -> Place:
    return _place(lines, node.end_lineno or 0, node.end_col_offset or 0)


def _place(lines: list[str], line: int, offset: int) -> Place:
    """The parser's offsets count bytes of UTF-8."""
    return line, len(lines[line - 1].encode()[:offset].decode())


if __name__ == "__main__":
    sys.exit(main())
