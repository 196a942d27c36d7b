"""Which files of a pack lie in the chunks that have come. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from roles.disk.wanted_file import WantedFile
from roles.values.content import Content, indexes


def covered(
    members: Sequence[WantedFile], pack: Content, have: int, fresh: int
) -> list[WantedFile]:
    """The members that lie in the chunks of `have` alone, and at least partly in one of `fresh`.

    `members` are in the order of their offsets. A member beyond the end of the pack, or of more
    than one chunk, is never returned.
    """
    offsets = [member.offset for member in members]
    found = list[WantedFile]()
    following = 0  # the first member that was not looked at
    for chunk in indexes(fresh):
        start = chunk * pack.chunk_size
        following = max(following, bisect_right(offsets, start) - 1)
        stop = bisect_right(offsets, start + pack.chunk_size - 1)
        found += (
            one
            for one in members[following:stop]
            if one.offset + one.content.size > start and _is_covered(one, pack, have)
        )
        following = max(following, stop)
    return found


def _is_covered(member: WantedFile, pack: Content, have: int) -> bool:
    content = member.content
    end = member.offset + content.size
    if content.count != 1 or member.offset < 0 or end > pack.size:
        return False
    first, last = member.offset // pack.chunk_size, (end - 1) // pack.chunk_size
    wanted = (1 << last - first + 1) - 1
    return have >> first & wanted == wanted
