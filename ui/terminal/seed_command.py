"""The command `seed`: offers a folder, and reports what happens to it, a line each."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.net.throttle import Throttle, Throttles
from roles.program.profile import Profile, bundled_folder
from roles.seeder import Seeder
from roles.values import figures
from roles.values.addresses import EVERY_INTERFACE, SEEDER_PORT, Address, web_address
from roles.values.disk_names import shown_path
from roles.values.events import (
    FolderScanned,
    HashingChanged,
    NetworkChanged,
    ReachabilityChanged,
    RoleEvent,
    RoleStarted,
    TorrentChanged,
    TrackerAnswered,
    TrackerLost,
    Upload,
    UploadsChanged,
)
from roles.values.room_words import shown_computer
from roles.values.safe_names import shown_name
from roles.values.settings import SeederSettings, TorrentKind
from ui import seeder_words, wording
from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.session import Session
from ui.terminal.tracker_choice import ChosenTracker, in_room

EMPTY_S = 3.0  # so long without files, and a folder is empty: it seems to be until it was read
READING_S = 1.0  # between two progress lines, and before the first one
SAME_LEECHER_S = 5.0  # between two lines about one computer: it may take hundreds of files a second


def run(args: argparse.Namespace, profile: Profile, output: Output) -> ExitCode:
    """Seed until interrupted. Raises Interrupted, or why the seeder ended."""
    return in_room(args, output, lambda tracker: _seed(args, profile, output, tracker))


def _seed(
    args: argparse.Namespace, profile: Profile, output: Output, tracker: ChosenTracker
) -> ExitCode:
    settings = SeederSettings(
        folder=args.folder if args.folder is not None else bundled_folder("data"),
        tracker=tracker.address,
        failover=tracker.failover,
        bind=args.bind or Address(EVERY_INTERFACE, SEEDER_PORT),
        bind_exactly=args.bind is not None,
        slots=args.slots,
        state_folder=profile.state_folder,
        door=not args.no_door,
        torrent=TorrentKind(args.torrent),
        code=tracker.code,
    )
    output.say(f"Seeding {shown_path(settings.folder)}")
    throttles = Throttles(Throttle(args.up), Throttle(args.down))
    report = SeederReport(output, is_private=tracker.is_private)
    with Session(output) as session:
        session.start(lambda post: Seeder(settings, post, throttles))
        session.follow(report.tell, report.pass_time)
    return ExitCode.DONE


@dataclass(slots=True)
class SeederReport:
    """Takes the events of a seeder, or of a leecher that keeps seeding."""

    output: Output
    clock: Callable[[], float] = time.monotonic
    platform: str = sys.platform
    is_private: bool = False  # the room
    _web: str = ""  # the URL for browsers; "" if they are not answered
    _folder: FolderScanned | None = None
    _said: str = ""  # of the folder, last
    _unread_since: float | None = None
    _empty_since: float | None = None
    _is_hashing: bool = False
    _hashing_since: float | None = None
    _read_s: float | None = None  # how long that took; said once the tracker lists what was read
    _drawn_at: float = float("-inf")
    _lost: str = ""
    _refusal: str = ""
    _is_warned: bool = False
    # By computer: what it takes, and when that was reported.
    _leechers: dict[str, tuple[str, float]] = field(default_factory=dict)

    def tell(self, event: RoleEvent) -> None:
        match event:
            case RoleStarted(Address() as address, for_others, note, web):
                self.output.say(note)
                self.output.say(f"Seeder listening on {address}. Others reach it at {for_others}.")
                self._web = web
                if web:
                    self.output.say(f"Browsers: {web}")
            case NetworkChanged(gone, come, for_others=Address() as here):
                if self._web and (gone or come) and here.host not in gone:
                    self._web = web_address(here)
                    self.output.say(f"Browsers: {self._web}")
            case FolderScanned() as folder:
                self._note_folder(folder)
                self._tell_folder()
            case HashingChanged() as hashing:
                self._tell_hashing(hashing)
            case TorrentChanged() as torrent:
                self._tell_torrent(torrent)
            case ReachabilityChanged() as reachability:
                self._tell_reachability(reachability)
            case TrackerAnswered(tracker, is_original):
                kind = "an original program" if is_original else "LMKtorrent"
                private = ", a private room" if self.is_private else ""
                self.output.say(f"Listed by the tracker {tracker} ({kind}{private}).")
                self._lost = ""
            case TrackerLost(_, reason):
                if str(reason) != self._lost:
                    self._lost = str(reason)
                    self.output.error(f"{reason} Trying again.")
            case UploadsChanged(_, uploads):
                for upload in uploads:
                    self._tell_upload(upload)
            case _:
                pass

    def pass_time(self) -> None:
        """Report that the folder is being read, or empty, once that has lasted."""
        self._tell_folder()
        unread = self._unread_since
        is_quiet = not self._said and self._hashing_since is None
        if unread is not None and is_quiet and self.clock() - unread >= READING_S:
            self._said = "Checking files …"
            self.output.say(self._said)

    def _note_folder(self, folder: FolderScanned) -> None:
        self._folder = folder
        is_unread = not (folder.is_whole or folder.problem)
        is_empty = not (is_unread or folder.files or folder.skipped or folder.problem)
        self._unread_since = (self._unread_since or self.clock()) if is_unread else None
        self._empty_since = (self._empty_since or self.clock()) if is_empty else None
        if folder.refusal and folder.refusal != self._refusal:
            files = figures.count(len(folder.files), "file")
            has = f" It lists {folder.announced:,} of {files}." if folder.files else ""
            self.output.error(f"{folder.refusal}{has} Trying again until it lists all.")
        self._refusal = folder.refusal

    def _tell_folder(self) -> None:
        """Count its files only when all are known and the tracker lists them, so that a program
        that waits for this line can fetch the list at once.
        """
        folder, empty = self._folder, self._empty_since
        if folder is None or self._unread_since is not None:
            return
        if self._hashing_since is not None and not self._is_hashing:
            self._read_s, self._hashing_since = self.clock() - self._hashing_since, None
        if empty is not None and self.clock() - empty < EMPTY_S:
            return
        if not (folder.is_listed or folder.problem or empty is not None):
            return
        status, read_s = seeder_words.folder_status(folder), self._read_s
        if status != self._said or read_s is not None:
            self._said, self._read_s = status, None
            self.output.say(status if folder.problem else status + _read(folder, read_s))

    def _tell_hashing(self, hashing: HashingChanged) -> None:
        self._is_hashing = hashing.hashed < hashing.size or hashing.files_left > 0
        if not self._is_hashing:
            self._tell_folder()
            return
        if self._hashing_since is None:
            self._hashing_since = self.clock()
        if self.clock() - self._drawn_at >= READING_S:
            self._drawn_at = self.clock()
            files = figures.count(hashing.files_left, "file")
            text = f"of {figures.size(hashing.size)} checked, {files} left"
            self.output.progress(hashing.hashed / hashing.size if hashing.size else 0.0, text)

    def _tell_torrent(self, torrent: TorrentChanged) -> None:
        if torrent.problem:
            self.output.error(torrent.problem)
        elif torrent.torrent:
            self.output.say(f"Its torrent: {self._web.rstrip('/')}{torrent.path}")
        elif torrent.size:
            text = f"of {figures.size(torrent.size)} read a second time"
            self.output.progress(torrent.hashed / torrent.size, text)

    def _tell_reachability(self, reachability: ReachabilityChanged) -> None:
        if not reachability.is_reachable:
            self.output.error(wording.unreachable(reachability.address, self.platform))
        elif self._is_warned:
            self.output.say("Others can connect to this computer now.")
        self._is_warned = not reachability.is_reachable

    def _tell_upload(self, upload: Upload) -> None:
        if not upload.name or upload.position:
            return
        who = shown_computer(upload.computer) or upload.leecher.host
        took, when = self._leechers.get(who, ("", float("-inf")))
        if upload.name != took and self.clock() - when >= SAME_LEECHER_S:
            self._leechers[who] = upload.name, self.clock()
            self.output.say(f"{who} downloads {shown_name(upload.name)}")


def _read(folder: FolderScanned, seconds: float | None) -> str:
    """ " Checked in 2 s; all shared."; "" if nothing had to be read."""
    if seconds is None:
        return ""
    is_all = folder.announced >= len(folder.files) and not folder.in_subfolders
    offered = "; all shared" if is_all and folder.is_listed else ""
    return f" Checked in {figures.duration_words(seconds)}{offered}."
