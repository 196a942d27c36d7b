"""Ids of shares that are gone and reserved for their last owners."""

from __future__ import annotations

import unittest

from roles.room.registry_entry import Key
from roles.room.reserved_shares import MAX_PER_HOST, RESERVED_S, ReservedShares
from roles.room.room_list import Owner

SHARE, STRANGER = "00112233445566aa", "1" * 16
MINE = Owner(Key("10.0.0.1", 12501, "fedcba9876543210"))
OTHER = Owner(Key("10.0.0.2", 12501, STRANGER))


class ReservedSharesTest(unittest.TestCase):
    def test_one_host_cannot_push_out_what_is_reserved_for_others(self) -> None:
        reserved = ReservedShares()
        reserved.reserve(SHARE, MINE, quiet_at=0.0, now=0.0)
        for number in range(10 * MAX_PER_HOST):
            reserved.reserve(f"{number:016}", OTHER, quiet_at=1.0, now=1.0)
        reservation = reserved.get(SHARE, now=1.0)
        self.assertEqual(reservation and reservation.owner, MINE)
        self.assertEqual(len(list(reserved.items())), MAX_PER_HOST + 1)

    def test_nothing_is_left_of_what_was_told_again_or_was_reserved_long_enough(self) -> None:
        reserved = ReservedShares()
        for share in (SHARE, STRANGER):
            reserved.reserve(share, MINE, quiet_at=0.0, now=0.0)
            reserved.reserve(share, MINE, quiet_at=0.0, now=0.0)
        reserved.release(SHARE)
        self.assertIsNone(reserved.get(SHARE, now=0.0))
        self.assertIsNone(reserved.get(STRANGER, now=RESERVED_S))
        self.assertEqual((reserved._reserved, reserved._of_host), ({}, {}))
