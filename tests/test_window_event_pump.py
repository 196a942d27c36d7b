"""The event pump: in from any thread, out in Tk's, in order, in small helpings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from unittest import mock

from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    RoleEvent,
    RoleStarted,
    RoleStopped,
    RoomChanged,
)
from tests.support import WindowTestCase
from ui.window import event_pump
from ui.window.event_pump import BUDGET_S, EventPump


def changed(name: str, have: int) -> DownloadChanged:
    return DownloadChanged(name, DownloadState.DOWNLOADING, 100, have, 0.0, None, ())


class EventPumpTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pump = EventPump(self.root)
        self.seen: list[RoleEvent] = []

    def pump_all(self, count: int) -> None:
        self.pump_until(lambda: len(self.seen) >= count)

    def test_events_come_out_in_the_order_they_went_in(self) -> None:
        post = self.pump.opened(self.seen.append)
        events: list[RoleEvent] = [
            RoleStarted(),
            AllDownloadsEnded(),
            AllDownloadsEnded(),
            RoleStopped(),
        ]
        for event in events:
            post(event)
        self.pump_all(4)
        self.assertEqual(self.seen, events)

    def test_of_snapshots_that_wait_only_the_last_comes_out(self) -> None:
        post = self.pump.opened(self.seen.append)
        for have in range(50):
            post(changed("a", have))
            post(changed("b", have))
        post(RoleStopped())
        self.pump_all(3)
        self.assertEqual(self.seen, [changed("a", 49), changed("b", 49), RoleStopped()])

    def test_a_snapshot_never_overtakes_what_was_posted_before_it(self) -> None:
        post = self.pump.opened(self.seen.append)
        for event in (changed("a", 1), AllDownloadsEnded(), changed("a", 2)):
            post(event)
        self.pump_all(2)
        self.assertEqual(self.seen, [AllDownloadsEnded(), changed("a", 2)])

    def test_two_roles_do_not_swallow_each_others_snapshots(self) -> None:
        for post in (self.pump.opened(self.seen.append), self.pump.opened(self.seen.append)):
            post(RoomChanged((), (), 0))
        self.pump_all(2)
        self.assertEqual(len(self.seen), 2)

    def test_the_end_is_never_dropped(self) -> None:
        post = self.pump.opened(self.seen.append)
        for _ in range(3):
            post(RoleStopped())
            post(AllDownloadsEnded())
        self.pump_all(6)
        self.assertEqual(len(self.seen), 6)

    def test_one_tick_handles_no_more_than_its_budget(self) -> None:
        now = 0.0

        def slow(event: RoleEvent) -> None:
            nonlocal now
            now += BUDGET_S
            self.seen.append(event)

        ticks = list[Callable[[], None]]()
        widget = mock.Mock()
        widget.after = lambda _pause_ms, tick: ticks.append(tick)
        post = EventPump(widget, clock=lambda: now).opened(slow)
        for _ in range(5):
            post(RoleStarted())
        for number in range(1, 6):
            ticks.pop()()
            self.assertEqual(len(self.seen), number)

    def test_a_handler_that_fails_stops_nothing(self) -> None:
        def fail(_event: RoleEvent) -> None:
            raise ValueError("on purpose")

        failed: list[object] = []
        self.root.report_callback_exception = lambda *what: failed.append(what)
        self.pump.opened(fail)(RoleStarted())
        self.pump.opened(self.seen.append)(RoleStarted())
        self.pump_all(1)
        self.assertEqual(len(failed), 1)

    def test_events_of_many_threads_all_arrive(self) -> None:
        post = self.pump.opened(self.seen.append)

        def work() -> None:
            for _ in range(100):
                post(AllDownloadsEnded())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.pump_all(400)
        self.assertEqual(len(self.seen), 400)

    def test_an_errand_runs_elsewhere_and_answers_here(self) -> None:
        answers: list[tuple[str, str]] = []

        def answer(name: str) -> None:
            answers.append((name, threading.current_thread().name))

        self.pump.in_background(lambda: threading.current_thread().name, answer)
        self.pump_until(lambda: bool(answers))
        worker, here = answers[0]
        self.assertNotEqual(worker, here)
        self.assertEqual(here, threading.current_thread().name)

    def test_an_errand_for_which_there_is_no_thread_is_run_later(self) -> None:
        self.enterContext(mock.patch.object(event_pump, "AGAIN_MS", 1))
        answers = list[int]()
        lacking = RuntimeError("can't start new thread")
        with mock.patch("threading.Thread.start", side_effect=lacking):
            self.pump.in_background(lambda: 7, answers.append)
        self.assertEqual(answers, [])
        self.pump_until(lambda: answers == [7])
