"""Who may tell a share: its seeder, also when that comes from another address."""

from __future__ import annotations

import unittest

from roles.room.registry import Registry
from roles.room.registry_entry import Origin
from roles.room.room_catalogue import ListRefusedError, Owner
from roles.room.share_update import ShareUpdate
from roles.room.tellers import QUIET_S, teller_of
from roles.values.addresses import Address
from roles.wire.lmk2_list_wire import TellList
from roles.wire.lmk2_tracker_messages import Code, Register

ID, PEER, STRANGER = "0123456789abcdef", "fedcba9876543210", "1" * 16
SHARE = "00112233445566aa"
PC, CABLE = "10.0.0.1", "10.0.0.2"


class TellersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = Registry()
        self.catalogue = self.registry.catalogue
        self.tell(PC, 12501)

    def tell(self, ip: str, port: int, peer: str = PEER, *, now: float = 0.0) -> None:
        """Register there, and tell the list."""
        request = Register(ID, Address(ip, port), peer, "pc", False, shares=(SHARE,))
        self.registry.register(request, Origin(ip, False), named_is_here=False, now=now)
        call = TellList(SHARE, "folder", peer, port, True, 0, 1, 0)
        owner = teller_of(self.registry, call, ip, now=now)
        update = ShareUpdate(self.catalogue, call, owner)
        update.take(f"+{ip}")
        list(update.finish())

    def assert_refused(self, code: Code, ip: str, port: int, peer: str, *, now: float) -> None:
        with self.assertRaises(ListRefusedError) as raised:
            self.tell(ip, port, peer, now=now)
        self.assertEqual(raised.exception.code, code)
        self.assert_told_by(PC, 12501)

    def assert_told_by(self, ip: str, port: int) -> None:
        share = self.catalogue.share(SHARE)
        assert share is not None
        self.assertEqual(share.owner, Owner((ip, Address(ip, port)), ip))
        self.assertEqual(list(share.lines), [ip])

    def test_the_same_program_at_another_port_takes_its_share_over(self) -> None:
        self.tell(PC, 12502)
        self.assert_told_by(PC, 12502)

    def test_one_that_starts_again_at_its_address_takes_its_share_over(self) -> None:
        self.tell(PC, 12501, STRANGER)
        self.assert_told_by(PC, 12501)

    def test_one_that_moved_takes_its_share_over_when_its_old_address_is_silent(self) -> None:
        self.assert_refused(Code.BUSY, CABLE, 12501, PEER, now=QUIET_S - 1)
        self.tell(CABLE, 12501, now=QUIET_S)
        self.assert_told_by(CABLE, 12501)
        self.registry.expire(now=60.0)  # the old registration
        self.assert_told_by(CABLE, 12501)

    def test_another_program_gets_it_nowhere(self) -> None:
        self.assert_refused(Code.SHARE, CABLE, 12501, STRANGER, now=QUIET_S)
        self.assert_refused(Code.SHARE, PC, 12502, STRANGER, now=QUIET_S)
