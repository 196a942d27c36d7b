"""How long a peer may be silent, and how long a frame may take."""

from __future__ import annotations

import unittest

from roles.swarm.frame_deadlines import LIMITS, FrameDeadlines


class FrameDeadlinesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.deadlines = FrameDeadlines(now=100.0)

    def assert_late(self, now: float) -> None:
        with self.assertRaises(TimeoutError):
            self.deadlines.heard_nothing(now=now)

    def test_between_two_frames_a_peer_may_be_silent_for_long(self) -> None:
        self.deadlines.heard_nothing(now=100.0 + LIMITS.silent_s)
        self.assert_late(100.1 + LIMITS.silent_s)

    def test_in_the_middle_of_a_frame_it_may_not(self) -> None:
        self.deadlines.heard(now=110.0)
        self.deadlines.heard_nothing(now=110.0 + LIMITS.still_s)
        self.assert_late(110.1 + LIMITS.still_s)
        self.deadlines.next_frame()
        self.deadlines.heard_nothing(now=110.1 + LIMITS.still_s)
        self.deadlines.next_frame(120.0)
        self.assert_late(120.1 + LIMITS.still_s)

    def test_a_frame_that_trickles_is_given_up_and_a_part_has_longer(self) -> None:
        for most_s in (LIMITS.frame_s, LIMITS.part_s):
            deadlines = FrameDeadlines(now=0.0)
            deadlines.heard(now=1.0)
            if most_s == LIMITS.part_s:
                deadlines.is_part()
            deadlines.heard(now=1.0 + most_s)
            with self.assertRaises(TimeoutError):
                deadlines.heard(now=1.1 + most_s)

    def test_the_time_for_which_this_program_held_it_up_does_not_count(self) -> None:
        self.deadlines.heard(now=101.0)
        self.deadlines.held_up(60.0)
        self.deadlines.heard_nothing(now=161.0 + LIMITS.still_s)
        self.deadlines.heard(now=161.0 + LIMITS.frame_s)
        self.deadlines.restart(now=300.0)
        self.deadlines.heard(now=300.0 + LIMITS.frame_s)


if __name__ == "__main__":
    unittest.main()
