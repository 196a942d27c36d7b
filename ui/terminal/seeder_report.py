"""Reports what happens to the command `seed`, a line each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from roles.values.events import (
    FolderScanned,
    HashingChanged,
    NetworkChanged,
    ReachabilityChanged,
    RoleEvent,
    RoleStarted,
    TrackerAnswered,
    TrackerLost,
    TrackerMoved,
    Upload,
    UploadsChanged,
)
from roles.values.safe_names import shown_name
from ui import wording
from ui.terminal import phrases
from ui.terminal.output import Output

EMPTY_S = 3.0  # so long without files, and a folder is empty: it seems to be until it was read
READING_S = 1.0  # between two progress lines, and before the first one
SAME_LEECHER_S = 5.0  # between two lines about one computer: it may take hundreds of files a second


@dataclass(slots=True)
class SeederReport:
    """Gets every event; also those of a leecher that keeps seeding."""

    output: Output
    clock: Callable[[], float] = time.monotonic
    platform: str = sys.platform
    _folder: FolderScanned | None = None
    _folder_words: str = ""
    _unread_since: float | None = None
    _empty_since: float | None = None
    _lost: str = ""
    _refusal: str = ""
    _begin: HashingChanged | None = None  # the first event of the current reading
    _hashing: HashingChanged | None = None  # and the last
    _began_at: float = 0.0
    _read_s: float | None = None  # seconds it took; reported once the tracker lists what was read
    _drawn_at: float = float("-inf")
    _is_warned: bool = False
    # By computer: what it takes, and when that was reported.
    _leechers: dict[str, tuple[str, float]] = field(default_factory=dict)

    def tell(self, event: RoleEvent) -> None:
        """Report what has changed."""
        match event:
            case RoleStarted(address, for_others, note) if address is not None:
                if note:
                    self.output.say(note)
                self.output.say(f"Seeder listening on {address}. Others reach it at {for_others}.")
            case FolderScanned() as folder:
                self._folder = folder
                self._tell_folder(folder)
            case HashingChanged() as hashing:
                self._tell_hashing(hashing)
            case ReachabilityChanged() as reachability:
                self._tell_reachability(reachability)
            case TrackerAnswered(tracker, is_original):
                kind = "an original program" if is_original else "LMKtorrent"
                self.output.say(f"On the list of the tracker {tracker} ({kind}).")
                self._lost = ""
            case TrackerLost(_, reason):
                if str(reason) != self._lost:
                    self._lost = str(reason)
                    self.output.error(f"{reason} Trying again.")
            case NetworkChanged() as change:
                tell_network(change, self.output)
            case TrackerMoved() as moved:
                self.output.say(wording.tracker_moved(moved))
            case UploadsChanged(_, uploads):
                for upload in uploads:
                    self._tell_upload(upload)
            case _:
                return

    def pass_time(self) -> None:
        """Report that the folder is read, or empty, once that has lasted."""
        unread = self._unread_since
        is_quiet = not self._folder_words and self._begin is None
        if unread is not None and is_quiet and self.clock() - unread >= READING_S:
            self._folder_words = "Reading the folder …"
            self.output.say(self._folder_words)
        if self._empty_since is not None and self.clock() - self._empty_since >= EMPTY_S:
            self._empty_since = None
            if self._folder is not None:
                self._say_folder(self._folder)

    def _tell_folder(self, folder: FolderScanned) -> None:
        """Count its files only when all are known and the tracker lists them, so that a program
        that waits for this line can fetch the list at once.
        """
        self._tell_refusal(folder)
        if not (folder.is_whole or folder.problem):
            self._unread_since = self._unread_since or self.clock()
            self._empty_since = None
            return
        self._unread_since = None
        self._tell_read()
        if not (folder.files or folder.skipped or folder.problem):
            self._empty_since = self._empty_since or self.clock()
            return
        self._empty_since = None
        if folder.is_listed or folder.problem:
            self._say_folder(folder)

    def _tell_refusal(self, folder: FolderScanned) -> None:
        if folder.refusal and folder.refusal != self._refusal:
            files = wording.count(len(folder.files), "file")
            has = f" It lists {folder.announced:,} of {files}." if folder.files else ""
            self.output.error(f"{folder.refusal}{has} Trying again until it lists all.")
        self._refusal = folder.refusal

    def _say_folder(self, folder: FolderScanned) -> None:
        text = wording.folder_status(folder)
        if text != self._folder_words:
            self._folder_words = text
            self.output.say(text)

    def _tell_hashing(self, hashing: HashingChanged) -> None:
        self._hashing = hashing
        if _is_all_read(hashing):
            self._tell_read()
            return
        if self._begin is None:
            self._begin, self._began_at = hashing, self.clock()
        self._draw(hashing)

    def _tell_read(self) -> None:
        """Report that everything is read and listed, and that no file is put off because it is
        being written.
        """
        begin, hashing, folder = self._begin, self._hashing, self._folder
        if begin is None or hashing is None or not _is_all_read(hashing):
            return
        if folder is None or not (folder.is_whole or folder.problem):
            return
        if self._read_s is None:
            self._read_s = self.clock() - self._began_at
        if not (folder.is_listed or folder.problem):
            return
        size = wording.size(max(0, hashing.size - begin.hashed))
        files = wording.count(begin.files_left, "file")
        seconds = phrases.spent(self._read_s)
        self._begin = self._read_s = None
        offered = "" if folder.problem else "; all is offered"
        self.output.say(f"Read {size}, {files}, in {seconds}{offered}.")

    def _draw(self, hashing: HashingChanged) -> None:
        if self.clock() - self._drawn_at < READING_S:
            return
        self._drawn_at = self.clock()
        files = wording.count(hashing.files_left, "file")
        text = f"of {wording.size(hashing.size)} read, {files} left"
        self.output.progress(hashing.hashed / hashing.size if hashing.size else 0.0, text)

    def _tell_reachability(self, reachability: ReachabilityChanged) -> None:
        if reachability.is_reachable:
            if self._is_warned:
                self.output.say("Others can connect to this computer now.")
            self._is_warned = False
            return
        self._is_warned = True
        self.output.error(wording.unreachable(reachability.address, self.platform))

    def _tell_upload(self, upload: Upload) -> None:
        if not upload.name or upload.position:
            return
        who = shown_name(upload.computer, 40) or upload.leecher.host
        took, when = self._leechers.get(who, ("", float("-inf")))
        if upload.name != took and self.clock() - when >= SAME_LEECHER_S:
            self._leechers[who] = upload.name, self.clock()
            self.output.say(f"{who} downloads {shown_name(upload.name)}")


def tell_network(change: NetworkChanged, output: Output) -> None:
    """Report what happened to this computer's network, if it is worth telling."""
    text = wording.network_changed(change)
    if text:
        output.say(text)


def _is_all_read(hashing: HashingChanged) -> bool:
    return hashing.hashed >= hashing.size and not hashing.files_left
