"""curl, wget and aria2: whole files, parts, resuming, whole folders; and what they are refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

from tests.clients.client import ClientTest
from tests.clients.lesson import BIG, NAMES, Served, files_of, served

HALF = 20_000_000
FAILED = 22  # how curl --fail ends for a status from 400 on


class DownloadTest(ClientTest):
    served: ClassVar[Served]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.served = cls.enterClassContext(served())
        cls.big = (cls.served.folder / BIG).read_bytes()

    big: ClassVar[bytes]

    def curl(self, *arguments: str | Path, code: int = 0) -> bytes:
        """It follows the tracker's redirects, and fails for a status from 400 on."""
        return self.run_client("curl", "-fsSL", *arguments, code=code)

    def told(self, *arguments: str | Path, what: str = "%{http_code}") -> str:
        """What curl says about an answer whatever its status; the answer itself is in `body`."""
        words = ("-sSL", "-o", self.folder / "body", "-w", what, *arguments)
        return self.run_client("curl", *words).decode()


class CurlTest(DownloadTest):
    def test_each_file_has_its_bytes_whatever_its_name(self) -> None:
        for name in (*NAMES, "empty.txt"):
            with self.subTest(name=name):
                content = (self.served.folder / name).read_bytes()
                self.assertEqual(self.curl(self.served.file(name)), content)

    def test_the_tracker_sends_a_reader_to_the_seeder(self) -> None:
        at = self.told("--max-redirs", "1", self.served.file(BIG), what="%{url_effective}")
        self.assertTrue(at.startswith(self.served.seeder + "/s/"), at)

    def test_it_resumes_what_it_has_half_of(self) -> None:
        kept = self.folder / BIG
        kept.write_bytes(self.big[:HALF])
        words = ("-C", "-", "-o", kept, "-w", "%{size_download} %{http_code}")
        told = self.curl(*words, self.served.file(BIG))
        self.assertEqual(told.decode(), f"{len(self.big) - HALF} 206")
        self.assertEqual(kept.read_bytes(), self.big)

    def test_it_resumes_nothing_that_it_has_all_of(self) -> None:
        kept = self.folder / BIG
        kept.write_bytes(self.big)
        # 416 is how a server says that there is nothing behind the end; curl takes it for success.
        self.run_client("curl", "-sSL", "-C", "-", "-o", kept, self.served.file(BIG))
        self.assertEqual(kept.read_bytes(), self.big)

    def test_it_gets_any_part(self) -> None:
        last = len(self.big) - 1
        for asked, part in (
            ("0-0", self.big[:1]),
            ("5-9", self.big[5:10]),
            ("-7", self.big[-7:]),
            (f"{HALF}-", self.big[HALF:]),
            (f"{last}-99999999999", self.big[last:]),
            (f"0-{last}", self.big),
        ):
            with self.subTest(asked=asked):
                told = self.told("-r", asked, self.served.file(BIG))
                self.assertEqual(told, "206")
                self.assertEqual((self.folder / "body").read_bytes(), part)

    def test_what_is_not_there_is_no_part(self) -> None:
        for asked in (f"{len(self.big)}-", "999999999999999999-", "-0"):
            with self.subTest(asked=asked):
                self.assertEqual(self.told("-r", asked, self.served.file(BIG)), "416")

    def test_what_it_has_already_is_not_sent_again(self) -> None:
        tag = self.told(self.served.file(BIG), what="%header{etag}")
        self.assertRegex(tag, '^"[0-9a-f]{64}"$')
        same = self.told("-H", f"If-None-Match: {tag}", self.served.file(BIG))
        self.assertEqual(same, "304")
        other = self.told("-H", 'If-None-Match: "0"', self.served.file(BIG))
        self.assertEqual(other, "200")

    def test_a_part_of_another_version_brings_the_whole(self) -> None:
        words = ("-r", "5-9", "-H", 'If-Range: "0"', self.served.file(BIG))
        self.assertEqual(self.told(*words), "200")
        self.assertEqual((self.folder / "body").read_bytes(), self.big)

    def test_head_tells_the_size_and_sends_nothing(self) -> None:
        told = self.told("-I", self.served.file(BIG), what="%header{content-length}")
        self.assertEqual(told, str(len(self.big)))

    def test_nothing_is_given_to_a_name_that_is_not_ours(self) -> None:
        for at in (self.served.tracker, self.served.seeder):
            port = at.rpartition(":")[2]
            for host in (
                "evil.example",
                f"127.0.0.1.nip.io:{port}",
                f"evil.example:{port}",
                "[::1]",
            ):
                with self.subTest(at=at, host=host):
                    told = self.told("-H", f"Host: {host}", f"{at}/s/{self.served.path}/")
                    self.assertEqual(told, "421")
                    self.assertNotIn(b"Read me", (self.folder / "body").read_bytes())

    def test_nothing_but_reading_is_allowed(self) -> None:
        for at in (self.served.tracker, self.served.seeder):
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
                with self.subTest(at=at, method=method):
                    told = self.told("-X", method, f"{at}/s/{self.served.path}/")
                    self.assertEqual(told, "405")

    def test_many_files_come_over_one_connection(self) -> None:
        addresses = [
            f"{self.served.seeder}/s/{self.served.path}/many/{n:03}.txt" for n in range(99)
        ]
        words = [word for one in addresses for word in ("-o", "/dev/null", one)]
        counts = self.run_client("curl", "-fsS", "-w", "%{num_connects}", *words)
        self.assertEqual(counts, b"1" + b"0" * 98)


class WgetTest(DownloadTest):
    def test_it_resumes_a_file(self) -> None:
        (self.folder / BIG).write_bytes(self.big[:HALF])
        self.run_client("wget", "-q", "-c", self.served.file(BIG))
        self.assertEqual((self.folder / BIG).read_bytes(), self.big)

    def test_it_finds_every_file_of_a_folder_by_its_links(self) -> None:
        words = (
            "-q",
            "-r",
            "-l",
            "inf",
            "-nH",
            "-I",
            "/s",
            "--cut-dirs=3",
            "--reject",
            "index.html*",
        )
        names = ("--restrict-file-names=nocontrol", "--local-encoding=UTF-8")
        start = f"{self.served.seeder}/s/{self.served.path}/"
        self.run_client("wget", *words, *names, start)
        arrived, wanted = files_of(self.folder), files_of(self.served.folder)
        # In a name that has %41 in it, wget makes that an A.
        missing = {name for name in wanted.keys() - arrived.keys() if "%41" not in name}
        self.assertEqual(missing, set())
        self.assertEqual(Counter(arrived.values()), Counter(wanted.values()))


class Aria2Test(DownloadTest):
    def test_four_connections_bring_one_file(self) -> None:
        words = ("-q", "-x4", "-s4", "-k1M", "--file-allocation=none", f"--out={BIG}")
        self.run_client("aria2c", *words, self.served.file(BIG))
        self.assertEqual((self.folder / BIG).read_bytes(), self.big)

    def test_it_goes_on_where_it_was_killed(self) -> None:
        words = "aria2c -q -x2 -s2 -k1M --file-allocation=none --auto-save-interval=0"
        slowly = f"timeout -s INT 3 {words} --max-overall-download-limit=4M"
        line = f"{slowly} --out={BIG} $URL; test -e {BIG}.aria2 && {words} -c --out={BIG} $URL"
        self.need("aria2c")
        self.run_pipe(line, URL=self.served.file(BIG))
        self.assertEqual((self.folder / BIG).read_bytes(), self.big)
