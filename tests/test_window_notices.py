"""Sentences in the window, and questions with buttons."""

from __future__ import annotations

from tests.support import WindowTestCase
from tests.windows import press, sentences
from ui.window.notices import Choice, NoticeArea
from ui.window.theme import Theme


class NoticeAreaTest(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.area = NoticeArea(self.root, Theme(self.root), row=0)
        self.chosen: list[str] = []

    def ask(self, key: str) -> None:
        choices = [Choice(text, lambda text=text: self.chosen.append(text)) for text in ("A", "B")]  # type: ignore[misc]
        self.area.ask(f"{key}?", choices, key=key)

    def test_an_answer_closes_the_question_and_counts_once(self) -> None:
        self.ask("first")
        press(self.area, "B")
        self.assertEqual(self.chosen, ["B"])
        self.assertEqual(sentences(self.area), [])

    def test_the_same_question_is_asked_once(self) -> None:
        self.ask("first")
        self.ask("first")
        self.assertEqual(sentences(self.area), ["first?"])

    def test_the_newest_is_closed_first_and_without_an_answer(self) -> None:
        self.ask("first")
        self.area.say("Something.")
        self.assertTrue(self.area.close_newest())
        self.assertEqual(sentences(self.area), ["first?"])
        self.assertTrue(self.area.close_newest())
        self.assertFalse(self.area.close_newest())
        self.assertEqual(self.chosen, [])
