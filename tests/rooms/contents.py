"""Contents without bytes: a chunk is known by its digest."""

from __future__ import annotations

import hashlib
from typing import NoReturn

from roles.values.content import DIGEST_SIZE, Content, root_of
from roles.values.errors import FileChangedError


class Shared:
    """A holding of a seeder, and what its chunks really are."""

    def __init__(self, name: str, size: int, chunk_size: int) -> None:
        self.title = name
        count = -(-size // chunk_size)
        self._digests = b"".join(
            hashlib.sha256(f"{name} {index}".encode()).digest() for index in range(count)
        )
        self.content = Content(root_of(size, chunk_size, self._digests), size, chunk_size)

    def digests(self) -> bytes:
        return self._digests

    def digest(self, index: int) -> bytes:
        """Of one chunk as it is."""
        return self._digests[index * DIGEST_SIZE : (index + 1) * DIGEST_SIZE]

    def have(self) -> int:
        return self.content.all_chunks

    def open(self) -> NoReturn:
        raise FileChangedError("there are no bytes in a virtual room")


class FalselyDescribed(Shared):
    """What a liar says of a content: every digest is wrong."""

    def __init__(self, shared: Shared) -> None:
        self.title = shared.title
        self.content = shared.content
        self._digests = bytes(len(shared.digests()))


class Kept:
    """A store that takes everything."""

    def write(self, offset: int, piece: memoryview) -> None: ...

    def open_source(self) -> NoReturn:
        raise FileChangedError("there are no bytes in a virtual room")
