"""The list's entries for one path: one for each content. Pure values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from roles.values.catalogue import FileLine
from roles.values.content import Content
from roles.values.events import ListedFile

TWIN_DIGITS = 8  # of a root, to tell apart two contents with one name ("twins")

# A path that ends like the key of a twin. If it were listed by its path alone, a stranger's file
# could pass for that twin.
_ENDS_LIKE_A_TWIN = re.compile(r" \[(?:[0-9a-f]{8,64}(?:-[0-9]+-[0-9]+)?|[0-9]+ bytes)\]\Z")


def listed_file(share: str, line: FileLine) -> ListedFile:
    """The entry of a path that only one share has."""
    root = b"" if line.content is None else line.content.root
    return ListedFile(line.path, line.size, root, share, _mark_of_one(line))


def listed_files(path: str, lines: list[tuple[str, FileLine]]) -> tuple[ListedFile, ...]:
    """The entries of one path: one for each content, and for each size that only originals offer.

    `lines` has share ids and their lines; the first share with a content is the one that is listed.
    """
    if len(lines) == 1:
        return (listed_file(*lines[0]),)
    shares, sizes = dict[Content, list[str]](), dict[int, str]()
    for share, line in lines:
        if line.content is not None:
            shares.setdefault(line.content, []).append(share)
    hashed = {content.size for content in shares}
    for share, line in lines:
        if line.content is None and line.size not in hashed:
            sizes.setdefault(line.size, share)
    if len(shares) + len(sizes) == 1:
        mark = _mark_of_one(lines[0][1])
        return (
            *(
                ListedFile(path, content.size, content.root, at, mark, tuple(also))
                for content, (at, *also) in shares.items()
            ),
            *(ListedFile(path, size, b"", at, mark) for size, at in sizes.items()),
        )
    contents = sorted(shares, key=_order)
    twins = [
        ListedFile(path, content.size, content.root, at, mark, tuple(also))
        for content, mark in zip(contents, _marks(contents), strict=True)
        for at, *also in (shares[content],)
    ]
    others = [
        ListedFile(path, size, b"", at, f"{size} bytes") for size, at in sorted(sizes.items())
    ]
    return (*twins, *others)


def _mark_of_one(line: FileLine) -> str:
    """The mark of a path with one content: "" but for paths that end like the key of a twin."""
    if line.path[-1:] != "]" or not _ENDS_LIKE_A_TWIN.search(line.path):
        return ""
    return f"{line.size} bytes" if line.content is None else line.content.root.hex()[:TWIN_DIGITS]


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


def _order(content: Content) -> tuple[bytes, int, int]:
    return content.root, content.size, content.chunk_size
