"""The room in a browser: the same truth as in the window, and who lacks most comes first."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from dataclasses import replace

from roles.values import room_words
from roles.values.addresses import Address
from roles.values.computers import Computer, computers_of, summary_of
from roles.values.participants import ParticipantState
from roles.web.room_page import MAX_ROWS, room_page, shown_of
from tests.lesson import lesson
from tests.test_page import HOSTILE, SHOWN
from tests.web_pages import WebPage

NOW = 1_000.0
MEMBER = Computer(
    "a" * 16, "pc-1", Address("10.0.0.7", 12501), ParticipantState.DOWNLOADING, 40, 100
)


def shown(computers: Sequence[Computer]) -> WebPage:
    return WebPage(room_page("teacher", shown_of(computers), summary_of(computers), "14:05:22"))


class RoomPageTest(unittest.TestCase):
    def test_it_says_of_each_computer_what_the_window_says(self) -> None:
        computers = computers_of(lesson(NOW).participants, now=NOW)
        read = shown(computers)
        self.assertIn(room_words.how_far(summary_of(computers)), read.text)
        self.assertIn(room_words.counts(summary_of(computers)), read.text)
        for computer in computers:
            for words in (
                room_words.name_of(computer),
                room_words.state(computer),
                room_words.reason(computer),
            ):
                self.assertIn(words, read.text)

    def test_who_lacks_most_comes_first(self) -> None:
        done = replace(MEMBER, name="pc-3", state=ParticipantState.DONE, have=100)
        idle = replace(MEMBER, name="pc-4", state=ParticipantState.IDLE, have=0, size=0)
        giving = replace(idle, name="pc-5", state=ParticipantState.GIVING, files=2)
        computers = [giving, done, idle, MEMBER, replace(MEMBER, name="pc-2", have=9)]
        text = shown(computers).text
        order = ["pc-2", "pc-1", "pc-4", "pc-3", "pc-5"]
        self.assertEqual(sorted(order, key=text.index), order)

    def test_a_part_is_a_bar_and_all_is_a_word(self) -> None:
        bars = [attributes for tag, attributes in shown([MEMBER]).elements if tag == "progress"]
        self.assertEqual(bars, [{"max": "100", "value": "40"}])
        done = shown([replace(MEMBER, state=ParticipantState.DONE, have=100)])
        self.assertNotIn("progress", done.tags)
        self.assertIn("all", done.text)

    def test_a_reason_stands_out(self) -> None:
        waiting = replace(MEMBER, state=ParticipantState.WAITING, reason="The disk is full.")
        read = shown([waiting])
        self.assertIn("The disk is full.", read.text)
        self.assertIn(("small", {"class": "warning"}), read.elements)

    def test_it_renews_itself(self) -> None:
        read = shown([])
        self.assertIn(("meta", {"http-equiv": "refresh", "content": "3"}), read.elements)
        self.assertIn("As of 14:05:22.", read.text)
        self.assertIn("Nobody has joined to download yet.", read.text)
        self.assertNotIn("table", read.tags)

    def test_words_of_strangers_stay_words(self) -> None:
        hostile = replace(MEMBER, name=HOSTILE[:40], reason=HOSTILE[:60], title=HOSTILE[:60])
        self.assertIn(SHOWN[:30], shown([hostile]).text)

    def test_of_very_many_computers_those_that_lack_most_are_shown(self) -> None:
        many = [replace(MEMBER, have=number % 100, size=100) for number in range(MAX_ROWS + 2)]
        read = shown(many)
        self.assertIn("And 2 more computers.", read.text)
        self.assertEqual(read.tags.count("tr"), MAX_ROWS + 1)
