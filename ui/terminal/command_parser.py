"""The parser of a command line with commands. It prints as they do, suggests what was meant, and
tells which commands and options there are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.streams import write

# What other programs call these options.
_ELSEWHERE = {
    "--port": "--bind",
    "--host": "--bind",
    "--out": "--to",
    "--output": "--to",
    "--dir": "--to",
    "--directory": "--to",
}


class Option(NamedTuple):
    """An option or positional argument of a command."""

    flags: tuple[str, ...]  # () for a positional argument
    does: str
    takes: str  # what its value is called; "" if it takes none
    choices: tuple[str, ...]  # all values; () if it takes any

    @property
    def is_folder(self) -> bool:
        return self.takes in ("FOLDER", "DIR")

    @property
    def is_file(self) -> bool:
        return self.takes == "FILE"


class Command(NamedTuple):
    name: str  # "" for what may stand without a command
    does: str
    options: tuple[Option, ...]


class CommandParser(argparse.ArgumentParser):
    """Prints as the commands do, whatever the standard streams are like."""

    def __init__(self, *args: Any, does: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self._output = Output()
        self._does = does
        self._commands: list[CommandParser] = []

    def add_commands(self, common: CommandParser) -> Callable[..., CommandParser]:
        """Returns a function that adds one, with its name and what it does."""
        added = self.add_subparsers(dest="command", metavar="COMMAND")

        def add(name: str, does: str, **more: Any) -> CommandParser:
            parser = added.add_parser(name, parents=[common], help=does, does=does, **more)
            self._commands.append(parser)
            return parser

        return add

    def described(self) -> list[Command]:
        """This parser and its commands."""
        name = self.prog.partition(" ")[2]
        actions = [action for action in self._actions if action.help != argparse.SUPPRESS]
        options = [option for option in map(_described, actions) if option.takes != "COMMAND"]
        own = Command(name, self._does, tuple(options))
        return [own, *(command for parser in self._commands for command in parser.described())]

    def used(self, command: str | None) -> CommandParser:
        """The parser of this command; this one if there is none of that name."""
        commands = (parser for parser in self._commands if parser.prog.endswith(f" {command}"))
        return next(commands, self)

    def option_meant(self, unknown: Sequence[str]) -> str:
        """A question, or ""."""
        typed = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        known = [flag for option in self.described()[0].options for flag in option.flags]
        if (elsewhere := _ELSEWHERE.get(typed)) in known:
            return f" Did you mean {elsewhere}?"
        return did_you_mean(typed, known) if typed else ""

    def error(self, message: str) -> NoReturn:
        write(sys.stderr, self.format_usage())
        self.exit(ExitCode.USAGE, f"{self.prog}: error: {message}\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            write(sys.stderr, message)
        raise SystemExit(int(self._output.finished(status)))

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002
        """Called for --help and --version only, which go to standard output."""
        self._output.result(message.removesuffix("\n"))


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """ " Did you mean get?"; "" if nothing is similar."""
    import difflib  # loaded only for a typing error

    similar = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {similar[0]}?" if similar else ""


def _described(action: argparse.Action) -> Option:
    is_flag = action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction)
    takes = "" if is_flag else action.metavar
    choices = tuple(map(str, action.choices or ()))
    shown = takes if isinstance(takes, str) else (action.dest.upper() if choices else "")
    return Option(tuple(action.option_strings), action.help or "", shown, choices)
