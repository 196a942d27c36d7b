"""The exit codes that scripts rely on: they never change their meaning."""

from __future__ import annotations

from enum import IntEnum

from roles.values.errors import (
    CodeRefusedError,
    ContentError,
    LmkError,
    NoSeederError,
    StorageError,
    TrackerSilentError,
    UserInputError,
)


class ExitCode(IntEnum):
    DONE = 0  # everything verified
    SOME_FAILED = 1
    USAGE = 2
    NOBODY_THERE = 3  # no tracker or no seeder
    STORAGE = 4  # disk, permission, port, display or output: this computer refused
    CONTENT = 5  # content failed its check
    CODE = 6  # the room is private, and its code is missing or wrong
    INTERRUPTED = 130  # by Ctrl-C, a closed terminal, or the system
    NO_READER = 141  # the program that read the output stopped reading


class Interrupted(Exception):  # noqa: N818  # not an error: the user wants to stop
    """Ctrl-C, or the system asked the program to end."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def exit_code_of(error: LmkError) -> ExitCode:
    match error:
        case UserInputError():
            return ExitCode.USAGE
        case CodeRefusedError():
            return ExitCode.CODE
        case TrackerSilentError() | NoSeederError():
            return ExitCode.NOBODY_THERE
        case StorageError():
            return ExitCode.STORAGE
        case ContentError():
            return ExitCode.CONTENT
        case _:
            return ExitCode.SOME_FAILED
