"""The limit of a whole program: what passes at once, what waits, and for how long."""

from __future__ import annotations

import threading
import time

from roles.net.throttle import BURST_S, MIN_SLICE, SLICE_S, Throttle, Throttles
from tests.support import NEVER, PROMPT_S, LmkTestCase

LIMIT = 1_000_000  # bytes per second
FOREVER = 1 << 40  # bytes: nobody waits for them to the end


class ThrottleTest(LmkTestCase):
    def taken_s(self, throttle: Throttle, *counts: int) -> float:
        """How long it takes until so many bytes, one lot after the other, may pass."""
        began = time.monotonic()
        for count in counts:
            throttle.wait(count, NEVER)
        return time.monotonic() - began

    def test_without_a_limit_nothing_waits(self) -> None:
        throttle = Throttle()
        for _ in range(2):
            self.assertEqual(throttle.wait(FOREVER, NEVER), 0.0)

    def test_it_says_how_long_it_waited(self) -> None:
        throttle, began = Throttle(LIMIT), time.monotonic()
        waited_s = sum(throttle.wait(LIMIT // 10, NEVER) for _ in range(4))
        self.assertGreater(waited_s, 0.0)
        self.assertLessEqual(waited_s, time.monotonic() - began)

    def test_with_one_the_rate_is_kept_over_all_who_send(self) -> None:
        throttle, lots = Throttle(LIMIT), 10
        lot = LIMIT // 20
        began = time.monotonic()
        threads = [
            threading.Thread(target=self.taken_s, args=(throttle, *[lot] * lots), name="lmk-test")
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        whole_s = 2 * lots * lot / LIMIT
        # The first lots go out at once, and each waits for those before it, not for itself.
        self.assertGreaterEqual(time.monotonic() - began, whole_s - BURST_S - 2 * lot / LIMIT)

    def test_a_pause_saves_up_no_more_than_a_burst(self) -> None:
        throttle = Throttle(LIMIT)
        throttle.wait(1, NEVER)
        later = time.monotonic() + 1_000
        first = throttle._book(LIMIT, later)
        second = throttle._book(1, later)
        self.assertLessEqual(first, later)
        self.assertAlmostEqual(second, later + 1 - BURST_S, places=3)

    def test_who_is_told_to_stop_waits_no_longer(self) -> None:
        throttle, stopping = Throttle(LIMIT), threading.Event()
        throttle.wait(FOREVER, NEVER)
        thread = threading.Thread(target=throttle.wait, args=(FOREVER, stopping), name="lmk-test")
        thread.start()
        stopping.set()
        thread.join(PROMPT_S)
        self.assertFalse(thread.is_alive())

    def test_who_may_wait_so_long_only_waits_no_longer(self) -> None:
        throttle = Throttle(LIMIT)
        throttle.wait(FOREVER, NEVER)
        self.assertGreaterEqual(throttle.wait(FOREVER, NEVER, most_s=0.05), 0.05)

    def test_another_limit_counts_at_once(self) -> None:
        throttle = Throttle(LIMIT)
        throttle.wait(FOREVER, NEVER)
        throttle.set_limit(None)
        self.assertEqual(throttle.wait(FOREVER, NEVER), 0.0)
        throttle.set_limit(LIMIT)
        throttle.wait(FOREVER, NEVER)  # at once; whoever comes next waits for these
        self.assertGreaterEqual(throttle.wait(1, NEVER, most_s=0.05), 0.05)

    def test_a_slice_is_short_but_never_tiny(self) -> None:
        self.assertEqual(Throttle().slice(262_144), 262_144)
        self.assertEqual(Throttle(LIMIT).slice(262_144), LIMIT * SLICE_S)
        self.assertEqual(Throttle(LIMIT).slice(1_000), 1_000)
        self.assertEqual(Throttle(1).slice(262_144), MIN_SLICE)

    def test_the_two_directions_do_not_share_a_limit(self) -> None:
        throttles = Throttles()
        throttles.up.set_limit(1)
        throttles.up.wait(FOREVER, NEVER)
        self.assertEqual(throttles.down.wait(FOREVER, NEVER), 0.0)
        self.assertGreaterEqual(throttles.up.wait(1, NEVER, most_s=0.05), 0.05)
