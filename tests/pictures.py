"""Take the README's pictures of the window: python3 -m tests.pictures [FOLDER].

Real roles on this computer, named as a room's computers and no faster than its network, on a
virtual screen of just the window's size. Linux with Xvfb.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from unittest import mock

from roles.leecher import Leecher
from roles.net.throttle import Throttle, Throttles
from roles.program.profile import Profile, SettingsFile
from roles.seeder import Seeder
from roles.values.addresses import LOOPBACK, Address, web_address
from roles.values.events import FilesListed, HashingChanged, RoleStarted, RoleStopped
from roles.values.listed_file import ListedFile
from roles.values.program_settings import Appearance, ProgramSettings
from roles.values.settings import Existing, LeecherSettings, SeederSettings
from tests.display import Xvfb, install_xvfb_if_missing
from tests.lesson import lesson
from tests.support import EventLog
from tests.windows import tracker_without_role

SIZE = (960, 640)
LIMIT_S = 120.0
TOLD_S = 5.0  # within this time every program in the room knows what was read
MOMENT_S = 0.6  # until the window shows what has happened
MB = 1_000_000
COURSE = {  # path and size of what is shared in the pictures
    "Course notes.pdf": 4 * MB,
    "Exercises/1 Echo server.zip": 3 * MB,
    "Exercises/2 File transfer.zip": 5 * MB,
    "Exercises/3 Tracker.zip": 9 * MB,
    "Lab machine.iso": 231 * MB,
    "Read me first.txt": 1_841,
    "Videos/01 Introduction.mp4": 31 * MB,
    "Videos/02 Sockets.mp4": 46 * MB,
    "Videos/03 Protocols.mp4": 40 * MB,
    "Videos/04 Swarms.mp4": 36 * MB,
}
OPENED = "Videos"
TEACHER = "teacher"
FIRST_PORT = 12500
SEEDERS = ("lab-pc-02",)
LEECHERS = ("lab-pc-07", "lab-pc-08")
BIND = Address(LOOPBACK, 0)  # any port: others may take pictures at the same time
LESSON_BIND, LESSON_ADDRESS = Address("0.0.0.0", 12500), Address("192.168.77.1", 12500)
CODE = "482177305"
RATE = 11 * MB  # bytes per second that each of the others sends and receives: 100 Mbit/s


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.pictures", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/images"))
    folder: Path = parser.parse_args().folder.resolve()
    if not install_xvfb_if_missing(_say):
        _say("Xvfb is missing.")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lab = _new_folder()
        stack.callback(shutil.rmtree, lab)
        screen = stack.enter_context(Xvfb(SIZE))
        photographer = Photographer(lab, screen, folder)
        stack.enter_context(mock.patch("socket.gethostname", lambda: photographer.computer))
        photographer.take_all()
    # At its usual end Python lets Tk look for the screen, which is gone.
    sys.stdout.flush()
    os._exit(0)


class Photographer:
    """Brings one window to the states that are worth showing, and takes a picture of each."""

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
            up_limit="20 MB/s",
            down_limit="20 MB/s",
            appearance=Appearance.LIGHT.value,
            window=f"{SIZE[0]}x{SIZE[1]}+0+0",
            computer_name=TEACHER,
            tracker_port=_free_port(FIRST_PORT),
            seeder_port=_free_port(FIRST_PORT + 1),
        )
        SettingsFile(profile.settings_file).save(settings)
        self._window = AppWindow(profile, environment={"LMK_DISCOVER": "off"})
        self._window.begin()
        self._others: list[Seeder | Leecher] = []
        self.computer = TEACHER  # the name of a program that joins now

    def take_all(self) -> None:
        """Take all pictures, then end in order."""
        window = self._window
        self._take_lesson()
        self._open_room()
        window.tabs.show("Leecher")
        self._start_leechers()
        window.leecher.download_all()
        window.leecher.list.table.choose([self._share])
        window.leecher.list.table.tree.focus_set()
        self._wait_until(lambda: self._percent >= 30)
        self._take("leecher-light")
        self._show(Appearance.DARK)
        self._take("leecher-dark")
        self._show(Appearance.LIGHT)
        window.tabs.show("Seeder")
        self._take("seeder-light")
        window.tabs.show("Tracker")
        self._take("tracker-light")
        window.tabs.show("Leecher")
        self._wait_until(lambda: not window.leecher.model.is_busy)
        self._open_folder(OPENED)
        self._take("leecher-done-light")
        self._show(Appearance.DARK)
        self._take("leecher-done-dark")
        window.tabs.show("Seeder")
        self._take("seeder-dark")
        window.tabs.show("Tracker")
        self._take("tracker-dark")
        self._end()

    def _take_lesson(self) -> None:
        """A room of thirty computers with one of each problem, which real roles would take a lesson
        to come to.
        """
        self._window.tabs.show("Tracker")
        run = tracker_without_role(self._window)
        web = web_address(LESSON_ADDRESS)
        run.take(RoleStarted(LESSON_BIND, LESSON_ADDRESS, web=web))
        run.take(lesson(time.monotonic()))
        self._take("room-light")
        self._show(Appearance.DARK)
        self._take("room-dark")
        run.take(RoleStarted(LESSON_BIND, LESSON_ADDRESS, code=CODE))
        self._take("private-dark")
        self._show(Appearance.LIGHT)
        self._take("private-light")
        run.take(RoleStopped())

    def _make_course(self) -> None:
        self._course.mkdir()
        source = random.Random(0)
        for name, size in COURSE.items():
            path = self._course / name
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as file:
                file.write(source.randbytes(min(size, 4096)))
                file.truncate(size)  # the rest is a hole: only the size is shown

    def _open_room(self) -> None:
        window = self._window
        window.tracker.start_or_stop()
        self._wait_until(lambda: window.tracker.seeder_count is not None)
        window.seeder.start_or_stop()
        self._wait_until(lambda: window.tracker.seeder_count == 1)
        for name in SEEDERS:
            self._start_seeder(name)
        window.leecher.refresh()
        self._wait_until(lambda: len(self._files) == len(COURSE))

    def _start_seeder(self, name: str) -> None:
        log = EventLog()
        seeder = Seeder(SeederSettings(self._course, self._tracker, BIND), log, limits())
        self._join(name, seeder, seeder.start)
        self._wait_until(lambda: any(now.hashed == now.size > 0 for now in log.of(HashingChanged)))
        self._pump(TOLD_S)

    def _start_leechers(self) -> None:
        for name in LEECHERS:
            log = EventLog()
            settings = LeecherSettings(self._lab / name, self._tracker, bind=BIND)
            leecher = Leecher(settings, log, limits())
            leecher.refresh()  # it joins as soon as it has a list
            self._join(name, leecher, leecher.start)
            self._wait_until(lambda log=log: bool(log.of(FilesListed)))  # type: ignore[misc]
            leecher.download([self._share], Existing.SKIP)

    def _join(self, name: str, role: Seeder | Leecher, join: Callable[[], None]) -> None:
        """Add a computer to the room; it tells its name when it joins."""
        self._others.append(role)
        self.computer, rows = name, len(self._window.tracker.room.computers)
        join()
        self._wait_until(lambda: len(self._window.tracker.room.computers) > rows)
        self.computer = TEACHER

    @property
    def _tracker(self) -> Address:
        address = self._window._context.trackers.own
        assert address is not None
        return address

    @property
    def _files(self) -> dict[str, ListedFile]:
        return self._window.leecher.model.list.files

    @property
    def _share(self) -> str:
        """What a leecher is asked for to get the whole folder: the first row of the list."""
        return self._window.leecher.list.table.order[0]

    @property
    def _percent(self) -> int:
        download = self._window.leecher.model.downloads.get(self._share)
        return 0 if download is None else download.have * 100 // max(1, download.size)

    def _open_folder(self, name: str) -> None:
        shown = self._window.leecher.list
        keys = shown.table.order
        shown.toggle(next(key for key in keys if key.startswith(f"{self._share}/{name}")))

    def _show(self, appearance: Appearance) -> None:
        self._window.appearance.choose(appearance)

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
        for role in self._others:
            role.stop()
        self._wait_until(lambda: bool(ended))
        for role in self._others:
            role.join(LIMIT_S)


def _new_folder() -> Path:
    """With a short name, because the window shows it."""
    for number in count(1):
        with suppress(FileExistsError):
            lab = Path(tempfile.gettempdir(), "lab" if number == 1 else f"lab-{number}")
            lab.mkdir()
            return lab
    raise AssertionError


def _free_port(first: int) -> int:
    """The first free one from here on."""
    for port in count(first):
        with suppress(OSError), ExitStack() as stack:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                stack.enter_context(socket.socket(type=kind)).bind(("", port))
            return port
    raise AssertionError


def limits() -> Throttles:
    """The limits of one of the others."""
    return Throttles(Throttle(RATE), Throttle(RATE))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
