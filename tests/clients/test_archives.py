"""unzip, 7z, bsdtar and busybox read the ZIP of a folder, from a pipe too, also above 4 GiB."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

from tests.clients.client import ClientTest
from tests.clients.lesson import Served, files_of, folders_of, served

GIB = 1 << 30


class ZipTest(ClientTest):
    served: ClassVar[Served]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.served = cls.enterClassContext(served())

    def setUp(self) -> None:
        super().setUp()
        self.zip = self.folder / "all.zip"
        told = self.run_client(
            *("curl", "-fsSL", "-o", self.zip, "-w", "%header{content-length}"), self.served.zip()
        )
        self.assertEqual(int(told), self.zip.stat().st_size)

    def check(self, unpacked: Path, *, form: Literal["", "NFC"] = "") -> None:
        """It has one folder, with every file and every folder of ours; where the client changes
        the form of letters, with their names in that one.
        """
        (top,) = unpacked.iterdir()
        files, folders = files_of(self.served.folder), folders_of(self.served.folder)
        if form:
            files = {unicodedata.normalize(form, name): one for name, one in files.items()}
        self.assertEqual(files_of(top), files)
        self.assertEqual(folders_of(top), folders)

    def test_unzip_finds_no_fault_and_unpacks_all(self) -> None:
        self.assertIn(b"No errors detected", self.run_client("unzip", "-t", self.zip))
        self.run_client("unzip", "-q", self.zip, "-d", self.folder / "out")
        self.check(self.folder / "out")

    def test_7z_finds_no_fault_and_unpacks_all(self) -> None:
        self.assertIn(b"Everything is Ok", self.run_client("7z", "t", self.zip))
        self.run_client("7z", "x", f"-o{self.folder / 'out'}", self.zip)
        self.check(self.folder / "out")

    def test_bsdtar_unpacks_all_from_a_file(self) -> None:
        (self.folder / "out").mkdir()
        self.run_client("bsdtar", "-xf", self.zip, "-C", self.folder / "out")
        self.check(self.folder / "out", form="NFC")

    def test_bsdtar_unpacks_all_from_a_pipe(self) -> None:
        self.need("bsdtar")
        out = self.folder / "out"
        out.mkdir()
        self.run_pipe('curl -fsSL "$URL" | bsdtar -xf - -C "$OUT"', URL=self.served.zip(), OUT=out)
        self.check(out, form="NFC")

    def test_busybox_unpacks_all(self) -> None:
        self.run_client("busybox", "unzip", "-q", self.zip, "-d", self.folder / "out")
        self.check(self.folder / "out")

    def test_a_sub_folder_has_a_zip_of_its_own(self) -> None:
        self.run_client("curl", "-fsSL", "-o", self.zip, self.served.zip("Übung 1"))
        self.run_client("unzip", "-q", self.zip, "-d", self.folder / "out")
        (top,) = (self.folder / "out").iterdir()
        self.assertEqual(top.name, "Übung 1")
        self.assertEqual(files_of(top), files_of(self.served.folder / "Übung 1"))

    def test_a_zip_that_broke_off_is_known_to_be_broken(self) -> None:
        whole = self.zip.read_bytes()
        self.zip.write_bytes(whole[: len(whole) // 2])
        self.run_client("unzip", "-tq", self.zip, code=9)


class LargeZipTest(ClientTest):
    """One file of 5 GiB, nearly all of it a hole."""

    served: ClassVar[Served]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        name = cls.enterClassContext(TemporaryDirectory(prefix="lmk-clients-"))
        shared = Path(name) / "Large"
        shared.mkdir()
        with (shared / "a.img").open("wb") as file:
            file.write(b"begin")
            file.seek(5 * GIB - 3)
            file.write(b"end")
        (shared / "behind.txt").write_bytes(b"This begins behind 4 GiB.")
        cls.served = cls.enterClassContext(served(shared=shared))

    def test_all_of_them_read_files_and_places_above_4_gib(self) -> None:
        kept = self.folder / "large.zip"
        self.run_pipe(
            'curl -fsSL "$URL" | dd "of=$KEPT" bs=1M iflag=fullblock conv=sparse status=none',
            URL=self.served.zip(),
            KEPT=kept,
        )
        self.assertGreater(kept.stat().st_size, 5 * GIB)
        self.assertIn(b"Everything is Ok", self.run_client("7z", "t", kept))
        for words in (("bsdtar", "-tvf", kept), ("unzip", "-l", kept)):  # unzip -t takes minutes
            with self.subTest(client=words[0]):
                self.assertIn(str(5 * GIB).encode(), self.run_client(*words))
        for words in (("bsdtar", "-xOf", kept), ("unzip", "-p", kept)):
            with self.subTest(client=words[0]):
                text = self.run_client(*words, "Large/behind.txt")
                self.assertEqual(text, b"This begins behind 4 GiB.")
