"""The scripts with which a shell completes commands and options."""

from __future__ import annotations

import shutil
import subprocess
import unittest

from tests.support import LmkTestCase
from ui.terminal.arguments import COMMANDS, SHELLS, all_commands
from ui.terminal.completion_command import for_bash, for_fish, for_zsh

ALONE, *REST = all_commands()
SCRIPTS = {
    "bash": for_bash(ALONE, REST),
    "zsh": for_zsh(ALONE, REST),
    "fish": for_fish(ALONE, REST),
}
ASK_BASH = """
{script}
COMP_WORDS=({words}) COMP_CWORD={last}
_lmktorrent
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


class ScriptTest(LmkTestCase):
    def test_every_command_and_option_is_in_each(self) -> None:
        self.assertEqual(tuple(command.name for command in REST), COMMANDS)
        self.assertEqual(tuple(SCRIPTS), SHELLS)
        for shell, script in SCRIPTS.items():
            for command in REST:
                flags = [flag for option in command.options for flag in option.flags]
                for word in (command.name, *flags):
                    with self.subTest(of=shell, word=word):
                        shown = word.lstrip("-") if shell == "fish" else word
                        self.assertTrue(shown in script, f"{shown} is missing")

    def test_each_shell_understands_its_script(self) -> None:
        for shell, script in SCRIPTS.items():
            if (program := shutil.which(shell)) is None:
                continue
            with self.subTest(of=shell):
                read = [program, "-n", "/dev/stdin"]
                checked = subprocess.run(
                    read, input=script, text=True, check=False, capture_output=True
                )
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("bash"), "needs bash")
    def test_bash_completes_commands_options_values_and_folders(self) -> None:
        (self.folder / "my lesson").mkdir()
        (self.folder / "my code.txt").touch()
        expected = {
            "lmktorrent ge": ["get"],
            "lmktorrent get --wa": ["--wait-for-space"],
            "lmktorrent -q get --existing k": ["keep-both"],
            "lmktorrent completion z": ["zsh"],
            "lmktorrent get --to m": ["my lesson"],
            "lmktorrent seed m": ["my lesson"],
            "lmktorrent get --code-file my": ["my code.txt", "my lesson"],
            "lmktorrent get --tracker x": [],
            "lmktorrent list m": [],
        }
        for typed, offered in expected.items():
            with self.subTest(typed=typed):
                self.assertEqual(sorted(self.completed_by_bash(typed)), offered)

    def completed_by_bash(self, typed: str) -> list[str]:
        last = len(typed.split()) - 1
        asked = ASK_BASH.format(script=SCRIPTS["bash"], words=typed, last=last)
        answer = subprocess.run(
            ["bash", "-c", asked], cwd=self.folder, text=True, check=True, stdout=subprocess.PIPE
        )
        return answer.stdout.splitlines() if answer.stdout.strip() else []
