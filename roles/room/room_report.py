"""Tells the tracker's own window or terminal of the room: a RoomChanged after each change."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator
from itertools import chain
from typing import NamedTuple

from roles.net.neighbours import Neighbours
from roles.room.registry import Lmk1Seeders, Registry
from roles.room.shown_files import shown_files, shown_folders
from roles.values.addresses import Address
from roles.values.events import Post, RoomChanged
from roles.values.participants import Participant

log = logging.getLogger(__name__)

HEARD_REPORT_S = 1.0  # between two reports with nothing new except the times of pings
LEFT_OUT_S = 60.0  # between two such lines in the log
MAX_SHOWN = 2_000  # files in the window: nobody reads more
MAX_HARDWARE = 4_096  # hosts whose hardware address is remembered
SLICE = 100  # participants between two looks at the sockets


class Limits(NamedTuple):
    report_s: float = 0.25  # between two reports
    rests: float = 9  # the pause after a report, in times as long as it took


LIMITS = Limits()


class RoomReport:
    """Owned by the tracker's thread."""

    def __init__(
        self, registry: Registry, lmk1: Lmk1Seeders, neighbours: Neighbours, post: Post
    ) -> None:
        self._registry, self._lmk1 = registry, lmk1
        self._neighbours, self._post = neighbours, post
        self._under_way: Iterator[None] | None = None
        self._cost_s = 0.0  # processor time of it so far
        self._next_at = self._heard_next_at = self._log_left_out_at = 0.0
        self._told: object = None  # the state of the room that the last report showed
        self._told_pings = 0
        self._left_out = 0
        self.hardware: dict[str, bytes] = {}  # by host: the addresses to wake them by

    def participants(self) -> Iterator[Participant]:
        """Everybody in the room."""
        now = time.monotonic()
        return chain(self._lmk1.participants(), self._registry.participants(now=now))

    def work(self) -> bool:
        """Continue or begin a report; returns whether one is under way."""
        now, pings = time.monotonic(), self._registry.pings
        state = self._registry.changes, self._registry.room_list.version, self._lmk1.changes
        is_changed = state != self._told
        is_changed |= pings != self._told_pings and now >= self._heard_next_at
        if self._under_way is None and is_changed and now >= self._next_at:
            self._heard_next_at = now + HEARD_REPORT_S
            self._told, self._told_pings = state, pings
            self._under_way, self._cost_s = self._reporting(now), 0.0
            self._next_at = now + LIMITS.report_s
        if self._under_way is not None:
            self._go_on_with(self._under_way)
        return self._under_way is not None

    def _go_on_with(self, report: Iterator[None]) -> None:
        """Make one slice. Counts processor time, because a suspended computer needs no pause."""
        began_s = time.thread_time()
        if next(report, self) is self:
            self._under_way = None
        self._cost_s += time.thread_time() - began_s
        self._next_at = max(self._next_at, time.monotonic() + LIMITS.rests * self._cost_s)

    def _reporting(self, began: float) -> Iterator[None]:
        """Build a RoomChanged slice by slice and post it."""
        # A restarted program is registered twice for a while; the newest entry wins.
        participants = dict[tuple[Address, bool], Participant]()
        unknown = set[str]()  # hosts
        for number, participant in enumerate(self.participants()):
            participants[participant.address, participant.has_left] = participant
            if participant.address.host not in self.hardware:
                unknown.add(participant.address.host)
            if number % SLICE == SLICE - 1:
                self._learn_hardware(unknown)
                unknown.clear()
                yield
        self._learn_hardware(unknown)
        room_list = self._registry.room_list
        files = yield from shown_files(room_list, MAX_SHOWN)
        count = room_list.file_count
        self._log_left_out(count, began)
        self._post(
            RoomChanged(
                tuple(participants.values()),
                files,
                count,
                shown_folders(room_list, MAX_SHOWN),
                frozenset(self.hardware),
            )
        )

    def _learn_hardware(self, hosts: Collection[str]) -> None:
        """The system forgets its neighbours after minutes; the room wakes them after hours."""
        if hosts and len(self.hardware) < MAX_HARDWARE:
            self.hardware.update(self._neighbours.hardware_of(hosts))

    def _log_left_out(self, files: int, now: float) -> None:
        """The list for LMK/1 readers has little room, and only names that all seeders have."""
        left_out = max(0, files - len(self._lmk1.files_for_readers(is_here=True)))
        if left_out > self._left_out and now >= self._log_left_out_at:
            self._log_left_out_at = now + LEFT_OUT_S
            log.info(
                "%s files are hidden from original LMKtorrent programs, "
                "because not every seeder has them or the list is full.",
                f"{left_out:,}",
            )
        self._left_out = left_out
