"""The font that the packed program brings to a machine without any."""

from __future__ import annotations

import os
import struct
import unittest
from pathlib import Path
from xml.etree import ElementTree

from tests.support import LmkTestCase
from ui.packed.bundled_font import use_bundled_font

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@unittest.skipIf(os.name == "nt", "fontconfig is not of Windows")
class BundledFontTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.inside = self.folder / "a <b> & c"
        (self.inside / "assets").mkdir(parents=True)
        (self.inside / "assets" / "fonts").symlink_to(ASSETS / "fonts")
        self.machine = self.folder / "fonts.conf of the machine"
        self.environment: dict[str, str] = {}

    def use(self, platform: str = "linux") -> bool:
        return use_bundled_font(
            str(self.inside), self.environment, of_the_machine=self.machine, platform=platform
        )

    def test_where_nothing_is_said_of_fonts_ours_is_named_by_its_whole_path(self) -> None:
        self.assertTrue(self.use())
        named = ElementTree.parse(self.environment["FONTCONFIG_FILE"])
        folders = [folder.text for folder in named.findall("dir")]
        self.assertIn(str(self.inside / "assets" / "fonts"), folders)

    def test_a_machine_with_fonts_keeps_its_own(self) -> None:
        self.machine.touch()
        self.assertFalse(self.use())
        self.assertEqual(self.environment, {})

    def test_what_the_user_has_set_is_kept(self) -> None:
        for name in ("FONTCONFIG_FILE", "FONTCONFIG_PATH"):
            with self.subTest(name=name):
                self.environment = {name: "/mine"}
                self.assertFalse(self.use())
                self.assertEqual(self.environment, {name: "/mine"})

    def test_other_systems_have_fonts(self) -> None:
        for platform in ("win32", "darwin"):
            self.assertFalse(self.use(platform))

    def test_where_it_cannot_be_written_the_window_has_to_do_without(self) -> None:
        (self.inside / "fonts.conf").mkdir()
        with self.assertLogs("ui.packed.bundled_font", "WARNING"):
            self.assertFalse(self.use())
        self.assertEqual(self.environment, {})


class FontFileTest(LmkTestCase):
    def test_it_is_a_font_and_its_licence_is_beside_it(self) -> None:
        fonts = ASSETS / "fonts"
        content = (fonts / "DejaVuSans-lmk.ttf").read_bytes()
        (tables,) = struct.unpack_from(">H", content, 4)
        names = {content[12 + 16 * n : 16 + 16 * n] for n in range(tables)}
        self.assertEqual(content[:4], b"\0\1\0\0")
        self.assertLessEqual({b"cmap", b"glyf", b"name"}, names)
        self.assertIn("Bitstream, Inc.", (fonts / "LICENSE-DejaVu.txt").read_text())
