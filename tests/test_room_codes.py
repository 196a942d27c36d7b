"""What is known of the code of one private room."""

from __future__ import annotations

import unittest

from roles.values.errors import CodeRefusedError, TrackerSilentError
from ui.window.room_codes import CHANGED, Room

CODE, NEW = "482177305", "305177482"


def wrong(tries_left: int) -> CodeRefusedError:
    why = CodeRefusedError("Wrong.")
    why.tries_left = tries_left
    return why


class RoomTest(unittest.TestCase):
    def test_a_code_that_is_wrong_now_is_forgotten(self) -> None:
        room = Room(CODE, CODE)
        room.refused(CODE, wrong(4))
        self.assertEqual(room, Room(needs_code=True, problem=CHANGED))

    def test_one_that_an_open_room_does_not_want_is_remembered_and_the_user_may_agree(self) -> None:
        room = Room(CODE, CODE)
        room.refused(CODE, CodeRefusedError("It is open."))
        self.assertEqual(
            room, Room(kept=CODE, needs_code=True, problem="It is open.", may_be_open=True)
        )

    def test_a_code_that_was_tried_since_outlives_the_refusal_of_the_one_before(self) -> None:
        for former in (CODE, ""):
            room = Room(NEW, NEW)
            room.refused(former, wrong(4))
            self.assertEqual(room, Room(NEW, NEW))

    def test_a_room_that_wants_a_code_reports_no_problem_before_one_was_tried(self) -> None:
        room = Room()
        room.refused("", CodeRefusedError("It is private."))
        self.assertEqual(room, Room(needs_code=True))

    def test_it_says_why_a_typed_code_cannot_be_used(self) -> None:
        for why, problem in (
            (wrong(4), "Wrong code. 4 tries left before a pause of a minute."),
            (wrong(1), "Wrong code. 1 try left before a pause of a minute."),
            (wrong(0), "Wrong code. Wait a minute before you try again."),
            (TrackerSilentError("It is silent."), "It is silent."),
        ):
            room = Room(may_be_open=True)
            room.failed(why)
            self.assertEqual(room, Room(problem=problem))
        room.failed(CodeRefusedError("It is open."))
        self.assertEqual(room, Room(problem="It is open.", may_be_open=True))


if __name__ == "__main__":
    unittest.main()
