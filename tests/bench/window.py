"""How smooth the window is: gaps in the beats of a timer in Tk's thread, times of single acts.

    python3 -m tests.bench.window

On a virtual screen, with a room of 100 computers that all change, a list of 100,000 files in
closed folders and then in open ones, and what four downloads from 32 peers post meanwhile. It
asserts nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from roles.program.profile import Profile, SettingsFile
from roles.values.addresses import Address
from roles.values.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    RoleStarted,
    RoomChanged,
    Source,
)
from roles.values.folder_keys import FolderKey
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.participants import Participant
from roles.values.program_settings import Appearance, ProgramSettings
from tests.bench.result import Result, say
from tests.display import Xvfb, install_xvfb_if_missing
from tests.lesson import lesson
from tests.windows import tracker_without_role
from ui.window.app_window import AppWindow

SCREEN = (1280, 800)
COMPUTERS = 100
FOLDERS, FILES_EACH = 200, 500
SHARE = "c0" * 8
DOWNLOADS, PEERS = 4, 32
BEAT_MS = 5
POSTS_MS = 250  # between two reports of every download, as a leecher posts them
TELL_MS = 250  # between two reports of the room
SCROLL_MS = 16
PHASE_S = 4.0
TIMES = 5
GAP_TARGET, FRAME_TARGET, ACT_TARGET = "p99 100 ms", "16 ms", "100 ms"


class WindowBench:
    def __init__(self, folder: Path) -> None:
        profile = Profile(folder / "settings.json", folder)
        settings = replace(
            ProgramSettings(),
            tracker="127.0.0.1:9",
            download_folder=str(folder / "downloads"),
            appearance=Appearance.LIGHT.value,
            window=f"{SCREEN[0]}x{SCREEN[1]}+0+0",
        )
        SettingsFile(profile.settings_file).save(settings)
        self.window = AppWindow(profile, environment={"LMK_DISCOVER": "off"})
        self.window.begin()
        self._gaps = list[float]()
        self._last_beat = time.perf_counter()
        self._round = 0
        self.run_for(1.0)
        self._beat()
        self._post_downloads()

    def run_for(self, seconds: float) -> None:
        """Let the window work as in its main loop."""
        self.window.after(round(seconds * 1000), self.window.quit)
        self.window.mainloop()

    def run_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.run_for(0.05)

    def smoothness(self, what: str, act: Callable[[], None], every_ms: int) -> None:
        """Print the gaps while `act` is called again and again."""
        until = time.perf_counter() + PHASE_S

        def again() -> None:
            act()
            if time.perf_counter() < until:
                self.window.after(every_ms, again)

        self._gaps.clear()
        self.window.after(1, again)
        self.run_for(PHASE_S)
        self._say_gaps(what)

    def act(self, what: str, act: Callable[[int], None], target: str) -> None:
        """Print how long one call takes until it is painted, and the gaps around it."""
        self._gaps.clear()
        times, processor = list[float](), list[float]()
        for number in range(TIMES):
            began, began_cpu = time.perf_counter(), time.thread_time()
            act(number)
            self.window.update_idletasks()
            processor.append((time.thread_time() - began_cpu) * 1000)
            times.append((time.perf_counter() - began) * 1000)
            self.run_for(0.4)
        median = sorted(processor)[TIMES // 2]
        note = f"({min(times):.1f} to {max(times):.1f}, {median:.1f} of a processor)"
        say(Result(what, sorted(times)[TIMES // 2], "ms", target=target, note=note).line())
        self._say_gaps("  the window meanwhile")

    def _beat(self) -> None:
        now = time.perf_counter()
        self._gaps.append((now - self._last_beat) * 1000)
        self._last_beat = now
        self.window.after(BEAT_MS, self._beat)

    def _say_gaps(self, what: str) -> None:
        gaps = sorted(self._gaps) or [0.0]
        p50, p99 = gaps[len(gaps) // 2], gaps[min(len(gaps) - 1, len(gaps) * 99 // 100)]
        note = f"(p50 {p50:.1f}, longest {gaps[-1]:.1f}, {len(gaps)} beats)"
        say(Result(f"{what}: gap", p99, "ms", target=GAP_TARGET, note=note).line())

    # The room

    def open_room(self) -> None:
        tab = self.window.tracker
        self.window.tabs.show("Tracker")
        here = Address("192.168.77.1", 12500)
        self._run = tracker_without_role(self.window)
        self._run.take(RoleStarted(Address("0.0.0.0", here.port), here))
        self.tell_room()
        self.run_until(lambda: len(tab.room.tiles._drawn) > COMPUTERS)

    def tell_room(self) -> None:
        self._run.take(self._changed_room())

    def _changed_room(self) -> RoomChanged:
        self._round += 1
        room = lesson(time.monotonic(), COMPUTERS)
        changed = map(self._changed, room.participants)
        return replace(room, participants=tuple(changed))

    def _changed(self, one: Participant) -> Participant:
        """It has another rate, and has given more."""
        status = one.status
        given = status.given + self._round * 1_234_567
        return replace(one, status=replace(status, down=status.down + self._round, given=given))

    # The list

    def open_list(self) -> None:
        """100,000 files in closed folders, as a list begins."""
        files = tuple(
            ListedFile(f"folder {number:03}/part {file:03}.dat", 1_000 + file, b"r" * 32, SHARE)
            for number in range(FOLDERS)
            for file in range(FILES_EACH)
        )
        size = sum(file.size for file in files)
        listed = ListedFolder(SHARE, "lesson", len(files), size)
        self.window.tabs.show("Leecher")
        model, shown = self.window.leecher.model, self.window.leecher.list
        self.run_for(0.2)  # or making these files would count as a gap
        self._gaps.clear()
        model._handle(FilesListed(Address("127.0.0.1", 9), files, (), (), (listed,)))
        self.run_until(lambda: len(model.list.files) == len(files))
        shown._rows._wished = {listed.key: True}
        shown.show_anew()
        self.run_for(0.5)
        self._say_gaps("100,000 files are listed")

    def open_all_folders(self) -> None:
        """So that each file has a row."""
        shown = self.window.leecher.list
        shown._rows._wished |= {
            str(FolderKey(SHARE, f"folder {number:03}")): True for number in range(FOLDERS)
        }
        self._gaps.clear()
        shown.show_anew()
        rows = FOLDERS * (FILES_EACH + 1) + 1
        self.run_until(lambda: len(shown.table.order) >= rows)
        self.run_for(0.5)
        self._say_gaps("100,000 rows come")

    def scroll(self) -> None:
        rows = self.window.leecher.list.table
        if rows.top + rows.fitting >= len(rows.order):
            rows.yview("moveto", "0.0")
        rows.yview("scroll", "3", "pages")

    def sort(self, number: int) -> None:
        self.window.leecher.list.table.sort_by(2 if number % 2 else 1)

    def filter(self, number: int) -> None:
        found = self.window.leecher.list
        found.toolbar.wanted.set(f"part {number}")
        found._fill()

    def filter_nothing(self) -> None:
        self.window.leecher.list.toolbar.wanted.set("")
        self.run_for(0.5)

    def _post_downloads(self) -> None:
        """What a leecher posts of running downloads."""
        self.window.after(POSTS_MS, self._post_downloads)
        self._round += 1
        sources = tuple(
            Source(Address(f"10.0.0.{peer}", 12501), self._round * 1_000, 1e6, True)
            for peer in range(1, PEERS + 1)
        )
        for number in range(DOWNLOADS):
            self.window.leecher.model._handle(
                DownloadChanged(
                    f"big {number}.iso",
                    DownloadState.DOWNLOADING,
                    10**9,
                    self._round * 10**6,
                    1e8,
                    10.0,
                    sources,
                )
            )


def main() -> int:
    if not install_xvfb_if_missing(say):
        say("Xvfb is missing.")
        return 1
    with tempfile.TemporaryDirectory(prefix="lmk-window-") as folder, Xvfb(SCREEN):
        bench = WindowBench(Path(folder))
        bench.smoothness("nothing to do", lambda: None, TELL_MS)
        bench.open_room()
        bench.act(f"{COMPUTERS} tiles drawn again", lambda _: bench.tell_room(), FRAME_TARGET)
        bench.smoothness(f"{COMPUTERS} tiles change", bench.tell_room, TELL_MS)
        bench.open_list()
        bench.act("100,000 files sorted", bench.sort, ACT_TARGET)
        bench.act("100,000 files filtered", bench.filter, ACT_TARGET)
        bench.filter_nothing()
        bench.open_all_folders()
        bench.smoothness("100,000 rows scrolled", bench.scroll, SCROLL_MS)
        bench.act("100,000 rows sorted", bench.sort, ACT_TARGET)
        sys.stdout.flush()
        os._exit(0)  # Xlib would end the process with the screen


if __name__ == "__main__":
    sys.exit(main())
