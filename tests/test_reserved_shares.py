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
    def test_one_host_cannot_push_out_what_is_held_for_others(self) -> None:
        held = ReservedShares()
        held.hold(SHARE, MINE, quiet_at=0.0, now=0.0)
        for number in range(10 * MAX_PER_HOST):
            held.hold(f"{number:016}", OTHER, quiet_at=1.0, now=1.0)
        self.assertEqual(held.share_owner(SHARE, now=1.0), MINE)
        self.assertEqual(len(list(held.items())), MAX_PER_HOST + 1)

    def test_nothing_is_left_of_what_was_told_again_or_was_held_long_enough(self) -> None:
        held = ReservedShares()
        for share in (SHARE, STRANGER):
            held.hold(share, MINE, quiet_at=0.0, now=0.0)
            held.hold(share, MINE, quiet_at=0.0, now=0.0)
        held.release(SHARE)
        self.assertIsNone(held.share_owner(SHARE, now=0.0))
        self.assertIsNone(held.share_owner(STRANGER, now=RESERVED_S))
        self.assertEqual((held._held, held._of_host), ({}, {}))
