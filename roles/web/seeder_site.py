"""What a seeder answers browsers: the pages of its folder, its files, and folders as ZIP.

No path is made from a URL: each name is looked up in what the seeder has read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from zlib import crc32

from roles.net.connection import Connection
from roles.net.interfaces import own_name
from roles.sharing.folder_library import FolderLibrary
from roles.sharing.folder_tree import TreeFile
from roles.sharing.holdings import FileHolding
from roles.values.addresses import Address, is_loopback
from roles.values.errors import FileChangedError
from roles.values.safe_names import shown_name
from roles.web.folder_index import FolderIndex, IndexedFolder, below
from roles.web.folder_page import FolderView, folder_page
from roles.web.http_wire import (
    HttpError,
    Request,
    Version,
    check_host,
    file_head,
    not_found,
    page_answer,
    part_head,
    part_of,
    quoted_path,
    redirect,
)
from roles.web.page import STYLE_SHA256
from roles.web.zip_layout import Member, ZipWriter, zip_length

GATHERED = 256 * 1024  # bytes of a ZIP that are sent at once
# Browsers that ask in a loop would slow the leechers, whose threads wait for the interpreter at
# each step. So while a leecher has a slot, each answer is followed by a pause:
RESTS = 3  # times the processor time that the answer took
AROUND_S = 0.0002  # processor time for reading a request and sending a short answer
MOST_REST_S = 1.0
_AGAIN_S = 3  # when a browser may ask again
_UNREADABLE = "The folder cannot be read at the moment."  # the reason might name what is not shared
_STILL_READ = "The folder is still being read. Try again in a moment."


class SharedFile:
    """One opened file of the folder, for one thread. If it is found changed, it is withdrawn until
    it has been read again, and FileChangedError is raised.
    """

    def __init__(self, library: FolderLibrary, holding: FileHolding) -> None:
        self._library, self._root = library, holding.content.root
        with self._watched():
            self._source = holding.open()

    def send(self, connection: Connection, offset: int, length: int) -> int:
        """See ChunkSource.send()."""
        with self._watched():
            self._source.check()
            return self._source.send(connection, offset, length)

    def read(self, offset: int, length: int) -> bytes:
        """Some of these bytes. As far as the file's size, times and inode show, these and all that
        were sent before are still the bytes that were hashed.
        """
        with self._watched():
            data = self._source.read(offset, length)
            self._source.check()
            return data

    def close(self) -> None:
        self._source.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except FileChangedError:
            self._library.withdraw(self._root)
            raise


@dataclass(frozen=True, slots=True)
class FilePart:
    """What is sent of a file."""

    file: SharedFile
    start: int
    length: int

    def close(self) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send. Close its body even if it is not sent."""

    head: bytes  # with the body if that is short
    body: FilePart | Generator[bytes, None, None] | None = None
    title: str = ""  # of what is downloaded, safe to show; "" for pages


Route = Callable[[Request], Answer]


class SeederSite:
    """Any thread may call answer()."""

    def __init__(
        self,
        library: FolderLibrary,
        tracker: Callable[[], Address],
        listed_as: Callable[[], str],
        serves_leechers: Callable[[], bool],
    ) -> None:
        """`tracker`: where it is now. `listed_as`: the id of the share there. `serves_leechers`:
        whether a leecher has a slot.
        """
        self._listed_as = listed_as
        self._serves_leechers = serves_leechers
        self._library = library
        self._tracker = tracker
        self._lock = threading.RLock()  # held while index or page is made: one at a time
        self._index, self._indexed = FolderIndex((), ()), -1  # and the revision that it shows
        self._rested_at = 0.0  # when the next answer may begin
        # By the first name of a path. Nothing else is served.
        self.routes: dict[str, Route] = {"s": self._shared, "z": self._zipped}
        # Where the torrent of the whole folder is; "" if there is none.
        self.torrent_path: Callable[[], str] = lambda: ""

    def answer(self, request: Request) -> Answer:
        """Raises HttpError."""
        if self._serves_leechers():
            time.sleep(max(0.0, self._rested_at - time.monotonic()))
        began_s = time.thread_time()
        try:
            return self._answer(request)
        finally:
            rest_s = RESTS * (time.thread_time() - began_s + AROUND_S)
            now = time.monotonic()  # without the lock: at worst, two answers rest as long as one
            self._rested_at = min(max(now, self._rested_at) + rest_s, now + MOST_REST_S)

    def _answer(self, request: Request) -> Answer:
        check_host(request, own_name())
        if not request.segments:
            return self._redirect(request, [self._library.name])
        route = self.routes.get(request.segments[0])
        if route is None:
            raise not_found()
        try:
            return route(request)
        except FileChangedError:
            raise changed() from None
        except OSError:  # nothing is sent here, so this computer has run out of something
            raise again("This computer is busy. Try again in a moment.") from None

    # /s/SHARE/FOLDER/…

    def _shared(self, request: Request) -> Answer:
        names = self._names(request)
        if not names:
            return self._redirect(request, [self._library.name])
        path = "/".join(names[1:])
        if len(names) > 1 and not request.is_folder:
            holding = self._library.at(path)
            if holding is not None:
                return self.file_answer(request, holding, names[-1])
        with self._lock:
            folder = self.index().at(path)
            if folder is None:
                raise not_found()
            if not request.is_folder:
                return self._redirect(request, names)
            return self._page(request, names, folder)

    def file_answer(self, request: Request, holding: FileHolding, name: str) -> Answer:
        """The file, or the part that is asked for, to be saved as `name`. Raises FileChangedError
        if it is no longer what was read.
        """
        content = holding.content
        mtime = holding.file.mtime_ns // 1_000_000_000
        part = part_of(request, Version(content.size, f'"{content.root.hex()}"', mtime))
        file = SharedFile(self._library, holding)
        if part.length and not request.is_head:
            body = FilePart(file, part.start, part.length)
            return Answer(part_head(request, part, name=name), body, holding.title)
        file.close()  # it was opened to find out whether it is still the same
        return Answer(part_head(request, part, name=name))

    def _page(self, request: Request, names: Sequence[str], folder: IndexedFolder) -> Answer:
        snapshot = self._library.snapshot
        if snapshot.problem:
            raise again(_UNREADABLE)
        view = FolderView(
            self._library.share_id,
            names,
            folder,
            _number(request.query.get("from", "")),
            f"http://{self.room(request)}/",
            is_whole=snapshot.is_whole,
            torrent="" if folder.path else self.torrent_path(),
        )
        return Answer(page_answer(request, 200, folder_page(view), style=STYLE_SHA256))

    def room(self, request: Request) -> Address:
        """The tracker, as the reader can reach it."""
        tracker = self._tracker()
        return tracker._replace(host=request.host) if is_loopback(tracker.host) else tracker

    # /z/SHARE/FOLDER/…/NAME.zip, or /z/SHARE/FOLDER.zip

    def _zipped(self, request: Request) -> Answer:
        *above, file_name = request.segments
        names = self._names(replace(request, segments=tuple(above))) or [self._library.name]
        if request.is_folder or file_name != f"{names[-1]}.zip":
            raise not_found()
        snapshot = self._library.snapshot
        with self._lock:
            folder = self.index().at("/".join(names[1:]))
            if folder is None:
                raise not_found()
            if snapshot.problem or not snapshot.is_whole:
                raise again(_UNREADABLE if snapshot.problem else _STILL_READ)
            if folder.zip_length is None:  # for 100,000 files that takes a second
                members = (_member(entry, folder, names[-1]) for entry in below(folder))
                folder.zip_length = zip_length(members)
        more = [("Accept-Ranges", "none")]
        head = file_head(request, folder.zip_length, name=file_name, more=more)
        if request.is_head:
            return Answer(head)
        return Answer(head, gathered(self._zip(folder, names[-1])), shown_name(file_name))

    def _zip(self, folder: IndexedFolder, name: str) -> Generator[bytes, None, None]:
        """Raises FileChangedError in the middle if a file is no longer what was read."""
        writer = ZipWriter()
        for entry in below(folder):
            yield writer.begin(_member(entry, folder, name))
            checksum = 0
            if isinstance(entry, TreeFile) and entry.size:
                holding = self._library.at(entry.path)
                if holding is None or not holding.file.has_content_of(entry):
                    raise FileChangedError(f"{shown_name(entry.path)} changed while it was sent")
                with closing(SharedFile(self._library, holding)) as file:
                    at = 0
                    while at < entry.size:
                        block = file.read(at, entry.size - at)
                        checksum, at = crc32(block, checksum), at + len(block)
                        yield block
            yield writer.ended(checksum)
        yield from writer.finish(_member(entry, folder, name) for entry in below(folder))

    # All of them

    def index(self) -> FolderIndex:
        """What has been read, by folder."""
        with self._lock:
            revision = self._library.snapshot.revision
            if revision != self._indexed:
                self._index, self._indexed = FolderIndex(*self._library.offered()), revision
            return self._index

    def is_share(self, share: str) -> bool:
        """Whether this is an id of our share. The tracker lists it under another id while its own
        is reserved for a program that ended a short time ago.
        """
        return share == self._library.share_id or share == self._listed_as() != ""

    def _names(self, request: Request) -> Sequence[str]:
        """The name of the shared folder, and what is asked for in it; () for the share itself."""
        match request.segments:
            case (_, share) if self.is_share(share):
                return ()
            case (_, share, name, *_) if name == self._library.name and self.is_share(share):
                return request.segments[2:]
            case _:
                raise not_found()

    def _redirect(self, request: Request, names: Sequence[str]) -> Answer:
        where = f"/s/{self._library.share_id}/{quoted_path(names)}/"
        return Answer(redirect(request, where))


def gathered(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """The same bytes in pieces of at least GATHERED bytes, except the last. Closes `pieces`."""
    waiting, size = list[bytes](), 0
    with closing(pieces):
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= GATHERED:
                yield b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _member(entry: IndexedFolder | TreeFile, folder: IndexedFolder, name: str) -> Member:
    """The name in the ZIP begins with that of the folder, so that it unpacks into one."""
    inside = entry.path.removeprefix(folder.path).removeprefix("/") if folder.path else entry.path
    path = f"{name}/{inside}"
    if isinstance(entry, TreeFile):
        mtime = entry.mtime_ns // 1_000_000_000
        return Member(path, entry.size, mtime, _local_time(mtime), entry.is_executable)
    mtime = entry.mtime or 0
    return Member(f"{path.rstrip('/')}/", 0, mtime, _local_time(mtime))


def _local_time(mtime: int) -> tuple[int, ...]:
    try:
        return time.localtime(mtime)[:6]
    except (OSError, OverflowError, ValueError):
        return Member("").local_time


def _number(text: str) -> int:
    """0 if it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0


def changed() -> HttpError:
    return again("It has just changed and is being read again. Try again in a moment.")


def again(sentence: str) -> HttpError:
    return HttpError(503, sentence, [("Retry-After", str(_AGAIN_S))])
