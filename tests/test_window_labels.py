"""A sentence that wraps, and the lock of a private room."""

from __future__ import annotations

from tests.support import WindowTestCase
from tests.windows import text_of
from ui.window.labels import Sentence, private_mark
from ui.window.theme import Theme


class LabelsTest(WindowTestCase):
    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.theme = Theme(self.root)

    def test_a_sentence_takes_no_room_without_a_text(self) -> None:
        sentence = Sentence(self.root)
        sentence.grid()
        sentence.say("")
        self.assertFalse(sentence.grid_info())
        sentence.say("Stopping …")
        self.assertTrue(sentence.grid_info())

    def test_a_sentence_keeps_its_tone_until_another_one_is_said(self) -> None:
        sentence = Sentence(self.root, tone="Warning", ground="Tint.")
        sentence.grid()
        sentence.say("The disk is full.")
        self.assertEqual(str(sentence.cget("style")), "Warning.Tint.TLabel")
        sentence.say("Done", "Good")
        self.assertEqual(str(sentence.cget("style")), "Good.Tint.TLabel")

    def test_a_sentence_wraps_within_its_cell(self) -> None:
        self.root.geometry("200x200")
        self.root.columnconfigure(0, weight=1)
        sentence = Sentence(self.root)
        sentence.grid(sticky="ew")
        sentence.say("Other computers find it by themselves. " * 3)
        self.pump_until(lambda: sentence.winfo_reqheight() > 3 * self.theme.px(13))
        self.assertLessEqual(sentence.winfo_width(), 200)

    def test_a_private_room_has_a_lock_and_the_word(self) -> None:
        mark = private_mark(self.root, self.theme)
        self.assertEqual(text_of(mark), "Private")
        self.assertTrue(str(mark.cget("image")))
