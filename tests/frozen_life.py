"""How the packed program starts and ends: `python3 -m tests.frozen_life EXECUTABLE`. Linux.

It kills the first process, closes the standard streams, and checks what is left behind. It prints
each step with its figures, and ends with 0 if everything passed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.display import Xvfb
from tests.programs import RunningCommand, environment, is_alive
from tests.support import wait_until

LISTENING = r"listening on (\S+):(\d+)\."
ORPHAN_S = 2.0
WAIT_S = 20.0


def main() -> int:
    """Test the executable that the command line names."""
    try_life(Path(sys.argv[1]).resolve())
    return 0


def try_life(executable: Path) -> None:
    """All tests, in folders of their own."""
    with tempfile.TemporaryDirectory(prefix="lmk-life-") as name:
        life = Life(executable, Path(name))
        life.closed_streams()
        life.portable()
        life.killed_early()
        life.killed_tracker()
        life.swept()
        with Xvfb((900, 640)) as screen:
            life.killed_window(screen.name)
            life.second_window(screen.name)


class Life:
    """One executable with a temporary folder that nobody else uses."""

    def __init__(self, executable: Path, folder: Path) -> None:
        self.executable = executable
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.environ = environment(TMPDIR=str(self.temporary), LMK_TRACKER="127.0.0.1:9")

    def unpacked(self) -> list[str]:
        """The folders that are unpacked now."""
        return sorted(path.name for path in self.temporary.glob("_MEI*"))

    def running(self, *arguments: str, profile: str = "profile", **environ: str) -> RunningCommand:
        return RunningCommand(
            *arguments,
            folder=self.folder,
            profile=profile,
            program=[str(self.executable)],
            environ={**self.environ, **environ},
        )

    def tracker(self, profile: str = "profile") -> RunningCommand:
        return self.running("tracker", "--bind", "127.0.0.1:0", profile=profile)

    def closed_streams(self) -> None:
        """Every command without standard input, output and error: output that nobody can read ends
        with 4.
        """
        for arguments, code in (
            (["--version"], 4),
            (["--help"], 4),
            (["--nonsense"], 2),
            (["list", "-v"], 3),
            (["get", "--all"], 3),
            (["trackers"], 2),  # LMK_DISCOVER is off
            (["demo"], 4),
            ([], 4),
        ):
            done = subprocess.run(
                ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', str(self.executable), *arguments],
                cwd=self.folder,
                env={**self.environ, "HOME": str(self.folder)},
                timeout=60,
                check=False,
            )
            words = " ".join(arguments) or "(no command, no display)"
            check(f"without standard streams: {words} ends with {code}", done.returncode == code)
        check("nothing is left unpacked by runs that ended", self.unpacked() == [])

    def portable(self) -> None:
        """With an empty settings.json beside the executable, everything stays there."""
        stick = self.folder / "stick"
        stick.mkdir()
        copy = stick / self.executable.name
        copy.write_bytes(self.executable.read_bytes())
        copy.chmod(0o755)
        (stick / "settings.json").touch()
        home = self.folder / "home"
        home.mkdir()
        subprocess.run(
            [str(copy), "list"],
            cwd=self.folder,
            env={**self.environ, "HOME": str(home)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        check("portable: the log is beside the program", (stick / "logs").is_dir())
        check("portable: nothing is in the home", list(home.iterdir()) == [])

    def killed_tracker(self) -> None:
        """Its first process is killed."""
        with self.tracker() as tracker:
            tracker.wait_for(LISTENING)
            self._kill("tracker", tracker)

    def killed_early(self) -> None:
        """Killed at any moment of a start, no process is left, whatever stays unpacked."""
        for delay_s in (0.05, 0.15, 0.25, 0.35, 0.5, 0.8):
            with self.tracker("early") as tracker:
                time.sleep(delay_s)
                children = children_of(tracker.process_id)
                os.kill(tracker.process_id, signal.SIGKILL)
                spent = until_ended(children)
            unpacked = len(self.unpacked())
            check(f"killed {delay_s} s after the start: nobody {spent:.2f} s later", True)
            for path in self.temporary.glob("_MEI*"):
                check(f"  {unpacked} left, locked: {(path / 'lmk.lock').exists()}", True)
                shutil.rmtree(path)

    def swept(self) -> None:
        """The next start removes what the kill left, and nothing else."""
        foreign = self.temporary / "_MEIforeign"
        foreign.mkdir()
        (foreign / "base_library.zip").touch()
        before = self.unpacked()
        with self.tracker("other") as other, self.tracker() as tracker:
            other.wait_for(LISTENING)
            tracker.wait_for(LISTENING)
            wait_until(lambda: len(self.unpacked()) == 3, WAIT_S, f"not swept: {before}")
            after = self.unpacked()
            stale = set(before) - {foreign.name}
            check(f"swept {len(stale)}, spared 2 live and 1 foreign", not stale & set(after))
        wait_until(lambda: self.unpacked() == [foreign.name], WAIT_S, "not removed at the end")

    def killed_window(self, screen: str) -> None:
        """The same with a window; SIGTERM from the system ends one in order."""
        with self.running(DISPLAY=screen, profile="window") as window:
            self._wait_for_window("window")
            self._kill("window", window, "window")
        with self.running(DISPLAY=screen, profile="ended") as window:
            self._wait_for_window("ended")
            began = time.monotonic()
            code = window.signal(signal.SIGTERM)
            spent = time.monotonic() - began
            check(f"SIGTERM closes a window with 0, after {spent:.2f} s", code == 0)

    def second_window(self, screen: str) -> None:
        """The second window of a profile knows of the first."""
        locks = self.folder / "profile"
        with self.running(DISPLAY=screen) as first, self.running(DISPLAY=screen) as second:
            wait_until(lambda: bool(list(locks.glob("window-*.lock"))), WAIT_S)
            check("two windows of one profile run", first.is_alive and second.is_alive)

    def _wait_for_window(self, profile: str) -> None:
        """Until it has asked its tracker: by then it is painted."""
        log = self.folder / profile / "logs" / "lmktorrent.log"
        wait_until(lambda: log.is_file() and "lmk-" in log.read_text(), WAIT_S, "no window")
        time.sleep(1)

    def _kill(self, what: str, program: RunningCommand, profile: str = "profile") -> None:
        first = program.process_id
        second = children_of(first)[0]
        unpacked = self.unpacked()
        os.kill(first, signal.SIGKILL)
        spent = until_ended([second])
        check(f"{what} {first}: killed; its child {second} ended after {spent:.2f} s", True)
        check(f"not later than {ORPHAN_S:g} s", spent <= ORPHAN_S)
        log = (self.folder / profile / "logs" / "lmktorrent.log").read_text()
        check("its log says why", "that unpacked this program was killed" in log)
        check(f"left unpacked: {', '.join(self.unpacked())}", self.unpacked() == unpacked)


def children_of(process: int) -> list[int]:
    """Those that it started itself."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in children.split()]


def until_ended(processes: list[int]) -> float:
    """Wait for all of them; the seconds that it took."""
    began = time.monotonic()
    wait_until(lambda: not any(map(is_alive, processes)), WAIT_S, f"{processes} live on")
    return time.monotonic() - began


def check(what: str, is_so: bool) -> None:
    """Say it, and end where it is not so."""
    sys.stdout.write(f"{'ok  ' if is_so else 'FAIL'} {what}\n")
    sys.stdout.flush()
    if not is_so:
        raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
