"""The checker role: tests whether this computer is ready for a lesson, then ends.

Each test is one that a transfer needs, made the same way. What the findings mean is decided
elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from roles.disk.folder_check import free_space_for, try_folder
from roles.joining.interface_search import LISTEN_S, search_interfaces
from roles.joining.membership import Membership
from roles.joining.room_client import RoomClient
from roles.joining.tracker_asker import new_id
from roles.joining.tracker_locator import TrackerLocator
from roles.joining.tracker_search import is_own
from roles.net.interfaces import OwnAddress, interfaces, own_name
from roles.net.listening import Listener, bind_both, listen_tcp
from roles.net.throttle import Throttle
from roles.program.machine_key import machine_key
from roles.program.user_folders import default_download_folder
from roles.role import Role
from roles.swarm.acceptor import Acceptor
from roles.swarm.swarm_library import SwarmLibrary
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, TRACKER_PORTS, Address
from roles.values.errors import (
    LmkError,
    StoppedError,
    StorageError,
    TrackerSilentError,
    UserInputError,
)
from roles.values.events import Post
from roles.values.findings import (
    ClockChecked,
    DialBackChecked,
    FolderChecked,
    FoundTracker,
    InterfaceChecked,
    PortChecked,
    SpaceChecked,
    TrackerChecked,
    ours_first,
)
from roles.values.participants import ParticipantState, Status
from roles.values.settings import CheckSettings
from roles.wire.greeting import Hello

DIAL_BACK_S = 8.0  # a tracker takes 5 s to find out that nobody can connect

Interfaces = Callable[[], Iterable[OwnAddress]]


class Checker(Role):
    """Posts each Finding once, in the order of values/findings.py, then RoleStopped."""

    def __init__(
        self,
        settings: CheckSettings,
        post: Post,
        own: Interfaces = interfaces,
        ports: tuple[int, ...] = TRACKER_PORTS,
        listen_s: float = LISTEN_S,
    ) -> None:
        """`ports`: where to look for trackers, in the networks of `own` and on this computer.
        `listen_s`: for their answers.
        """
        super().__init__("checker", post)
        self._settings = settings
        self._locator: TrackerLocator | None = None  # where the tracker is that was asked
        self._own = own
        self._ports, self._listen_s = ports, listen_s

    def _run(self) -> None:
        with suppress(StoppedError):
            trackers = self._check_interfaces()
            tracker = self._check_tracker(trackers)
            self._check_ports(trackers)
            self._check_dial_back(tracker)
            self._check_disk()

    def _check_interfaces(self) -> tuple[FoundTracker, ...]:
        """Returns the trackers that answered, each once."""
        fault = ""
        try:
            own = list(self._own())
        except OSError as error:
            own, fault = [], error.strerror or str(error)
        if not own:
            self._post(InterfaceChecked("", "", fault=fault))
        if not self._settings.may_search:
            for address in own:
                self._post(InterfaceChecked(address.interface, address.host))
            return ()
        here = OwnAddress(LOOPBACK, (LOOPBACK,))
        *networks, loopback = search_interfaces(
            [*own, here], self._stopping, self._ports, self._listen_s
        )
        for checked in networks:
            self._post(checked)
        heard = [tracker for checked in (*networks, loopback) for tracker in checked.heard]
        by_room = {tracker.room or str(tracker.address): tracker for tracker in reversed(heard)}
        return tuple(by_room.values())

    def _check_tracker(self, trackers: tuple[FoundTracker, ...]) -> TrackerChecked:
        address = self._settings.tracker
        if address is None:
            for tracker in ours_first(trackers):
                if tracker.is_private or not self._settings.code:
                    address = tracker.address
                    break
        checked = TrackerChecked(None) if address is None else self._asked(address)
        self._post(checked)
        return checked

    def _asked(self, tracker: Address) -> TrackerChecked:
        locator = TrackerLocator(tracker, stopping=self._stopping, code=self._settings.code)
        self._locator = locator
        try:
            with RoomClient(locator) as client:
                version = client.list_version()
        except TrackerSilentError as error:
            return TrackerChecked(tracker, failure=error)
        name = "" if version is None else version.name
        return TrackerChecked(
            tracker, name, version is None, locator.is_here, is_private=locator.is_private
        )

    def _check_ports(self, trackers: tuple[FoundTracker, ...]) -> None:
        settings = self._settings
        here = {tracker.address.port for tracker in trackers if is_own(tracker.address.host)}
        self._check_port(settings.tracker_port, settings.own_ports | here, is_trackers=True)
        self._check_port(settings.seeder_port, settings.own_ports, is_trackers=False)

    def _check_port(self, port: int, ours: frozenset[int], *, is_trackers: bool) -> None:
        if port in ours:
            self._post(PortChecked(port, is_trackers, is_ours=True))
            return
        fault, instead = "", None
        bind = _bound_trackers if is_trackers else _bound_seeders
        try:
            bind(port, exactly=True)
        except StorageError as error:
            fault = str(error)
            with suppress(StorageError):
                instead = bind(port, exactly=False)
        self._post(PortChecked(port, is_trackers, instead=instead, fault=fault))

    # Whether others can connect

    def _check_dial_back(self, tracker: TrackerChecked) -> None:
        port, known = self._settings.seeder_port, self._settings.known
        if self._locator is None or tracker.failure is not None:
            return
        if tracker.is_here or tracker.is_original:
            self._post(DialBackChecked(port, None, tracker.is_here, tracker.is_original))
        elif known is not None:
            self._post(DialBackChecked(*known))
        else:
            try:
                listener, _ = listen_tcp(Address(EVERY_INTERFACE, port), exactly=False)
            except StorageError:  # the port's finding says so
                return
            with listener:
                reachable = self._dialled_back(self._locator, listener)
                self._post(DialBackChecked(listener.address.port, reachable))

    def _dialled_back(self, locator: TrackerLocator, listener: Listener) -> bool | None:
        """Join the room like a program that wants nothing, until the tracker says whether it could
        connect.
        """
        me = Hello(new_id(), own_name(), listener.address.port, is_seeder=False)
        ended = threading.Event()
        membership = Membership(
            TrackerLocator(locator.tracker, stopping=ended, private_client=locator.private_client),
            lambda _event: None,
            lambda: Status(ParticipantState.IDLE),
            peer=me.peer,
            machine_key=machine_key(self._settings.state_folder),
        )
        uploads = PeerUploads(SwarmLibrary(), 1, Throttle())
        acceptor = Acceptor(listener, me, uploads, private_server=locator.private_server)
        member = self._start_beside(lambda: membership.run(listener.address), "lmk-member")
        deadline = time.monotonic() + DIAL_BACK_S
        try:
            while not (
                self._stopping.is_set()
                or membership.is_reachable is not None
                or time.monotonic() > deadline
            ):
                acceptor.look()
        finally:
            ended.set()
            membership.wake()
            uploads.stop()
            member.join()
            uploads.join()
            acceptor.close()
        return membership.is_reachable

    def _check_disk(self) -> None:
        try:
            folder = self._settings.folder or default_download_folder()
        except UserInputError as error:  # the user has no home
            self._post(FolderChecked(None, error))
            self._post(ClockChecked(time.time()))
            return
        failure: LmkError | None = None
        ahead_s = None
        try:
            ahead_s = try_folder(folder)
        except StorageError as error:
            failure = error
        self._post(FolderChecked(folder, failure))
        try:
            self._post(SpaceChecked(folder, free_space_for(folder)))
        except OSError as error:
            self._post(SpaceChecked(folder, fault=error.strerror or str(error)))
        self._post(ClockChecked(time.time(), ahead_s))


def _bound_trackers(port: int, *, exactly: bool) -> int:
    datagrams, listener, _ = bind_both(Address(EVERY_INTERFACE, port), exactly=exactly)
    with datagrams, listener:
        return listener.address.port


def _bound_seeders(port: int, *, exactly: bool) -> int:
    listener, _ = listen_tcp(Address(EVERY_INTERFACE, port), exactly=exactly)
    with listener:
        return listener.address.port
