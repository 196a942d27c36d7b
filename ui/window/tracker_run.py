"""One run of the tracker role: where it listens, its code, and its room. No widgets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from roles.values import room_code
from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback, web_address
from roles.values.events import (
    CodeChanged,
    NetworkChanged,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
)
from roles.values.settings import TrackerSettings
from ui.toned_text import TonedText
from ui.window.running_roles import RoleRun, RunningRoles, RunState, explained, gone_network

if TYPE_CHECKING:
    from roles.tracker import Tracker

log = logging.getLogger(__name__)

ONLY_HERE = "Only this computer may offer folders."


class TrackerRun(RoleRun):
    role: Tracker

    def __init__(
        self,
        roles: RunningRoles,
        settings: TrackerSettings,
        tell: Callable[[TrackerRun, RoleEvent], None],
    ) -> None:
        """`tell` gets each event, once it is noted here."""
        from roles.tracker import Tracker  # not before the window is painted

        self.settings = settings
        self.listening: Address | None = None
        self.for_others: Address | None = None  # where other computers reach it
        self.web = ""  # the URL for browsers; "" if they are not answered
        self.note = ""  # about its port
        self.code = ""  # of a private room
        self.room_id = ""  # by which a search finds it: FoundTracker.room
        self.room = RoomChanged()
        self._is_cut_off = False  # the only network that it listens in is gone
        self._tell = tell
        super().__init__(roles, lambda post: Tracker(settings, post))

    @property
    def own(self) -> Address | None:
        """How programs on this computer reach it; None unless it runs."""
        at = self.listening
        is_everywhere = at is not None and at.host == EVERY_INTERFACE
        return Address(LOOPBACK, at.port) if at is not None and is_everywhere else at

    @property
    def is_only_here(self) -> bool:
        """Whether it listens for no other computer."""
        return self.listening is not None and is_loopback(self.listening.host)

    @property
    def is_on_network(self) -> bool:
        """Whether other computers can reach it."""
        return self.for_others is not None and not is_loopback(self.for_others.host)

    @property
    def addresses(self) -> list[Address]:
        return [address for address in (self.own, self.for_others) if address is not None]

    def sentence(self, *, other: str, is_alone: bool) -> TonedText:
        """What there is to say of it. `other` is a computer that runs a tracker, too;
        `is_alone`: no other computer uses this one.
        """
        match self.state:
            case RunState.STARTING:
                return TonedText("Starting …", "Muted")
            case RunState.STOPPING:
                return TonedText("Stopping …", "Muted")
            case RunState.STOPPED:
                why = explained(self.failure, self.settings.bind.host) if self.failure else ""
                return TonedText(why, "Bad")
            case RunState.RUNNING:
                return self._running_sentence(other, is_alone=is_alone)

    def _running_sentence(self, other: str, *, is_alone: bool) -> TonedText:
        if self._is_cut_off and self.listening is not None:
            return TonedText(gone_network(self.listening.host), "Bad")
        if other and not self.is_only_here:
            words = f"{other} runs a tracker too: a room needs only one."
            return TonedText(words, "Warning")
        weak = room_code.weakness(self.code) if self.code else ""
        hint = weak or self._hint(is_alone=is_alone)
        said = (self.note, hint, ONLY_HERE if self.settings.offers_here else "")
        return TonedText(" ".join(filter(None, said)), "Warning" if weak else "Muted")

    def _hint(self, *, is_alone: bool) -> str:
        if self.is_only_here:
            return "Only this computer can use it. Stop and start it to let others join."
        if not self.is_on_network:
            return "This computer is off the network: only programs on it reach the tracker."
        if not is_alone:
            return ""
        code = " They ask for the code." if self.code else ""
        return (
            f"Other computers find it by themselves.{code} Where one does not, type this "
            "address there as the tracker."
        )

    def take(self, event: RoleEvent) -> None:
        super().take(event)
        match event:
            case RoleStarted(Address() as address, for_others, note, web, code, room):
                self.listening, self.for_others = address, for_others or address
                self.note, self.web, self.code, self.room_id = note, web, code, room
                self._is_cut_off = False
                log.info("The tracker runs on port %d.", address.port)
            case CodeChanged(code, room):
                self.code, self.room_id = code, room
            case NetworkChanged(gone, come, for_others=Address() as here):
                self.for_others = here
                self.web = web_address(here) if self.web else ""
                if self.listening is not None and self.listening.host in (*gone, *come):
                    self._is_cut_off = self.listening.host not in come
            case RoomChanged():
                self.room = event
            case RoleStopped():
                self.listening, self.for_others, self.room = None, None, RoomChanged()
                self.note, self.web, self.code, self.room_id = "", "", "", ""
                log.info("The tracker has stopped.")
            case _:
                pass
        self._tell(self, event)
