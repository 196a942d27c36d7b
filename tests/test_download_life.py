"""The life that every download has, whatever it brings."""

from __future__ import annotations

import logging
import threading
import unittest
from pathlib import Path
from unittest import mock

from roles.disk.reserved_space import ReservedSpace
from roles.downloads.download_life import DownloadContext, DownloadLife
from roles.values.errors import LmkError, ShortageError
from roles.values.events import DownloadChanged, DownloadState, RoleEvent
from roles.values.settings import Existing, LeecherSettings


class SilentDownload(DownloadLife):
    """It tells nothing of itself until it is let go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.failure: LmkError | None = None
        shared = DownloadContext(
            LeecherSettings(Path()), ReservedSpace(Path()), self._note, lambda: None
        )
        super().__init__("it", Existing.SKIP, shared)

    @property
    def collision_keys(self) -> frozenset[str]:
        return frozenset()

    @property
    def at_the_end(self) -> DownloadState:
        return DownloadState.PAUSED

    def _forget(self) -> None:
        """Nothing is kept."""

    def discard(self) -> None: ...

    def leave(self) -> None: ...

    def _direct(self) -> None:
        self.go_on.wait()
        self._set_state(DownloadState.DONE)

    def _can_go_on_after(self, _failure: LmkError) -> bool:
        return True

    def _described(self, now: float) -> DownloadChanged:  # noqa: ARG002
        return DownloadChanged("it", self.state, 1, 0, 0.0, None, ())

    def _note(self, event: RoleEvent) -> None:
        assert isinstance(event, DownloadChanged)
        self.failure = event.failure


class StumblingDownload(SilentDownload):
    """Nothing of it works."""

    def _direct(self) -> None:
        raise LmkError("no")

    def _can_go_on_after(self, _failure: LmkError) -> bool:
        return False

    def discard(self) -> None:
        raise MemoryError


class DownloadLifeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.download = SilentDownload()
        self.addCleanup(self.download.join)
        self.addCleanup(self.download.go_on.set)

    def test_peers_are_looked_for_from_its_start_before_its_thread_says_a_word(self) -> None:
        self.assertFalse(self.download.needs_peers)
        self.download.start()
        self.assertIs(self.download.state, DownloadState.QUEUED)
        self.assertTrue(self.download.needs_peers)

    def test_nobody_is_looked_for_when_it_has_what_it_needs(self) -> None:
        self.download.start()
        self.download.go_on.set()
        self.download.join()
        self.assertIs(self.download.state, DownloadState.DONE)
        self.assertFalse(self.download.needs_peers)

    def test_nobody_is_looked_for_while_it_waits_for_its_turn_again(self) -> None:
        self.download.stop(DownloadState.PAUSED)
        self.assertFalse(self.download.needs_peers)
        self.download.stop(DownloadState.QUEUED)
        self.assertFalse(self.download.needs_peers)

    def test_without_a_thread_it_stays_queued_until_it_is_given_up(self) -> None:
        with (
            mock.patch(
                "threading.Thread.start", side_effect=RuntimeError("can't start new thread")
            ),
            self.assertRaises(ShortageError) as lacking,
        ):
            self.download.start()
        self.assertIs(self.download.state, DownloadState.QUEUED)
        self.assertFalse(self.download.is_running)
        self.download.give_up(lacking.exception)
        self.assertIs(self.download.state, DownloadState.FAILED)
        self.assertIs(self.download.failure, lacking.exception)

    def test_what_fails_for_good_is_told_and_ended_though_nothing_can_be_removed(self) -> None:
        has_ended = threading.Event()
        download = StumblingDownload()
        download._ended = has_ended.set
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        download.start()
        self.assertTrue(has_ended.wait(30))
        download.reap()
        self.assertFalse(download.is_running)
        self.assertEqual((download.state, str(download.failure)), (DownloadState.FAILED, "no"))

    def test_a_download_that_gives_way_does_so_once_until_its_thread_has_ended(self) -> None:
        self.download.start()
        self.download.give_way(1.0)
        self.download.give_way(1.0)
        self.assertEqual(self.download.turns, 1)

    def test_one_that_is_being_paused_is_paused_although_its_thread_still_runs(self) -> None:
        self.download.start()
        self.assertFalse(self.download.is_paused)
        self.download.stop(DownloadState.PAUSED)
        self.assertTrue(self.download.is_running)
        self.assertTrue(self.download.is_paused and self.download.can_resume)
        self.download.stop(DownloadState.QUEUED)
        self.assertFalse(self.download.is_paused)

    def test_giving_way_overrides_neither_a_cancel_nor_a_pause(self) -> None:
        self.download.start()
        self.download.stop(DownloadState.CANCELLED)
        self.download.give_way(1.0)
        self.assertTrue(self.download.is_cancelled)
        self.assertEqual(self.download.turns, 0)
