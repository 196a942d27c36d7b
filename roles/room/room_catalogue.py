"""The list of the room: every share with its lines, its version, and what changed lately.

Lines are passed on as they are (roles/values/catalogue.py reads them). Pure state; it knows no peer
but by the key that its caller gives.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice, starmap

from roles.room.places import Key
from roles.values.catalogue import (
    MAX_LIST_BYTES,
    MAX_ROOM_FILES,
    FileLine,
    decode_line,
)
from roles.values.content import Content
from roles.values.errors import LmkError, PeerProtocolError
from roles.values.events import ListedFile
from roles.wire.list_wire import ADDED, REMOVED, ShareGone, ShareOpened, encode_entry
from roles.wire.tracker_messages import Code

MAX_LOGGED = 100_000  # lines in the log of changes; who knows nothing of them asks for the whole
MAX_LOGGED_STEPS = 4_096  # of these; readers ask every few seconds
HOST_PART = 4  # one host may hold a fourth of the room, and more only while the room is half empty
UNPROVED_PART = 4  # those whose addresses nobody proved hold a fourth of the room together
MAX_ROOM_SHARES = 12_000 + 64  # one for each seeder, and some that have just left
LOOKED_AT_PER_FILE = 2  # lines that first_files() reads for one that it shows
SLICE = 100  # lines that it reads between two looks at the sockets
_FILE = '["f"'  # how the line of a file begins


class ListRefusedError(LmkError):
    """A list cannot be taken: the seeder is told so, with a code that it understands."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Owner:
    """Who told a share, and may tell it again."""

    key: Key  # of the program, or of a place where nobody proved anything
    host: str = ""  # whose part of the room its lines count in; "" has no part, and no limit

    @property
    def is_proved(self) -> bool:
        """Whether it proved that it exists."""
        return self.key.is_proved


@dataclass(slots=True)
class Sums:
    """Of lines, kept while they come and go."""

    size: int = 0  # bytes
    files: int = 0  # how many of the lines are files
    print: int = 0  # of these, whatever their order: equal for two copies of one folder

    def add(self, other: Sums) -> None:
        """Count these lines too."""
        self.size += other.size
        self.files += other.files
        self.print ^= other.print


@dataclass(slots=True)
class Share:
    """One seeder's folder. Changed by the catalogue only."""

    folder: str  # its name, as it was sent
    owner: Owner
    revision: int = 0
    # Each line to itself: a list that is told again needs no second copy of its text.
    lines: dict[str, str] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)  # of its lines
    is_read: bool = False  # a reader may hold its lines: copy before changing them

    def read(self) -> Collection[str]:
        """Its lines as they are now. Because there may be 400,000 in the room, they are copied only
        when one of them changes.
        """
        self.is_read = True
        return self.lines

    def change(self, added: Collection[str], removed: Iterable[str], sums: Sums) -> None:
        """Add and remove lines; `sums` is what that adds to the sums."""
        if self.is_read:
            self.lines, self.is_read = dict(self.lines), False
        for line in removed:
            del self.lines[line]
        self.lines.update(zip(added, added, strict=True))
        self.sums.add(sums)

    @property
    def size(self) -> int:
        """Bytes of its lines."""
        return self.sums.size

    @property
    def files(self) -> int:
        """How many of its lines are files."""
        return self.sums.files


@dataclass(frozen=True, slots=True)
class _Change:
    """What one step from a version to the next does to one share."""

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
        yield from _share_texts(self.share, self.folder, self.added, self.removed)


@dataclass(frozen=True, slots=True)
class UnprovedList:
    """What programs at one place offer now, as somebody says without a proof."""

    share: str
    owner: Owner
    folder: str
    lines: Collection[str]  # empty: the share is gone


class RoomCatalogue:
    """All shares. Its version changes with each change that readers see."""

    def __init__(self, epoch: str) -> None:
        """`epoch`: 8 hexadecimal digits, others at each start."""
        self._epoch = epoch
        self._number = 0
        self._shares: dict[str, Share] = {}
        self._unproved = dict[str, None]()  # the oldest first
        self._log: deque[Collection[_Change]] = deque()  # the newest leads to the version we have
        self._logged = 0  # lines of all that
        # Of all shares that were told with a proof, and of the lists that are told now.
        self._lines = self._size = 0
        self._host_lines, self._host_size = Counter[str](), Counter[str]()  # the same, by host
        self._unproved_lines = self._unproved_size = 0
        self._shown: dict[tuple[str, str], ListedFile | None] = {}  # lines that were read before
        self.owners_state = 0  # another number when owners() gives something else

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

    def owners(self) -> Iterator[tuple[str, Key]]:
        """Each share that was told with a proof, and who told it."""
        for share_id, share in self._shares.items():
            if share.owner.is_proved:
                yield share_id, share.owner.key

    def check_owner(self, share_id: str, owner: Owner) -> None:
        """Raise ListRefusedError when it is somebody else's, or there are too many."""
        share = self._shares.get(share_id)
        if share is not None and share.owner != owner:
            raise ListRefusedError(Code.SHARE, "Another program shares a folder with this id.")
        if share is None and len(self._shares) - len(self._unproved) >= MAX_ROOM_SHARES:
            raise ListRefusedError(Code.FULL, "The tracker knows too many folders already.")

    def hand_over(self, share_id: str, owner: Owner) -> None:
        """It is told by this one from now on, who is the same program elsewhere."""
        share = self._shares[share_id]
        self.release(len(share.lines), share.size, share.owner)
        self._count(len(share.lines), share.size, owner)
        share.owner = owner
        self.owners_state += 1

    def reserve(self, lines: int, size: int, owner: Owner) -> None:
        """Count what a list that is being told will add. Raises ListRefusedError.

        Unproved shares make room for the others.
        """
        if owner.is_proved:
            self._check_room(lines, size, owner.host)
            self._drop_unproved(lines, size)
        else:
            self._check_room_for_unproved(lines, size)
        self._count(lines, size, owner)

    def release(self, lines: int, size: int, owner: Owner) -> None:
        """Count back what was reserved and is not there, or no longer."""
        self._count(-lines, -size, owner)

    def put(
        self, share_id: str, share: Share, added: Collection[str], removed: Collection[str]
    ) -> None:
        """This is the share now: `added` and `removed` are what it differs by from before.

        The caller reserved its lines, released those removed, and changes neither collection any
        more.
        """
        before = self._shares.get(share_id)
        self._shares[share_id] = share
        self.owners_state += before is None
        changes = list[_Change]()
        while len(self._shares) > MAX_ROOM_SHARES and self._unproved:
            changes.append(self._taken_out(next(iter(self._unproved))))
        if added or removed or before is None or before.folder != share.folder:
            changes.append(_Change(share_id, share.folder, added, removed))
        self._note(changes)

    def put_unproved(self, lists: Iterable[UnprovedList]) -> None:
        """Take these over as one step. What finds no room is left out."""
        changes = list[_Change]()
        for told in lists:
            change = self._change_of(told) if told.lines else None
            if change is not None:
                changes.append(change)
            elif not told.lines and told.share in self._shares:
                changes.append(self._taken_out(told.share))
        self._note(changes)

    def drop(self, share_id: str) -> None:
        """Nobody offers it any more."""
        if share_id in self._shares:
            self._note([self._taken_out(share_id)])

    def reaches(self, version: str) -> bool:
        """Whether it is known what changed since that version."""
        return self._steps_since(version) is not None

    def texts_since(self, version: str) -> tuple[bool, Iterator[str]]:
        """Whether this is the whole list, and its lines, or those that changed since.

        They stay as they are now, whatever happens while somebody takes them.
        """
        steps = self._steps_since(version)
        if steps is not None:
            changes = list(chain.from_iterable(islice(self._log, len(self._log) - steps, None)))
            return False, chain.from_iterable(change.texts() for change in changes)
        shares = [(key, share.folder, share.read()) for key, share in self._shares.items()]
        return True, chain.from_iterable(starmap(_share_texts, shares))

    def first_files(self, most: int) -> Generator[None, None, tuple[ListedFile, ...]]:
        """Read some of the files for the window, and yield after each SLICE of lines.

        What cannot be read is left out. A stranger may have told nothing else: the number of lines
        that are looked at is limited too.
        """
        shown = dict[tuple[str, str], ListedFile | None]()
        found = 0
        for share_id, share in list(self._shares.items()):
            room = LOOKED_AT_PER_FILE * most - len(shown)
            if found >= most or room <= 0:
                break
            for line in list(islice(share.lines, room)):
                key = (share_id, line)
                is_known = key in self._shown
                shown[key] = file = self._shown[key] if is_known else _listed(share_id, line)
                found += file is not None
                if found >= most:
                    break
                if len(shown) % SLICE == 0:
                    yield
        self._shown = shown
        unique = {(file.name, file.size, file.root): file for file in shown.values() if file}
        return tuple(unique[key] for key in sorted(unique))

    def _check_room(self, lines: int, size: int, host: str) -> None:
        all_lines, all_size = self._lines + lines, self._size + size
        if all_lines > MAX_ROOM_FILES:
            raise ListRefusedError(Code.FULL, f"The room has {MAX_ROOM_FILES} files already.")
        if all_size > MAX_LIST_BYTES:
            raise ListRefusedError(Code.FULL, "The list of the room is too long already.")
        host_lines, host_size = self._host_lines[host] + lines, self._host_size[host] + size
        if host and (
            _is_more_than_its_part(host_lines, all_lines, MAX_ROOM_FILES)
            or _is_more_than_its_part(host_size, all_size, MAX_LIST_BYTES)
        ):
            text = "This computer has its part of the room's list already. The rest is for others."
            raise ListRefusedError(Code.FULL, text)

    def _check_room_for_unproved(self, lines: int, size: int) -> None:
        if (
            self._unproved_lines + lines > MAX_ROOM_FILES // UNPROVED_PART
            or self._unproved_size + size > MAX_LIST_BYTES // UNPROVED_PART
            or self._is_over(lines, size)
        ):
            raise ListRefusedError(Code.FULL, "There is no room for more unproved lists.")

    def _drop_unproved(self, lines: int, size: int) -> None:
        """Drop unproved shares until so much more fits.

        At least a fourth of their lines goes at once: a list asks for room line by line, and each
        drop costs a step in the log.
        """
        if not self._is_over(lines, size):
            return
        enough = self._unproved_lines * 3 // 4
        changes = list[_Change]()
        while self._unproved and (self._unproved_lines > enough or self._is_over(lines, size)):
            changes.append(self._taken_out(next(iter(self._unproved))))
        self._note(changes)

    def _is_over(self, lines: int, size: int) -> bool:
        """Whether so much more would exceed the limits of the room."""
        all_lines, all_size = self._lines + self._unproved_lines, self._size + self._unproved_size
        return all_lines + lines > MAX_ROOM_FILES or all_size + size > MAX_LIST_BYTES

    def _count(self, lines: int, size: int, owner: Owner) -> None:
        if not owner.is_proved:
            self._unproved_lines += lines
            self._unproved_size += size
            return
        self._lines += lines
        self._size += size
        host = owner.host
        if host:
            self._host_lines[host] += lines
            self._host_size[host] += size
            if not self._host_lines[host]:
                del self._host_lines[host], self._host_size[host]

    def _change_of(self, told: UnprovedList) -> _Change | None:
        """Take over one of these; None when it changes nothing, or finds no room."""
        lines = {line: line for line in told.lines}
        known = self._shares.get(told.share)
        before: Mapping[str, str] = {} if known is None else known.lines
        added = [line for line in lines if line not in before]
        removed = [line for line in before if line not in lines]
        if known is None and len(self._shares) >= MAX_ROOM_SHARES:
            return None
        try:
            self.reserve(len(added), sum(map(line_size, added)), told.owner)
        except ListRefusedError:
            return None
        self.release(len(removed), sum(map(line_size, removed)), told.owner)
        share = self._shares[told.share] = Share(told.folder, told.owner, 0, lines)
        self._unproved[told.share] = None
        for line in lines:
            count_line(share.sums, line, 1)
        is_same = known is not None and known.folder == told.folder and not (added or removed)
        return None if is_same else _Change(told.share, told.folder, added, removed)

    def _taken_out(self, share_id: str) -> _Change:
        share = self._shares.pop(share_id)
        self._unproved.pop(share_id, None)
        self.owners_state += share.owner.is_proved
        self.release(len(share.lines), share.size, share.owner)
        return _Change(share_id, share.folder, is_gone=True)

    def _prints(self) -> set[tuple[int, int]]:
        return {(share.sums.print, share.files) for share in self._shares.values()}

    def _steps_since(self, version: str) -> int | None:
        """How many of the newest changes lead from there; None when too many do."""
        epoch, _, number = version.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()):
            return None
        steps = self._number - int(number)
        return steps if 0 <= steps <= len(self._log) else None

    def _note(self, changes: Collection[_Change]) -> None:
        """Log these as one step."""
        if not changes:
            return
        self._number += 1
        self._log.append(changes)
        self._logged += _cost(changes)
        while self._logged > MAX_LOGGED or len(self._log) > MAX_LOGGED_STEPS:
            self._logged -= _cost(self._log.popleft())


def _share_texts(
    share_id: str, folder: str, added: Iterable[str], removed: Iterable[str] = ()
) -> Iterator[str]:
    yield encode_entry(ShareOpened(share_id, folder))
    yield from (REMOVED + line for line in removed)
    yield from (ADDED + line for line in added)


def _cost(changes: Collection[_Change]) -> int:
    return sum(change.cost for change in changes)


def _is_more_than_its_part(of_host: int, of_all: int, most: int) -> bool:
    return of_host > most // HOST_PART and of_all > most // 2


def line_size(line: str) -> int:
    """Bytes of it in the list that readers unpack, with its mark and line feed."""
    return (len(line) if line.isascii() else len(line.encode())) + 2


def count_line(sums: Sums, line: str, step: int) -> None:
    """Note in these sums that there is one more or one less of this line."""
    sums.size += step * line_size(line)
    if line.startswith(_FILE):
        sums.files += step
        # Modification time and executable bit, at its end, do not make another content.
        sums.print ^= hash(line.rpartition('",')[0])


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
