"""The tables of a tracker, filled without a socket."""

from __future__ import annotations

import ipaddress
import unittest
from collections.abc import Mapping
from dataclasses import replace

from roles.lmk1.seeder_table import STAYED_S, SeederTable
from roles.lmk1.tracker_answers import TrackerAnswers
from roles.room.answers import Answers
from roles.room.cookies import Cookies
from roles.room.registry import Registry
from roles.room.registry_entry import Key, Origin, Program, Reader
from roles.room.room_list import Owner, Share
from roles.room.senders import Senders
from roles.room.shown_files import shown_files
from roles.torrents.bep15_answers import Bep15Answers
from roles.values.addresses import Address
from roles.values.listed_file import ListedFile
from roles.values.participants import Participant, Status
from roles.wire.tracker_messages import Ping, Register
from tests.support import run_to_end

ID = "0123456789abcdef"
HERE = Origin("127.0.0.1", is_here=True)
LAN_HERE = Origin("192.168.1.2", is_here=True)  # the tracker's machine by its own LAN address
REMOTE_READER = Reader(is_here=False, tracker_host="192.168.1.2")
LOCAL_READER = Reader(is_here=True, tracker_host="127.0.0.1")


def answerer_of(registry: Registry, cookies: Cookies) -> tuple[Answers, SeederTable]:
    """What answers from this table, and the table of seeders of LMK/1."""
    table, senders = SeederTable(registry), Senders()
    answerer = Answers(
        registry,
        cookies,
        senders,
        TrackerAnswers(table, senders),
        Bep15Answers(registry.room_list, b"secret"),
        name="lab-pc-01",
        port=12500,
        on_arrival=lambda *_: None,
    )
    return answerer, table


def pc(number: int) -> Origin:
    return Origin(f"10.0.{number // 250}.{number % 250 + 1}", is_here=False)


class TablesTest(unittest.TestCase):
    """A room's table of programs, and that of seeders of LMK/1."""

    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(self) -> None:
        """Everything anew."""
        self.registry = Registry()
        self.table = SeederTable(self.registry)

    def expire(self, now: float) -> int:
        """How many were forgotten."""
        return self.registry.expire(now=now) + self.table.expire(now=now)

    def saved(self) -> list[dict[str, object]]:
        """What a state file keeps."""
        return [*self.table.saved(), *self.registry.saved()]

    def add(
        self,
        origin: Origin,
        host: str = "",
        port: int = 12501,
        *,
        is_here: bool = False,
        now: float = 0.0,
    ) -> bool:
        advertised = Address(host or origin.ip, port)
        origin = replace(origin, advertises_own=is_here)
        return self.table.add(advertised, origin, now=now)

    def ping(self, origin: Origin, host: str = "", port: int = 12501, *, now: float = 0.0) -> None:
        self.table.ping(Address(host or origin.ip, port), origin, now=now)

    def seeder(self, number: int, files: Mapping[str, int], *, now: float = 0.0) -> Address:
        """A registered original with this list, and the address that others get."""
        self.add(pc(number), now=now)
        self.table.upload(files, pc(number))
        return Address(pc(number).ip, 12501)

    def stayed(self, number: int, files: Mapping[str, int]) -> Address:
        """The same, and it came again after a while."""
        address = self.seeder(number, files)
        self.ping(pc(number), now=STAYED_S)
        return address

    def fill(self, count: int) -> None:
        """Many seeders, each with a list of its own."""
        self.stayed(0, {"b": 2})
        (entry,) = self.table.saved()
        self.table.restore(
            [{**entry, **self.of_machine(number)} for number in range(count)], now=STAYED_S
        )

    def settled(self) -> list[str]:
        """The names of the files that LMK/2 readers are told of, when all is told."""
        for now in range(100):
            self.table.settle(now=float(now))
        return [file.name for file in self.shown()]

    def seeders(self) -> list[Participant]:
        """Those of the window."""
        programs = map(self.registry.participant, self.registry.entries())
        return [
            *(program for program in programs if not program.is_leecher),
            *self.table.participants(),
        ]

    def shown(self) -> tuple[ListedFile, ...]:
        """The files of the window."""
        return run_to_end(shown_files(self.registry.room_list, 1_000))[0]

    @staticmethod
    def of_machine(number: int) -> dict[str, object]:
        ip = pc(number).ip
        return {"source": ip, "named": [ip, 12501], "files": {f"{number}": 1, "b": 2}}

    def listed(self, reader: Reader = REMOTE_READER) -> list[Address]:
        return self.table.seeders_for_readers(reader)

    def files(self) -> dict[str, int]:
        return self.table.files_for_readers(is_here=False)


class ProgramsTest(TablesTest):
    """The same, with programs of LMK/2 in it."""

    SHARE, OTHER = "00112233445566aa", "00112233445566bb"

    def register(
        self, origin: Origin, *shares: str, leecher: bool = False, peer: str = ID, now: float = 0.0
    ) -> None:
        advertised = Address(origin.ip, 12501)
        request = Register(ID, advertised, peer, "pc", leecher, shares=shares)
        self.registry.register(request, origin, now=now)

    def hear(
        self,
        origin: Origin,
        *shares: str,
        leaving: bool = False,
        peer: str = ID,
        now: float = 0.0,
    ) -> Program | None:
        status = Status("away", shares)
        ping = Ping(ID, Address(origin.ip, 12501), peer, status, leaving)
        return self.registry.hear(ping, origin.ip, now=now)

    def put(self, share: str, owner: Origin, peer: str = ID) -> None:
        key = Key(owner.ip, 12501, peer)
        self.registry.room_list.put(share, Share("folder", Owner(key, owner.ip)), [], [])

    @staticmethod
    def lmk1_share(number: int) -> str:
        return f"lmk1{int(ipaddress.IPv4Address(pc(number).ip)):08x}{12501:04x}"

    def holding(self, *shares: str) -> list[str]:
        return [holder.address.host for holder in self.registry.holders(shares, is_here=False)]
