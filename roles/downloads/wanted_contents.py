"""What a download has to fetch: files, and packs in place of many small ones. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from roles.disk.wanted_file import Identity, WantedFile
from roles.joining.listed_share import Pack
from roles.values.catalogue import FileLine
from roles.values.content import Content
from roles.values.stopping import go_on, until_stopped

# A pack is fetched if at least this part of its missing bytes is wanted: many files for one round
# trip.
PACK_SHARE = 0.5


@dataclass(frozen=True)
class WantedPack:
    """A pack to fetch, for some or all of its files."""

    content: Content
    files: tuple[WantedFile, ...]  # those that are wanted, in the order of their offsets
    share: str = ""  # id of the share that lists it

    @cached_property
    def size(self) -> int:
        """Bytes of the wanted files."""
        return sum(file.size for file in self.files)

    @property
    def title(self) -> str:
        """Safe to show."""
        first = self.files[0].title if self.files else "none"
        return f"{len(self.files)} small files from {first} on"

    def without(self, dropped: Collection[Identity]) -> WantedPack:
        """The same pack for fewer files."""
        return replace(self, files=tuple(one for one in self.files if one.identity not in dropped))


WantedContent: TypeAlias = WantedFile | WantedPack


def plan_contents(
    missing: Sequence[WantedFile],
    packs: Iterable[Pack],
    here: Callable[[Content], int],
    should_stop: Callable[[], bool] = go_on,
) -> list[WantedContent]:
    """Every missing file once: in a pack of which enough is missing, or alone.

    If several packs have a file, the first one brings it. `here` returns how many bytes of a pack
    an earlier run left on the disk. Raises HaltedError once should_stop().
    """
    by_identity = {file.identity: file for file in until_stopped(missing, should_stop)}
    planned = list[WantedContent]()
    for pack in packs:
        content = pack.line.content
        files = _wanted_of(until_stopped(pack.members, should_stop), by_identity)
        if not files or len(pack.members) < 2:  # a pack of one file saves nothing
            continue
        wanted = sum(file.size for file in files)
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
    """The files of a pack that are wanted, each with its offset."""
    found, offset = list[WantedFile](), 0
    for line in lines:
        file = None if line.content is None else wanted.get((line.path, line.content))
        if file is not None:
            at = (file.mtime, file.is_executable, offset)  # replace() takes three times as long
            found.append(WantedFile(file.path, file.stored, file.content, *at))
        offset += line.size
    return tuple(found)
