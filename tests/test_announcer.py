"""What the announcer says when it cannot reach its tracker."""

from __future__ import annotations

import errno
import os
import threading
from unittest import mock

from roles.addresses import Address
from roles.announcer import Announcer
from roles.events import TrackerLost
from roles.settings import SeederSettings
from roles.shared_folder import SharedFolder
from tests.support import EventLog, LmkTestCase


class NoNetworkTest(LmkTestCase):
    def test_a_computer_without_a_network_is_a_sentence(self) -> None:
        settings = SeederSettings(self.folder, Address("192.0.2.1", 12500))
        log, stopping = EventLog(), threading.Event()
        announcer = Announcer(settings, SharedFolder(self.folder), log, stopping.is_set)
        thread = threading.Thread(
            target=announcer.run, args=(Address("0.0.0.0", 12501),), name="lmk-announcer"
        )
        unreachable = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        with (
            mock.patch("roles.membership.own_address_towards", side_effect=unreachable),
            self.assertLogs("roles.membership"),
        ):
            thread.start()
            try:
                reason = str(log.wait_for(TrackerLost).reason)
            finally:
                stopping.set()
                thread.join()
        self.assertTrue(reason.startswith("No way leads to the tracker 192.0.2.1:12500"), reason)
        self.assertNotIn("Errno", reason)
