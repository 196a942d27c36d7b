"""Take the README's pictures of the window: python3 -m tests.pictures [FOLDER].

Real roles on this computer, on a virtual screen of just the window's size. Linux with Xvfb.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from roles.base.profile import Profile, save_settings
from roles.seeder import Seeder
from roles.values.addresses import LOOPBACK, Address
from roles.values.settings import Appearance, ProgramSettings, SeederSettings
from tests.display import Xvfb, install_xvfb_if_missing
from tests.support import EventLog

SIZE = (960, 640)
LIMIT_S = 60.0
MOMENT_S = 0.6  # for what is shown to catch up with what has happened
MB = 1_000_000
COURSE = {  # name and size of what the pictures show being handed out
    "01 Introduction.mp4": 310 * MB,
    "02 Sockets.mp4": 464 * MB,
    "03 Protocols.mp4": 402 * MB,
    "04 Swarms.mp4": 358 * MB,
    "Course notes.pdf": 4 * MB,
    "Exercises.zip": 23 * MB,
    "Lab machine.iso": 731 * MB,
    "Read me first.txt": 1_841,
}
SHOWN = "02 Sockets.mp4"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.pictures", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/images"))
    folder: Path = parser.parse_args().folder.resolve()
    if not install_xvfb_if_missing(_say):
        _say("Xvfb is missing.")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-")))
        screen = stack.enter_context(Xvfb(SIZE))
        Photographer(lab, screen, folder).take_all()
    # Tk would look for the screen, which has gone, when Python ends in the usual way.
    sys.stdout.flush()
    os._exit(0)


class Photographer:
    """Brings one window to its telling states, and takes a picture of each."""

    def __init__(self, lab: Path, screen: Xvfb, folder: Path) -> None:
        from ui.window.app_window import AppWindow

        self._lab, self._screen, self._folder = lab, screen, folder
        self._course = lab / "Networks course"
        self._make_course()
        profile = Profile(lab / "profile" / "settings.json", lab / "profile")
        settings = dataclasses.replace(
            ProgramSettings(),
            download_folder=str(lab / "Downloads"),
            shared_folder=str(self._course),
            appearance=Appearance.LIGHT.value,
            window=f"{SIZE[0]}x{SIZE[1]}+0+0",
        )
        save_settings(profile, settings)
        self._window = AppWindow(profile)
        self._others: list[Seeder] = []

    def take_all(self) -> None:
        """All pictures, then the orderly end."""
        window = self._window
        self._open_room()
        window.show_tab(window.leecher)
        window.leecher.download_all()
        self._wait_until(lambda: window.leecher.run is not None and window.leecher.run.is_busy)
        window.leecher.list.table.choose([SHOWN])
        window.leecher.list.table.tree.focus_set()
        self._wait_until(lambda: self._percent_of(SHOWN) >= 30)
        self._take("leecher-light")
        self._show(Appearance.DARK)
        self._take("leecher-dark")
        self._show(Appearance.LIGHT)
        window.show_tab(window.seeder)
        self._take("seeder-light")
        window.show_tab(window.tracker)
        self._take("tracker-light")
        window.show_tab(window.leecher)
        self._wait_until(lambda: window.leecher.run is not None and not window.leecher.run.is_busy)
        self._take("leecher-done-light")
        self._show(Appearance.DARK)
        self._take("leecher-done-dark")
        window.show_tab(window.seeder)
        self._take("seeder-dark")
        window.show_tab(window.tracker)
        self._take("tracker-dark")
        self._end()

    def _make_course(self) -> None:
        self._course.mkdir()
        source = random.Random(0)
        for name, size in COURSE.items():
            with (self._course / name).open("wb") as file:
                file.write(source.randbytes(min(size, 4096)))
                file.truncate(size)  # the rest is a hole: it is the window that counts

    def _open_room(self) -> None:
        window = self._window
        window.tracker.start_or_stop()
        self._wait_until(lambda: window.tracker.seeder_count is not None)
        window.seeder.start_or_stop()
        tracker = window.tracker.own_address
        assert tracker is not None
        for _ in range(2):
            settings = SeederSettings(self._course, tracker, Address(LOOPBACK, 12501))
            self._others.append(Seeder(settings, EventLog()))
            self._others[-1].start()
        self._wait_until(lambda: window.tracker.seeder_count == 3)
        window.leecher.refresh()
        self._wait_until(
            lambda: window.leecher.list.table.row_keys == sorted(COURSE, key=str.casefold)
        )

    def _percent_of(self, name: str) -> int:
        run = self._window.leecher.run
        download = run.downloads.get(name) if run is not None else None
        return 0 if download is None else download.have * 100 // download.size

    def _show(self, appearance: Appearance) -> None:
        self._window.choose_appearance(appearance)

    def _take(self, name: str) -> None:
        self._pump(MOMENT_S)
        path = self._folder / f"{name}.png"
        self._screen.screenshot(path)
        _say(str(path))

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("the window did not come to the state for the next picture")
            self._pump(0.02)

    def _pump(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._window.update()
            time.sleep(0.005)

    def _end(self) -> None:
        ended = []
        self._window.bind("<Destroy>", lambda _event: ended.append(True))
        self._window.close_now()
        for seeder in self._others:
            seeder.stop()
        self._wait_until(lambda: bool(ended))
        for seeder in self._others:
            seeder.join(LIMIT_S)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
