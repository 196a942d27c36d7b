"""One run of the seeder role: its folder, the tracker's list, and its leechers. No widgets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from roles.values import figures
from roles.values.addresses import Address, web_address
from roles.values.errors import CodeRefusedError
from roles.values.events import (
    FolderScanned,
    HashingChanged,
    NetworkChanged,
    ReachabilityChanged,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    TorrentChanged,
    TrackerAnswered,
    TrackerLost,
    Upload,
    UploadsChanged,
)
from roles.values.settings import SeederSettings
from ui import seeder_words, wording
from ui.toned_text import TonedText
from ui.window.running_roles import RoleRun, RunningRoles, RunState, explained

log = logging.getLogger(__name__)


class SeederRun(RoleRun):
    def __init__(
        self,
        roles: RunningRoles,
        settings: SeederSettings,
        changed: Callable[[SeederRun], None],
    ) -> None:
        from roles.seeder import Seeder  # not before the window is painted

        self.settings = settings
        self.address: Address | None = None
        self.note = ""
        self.listing: FolderScanned | None = None
        self.tracker_news: TrackerAnswered | TrackerLost | None = None
        self.serving: UploadsChanged | None = None
        self.reading: HashingChanged | None = None
        self.torrent = TorrentChanged()
        self.unreachable: Address | None = None  # where nobody can connect to it
        self.is_reachable = False  # the tracker could connect to it
        self.web = ""  # the URL for browsers; "" if they are not answered
        self._changed = changed
        super().__init__(roles, lambda post: Seeder(settings, post, roles.throttles))

    def stop(self) -> None:
        super().stop()
        self._changed(self)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        return self.serving.uploads if self.serving is not None else ()

    @property
    def rate(self) -> float:
        return sum(upload.rate for upload in self.uploads)

    def sentence(self) -> TonedText:
        """Its state, in words."""
        match self.state:
            case RunState.STARTING:
                return TonedText("Starting …", "Muted")
            case RunState.STOPPING:
                return TonedText("Stopping …", "Muted")
            case RunState.STOPPED if isinstance(self.failure, CodeRefusedError):
                return TonedText("Not seeding. Type the room's code above.", "Warning")
            case RunState.STOPPED:
                if self.failure is None:
                    return TonedText("Not seeding", "Muted")
                return TonedText(self.why_it_ended, "Bad")
            case RunState.RUNNING:
                return self._running_sentence()

    @property
    def why_it_ended(self) -> str:
        return explained(self.failure, self.settings.bind.host) if self.failure else ""

    def offers(self) -> str:
        """What it offers and uploaded; "" before the first scan, or if it cannot be read."""
        if self.listing is None or self.listing.problem:
            return ""
        offers = seeder_words.folder_status(self.listing)
        sent = 0 if self.serving is None else self.serving.sent_total
        words = [offers]
        if sent:
            words.append(f"{figures.size(sent)} given so far.")
        if self.is_reachable:
            words.append("Others can connect to this computer.")
        if self.web:
            with_torrent = ", with its torrent" if self.torrent.torrent else ""
            words.append(f"In a browser{with_torrent}: {self.web}")
        return " ".join(words)

    def progress(self) -> str:
        """How far its folder has been read, and its torrent is made; "" when all is done."""
        reading = seeder_words.reading_status(self.reading) if self.reading is not None else ""
        return reading or seeder_words.torrent_status(self.torrent)

    def warning(self) -> str:
        """What keeps others from it, and what to do; "" if nothing does."""
        return wording.unreachable(self.unreachable, sys.platform) if self.unreachable else ""

    def _running_sentence(self) -> TonedText:
        if self.listing is not None and self.listing.problem:
            return TonedText(self.listing.problem, "Bad")
        state = seeder_words.STATES[self.serving.state] if self.serving else "Available"
        port = f"{state}. Seeding on port {self.address.port}" if self.address else "Seeding"
        note = f" {self.note}" if self.note else ""
        match self.tracker_news:
            case TrackerAnswered(tracker, is_original):
                kind = ", an original tracker" if is_original else ""
                place = f"{wording.place(tracker)}{kind}"
                if self.listing is not None and self.listing.refusal:
                    words, tone = f"{port}, but not all of it is on the list of {place}.", "Warning"
                elif self.listing is None or not self.listing.is_listed:
                    words, tone = f"{port}. Telling {place} what there is …", "Plain"
                else:
                    words, tone = f"{port}, on the list of {place}.", "Good"
            case TrackerLost(_, reason):
                words, tone = f"{port}, but on no list: {reason}", "Warning"
            case None:
                place = wording.place(self.settings.tracker)
                words, tone = f"{port}. Asking the tracker ({place}) …", "Plain"
        return TonedText(f"{words}{note}", tone)

    def take(self, event: RoleEvent) -> None:
        super().take(event)
        match event:
            case RoleStarted(address=address, note=note, web=web):
                self.address, self.note, self.web = address, note, web
                log.info("Seeding %s on port %s.", self.settings.folder, address and address.port)
            case NetworkChanged(for_others=Address() as here) if self.web:
                self.web = web_address(here)
            case FolderScanned():
                self.listing = event
            case TrackerAnswered() | TrackerLost():
                self.tracker_news = event
            case UploadsChanged():
                self.serving = event
            case HashingChanged():
                self.reading = event
            case TorrentChanged():
                self.torrent = event
            case ReachabilityChanged(address, is_reachable):
                self.unreachable = None if is_reachable else address
                self.is_reachable = is_reachable
            case RoleStopped():
                self.serving, self.reading, self.unreachable, self.web = None, None, None, ""
                self.torrent = TorrentChanged()
                self.is_reachable = False
                log.info("Stopped seeding %s.", self.settings.folder)
            case _:
                pass
        self._changed(self)
