"""The bytes around the files of a ZIP that is written without seeking, and its length in advance.

Files are stored, because most of what is large is compressed already. Its size stands
before each, and its checksum after it, because that is known only when the file has been read.
Names are UTF-8; sizes, offsets and counts beyond 32 and 16 bits are ZIP64's (APPNOTE.TXT 6.3.10).
Pure.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Generator, Iterable
from dataclasses import dataclass

_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTOR = struct.Struct("<4s3L")
_DESCRIPTOR_64 = struct.Struct("<4sL2Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_TIME = struct.Struct("<2HBl")  # the field of Info-ZIP that is not in local time
_TIME_ID, _ZIP64_ID = 0x5455, 0x0001
_UTF8, _CHECKSUM_BEHIND = 1 << 11, 1 << 3
_PLAIN, _WITH_64 = 20, 45  # the version that reads it
_MADE_BY_UNIX = 3 << 8 | _WITH_64  # so that readers heed the rights
_FOLDER, _FILE, _PROGRAM = 0o40755, 0o100644, 0o100755
_IS_FOLDER = 0x10  # DOS's attribute
_FIRST, _LAST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # what DOS's clock can say


@dataclass(frozen=True, slots=True)
class Member:
    name: str  # "/" between names, and at the end of a folder's
    size: int = 0
    mtime: int = 0  # seconds since 1970
    local_time: tuple[int, ...] = _FIRST  # the same: year, month, day, hour, minute, second
    is_executable: bool = False

    @property
    def is_large(self) -> bool:
        return self.size >= _MAX_32


def zip_length(members: Iterable[Member]) -> int:
    """How many bytes a ZipWriter makes of them."""
    offset = central = count = 0
    for member in members:
        name, time = len(member.name.encode()), len(_time_field(member))
        central += _CENTRAL.size + name + time + len(_central_64(member, offset))
        offset += _LOCAL.size + name + time + len(_local_64(member)) + member.size
        offset += len(_descriptor(member, 0))
        count += 1
    return offset + central + len(_end(count, central, offset))


class ZipWriter:
    """Call begin() and ended() for each member in turn, then finish() with all of them again: many
    may be written at once, so the list of a large one is made only when it is sent.
    """

    def __init__(self) -> None:
        self._checksums = array("I")  # of all members so far
        self._member = Member("")

    def begin(self, member: Member) -> bytes:
        """What goes before the bytes of a file."""
        self._member = member
        return _head(member)

    def ended(self, checksum: int = 0) -> bytes:
        """What goes behind them. `checksum`: CRC-32."""
        self._checksums.append(checksum)
        return _descriptor(self._member, checksum)

    def finish(self, members: Iterable[Member]) -> Generator[bytes, None, None]:
        """The list of these, at the end, in pieces. They are those that were written."""
        offset = size = 0
        for member, checksum in zip(members, self._checksums, strict=True):
            entry = _entry(member, checksum, offset)
            yield entry
            size += len(entry)
            offset += len(_head(member)) + member.size + len(_descriptor(member, checksum))
        yield _end(len(self._checksums), size, offset)


def _head(member: Member) -> bytes:
    name, more = member.name.encode(), _time_field(member) + _local_64(member)
    sizes = [min(member.size, _MAX_32)] * 2
    return _LOCAL.pack(b"PK\3\4", *_kind(member), 0, *sizes, len(name), len(more)) + name + more


def _kind(member: Member) -> tuple[int, int, int, int, int]:
    """Version to read it, flags, method, and time and date in DOS's clock."""
    year, month, day, hour, minute, second = min(max(member.local_time, _FIRST), _LAST)
    flags = _UTF8 | (_CHECKSUM_BEHIND if member.size else 0)
    return (
        _WITH_64 if member.is_large else _PLAIN,
        flags,
        0,
        hour << 11 | minute << 5 | min(second, 59) // 2,
        (year - 1980) << 9 | month << 5 | day,
    )


def _time_field(member: Member) -> bytes:
    if not 0 <= member.mtime < 1 << 31:  # many readers would take those before 1970 for 2106
        return b""
    return _TIME.pack(_TIME_ID, 5, 1, member.mtime)


def _local_64(member: Member) -> bytes:
    return _zip64(member.size, member.size) if member.is_large else b""


def _central_64(member: Member, offset: int) -> bytes:
    sizes = (member.size, member.size) if member.is_large else ()
    return _zip64(*sizes, *([offset] if offset >= _MAX_32 else []))


def _zip64(*numbers: int) -> bytes:
    if not numbers:
        return b""
    return struct.pack(f"<2H{len(numbers)}Q", _ZIP64_ID, 8 * len(numbers), *numbers)


def _descriptor(member: Member, checksum: int) -> bytes:
    if not member.size:
        return b""
    pack = _DESCRIPTOR_64 if member.is_large else _DESCRIPTOR
    return pack.pack(b"PK\7\10", checksum, member.size, member.size)


def _entry(member: Member, checksum: int, offset: int) -> bytes:
    name, more = member.name.encode(), _time_field(member) + _central_64(member, offset)
    is_folder = member.name.endswith("/")
    rights = _FOLDER if is_folder else _PROGRAM if member.is_executable else _FILE
    version, *kind = _kind(member)
    entry = _CENTRAL.pack(
        b"PK\1\2",
        _MADE_BY_UNIX,
        _WITH_64 if offset >= _MAX_32 else version,
        *kind,
        checksum,
        *[min(member.size, _MAX_32)] * 2,
        len(name),
        len(more),
        0,
        0,
        0,
        rights << 16 | (_IS_FOLDER if is_folder else 0),
        min(offset, _MAX_32),
    )
    return entry + name + more


def _end(count: int, size: int, offset: int) -> bytes:
    """`size` and `offset`: of the list of all members."""
    end = b""
    if count >= _MAX_16 or size >= _MAX_32 or offset >= _MAX_32:
        end = _END_64.pack(
            b"PK\6\6", 44, _MADE_BY_UNIX, _WITH_64, 0, 0, count, count, size, offset
        ) + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
    counts, places = [min(count, _MAX_16)] * 2, (min(size, _MAX_32), min(offset, _MAX_32))
    return end + _END.pack(b"PK\5\6", 0, 0, *counts, *places, 0)
