"""A folder with all that clients find hard, and a room that serves it: real processes."""

from __future__ import annotations

import hashlib
import os
import random
import re
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.programs import PROGRAM, RunningCommand

LISTENING = r"listening on (\S+):(\d+)\."
BIG = "big.bin"
BIG_SIZE = 41_000_000
PAGE = "page.html"
PAGE_TEXT = (
    b"<!doctype html><title>Harmless</title><script>document.title = 'It runs'</script>"
    b"<img src=x onerror=\"document.title = 'It runs'\">"
)
NAMES = (  # of small files
    "Read me.txt",
    ".hidden",
    "Übung 1/日本語/e\u0301te\u0301 (NFD).txt",
    "Übung 1/Übung 1.txt",
    "100% & mehr #2?.txt",
    "100%25 %41 %2e%2e%2f.txt",
    "a+b=c; d, e.txt",
    "<script>alert(1)<script>.txt",
    "\"><img src=x onerror=alert(1)> 'q'.txt",
    "&amp;&lt;.txt",
    "..dots..",
    "many/.well-known/x",
)
MANY = 300
READ_S = 90.0  # for 5 GiB, on a machine that does other things too


def make_lesson(folder: Path) -> None:
    """Empty files and folders, many small files, a page that would run, names of all kinds."""
    source = random.Random(1)
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"This is {name}.\n".encode())
    for number in range(MANY):
        (folder / "many" / f"{number:03}.txt").write_bytes(source.randbytes(number * 7))
    (folder / BIG).write_bytes(source.randbytes(BIG_SIZE))
    (folder / PAGE).write_bytes(PAGE_TEXT)
    (folder / "empty.txt").touch()
    (folder / "empty folder").mkdir()


def files_of(folder: Path) -> dict[str, str]:
    """The size and SHA-256 of every file, by its path."""
    return {
        path.relative_to(folder).as_posix(): digest_of(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.stat().st_size} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def folders_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()}


@dataclass(frozen=True, slots=True)
class Served:
    """A room with one seeder, on this computer."""

    folder: Path  # that is shared
    tracker: str  # its web address, without the slash at the end
    seeder: str
    share: str  # how the share is called in a path

    @property
    def path(self) -> str:
        """What follows /s or /z for the shared folder."""
        return f"{self.share}/{quoted(self.folder.name)}"

    def page(self, *parts: str) -> str:
        """The web address of a folder, at the tracker."""
        return f"{self.tracker}/s/{self.path}/" + "".join(f"{quoted(part)}/" for part in parts)

    def file(self, path: str) -> str:
        return f"{self.tracker}/s/{self.path}/{quoted(path)}"

    def zip(self, *parts: str) -> str:
        name = parts[-1] if parts else self.folder.name
        within = "".join(f"{quoted(part)}/" for part in parts)
        return f"{self.tracker}/z/{self.path}/{within}{quoted(name)}.zip"

    @property
    def torrent(self) -> str:
        return f"{self.tracker}/t/{self.share}/{quoted(self.folder.name)}.torrent"


def quoted(path: str) -> str:
    return urllib.parse.quote(path)


@contextmanager
def served(
    *options: str, program: Sequence[str] = PROGRAM, shared: Path | None = None
) -> Iterator[Served]:
    """A tracker, and a seeder of this folder or of a new lesson, with these options."""
    with tempfile.TemporaryDirectory(prefix="lmk-clients-") as name:
        top = Path(name)
        if shared is None:
            shared = top / "Lektion Ü 1"
            shared.mkdir()
            make_lesson(shared)
        bind = ("--bind", "127.0.0.1:0")
        start = partial(RunningCommand, folder=top, program=program)
        with start("tracker", *bind, profile="tracker") as tracker:
            at = ":".join(tracker.wait_for(LISTENING).groups())
            words = ("--tracker", at, *bind, *options)
            with start("seed", shared, *words, profile="seeder") as seeder:
                seeder_at = ":".join(seeder.wait_for(LISTENING).groups())
                seeder.wait_for("all shared", READ_S)
                tracker.wait_for("offers")
                if "--torrent" in options:
                    seeder.wait_for("Its torrent:", READ_S)
                share = share_at(f"http://{at}/")
                yield Served(shared, f"http://{at}", f"http://{seeder_at}", share)


def share_at(address: str) -> str:
    """The share that the tracker's page links to."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(r'href="[./]*/s/([^/"]+)/', text)
    if found is None:
        raise AssertionError(f"no share on {address}: {text}")
    return found[1]


def pyz() -> Path:
    """The program as one file, made by .ci/build_pyz.py; the caller removes its folder."""
    import subprocess

    folder = Path(tempfile.mkdtemp(prefix="lmk-pyz-"))
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(root / ".ci/build_pyz.py"), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))
    return next(folder.glob("*.pyz"))
