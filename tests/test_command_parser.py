"""The parser of a command line: what it describes, and what it takes for a typing error."""

from __future__ import annotations

import unittest

from ui.terminal.command_parser import Command, CommandParser, Option, did_you_mean


class CommandParserTest(unittest.TestCase):
    def setUp(self) -> None:
        self.parser = CommandParser(prog="program", add_help=False)
        add = self.parser.add_commands(CommandParser(add_help=False))
        self.get = add("get", "fetch files", add_help=False)
        self.get.add_argument("--to", metavar="FOLDER", help="where")
        self.get.add_argument("--existing", choices=["skip", "replace"])
        self.get.add_argument("--json", action="store_true", help="as JSON")

    def test_it_describes_its_commands_and_their_options(self) -> None:
        options = (
            Option(("--to",), "where", "FOLDER", ()),
            Option(("--existing",), "", "EXISTING", ("skip", "replace")),
            Option(("--json",), "as JSON", "", ()),
        )
        expected = [Command("", "", ()), Command("get", "fetch files", options)]
        self.assertEqual(self.parser.described(), expected)
        self.assertEqual([option.is_folder for option in options], [True, False, False])

    def test_a_command_has_a_parser_of_its_own(self) -> None:
        self.assertIs(self.parser.used("get"), self.get)
        self.assertIs(self.parser.used("put"), self.parser)

    def test_an_option_that_other_programs_have_or_that_is_mistyped_is_understood(self) -> None:
        for unknown, meant in (
            ("--out=x", " Did you mean --to?"),
            ("--jsn", " Did you mean --json?"),
            ("--limit-rate", ""),
        ):
            with self.subTest(unknown=unknown):
                self.assertEqual(self.get.option_meant([unknown]), meant)
        self.assertEqual(self.get.option_meant(["word"]), "")
        self.assertEqual(did_you_mean("gte", ["get", "seed"]), " Did you mean get?")
