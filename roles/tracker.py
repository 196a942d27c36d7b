"""The tracker role: one loop for datagrams, lists and dial-backs, and a thread while the disk
writes the state file.

Nothing that arrives can end or block the loop.
"""

from __future__ import annotations

import logging
import os
import queue
import selectors
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from roles.disk.state_file import StateFile
from roles.lmk1.seeder_table import SeederTable
from roles.lmk1.tracker_answers import TrackerAnswers
from roles.net.datagrams import Datagrams
from roles.net.interfaces import address_for_others, own_name
from roles.net.listening import Listener, bind_both
from roles.net.neighbours import Neighbours
from roles.net.wake import wake
from roles.role import Role
from roles.room.answers import Answers
from roles.room.cookies import Cookies
from roles.room.datagram_server import DatagramServer
from roles.room.dial_back import DialBack, Target
from roles.room.list_server import Browsers, ListServer
from roles.room.member_channels import MemberChannels
from roles.room.private_answers import PrivateAnswers
from roles.room.registry import EXPIRED_AT_ONCE, Registry
from roles.room.registry_entry import Key, Program, Reader
from roles.room.room_list import RoomList
from roles.room.room_report import RoomReport
from roles.room.saved_room import SavedRoom
from roles.room.senders import Senders
from roles.values.addresses import Address, web_address
from roles.values.errors import ShortageError
from roles.values.events import CodeChanged, Post, RoleStarted, Warned
from roles.values.settings import TrackerSettings
from roles.worker import POLL_S, failure_of, loaded

if TYPE_CHECKING:
    from roles.private.private_room import PrivateRoom
    from roles.torrents.bep15_answers import Bep15Answers

log = logging.getLogger(__name__)

EXPIRE_S = 1.0


class Tracker(Role):
    """Posts TrackerEvents."""

    def __init__(self, settings: TrackerSettings, post: Post) -> None:
        super().__init__("tracker", post)
        if settings.is_private:  # nothing goes out unencrypted
            settings = replace(settings, door=False)
        self._settings = settings
        self._name = settings.name or own_name()
        self._saved: SavedRoom | None = None
        self._private: PrivateRoom | None = None
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def remove(self, machine: str) -> None:
        """Forget a computer (Computer.machine) that is gone or silent; from any thread."""
        self._orders.put(lambda: self._registry.remove(machine, now=time.monotonic()))

    def wake(self, host: str) -> None:
        """Wake the computer that had this address; from any thread. See RoomChanged.wakeable."""
        self._orders.put(lambda: self._wake(host))

    def new_code(self, code: str) -> None:
        """Give the private room another code, which shuts out everybody who is in it; from any
        thread. `code`: from room_code. CodeChanged follows.
        """
        self._orders.put(lambda: self._wish(code))

    def _run(self) -> None:
        settings = self._settings
        with ExitStack() as stack:
            if settings.is_private:
                from roles.private.private_room import PrivateRoom

                self._private = PrivateRoom(settings.keys_file, settings.code, self._post)
                stack.callback(self._private.close)
            datagrams, listener, note = bind_both(settings.bind, exactly=settings.bind_exactly)
            stack.enter_context(datagrams)
            stack.enter_context(listener)
            listening = datagrams.address
            for_others = address_for_others(listening)
            web = web_address(for_others) if settings.door else ""
            code = "" if self._private is None else self._private.code
            event: RoleStarted | CodeChanged | None = RoleStarted(
                listening, for_others, note, web, code
            )
            while event is not None:
                with ExitStack() as room:
                    self._open_room(room, datagrams, listener)
                    self._post(replace(event, room=self._registry.room_list.epoch))
                    event = self._answer_until_stopped(listening)

    def _open_room(self, room: ExitStack, datagrams: Datagrams, listener: Listener) -> None:
        """Open an empty room. `room` closes what it holds."""
        room_list = RoomList(os.urandom(4).hex())
        self._registry = Registry(room_list, offers_here=self._settings.offers_here)
        self._lmk1 = SeederTable(self._registry)
        self._torrents = loaded(self._torrent_answers)
        self._expire_at = 0.0
        if self._settings.state_file is not None:
            state = StateFile(self._settings.state_file)
            lmk1 = [self._lmk1] if self._private is None else []
            self._saved = SavedRoom(state, [*lmk1, self._registry, self._torrents.swarms])
            if warning := self._saved.restore():
                self._post(Warned(warning))
        self._begin(datagrams, listener, room.enter_context(selectors.DefaultSelector()))
        if self._saved is not None:
            room.callback(self._saved.close)
        room.callback(self._dials.close)
        room.callback(self._lists.close)
        if self._channels is not None:
            room.callback(self._channels.close)
        room.callback(self._datagrams.close)

    def _begin(
        self, datagrams: Datagrams, listener: Listener, selector: selectors.BaseSelector
    ) -> None:
        listening, senders, private = datagrams.address, Senders(), self._private
        self._selector = selector
        self._neighbours = Neighbours(datagrams)
        self._report = RoomReport(self._registry, self._lmk1, self._neighbours, self._post)
        self._dials = DialBack(selector, self._is_to_be_dialled, self._note_reachable)
        self._answers = Answers(
            self._registry,
            Cookies(os.urandom(32)),
            senders,
            TrackerAnswers(self._lmk1, senders) if private is None else None,
            self._torrents if self._settings.door else None,
            name=self._name,
            port=listening.port,
            on_arrival=self._dial,
        )
        self._channels = None if private is None else MemberChannels(selector, self._answers)
        self._lists = ListServer(
            listener,
            selector,
            self._registry,
            senders,
            self._report.participants,
            partial(self._open_for_browsers, senders, listening) if self._settings.door else None,
            private_server=None if private is None else private.private_server,
            take_channel=None if self._channels is None else self._channels.take,
        )
        answers: Answers | PrivateAnswers = self._answers
        if private is not None:
            answers = PrivateAnswers(self._registry.room_list.epoch, listening.port)
        self._datagrams = DatagramServer(datagrams, selector, self._neighbours, answers)

    def _open_for_browsers(self, senders: Senders, listening: Address) -> Browsers:
        from roles.web.tracker_site import TrackerSite  # not before a browser comes

        return TrackerSite(
            self._registry, senders, self._report.participants, listening, self._name
        )

    def _wish(self, code: str) -> None:
        if self._private is not None:
            self._private.wished = code

    def _answer_until_stopped(self, listening: Address) -> CodeChanged | None:
        """Returns earlier if there is a new code."""
        pause_s = 0.0
        while not self._stopping.is_set():
            try:
                if self._network_change(listening):
                    self._begin_anew()
                if self._private is not None and self._private.work(self._start_beside):
                    return CodeChanged(self._private.code)
                pause_s = self._answer_for_a_while(pause_s)
            except (OSError, MemoryError, ShortageError) as error:
                failure = failure_of(error)
                if not isinstance(failure, ShortageError):
                    raise
                log.warning("%s", failure)  # programs repeat the lost requests
                self._stopping.wait(POLL_S)
        return None

    def _begin_anew(self) -> None:
        """This computer's addresses changed."""
        self._answers.forget_hosts()
        self._dials.network_changed(now=time.monotonic())
        self._datagrams.network_changed()

    def _answer_for_a_while(self, pause_s: float) -> float:
        """Wait up to `pause_s` for something to do, and do it; returns the next pause."""
        for key, _ in self._selector.select(pause_s):
            key.data()
        while not self._orders.empty():
            self._orders.get()()
        self._datagrams.work()
        is_busy = self._lists.work() | self._report.work()
        now = time.monotonic()
        self._lmk1.settle(now=now)
        self._dials.work(now=now)
        if now >= self._expire_at:
            self._expire(now)
        if self._saved is not None:
            is_busy |= self._saved.work(now=now)
        return 0.0 if is_busy else min(self._datagrams.pause_s, self._lists.pause_s)

    def _expire(self, now: float) -> None:
        self._answers.forget_hosts()
        self._neighbours.forget()
        self._datagrams.expire()
        self._lists.expire(now=now)
        if self._channels is not None and self._private is not None:
            self._channels.expire(now=now)
            self._private.tell_guessers()
        if self._settings.door:
            self._torrents.expire(now=now)
        gone = max(self._registry.expire(now=now), self._lmk1.expire(now=now))
        self._expire_at = now + (EXPIRE_S if gone < EXPIRED_AT_ONCE else 0.0)

    def _torrent_answers(self) -> Bep15Answers:
        from roles.torrents.bep15_answers import Bep15Answers

        return Bep15Answers(self._registry.room_list, os.urandom(32))

    def _wake(self, host: str) -> None:
        hardware = self._report.hardware.get(host)
        if hardware is not None:
            wake(hardware)

    def _dial(self, key: Key, program: Program) -> None:
        """Test whether others can reach the program, unless it serves only this machine, and which
        program is there if several claim the same address and port.
        """
        here = Reader(is_here=True, tracker_host=program.origin.ip)
        address = program.address_for(here)
        is_contested = self._registry.is_contested(key)
        if address is not None and (is_contested or not program.is_here_only):
            self._dials.want(Target(key, address))

    def _is_to_be_dialled(self, target: Target) -> bool:
        program = self._registry.entry(target.key)
        if program is None or program.is_reachable:
            return False
        return not program.is_here_only or self._registry.is_contested(target.key)

    def _note_reachable(self, target: Target, is_reachable: bool, peer: str) -> None:
        self._registry.note_reachable(target.key, is_reachable)
        if is_reachable and peer:
            self._registry.note_listening(target.key, now=time.monotonic())
