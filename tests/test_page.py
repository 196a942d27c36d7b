"""The frame of web pages: strangers' words stay words, and nothing but the one style is allowed."""

from __future__ import annotations

import re
import unittest
from base64 import b64decode
from hashlib import sha256
from html.parser import HTMLParser

from roles.web import page
from ui.window.palette import DARK, LIGHT, Palette

HOSTILE = "<script>alert('1')</script>&amp;\"> \u202egpj.exe\u200b"
# An element that has no end.
VOID = {"meta", "link", "img", "br"}


class Tags(HTMLParser):
    """Checks that all elements are closed, and keeps what was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = list[tuple[str, dict[str, str | None]]]()
        self.open = list[str]()
        self.words = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"{tag} ends, but was not open")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def tags_of(html: bytes) -> Tags:
    tags = Tags()
    tags.feed(html.decode())
    tags.close()
    if tags.open:
        raise AssertionError(f"{tags.open} never end")
    return tags


class PageTest(unittest.TestCase):
    def test_the_policy_allows_the_style_as_it_stands_on_the_page(self) -> None:
        html = page.frame("Lesson", "").decode()
        styles = re.findall("<style>(.*?)</style>", html, re.DOTALL)
        self.assertEqual(len(styles), 1)
        self.assertEqual(sha256(styles[0].encode()).digest(), b64decode(page.STYLE_SHA256))

    def test_a_page_has_no_script_no_style_attribute_and_asks_for_nothing_else(self) -> None:
        html = page.frame("Lesson", page.card("words", page.button("Open", "./s/")), below="here")
        for tag, attributes in tags_of(html).opened:
            with self.subTest(tag=tag):
                self.assertNotIn(tag, ("script", "iframe", "object", "form"))
                self.assertNotIn("style", attributes)
                self.assertFalse([one for one in attributes if one.startswith("on")])
                source = attributes.get("src") or ("data:" if tag != "link" else attributes["href"])
                self.assertTrue((source or "").startswith("data:image/svg+xml,"[:5]))

    def test_words_of_strangers_are_shown_and_nothing_else(self) -> None:
        tags = tags_of(page.frame(HOSTILE, f"<p>{page.name(HOSTILE)}</p>", way=[(HOSTILE, "../")]))
        self.assertNotIn("script", [tag for tag, _ in tags.opened])
        text = "".join(tags.words)
        self.assertIn("<script>alert('1')</script>&amp;\"> \\u202egpj.exe\\u200b", text)
        self.assertNotIn("\u202e", text)

    def test_letters_from_right_to_left_turn_nothing_around_them(self) -> None:
        self.assertEqual(page.name("שלום"), "<bdi>שלום</bdi>")
        self.assertEqual(page.name("notes"), "notes")

    def test_half_a_character_breaks_no_page(self) -> None:
        self.assertIn(b"\\udcff", page.frame("a\udcff", ""))
        self.assertIn(b"?", page.frame("a", "\udcff"))

    def test_a_title_has_no_element_within(self) -> None:
        html = page.frame("שלום", "").decode()
        self.assertIn("<title>שלום</title>", html)

    def test_a_page_renews_itself_only_if_it_should(self) -> None:
        self.assertNotIn(b"refresh", page.frame("a", ""))
        self.assertIn(b'http-equiv="refresh" content="3"', page.frame("a", "", renew_s=3))

    def test_the_colours_are_those_of_the_window(self) -> None:
        light, _, dark = page.STYLE.partition("@media(prefers-color-scheme:dark)")
        dark = dark.partition("*{")[0]
        for text, palette in ((light, LIGHT), (dark, DARK)):
            for colour in re.findall(r"--[a-z]+:(#[0-9a-f]+)", text):
                with self.subTest(colour=colour):
                    self.assertIn(colour, _colours(palette))


def _colours(palette: Palette) -> set[str]:
    colours = {str(getattr(palette, name)) for name in Palette.__slots__}
    return colours | ({"#fff"} if "#ffffff" in colours else set())
