"""What `status` prints of the room."""

from __future__ import annotations

import json
import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.computers import Computer
from roles.values.participants import ParticipantState
from tests.terminals import on_screen, printed
from ui.terminal.output import Output
from ui.terminal.status_command import print_room, watch_room
from ui.toned_text import TonedText

MOVING = Computer(
    "0123456789abcdef",
    "lab-pc-07",
    Address("10.0.0.7", 12501),
    ParticipantState.DOWNLOADING,
    have=40,
    size=100,
    title="lesson/",
    up=3,
    down=20,
    seconds_left=3.0,
    given=7,
    silent_s=0.84,
    is_reachable=True,
)
GIVING = replace(MOVING, machine="f" * 16, state=ParticipantState.GIVING, have=0, size=0, files=3)


class StatusTest(unittest.TestCase):
    def test_json_has_an_object_for_each_computer_and_one_for_the_room(self) -> None:
        seen = printed(lambda output: print_room((GIVING, MOVING), output), as_json=True)
        giving, moving, room = map(json.loads, seen.out.splitlines())
        self.assertEqual(giving["state"], "giving")
        self.assertEqual(
            moving,
            {
                "event": "member",
                "machine": "0123456789abcdef",
                "name": "lab-pc-07",
                "address": "10.0.0.7:12501",
                "state": "downloading",
                "have": 40,
                "of": 100,
                "title": "lesson/",
                "reason": "",
                "up": 3,
                "down": 20,
                "seconds_left": 3,
                "given": 7,
                "silent_s": 0.8,
                "left": False,
                "reachable": True,
                "files": 0,
            },
        )
        known = {"members": 1, "done": 0, "problems": 0, "seconds_left": 3, "private": False}
        self.assertEqual(room, {"event": "room", **known})

    def test_people_get_a_table_and_a_sentence(self) -> None:
        out = printed(lambda output: print_room((GIVING, MOVING), output)).out.splitlines()
        self.assertEqual([line.split()[1] for line in out[1:3]], ["Sharing", "Downloading"])
        self.assertEqual(out[-1], "0 of 1 done, the last one in 3 s.")
        private = printed(lambda output: print_room((GIVING, MOVING), output, is_private=True))
        self.assertIn("Private room: 0 of 1 done", private.out)

    def test_a_room_that_is_watched_is_shown_again_when_it_changes(self) -> None:
        def work(output: Output) -> None:
            shown: list[TonedText] = []
            for members in ((), (), (GIVING, MOVING), (GIVING, MOVING), (GIVING,)):
                shown = watch_room(members, shown, output)

        self.assertEqual(printed(work).out.count("Computer "), 2)
        seen = on_screen(work).lines
        self.assertEqual([line.split()[0] for line in seen], ["Computer", "lab-pc-07", "Nobody"])
        self.assertEqual(len(printed(work, as_json=True).events), 5 + 5)

    def test_an_empty_room_is_said_to_be_empty(self) -> None:
        self.assertEqual(
            printed(lambda output: print_room((), output)).out,
            "Nobody has joined to download yet.\n",
        )
