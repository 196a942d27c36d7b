"""A file to fetch, and where it is stored. A pure value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from roles.values.content import Content
from roles.values.safe_names import shown_name

Identity: TypeAlias = tuple[str, Content]  # path and content: which file of a download it is


@dataclass(frozen=True, slots=True)
class WantedFile:
    """Comes alone, or out of a pack."""

    path: str  # from the wire
    stored: tuple[str, ...]  # names below the target folder
    content: Content
    mtime: int | None = None  # seconds since 1970, None: unknown
    is_executable: bool = False
    offset: int = field(default=0, compare=False)  # bytes in the pack, if it comes out of one

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
