"""The command line: commands, options and what they mean.

Names and meanings never change: scripts rely on them.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

from roles.program.user_folders import folder_named
from roles.values.addresses import (
    EVERY_INTERFACE,
    SEEDER_PORT,
    TRACKER_PORT,
    parse_bind_address,
)
from roles.values.errors import UserInputError
from roles.values.safe_names import shown_name
from roles.values.settings import DEFAULT_SLOTS, Existing, parse_rate, parse_slots, parse_tracker
from ui.about import version_line
from ui.exit_codes import ExitCode
from ui.terminal.output import Output
from ui.terminal.streams import write

COMMANDS = ("tracker", "trackers", "seed", "list", "get", "demo")

_DESCRIPTION = """\
Give a folder to the whole room, without installing anything.
Without a command, the window opens; with a folder as the only argument, its Seeder tab."""

_EPILOG = """\
exit codes: 0 all verified, 1 some files failed, 2 usage, 3 no tracker or no seeder,
4 this computer refused: disk, permission, port, display, output; 5 content failed its check,
130 interrupted, 141 the reader of the output stopped reading; --selftest: 0 nothing failed, else 1

Without --tracker, LMK_TRACKER in the environment names the tracker. Without both, the program uses
one that answers on this network, else this computer; LMK_DISCOVER=off turns the search off."""

_Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"
T = TypeVar("T")


class _Parser(argparse.ArgumentParser):
    """Prints like the commands do, whatever the standard streams are like."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._output = Output()

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


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `command` is one of COMMANDS, "selftest", or "window" with a `folder`
    (or None) and `notices`.

    Exits with 2 and a sentence for what cannot be understood, with 0 after --help and --version.
    Raises StorageError for a relative path if the current folder is gone.
    """
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_common(common)
    parser = _Parser(
        prog="lmktorrent",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_line())
    parser.add_argument(
        "--selftest", action="store_true", help="check that this copy works on this computer"
    )
    if not _names_a_command(arguments):
        parser.add_argument(
            "given", nargs="*", metavar="folder", help="open the Seeder tab with it"
        )
        chosen = parser.parse_args(arguments)
        given = [_dropped(text, parser) for text in chosen.given]
        if chosen.selftest and chosen.given:
            parser.error("--selftest takes no folder and no command")
        command = "selftest" if chosen.selftest else "window"
        window = {"command": command, **_for_the_seeder_tab(given)}
        return argparse.Namespace(**{**_DEFAULTS, **vars(chosen), **window})
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add in _ADDING:
        add(commands, common)
    chosen = parser.parse_args(arguments)
    if chosen.selftest:
        parser.error("--selftest takes no folder and no command")
    return argparse.Namespace(**{**_DEFAULTS, **vars(chosen)})


_DEFAULTS = {"profile": None, "quiet": False, "verbose": False}


def _names_a_command(arguments: Sequence[str]) -> bool:
    """Whether the arguments name a command; a lone path is a folder for the window.

    Help lists the commands, so it counts as one.
    """
    return bool({*COMMANDS, "-h", "--help"} & set(arguments))


def _for_the_seeder_tab(given: Sequence[Path]) -> dict[str, object]:
    """The folder to choose there, and what to tell: a desktop passes everything that is dropped."""
    folders = [path for path in given if _is_folder(path)]
    notices = [
        f"“{path.name}” is a file. What is shared is a folder with all that is in it: put the file "
        "into one, and choose that in the Seeder tab."
        for path in given
        if not _is_folder(path)
    ][:1]
    if len(folders) > 1:
        notices.append(
            f"Of {len(folders)} folders, “{folders[0].name}” is chosen. To share them together, "
            "put them into one folder."
        )
    return {"folder": folders[0] if folders else None, "notices": notices}


def _add_common(parser: _Parser) -> None:
    """Options that may stand before or after the command."""
    parser.add_argument(
        "--profile", metavar="DIR", type=_folder, help="keep settings, state and logs there"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print only what you ask for")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every step")


def _add_tracker(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser("tracker", parents=[common], help="run a tracker (UDP)")
    parser.add_argument(
        "--bind",
        metavar="HOST:PORT",
        type=_typed(lambda text: parse_bind_address(text, TRACKER_PORT)),
        help=f"where to listen; default {EVERY_INTERFACE}:{TRACKER_PORT}",
    )
    parser.add_argument("--room", action="store_true", help="show the room as a table")


def _add_trackers(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser(
        "trackers", parents=[common], help="list the trackers of this network"
    )
    _add_json_option(parser)


def _add_seed(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser("seed", parents=[common], help="offer a folder (TCP)")
    parser.add_argument(
        "folder",
        nargs="?",
        type=_folder,
        metavar="FOLDER",
        help="default: the example files, data/",
    )
    _add_tracker_option(parser)
    _add_peer_options(parser)
    parser.add_argument(
        "--slots",
        metavar="N",
        type=_typed(parse_slots),
        default=DEFAULT_SLOTS,
        help=f"leechers served at once; default {DEFAULT_SLOTS}",
    )
    _add_rate_options(parser)


def _add_list(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser("list", parents=[common], help="list what the room offers")
    parser.add_argument(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help="show only this folder with its files, or only this file",
    )
    parser.add_argument("--files", action="store_true", help="also show the files of each folder")
    _add_tracker_option(parser)
    _add_json_option(parser)


def _add_get(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser(
        "get",
        parents=[common],
        help="download files and folders",
        description="Download files and folders. Give the same command again to resume. "
        "Without a name, it shows the list and asks, if there is a terminal.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help="a file, a folder or a sub-folder of the list; end with / for a folder",
    )
    parser.add_argument("--all", action="store_true", help="everything that is offered")
    _add_tracker_option(parser)
    parser.add_argument(
        "--to", metavar="FOLDER", type=_folder, help="default: Downloads/LMKtorrent in your home"
    )
    parser.add_argument(
        "--keep-seeding", action="store_true", help="then keep sharing it until Ctrl-C"
    )
    _add_peer_options(parser)
    parser.add_argument(
        "--existing",
        choices=[choice.value for choice in Existing],
        help="a file of that name exists: skip it if it is identical, else keep both (default); "
        "always keep both; or replace it",
    )
    _add_rate_options(parser)
    _add_json_option(parser)


def _add_demo(commands: _Commands, common: _Parser) -> None:
    parser = commands.add_parser(
        "demo", parents=[common], help="try it on this computer: tracker, seeder and download"
    )
    _add_rate_options(parser)


_ADDING = (_add_tracker, _add_trackers, _add_seed, _add_list, _add_get, _add_demo)


def _add_tracker_option(parser: _Parser) -> None:
    parser.add_argument(
        "--tracker",
        metavar="HOST:PORT",
        type=_typed(parse_tracker),
        help="default: LMK_TRACKER, else one that answers on this network, else this computer, "
        f"port {TRACKER_PORT}",
    )


def _add_peer_options(parser: _Parser) -> None:
    """Options of a role that others download from."""
    parser.add_argument(
        "--bind",
        metavar="HOST:PORT",
        type=_typed(lambda text: parse_bind_address(text, SEEDER_PORT)),
        help=f"where others connect; default {EVERY_INTERFACE}:{SEEDER_PORT}",
    )


def _add_rate_options(parser: _Parser) -> None:
    for option, does in (("--up", "send"), ("--down", "receive")):
        parser.add_argument(
            option,
            metavar="RATE",
            type=_typed(_rate),
            help=f"{does} at most this per second, such as 500K, 2.5MB, 10Mbit; default: no limit",
        )


def _add_json_option(parser: _Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object per line")


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """The same parser with its error in the form that argparse wants."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except UserInputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


@_typed
def _folder(text: str) -> Path:
    return folder_named(text)


@_typed
def _name(text: str) -> str:
    """The name of a file or folder in the room."""
    if not text.strip(" /"):
        raise UserInputError("An empty name means nothing. `lmktorrent list` shows the names.")
    try:
        return os.fsencode(text).decode()  # a terminal may write UTF-8 although the locale does not
    except ValueError:
        return text


def _rate(text: str) -> int | None:
    if not text.strip():
        raise UserInputError(
            "The rate is empty. Type one such as 500K or 2.5MB, or 0 for no limit."
        )
    return parse_rate(text)


def _dropped(text: str, parser: _Parser) -> Path:
    """The path of a folder or file. Exits with 2 if it does not exist."""
    try:
        path = folder_named(text)
    except UserInputError as error:
        parser.error(str(error))
    if not os.path.lexists(path):
        import difflib  # loaded only for a typing error

        similar = difflib.get_close_matches(text, COMMANDS, n=1)
        meant = f". Did you mean {similar[0]}?" if similar else ""
        parser.error(f"“{shown_name(text)}” is neither a command nor a folder{meant}")
    return path


def _is_folder(path: Path) -> bool:
    """Also False if the system refuses to say, where Path.is_dir() would raise."""
    return os.path.isdir(path)  # noqa: PTH112
