"""The command line: commands, options and what they mean.

Names and meanings never change: scripts rely on them.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from roles.program.user_folders import folder_named, from_home
from roles.values.addresses import (
    EVERY_INTERFACE,
    SEEDER_PORT,
    TRACKER_PORT,
    parse_bind_address,
)
from roles.values.errors import UserInputError
from roles.values.safe_names import shown_name
from roles.values.settings import DEFAULT_SLOTS, Existing, TorrentKind
from roles.values.typed_settings import parse_rate, parse_slots, parse_tracker
from ui.about import version_line
from ui.terminal.command_parser import Command, CommandParser, did_you_mean
from ui.terminal.streams import as_utf8

COMMANDS = ("tracker", "trackers", "status", "check", "seed", "list", "get", "demo", "completion")
SHELLS = ("bash", "zsh", "fish")

_DESCRIPTION = """\
Give a folder to the whole room, without installing anything.
Without a command, the window opens; with a folder as the only argument, its Seeder tab."""

_EPILOG = """\
exit codes: 0 all verified, 1 some files failed, 2 usage, 3 no tracker or no seeder,
4 this computer refused: disk, permission, port, display, output; 5 content failed its check,
6 the room is private, and its code is missing or wrong;
130 interrupted, 141 the reader of the output stopped reading;
check and --selftest: 0 nothing failed, else 1

Without --tracker, LMK_TRACKER in the environment names the tracker. Without both, the program uses
one that answers on this network, else this computer; LMK_DISCOVER=off turns the search off."""

_DEFAULTS = {"profile": None, "quiet": False, "verbose": False}
_AddOption: TypeAlias = Callable[..., argparse.Action]  # add_argument() of a command's parser
_JSON = {"action": "store_true", "help": "one JSON object per line"}
T = TypeVar("T")
_KINDS = (TorrentKind.PRIVATE.value, TorrentKind.PUBLIC.value)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `command` is one of COMMANDS, "selftest", or "window" with a `folder`
    (or None) and `notices`.

    Exits with 2 and a sentence for what cannot be understood, with 0 after --help and --version.
    Raises StorageError for a relative path if the current folder is gone.
    """
    parser, common = _parsers()
    # A lone path is a folder for the window. Help lists the commands.
    names_a_command = bool({*COMMANDS, "-h", "--help"} & set(arguments))
    _refuse_mistyped(arguments, parser)
    if names_a_command:
        _add_commands(parser, common)
    else:
        parser.add_argument("given", nargs="*", metavar="folder")
    args, unknown = parser.parse_known_args(_with_kinds(arguments))
    if unknown:
        used = parser.used(vars(args).get("command"))
        used.error(f"unrecognized arguments: {' '.join(unknown)}.{used.option_meant(unknown)}")
    args = argparse.Namespace(**{**_DEFAULTS, **vars(args)})
    if getattr(args, "no_door", False) and getattr(args, "torrent", "") in _KINDS:
        parser.error("--torrent needs browsers to fetch the torrent: leave out --no-door")
    if not names_a_command:
        given = [_dropped(text, parser) for text in args.given]
        args.command = "selftest" if args.selftest else "window"
        args.folder, args.notices = _for_the_seeder_tab(given)
    if args.selftest and (names_a_command or args.given):
        parser.error("--selftest takes no folder and no command")
    return args


def all_commands() -> list[Command]:
    """Every command with its options; the first is what may stand without one."""
    parser, common = _parsers()
    _add_commands(parser, common)
    return parser.described()


def _parsers() -> tuple[CommandParser, CommandParser]:
    """That of the command line, still without commands, and that of what all commands share."""
    common = _common_options()
    parser = CommandParser(
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
    return parser, common


def _with_kinds(arguments: Sequence[str]) -> list[str]:
    """Argparse would take what follows --torrent for its value, even the folder."""
    following = (*arguments[1:], "")
    return [
        f"{word}={_KINDS[0]}" if word == "--torrent" and after not in _KINDS else word
        for word, after in zip(arguments, following, strict=False)
    ]


def _refuse_mistyped(arguments: Sequence[str], parser: CommandParser) -> None:
    """Exits with 2 and the command that was meant, if the first word is nearly one."""
    words = iter(arguments)
    for word in words:
        if word == "--profile":
            next(words, None)
        elif not word.startswith("-"):
            break
    else:
        return
    is_unknown = word not in COMMANDS and not os.path.lexists(word)
    if is_unknown and (meant := did_you_mean(word, COMMANDS)):
        parser.error(f"“{shown_name(word)}” is neither a command nor a folder.{meant}")


def _for_the_seeder_tab(given: Sequence[Path]) -> tuple[Path | None, list[str]]:
    """The folder to choose there, and what to say: a desktop passes everything that is dropped."""
    # os.path.isdir() is also False if the system refuses to say, where Path.is_dir() raises.
    folders = [path for path in given if os.path.isdir(path)]  # noqa: PTH112
    notices = [
        f"“{path.name}” is a file. Only folders can be shared: put it into one, and choose that "
        "folder in the Seeder tab."
        for path in given
        if path not in folders
    ][:1]
    if len(folders) > 1:
        notices.append(
            f"Of {len(folders)} folders, “{folders[0].name}” is chosen. To share them together, "
            "put them into one folder."
        )
    return folders[0] if folders else None, notices


def _common_options() -> CommandParser:
    """Options that may stand before or after the command."""
    common = CommandParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument(
        "--profile", metavar="DIR", type=_folder, help="keep settings, state and logs there"
    )
    common.add_argument("-q", "--quiet", action="store_true", help="print only what you ask for")
    common.add_argument("-v", "--verbose", action="store_true", help="print every step")
    return common


def _add_commands(parser: CommandParser, common: CommandParser) -> None:
    command = parser.add_commands(common)

    def add(name: str, does: str, **more: Any) -> _AddOption:
        return command(name, does, **more).add_argument

    option = add("tracker", "run a tracker (UDP)")
    _add_bind(option, "where to listen", TRACKER_PORT)
    option("--room", action="store_true", help="show the room as a table")
    option("--no-door", action="store_true", help="serve no browsers")
    option("--private", action="store_true", help="admit only those who know the code")
    _add_code(option, "the last one, or nine new digits")
    option(
        "--offers",
        choices=["mine", "all"],
        default="all",
        help="who may offer folders: only this computer, or all (the default)",
    )

    option = add("trackers", "list the trackers of this network")
    option("--json", **_JSON)

    option = add("status", "show who is in the room and how far")
    _add_tracker(option)
    _add_code(option)
    option("--watch", action="store_true", help="keep showing it until Ctrl-C")
    option("--json", **_JSON)

    option = add("check", "check that this computer is ready: network, ports, folder, disk, clock")
    _add_tracker(option)
    _add_code(option)
    option("--to", metavar="FOLDER", type=_folder, help="where downloads go; default: as for get")
    option("--json", **_JSON)

    option = add("seed", "share a folder (TCP)")
    where = "default: the example files, data/"
    option("folder", nargs="?", type=_folder, metavar="FOLDER", help=where)
    _add_tracker(option)
    _add_code(option)
    _add_bind(option, "where others connect", SEEDER_PORT)
    option(
        "--slots",
        metavar="N",
        type=_typed(parse_slots),
        default=DEFAULT_SLOTS,
        help=f"upload slots: leechers served at once; default {DEFAULT_SLOTS}",
    )
    option("--no-door", action="store_true", help="serve no browsers")
    _add_rates(option)
    option(
        "--torrent",
        nargs="?",
        choices=list(_KINDS),
        const=_KINDS[0],
        default=TorrentKind.NONE.value,
        help="also make a torrent of it, which browsers can fetch here; `public`: BitTorrent "
        "programs may find each other outside the room, too",
    )

    option = add("list", "list what the room offers")
    option(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help="show only this folder with its files, or only this file",
    )
    option("--files", action="store_true", help="also show the files of each folder")
    _add_tracker(option)
    _add_code(option)
    option("--json", **_JSON)

    option = add(
        "get",
        "download files and folders",
        description="Download files and folders. Give the same command again to resume. "
        "Without a name, it shows the list and asks, if there is a terminal.",
    )
    option(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME",
        help="a file, a folder or a sub-folder of the list; end with / for a folder",
    )
    option("--all", action="store_true", help="everything in the list")
    _add_tracker(option)
    _add_code(option)
    option(
        "--to", metavar="FOLDER", type=_folder, help="default: Downloads/LMKtorrent in your home"
    )
    option(
        "--flat",
        action="store_true",
        help="put everything straight into the folder of --to; otherwise each shared folder "
        "arrives in a folder of its own name",
    )
    option("--keep-seeding", action="store_true", help="then keep sharing it until Ctrl-C")
    _add_bind(option, "where others connect", SEEDER_PORT)
    option(
        "--existing",
        choices=[choice.value for choice in Existing],
        help="if a different file has that name: keep both, once (skip, the default) or on every "
        "run; or replace it. An identical file is never downloaded again",
    )
    option(
        "--wait-for-space",
        action=argparse.BooleanOptionalAction,
        help="if the disk is full, wait until there is room; default: only on a terminal",
    )
    _add_rates(option)
    option("--json", **_JSON)

    option = add("demo", "try it on this computer: tracker, seeder and download")
    _add_rates(option)

    option = add("completion", "print a script with which a shell completes commands and options")
    option("shell", choices=list(SHELLS), help="the shell that reads the script")


def _add_tracker(option: _AddOption) -> None:
    option(
        "--tracker",
        metavar="HOST:PORT",
        type=_typed(parse_tracker),
        help="default: LMK_TRACKER, else one that answers on this network, else this computer, "
        f"port {TRACKER_PORT}",
    )


def _add_code(option: _AddOption, default: str = "asked for on a terminal") -> None:
    option(
        "--code",
        metavar="CODE",
        help=f"of the private room; default: LMK_CODE, else {default}. Others on this computer can "
        "see it in the list of processes, but not with LMK_CODE or --code-file",
    )
    option(
        "--code-file",
        metavar="FILE",
        type=_typed(lambda text: Path(from_home(text))),
        help="read the code from a text file; - for standard input",
    )


def _add_bind(option: _AddOption, what: str, port: int) -> None:
    option(
        "--bind",
        metavar="HOST:PORT",
        type=_typed(lambda text: parse_bind_address(text, port)),
        help=f"{what}; default {EVERY_INTERFACE}:{port}",
    )


def _add_rates(option: _AddOption) -> None:
    for name, does in (("--up", "send"), ("--down", "receive")):
        option(
            name,
            metavar="RATE",
            type=_typed(_rate),
            help=f"{does} at most this per second, such as 500K, 2.5MB, 10Mbit; default: no limit",
        )


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
    return as_utf8(text)


def _rate(text: str) -> int | None:
    if not text.strip():
        raise UserInputError(
            "The rate is empty. Type one such as 500K or 2.5MB, or 0 for no limit."
        )
    return parse_rate(text)


def _dropped(text: str, parser: CommandParser) -> Path:
    """The path of a folder or file. Exits with 2 if it does not exist."""
    try:
        path = folder_named(text)
    except UserInputError as error:
        parser.error(str(error))
    if not os.path.lexists(path):
        parser.error(f"“{shown_name(text)}” is neither a command nor a folder")
    return path
