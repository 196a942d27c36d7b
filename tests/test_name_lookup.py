"""Host names to addresses, in bounded time."""

from __future__ import annotations

import threading
import time

from roles.base.name_lookup import LOOKUP_S, looked_up
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from tests.support import LmkTestCase, wait_until


class NameLookupTest(LmkTestCase):
    def test_numbers_are_not_looked_up(self) -> None:
        threads = threading.active_count()
        self.assertEqual(looked_up(Address("10.0.0.1", 5), lambda: True), Address("10.0.0.1", 5))
        self.assertEqual(threading.active_count(), threads)

    def test_a_name_becomes_its_address_and_keeps_its_port(self) -> None:
        self.assertEqual(looked_up(Address("localhost", 77), lambda: False).port, 77)
        self.assertTrue(looked_up(Address("localhost", 77), lambda: False).host.startswith("127."))

    def test_a_name_that_cannot_be_encoded_is_nobody(self) -> None:
        for host in ("a..b", "x" * 64, "\udcff", ""):
            with self.subTest(host=host), self.assertRaises(TrackerSilentError):
                looked_up(Address(host, 1), lambda: False)

    def test_who_stops_is_not_kept_waiting(self) -> None:
        begun = time.monotonic()
        try:
            looked_up(Address("no-such-machine.invalid", 1), lambda: True)
        except TrackerSilentError as error:
            self.assertIn("no-such-machine.invalid", str(error))
        else:
            self.fail("nobody has that name")
        self.assertLess(time.monotonic() - begun, LOOKUP_S / 5)
        wait_until(lambda: all(one.name != "lmk-lookup" for one in threading.enumerate()), 30.0)
