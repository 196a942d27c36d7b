"""The list of the room: every share with its lines, the version, and what changed lately.

Lines are passed on as they are; roles/values/list_lines.py reads them. Pure state.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice, starmap
from typing import NamedTuple

from roles.room.registry_entry import Key
from roles.values.errors import LmkError, PeerProtocolError
from roles.values.list_lines import (
    MAX_LIST_BYTES,
    MAX_ROOM_FILES,
    MAX_ROOM_SHARES,
    MAX_SHARE_FILES,
    TorrentLine,
    decode_line,
)
from roles.wire.list_wire import ADDED, REMOVED, ShareGone, ShareOpened, encode_share
from roles.wire.tracker_messages import Code

HOST_PART = 4  # one host may have a quarter of the room, and more while the room is half empty
UNPROVED_PART = 4  # owners without a proved address may have a quarter of the room together
FILE = '["f"'  # the start of a file's line
_MOST_DIGITS = 13  # of a size: 1 TiB, and more than any file has
_READING = '["r"'  # of the line that says how many files are still to be read
_TORRENT = '["t"'


class Limits(NamedTuple):
    """What a room may have at most."""

    shares: int = MAX_ROOM_SHARES
    share_lines: int = MAX_SHARE_FILES
    changes: int = 20_000  # lines of a share in one step; for more the seeder sends the whole list
    lines: int = MAX_ROOM_FILES  # of all shares
    size: int = MAX_LIST_BYTES  # bytes of all lines
    logged: int = 100_000  # lines in the log of changes; readers with older lists get a whole one
    logged_steps: int = 4_096  # readers ask every few seconds


LIMITS = Limits()


class ListRefusedError(LmkError):
    """The tracker does not take a list; the seeder gets the code."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Owner:
    """The program that may change a share, or did so last."""

    key: Key  # for LMK/1, of an address and port
    host: str = ""  # the host whose limit its lines count against; "" for no limit
    machine: str = ""  # its computer's id, which only its user's programs and the tracker know
    has_ended: bool = False  # this run of it

    @property
    def is_proved(self) -> bool:
        return self.key.is_proved

    @property
    def known_by(self) -> Key:
        """Without the peer id of a run that has ended: others know it, so it is worthless now."""
        return self.key._replace(peer="") if self.has_ended else self.key


@dataclass(slots=True)
class Sums:
    """Sums over the lines of a share."""

    size: int = 0  # bytes of the lines
    files: int = 0
    file_bytes: int = 0  # the sizes of all files, as their lines say
    print: int = 0  # a fingerprint of the files in any order: equal for two copies of one folder
    torrents: Counter[str] = field(default_factory=Counter)  # lines: one, if its seeder is ours

    def add(self, other: Sums) -> None:
        self.size += other.size
        self.files += other.files
        self.file_bytes += other.file_bytes
        self.print ^= other.print
        self.torrents += other.torrents

    def count(self, line: str, step: int) -> None:
        """`step` is 1 when the line is added, -1 when it is removed."""
        self.size += step * line_size(line)
        if line.startswith(FILE):
            self.files += step
            self.file_bytes += step * _file_bytes(line)
            # Modification time and executable bit, at the end, make no other content.
            self.print ^= hash(line.rpartition('",')[0])
        elif line.startswith(_TORRENT):
            self.torrents[line] += step


@dataclass(slots=True)
class Share:
    """One seeder's folder. Only the RoomList changes it."""

    folder: str  # its name, from the wire
    owner: Owner
    revision: int = 0
    # Each line maps to itself, so that a list that is sent again keeps the same strings.
    lines: dict[str, str] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)
    is_read: bool = False  # a reader may hold the lines: copy them before a change

    def read(self) -> Collection[str]:
        """Its lines as they are now, for good. There may be 400,000 in the room, so they are copied
        only when one of them changes.
        """
        self.is_read = True
        return self.lines

    def change(self, added: Collection[str], removed: Iterable[str], sums: Sums) -> None:
        """`sums` is the difference that these lines make."""
        if self.is_read:
            self.lines, self.is_read = dict(self.lines), False
        for line in removed:
            del self.lines[line]
        self.lines.update(zip(added, added, strict=True))
        self.sums.add(sums)

    @property
    def size(self) -> int:
        return self.sums.size

    @property
    def files(self) -> int:
        return self.sums.files

    @property
    def torrent(self) -> bytes:
        """The info hash of its torrent; b"" if its seeder has made none."""
        for line in islice(self.sums.torrents, 1):
            with suppress(PeerProtocolError):
                decoded = decode_line(line)
                if isinstance(decoded, TorrentLine):
                    return decoded.info_hash
        return b""


@dataclass(frozen=True, slots=True)
class _Change:
    """The difference that one version makes to one share."""

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
            yield encode_share(ShareGone(self.share))
            return
        yield from _share_texts(self.share, self.folder, self.added, self.removed)


@dataclass(frozen=True, slots=True)
class UnprovedList:
    """What the programs at one address and port offer, as somebody claims without proof."""

    share: str
    owner: Owner
    folder: str
    lines: Collection[str]  # empty: the share is gone


class RoomList:
    """All shares. Its version changes whenever readers see a change."""

    def __init__(self, epoch: str, limits: Limits = LIMITS) -> None:
        """`epoch`: 8 hexadecimal digits, new at each start."""
        self.limits = limits
        self.epoch = epoch
        self._number = 0
        self._shares: dict[str, Share] = {}
        self._unproved = dict[str, None]()  # ids of shares, the oldest first
        self._log: deque[Collection[_Change]] = deque()  # the newest step, to this version, is last
        self._logged = 0  # lines in the log
        # Of all shares of proved owners, and of the lists that are arriving.
        self._lines = self._size = 0
        self._host_lines, self._host_size = Counter[str](), Counter[str]()  # the same, by host
        self._unproved_lines = self._unproved_size = 0
        self.owners_state = 0  # changes whenever owners() does
        self._torrents: Mapping[bytes, str] = {}
        self._torrents_number = 0  # the version that they belong to

    @property
    def version(self) -> str:
        return f"{self.epoch}-{self._number}"

    @property
    def file_count(self) -> int:
        """Files of all shares; copies of one folder count once."""
        prints = {(share.sums.print, share.files) for share in self._shares.values()}
        return sum(files for _, files in prints)

    def shares(self) -> list[tuple[str, Share]]:
        return list(self._shares.items())

    def share(self, share_id: str) -> Share | None:
        return self._shares.get(share_id)

    def torrents(self) -> Mapping[bytes, str]:
        """The torrents of all shares: info hashes, each with the host of one of its seeders. The
        same object until the list changes.
        """
        if self._torrents_number != self._number:
            self._torrents_number = self._number
            self._torrents = {
                share.torrent: share.owner.host
                for share in self._shares.values()
                if share.sums.torrents and share.torrent and share.owner.is_proved
            }
        return self._torrents

    def owners(self) -> Iterator[tuple[str, Owner]]:
        """The shares of proved owners."""
        for share_id, share in self._shares.items():
            if share.owner.is_proved:
                yield share_id, share.owner

    def check_owner(self, share_id: str, owner: Owner) -> None:
        """Raises ListRefusedError when the share is another owner's, or there are too many."""
        share = self._shares.get(share_id)
        if share is not None and share.owner != owner:
            raise ListRefusedError(Code.SHARE, "Another program shares a folder with this id.")
        if share is None and len(self._shares) - len(self._unproved) >= self.limits.shares:
            raise ListRefusedError(Code.FULL, "The tracker knows too many folders already.")

    def hand_over(self, share_id: str, owner: Owner) -> None:
        """The same program owns it at another address or port from now on."""
        share = self._shares[share_id]
        self.release(len(share.lines), share.size, share.owner)
        self._count(len(share.lines), share.size, owner)
        share.owner = owner
        self.owners_state += 1

    def reserve(self, lines: int, size: int, owner: Owner) -> None:
        """Count lines and bytes that an arriving list will add. Raises ListRefusedError.

        Unproved shares make room for proved ones.
        """
        if owner.is_proved:
            self._check_room(lines, size, owner.host)
            self._drop_unproved(lines, size)
        else:
            self._check_room_for_unproved(lines, size)
        self._count(lines, size, owner)

    def release(self, lines: int, size: int, owner: Owner) -> None:
        """Undo reserve(), or remove lines that are gone."""
        self._count(-lines, -size, owner)

    def put(
        self, share_id: str, share: Share, added: Collection[str], removed: Collection[str]
    ) -> None:
        """Replace a share that differs from before by `added` and `removed`.

        The caller has reserved the new lines, has released the removed ones, and changes neither
        collection from now on.
        """
        before = self._shares.get(share_id)
        self._shares[share_id] = share
        self.owners_state += before is None
        changes = list[_Change]()
        while len(self._shares) > self.limits.shares and self._unproved:
            changes.append(self._taken_out(next(iter(self._unproved))))
        if added or removed or before is None or before.folder != share.folder:
            changes.append(_Change(share_id, share.folder, added, removed))
        self._note(changes)

    def put_unproved(self, lists: Iterable[UnprovedList]) -> None:
        """Take these as one step, without those that find no room."""
        changes = list[_Change]()
        for unproved in lists:
            change = self._change_of(unproved) if unproved.lines else None
            if change is not None:
                changes.append(change)
            elif not unproved.lines and unproved.share in self._shares:
                changes.append(self._taken_out(unproved.share))
        self._note(changes)

    def drop(self, share_id: str) -> None:
        if share_id in self._shares:
            self._note([self._taken_out(share_id)])

    def leave(self, share_id: str, owner: Owner) -> None:
        """Its seeder is gone, so nothing more will be read, and a list that is arriving is refused
        at its end. `owner`: the same, as it is known now.
        """
        known = self._shares[share_id]
        share = replace(known, owner=owner, sums=replace(known.sums), is_read=True)
        self._shares[share_id] = share
        self.owners_state += 1
        reading = [line for line in share.lines if line.startswith(_READING)]
        if reading:
            sums = Sums()
            for line in reading:
                sums.count(line, -1)
            self.release(len(reading), -sums.size, share.owner)
            share.change((), reading, sums)
            share.revision = -1  # if the seeder returns, it sends the whole list
            self._note([_Change(share_id, share.folder, (), reading)])

    def reaches(self, version: str) -> bool:
        """Whether the log has all changes since that version."""
        return self._steps_since(version) is not None

    def texts_since(self, version: str) -> tuple[bool, Iterator[str]]:
        """Whether this is the whole list, and its lines or the changes since that version.

        Later changes do not affect the iterator.
        """
        steps = self._steps_since(version)
        if steps is not None:
            changes = list(chain.from_iterable(islice(self._log, len(self._log) - steps, None)))
            return False, chain.from_iterable(change.texts() for change in changes)
        shares = [(key, share.folder, share.read()) for key, share in self._shares.items()]
        return True, chain.from_iterable(starmap(_share_texts, shares))

    def _check_room(self, lines: int, size: int, host: str) -> None:
        limits = self.limits
        all_lines, all_size = self._lines + lines, self._size + size
        if all_lines > limits.lines:
            raise ListRefusedError(Code.FULL, f"The room has {limits.lines} files already.")
        if all_size > limits.size:
            raise ListRefusedError(Code.FULL, "The list of the room is too long already.")
        host_lines, host_size = self._host_lines[host] + lines, self._host_size[host] + size
        if host and (
            _is_more_than_its_part(host_lines, all_lines, limits.lines)
            or _is_more_than_its_part(host_size, all_size, limits.size)
        ):
            text = "This computer has its share of the room's list already. The rest is for others."
            raise ListRefusedError(Code.FULL, text)

    def _check_room_for_unproved(self, lines: int, size: int) -> None:
        if (
            self._unproved_lines + lines > self.limits.lines // UNPROVED_PART
            or self._unproved_size + size > self.limits.size // UNPROVED_PART
            or self._is_over(lines, size)
        ):
            raise ListRefusedError(Code.FULL, "There is no room for more unproved lists.")

    def _drop_unproved(self, lines: int, size: int) -> None:
        """Drop unproved shares until so much more fits.

        At least a quarter of their lines goes at once: a list reserves room line by line, and each
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
        return all_lines + lines > self.limits.lines or all_size + size > self.limits.size

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

    def _change_of(self, new: UnprovedList) -> _Change | None:
        """Take one of these. None when it changes nothing or finds no room."""
        lines = {line: line for line in new.lines}
        known = self._shares.get(new.share)
        before: Mapping[str, str] = {} if known is None else known.lines
        added = [line for line in lines if line not in before]
        removed = [line for line in before if line not in lines]
        if known is None and len(self._shares) >= self.limits.shares:
            return None
        try:
            self.reserve(len(added), sum(map(line_size, added)), new.owner)
        except ListRefusedError:
            return None
        self.release(len(removed), sum(map(line_size, removed)), new.owner)
        share = self._shares[new.share] = Share(new.folder, new.owner, 0, lines)
        self._unproved[new.share] = None
        for line in lines:
            share.sums.count(line, 1)
        is_same = known is not None and known.folder == new.folder and not (added or removed)
        return None if is_same else _Change(new.share, new.folder, added, removed)

    def _taken_out(self, share_id: str) -> _Change:
        share = self._shares.pop(share_id)
        self._unproved.pop(share_id, None)
        self.owners_state += share.owner.is_proved
        self.release(len(share.lines), share.size, share.owner)
        return _Change(share_id, share.folder, is_gone=True)

    def _steps_since(self, version: str) -> int | None:
        """The number of steps from that version to this one; None when the log has not all."""
        epoch, _, number = version.partition("-")
        if epoch != self.epoch or not (number.isascii() and number.isdigit()):
            return None
        steps = self._number - int(number)
        return steps if 0 <= steps <= len(self._log) else None

    def _note(self, changes: Collection[_Change]) -> None:
        """Log these changes as one step."""
        if not changes:
            return
        self._number += 1
        self._log.append(changes)
        self._logged += _cost(changes)
        while self._logged > self.limits.logged or len(self._log) > self.limits.logged_steps:
            self._logged -= _cost(self._log.popleft())


def _share_texts(
    share_id: str, folder: str, added: Iterable[str], removed: Iterable[str] = ()
) -> Iterator[str]:
    yield encode_share(ShareOpened(share_id, folder))
    yield from (REMOVED + line for line in removed)
    yield from (ADDED + line for line in added)


def _cost(changes: Collection[_Change]) -> int:
    return sum(change.cost for change in changes)


def _is_more_than_its_part(of_host: int, of_all: int, most: int) -> bool:
    return of_host > most // HOST_PART and of_all > most // 2


def line_size(line: str) -> int:
    """Bytes of a line in the list that readers unpack, with its mark and line feed."""
    return (len(line) if line.isascii() else len(line.encode())) + 2


def _file_bytes(line: str) -> int:
    """The size in a file's line, which nobody has checked; 0 if there is none."""
    before, _, rest = line.rpartition('",')  # behind the root; behind the path if there is no root
    size = before.rpartition(',"')[0].rpartition(",")[2] if rest.count(",") else rest[:-1]
    return int(size) if size.isascii() and size.isdigit() and len(size) <= _MOST_DIGITS else 0
