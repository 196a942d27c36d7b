"""The page of a shared folder: links that lead where they say, and strangers' names as words."""

from __future__ import annotations

import re
import unittest

from roles.sharing.folder_tree import TreeFile, TreeFolder
from roles.web.folder_index import FolderIndex, IndexedFolder
from roles.web.folder_page import ENTRIES, FolderView, folder_page

NOV_30 = 1_764_500_000 * 10**9


def folder_of(*paths: str, folders: tuple[str, ...] = ()) -> IndexedFolder:
    index = FolderIndex(
        [TreeFile(path, 1_500, NOV_30, 0) for path in paths],
        [TreeFolder(path, NOV_30 // 10**9) for path in folders],
    )
    folder = index.at("")
    assert folder is not None
    return folder


def page(
    folder: IndexedFolder,
    *,
    names: tuple[str, ...] = ("lesson",),
    start: int = 0,
    whole: bool = True,
) -> str:
    view = FolderView("0a1b", names, folder, start, "http://10.0.0.1:12500/", is_whole=whole)
    return folder_page(view).decode()


def links(html: str) -> list[str]:
    return re.findall('href="([^"]*)"', html.partition("<nav>")[2] or html)


class FolderPageTest(unittest.TestCase):
    def test_entries_are_linked_by_quoted_names_below_this_page(self) -> None:
        html = page(folder_of("100% & mehr #2?.txt", "Ü", folders=("sub",)))
        for href in ("./sub/", "./100%25%20%26%20mehr%20%232%3F.txt", "./%C3%9C"):
            self.assertIn(href, links(html))
        self.assertIn("2 files, 3 kB", html)
        self.assertIn("30 Nov 2025", html)

    def test_names_are_words_and_never_html(self) -> None:
        html = page(folder_of("<script>alert(1)", "javascript:alert(1)"), names=("<b>x",))
        self.assertNotIn("<script", html)
        self.assertNotIn("<b>x", html)
        self.assertIn("./%3Cscript%3Ealert%281%29", html)
        self.assertIn('href="./javascript%3Aalert%281%29"', html)

    def test_the_way_leads_to_the_room_and_to_the_folders_above(self) -> None:
        html = page(folder_of("a"), names=("Lektion Ü", "x y", "z"))
        self.assertEqual(
            links(html)[:3],
            [
                "http://10.0.0.1:12500/",
                "/s/0a1b/Lektion%20%C3%9C/",
                "/s/0a1b/Lektion%20%C3%9C/x%20y/",
            ],
        )
        self.assertIn("/z/0a1b/Lektion%20%C3%9C/x%20y/z/z.zip", links(html))

    def test_long_folders_come_in_several_pages(self) -> None:
        folder = folder_of(*(f"{number:05}" for number in range(2 * ENTRIES + 1)))
        first, middle, last = (page(folder, start=ENTRIES * number) for number in range(3))
        self.assertEqual(first.count("<tr><td>"), ENTRIES)
        self.assertIn("./?from=1000", links(first))
        self.assertIn("1 to 1,000 of 2,001", first)
        self.assertLessEqual({"./?from=0", "./?from=2000"}, set(links(middle)))
        self.assertEqual(last.count("<tr><td>"), 1)
        self.assertNotIn("./?from=3000", links(last))
        behind = page(folder, start=9 * ENTRIES)
        self.assertIn("Nothing here.", behind)

    def test_a_folder_that_is_still_read_says_so_and_has_no_zip(self) -> None:
        html = page(folder_of("a"), whole=False)
        self.assertIn("Still being read", html)
        self.assertNotIn(".zip", html)

    def test_an_empty_folder_says_so(self) -> None:
        html = page(folder_of())
        self.assertIn("This folder is empty.", html)
        self.assertIn("No files", html)

    def test_a_time_that_no_calendar_has_is_left_out(self) -> None:
        index = FolderIndex([TreeFile("a", 1, 10**15 * 10**9, 0)], [])
        folder = index.at("")
        assert folder is not None
        self.assertIn('<td class="number wide"></td>', page(folder))


if __name__ == "__main__":
    unittest.main()
