"""How the files of one path are listed: once for each content. Pure values."""

from __future__ import annotations

from collections.abc import Iterable

from roles.values.catalogue import FileLine
from roles.values.events import ListedFile

TWIN_DIGITS = 8  # of a root, to tell two contents under one name apart


def listed_file(share: str, line: FileLine) -> ListedFile:
    """The entry of a path that nobody else has."""
    return ListedFile(line.path, line.size, line.content.root if line.content else b"", share)


def listed_files(path: str, lines: list[tuple[str, FileLine]]) -> tuple[ListedFile, ...]:
    """The entries of one path: one for each content, and each size that only originals offer."""
    if len(lines) == 1:
        return (listed_file(*lines[0]),)
    contents, sizes = dict[bytes, tuple[str, FileLine]](), dict[int, str]()
    also = dict[bytes, list[str]]()
    for share, line in lines:
        if line.content is not None:
            root = line.content.root
            if contents.setdefault(root, (share, line))[0] != share:
                also.setdefault(root, []).append(share)
    hashed = {line.size for _, line in contents.values()}
    for share, line in lines:
        if line.content is None and line.size not in hashed:
            sizes.setdefault(line.size, share)
    if len(contents) + len(sizes) == 1:
        found = [
            ListedFile(path, line.size, root, at, also=tuple(also.get(root, ())))
            for root, (at, line) in contents.items()
        ]
        return (*found, *(ListedFile(path, size, b"", at) for size, at in sizes.items()))
    digits = _digits_that_differ(contents)
    twins = [
        ListedFile(path, line.size, root, at, root.hex()[:digits], tuple(also.get(root, ())))
        for root, (at, line) in sorted(contents.items())
    ]
    others = [
        ListedFile(path, size, b"", at, f"{size} bytes") for size, at in sorted(sizes.items())
    ]
    return (*twins, *others)


def _digits_that_differ(roots: Iterable[bytes]) -> int:
    names, digits = [root.hex() for root in roots], TWIN_DIGITS
    while len({name[:digits] for name in names}) < len(names):
        digits *= 2
    return digits
