"""The room's list as readers get it: packed once for each version, a few lines at a time.

Pure: it knows no socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from roles.lmk2_list_wire import Packer
from roles.room_catalogue import RoomCatalogue

SLICE = 400  # lines packed between two looks at the sockets: one or two milliseconds
_MAX_KEPT = 16  # answers, for readers who know different versions


@dataclass(slots=True)
class PackedList:
    """An answer to those who know one version, or none."""

    version: str  # that they have afterwards
    is_whole: bool
    data: bytes | None = None  # None while it is being packed


class PackedLists:
    """Answers that are being packed, and those that are ready for the next reader."""

    def __init__(self, catalogue: RoomCatalogue) -> None:
        self._catalogue = catalogue
        self._lists: dict[str, PackedList] = {}  # by the version that a reader knows, "" for none
        self._building: list[Iterator[None]] = []

    def since(self, version: str) -> PackedList:
        """The answer to a reader who knows this version.

        One that is still being packed when the list changes is told all the same: its reader asks
        again for what changed since.
        """
        known = version if self._catalogue.reaches(version) else ""
        ready = self._lists.get(known)
        if ready is None or (ready.data is not None and ready.version != self._catalogue.version):
            self._drop_old()
            is_whole, texts = self._catalogue.texts_since(known)
            ready = self._lists[known] = PackedList(self._catalogue.version, is_whole)
            self._building.append(_packing(ready, texts))
        return ready

    def work(self) -> bool:
        """Pack some lines; whether there is more to do."""
        if self._building:
            steps = self._building.pop(0)
            if next(steps, self) is None:
                self._building.append(steps)
        return bool(self._building)

    def _drop_old(self) -> None:
        now = self._catalogue.version
        for known, one in list(self._lists.items()):
            is_old = one.version != now or len(self._lists) > _MAX_KEPT
            if one.data is not None and is_old:
                del self._lists[known]


def _packing(packed: PackedList, texts: Iterator[str]) -> Iterator[None]:
    packer, pieces = Packer(), list[bytes]()
    while lines := list(islice(texts, SLICE)):
        pieces.append(packer.pack("\n".join(lines)))
        yield
    pieces.append(packer.end())
    packed.data = b"".join(pieces)
