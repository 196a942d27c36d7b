"""The files and folders of a room that the tracker's window shows. Pure."""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from itertools import islice

from roles.room.room_list import FILE, RoomList
from roles.values.content import Content
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import FileLine, decode_line
from roles.values.listed_file import ListedFile, ListedFolder

LOOKED_AT_PER_FILE = 2  # lines that shown_files() may read for each that it shows
SLICE = 100  # lines that it reads before sockets are read again
_REMEMBERED = 4_096  # lines; a report reads some fewer


def shown_files(room_list: RoomList, most: int) -> Generator[None, None, tuple[ListedFile, ...]]:
    """Read up to `most` files for the window, and yield after each SLICE of lines.

    Lines that cannot be read are left out. A stranger may have sent nothing else, so the number
    of lines that are read is limited too.
    """
    files, left = list[ListedFile](), LOOKED_AT_PER_FILE * most
    for share_id, share in room_list.shares():
        for line in list(islice(share.lines, left)):
            left -= 1
            file = _listed(share_id, line)
            if file is not None:
                files.append(file)
                if len(files) >= most:
                    break
            if left % SLICE == 0:
                yield
        if left <= 0 or len(files) >= most:
            break
    copies = dict[tuple[str, int, bytes], list[ListedFile]]()
    for file in files:
        copies.setdefault((file.name, file.size, file.root), []).append(file)
    return tuple(_with_copies(*copies[key]) for key in sorted(copies))


def shown_folders(room_list: RoomList, most: int) -> tuple[ListedFolder, ...]:
    """Up to `most` shares for the window; of copies of one folder, the first."""
    folders = dict[tuple[int, int], ListedFolder]()
    for share_id, share in islice(room_list.shares(), most):
        if share.files and share.owner.is_proved:
            size = share.sums.file_bytes
            folder = ListedFolder(share_id, share.folder, share.files, size)
            folders.setdefault((share.sums.print, share.files), folder)
    return tuple(sorted(folders.values(), key=lambda folder: folder.name))


def _with_copies(file: ListedFile, *copies: ListedFile) -> ListedFile:
    return file._replace(also=tuple(copy.share for copy in copies)) if copies else file


@lru_cache(maxsize=_REMEMBERED)  # a report shows mostly what the one before it has shown
def _listed(share_id: str, line: str) -> ListedFile | None:
    if not line.startswith(FILE):
        return None
    try:
        match decode_line(line):
            case FileLine(path, size, None):
                return ListedFile(path, size)
            case FileLine(path, size, Content() as content):
                return ListedFile(path, size, content.root, share_id)
            case _:
                return None
    except PeerProtocolError:
        return None
