"""Which downloads go on at the next start: those of this folder and this tracker, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest import mock

from roles.disk.download_record import RECORD_NAME, DownloadRecord, RecordedDownload
from roles.downloads.download import Download
from roles.downloads.file_order import FileOrder
from roles.downloads.unfinished_downloads import UnfinishedDownloads
from roles.joining.list_copy import Selection
from roles.leecher import Leecher
from roles.net.throttle import Throttle
from roles.values.addresses import Address
from roles.values.events import DownloadChanged, DownloadState, FilesListed, ListFailed
from roles.values.findings import FoundTracker
from roles.values.settings import Existing, LeecherSettings
from tests.disks import some_bytes
from tests.role_test import (
    RoomTest,
    Running,
    list_now,
    wait_for_end,
    wait_for_state,
)
from tests.support import calls_made, wait_until


class QueuedDownload(Download):
    home = ""
    order = FileOrder()

    def __init__(self, key: str) -> None:
        self.key, self.existing, self.state = key, Existing.SKIP, DownloadState.QUEUED
        self._then = None

    @property
    def wanted(self) -> Selection:
        return Selection("lesson", (), (), ("5" * 16,))


class RecordTest(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.state = self.make_folder("state")
        self.settings = LeecherSettings(
            self.folder / "target", Address("127.0.0.1", 12500), state_folder=self.state
        )
        self.one = RecordedDownload(
            str(self.settings.tracker), self.settings.folder, "a.bin", "a.bin", Existing.SKIP
        )
        self.started: list[tuple[str, Existing, bool]] = []

    def unfinished(self, *recorded: RecordedDownload) -> UnfinishedDownloads:
        if recorded:
            DownloadRecord(self.state).save(recorded)
        unfinished = UnfinishedDownloads(self.settings)
        unfinished.load()
        return unfinished

    def start(self, record: RecordedDownload) -> bool:
        self.started.append((record.key, record.existing, record.is_paused))
        return record.key != "b.bin"

    def test_what_the_list_has_is_taken_up_once_and_the_rest_waits(self) -> None:
        other = replace(self.one, key="b.bin", existing=Existing.REPLACE, is_paused=True)
        unfinished = self.unfinished(self.one, other)
        for _ in range(2):
            unfinished.take_up(self.start)
        waits = ("b.bin", Existing.REPLACE, True)
        self.assertEqual(self.started, [("a.bin", Existing.SKIP, False), waits, waits])

    def test_what_waits_for_its_list_is_not_forgotten(self) -> None:
        unfinished = self.unfinished(self.one)
        unfinished.note((), now=10.0)
        self.assertEqual(DownloadRecord(self.state).load(), (self.one,))

    def test_downloads_of_other_folders_and_trackers_are_kept_and_not_taken_up(self) -> None:
        others = (
            replace(self.one, folder=self.folder / "elsewhere"),
            replace(self.one, tracker="10.0.0.1:12500"),
        )
        unfinished = self.unfinished(*others, self.one)
        unfinished.take_up(self.start)
        self.assertEqual(len(self.started), 1)
        unfinished.note((), now=10.0)
        self.assertEqual(DownloadRecord(self.state).load(), others)

    def test_after_a_move_of_the_tracker_its_downloads_go_on_and_are_recorded_for_it(self) -> None:
        moved = Address("10.0.0.1", 12500)
        theirs = replace(self.one, key="c.bin", tracker=str(moved))
        elsewhere = replace(self.one, folder=self.folder / "elsewhere", tracker=str(moved))
        unfinished = self.unfinished(elsewhere, theirs)
        unfinished.take_up(self.start)
        self.assertEqual(self.started, [])
        unfinished.tracker_is(moved)
        unfinished.take_up(self.start)
        self.assertEqual([key for key, *_ in self.started], ["c.bin"])
        unfinished.note([QueuedDownload("d.bin")], now=10.0)
        recorded = DownloadRecord(self.state).load()
        self.assertEqual(recorded[0], elsewhere)
        self.assertEqual(
            [(record.key, record.tracker) for record in recorded[1:]], [("d.bin", str(moved))]
        )

    def test_what_ends_after_a_move_of_the_tracker_is_not_begun_again(self) -> None:
        unfinished = self.unfinished()
        download = QueuedDownload("a.bin")
        unfinished.note([download], now=10.0)
        unfinished.tracker_is(Address("10.0.0.1", 12500))
        record = unfinished.going_on([download])
        download.state = DownloadState.DONE
        unfinished.leave(record, [download])
        self.assertEqual(DownloadRecord(self.state).load(), ())

    def test_a_damaged_record_starts_nothing(self) -> None:
        for damage in (b"", b"{", b"\0" * 100, b'{"lmk":1,"downloads":[{}]}', b"[" * 10_000):
            (self.state / RECORD_NAME).write_bytes(damage)
            self.unfinished().take_up(self.start)
        self.assertEqual(self.started, [])

    def test_twice_as_many_take_twice_as_long(self) -> None:
        calls = list[int]()
        for count in (200, 400):
            recorded = [replace(self.one, key=str(number)) for number in range(count)]
            unfinished = self.unfinished(*recorded)
            queued = [QueuedDownload(record.key) for record in recorded]
            unfinished.note(queued, now=10.0)
            calls.append(calls_made(lambda: unfinished.note(queued, now=20.0)))  # noqa: B023
        self.assertLess(calls[1], 3 * calls[0])

    def test_without_a_state_folder_nothing_is_remembered(self) -> None:
        unfinished = UnfinishedDownloads(replace(self.settings, state_folder=None))
        unfinished.load()
        unfinished.note((), now=10.0)
        self.assertEqual(list(self.state.iterdir()), [])

    def test_a_state_folder_that_is_gone_stops_nothing(self) -> None:
        unfinished = self.unfinished(self.one)
        (self.state / RECORD_NAME).unlink()
        self.state.rmdir()
        self.state.write_bytes(b"a file")
        unfinished.take_up(self.start)
        with self.assertLogs("roles.downloads.unfinished_downloads", "WARNING"):
            unfinished.note((), now=10.0)
        self.assertEqual(self.state.read_bytes(), b"a file")


class NextStartTest(RoomTest):
    DATA = some_bytes(3_000_000)

    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address
        self.state = self.make_folder("state")
        self.target = self.make_folder("target")
        self.throttles: list[Throttle] = []

    def taking(self) -> Running[Leecher]:
        return self.leecher(self.target, self.room, state_folder=self.state, own_folders=True)

    def recorded(self) -> list[str]:
        return [record.key for record in DownloadRecord(self.state).load()]

    def stopped_in_the_middle(self, shares: int, *, is_paused: bool = False) -> Path:
        """What a leecher leaves that was ended in the middle of a file of so many seeders."""
        for number in range(shares):
            folder = self.make_folder(f"shared {number}", {"a.bin": self.DATA})
            seeder = self.seeder(folder, self.room)
            seeder.role._throttles.up.set_limit(400_000 // shares)
            self.throttles.append(seeder.role._throttles.up)
        leecher = self.taking()
        wait_until(lambda: self.is_offered(leecher))
        leecher.role.download(["a.bin"], Existing.SKIP)
        leecher.log.wait_for(DownloadChanged, where=lambda event: event.have > 0)
        if is_paused:
            leecher.role.pause(["a.bin"])
            wait_for_state(leecher, "a.bin", DownloadState.PAUSED)
        wait_until(lambda: self.recorded() == ["a.bin"])
        leecher.stop()
        return self.target / "a.bin.lmkpart"

    def is_offered(self, leecher: Running[Leecher]) -> bool:
        leecher.role.refresh()
        listed = leecher.log.of(FilesListed)
        return bool(listed) and any(file.root for file in listed[-1].files)

    def test_a_download_goes_on_by_itself_and_is_forgotten_when_it_is_done(self) -> None:
        part = self.stopped_in_the_middle(1)
        self.assertTrue(part.exists())
        self.throttles[0].set_limit(None)
        leecher = self.taking()
        self.assertIs(wait_for_end(leecher, "a.bin").state, DownloadState.DONE)
        self.assertTrue((self.target / "a.bin").read_bytes() == self.DATA)
        wait_until(lambda: self.recorded() == [])

    def test_what_is_done_just_before_the_end_is_not_begun_again(self) -> None:
        self.stopped_in_the_middle(1)
        self.throttles[0].set_limit(None)
        self.enterContext(mock.patch.object(UnfinishedDownloads, "note"))  # none in time
        leecher = self.taking()
        list_now(leecher, "a.bin")
        leecher.role.download(["a.bin"], Existing.SKIP)
        wait_for_end(leecher, "a.bin")
        self.assertEqual(self.recorded(), ["a.bin"])
        leecher.stop()
        self.assertEqual(self.recorded(), [])

    def test_it_goes_on_where_the_tracker_was_found_when_it_ran_at_last(self) -> None:
        folder = self.make_folder("shared", {"a.bin": self.DATA})
        seeder = self.seeder(folder, self.room)
        seeder.role._throttles.up.set_limit(400_000)
        nobody = Address("127.0.0.1", self.free_port("udp"))
        first = self.leecher(self.target, nobody, state_folder=self.state, own_folders=True)
        first.log.wait_for(ListFailed)
        found = FoundTracker(Address(*self.room), "teacher", is_original=False)
        first.role._locator._move_to(found, found.address)
        wait_until(lambda: self.is_offered(first))
        first.role.download(["a.bin"], Existing.SKIP)
        first.log.wait_for(DownloadChanged, where=lambda event: event.have > 0)
        wait_until(lambda: self.recorded() == ["a.bin"])
        first.stop()
        seeder.role._throttles.up.set_limit(None)
        self.assertIs(wait_for_end(self.taking(), "a.bin").state, DownloadState.DONE)

    def test_a_paused_download_is_still_paused(self) -> None:
        self.stopped_in_the_middle(1, is_paused=True)
        leecher = self.taking()
        wait_for_state(leecher, "a.bin", DownloadState.PAUSED)
        leecher.role.resume(["a.bin"])
        wait_for_state(leecher, "a.bin", DownloadState.DOWNLOADING)

    def test_one_of_an_earlier_run_that_is_cancelled_leaves_nothing(self) -> None:
        part = self.stopped_in_the_middle(1, is_paused=True)
        self.assertTrue(part.exists())
        leecher = self.taking()
        wait_for_state(leecher, "a.bin", DownloadState.PAUSED)
        leecher.role.cancel(["a.bin"])
        wait_for_state(leecher, "a.bin", DownloadState.CANCELLED)
        self.assertEqual(list(self.target.iterdir()), [])

    def test_a_file_that_a_dozen_seeders_have_goes_on_as_well(self) -> None:
        self.stopped_in_the_middle(12)
        leecher = self.taking()
        list_now(leecher, "a.bin")
        wait_for_state(
            leecher, "a.bin", DownloadState.CHECKING, DownloadState.DOWNLOADING, DownloadState.DONE
        )
