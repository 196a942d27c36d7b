"""Chromium: from the tracker's page to a file, a ZIP and the program; nothing shared ever runs."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import ClassVar

from tests.clients.browser import Browser
from tests.clients.client import ClientTest
from tests.clients.lesson import PAGE, PAGE_TEXT, Served, files_of, pyz, served

PICTURES = "LMK_PICTURES"  # in the environment: a folder that keeps the pictures of the pages
WIDTHS = (390, 1280)  # of a phone, of a lab computer


class BrowserTest(ClientTest):
    served: ClassVar[Served]
    program: ClassVar[bytes]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        path = pyz()
        cls.addClassCleanup(shutil.rmtree, path.parent)
        cls.program = path.read_bytes()
        program = (sys.executable, str(path))
        cls.served = cls.enterClassContext(served(program=program))

    def browser(self, *options: str) -> Browser:
        self.need("chromium")
        downloads = self.folder / "downloads"
        downloads.mkdir()
        return self.enterContext(Browser(self.folder / "profile", downloads, *options))

    def test_a_click_on_a_file_brings_its_bytes_under_its_name(self) -> None:
        browser = self.browser()
        browser.open(self.served.tracker)
        browser.follow("Open")
        for name in ("100% & mehr #2?.txt", "<script>alert(1)<script>.txt", "&amp;&lt;.txt"):
            with self.subTest(name=name):
                suggested, content = browser.download(name)
                self.assertEqual(content, (self.served.folder / name).read_bytes())
                # Chromium replaces what a file of Windows cannot have.
                kept = "".join("_" if sign in '<>:"/\\|?*' else sign for sign in name)
                self.assertEqual(suggested, kept)

    def test_sub_folders_are_pages_and_lead_back(self) -> None:
        browser = self.browser()
        browser.open(self.served.tracker)
        browser.follow("Open")
        browser.follow("Übung 1")
        browser.follow("日本語")
        suggested, content = browser.download("e\u0301te\u0301 (NFD).txt")
        self.assertIn(b"NFD", content)
        self.assertIn("NFD", suggested)
        browser.follow("Übung 1")
        self.assertIn("Übung 1.txt", browser.links())

    def test_a_click_on_zip_brings_the_folder(self) -> None:
        browser = self.browser()
        browser.open(self.served.tracker)
        suggested, content = browser.download("ZIP")
        self.assertEqual(suggested, f"{self.served.folder.name}.zip")
        zipfile.ZipFile(io.BytesIO(content)).extractall(self.folder / "unpacked")
        (top,) = (self.folder / "unpacked").iterdir()
        self.assertEqual(files_of(top), files_of(self.served.folder))

    def test_a_click_on_download_brings_the_program_that_runs(self) -> None:
        browser = self.browser()
        browser.open(self.served.tracker)
        suggested, content = browser.download("Download")
        self.assertTrue(suggested.endswith(".pyz"), suggested)
        self.assertEqual(content, self.program)

    def test_a_shared_page_is_downloaded_and_never_runs(self) -> None:
        browser = self.browser()
        browser.open(self.served.tracker)
        browser.follow("Open")
        title = browser.value("document.title")
        suggested, content = browser.download(PAGE)
        self.assertEqual((suggested, content), (PAGE, PAGE_TEXT))
        self.assertEqual(browser.value("document.title"), title)
        self.assertEqual(browser.open(self.served.file(PAGE)), "net::ERR_ABORTED")
        self.assertEqual(browser.downloaded()[1], PAGE_TEXT)
        self.assertNotEqual(browser.value("document.title"), "It runs")

    def test_a_shared_page_never_runs_within_another_page(self) -> None:
        browser = self.browser()
        browser.open("data:text/html,<title>outer</title>")
        for tag, source in (("iframe", "src"), ("object", "data"), ("script", "src")):
            with self.subTest(tag=tag):
                browser.events.clear()
                browser.value(
                    f"(() => {{ const one = document.createElement('{tag}');"
                    f"one.{source} = '{self.served.file(PAGE)}'; document.body.append(one) }})()"
                )
                browser.wait_for("Network.loadingFailed", "Browser.downloadWillBegin")
                self.assertEqual(browser.value("document.title"), "outer")

    def test_a_page_of_somebody_else_cannot_read_ours(self) -> None:
        browser = self.browser()
        browser.open("data:text/html,<title>outer</title>")
        for address in (self.served.tracker + "/", self.served.page(), self.served.file(PAGE)):
            with self.subTest(address=address):
                told = browser.value(f"fetch({address!r}).then(() => 'read', () => 'refused')")
                self.assertEqual(told, "refused")

    def test_a_name_that_was_made_to_mean_this_computer_is_refused(self) -> None:
        port = self.served.tracker.rpartition(":")[2]
        browser = self.browser("--host-resolver-rules=MAP evil.example 127.0.0.1")
        browser.open(f"http://evil.example:{port}/")
        self.assertEqual(browser.status, 421)
        self.assertNotIn("Open", browser.links())

    def test_no_page_scrolls_sideways_or_breaks_its_own_rules(self) -> None:
        browser = self.browser()
        folder = Path(os.environ.get(PICTURES) or tempfile.mkdtemp(dir=self.folder))
        pages = {
            "start": self.served.tracker + "/",
            "room": self.served.tracker + "/room",
            "folder": self.served.page(),
            "many": self.served.page("many"),
            "missing": f"{self.served.tracker}/no-such-page",
        }
        for width in WIDTHS:
            for is_dark in (False, True):
                browser.look(width, is_dark=is_dark)
                for name, address in pages.items():
                    with self.subTest(name=name, width=width, is_dark=is_dark):
                        browser.open(address)
                        shade = "dark" if is_dark else "light"
                        browser.picture(folder / f"{name}-{width}-{shade}.png")
                        self.assertLessEqual(
                            browser.value("document.documentElement.scrollWidth"), width
                        )
                        self.assertTrue(browser.value("document.styleSheets.length"))
                        self.assertEqual(browser.complaints(), [])

    def test_a_folder_that_does_not_exist_is_said_to_be_missing(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.served.page("no such folder"), timeout=10)
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()
