"""The documents name every command and option, and lead nowhere that is not there."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

from ui.terminal.arguments import all_commands

ROOT = Path(__file__).resolve().parent.parent
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")))
# What every command takes is said once, below the list. Either of two may give the code.
IN_ALL = {"--help", "--profile", "--quiet", "--verbose", "--version", "--selftest", "--code-file"}


def heading_id(heading: str) -> str:
    """What leads to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class CommandsPageTest(unittest.TestCase):
    def test_the_list_of_commands_has_the_options_that_each_command_takes(self) -> None:
        page = (ROOT / "docs/COMMANDS.md").read_text(encoding="utf-8")
        usage = page.split("```")[1].replace("--[no-]wait", "--wait-for-space --no-wait")
        named = {
            (words.split() or [""])[0]: set(re.findall(r"--[a-z-]+", words))
            for words in usage.split("lmktorrent ")[2:]  # the first is the window
        }
        taken = {
            command.name: {
                flag for option in command.options for flag in option.flags if flag.startswith("--")
            }
            for command in all_commands()
            if command.name
        }
        self.assertEqual(named.keys(), taken.keys())
        for name, flags in taken.items():
            self.assertEqual(named[name] - IN_ALL, flags - IN_ALL, name)


class LinksTest(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_a_heading_that_are_there(self) -> None:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
                target, _, heading = next(filter(None, link)).partition("#")
                if "://" in target:
                    continue
                with self.subTest(page=page.name, link=f"{target}#{heading}"):
                    file = page.parent / target if target else page
                    self.assertTrue(file.exists())
                    if heading:
                        known = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
                        self.assertIn(heading, map(heading_id, known))
