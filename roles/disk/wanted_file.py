"""A file to fetch, and where to store it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from roles.values.content import Content
from roles.values.safe_names import shown_name

Identity: TypeAlias = tuple[str, Content]  # path and content identify a file of a download


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file that comes alone or in a pack."""

    path: str  # from the wire
    stored: tuple[str, ...]  # names below the target folder
    content: Content
    mtime: int | None = None  # seconds since 1970; None: unknown
    is_executable: bool = False
    offset: int = field(default=0, compare=False)  # of its first byte in its pack

    @property
    def size(self) -> int:
        return self.content.size

    @property
    def title(self) -> str:
        """Safe to show."""
        return shown_name(self.path)

    @property
    def identity(self) -> Identity:
        return self.path, self.content

    @property
    def files(self) -> tuple[WantedFile, ...]:
        """Like WantedPack.files."""
        return (self,)
