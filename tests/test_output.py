"""How commands print: colours, the progress bar, and a table that is kept up to date."""

from __future__ import annotations

import unittest
from unittest import mock

from tests.terminals import on_screen, printed
from ui.terminal import output as output_module
from ui.terminal.colour import painted
from ui.terminal.output import Output
from ui.toned_text import TonedText

TABLE = [TonedText("one", "Good"), TonedText("two")]
GREEN, OFF = "\x1b[32m", "\x1b[0m"


def say_in_colour(output: Output) -> None:
    output.result(output.painted("all is well", "Good"))


def fail(output: Output) -> None:
    output.error("No.")


@mock.patch.object(output_module, "PROGRESS_S", 0.0)
class ProgressTest(unittest.TestCase):
    def bar(self, columns: int, *texts: str) -> str:
        def work(output: Output) -> None:
            for text in texts:
                output.progress(0.5, text)

        (line,) = on_screen(work, columns=columns).lines
        return line

    def test_the_bar_is_as_wide_as_the_terminal(self) -> None:
        for columns in (40, 80, 200):
            with self.subTest(columns=columns):
                line = self.bar(columns, "3.4 MB/s 0:12 a.iso")
                self.assertEqual(len(line), columns - 1)
                self.assertTrue(line.endswith("]  50 % 3.4 MB/s 0:12 a.iso"), line)
                self.assertAlmostEqual(line.count("#"), line.count("."), delta=3)

    def test_what_does_not_fit_beside_a_short_bar_is_cut(self) -> None:
        self.assertEqual(self.bar(30, "a long file name.iso"), "[#####.....]  50 % a long fil")

    def test_the_bar_keeps_its_width_when_its_text_becomes_shorter(self) -> None:
        self.assertEqual(
            self.bar(60, "a rather long text").index("]"),
            self.bar(60, "a rather long text", "short").index("]"),
        )

    def test_nothing_is_left_of_it_behind_the_next_line(self) -> None:
        def work(output: Output) -> None:
            output.progress(0.5, "half")
            output.say("Done")

        self.assertEqual(on_screen(work).lines, ["Done"])


class ColourTest(unittest.TestCase):
    def test_a_terminal_gets_colours(self) -> None:
        self.assertEqual(on_screen(say_in_colour).getvalue(), f"{GREEN}all is well{OFF}\n")
        self.assertEqual(on_screen(fail).getvalue(), "\x1b[31mlmktorrent:\x1b[0m No.\n")

    def test_nobody_else_does(self) -> None:
        self.assertEqual(on_screen(say_in_colour, NO_COLOR="1").getvalue(), "all is well\n")
        self.assertEqual(on_screen(say_in_colour, TERM="dumb").getvalue(), "all is well\n")
        self.assertEqual(printed(say_in_colour).out, "all is well\n")
        self.assertEqual(printed(fail).err, "lmktorrent: No.\n")

    def test_a_tone_without_a_colour_leaves_the_text(self) -> None:
        self.assertEqual(painted("x", "Plain"), "x")
        self.assertEqual(painted("", "Good"), "")


class TableTest(unittest.TestCase):
    def test_it_stays_below_what_is_printed(self) -> None:
        def work(output: Output) -> None:
            output.show_table(TABLE)
            output.say("first")
            output.error("second")
            output.show_table(TABLE[1:])
            output.say("third")

        seen = on_screen(work)
        self.assertEqual(seen.lines, ["first", "lmktorrent: second", "third", "two"])

    def test_it_has_colours_unless_they_are_not_wanted(self) -> None:
        def work(output: Output) -> None:
            output.show_table(TABLE)

        self.assertIn(f"{GREEN}one{OFF}\n", on_screen(work).getvalue())
        self.assertNotIn(GREEN, on_screen(work, NO_COLOR="1").getvalue())

    def test_what_does_not_fit_on_the_terminal_is_counted(self) -> None:
        def work(output: Output) -> None:
            output.show_table([TonedText(f"line {number} is long") for number in range(30)])
            output.say("first")

        lines = on_screen(work, columns=12, rows=6).lines
        self.assertEqual(lines[:3], ["first", "line 0 is lo", "line 1 is lo"])
        self.assertEqual(lines[-1], "… and 26 mor")
        self.assertEqual(len(lines), 6)

    def test_elsewhere_it_is_appended(self) -> None:
        def work(output: Output) -> None:
            output.show_table(TABLE)
            output.say("first")
            output.show_table(TABLE)

        expected = "\none\ntwo\n\nfirst\n\none\ntwo\n\n"
        self.assertEqual(printed(work).out, expected)
        self.assertEqual(on_screen(work, TERM="dumb").getvalue(), expected)
