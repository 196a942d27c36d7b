"""Tests the packed program alone in an empty folder: `python3 -m tests.frozen EXECUTABLE
[PICTURE]`.

Two copies with two profiles, in an open room with an original leecher and in a private one, its own
--selftest, and the window on a virtual screen; for a .pyz only the last two. It prints each step
and ends with 0 if everything passed.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import tempfile
import urllib.request
from pathlib import Path

from tests.display import Xvfb
from tests.originals.processes import OriginalLeecher
from tests.programs import RunningCommand, environment, run
from tests.support import random_file, wait_until

LISTENING = r"listening on (\S+):(\d+)\."


def main() -> int:
    """Test the executable that the command line names."""
    executable = Path(sys.argv[1]).resolve()
    picture = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="lmk-frozen-") as name:
        folder = Path(name)
        copies = [folder / "first" / executable.name, folder / "second" / executable.name]
        for copy in copies:
            copy.parent.mkdir()
            shutil.copy2(executable, copy)
        _say(f"{executable.name}: {executable.stat().st_size / 1e6:.2f} MB")
        if executable.suffix != ".pyz":
            _run_alone(copies[0])
            _seed_and_download(copies[0], copies[1])
            _share_privately(copies[0], copies[1])
        _selftest(copies[0])
        _open_window(copies[0], picture)
        left = {path.name for copy in copies for path in copy.parent.iterdir()}
    _check("nothing is written beside it unasked", left <= {executable.name, *_MADE_HERE})
    return 0


_MADE_HERE = {"profile", "seeder", "tracker", "shared", "private", "taken", "old", "tmp"}


def _run_alone(copy: Path) -> None:
    version = run("--version", folder=copy.parent, program=[str(copy)])
    _check(version.stdout.strip(), version.returncode == 0)
    demo = run("demo", folder=copy.parent, program=[str(copy)])
    _check("demo without a display, its own copy of data/", demo.returncode == 0)
    _check("each of its files is the same", demo.stdout.count("same  sha256") == 7)


def _seed_and_download(first: Path, second: Path) -> None:
    shared, taken, old = (first.parent / "shared", second.parent / "taken", second.parent / "old")
    for folder in (shared, old):
        folder.mkdir()
    random_file(shared / "lecture 1.bin", 5_000_000, seed=1)
    (shared / "empty").touch()
    with RunningCommand(
        *("tracker", "--bind", "127.0.0.1:0"),
        folder=first.parent,
        profile="tracker",
        program=[str(first)],
    ) as tracker:
        host, port = tracker.wait_for(LISTENING).groups()
        seed = ("seed", shared, "--tracker", f"{host}:{port}", "--bind", "127.0.0.1:0")
        with RunningCommand(
            *seed, folder=first.parent, profile="seeder", program=[str(first)]
        ) as seeder:
            tracker.wait_for("offers 2 files")
            _fetch_for_others(f"http://{host}:{port}", first.parent / "fetched.pyz")
            get = ("get", "--all", "--tracker", f"{host}:{port}", "--to", taken)
            result = run(*get, folder=second.parent, program=[str(second)])
            _check("one copy seeds, the other downloads", result.returncode == 0)
            _check("the same bytes", _same(shared, taken / "shared"))
            with OriginalLeecher((host, int(port)), old, "lecture 1.bin") as leecher:
                leecher.wait_for("leecher file lecture 1.bin done")
            _check("an original leecher takes from it", _same(old, shared))
            _check("Ctrl-C ends it with 130", seeder.signal(signal.SIGINT) == 130)


def _share_privately(first: Path, second: Path) -> None:
    shared, taken, program = first.parent / "private", second.parent / "taken", [str(first)]
    shared.mkdir()
    random_file(shared / "exam.bin", 2_000_000, seed=2)
    code = ("--code", "482 177 305")
    with RunningCommand(
        *("tracker", "--private", *code, "--bind", "127.0.0.1:0"),
        folder=first.parent,
        profile="tracker",
        program=program,
    ) as tracker:
        host, port = tracker.wait_for(LISTENING).groups()
        room = ("--tracker", f"{host}:{port}")
        seed = ("seed", shared, *room, *code, "--bind", "127.0.0.1:0")
        with RunningCommand(*seed, folder=first.parent, profile="seeder", program=program):
            tracker.wait_for("offers 1 file")
            outside = run("list", *room, folder=second.parent, program=[str(second)])
            _check("a private room asks for its code", outside.returncode == 6)
            get = ("get", "--all", *room, *code, "--to", taken)
            result = run(*get, folder=second.parent, program=[str(second)])
            _check("with its code, everything is downloaded", result.returncode == 0)
            _check("the same bytes again", _same(shared, taken / "private"))


def _fetch_for_others(tracker: str, target: Path) -> None:
    """The .pyz that a tracker gives to computers of other systems runs with this Python."""
    with urllib.request.urlopen(f"{tracker}/program/lmktorrent.pyz", timeout=30) as answer:
        target.write_bytes(answer.read())
    with urllib.request.urlopen(f"{tracker}/", timeout=30) as answer:
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        _check("the page has the digest of its .pyz", digest in answer.read().decode())
    version = run("--version", folder=target.parent, program=[sys.executable, str(target)])
    _check(f"{version.stdout.strip()} as .pyz", version.returncode == 0)
    target.unlink()


def _selftest(copy: Path) -> None:
    """Twice: without a display, where it skips the windows, and with one."""
    headless = run("--selftest", folder=copy.parent, program=[str(copy)])
    _say(headless.stdout.rstrip())
    _check("--selftest without a display", headless.returncode == 0)
    _check("it leaves out the windows, and says so", "no display here" in headless.stdout)
    with Xvfb((1000, 700)) as screen:
        shown = environment(DISPLAY=screen.name)
        full = run("--selftest", folder=copy.parent, program=[str(copy)], environ=shown)
    _say(full.stdout.rstrip())
    _check("--selftest on a screen", full.returncode == 0)
    _check("it leaves out nothing", "left out" not in full.stdout)


def _open_window(copy: Path, picture: Path | None) -> None:
    with Xvfb((1000, 700)) as screen, tempfile.TemporaryDirectory() as folder:
        shot = picture or Path(folder) / "window.png"
        empty = Path(folder) / "empty.png"
        screen.screenshot(empty)
        blank = empty.stat().st_size
        shown = environment(DISPLAY=screen.name)
        with RunningCommand(folder=copy.parent, program=[str(copy)], environ=shown) as window:

            def is_painted() -> bool:
                screen.screenshot(shot)
                return shot.stat().st_size > 5 * blank or not window.is_alive

            wait_until(is_painted, 20, "no window was painted")
            _check("a window is on the screen", window.is_alive)
            window.signal(signal.SIGTERM)


def _same(taken: Path, source: Path) -> bool:
    return all((source / path.name).read_bytes() == path.read_bytes() for path in taken.iterdir())


def _check(what: str, is_so: bool) -> None:
    _say(f"{'ok  ' if is_so else 'FAIL'} {what}")
    if not is_so:
        raise SystemExit(1)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
