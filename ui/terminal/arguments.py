"""The command line: its words and what they mean.

Names and meaning are fixed: scripts rely on them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from roles.values.addresses import (
    EVERY_INTERFACE,
    SEEDER_PORT,
    TRACKER_PORT,
    parse_address,
)
from roles.values.errors import UserInputError
from roles.values.settings import DEFAULT_SLOTS, Existing, parse_rate, parse_slots, tracker_address
from ui.about import version_line

COMMANDS = ("tracker", "trackers", "seed", "list", "get", "demo")

_DESCRIPTION = """\
Give a folder to the whole room, without installing anything.
Without a command, the window opens; with a folder as the only argument, its Seeder tab."""

_EPILOG = """\
exit codes: 0 all verified, 1 some files failed, 2 usage, 3 no tracker or no seeder,
4 disk or permission, or a port in use, 5 content failed its check, 130 interrupted;
of --selftest: 0 nothing failed, 1 something did

LMK_TRACKER in the environment is the tracker where --tracker is not given. Without both, one that
answers on this network is taken, else this computer's; LMK_DISCOVER=off asks nobody."""

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
T = TypeVar("T")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `command` is one of COMMANDS, "selftest", or "window" with a `folder`
    or None and its `notices`.

    Exits with 2 and a sentence for what cannot be understood, with 0 after --help and --version.
    """
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    _add_common(common)
    parser = argparse.ArgumentParser(
        prog="lmktorrent",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version_line())
    parser.add_argument(
        "--selftest", action="store_true", help="see whether this copy works on this computer"
    )
    if not _names_a_command(arguments):
        parser.add_argument(
            "given", nargs="*", type=Path, metavar="folder", help="open the Seeder tab with it"
        )
        chosen = parser.parse_args(arguments)
        for path in chosen.given:
            if not path.exists():
                parser.error(f"“{path}” is neither a command nor a folder")
        if chosen.selftest and chosen.given:
            parser.error("--selftest takes no folder and no command")
        command = "selftest" if chosen.selftest else "window"
        window = {"command": command, **_for_the_seeder_tab(chosen.given)}
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
    """Whether a command is meant; a lone path is a folder for the window.

    Help lists the commands, so it counts as one.
    """
    return bool({*COMMANDS, "-h", "--help"} & set(arguments))


def _for_the_seeder_tab(given: Sequence[Path]) -> dict[str, object]:
    """The folder to choose there, and what to say: a desktop passes on all that is dropped."""
    folders = [path.absolute() for path in given if path.is_dir()]
    notices = [
        f"“{path.name}” is a file. What is shared is a folder with all that is in it: put the file "
        "into one, and choose that in the Seeder tab."
        for path in given
        if not path.is_dir()
    ][:1]
    if len(folders) > 1:
        notices.append(
            f"Of {len(folders)} folders, “{folders[0].name}” is chosen. To share them together, "
            "put them into one folder."
        )
    return {"folder": folders[0] if folders else None, "notices": notices}


def _add_common(parser: argparse.ArgumentParser) -> None:
    """Options that may stand before the command and after it."""
    parser.add_argument(
        "--profile", metavar="DIR", type=Path, help="keep settings, state and logs there"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say only what was asked for")
    parser.add_argument("-v", "--verbose", action="store_true", help="say every step")


def _add_tracker(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("tracker", parents=[common], help="run a tracker (UDP)")
    parser.add_argument(
        "--bind",
        metavar="HOST:PORT",
        type=_typed(lambda text: parse_address(text, TRACKER_PORT)),
        help=f"where to listen; default {EVERY_INTERFACE}:{TRACKER_PORT}",
    )
    parser.add_argument("--room", action="store_true", help="show the room as a table")


def _add_trackers(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "trackers", parents=[common], help="list the trackers of this network"
    )
    _add_json_option(parser)


def _add_seed(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("seed", parents=[common], help="offer a folder (TCP)")
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="default: the example files, data/"
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


def _add_list(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("list", parents=[common], help="list what the room offers")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only this folder, with its files, or this file"
    )
    parser.add_argument("--files", action="store_true", help="the files of each folder too")
    _add_tracker_option(parser)
    _add_json_option(parser)


def _add_get(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "get",
        parents=[common],
        help="download files and folders",
        description="Download files and folders. The same command again goes on where it was "
        "stopped. Without a name, on a terminal, it shows the list and asks.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a file, a folder or a sub-folder of the list; with a / at its end no file",
    )
    parser.add_argument("--all", action="store_true", help="everything that is offered")
    _add_tracker_option(parser)
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, help="default: Downloads/LMKtorrent in your home"
    )
    parser.add_argument(
        "--keep-seeding", action="store_true", help="then give it on to others, until Ctrl-C"
    )
    _add_peer_options(parser)
    parser.add_argument(
        "--existing",
        choices=[choice.value for choice in Existing],
        help="a file of that name exists: skip it when it is the same, else keep both (default); "
        "keep both; or replace it",
    )
    _add_rate_options(parser)
    _add_json_option(parser)


def _add_demo(commands: _Commands, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "demo", parents=[common], help="try it on this computer: tracker, seeder and download"
    )
    _add_rate_options(parser)


_ADDING = (_add_tracker, _add_trackers, _add_seed, _add_list, _add_get, _add_demo)


def _add_tracker_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tracker",
        metavar="HOST:PORT",
        type=_typed(lambda text: tracker_address(text, os.environ)),
        help="default: LMK_TRACKER, else one that answers on this network, else this computer, "
        f"port {TRACKER_PORT}",
    )


def _add_peer_options(parser: argparse.ArgumentParser) -> None:
    """Of what others take from."""
    parser.add_argument(
        "--bind",
        metavar="HOST:PORT",
        type=_typed(lambda text: parse_address(text, SEEDER_PORT)),
        help=f"where others take from it; default {EVERY_INTERFACE}:{SEEDER_PORT}",
    )


def _add_rate_options(parser: argparse.ArgumentParser) -> None:
    for option, does in (("--up", "send"), ("--down", "receive")):
        parser.add_argument(
            option,
            metavar="RATE",
            type=_typed(parse_rate),
            help=f"{does} at most this a second, such as 500K or 2.5MB; default: no limit",
        )


def _add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """The same reader, with its sentence as argparse wants it."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except UserInputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
