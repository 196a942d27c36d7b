"""ZIPs that are written in one go: read back by zipfile, and as long as was said."""

from __future__ import annotations

import io
import struct
import tracemalloc
import unittest
import zipfile
from zlib import crc32

from roles.web.zip_layout import Member, ZipWriter, zip_length

TIME = (2026, 11, 30, 18, 30, 58)
CONTENTS = {
    "lesson/": b"",
    "lesson/empty/": b"",
    "lesson/a.txt": b"hello",
    "lesson/Ü 日本語 e\u0301.txt": b"x" * 70_000,
    "lesson/nothing": b"",
    "lesson/run": b"#!/bin/sh\n",
}
GIB = 1 << 30


def written(contents: dict[str, bytes]) -> bytes:
    members = [
        Member(name, len(data), 1_764_500_000, TIME, name.endswith("run"))
        for name, data in contents.items()
    ]
    writer, out = ZipWriter(), io.BytesIO()
    for member, data in zip(members, contents.values(), strict=True):
        out.write(writer.begin(member) + data + writer.ended(crc32(data)))
    out.write(b"".join(writer.finish(members)))
    assert zip_length(members) == len(out.getvalue())
    return out.getvalue()


class ZipLayoutTest(unittest.TestCase):
    def test_it_is_read_back_as_it_was(self) -> None:
        with zipfile.ZipFile(io.BytesIO(written(CONTENTS))) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual({name: archive.read(name) for name in archive.namelist()}, CONTENTS)
            for info in archive.infolist():
                self.assertEqual(info.date_time, TIME)
                self.assertEqual(info.is_dir(), info.filename.endswith("/"))
            modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        self.assertEqual(modes["lesson/run"], 0o100755)
        self.assertEqual(modes["lesson/a.txt"], 0o100644)
        self.assertEqual(modes["lesson/"], 0o40755)

    def test_an_archive_of_nothing_is_one(self) -> None:
        with zipfile.ZipFile(io.BytesIO(written({}))) as archive:
            self.assertEqual(archive.namelist(), [])

    def test_more_members_than_16_bits_count_are_listed(self) -> None:
        contents = {f"{number}": b"" for number in range(70_000)}
        with zipfile.ZipFile(io.BytesIO(written(contents))) as archive:
            self.assertEqual(len(archive.namelist()), 70_000)

    def test_while_it_is_written_little_is_kept_of_each_member(self) -> None:
        writer = ZipWriter()
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for number in range(10_000):
            writer.begin(Member(f"{number:0200}"))
            writer.ended()
        self.assertLess(tracemalloc.get_traced_memory()[0], 100_000)  # their names: 2,000,000

    def test_sizes_and_offsets_beyond_32_bits_are_listed(self) -> None:
        members = [Member("a", 5 * GIB), Member("b", 1), Member("c", 4 * GIB - 1), Member("d", 3)]
        writer, length = ZipWriter(), 0
        for member in members:
            length += len(writer.begin(member)) + member.size + len(writer.ended(0))
        listing = b"".join(writer.finish(members))
        self.assertEqual(zip_length(members), length + len(listing))
        # zipfile reads what is at the end, as if the gap before it were the files.
        with zipfile.ZipFile(_AfterGap(length, listing)) as archive:
            infos = archive.infolist()
        self.assertEqual([info.file_size for info in infos], [member.size for member in members])
        self.assertEqual(infos[1].header_offset, 5 * GIB + len(writer.begin(members[0])) + 24)
        self.assertGreater(infos[3].header_offset, 9 * GIB - 1)

    def test_sizes_stand_before_the_bytes_and_checksums_behind_them(self) -> None:
        writer = ZipWriter()
        head, tail = writer.begin(Member("a", 5)), writer.ended(0x01020304)
        self.assertEqual(struct.unpack_from("<LLL", head, 14), (0, 5, 5))
        self.assertEqual(tail, b"PK\7\10" + struct.pack("<LLL", 0x01020304, 5, 5))

    def test_times_that_the_format_lacks_become_its_first_or_last(self) -> None:
        for moment, shown in (((1970, 1, 1, 0, 0, 0), 1980), ((2200, 1, 1, 0, 0, 0), 2107)):
            writer = ZipWriter()
            member = Member("a", 0, 1 << 40, moment)
            data = writer.begin(member) + writer.ended() + b"".join(writer.finish([member]))
            self.assertEqual(len(data), zip_length([member]))
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                self.assertEqual(archive.infolist()[0].date_time[0], shown)

    def test_a_time_before_1970_has_no_field_that_some_would_read_as_2106(self) -> None:
        for mtime, has_field in ((-1, False), (0, True), ((1 << 31) - 1, True), (1 << 31, False)):
            with self.subTest(mtime=mtime):
                member = Member("a", 0, mtime)
                head = ZipWriter().begin(member)
                self.assertEqual(b"UT\5\0" in head, has_field)


class _AfterGap(io.BytesIO):
    """A file that begins with so many bytes that nobody reads."""

    def __init__(self, gap: int, data: bytes) -> None:
        super().__init__(data)
        self._gap, self._size = gap, len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        place = offset + (0, self.tell(), self._gap + self._size)[whence]
        super().seek(max(0, place - self._gap))
        return place

    def tell(self) -> int:
        return super().tell() + self._gap


if __name__ == "__main__":
    unittest.main()
