"""Files and folders of shares, as a tracker lists them."""

from __future__ import annotations

from roles.values.listed_file import ListedFile, ListedFolder


def shared(share: str, *names: str) -> tuple[ListedFile, ...]:
    return tuple(ListedFile(name, 10, b"root", share) for name in names)


def folder(share: str, name: str, files: int) -> ListedFolder:
    return ListedFolder(share, name, files, files * 10)
