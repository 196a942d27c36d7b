"""What a room offers, as lists show it: files, and the folders that seeders share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from roles.values.folder_keys import FolderKey


class ListedFile(NamedTuple):  # a room may have 400,000, and dataclasses take three times as long
    """A file that somebody offers. Escape `name` with safe_names.shown_name before showing it."""

    name: str  # path in the share, from the wire; "/" between folders
    size: int  # bytes
    root: bytes = b""  # of its content; b"" if only original programs offer it
    share: str = ""  # id of the share that lists it
    twin: str = ""  # first digits of the root, if another content has the same name
    also: tuple[str, ...] = ()  # ids of other shares that have the same file

    @property
    def key(self) -> str:
        """Identifies the file in Leecher.download() and DownloadChanged; unique in a list."""
        return f"{self.name} [{self.twin}]" if self.twin else self.name


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A share: the folder that one seeder offers."""

    share: str  # id
    name: str  # from the wire
    files: int  # number of files
    size: int  # bytes of all files
    files_left: int = 0  # further files that the seeder has yet to read
    torrent: str = ""  # the info hash of its torrent, 40 hexadecimal digits; "" if there is none
    serves_browsers: bool = False  # its seeder does

    @property
    def key(self) -> str:
        """Asks a leecher for the whole share. No file has such a name."""
        return str(FolderKey(self.share))
