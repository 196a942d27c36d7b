"""The files of one pack, while it arrives and afterwards."""

from __future__ import annotations

from unittest import mock

from roles.disk.arriving_file import ArrivingFile
from roles.disk.leftovers import pack_stored
from roles.disk.wanted_file import WantedFile
from roles.downloads import pack_unpacking
from roles.downloads.pack_unpacking import PackUnpacking
from roles.downloads.wanted_contents import WantedPack
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.events import FileEnded
from roles.values.settings import Existing
from tests.disks import DiskTestCase, described, some_bytes

CHUNK = MIN_CHUNK_SIZE
SIZE = CHUNK // 2  # of each file: two in each chunk
DATA = some_bytes(8 * SIZE)
CONTENT, DIGESTS = described(DATA)


class PackUnpackingTest(DiskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.is_halted = False
        self.files = [
            self.file(number, DATA[number * SIZE : (number + 1) * SIZE]) for number in range(8)
        ]
        self.source = ArrivingFile(self.folder, pack_stored(CONTENT), CONTENT)
        self.addCleanup(self.source.discard)
        self.source.write(0, memoryview(DATA))

    def file(self, number: int, data: bytes) -> WantedFile:
        name = f"f{number}"
        return WantedFile(name, (name,), described(data)[0], offset=number * SIZE)

    def unpacking(self, *files: WantedFile) -> PackUnpacking:
        wanted = WantedPack(CONTENT, files)
        return PackUnpacking(
            wanted, self.source, self.folder, Existing.SKIP, lambda: self.is_halted
        )

    def rest(self, unpacking: PackUnpacking, had: int) -> list[str]:
        return [end.name for end in unpacking.rest(had)]

    def ahead(self, unpacking: PackUnpacking, had: int) -> list[FileEnded]:
        return list(unpacking.ahead(had))

    def test_each_file_is_told_once_when_all_of_it_is_here(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.assertEqual(self.rest(unpacking, 0b0101), ["f0", "f1", "f4", "f5"])
        self.assertEqual(self.rest(unpacking, 0b0111), ["f2", "f3"])
        self.assertEqual([file.path for file in unpacking.wanted.files], ["f6", "f7"])
        self.assertEqual((self.folder / "f3").read_bytes(), DATA[3 * SIZE : 4 * SIZE])

    def test_little_is_not_unpacked_ahead(self) -> None:
        self.enterContext(mock.patch.object(pack_unpacking, "UNPACK_AT", 2 * CHUNK))
        unpacking = self.unpacking(*self.files)
        self.assertEqual(self.ahead(unpacking, 0b0001), [])
        self.assertEqual(len(self.ahead(unpacking, 0b0011)), 4)
        self.assertEqual(self.ahead(unpacking, 0b0111), [])

    def test_a_slow_disk_is_asked_for_the_rest_at_the_end(self) -> None:
        self.enterContext(mock.patch.object(pack_unpacking, "UNPACK_AT", CHUNK))
        self.enterContext(mock.patch.object(pack_unpacking, "SLOW_S", -1.0))
        unpacking = self.unpacking(*self.files)
        self.assertEqual(len(self.ahead(unpacking, 0b0001)), 2)
        self.assertEqual(self.ahead(unpacking, 0b0111), [])
        self.assertEqual(len(self.rest(unpacking, 0b1111)), 6)

    def test_what_is_not_as_listed_is_not_told_and_stays_wanted(self) -> None:
        other = self.file(1, bytes(SIZE))
        unpacking = self.unpacking(self.files[0], other, self.files[2])
        self.assertEqual(self.rest(unpacking, 0b1111), ["f0", "f2"])
        self.assertEqual(unpacking.wanted.files, (other,))
        self.assertFalse((self.folder / "f1").exists())

    def test_when_it_is_stopped_everything_stays_wanted_and_is_unpacked_later(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.is_halted = True
        self.assertEqual(self.rest(unpacking, 0b1111), [])
        self.is_halted = False
        self.assertEqual(len(unpacking.wanted.files), 8)
        self.assertEqual(len(self.rest(unpacking, 0b1111)), 8)

    def test_only_all_of_its_files_can_be_uploaded_as_the_pack(self) -> None:
        unpacking = self.unpacking(*self.files)
        self.rest(unpacking, 0b0111)
        self.assertIsNone(unpacking.holding(DIGESTS))
        self.rest(unpacking, 0b1111)
        holding = unpacking.holding(DIGESTS)
        assert holding is not None
        self.assertEqual((holding.content, holding.digests()), (CONTENT, DIGESTS))
        self.assertEqual([file.path for file in holding.members], [one.path for one in self.files])

    def test_a_pack_of_which_not_all_files_were_wanted_is_not_uploaded(self) -> None:
        unpacking = self.unpacking(*self.files[1:])
        self.rest(unpacking, 0b1111)
        self.assertEqual(unpacking.wanted.files, ())
        self.assertIsNone(unpacking.holding(DIGESTS))
