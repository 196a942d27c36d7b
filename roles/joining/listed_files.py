"""The list's entries for one path: one for each content. Pure values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from roles.values.content import Content
from roles.values.list_lines import FileLine
from roles.values.listed_file import ListedFile

TWIN_DIGITS = 8  # of a root, to tell apart two contents with one name ("twins")

# A path that ends like the key of a twin. If it were listed by its path alone, a stranger's file
# could pass for that twin.
_ENDS_LIKE_A_TWIN = re.compile(r" \[(?:[0-9a-f]{8,64}(?:-[0-9]+-[0-9]+)?|[0-9]+ bytes)\]\Z")


def listed_file(share: str, line: FileLine) -> ListedFile:
    """The entry of a path that only one share has."""
    root = b"" if line.content is None else line.content.root
    return ListedFile(line.path, line.size, root, share, _mark(line.path, line.size, root))


def listed_files(path: str, lines: list[tuple[str, FileLine]]) -> tuple[ListedFile, ...]:
    """The entries of one path: one for each content, and for each size that only originals offer.

    `lines` has share ids and their lines; the first share with a content is the one that is listed.
    """
    if len(lines) == 1:
        return (listed_file(*lines[0]),)
    shares, sizes = dict[Content, list[str]](), dict[int, str]()
    for share, line in lines:
        if line.content is None:
            sizes.setdefault(line.size, share)
        else:
            shares.setdefault(line.content, []).append(share)
    for content in shares:
        sizes.pop(content.size, None)
    contents = sorted(shares, key=lambda content: (content.root, content.size, content.chunk_size))
    entries = [(content.size, content.root, shares[content]) for content in contents]
    entries += [(size, b"", [sizes[size]]) for size in sorted(sizes)]
    marks = [*_marks(contents), *(f"{size} bytes" for size in sorted(sizes))]
    if len(entries) == 1:
        marks = [_mark(path, *entries[0][:2])]
    return tuple(
        ListedFile(path, size, root, at, mark, tuple(also))
        for (size, root, (at, *also)), mark in zip(entries, marks, strict=True)
    )


def _mark(path: str, size: int, root: bytes) -> str:
    """The mark of a path with one content: "" except for paths that end like the key of a twin."""
    if path[-1:] != "]" or not _ENDS_LIKE_A_TWIN.search(path):
        return ""
    return root.hex()[:TWIN_DIGITS] or f"{size} bytes"


def _marks(contents: Collection[Content]) -> list[str]:
    """The digits that tell these contents apart.

    Only one content can have a given root, but a list can claim others: those also show sizes.
    """
    marks = [content.root[: TWIN_DIGITS // 2].hex() for content in contents]
    if len(set(marks)) == len(marks):
        return marks
    times, digits = Counter(content.root for content in contents), TWIN_DIGITS
    while len({root.hex()[:digits] for root in times}) < len(times):
        digits *= 2
    return [
        content.root.hex()[:digits]
        + (f"-{content.size}-{content.chunk_size}" if times[content.root] > 1 else "")
        for content in contents
    ]
