"""Keeps this program, a seeder or a leecher, in a tracker's room.

It has a thread of its own, because a tracker may be silent for seconds and no transfer should wait
for that.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from roles.joining.list_upload import ListUpload, OwnShare
from roles.joining.room_client import RoomClient
from roles.joining.tracker_asker import new_id
from roles.joining.tracker_locator import TrackerLocator
from roles.net.interfaces import own_address_towards, own_name
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import EVERY_INTERFACE, Address, is_loopback
from roles.values.computers import machine_id
from roles.values.errors import CodeRefusedError, TrackerSilentError
from roles.values.events import Post, ReachabilityChanged, TrackerAnswered, TrackerLost
from roles.values.participants import ParticipantState, Status
from roles.wire.fields import MAX_REQUEST_SHARES
from roles.wire.tracker_messages import Pinged, Register
from roles.worker import POLL_S

log = logging.getLogger(__name__)

EARLY_PINGS = 7  # after registering: the tracker needs 5 s to find out that nobody can connect


class Pace(NamedTuple):
    """How often each thing is done; tests hurry."""

    ping_s: float = 5.0  # a teacher notices within 12 s that a computer is silent
    moving_ping_s: float = 2.0  # while something is downloaded or uploaded
    lmk1_ping_s: float = 15.0  # an original tracker forgets a program after 10 min
    # A changed state is sent at once, but no more often than this. So are changed shares: leechers
    # look for their holders, and a share stays listed only while some program says it has it.
    state_ping_s: float = 0.25
    early_ping_s: float = 1.0  # for EARLY_PINGS, until the tracker knows whether others can connect
    again_s: float = 3.0  # after the tracker was silent
    poll_s: float = POLL_S


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Announced:
    """What the tracker has of a seeder's files."""

    takes_shares: bool = False  # it takes lists of whole folders
    share: LibrarySnapshot | None = None  # the list that it has; None until it confirms one
    refusal: str = ""  # one sentence while it refuses the list
    lmk1_files: Mapping[str, int] | None = None  # what it got for LMK/1 readers
    lmk1_count: int = 0  # how many of these are on its list


class Dialect(Protocol):
    """Every method may raise TrackerSilentError."""

    def ping(self, advertised: Address, status: Status) -> Pinged | None:
        """None if the tracker does not know this program."""

    def tell_files(self, files: Mapping[str, int], port: int) -> int:
        """Send the list for LMK/1 readers; returns how many of these files they get."""

    def leave(self, advertised: Address, status: Status) -> None:
        """The role is stopping."""


class Lmk1Client(Dialect, Protocol):
    """Keeps a seeder on the list of an original tracker. Owned by one thread."""

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Seeding:
    """What a seeder has beyond a leecher's membership."""

    share: OwnShare
    # The sizes of the files for LMK/1 readers by name, the same object while nothing changes; None
    # while they are not known. Called as often as the status.
    lmk1_files: Callable[[Announced], Mapping[str, int] | None]
    lmk1: Lmk1Client | None  # speaks to an original tracker; a private room has none


class Membership:
    """Owned by the thread that runs it; other threads read its public attributes."""

    def __init__(
        self,
        locator: TrackerLocator,
        post: Post,
        status: Callable[[], Status],
        seeding: Seeding | None = None,
        *,
        peer: str = "",
        machine_key: bytes = b"",
        name: str = "",
        pace: Pace | None = None,
    ) -> None:
        """`status` is called often, in this thread. Without `seeding` it is a leecher's membership.
        `name` is what others call this computer. With a `machine_key` the tracker recognizes the
        other programs of this computer.
        """
        self.peer = peer or new_id()  # names this run of the program to everyone
        self.is_reachable: bool | None = None  # from outside, as the tracker says; None: unknown
        self.is_original: bool | None = None  # whether the tracker is; None: unknown
        self.advertised: Address | None = None  # None while we are not registered
        self._locator = locator
        self._changes = locator.changes
        self._post = post
        self._status = status
        self._seeding = seeding
        self._list_upload = ListUpload(seeding.share, self.peer, locator) if seeding else None
        self._machine_key = machine_key
        self._name = name
        self._machine = ""  # what the tracker calls this computer
        self._pace = pace or PACE
        self._room = RoomClient(locator, peer=self.peer)
        self._lmk1 = seeding.lmk1 if seeding else None
        self._dialect: Dialect | None = None
        self._due_at = 0.0  # the next ping, or the next try to register
        self._pinged_at = 0.0
        self._early_pings = 0  # left to send
        self._is_doubtful = False  # the tracker has tried to connect for a second, without success
        self._last_status: Status | None = None
        self._uploaded: Mapping[str, int] | None = None
        self._uploaded_count = 0  # of these, on the tracker's list
        self._reported: ReachabilityChanged | None = None
        self._loss = ""  # why the tracker could not be reached the last time
        self._woken = threading.Event()

    @property
    def seems_unreachable(self) -> bool:
        """Whether others cannot connect, as the tracker says, or probably cannot: it has tried for
        a second, and a connection that gets through does so at once.
        """
        return self.is_reachable is False or self._is_doubtful

    @property
    def announced(self) -> Announced:
        upload = self._list_upload if self.advertised else None
        return Announced(
            self.is_original is False,
            None if upload is None else upload.listed,
            "" if upload is None else upload.trouble,
            self._uploaded,
            self._uploaded_count,
        )

    def wake(self) -> None:
        """Look at everything now, including whether to stop. From any thread."""
        self._woken.set()

    def run(self, listening: Address) -> None:
        """Keep the program that listens there in the room, until told to stop."""
        with self._room, self._lmk1 or contextlib.nullcontext():
            while not self._locator.stopping.is_set():
                self._take_turn(listening)
                rest_s = max(0.0, self._due_at - time.monotonic())
                self._woken.wait(min(self._pace.poll_s, rest_s))
                self._woken.clear()
            self._leave()

    def _take_turn(self, listening: Address) -> None:
        files = self._seeding.lmk1_files(self.announced) if self._seeding else None
        now = time.monotonic()
        if self._changes != self._locator.changes:
            self._changes = self._locator.changes
            self.advertised = None
            self._due_at = 0.0
        if self._room.is_cut_off:  # perhaps our code is not the room's any more
            self._due_at = 0.0
        status = self._full_status()
        try:
            if now >= self._due_at or self._is_news(status, now):
                self._due_at = now + self._pace.again_s
                self._announce(listening, status)
                self._due_at = now + self._next_ping_s()
            if files is not None and files is not self._uploaded:
                self._tell_files(files)
        except CodeRefusedError:
            raise  # only a person can help
        except TrackerSilentError as error:
            if not self._locator.stopping.is_set():
                self._lost(error)
        self._tell_share()

    @property
    def listed_as(self) -> str:
        """The id under which the tracker lists the own share; "" if there is none."""
        return "" if self._list_upload is None else self._list_upload.share_id

    def _full_status(self) -> Status:
        status = self._status()
        own = (self.listed_as,) if self.listed_as else ()
        shares = tuple(dict.fromkeys((*own, *status.shares)))
        return replace(status, shares=shares[:MAX_REQUEST_SHARES], machine=self._machine)

    def _is_news(self, status: Status, now: float) -> bool:
        last = self._last_status
        if self.advertised is None or last is None:
            return False
        since_s = now - self._pinged_at
        if not self.is_original and _moves(status) and since_s >= self._pace.moving_ping_s:
            return True
        return _news_in(status) != _news_in(last) and since_s >= self._pace.state_ping_s

    def _next_ping_s(self) -> float:
        if self.is_original:
            return self._pace.lmk1_ping_s
        is_moving = self._last_status is not None and _moves(self._last_status)
        ping_s = self._pace.moving_ping_s if is_moving else self._pace.ping_s
        if self.advertised is not None and self.is_reachable is None and self._early_pings > 0:
            self._early_pings -= 1
            return min(ping_s, self._pace.early_ping_s)
        return ping_s

    # Being in the room

    def _announce(self, listening: Address, status: Status) -> None:
        """Ping, or register. Raises TrackerSilentError."""
        advertised = self._advertised_for(listening)
        is_same = advertised == self.advertised
        if not is_same and self._machine_key:
            self._machine = self._machine_at(self._locator.current())
            status = replace(status, machine=self._machine)
        if self._dialect not in (None, self._room) and self._room.list_version() is not None:
            is_same = False  # a tracker of ours has taken the place of the original one
        if not (is_same and self._dialect and self._is_known(self._dialect, advertised, status)):
            self._register(advertised, status, is_everywhere=listening.host == EVERY_INTERFACE)

    def _machine_at(self, tracker: Address) -> str:
        """This computer's id in this tracker's room."""
        if self._locator.is_here or is_loopback(tracker.host):
            return machine_id(self._machine_key, own_name(), "", f":{tracker.port}")
        try:
            own = own_address_towards(tracker.host)
        except OSError:  # the network is gone just now, so the tracker is not reached either
            return self._machine
        return machine_id(self._machine_key, own_name(), own, str(tracker))

    def _advertised_for(self, listening: Address) -> Address:
        """Where others reach this program: the bound address, else the one towards the tracker.

        Raises TrackerSilentError when the tracker cannot be reached.
        """
        if listening.host != EVERY_INTERFACE:
            return listening
        why = "no address"
        for tracker in self._locator.addresses():
            try:
                return Address(own_address_towards(tracker.host), listening.port)
            except OSError as error:
                why = error.strerror or str(error)
        if self._locator.fail_over():
            return self._advertised_for(listening)
        raise TrackerSilentError(
            f"The tracker {self._locator.shown} cannot be reached from this network ({why}). "
            "Check the cable or the Wi-Fi."
        )

    def _is_known(self, dialect: Dialect, advertised: Address, status: Status) -> bool:
        """Ping; False when the tracker does not know this program."""
        pinged = dialect.ping(advertised, status)
        self._pinged_at, self._last_status = time.monotonic(), status
        if pinged is None:
            return False
        self.is_reachable = pinged.is_reachable
        is_tried = dialect is self._room and not is_loopback(advertised.host)
        is_tried &= self._early_pings < EARLY_PINGS
        self._is_doubtful = is_tried and pinged.is_reachable is None
        if pinged.is_reachable is not None:
            change = ReachabilityChanged(advertised, pinged.is_reachable)
            if change != self._reported:
                self._reported = change
                self._post(change)
        return True

    def _register(self, advertised: Address, status: Status, *, is_everywhere: bool) -> None:
        dialect = self._found_dialect(advertised, status, is_everywhere=is_everywhere)
        if dialect is None:
            self._dialect, self.advertised, self.is_original = None, None, True
            return
        is_original = dialect is not self._room
        is_new = self.advertised is None or self.is_original is not is_original
        self._dialect, self.advertised, self.is_original = dialect, advertised, is_original
        self._uploaded, self._loss = None, ""
        self.is_reachable = None
        self._early_pings = 0 if is_original else EARLY_PINGS
        if self._list_upload is not None:
            self._list_upload.registered()
        if is_new:
            tracker = self._locator.shown
            log.info("Registered as %s at the tracker %s.", advertised, tracker)
            if self._seeding:
                self._post(TrackerAnswered(tracker, is_original))
        self._is_known(dialect, advertised, status)

    def _found_dialect(
        self, advertised: Address, status: Status, *, is_everywhere: bool
    ) -> Dialect | None:
        """Register, in the dialect that the tracker speaks.

        None for a leecher at an original tracker, which would list it as a seeder.
        """
        # Ask a harmless question first: an original tracker lists whatever registers.
        if self._seeding is None and self._room.list_version() is None:
            return None
        me = Register(
            "",
            advertised,
            self.peer,
            self._name or own_name(),
            self._seeding is None,
            is_everywhere,
            status.shares,
            machine=status.machine,
        )
        if not self._room.register(me):
            return self._lmk1
        return self._room

    def _lost(self, reason: TrackerSilentError) -> None:
        if str(reason) != self._loss:
            log.warning("%s", reason)
        self.advertised, self._loss = None, str(reason)
        if self._seeding:
            self._post(TrackerLost(self._locator.shown, reason))

    def _leave(self) -> None:
        if self.advertised is None or self._dialect is None:
            return
        try:
            self._dialect.leave(self.advertised, self._full_status())
        except TrackerSilentError:
            log.debug("left the tracker %s", self._locator.shown)

    # What it offers

    def _tell_files(self, files: Mapping[str, int]) -> None:
        if self.advertised is None or self._dialect is None:
            return
        self._uploaded_count = self._dialect.tell_files(files, self.advertised.port)
        self._uploaded = files
        if self._uploaded_count < len(files) and self.is_original:
            log.warning(
                "The tracker's list has room for %d of the %d files; the others are not shared.",
                self._uploaded_count,
                len(files),
            )

    def _tell_share(self) -> None:
        if self._list_upload is None or self.advertised is None or self.is_original:
            return
        now = time.monotonic()
        if not self._list_upload.tell(self.advertised.port, now=now):
            self.advertised = None
            self._due_at = now + self._pace.again_s


def _moves(status: Status) -> bool:
    return bool(status.up or status.down) or status.state == ParticipantState.DOWNLOADING


def _news_in(status: Status) -> object:
    """What others should know at once; of its reason, not the numbers: files that are left to read
    change all the time.
    """
    return status.shares, status.state, re.sub(r"[\d,.]", "", status.reason)
