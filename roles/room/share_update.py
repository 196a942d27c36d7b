"""A seeder's list, or its changes, while it arrives; readers see it once it is complete.

Every step is short, because the tracker answers datagrams in between. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from roles.room.room_list import (
    ListRefusedError,
    Owner,
    RoomList,
    Share,
    Sums,
    line_size,
)
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import MAX_LINE
from roles.wire.list_wire import ADDED, REMOVED, TellList
from roles.wire.tracker_messages import Code

SLICE = 2_000  # lines compared before sockets are read again: about a millisecond


class ShareUpdate:
    """One TellList under way. End it with finish() or abandon()."""

    def __init__(self, room_list: RoomList, call: TellList, owner: Owner) -> None:
        """Raises ListRefusedError."""
        room_list.check_owner(call.share, owner)
        known = room_list.share(call.share)
        if not call.is_whole and (known is None or known.revision != call.base):
            raise _whole()
        self._room_list, self._call, self._known = room_list, call, known
        self._limits = room_list.limits
        self._before: dict[str, str] = {} if known is None else known.lines
        self._next = Share(call.folder, owner, call.revision)  # what a whole list becomes
        self._changes = Sums()  # what changes add to the share's sums
        self._added = dict[str, None]()  # the room's list has reserved room for them
        self._removed = dict[str, None]()
        self._added_size = self._removed_size = 0
        self._is_over = False
        self._taken = 0  # lines, including repeated ones: they cost time too

    @property
    def changes(self) -> int:
        """The number of lines added or removed."""
        return len(self._added) + len(self._removed)

    def take(self, text: str) -> None:
        """Take one more line. Raises PeerProtocolError and ListRefusedError."""
        mark, line = text[:1], text[1:]
        if mark not in (ADDED, REMOVED) or not line or len(line) > MAX_LINE:
            raise PeerProtocolError("a line of a list is neither added nor removed")
        self._taken += 1
        if self._call.is_whole:
            self._take_of_whole(mark, line)
        else:
            self._take_change(mark, line)

    def finish(self) -> Iterator[None]:
        """Compare it with the known list, in slices, then show it to readers.

        Raises ListRefusedError when its seeder is gone by then.
        """
        if self._call.is_whole:
            for number, line in enumerate(self._before):
                if line not in self._next.lines:
                    self._note_removed(line)
                if number % SLICE == 0:
                    yield
        if self._room_list.share(self._call.share) is not self._known:
            raise ListRefusedError(Code.UNKNOWN, "The tracker has forgotten this seeder.")
        share = self._next if self._call.is_whole else self._changed_share()
        self._is_over = True  # the share counts what was reserved
        self._room_list.release(len(self._removed), self._removed_size, share.owner)
        self._room_list.put(self._call.share, share, self._added.keys(), self._removed.keys())

    def abandon(self) -> None:
        """Release what was reserved. Harmless after finish()."""
        if not self._is_over:
            self._is_over = True
            self._room_list.release(len(self._added), self._added_size, self._next.owner)

    def _take_of_whole(self, mark: str, line: str) -> None:
        if mark == REMOVED:
            raise PeerProtocolError("a whole list removes a line")
        if self._taken > self._limits.share_lines:
            raise self._full()
        lines = self._next.lines
        if line in lines:
            return
        known = self._before.get(line)
        if known is None:
            self._add(line)
        else:
            line = known  # the same text, once in memory
        lines[line] = line
        self._next.sums.count(line, 1)

    def _take_change(self, mark: str, line: str) -> None:
        if self._taken > self._limits.changes:
            raise _whole()
        if mark == REMOVED:
            if line in self._added:
                del self._added[line]
                self._added_size -= line_size(line)
                self._room_list.release(1, line_size(line), self._next.owner)
                self._changes.count(line, -1)
            elif line in self._before and line not in self._removed:
                self._note_removed(line)
                self._changes.count(line, -1)
        elif line in self._removed:
            del self._removed[line]
            self._removed_size -= line_size(line)
            self._changes.count(line, 1)
        elif line not in self._before and line not in self._added:
            self._add(line)
            self._changes.count(line, 1)
        if len(self._before) + len(self._added) - len(self._removed) > self._limits.share_lines:
            raise self._full()

    def _changed_share(self) -> Share:
        share = self._known
        assert share is not None  # __init__() refused the call otherwise
        if share.revision != self._call.base:
            raise _whole()
        share.change(self._added, self._removed, self._changes)
        share.revision = self._call.revision
        return share

    def _note_removed(self, line: str) -> None:
        self._removed[line] = None
        self._removed_size += line_size(line)

    def _add(self, line: str) -> None:
        size = line_size(line)
        self._room_list.reserve(1, size, self._next.owner)
        self._added[line] = None
        self._added_size += size

    def _full(self) -> ListRefusedError:
        most = self._limits.share_lines
        return ListRefusedError(Code.FULL, f"A folder may have {most} files and folders.")


def _whole() -> ListRefusedError:
    return ListRefusedError(Code.WHOLE, "The tracker needs the whole list of this folder.")
