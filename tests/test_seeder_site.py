"""A seeder's folder in a browser: every URL, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import re
import socket
import sys
import unittest
import zipfile
from hashlib import sha256
from types import SimpleNamespace
from typing import ClassVar, cast
from unittest import mock
from urllib.parse import quote

from roles.seeder import Seeder
from roles.sharing.folder_library import FolderLibrary
from roles.values.addresses import Address
from roles.values.content import chunk_size_for, root_of
from roles.values.events import DownloadState
from roles.web import seeder_site
from roles.web.http_wire import RequestReader
from roles.web.page import STYLE_SHA256
from roles.web.seeder_site import MOST_REST_S, RESTS, SeederSite
from tests.crowd import Crowd
from tests.role_test import Running, SeederTest, content_of, order, wait_for_end
from tests.site_test import Answer, SiteTest
from tests.support import LIMIT_S, wait_until

CROWD = 90


class SeederSiteTest(SiteTest):
    FILES: ClassVar[dict[str, bytes]] = {
        **SiteTest.FILES,
        "<script>alert(1)<": b"script",
        "page.html": b"<script>alert(1)</script>",
        "big": os.urandom(700_000),
    }

    def setUp(self) -> None:
        super().setUp()
        (self.shared / "Ü" / "nothing").mkdir()
        self.seeding = self.offering()
        self.top = self.get("/").headers.get("Location") or ""
        wait_until(lambda: self.get(self.top).body.count(b"<tr><td>") == len(self.FILES) + 1)

    def file(self, name: str, **headers: str) -> Answer:
        return self.get(self.top + quote(name), **headers)

    # Pages

    def test_the_port_s_first_page_is_the_folder(self) -> None:
        first = self.get("/")
        self.assertEqual(first.status, 307)
        self.assertRegex(self.top, "^/s/[0-9a-f]{16}/shared/$")
        share = self.top.removesuffix("shared/")
        for url in (share, share.removesuffix("/"), self.top.removesuffix("/")):
            self.assertEqual(self.get(url).headers.get("Location"), self.top, url)

    def test_a_page_lists_the_folder_and_runs_nothing(self) -> None:
        page = self.get(self.top)
        self.assertEqual((page.status, page.headers.get("Cache-Control")), (200, "no-store"))
        self.assertIn(f"sha256-{STYLE_SHA256}", page.headers.get("Content-Security-Policy") or "")
        html = page.body.decode()
        self.assertNotIn("<script", html)
        hrefs = re.findall('<td><a href="([^"]*)"', html)
        self.assertEqual(len(hrefs), len(self.FILES) + 1)
        for href in hrefs:
            self.assertEqual(self.get(self.top + href.removeprefix("./")).status, 200, href)
        self.assertIn(f'href="http://127.0.0.1:{self.room.port}/"', html)

    def test_folders_below_have_pages_too(self) -> None:
        page = self.get(self.top + quote("Ü/e\u0301/"))
        self.assertEqual(page.status, 200)
        self.assertIn(quote("日本語"), page.body.decode())
        self.assertIn(
            "This folder is empty.", self.get(self.top + quote("Ü/nothing/")).body.decode()
        )
        self.assertEqual(
            self.get(self.top + quote("Ü")).headers.get("Location"), self.top + quote("Ü/")
        )

    def test_only_names_that_were_read_are_found(self) -> None:
        (self.folder / "secret").write_bytes(b"secret")
        share = self.top.split("/")[2]
        for url in (
            "/x",
            "/s",
            "/s/",
            f"/s/{share}/other/",
            "/s/0000000000000000/shared/",
            self.top + "../secret",
            self.top + "..%2Fsecret",
            self.top + "a/",
            self.top + "a%00",
            self.top + "/a",
            self.top + "./a",
            self.top + "A",
            self.top + "big%2F",
            self.top + quote("Ü/e\u0301/../../a"),
            f"/s/{share}/shared//a",
            f"/s/{share}/%2e%2e/secret",
            "/etc/passwd",
            f"/z/{share}/shared/a.zip",
            f"/z/{share}/",
            "/z",
            "/favicon.ico",
        ):
            answer = self.get(url)
            self.assertEqual((url, answer.status), (url, 404))
            self.assertNotIn(b"secret", answer.body)

    def test_other_hosts_and_methods_are_refused(self) -> None:
        for host in ("evil.example", "localhost.evil.example", "[::1]:80"):
            self.assertEqual(self.get(self.top, Host=host).status, 421, host)
        for host in ("localhost", socket.gethostname(), f"{socket.gethostname()}.local:80"):
            self.assertEqual(self.get(self.top, Host=host).status, 200, host)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            self.assertEqual(self.get(self.top, method=method).status, 405, method)

    # Files

    def test_a_file_comes_whole_to_be_stored_and_never_shown(self) -> None:
        for name, content in self.FILES.items():
            answer = self.file(name)
            self.assertEqual((name, answer.status), (name, 200))
            self.assertTrue(answer.body == content, name)
            self.assertIn("attachment", answer.headers.get("Content-Disposition") or "")
            self.assertEqual(answer.headers.get("Content-Type"), "application/octet-stream")
            self.assertEqual(
                answer.headers.get("Content-Security-Policy"), "default-src 'none'; sandbox"
            )
            self.assertEqual(answer.headers.get("X-Content-Type-Options"), "nosniff")
        self.assertEqual(self.get(self.top + quote("Ü/e\u0301/日本語")).body, b"deep")

    def test_its_tag_is_the_root_that_leechers_know(self) -> None:
        big = self.FILES["big"]
        step = chunk_size_for(len(big))
        parts = (big[start : start + step] for start in range(0, len(big), step))
        root = root_of(len(big), step, b"".join(sha256(part).digest() for part in parts))
        self.assertEqual(self.file("big").headers.get("ETag"), f'"{root.hex()}"')

    def test_ranges_are_parts_of_it(self) -> None:
        big = self.FILES["big"]
        for asked, start, end in (
            ("bytes=0-", 0, 700_000),
            ("bytes=1-1", 1, 2),
            ("bytes=600000-", 600_000, 700_000),
            ("bytes=-70000", 630_000, 700_000),
            ("bytes=5-300000", 5, 300_001),
        ):
            answer = self.file("big", Range=asked)
            self.assertEqual(answer.status, 206)
            self.assertTrue(answer.body == big[start:end], asked)
            self.assertEqual(answer.headers.get("Content-Range"), f"bytes {start}-{end - 1}/700000")
        self.assertEqual(self.file("big", Range="bytes=700000-").status, 416)
        self.assertEqual(self.file("empty", Range="bytes=0-").status, 416)

    def test_it_is_continued_and_not_sent_again(self) -> None:
        whole = self.file("big")
        tag, modified = whole.headers.get("ETag") or "", whole.headers.get("Last-Modified") or ""
        again = self.file("big", If_None_Match=tag)
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(self.file("big", If_Modified_Since=modified).status, 304)
        self.assertEqual(self.file("big", Range="bytes=9-", If_Range=tag).status, 206)
        self.assertEqual(self.file("big", Range="bytes=9-", If_Range='"0"').status, 200)
        self.assertEqual(self.file("big", Range="bytes=9-", If_Match='"0"').status, 412)

    def test_head_says_the_same_without_the_bytes(self) -> None:
        for url in (self.top, self.top + "big", self.top + "gone", self.zip_url()):
            with_body, without = self.get(url), self.get(url, method="HEAD")
            self.assertEqual(with_body.status, without.status)
            self.assertEqual(with_body.headers.items(), without.headers.items())
            self.assertEqual(without.body, b"")

    def test_a_changed_file_is_not_served_under_its_old_tag(self) -> None:
        tag = self.file("big").headers.get("ETag")
        new = os.urandom(700_000)
        (self.shared / "big").write_bytes(new)
        self.assertNotEqual(self.file("big").headers.get("ETag"), tag)
        wait_until(lambda: self.file("big").status == 200)
        answer = self.file("big")
        self.assertTrue(answer.body == new)
        self.assertNotEqual(answer.headers.get("ETag"), tag)
        self.assertEqual(self.file("big", If_None_Match=tag or "").status, 200)

    # ZIP

    def zip_url(self, path: str = "") -> str:
        name = path.rpartition("/")[2] or "shared"
        between = f"{path}/" if path else ""
        return self.top.replace("/s/", "/z/", 1) + quote(f"{between}{name}.zip")

    def test_a_folder_comes_as_zip_with_empty_files_and_folders(self) -> None:
        answer = self.get(self.zip_url())
        self.assertEqual(answer.status, 200)
        self.assertEqual(int(answer.headers.get("Content-Length") or 0), len(answer.body))
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            self.assertIsNone(archive.testzip())
            found = {name: archive.read(name) for name in archive.namelist()}
        deep = {
            "Ü/": b"",
            "Ü/nothing/": b"",
            "Ü/e\u0301/": b"",
            "Ü/e\u0301/日本語": b"deep",
            "": b"",
        }
        self.assertEqual(
            found, {f"shared/{name}": data for name, data in (self.FILES | deep).items()}
        )

    def test_a_sub_folder_comes_as_zip_under_its_own_name(self) -> None:
        answer = self.get(self.zip_url("Ü"))
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            self.assertIn("Ü/e\u0301/日本語", archive.namelist())
        share = self.top.split("/")[2]
        self.assertEqual(self.get(f"/z/{share}/shared.zip").status, 200)

    def test_a_zip_has_no_ranges(self) -> None:
        answer = self.get(self.zip_url(), Range="bytes=5-")
        self.assertEqual((answer.status, answer.headers.get("Accept-Ranges")), (200, "none"))

    def test_a_zip_never_mixes_what_was_read_with_what_came_later(self) -> None:
        (self.shared / "big").write_bytes(b"other")
        with contextlib.suppress(http.client.IncompleteRead):  # it breaks off, or
            answer = self.get(self.zip_url())
            if answer.status == 200:  # it has the new file, or
                with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
                    self.assertEqual(archive.read("shared/big"), b"other")
            else:  # it is told to come again.
                self.assertEqual(answer.status, 503)

    # The connection

    def test_one_connection_serves_many_requests(self) -> None:
        link = http.client.HTTPConnection(*self.seeding.address, timeout=LIMIT_S)
        self.addCleanup(link.close)
        for _ in range(50):
            link.request("GET", self.top + "a")
            self.assertTrue(link.getresponse().read() == self.CONTENT)

    def test_leechers_are_served_as_before(self) -> None:
        self.assert_serves(self.seeding)

    def test_a_download_loses_nothing_beside_many_bad_browsers(self) -> None:
        (self.shared / "film").write_bytes(content_of(20_000_000))
        wait_until(lambda: self.file("film").status == 200)
        with Crowd(self.seeding.address, self.top + "film", CROWD):
            leecher = self.leecher(self.make_folder("taken"), self.room)
            order(leecher, "film", "big")
            for name in ("film", "big"):
                self.assertIs(wait_for_end(leecher, name).state, DownloadState.DONE)
        taken = self.folder / "taken"
        self.assertTrue((taken / "film").read_bytes() == content_of(20_000_000))
        self.assertTrue((taken / "big").read_bytes() == self.FILES["big"])


class OtherIdTest(unittest.TestCase):
    def test_a_share_answers_also_by_the_id_under_which_the_tracker_lists_it(self) -> None:
        own, listed = "a" * 16, ""
        library = cast("FolderLibrary", SimpleNamespace(share_id=own, name="shared"))
        site = SeederSite(
            library, lambda: Address("127.0.0.1", 12500), lambda: listed, lambda: True
        )
        self.assertTrue(site.is_share(own))
        self.assertFalse(site.is_share(""))
        self.assertFalse(site.is_share("b" * 16))
        listed = "b" * 16
        self.assertTrue(site.is_share(own))
        self.assertTrue(site.is_share("b" * 16))


class RestTest(unittest.TestCase):
    def rests(self, *, serves_leechers: bool) -> list[float]:
        """What the site sleeps before three answers, which take 0.02, 5 and 0 s."""
        library = mock.Mock(spec=FolderLibrary)
        library.share_id, library.name = "00112233445566aa", "lesson"
        tracker = Address("127.0.0.1", 12500)
        site = SeederSite(library, lambda: tracker, lambda: "", lambda: serves_leechers)
        reader = RequestReader()
        with mock.patch.object(seeder_site, "time") as time:
            time.monotonic.return_value = 100.0
            time.thread_time.side_effect = (0.0, 0.02, 0.0, 5.0, 0.0, 0.0)
            for _ in range(3):
                reader.feed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                request = reader.next()
                assert request is not None
                site.answer(request)
        return [call.args[0] for call in time.sleep.call_args_list]

    def test_who_asks_in_a_loop_leaves_most_of_the_processor_to_leechers(self) -> None:
        first, second, third = self.rests(serves_leechers=True)
        self.assertEqual(first, 0.0)
        self.assertGreaterEqual(second, RESTS * 0.02)
        self.assertEqual(third, MOST_REST_S)

    def test_without_leechers_nothing_rests(self) -> None:
        self.assertEqual(self.rests(serves_leechers=False), [])


class WithoutBrowsersTest(SeederTest):
    def setUp(self) -> None:
        super().setUp()
        tracker = self.tracker()
        self.room, self.room_list = tracker.address, tracker.role._registry.room_list

    def told_lines(self) -> list[str]:
        """Those of a list that say that its seeder answers browsers."""
        shares = [self.room_list.share(share_id) for share_id, _ in self.room_list.owners()]
        return [line for share in shares if share for line in share.lines if line[2] == "w"]

    def test_a_seeder_that_answers_browsers_says_so_in_its_list(self) -> None:
        self.offering()
        self.assertEqual(self.told_lines(), ['["w"]'])

    def test_the_list_says_it_no_longer_when_the_seeder_starts_without(self) -> None:
        seeder = self.seeding(door=True)
        self.assertEqual(self.told_lines(), ['["w"]'])
        seeder.stop()
        self.seeding(door=False)
        self.assertEqual(self.told_lines(), [])

    def seeding(self, *, door: bool) -> Running[Seeder]:
        """A seeder that keeps the id of its share, and is on the list."""
        return self.seeder(self.shared, self.room, state_folder=self.folder / "state", door=door)

    def test_http_gets_no_answer_and_the_list_says_nothing_of_it(self) -> None:
        seeder = self.seeding(door=False)
        self.assertEqual(self.told_lines(), [])
        sock = self.dial(seeder.address)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        self.assert_hangs_up(sock)
        self.assert_serves(seeder)

    def test_browsers_that_cannot_be_served_any_more_end_no_seeder(self) -> None:
        """The program's own file may be gone by now."""
        seeder = self.seeding(door=True)
        with mock.patch.dict(sys.modules, {"roles.web.browser_uploads": None}):
            sock = self.dial(seeder.address)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self.assert_hangs_up(sock)
        self.assert_serves(seeder)


if __name__ == "__main__":
    unittest.main()
