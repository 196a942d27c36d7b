"""What is packed besides the program, and the one .pyz: icons, manifest, and what it carries."""

from __future__ import annotations

import ast
import importlib.util
import io
import struct
import unittest
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

from tests.bench.start import in_turns

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
PNG = b"\x89PNG\r\n\x1a\n"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sides_of_ico(content: bytes) -> list[int]:
    _, kind, count = struct.unpack_from("<HHH", content)
    assert kind == 1
    sides = []
    for number in range(count):
        width, *_, size, place = struct.unpack_from("<BBBBHHII", content, 6 + 16 * number)
        assert content[place : place + 8] == PNG and place + size <= len(content)
        sides.append(width or 256)
    return sides


class IconTest(unittest.TestCase):
    def test_the_small_icons_are_as_their_script_draws_them(self) -> None:
        icons = loaded(ASSETS / "make_icons.py")
        for name in ("icon-32.png", "icon-64.png"):
            with self.subTest(name=name):
                side = icons.PNG_SIDES[name]
                self.assertEqual((ASSETS / name).read_bytes(), icons.png(side, icons.draw(side)))

    def test_windows_has_seven_sizes_and_macos_six(self) -> None:
        sides = sides_of_ico((ASSETS / "icon.ico").read_bytes())
        self.assertEqual(sides, [16, 24, 32, 48, 64, 128, 256])
        content = (ASSETS / "icon.icns").read_bytes()
        self.assertEqual(struct.unpack(">4sI", content[:8]), (b"icns", len(content)))
        self.assertEqual(content.count(PNG), 6)


class ManifestTest(unittest.TestCase):
    def test_what_windows_is_told_has_no_space_around_it(self) -> None:
        told = {
            element.tag.rpartition("}")[2]: element.text
            for element in ElementTree.parse(ASSETS / "app_manifest.xml").iter()
            if element.text and element.text.strip()
        }
        self.assertEqual(
            told,
            {
                "dpiAware": "true",
                "dpiAwareness": "system",
                "longPathAware": "true",
                "consoleAllocationPolicy": "detached",
            },
        )


class ArchiveTest(unittest.TestCase):
    def setUp(self) -> None:
        self.builder = loaded(ROOT / ".ci" / "build_pyz.py")

    def test_two_archives_of_the_same_sources_are_equal(self) -> None:
        self.assertEqual(self.builder.archive(), self.builder.archive())

    def test_it_holds_every_module_and_the_small_examples(self) -> None:
        names = zipfile.ZipFile(io.BytesIO(self.builder.archive())).namelist()
        sources = [path for top in ("roles", "ui") for path in (ROOT / top).rglob("*.py")]
        self.assertLessEqual({path.relative_to(ROOT).as_posix() for path in sources}, set(names))
        self.assertIn("data/table.csv", names)
        self.assertNotIn("data/many-chunks.bin", names)

    def test_a_bare_module_does_the_same_in_the_same_lines(self) -> None:
        source = (
            '"""What it is:\nlong."""\n\nX = "# no comment"  # a comment\n\n\n'
            'class A(Exception):\n    """Only this."""\n\n\n'
            'def f() -> str:\n    """é"""\n    return """kept\n  # kept"""\n'
        )
        bare = self.builder.bare(source)
        self.assertEqual(len(bare.split("\n")), len(source.split("\n")))
        for gone in ("What it is", "a comment", "Only this", "é"):
            self.assertNotIn(gone, bare)
        for kept in ("# no comment", "kept\n  # kept"):
            self.assertIn(kept, bare)
        names = {node.name for node in ast.parse(bare).body if hasattr(node, "name")}
        self.assertEqual(names, {"A", "f"})


class InTurnsTest(unittest.TestCase):
    def test_programs_are_measured_in_turns_and_none_always_first(self) -> None:
        asked = list[str]()

        def measured(program: Sequence[str]) -> float:
            asked.append(program[0])
            return float(len(asked))

        self.assertEqual(in_turns([["a"], ["b"]], 3, measured), [[1.0, 4.0, 5.0], [2.0, 3.0, 6.0]])
        self.assertEqual("".join(asked), "abbaab")
