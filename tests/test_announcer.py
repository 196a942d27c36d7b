"""What the announcer says of its folder, and when it cannot reach its tracker."""

from __future__ import annotations

import errno
import os
import threading
from typing import Any
from unittest import mock

from roles.joining import list_client, list_upload
from roles.joining.announcer import Announcer
from roles.joining.membership import Membership, Seeding
from roles.joining.tracker_locator import TrackerLocator
from roles.lmk1.tracker_client import TrackerClient
from roles.sharing.folder_library import FolderLibrary
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.events import FolderScanned, RoleStarted, TrackerLost
from roles.values.participants import Status
from roles.values.settings import TrackerSettings
from roles.wire.list_wire import Taken
from roles.wire.tracker_messages import Code
from tests.scripted_tracker import ScriptedTracker, room_of
from tests.support import EventLog, LmkTestCase, wait_until

LISTENING = Address("127.0.0.1", 12701)


class AnnouncerTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = EventLog()
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []
        self.addCleanup(self.stop)
        self.shared = self.folder / "shared"
        (self.shared / "below").mkdir(parents=True)
        (self.shared / "top").write_bytes(b"one")
        (self.shared / "below" / "deep").write_bytes(b"three")

    def stop(self) -> None:
        self.stopping.set()
        if self.threads:
            self.library.wake()
        for thread in self.threads:
            thread.join()

    def announce(
        self,
        tracker: Address,
        listening: Address = LISTENING,
        *,
        is_reading: bool = True,
    ) -> Announcer:
        self.library = FolderLibrary(self.shared, None, EventLog(), self.stopping)
        if is_reading:
            self.threads.append(threading.Thread(target=self.library.run, name="lmk-library"))
        locator = TrackerLocator(tracker, stopping=self.stopping)
        announcer = Announcer(self.library, self.log)
        self.member = Membership(
            locator,
            self.log,
            lambda: Status("available"),
            Seeding(self.library, announcer.look, TrackerClient(locator)),
        )
        self.threads.append(
            threading.Thread(target=self.member.run, args=(listening,), name="lmk-member")
        )
        for thread in self.threads:
            thread.start()
        return announcer

    def tracker(self) -> Address:
        log = EventLog()
        role = Tracker(TrackerSettings(Address("127.0.0.1", 0), bind_exactly=True), log)
        role.start()
        self.addCleanup(role.join, 5.0)
        self.addCleanup(role.stop)
        address = log.wait_for(RoleStarted).address
        assert address is not None
        return address

    def original(self) -> Address:
        tracker = ScriptedTracker(room_of)
        self.addCleanup(tracker.close)
        return tracker.address


class FolderTest(AnnouncerTestCase):
    def shown(self, event: FolderScanned) -> tuple[list[str], int, int]:
        return [file.name for file in event.files], event.announced, event.in_subfolders

    def test_before_a_tracker_has_it_nothing_is_announced(self) -> None:
        self.announce(self.original())
        self.assertEqual(self.shown(self.log.wait_for(FolderScanned)), (["top"], 0, 1))

    def test_an_original_tracker_has_no_sub_folders(self) -> None:
        self.announce(self.original())
        scan = self.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 0)
        self.assertEqual(self.shown(scan), (["top"], 1, 1))

    def test_with_an_original_tracker_the_same_is_not_told_again_and_again(self) -> None:
        announcer = self.announce(self.original())
        self.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 0)
        wait_until(lambda: bool(self.library.snapshot.lines))
        told = len(self.log.of(FolderScanned))
        for _ in range(5):
            announcer._report_at = 0.0  # it is time for the next report
            announcer.look(self.member.announced)
        self.assertEqual(len(self.log.of(FolderScanned)), told)

    def test_with_a_tracker_of_ours_everything_is_announced(self) -> None:
        self.announce(self.tracker())
        scan = self.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 1)
        self.assertEqual(self.shown(scan), (["below/deep", "top"], 2, 0))
        self.assertEqual([(file.size, len(file.root)) for file in scan.files], [(5, 32), (3, 32)])

    def test_while_the_folder_is_read_it_is_said_that_more_follows(self) -> None:
        self.announce(self.tracker(), is_reading=False)
        self.library._look()
        scan = self.log.wait_for(FolderScanned, where=lambda scan: scan.is_listed)
        self.assertEqual((self.shown(scan), scan.is_whole), ((["top"], 0, 0), False))
        self.threads.append(threading.Thread(target=self.library.run, name="lmk-library"))
        self.threads[-1].start()
        scan = self.log.wait_for(
            FolderScanned, where=lambda scan: scan.announced > 0 and scan.is_whole
        )
        self.assertEqual(self.shown(scan), (["below/deep", "top"], 2, 0))

    def test_nothing_is_listed_before_the_tracker_took_it(self) -> None:
        taken = threading.Event()
        real = list_client.tell_list

        def tell_list(*arguments: Any) -> Any:
            if not taken.is_set():
                return Taken(is_taken=False, code=Code.BUSY, text="Later.")
            return real(*arguments)

        with mock.patch.object(list_upload, "tell_list", tell_list):
            self.announce(self.tracker())
            scan = self.log.wait_for(FolderScanned, where=lambda scan: scan.is_whole)
            self.assertFalse(scan.is_listed or scan.announced)
            taken.set()
            scan = self.log.wait_for(
                FolderScanned, where=lambda scan: scan.is_listed and scan.is_whole
            )
        self.assertEqual(self.shown(scan), (["below/deep", "top"], 2, 0))

    def test_a_tracker_that_takes_no_list_is_told_of(self) -> None:
        refused = Taken(is_taken=False, code=Code.FULL, text="There is no room.")
        with (
            mock.patch.object(list_upload, "tell_list", return_value=refused),
            self.assertLogs("roles.joining.list_upload", "WARNING"),
        ):
            self.announce(self.tracker())
            scan = self.log.wait_for(FolderScanned, where=lambda scan: bool(scan.refusal))
        self.assertRegex(scan.refusal, "does not take the list: There is no room.")
        self.assertEqual((scan.announced, scan.is_listed), (0, False))

    def test_what_comes_into_a_sub_folder_is_announced(self) -> None:
        self.announce(self.tracker())
        self.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 1)
        (self.shared / "below" / "new").write_bytes(b"")
        scan = self.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 2)
        self.assertEqual(self.shown(scan)[0], ["below/deep", "below/new", "top"])
        assert self.library.top is not None
        self.assertEqual(list(self.library.top.files), ["top"])


class NoNetworkTest(AnnouncerTestCase):
    def test_a_computer_without_a_network_is_a_sentence(self) -> None:
        unreachable = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        with (
            mock.patch("roles.joining.membership.own_address_towards", side_effect=unreachable),
            self.assertLogs("roles.joining.membership"),
        ):
            self.announce(Address("192.0.2.1", 12500), Address("0.0.0.0", 12501))
            reason = str(self.log.wait_for(TrackerLost).reason)
            self.stop()
        start = "The tracker 192.0.2.1:12500 cannot be reached from this network"
        self.assertTrue(reason.startswith(start), reason)
        self.assertNotIn("Errno", reason)
