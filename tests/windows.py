"""A whole window of the program for tests: its profile, its ports, and its orderly end."""

from __future__ import annotations

import json
import socket
import tkinter as tk
from collections.abc import Iterable, Mapping
from pathlib import Path
from tkinter import ttk
from unittest import mock

from roles.program.profile import Profile, bundled_folder
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import DownloadState, FilesListed
from roles.values.listed_file import ListedFile, ListedFolder
from roles.wire.greeting import REQUEST_CONNECTION
from tests.support import LIMIT_S, WindowTestCase, take_focus_from_widgets
from ui.file_list import is_folder
from ui.window.app_window import AppWindow
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import FILE_COLUMNS, bar_of
from ui.window.list_row import ListRow
from ui.window.notices import NoticeArea
from ui.window.table import Table
from ui.window.theme import Theme
from ui.window.tracker_choice import MakeDiscovery
from ui.window.tracker_run import TrackerRun

COURSE = "c0" * 8  # the share of open_with_course()
COURSE_KEY = f"share:{COURSE}"


class TableTestCase(WindowTestCase):
    """table() makes the table of the list, in a window that is shown."""

    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.theme = Theme(self.root)

    def table(self) -> Table[ListRow]:
        table = Table(self.root, self.theme, FILE_COLUMNS, height=3, bar=bar_of)
        table.pack(fill="both", expand=True)
        self.root.geometry("900x300")
        self.root.update()
        return table


class AppWindowTest(WindowTestCase):
    """open_window() opens one; at the end of the test it is closed together with its roles."""

    window: AppWindow

    def setUp(self) -> None:
        super().setUp()
        self.profile = Profile(self.folder / "profile" / "settings.json", self.folder / "profile")
        self.downloads = self.folder / "downloads"
        self.tracker_port = self.free_port("udp")
        self.seeder_port = self.free_port("tcp")
        self.keep()

    def open_root(self) -> None:
        """None: the window under test is a root itself."""

    def keep(self, **settings: object) -> None:
        """Write the settings file with which the next window starts."""
        everything = {
            "download_folder": str(self.downloads),
            "tracker": f"127.0.0.1:{self.tracker_port}",
            "tracker_port": self.tracker_port,
            "seeder_port": self.seeder_port,
            "appearance": "light",
            "has_begun": True,
            **settings,
        }
        self.profile.settings_file.parent.mkdir(exist_ok=True)
        self.profile.settings_file.write_text(json.dumps(everything), encoding="utf-8")

    def kept(self) -> dict[str, object]:
        """What the settings file contains now."""
        settings: dict[str, object] = json.loads(self.profile.settings_file.read_bytes())
        return settings

    def open_window(
        self,
        *,
        folder_to_seed: Path | None = None,
        try_it: bool = False,
        notices: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        discover: MakeDiscovery | None = None,
    ) -> AppWindow:
        """No test searches the network for trackers: `discover` makes its own role, or none."""
        # A role whose tracker is silent would search for it, too.
        default = {} if discover is not None else {"LMK_DISCOVER": "off"}
        window = AppWindow(
            self.profile,
            folder_to_seed=folder_to_seed,
            notices=notices,
            environment=default if environment is None else environment,
        )
        window.report_callback_exception = self._note_callback_failure  # type: ignore[method-assign]
        self.root = self.window = window
        self.addCleanup(self._end, window)
        if self.withdrawn:
            window.withdraw()
        window.begin(try_it=try_it, discover=discover)
        window.update()
        return window

    def _end(self, window: AppWindow) -> None:
        if not is_gone(window):
            take_focus_from_widgets(window)
            window.close_now()
            self.pump_until(lambda: is_gone(window), message="the window did not close")

    @property
    def tracker_run(self) -> TrackerRun:
        """The last one of the window's tracker."""
        run = self.window.tracker.run
        assert run is not None
        return run

    # What many tests wait for

    def files_listed(self) -> list[str]:
        """The files that have a row, without the folders that contain them."""
        return sorted(key for key in self.window.leecher.list.table.order if not is_folder(key))

    def wait_for_files(self, count: int) -> None:
        self.pump_until(
            lambda: len(self.files_listed()) == count, LIMIT_S, f"{count} files were not listed"
        )

    def open_with_course(self, *names: str, beside: Iterable[str] = ()) -> None:
        """A large window with the focus. It lists a folder with files of 10 bytes, and files of 1
        byte beside it.
        """
        self.open_window()
        self.window.geometry("1280x800+0+0")
        self.window.focus_force()
        shared = tuple(ListedFile(name, 10, b"root", COURSE) for name in names)
        files = (*shared, *(ListedFile(name, 1) for name in beside))
        folder = ListedFolder(COURSE, "Course", len(names), 10 * len(names))
        self.model._handle(FilesListed(Address(LOOPBACK, 12500), files, (), (), (folder,)))

    def open_with_examples(self, **options: object) -> AppWindow:
        """A window with the demo's roles on this computer, its list filled."""
        if options:
            self.keep(**options)
        window = self.open_window(try_it=True)
        self.wait_for_files(len(examples()))
        return window

    def state_of(self, name: str) -> DownloadState | None:
        """The state of a file that was asked for by itself or with its folder."""
        file, own = self.model.list.files.get(name), self.model.state_of(name)
        ended = None if file is None else self.model.parts.ended(file.share, file.name)
        return own if own is not None or ended is None else ended.state

    @property
    def model(self) -> LeecherModel:
        return self.window.leecher.model

    @property
    def own_tracker(self) -> Address:
        """How programs on this computer reach the window's tracker."""
        address = self.window._context.trackers.own
        assert address is not None
        return address

    def wait_for_state(self, state: DownloadState, *names: str) -> None:
        self.pump_until(
            lambda: all(self.state_of(name) is state for name in names),
            LIMIT_S,
            f"not all of {names} became {state.value}",
        )

    def answer(self, area: NoticeArea, label: str) -> None:
        """Press a button of a notice."""
        self.pump_until(
            lambda: any(text == label for text in button_texts(area)), LIMIT_S, f"no {label!r}"
        )
        press(area, label)

    def occupy(self, seeder: Address) -> socket.socket:
        """Take a slot of this seeder and do nothing with it."""
        link = self.enterContext(socket.create_connection(seeder, LIMIT_S))
        link.sendall(REQUEST_CONNECTION)
        return link


def tracker_without_role(window: AppWindow) -> TrackerRun:
    """A run in the Tracker tab that takes its events from the caller."""
    with mock.patch.object(window._context.roles, "start"):
        window.tracker.start()
    run = window.tracker.run
    assert run is not None
    return run


def examples() -> list[str]:
    """The names of the example files."""
    return sorted(file.name for file in bundled_folder("data").iterdir())


def is_gone(window: tk.Tk) -> bool:
    try:
        return not window.winfo_exists()
    except tk.TclError:
        return True


def buttons_below(widget: tk.Misc) -> list[ttk.Button]:
    found = []
    for child in widget.winfo_children():
        if isinstance(child, ttk.Button):
            found.append(child)
        found += buttons_below(child)
    return found


def button_texts(widget: tk.Misc) -> list[str]:
    return [str(button.cget("text")) for button in buttons_below(widget)]


def text_of(label: ttk.Label) -> str:
    return str(label.cget("text"))


def sentences(area: NoticeArea) -> list[str]:
    """Of the notices that are shown, the newest last."""
    return [str(bar.winfo_children()[0].cget("text")) for bar in area.winfo_children()]


def press(widget: tk.Misc, label: str) -> None:
    """Press the button of that text below this widget."""
    button = next(button for button in buttons_below(widget) if str(button.cget("text")) == label)
    button.invoke()


def press_key(widget: tk.Misc, key: str) -> None:
    """As an event of Tk: "<Right>"."""
    widget.winfo_toplevel().deiconify()  # what is hidden gets no keys
    widget.update()
    widget.focus_force()
    widget.update()
    widget.event_generate(key)
    widget.update()


def every_widget(widget: tk.Misc) -> list[tk.Misc]:
    found: list[tk.Misc] = []
    for child in widget.winfo_children():
        found += [child, *every_widget(child)]
    return found


def texts_of(tree: ttk.Treeview, column: str) -> list[str]:
    """One column of a table, of the rows in sight, from the top down."""
    if column not in tree["columns"]:  # beside the pictures
        return [str(tree.item(item, "text")) for item in tree.get_children()]
    return [str(tree.set(item, column)) for item in tree.get_children()]
