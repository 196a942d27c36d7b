"""LMKtorrent: give a folder to the whole room, without installing anything.

Without a command the window opens; each command runs in the terminal: `lmktorrent --help`.
"""

from __future__ import annotations

import gc

from ui.packed.quiet_interrupt import end_quietly

if __name__ == "__main__":
    gc.set_threshold(20_000)  # modules are no garbage; looking for some is a tenth of the start
    end_quietly()  # the imports below take a third of a second

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from roles.program.log_file import start_logging
from roles.program.profile import NO_HOME, Profile, find_profile
from roles.worker import run_guarded
from ui.about import version_line
from ui.exit_codes import ExitCode, Interrupted, exit_code_of
from ui.packed.bundled_font import use_bundled_font
from ui.packed.unpack_folder import settle_in
from ui.terminal.arguments import parse_arguments
from ui.terminal.output import Output
from ui.terminal.streams import fill_gaps

log = logging.getLogger(__name__)

# A service manager ends these with SIGTERM, and that is no failure.
UNTIL_STOPPED = {"tracker", "seed"}
IN_A_WINDOW = {None, "window", "demo"}
Command: TypeAlias = Callable[[argparse.Namespace, Profile, Output], ExitCode]
NO_WINDOW = """\
No window can open here ({why}).
`lmktorrent demo` shows everything without one; `lmktorrent --help` lists the commands."""
NO_TK = "this Python has no Tk: {error}; on Debian and Ubuntu: sudo apt-get install python3-tk"


def main(arguments: Sequence[str] | None = None) -> int:
    output, codes = Output(), list[int]()
    logging.getLogger().addHandler(logging.NullHandler())  # else warnings go to standard error
    words = sys.argv[1:] if arguments is None else arguments
    failure = run_guarded(lambda: codes.append(_run_words(words, output)))
    if failure is not None:
        codes = [exit_code_of(failure)]
        output.error(str(failure))
        output.json(event="error", text=str(failure), exit_code=codes[0])
    logging.shutdown()
    return int(output.finished(codes[0]))


def _run_words(words: Sequence[str], output: Output) -> ExitCode:
    """Run what the command line asks for; raises the reason if that fails."""
    fill_gaps()
    args = parse_arguments(words)
    output.quiet, output.as_json = args.quiet, getattr(args, "json", False)
    profile = find_profile(args.profile)
    no_log = start_logging(
        None if profile.is_nowhere else profile.log_file,
        terminal_level=logging.INFO if args.verbose else None,
    )
    if profile.is_nowhere:
        no_log = NO_HOME
    if no_log and args.command not in IN_A_WINDOW:
        output.error(no_log)
    log.info("%s: %s", version_line(), args.command)
    settle_in()
    try:
        if args.command in IN_A_WINDOW:
            return _open_window(args, profile, output, no_log)
        return _command(args.command)(args, profile, output)
    except Interrupted as stopped:
        is_served_out = stopped.signal_number == signal.SIGTERM and args.command in UNTIL_STOPPED
        return ExitCode.DONE if is_served_out else ExitCode.INTERRUPTED


def _command(name: str) -> Command:
    """Import a command only when it is chosen: all together take a quarter of a second."""
    match name:
        case "tracker":
            from ui.terminal.tracker_command import run
        case "trackers":
            from ui.terminal.trackers_command import run
        case "status":
            from ui.terminal.status_command import run
        case "check":
            from ui.terminal.check_command import run
        case "seed":
            from ui.terminal.seed_command import run
        case "list":
            from ui.terminal.list_command import run
        case "get":
            from ui.terminal.get_command import run
        case "demo":
            from ui.terminal.demo_command import run
        case "completion":
            from ui.terminal.completion_command import run
        case _:
            from ui.selftest.selftest import run
    return run


def _open_window(
    args: argparse.Namespace, profile: Profile, output: Output, no_log: str
) -> ExitCode:
    """Open the window. Without a display, `demo` does the whole job in the terminal, and everything
    else ends with the reason.
    """
    is_demo = args.command == "demo"
    notices = [notice for notice in (no_log, *getattr(args, "notices", ())) if notice]
    use_bundled_font()
    try:
        import tkinter
    except ImportError as error:
        why = NO_TK.format(error=error)
    else:
        from ui.window.window_start import run_window

        folder = getattr(args, "folder", None)
        try:
            code = run_window(profile, folder_to_seed=folder, try_it=is_demo, notices=notices)
            return ExitCode(code)
        except tkinter.TclError as error:
            why = str(error)
    if is_demo:
        return _command("demo")(args, profile, output)
    for text in (*notices, NO_WINDOW.format(why=why)):
        output.error(text)
    return ExitCode.STORAGE


if __name__ == "__main__":
    sys.exit(main())
