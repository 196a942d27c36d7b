"""Asking for trackers in every network, on loopback only."""

from __future__ import annotations

import errno
import time
from unittest import mock

from roles.joining.tracker_search import TrackerSearch, everywhere
from roles.values.addresses import Address
from tests.support import NEVER, STOPPED, at_once, wait_until
from tests.test_discovery import DiscoveryTestCase, targets_at


class TrackerSearchTest(DiscoveryTestCase):
    def test_the_socket_waits_for_an_original_that_answers_late(self) -> None:
        original = self.tracker(lambda *_: [])
        began = time.monotonic()
        with TrackerSearch((), lambda: targets_at(original.address), NEVER) as search:
            search.ask()
        self.assertGreater(time.monotonic() - began, 0.25)

    def test_without_descriptors_nobody_is_called_and_it_goes_on(self) -> None:
        original = self.tracker(lambda *_: [b"error\nNone"])
        lacking = OSError(errno.EMFILE, "Too many open files")
        with TrackerSearch((), lambda: targets_at(original.address), NEVER) as search:
            with mock.patch("socket.socket", side_effect=lacking):
                search.ask()
            self.assertFalse(search.listen(0.0))
            search.ask()
            wait_until(lambda: search.listen(0.01))

    def test_without_descriptors_a_change_of_the_network_does_no_harm(self) -> None:
        original = self.tracker(lambda *_: [b"error\nNone"])
        lacking = OSError(errno.EMFILE, "Too many open files")
        with TrackerSearch((), lambda: targets_at(original.address), NEVER) as search:
            search.ask()
            with mock.patch("socket.socket", side_effect=lacking):
                search.network_changed()
            search.ask()
            wait_until(lambda: search.listen(0.01))

    def test_without_a_socket_nothing_is_waited_for_after_the_stop(self) -> None:
        lacking = OSError(errno.EMFILE, "Too many open files")
        with (
            at_once(),
            mock.patch("socket.socket", side_effect=lacking),
            TrackerSearch((), lambda: targets_at(Address("127.0.0.1", 1)), STOPPED) as search,
        ):
            search.ask()
            self.assertFalse(search.listen(60.0))

    def test_every_network_is_called_at_every_port_of_trackers(self) -> None:
        with (
            mock.patch("roles.joining.tracker_search.broadcasts") as broadcasts,
        ):
            broadcasts.return_value = [("0.0.0.0", "10.0.0.255")]
            targets = list(everywhere("10.0.0.7"))
        broadcasts.assert_called_once_with("10.0.0.7")
        self.assertEqual(len(targets), 20)
        self.assertIn(("0.0.0.0", Address("10.0.0.255", 12500)), targets)
        self.assertIn(("0.0.0.0", Address("127.0.0.1", 12519)), targets)
        self.assertNotIn(12501, {address.port for _, address in targets})
