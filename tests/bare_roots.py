"""The packed program in bare roots: `python3 -m tests.bare_roots FILE PICTURES ROOT...`.

As root; .ci/release_linux makes the roots. In each, without Python, Tk, X libraries and fonts, an
ordinary user runs the demo in the terminal and opens the window, whose picture goes to the folder
PICTURES; then each root seeds to the next. Ends with 0 when everything held, and says each step.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.result import say
from tests.display import Xvfb
from tests.frozen import LISTENING
from tests.programs import RunningCommand
from tests.support import random_file, wait_until

USER = 1000
HOME = Path("/home/lab")
PROGRAM = HOME / "lmktorrent"
LIMIT_S = 120.0
SCREEN = (1000, 700)
SETTLED_S = 1.5  # what the window says of the network comes after its first picture
FOREIGN = (
    *("usr/bin/python3*", "usr/lib/python3*", "usr/lib/*/libtk8*", "usr/lib/*/libX11*"),
    *("usr/lib/*/libxcb*", "usr/lib/*/libfontconfig*", "usr/share/fonts/*", "etc/fonts/*"),
)


@dataclass(frozen=True, slots=True)
class BareRoot:
    """A system's smallest root, in which an ordinary user has our file and nothing else."""

    path: Path
    name: str  # such as "debian-12"

    @property
    def home(self) -> Path:
        """The user's folder, seen from outside."""
        return self.path / HOME.relative_to("/")

    @property
    def program(self) -> list[str]:
        """How our file is started inside."""
        return ["chroot", f"--userspec={USER}:{USER}", str(self.path), str(PROGRAM)]

    def start(self, *arguments: str | Path, display: str | None = None) -> RunningCommand:
        """A command that goes on, with a profile of its own for each."""
        profile = f"{HOME.relative_to('/')}/profile-{arguments[0] if arguments else 'window'}"
        return RunningCommand(
            *arguments,
            folder=Path("/"),
            profile=profile,
            program=self.program,
            environ=environment(display),
        )

    def run(
        self, *arguments: str | Path, display: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [*self.program, *map(str, arguments)],
            env=environment(display),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


def main() -> int:
    """Try the file in every root that the command line names."""
    executable, pictures = Path(sys.argv[1]), Path(sys.argv[2])
    roots = [settle(Path(argument), executable) for argument in sys.argv[3:]]
    for root in roots:
        run_alone(root)
        open_window(root, pictures / f"window-{root.name}.png")
    for number, root in enumerate(roots):
        give(root, roots[(number + 1) % len(roots)])
    return 0


def settle(path: Path, executable: Path) -> BareRoot:
    """Put our file into a root."""
    lines = (path / "etc/os-release").read_text(encoding="utf-8").splitlines()
    release = dict(line.split("=", 1) for line in lines if "=" in line)
    root = BareRoot(path, "-".join(release[key].strip('"') for key in ("ID", "VERSION_ID")))
    root.home.mkdir(parents=True)
    shutil.copy2(executable, root.home / PROGRAM.name)
    own(root.home.rglob("*"))
    own([root.home])
    return root


def run_alone(root: BareRoot) -> None:
    """What needs neither a display nor another machine."""
    found = [str(path) for pattern in FOREIGN for path in root.path.glob(pattern)]
    check(f"{root.name}: no Python, Tk, X libraries or fonts {found or ''}".rstrip(), not found)
    version = root.run("--version")
    check(f"{root.name}: {version.stdout.strip()}{version.stderr}", version.returncode == 0)
    demo = root.run("demo", "--profile", HOME / "profile-demo")
    is_whole = demo.returncode == 0 and demo.stdout.count("same  sha256") == 7
    check(f"{root.name}: demo without a display{'' if is_whole else demo.stderr}", is_whole)


def open_window(root: BareRoot, picture: Path) -> None:
    """The window on a screen of this machine, and its picture."""
    with Xvfb(SCREEN) as screen:
        screen.screenshot(picture)
        blank = picture.stat().st_size
        with root.start(display=screen.name) as window:

            def is_painted() -> bool:
                screen.screenshot(picture)
                return picture.stat().st_size > 5 * blank or not window.is_alive

            wait_until(is_painted, LIMIT_S, f"{root.name}: no window was painted")
            time.sleep(SETTLED_S)
            screen.screenshot(picture)
            check(
                f"{root.name}: a window, see {picture} {window.lines or ''}".rstrip(),
                window.is_alive,
            )
        selftest = root.run(
            "--selftest", "--profile", HOME / "profile-selftest", display=screen.name
        )
    is_whole = selftest.returncode == 0
    said = selftest.stdout if not is_whole else selftest.stdout.splitlines()[-1]
    check(f"{root.name}: --selftest: {said}", is_whole)


def give(source: BareRoot, target: BareRoot) -> None:
    """A folder from one root to another, through a tracker in the first."""
    shared, taken = source.home / "shared", target.home / "taken"
    (shared / "slides" / "week 1").mkdir(parents=True)
    random_file(shared / "lecture.bin", 30_000_000, seed=1)
    random_file(shared / "slides" / "week 1" / "Übung.pdf", 70_000, seed=2)
    (shared / "slides" / "empty").touch()
    own([shared, *shared.rglob("*")])
    with source.start("tracker", "--bind", "127.0.0.1:0") as tracker:
        host, port = tracker.wait_for(LISTENING).groups()
        at = ("--tracker", f"{host}:{port}")
        with source.start("seed", HOME / "shared", *at, "--bind", "127.0.0.1:0"):
            tracker.wait_for("offers 3 files")
            get = ("get", "shared/", *at, "--to", HOME / "taken", "--profile", HOME / "profile-get")
            result = target.run(*get, "--bind", "127.0.0.1:0")
    compared = subprocess.run(["diff", "-r", shared, taken / "shared"], capture_output=True)
    same = result.returncode == 0 and compared.returncode == 0
    why = "" if same else f"\n{result.stdout}{result.stderr}{compared.stdout.decode()}"
    check(f"{source.name} seeds, {target.name} downloads: diff -r is silent{why}", same)
    shutil.rmtree(shared)
    shutil.rmtree(taken)


def check(what: str, is_so: bool) -> None:
    """Say it, and end everything when it is not so."""
    say(f"{'ok  ' if is_so else 'FAIL'} {what}")
    if not is_so:
        raise SystemExit(1)


def environment(display: str | None = None) -> dict[str, str]:
    """What a user's login brings; and no question to the network."""
    shown = {"DISPLAY": display} if display else {}
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(HOME),
        "LMK_DISCOVER": "off",
        **shown,
    }


def own(paths: Iterable[Path]) -> None:
    """Make these the user's."""
    for path in paths:
        os.chown(path, USER, USER)


if __name__ == "__main__":
    sys.exit(main())
