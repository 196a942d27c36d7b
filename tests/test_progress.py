"""What a room is told of all downloads of a program together."""

from __future__ import annotations

import unittest

from roles.downloads.progress import MAX_TRANSFERS, SETTLES_S, Progress
from roles.values.errors import StorageError
from roles.values.events import DownloadChanged, DownloadState
from roles.values.participants import ParticipantState, Status


def changed(
    name: str,
    state: DownloadState,
    *,
    have: int = 0,
    size: int = 10,
    rate: float = 0.0,
    cause: str = "",
    failure: StorageError | None = None,
) -> DownloadChanged:
    return DownloadChanged(
        name, state, size, have, rate, None, (), cause=cause, failure=failure, title=name.upper()
    )


class ProgressTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.progress = Progress()

    def note(self, *events: DownloadChanged) -> None:
        for event in events:
            self.progress.note(event)

    def status(self, now: float = 0.0) -> Status:
        return self.progress.status(now=now)

    def state(self) -> str:
        return self.status().state

    def test_who_has_asked_for_nothing_is_idle(self) -> None:
        self.assertEqual(self.state(), ParticipantState.IDLE)

    def test_bytes_of_all_downloads_are_added_and_a_later_event_replaces_an_earlier_one(
        self,
    ) -> None:
        self.note(
            changed("a", DownloadState.DOWNLOADING, have=2),
            changed("b", DownloadState.QUEUED, size=5),
            changed("a", DownloadState.DOWNLOADING, have=4),
        )
        status = self.status()
        self.assertEqual((status.state, status.have, status.size), ("downloading", 4, 15))

    def test_nobody_in_the_room_reads_where_this_computer_keeps_its_files(self) -> None:
        full = StorageError("The disk is full. Free 3 MB for /home/ann/lessons.")
        self.note(changed("a", DownloadState.FAILED, failure=full))
        reason = "The disk is full. Free 3 MB for …/lessons."
        status = self.status()
        self.assertEqual((status.reason, status.transfers[0].reason), (reason, reason))

    def test_it_is_done_only_when_everything_is_here_and_keeps_its_name(self) -> None:
        self.note(changed("a", DownloadState.DONE, have=3), changed("b", DownloadState.VERIFYING))
        self.assertEqual(self.state(), ParticipantState.DOWNLOADING)
        self.note(changed("b", DownloadState.SKIPPED))
        status = self.status()
        self.assertEqual((status.state, status.have, status.size), ("done", 20, 20))
        self.assertEqual([transfer.title for transfer in status.transfers], ["B", "A"])

    def test_each_reason_to_wait_is_told(self) -> None:
        for event, reason in (
            (changed("a", DownloadState.LOOKING, cause="nobody has it"), "nobody has it"),
            (changed("a", DownloadState.IN_QUEUE), "in the queue: all seeders are busy"),
            (changed("a", DownloadState.RETRYING, cause="it hung up"), "it hung up"),
            (changed("a", DownloadState.WAITING_FOR_SPACE, cause="full"), "full"),
            (changed("a", DownloadState.PAUSED), "paused"),
        ):
            with self.subTest(event.state):
                self.note(event)
                status = self.status()
                self.assertEqual((status.state, status.reason), ("waiting", reason))
                self.assertEqual(status.transfers[0].state, event.state.value)

    def test_a_download_that_only_begins_to_look_for_seeders_does_not_wait_yet(self) -> None:
        self.note(changed("a", DownloadState.LOOKING))
        self.assertEqual(self.state(), ParticipantState.DOWNLOADING)

    def test_what_has_failed_wins_with_its_title_and_reason(self) -> None:
        self.note(
            changed("a", DownloadState.FAILED, failure=StorageError("No rights.")),
            changed("b", DownloadState.DOWNLOADING),
        )
        status = self.status()
        self.assertEqual((status.state, status.reason), ("failed", "No rights."))
        self.assertEqual([transfer.title for transfer in status.transfers], ["A", "B"])
        self.note(changed("a", DownloadState.QUEUED))
        self.assertEqual(self.state(), ParticipantState.DOWNLOADING)

    def test_what_was_cancelled_is_forgotten_when_something_else_is_asked_for(self) -> None:
        self.note(changed("a", DownloadState.DONE), changed("b", DownloadState.CANCELLED, have=5))
        status = self.status()
        self.assertEqual((status.state, status.have, status.size), ("cancelled", 10, 10))
        self.note(changed("c", DownloadState.QUEUED), changed("c", DownloadState.DONE))
        self.assertEqual(self.state(), ParticipantState.DONE)

    def test_of_thousands_of_downloads_the_first_few_are_named(self) -> None:
        self.note(*(changed(f"{number}", DownloadState.DONE) for number in range(3_000)))
        self.note(changed("x", DownloadState.DOWNLOADING))
        status = self.status()
        self.assertEqual(len(status.transfers), MAX_TRANSFERS)
        self.assertEqual((status.transfers[0].title, status.size), ("X", 30_010))

    def test_what_was_cancelled_counts_until_something_new_is_asked_for(self) -> None:
        self.note(
            changed("a", DownloadState.DOWNLOADING),
            changed("b", DownloadState.CANCELLED),
            changed("a", DownloadState.DOWNLOADING, have=1),
        )
        self.assertEqual(self.state(), ParticipantState.DOWNLOADING)
        self.note(changed("a", DownloadState.DONE))
        self.assertEqual(self.state(), ParticipantState.CANCELLED)
        self.note(changed("b", DownloadState.QUEUED), changed("b", DownloadState.DONE))
        self.assertEqual(self.state(), ParticipantState.DONE)

    def test_what_failed_long_ago_still_says_why(self) -> None:
        self.note(changed("a", DownloadState.FAILED, failure=StorageError("No rights.")))
        self.note(*(changed(f"{number}", DownloadState.DONE) for number in range(3_000)))
        status = self.status()
        self.assertEqual((status.state, status.reason), ("failed", "No rights."))
        self.assertEqual(status.transfers[0].title, "A")

    def test_the_rates_are_of_what_moves_of_either_protocol(self) -> None:
        self.note(
            changed("a", DownloadState.DOWNLOADING, rate=2.0),
            changed("b", DownloadState.DOWNLOADING, rate=3.0),
        )
        self.assertEqual(self.status().down, 5)
        self.note(changed("a", DownloadState.DONE, rate=2.0))
        self.assertEqual(self.status().down, 3)
        self.note(changed("b", DownloadState.LOOKING, rate=3.0, cause="nobody has it"))
        self.assertEqual(self.status().down, 0)

    def test_the_time_left_follows_the_mean_rate_once_that_has_settled(self) -> None:
        def left(now: float, rate: float) -> int | None:
            self.note(changed("a", DownloadState.DOWNLOADING, size=1_000, rate=rate))
            return self.status(now).seconds_left

        self.assertEqual([left(float(now), 1.0) for now in range(SETTLES_S)], [None] * SETTLES_S)
        steps = ((10.0, 100.0, 10), (11.0, 0.0, 20), (11.5, 900.0, 20), (12.0, 50.0, 20))
        for now, rate, seconds in steps:
            self.assertEqual(left(now, rate), seconds)
        self.note(changed("a", DownloadState.PAUSED, size=1_000))
        self.assertIsNone(self.status(13.0).seconds_left)
        self.assertIsNone(left(14.0, 50.0))
