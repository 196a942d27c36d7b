"""Finds the files of a pack whose chunks have arrived."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from roles.disk.wanted_file import WantedFile
from roles.values.content import Content, indexes


def covered(
    members: Sequence[WantedFile], pack: Content, have: int, fresh: int
) -> list[WantedFile]:
    """The members that lie wholly in the chunks of bitmap `have`, and partly in one of `fresh`.

    `members` are sorted by offset. It never returns one that has more than one chunk, or lies
    beyond the end of the pack.
    """
    offsets = [member.offset for member in members]
    found = list[WantedFile]()
    following = 0  # index of the next member to look at
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
