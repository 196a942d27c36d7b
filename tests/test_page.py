"""The frame of web pages: strangers' words stay words, and nothing but the one style is allowed."""

from __future__ import annotations

import re
import unittest
from base64 import b64decode
from hashlib import sha256

from roles.web import page
from tests.web_pages import WebPage
from ui.window.palette import DARK, LIGHT, Palette

HOSTILE = "<script>alert('1')</script>&amp;\"> \u202egpj.exe\u200b"
SHOWN = "<script>alert('1')</script>&amp;\"> \\u202egpj.exe\\u200b"


class PageTest(unittest.TestCase):
    def test_the_policy_allows_the_style_as_it_stands_on_the_page(self) -> None:
        html = page.frame("Lesson", "").decode()
        styles = re.findall("<style>(.*?)</style>", html, re.DOTALL)
        self.assertEqual(len(styles), 1)
        self.assertEqual(sha256(styles[0].encode()).digest(), b64decode(page.STYLE_SHA256))

    def test_the_style_asks_for_nothing_else(self) -> None:
        self.assertNotIn("url(", page.STYLE)
        self.assertNotIn("@import", page.STYLE)

    def test_a_page_has_a_title_cards_and_links(self) -> None:
        body = page.card("words", page.button("Open", "./s/", is_first=True), more="<p>more</p>")
        read = WebPage(page.frame("Lesson", body, below="here", parents=[("Room", "../")]))
        self.assertEqual(read.links, ["../", "./s/"])
        for words in ("Lesson", "words", "Open", "more", "here", "Room"):
            self.assertIn(words, read.text)

    def test_words_of_strangers_are_shown_and_nothing_else(self) -> None:
        read = WebPage(
            page.frame(HOSTILE, f"<p>{page.name(HOSTILE)}</p>", parents=[(HOSTILE, "../")])
        )
        self.assertEqual(
            read.text.count(SHOWN), 5
        )  # also as the title, and at the end of the navigation
        self.assertNotIn("\u202e", read.text)

    def test_a_word_between_quotes_does_not_leave_them(self) -> None:
        self.assertEqual(page.escape("\"'"), "&quot;&#39;")

    def test_letters_from_right_to_left_turn_nothing_around_them(self) -> None:
        self.assertEqual(page.name("שלום"), "<bdi>שלום</bdi>")
        self.assertEqual(page.name("notes"), "notes")
        self.assertIn("<title>שלום</title>", page.frame("שלום", "").decode())

    def test_half_a_character_breaks_no_page(self) -> None:
        WebPage(page.frame("a\udcff", "\udcff"))

    def test_a_page_renews_itself_only_if_it_should(self) -> None:
        self.assertNotIn(b"refresh", page.frame("a", ""))
        self.assertIn(b'http-equiv="refresh" content="3"', page.frame("a", "", renew_s=3))

    def test_the_colours_are_those_of_the_window(self) -> None:
        light, _, dark = page.STYLE.partition("@media(prefers-color-scheme:dark)")
        for text, palette in ((light, LIGHT), (dark.partition("*{")[0], DARK)):
            for colour in re.findall(r"--[a-z]+:(#[0-9a-f]+)", text):
                with self.subTest(colour=colour):
                    self.assertIn(colour, _colours(palette))


def _colours(palette: Palette) -> set[str]:
    colours = {str(getattr(palette, name)) for name in Palette.__slots__}
    return colours | ({"#fff"} if "#ffffff" in colours else set())
