"""Test the Windows file under wine: check.py EXECUTABLE WINDOWS_PYTHON PICTURE_FOLDER.

Nothing leaves 127.0.0.1. It prints each step and ends with 0 if everything passed; a person looks
at the pictures.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from side import LINUX, Side, windows_side
from trees import contents, make_foreign_tree, make_tree
from wine import end_all, kill, processes, run_tool, temporary_folder, windows_path
from wine_window import take_pictures

from roles import __version__
from tests.display import Xvfb

MOST_BYTES = 11_000_000
ORPHAN_LIMIT_S = 5.0  # 2 s for the program itself, and the time that Windows takes to answer
SWEEP_LIMIT_S = 20.0
SHOWN = 10  # of the files that differ
DENSITIES = (96, 144)
WORDS_OF_THE_MANIFEST = (
    'level="asInvoker"',
    ">detached</consoleAllocationPolicy>",
    ">true</dpiAware>",
    ">system</dpiAwareness>",
    ">true</longPathAware>",
    "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}",  # Windows 10 and 11
    "Microsoft.Windows.Common-Controls",
)


class Checks:
    """Prints what passed and what did not, and continues."""

    def __init__(self) -> None:
        self.failed = list[str]()

    def check(self, what: str, is_so: bool) -> None:
        """Print one line."""
        if not is_so:
            self.failed.append(what)
        say(f"{'ok  ' if is_so else 'FAIL'} {what}")


def main() -> int:
    """Test the executable that the command line names."""
    executable, python, pictures = (Path(name).resolve() for name in sys.argv[1:4])
    windows = windows_side(executable)
    checks = Checks()
    with Xvfb((1600, 1200)) as screen, tempfile.TemporaryDirectory(prefix="lmk-windows-") as name:
        folder = Path(name)
        try:
            look_at_the_file(checks, executable, python)
            run_alone(checks, windows, folder)
            for seeding, leeching in ((windows, windows), (LINUX, windows), (windows, LINUX)):
                send(checks, seeding, leeching, folder / f"{seeding.system} to {leeching.system}")
            send_foreign_names(checks, windows, folder / "foreign")
            kill_the_first_process(checks, windows, executable.name, folder / "killed")
            show_window(checks, executable, screen, folder, pictures)
        finally:
            end_all()
    say(f"{len(checks.failed)} failed")
    return 1 if checks.failed else 0


def look_at_the_file(checks: Checks, executable: Path, python: Path) -> None:
    """Its size, and what Windows reads from it before it starts."""
    size = executable.stat().st_size
    checks.check(f"{size / 1e6:.2f} MB, at most {MOST_BYTES / 1e6:.0f}", size <= MOST_BYTES)
    script = Path(__file__).with_name("describe.py")
    facts = json.loads(run_tool(str(python), windows_path(script), windows_path(executable)))
    subsystem = facts["subsystem"]
    checks.check(subsystem, subsystem == "IMAGE_SUBSYSTEM_WINDOWS_CUI")
    checks.check("the checksum in its header", facts["is_checksum_right"])
    checks.check("an icon", facts["icons"] == 1)
    texts = facts["version"]
    checks.check(f"version resource: {texts}", texts.get("ProductVersion") == __version__)
    missing = [words for words in WORDS_OF_THE_MANIFEST if words not in facts["manifest"]]
    checks.check(f"manifest, without {missing}" if missing else "manifest", not missing)


def run_alone(checks: Checks, windows: Side, folder: Path) -> None:
    """Its version, its exit code for a wrong command line, and its own selftest."""
    version = windows.run("--version", folder=folder)
    checks.check(version.output.strip(), version.code == 0 and __version__ in version.output)
    wrong = windows.run("get", "--up", "nonsense", folder=folder)
    checks.check("a wrong command line ends with 2", wrong.code == 2)
    itself = windows.run("--selftest", folder=folder)
    for line in (itself.output + itself.errors).splitlines():
        say(f"     {line}")
    checks.check("--selftest ends with 0", itself.code == 0)


def send(checks: Checks, seeding: Side, leeching: Side, folder: Path) -> None:
    """A tracker and a seeder of one program, a leecher of the other."""
    shared, taken = folder / "lesson", folder / "taken"
    make_tree(shared)
    with seeding.room(shared, folder) as tracker:
        get = ("get", "lesson/", "--tracker", tracker, "--to", leeching.path(taken))
        began = time.monotonic()
        result = leeching.run(*get, folder=folder)
        took_s = time.monotonic() - began
    for line in result.errors.splitlines():
        say(f"     {line}")
    checks.check(f"{folder.name}: get ends with 0, {took_s:.1f} s", result.code == 0)
    expected, had = contents(shared), contents(taken / "lesson")
    names = expected.keys() | had.keys()
    different = sorted(name for name in names if expected.get(name) != had.get(name))
    checks.check(f"{len(had)} files and folders, {len(different)} of them differ", not different)
    for name in different[:SHOWN]:
        say(f"     {name}")


def send_foreign_names(checks: Checks, windows: Side, folder: Path) -> None:
    """Names that Linux allows and Windows does not."""
    expected = make_foreign_tree(folder / "lesson")
    with LINUX.room(folder / "lesson", folder) as tracker:
        get = ("get", "lesson/", "--tracker", tracker, "--to", windows.path(folder / "taken"))
        result = windows.run(*get, folder=folder)
    checks.check("names that Windows does not take: get ends with 0", result.code == 0)
    had = contents(folder / "taken" / "lesson")
    checks.check(f"they are stored as {sorted(had)}", had == expected)


def kill_the_first_process(checks: Checks, windows: Side, name: str, folder: Path) -> None:
    """Kill the process that unpacked the program: which processes end, what is left, what removes
    it.
    """
    folder.mkdir()
    with windows.tracker(folder):
        temporary = temporary_folder()
        both = processes(name)
        pids = {one.pid for one in both}
        checks.check(f"two processes, {sorted(pids)}", len(both) == 2)
        kill(next(one for one in both if one.parent not in pids))
        took_s = _until(lambda: not processes(name), ORPHAN_LIMIT_S)
        checks.check(f"taskkill /f of the first ends the second, {took_s:.1f} s", took_s >= 0)
    left = sorted(temporary.glob("_MEI*"))
    say(f"     left in %TEMP%: {[path.name for path in left]}")
    with windows.tracker(folder):
        took_s = _until(lambda: not any(path.exists() for path in left), SWEEP_LIMIT_S)
    checks.check(f"the next start sweeps it, {took_s:.1f} s", took_s >= 0)


def show_window(
    checks: Checks, executable: Path, screen: Xvfb, folder: Path, pictures: Path
) -> None:
    """The window at each density: it has the right size and is completely on the screen."""
    sizes = [
        take_pictures(executable, screen, dots, folder / f"window {dots}", pictures)
        for dots in DENSITIES
    ]
    for dots, size in zip(DENSITIES, sizes, strict=True):
        fits = size[0] <= screen.size[0] and size[1] <= screen.size[1]
        checks.check(f"the window at {dots} dpi: {size[0]} x {size[1]}", fits)
    grown = sizes[1][0] / sizes[0][0]
    checks.check(f"it grows {grown:.2f} times", abs(grown - DENSITIES[1] / DENSITIES[0]) < 0.02)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _until(is_so: Callable[[], bool], limit_s: float) -> float:
    """Seconds until it became true; -1 if it did not."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() > began + limit_s:
            return -1.0
        time.sleep(0.1)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
