"""The role that asks a tracker what its room offers, and downloads nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from roles.lister import Lister
from roles.values.addresses import Address
from roles.values.events import FilesListed, ListFailed
from roles.values.settings import Failover
from tests.role_test import RoomTest, Running
from tests.support import EventLog, wait_until

REPOSITORY = Path(__file__).resolve().parent.parent
LOADED = "import sys, ui.terminal.list_command; print(*sys.modules)"


class ListerTest(RoomTest):
    def listing(self, tracker: Address) -> Running[Lister]:
        log = EventLog()
        return self.run_role(Lister(tracker, Failover.NOWHERE, log), log)

    def test_it_tells_what_the_room_offers(self) -> None:
        room = self.tracker().address
        self.seeder(self.make_folder("shared", {"a": b"x", "b": b""}), room)
        lister = self.listing(room)

        def has_both() -> bool:
            lister.role._reader.refresh()
            return any(len(listed.files) == 2 for listed in lister.log.of(FilesListed))

        wait_until(has_both)

    def test_it_says_that_no_tracker_answers(self) -> None:
        self.constant("joining.tracker_asker", "TRIES_S", (0.05,))
        lister = self.listing(Address("127.0.0.1", self.free_port("udp")))
        self.assertIn("No tracker at", str(lister.log.wait_for(ListFailed).reason))

    def test_the_command_that_lists_loads_nothing_that_downloads_or_uploads(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", LOADED],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = [name for name in done.stdout.split() if name.startswith("roles.")]
        self.assertIn("roles.lister", loaded)
        packages = {name.split(".")[1] for name in loaded}
        self.assertEqual(packages & {"downloads", "swarm", "uploads", "sharing", "leecher"}, set())
