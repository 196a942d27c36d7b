"""Which source addresses are the tracker's own, and how much is logged about the others."""

from __future__ import annotations

import unittest
from unittest import mock

from roles.net.rate_limit import COMPLAINTS_IN_ALL, COMPLAINTS_PER_HOST
from roles.room import senders
from roles.room.registry_entry import Origin
from roles.room.senders import Senders


class SendersTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.senders = Senders()

    def test_this_computers_addresses_are_its_own_and_names_and_broadcasts_are_not(self) -> None:
        self.assertEqual(self.senders.origin("127.0.0.1"), Origin("127.0.0.1", is_here=True))
        for host in ("192.0.2.1", "localhost", "255.255.255.255", "0.0.0.0"):
            with self.subTest(host=host):
                self.assertFalse(self.senders.is_own(host))

    def test_the_system_is_asked_once_for_each_host_until_the_network_changes(self) -> None:
        with mock.patch.object(senders, "is_own_address", return_value=True) as asked:
            for _ in range(3):
                self.assertTrue(self.senders.is_own("10.0.0.7"))
            self.assertEqual(asked.call_count, 1)
            asked.return_value = False
            self.senders.forget()
            self.assertFalse(self.senders.is_own("10.0.0.7"))

    def test_a_flood_of_forged_sources_is_not_remembered_without_end(self) -> None:
        with mock.patch.object(senders, "is_own_address", return_value=False):
            for number in range(senders._MAX_HOSTS + 10):
                self.senders.is_own(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        self.assertLessEqual(len(self.senders._is_own), senders._MAX_HOSTS)

    def test_one_host_that_floods_leaves_room_in_the_log_for_the_complaints_about_others(
        self,
    ) -> None:
        with self.assertLogs("roles.room.senders", "INFO") as logs:
            for number in range(1_000):
                self.senders.complain("10.0.0.7", number / 1_000, "refused %s", "10.0.0.7")
            self.senders.complain("10.0.0.8", 1.0, "refused %s", "10.0.0.8")
        lines = [record.getMessage() for record in logs.records]
        self.assertEqual(lines[-1], "refused 10.0.0.8")
        self.assertLessEqual(len(lines), 2 + 3 * COMPLAINTS_PER_HOST)

    def test_in_all_there_are_few_lines_a_second_however_many_hosts_there_are(self) -> None:
        with self.assertLogs("roles.room.senders", "INFO") as logs:
            for number in range(1_000):
                self.senders.complain(f"10.0.{number % 200}.7", number / 100, "refused")
        self.assertLessEqual(len(logs.records), 13 * COMPLAINTS_IN_ALL)
