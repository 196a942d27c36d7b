"""The room's list as readers get it: packed once for each version, a few lines at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from roles.room.room_list import RoomList
from roles.wire.list_wire import Packer

SLICE = 64 * 1024  # characters packed before sockets are read again: one or two milliseconds
PIECE = 256 * 1024  # packed bytes that the system gets at once
MAX_BUILDS = 8  # at once: each holds a list in memory
_MAX_KEPT = 16  # answers, for readers that know different versions


@dataclass(slots=True, eq=False)
class PackedList:
    """The answer to readers that know the version `known`, "" for none."""

    known: str
    version: str = ""  # that they have afterwards; "" before packing begins
    is_whole: bool = True
    data: list[bytes] | None = None  # None until it is packed
    readers: int = 0  # connections that wait for it or send it

    @property
    def size(self) -> int:
        """Packed bytes."""
        return sum(map(len, self.data or ()))


class PackedLists:
    def __init__(self, room_list: RoomList) -> None:
        self._room_list = room_list
        self._lists: dict[str, PackedList] = {}  # by PackedList.known
        self._queue: dict[str, PackedList] = {}  # not begun yet
        self._builds: dict[str, Iterator[None]] = {}  # under way, in turn

    def since(self, version: str) -> PackedList:
        """The answer to a reader that knows this version. Call leave() when it is done.

        If the list changes while an answer is packed, its reader gets it all the same, and asks
        again for later changes.
        """
        known = version if self._room_list.reaches(version) else ""
        packed = self._lists.get(known)
        if packed is None or (
            packed.data is not None and packed.version != self._room_list.version
        ):
            self._drop_old()
            packed = self._lists[known] = self._queue[known] = PackedList(known)
        packed.readers += 1
        return packed

    def leave(self, packed: PackedList) -> None:
        """A reader has it or is gone. An answer that nobody waits for is not packed."""
        packed.readers -= 1
        if packed.readers == 0 and packed.data is None:
            del self._lists[packed.known]
            self._queue.pop(packed.known, None)
            self._builds.pop(packed.known, None)

    def work(self) -> bool:
        """Pack some lines. Returns whether there is more to do. Raises MemoryError."""
        while self._queue and len(self._builds) < MAX_BUILDS:
            known = next(iter(self._queue))
            self._builds[known] = self._packing(self._queue.pop(known))
        if self._builds:
            known = next(iter(self._builds))
            steps = self._builds.pop(known)
            try:
                has_more = next(steps, self) is None
            except MemoryError:  # others may wait for it, too: begin anew
                self._queue[known] = self._lists[known]
                raise
            if has_more:
                self._builds[known] = steps
        return bool(self._builds)

    def _packing(self, packed: PackedList) -> Iterator[None]:
        packed.version = self._room_list.version
        packed.is_whole, texts = self._room_list.texts_since(packed.known)
        packer, pieces, piece = Packer(), list[bytes](), bytearray()
        for lines in _slices(texts):
            piece += packer.pack(lines)
            if len(piece) >= PIECE:
                pieces.append(bytes(piece))
                piece.clear()
            yield
        piece += packer.end()
        packed.data = [*pieces, bytes(piece)]

    def _drop_old(self) -> None:
        now = self._room_list.version
        for known, packed in list(self._lists.items()):
            is_old = packed.version != now or len(self._lists) > _MAX_KEPT
            if packed.data is not None and is_old:
                del self._lists[known]


def _slices(texts: Iterable[str]) -> Iterator[str]:
    """The lines joined by line feeds, each text at least SLICE characters long, except the last."""
    lines, size = list[str](), 0
    for text in texts:
        lines.append(text)
        size += len(text) + 1
        if size >= SLICE:
            yield "\n".join(lines)
            lines.clear()
            size = 0
    if lines:
        yield "\n".join(lines)
