"""What the start page says of the room."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import LOOPBACK, Address
from ui import wording
from ui.start_words import CALM_S, StartFacts, get_line, give_line, run_line

ALONE = StartFacts(1.0)
LATER = StartFacts(CALM_S + 1)
ROOM = StartFacts(1.0, "Teacher-PC", 1, folders=2, files=53, size=175_000_000)
EMPTY = StartFacts(1.0, "Teacher-PC", 1)


class StartWordsTest(unittest.TestCase):
    def test_who_is_here_and_what_there_is(self) -> None:
        self.assertEqual(get_line(ROOM), ("● Teacher-PC is here: 2 folders, 175\u00a0MB", "Good"))
        self.assertIn("nobody shares anything yet", get_line(EMPTY).text)
        self.assertIn("53 files", get_line(replace(ROOM, folders=0)).text)

    def test_a_sentence_begins_with_a_capital_or_with_the_name_of_a_computer(self) -> None:
        here = wording.place(Address(LOOPBACK, 12500))
        for facts in (ROOM, EMPTY):
            said = get_line(replace(facts, tracker=here)).text
            self.assertIn("This computer, port 12500 is here", said)
            self.assertIn("lab-7 is here", get_line(replace(facts, tracker="lab-7")).text)

    def test_nobody_is_no_problem_in_the_first_seconds_and_no_alarm_later(self) -> None:
        self.assertEqual(get_line(ALONE), ("Looking for others …", "Muted"))
        self.assertEqual(get_line(LATER), ("Nobody is here yet. Still looking.", "Muted"))

    def test_nothing_is_amber_in_the_first_seconds(self) -> None:
        for facts in (ALONE, ROOM, EMPTY, replace(ALONE, others=2)):
            for line in (get_line(facts), give_line(facts), run_line(facts)):
                self.assertNotIn(line.tone, ("Warning", "Bad"))

    def test_a_room_whose_code_is_not_known_is_not_called_empty(self) -> None:
        facts = replace(EMPTY, tracker="10.0.0.5:12500", is_private=True, needs_code=True)
        self.assertEqual(get_line(facts), ("A private room is here. Ask for its code.", "Muted"))

    def test_a_second_room_is_advised_against(self) -> None:
        text = "Start only one: Teacher-PC runs one already."
        self.assertEqual(run_line(replace(ROOM, looked_s=CALM_S + 1)), (text, "Warning"))
        self.assertEqual(run_line(ROOM).text, text)
        self.assertIn("Start only one", run_line(replace(LATER, others=2)).text)

    def test_a_folder_joins_the_room_or_starts_one(self) -> None:
        self.assertIn("Joins the room of Teacher-PC", give_line(ROOM).text)
        self.assertIn("Starts the room", give_line(LATER).text)
        self.assertIn("this computer", give_line(replace(LATER, is_own=True)).text)
        self.assertIn("Choose one", give_line(replace(LATER, others=2)).text)

    def test_what_runs_here_is_said(self) -> None:
        busy = replace(ROOM, is_own=True, shared="lesson")
        self.assertEqual(give_line(busy), ("● Sharing lesson", "Good"))
        self.assertEqual(run_line(busy).tone, "Good")
