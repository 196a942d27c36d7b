"""The list of the room: every share with its lines, its version, and what changed lately.

Lines are passed on as they are (roles/values/catalogue.py reads them). Pure state; it knows no peer
but by the key that its caller gives.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

from roles.room.places import Key
from roles.values.catalogue import (
    MAX_LIST_BYTES,
    MAX_ROOM_FILES,
    FileLine,
    decode_line,
    encode_line,
)
from roles.values.content import Content
from roles.values.errors import LmkError, PeerProtocolError
from roles.values.events import ListedFile
from roles.wire.lmk2_list_wire import ADDED, REMOVED, ShareGone, ShareOpened, encode_entry
from roles.wire.lmk2_tracker_messages import Code

MAX_LOGGED = 100_000  # lines in the log of changes; who knows nothing of them asks for the whole
MAX_LOGGED_CHANGES = 256  # of these; readers ask every few seconds, and strangers for any of them
HOST_PART = 4  # one host may hold a fourth of the room, and more only while the room is half empty
MAX_SHARES = 12_000 + 64  # one for each seeder, and some that have just left
_FILE = '["f"'  # how the line of a file begins


class ListRefusedError(LmkError):
    """A list cannot be taken: the seeder is told so, with a code that it understands."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Owner:
    """Who told a share, and may tell it again."""

    key: Key  # of the program
    host: str = ""  # whose part of the room its lines count in; "" has no part, and no limit


@dataclass(slots=True)
class Share:
    """One seeder's folder. Changed by the catalogue only."""

    folder: str  # its name, as it was sent
    owner: Owner
    revision: int = 0
    # Each line to itself: a list that is told again needs no second copy of its text.
    lines: dict[str, str] = field(default_factory=dict)
    size: int = 0  # bytes of its lines
    files: int = 0  # how many of its lines are files
    print: int = 0  # of its files, whatever their order: equal for two copies of one folder


@dataclass(frozen=True, slots=True)
class _Change:
    """One step from a version to the next."""

    share: str
    folder: str
    added: Collection[str] = ()
    removed: Collection[str] = ()
    is_gone: bool = False

    @property
    def cost(self) -> int:
        return len(self.added) + len(self.removed) + 1

    def texts(self) -> Iterator[str]:
        if self.is_gone:
            yield encode_entry(ShareGone(self.share))
            return
        yield encode_entry(ShareOpened(self.share, self.folder))
        yield from (REMOVED + line for line in self.removed)
        yield from (ADDED + line for line in self.added)


class RoomCatalogue:
    """All shares. Its version changes with each change that readers see."""

    def __init__(self, epoch: str) -> None:
        """`epoch`: 8 hexadecimal digits, others at each start."""
        self._epoch = epoch
        self._number = 0
        self._shares: dict[str, Share] = {}
        self._log: deque[_Change] = deque()  # the newest leads to the version that we have
        self._logged = 0  # lines of all that
        self._lines = self._size = 0  # of all shares, and of the lists that are being told
        self._host_lines, self._host_size = Counter[str](), Counter[str]()  # the same, by host
        self._shown: dict[tuple[str, str], ListedFile] = {}  # lines that first_files() read before

    @property
    def version(self) -> str:
        """Another one after each change."""
        return f"{self._epoch}-{self._number}"

    @property
    def file_count(self) -> int:
        """Files of all shares; copies of one folder count once."""
        return sum(files for _, files in self._prints())

    def share(self, share_id: str) -> Share | None:
        """The share of this id."""
        return self._shares.get(share_id)

    def check_owner(self, share_id: str, owner: Owner) -> None:
        """Raise ListRefusedError when it is somebody else's, or there are too many."""
        share = self._shares.get(share_id)
        if share is not None and share.owner != owner:
            raise ListRefusedError(Code.SHARE, "Another program shares a folder with this id.")
        if share is None and len(self._shares) >= MAX_SHARES:
            raise ListRefusedError(Code.FULL, "The tracker knows too many folders already.")

    def hand_over(self, share_id: str, owner: Owner) -> None:
        """It is told by this one from now on, who is the same program elsewhere."""
        share = self._shares[share_id]
        self.release(len(share.lines), share.size, share.owner)
        self._count(len(share.lines), share.size, owner)
        share.owner = owner

    def reserve(self, lines: int, size: int, owner: Owner) -> None:
        """Count what a list that is being told will add. Raises ListRefusedError."""
        all_lines, all_size = self._lines + lines, self._size + size
        if all_lines > MAX_ROOM_FILES:
            raise ListRefusedError(Code.FULL, f"The room has {MAX_ROOM_FILES} files already.")
        if all_size > MAX_LIST_BYTES:
            raise ListRefusedError(Code.FULL, "The list of the room is too long already.")
        host_lines = self._host_lines[owner.host] + lines
        host_size = self._host_size[owner.host] + size
        if owner.host and (
            _is_more_than_its_part(host_lines, all_lines, MAX_ROOM_FILES)
            or _is_more_than_its_part(host_size, all_size, MAX_LIST_BYTES)
        ):
            text = "This computer has its part of the room's list already. The rest is for others."
            raise ListRefusedError(Code.FULL, text)
        self._count(lines, size, owner)

    def release(self, lines: int, size: int, owner: Owner) -> None:
        """Count back what was reserved and is not there, or no longer."""
        self._count(-lines, -size, owner)

    def put(
        self, share_id: str, share: Share, added: Collection[str], removed: Collection[str]
    ) -> None:
        """This is the share now: `added` and `removed` are what it differs by from before.

        Its lines were reserved before; those removed are released here.
        """
        before = self._shares.get(share_id)
        self._shares[share_id] = share
        self.release(len(removed), sum(map(line_size, removed)), share.owner)
        if added or removed or before is None or before.folder != share.folder:
            self._note(_Change(share_id, share.folder, added, removed))

    def put_original(self, share_id: str, owner: Owner, folder: str, files: dict[str, int]) -> None:
        """The list that an LMK/1 program told. One that finds no room is left out."""
        lines = {line: line for line in map(_original_line, files.items())}
        if share_id in self._shares:
            self.hand_over(share_id, owner)
        before = self._shares.get(share_id, Share(folder, owner))
        added = [line for line in lines if line not in before.lines]
        removed = [line for line in before.lines if line not in lines]
        try:
            self.reserve(len(added), sum(map(line_size, added)), owner)
        except ListRefusedError:
            return
        share = Share(folder, owner, 0, lines)
        for line in lines:
            count_line(share, line, 1)
        self.put(share_id, share, added, removed)

    def drop(self, share_id: str) -> None:
        """Nobody offers it any more."""
        share = self._shares.pop(share_id, None)
        if share is not None:
            self.release(len(share.lines), share.size, share.owner)
            self._note(_Change(share_id, share.folder, is_gone=True))

    def reaches(self, version: str) -> bool:
        """Whether it is known what changed since that version."""
        return self._steps_since(version) is not None

    def texts_since(self, version: str) -> tuple[bool, Iterator[str]]:
        """Whether this is the whole list, and its lines, or those that changed since.

        They stay as they are now, whatever happens while somebody takes them.
        """
        steps = self._steps_since(version)
        if steps is not None:
            changes = list(self._log)[len(self._log) - steps :]
            return False, (text for change in changes for text in change.texts())
        whole = [
            _Change(share_id, share.folder, list(share.lines))
            for share_id, share in self._shares.items()
        ]
        return True, (text for change in whole for text in change.texts())

    def first_files(self, most: int) -> tuple[ListedFile, ...]:
        """Some of the files, for the window; what cannot be read is left out."""
        shown = dict[tuple[str, str], ListedFile]()
        for share_id, share in self._shares.items():
            for line in islice(share.lines, most):
                if len(shown) >= most:
                    break
                key = (share_id, line)
                file = self._shown.get(key) or _listed(share_id, line)
                if file is not None:
                    shown[key] = file
        self._shown = shown
        unique = {(file.name, file.size, file.root): file for file in shown.values()}
        return tuple(unique[key] for key in sorted(unique))

    def _count(self, lines: int, size: int, owner: Owner) -> None:
        self._lines += lines
        self._size += size
        host = owner.host
        if host:
            self._host_lines[host] += lines
            self._host_size[host] += size
            if not self._host_lines[host]:
                del self._host_lines[host], self._host_size[host]

    def _prints(self) -> set[tuple[int, int]]:
        return {(share.print, share.files) for share in self._shares.values()}

    def _steps_since(self, version: str) -> int | None:
        """How many of the newest changes lead from there; None when too many do."""
        epoch, _, number = version.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()):
            return None
        steps = self._number - int(number)
        return steps if 0 <= steps <= len(self._log) else None

    def _note(self, change: _Change) -> None:
        self._number += 1
        self._log.append(change)
        self._logged += change.cost
        while self._logged > MAX_LOGGED or len(self._log) > MAX_LOGGED_CHANGES:
            self._logged -= self._log.popleft().cost


def _is_more_than_its_part(of_host: int, of_all: int, most: int) -> bool:
    return of_host > most // HOST_PART and of_all > most // 2


def line_size(line: str) -> int:
    """Bytes of it in the list that readers unpack, with its mark and line feed."""
    return (len(line) if line.isascii() else len(line.encode())) + 2


def count_line(share: Share, line: str, step: int) -> None:
    """Note in the sums of a share that it has one more or one less of this line."""
    share.size += step * line_size(line)
    if line.startswith(_FILE):
        share.files += step
        # Modification time and executable bit, at its end, do not make another content.
        share.print ^= hash(line.rpartition('",')[0])


def _original_line(file: tuple[str, int]) -> str:
    return encode_line(FileLine(*file, None))


def _listed(share_id: str, line: str) -> ListedFile | None:
    if not line.startswith(_FILE):
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
