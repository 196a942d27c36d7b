"""What is said of the computers of a room."""

from __future__ import annotations

import unittest
from dataclasses import replace

from roles.values.addresses import Address
from roles.values.computers import SILENT_S, Computer
from roles.values.participants import ParticipantState
from ui.room_news import RoomNews

ONE = Computer(
    "a" * 16,
    "lab-pc-07",
    Address("10.0.0.7", 12501),
    ParticipantState.IDLE,
    size=98_000_000,
    title="lesson/",
)
NAME = "lab-pc-07 (10.0.0.7:12501)"


class RoomNewsTest(unittest.TestCase):
    def test_a_download_is_told_from_its_beginning_to_its_end(self) -> None:
        news, said = RoomNews(), list[str]()
        states = (
            ParticipantState.IDLE,
            ParticipantState.DOWNLOADING,
            ParticipantState.WAITING,
            ParticipantState.DOWNLOADING,
            ParticipantState.DONE,
        )
        for number, state in enumerate(states):
            said += news.note([replace(ONE, state=state)], now=number * 10.0)
        self.assertEqual(
            said,
            [
                f"{NAME} joined",
                f"{NAME} is downloading lesson/, 98.0 MB",
                f"{NAME} is waiting",
                f"{NAME} downloaded lesson/, 98.0 MB in 30 s",
            ],
        )

    def test_silence_and_its_end_are_told_once(self) -> None:
        news, said = RoomNews(), list[str]()
        for silent_s in (0.0, SILENT_S, SILENT_S + 5, 0.0, 1.0):
            said += news.note([replace(ONE, silent_s=silent_s)], now=0.0)
        self.assertEqual(said, [f"{NAME} joined", f"{NAME} has gone silent", f"{NAME} is back"])

    def test_who_has_left_and_comes_again_is_back(self) -> None:
        news, said = RoomNews(), list[str]()
        for has_left in (False, True, False, True):
            said += news.note([replace(ONE, has_left=has_left)], now=0.0)
        told = ["joined", "has left", "is back", "has left"]
        self.assertEqual(said, [f"{NAME} {words}" for words in told])

    def test_the_log_has_the_same_sentences(self) -> None:
        with self.assertLogs("ui.room_news", "INFO") as logs:
            news = RoomNews()
            news.note([ONE], now=0.0)
            news.note([], now=1.0)
        said = [record.getMessage() for record in logs.records]
        self.assertEqual(said, [f"{NAME} joined.", f"{NAME} has left."])
