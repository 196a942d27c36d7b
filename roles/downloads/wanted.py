"""What a download has to fetch: files, and packs in place of many small ones. Pure values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from roles.disk.file_watch import Traces
from roles.disk.leftovers import pack_stored
from roles.disk.stored_names import StoredPath
from roles.joining.listed_share import Pack
from roles.values.bitmaps import indexes
from roles.values.content import Content
from roles.values.list_lines import FileLine
from roles.values.safe_names import shown_name
from roles.values.stopping import go_on, until_stopped

# A pack is fetched if at least this part of its missing bytes is wanted: many files for one round
# trip.
PACK_SHARE = 0.5

Identity: TypeAlias = tuple[str, Content]  # path and content identify a file of a download


@dataclass(frozen=True, slots=True)
class WantedFile:
    path: str  # from the wire
    stored: StoredPath
    content: Content
    mtime: int | None = None  # seconds since 1970; None: unknown
    is_executable: bool = False
    offset: int = field(default=0, compare=False)  # of its first byte in its pack
    # Of the version that was downloaded before and is still there: this one takes its place.
    replaces: Traces | None = field(default=None, compare=False)

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
        return (self,)

    def needed(self, taken: int) -> int:
        """Bytes that it will still take on the disk, of which it takes `taken` now."""
        return max(0, self.size - taken)


@dataclass(frozen=True)
class WantedPack:
    """A pack to fetch, for some or all of its files."""

    content: Content
    files: tuple[WantedFile, ...]  # those that are wanted, in the order of their offsets
    share: str = ""  # id of the share that lists it

    @property
    def stored(self) -> StoredPath:
        return pack_stored(self.content)

    @cached_property
    def size(self) -> int:
        return sum(file.content.size for file in self.files)  # faster than file.size

    @property
    def title(self) -> str:
        """Safe to show."""
        first = self.files[0].title if self.files else "none"
        return f"{len(self.files)} small files from {first} on"

    def needed(self, taken: int) -> int:
        """Like WantedFile.needed(): its files are written while the pack is still there."""
        return max(0, self.content.size - taken) + self.size

    def without(self, dropped: Collection[Identity]) -> WantedPack:
        return replace(
            self, files=tuple(file for file in self.files if file.identity not in dropped)
        )

    def covered(self, have: int, fresh: int) -> list[WantedFile]:
        """The wanted files that lie wholly in the chunks of bitmap `have`, and partly in one of
        `fresh`; none that has more than one chunk or lies beyond the end of the pack.
        """
        offsets = [file.offset for file in self.files]
        chunk_size, found = self.content.chunk_size, list[WantedFile]()
        following = 0  # index of the next file to look at
        for chunk in indexes(fresh):
            start = chunk * chunk_size
            following = max(following, bisect_right(offsets, start) - 1)
            stop = bisect_right(offsets, start + chunk_size - 1)
            found += (
                file
                for file in self.files[following:stop]
                if file.offset + file.content.size > start and self._is_covered(file, have)
            )
            following = max(following, stop)
        return found

    def arriving(self, chunks: int) -> Iterator[tuple[WantedFile, int]]:
        """The wanted files with bytes in these chunks, and how many bytes."""
        offsets = [file.offset for file in self.files]
        chunk_size = self.content.chunk_size
        following = 0
        for chunk in indexes(chunks):
            start = chunk * chunk_size
            first = max(following, bisect_right(offsets, start) - 1)
            following = max(first, bisect_right(offsets, start + chunk_size - 1))
            for file in self.files[first:following]:
                here = self.content.bytes_in_range(chunks, file.offset, file.content.size)
                if here:
                    yield file, here

    def _is_covered(self, file: WantedFile, have: int) -> bool:
        end = file.offset + file.content.size
        if file.content.count != 1 or file.offset < 0 or end > self.content.size:
            return False
        chunk_size = self.content.chunk_size
        first, last = file.offset // chunk_size, (end - 1) // chunk_size
        chunks = (1 << last - first + 1) - 1
        return have >> first & chunks == chunks


WantedContent: TypeAlias = WantedFile | WantedPack


def plan_contents(
    missing: Sequence[WantedFile],
    packs: Iterable[Pack],
    here: Callable[[Content], int],
    should_stop: Callable[[], bool] = go_on,
) -> list[WantedContent]:
    """Every missing file once: in a pack of which enough is missing, or alone.

    If several packs have a file, the first one brings it. `here` returns how many bytes of a pack
    an earlier run left on the disk. Raises StoppedError once should_stop().
    """
    by_identity = {file.identity: file for file in until_stopped(missing, should_stop)}
    planned = list[WantedContent]()
    for pack in packs:
        content = pack.line.content
        files = _wanted_of(until_stopped(pack.members, should_stop), by_identity)
        if not files or len(pack.members) < 2:  # a pack of one file saves nothing
            continue
        wanted = sum(file.content.size for file in files)
        left = content.size - here(content)
        is_joined = len(missing) > 1 or left < content.size
        if is_joined and wanted >= PACK_SHARE * left:
            planned.append(WantedPack(content, files, pack.share))
            for file in files:
                del by_identity[file.identity]
    planned += by_identity.values()
    return planned


def _wanted_of(
    lines: Iterable[FileLine], wanted: Mapping[Identity, WantedFile]
) -> tuple[WantedFile, ...]:
    members, offset = list[WantedFile](), 0
    for line in lines:
        file = None if line.content is None else wanted.get((line.path, line.content))
        if file is not None:
            # replace() takes three times as long
            at = (file.mtime, file.is_executable, offset, file.replaces)
            members.append(WantedFile(file.path, file.stored, file.content, *at))
        offset += line.size
    return tuple(members)
