"""What to do about a download that failed or stands still. Pure."""

from __future__ import annotations

from typing import NamedTuple

from roles.values.errors import (
    ContentError,
    DiskFullError,
    FileTouchedError,
    LmkError,
    NoPermissionError,
    NoSeederError,
    NotOfferedError,
    ShortageError,
    StorageError,
    TrackerSilentError,
    UserInputError,
)
from roles.values.events import (
    CUT_OFF,
    LACKS_PIECES,
    NOT_OFFERED,
    UNREACHABLE,
    DownloadChanged,
    DownloadState,
)
from roles.values.safe_names import UnsafeNameError


class Remedy(NamedTuple):
    problem: str  # a few words, to begin a sentence
    advice: str  # a sentence
    has_retry: bool = True
    is_elsewhere: bool = False  # another folder would do

    @property
    def line(self) -> str:
        return f"{self.problem}. {self.advice}"


# The first kind that fits: special ones come before general ones.
_OF_FAILURES: tuple[tuple[type[LmkError], Remedy], ...] = (
    (
        DiskFullError,
        Remedy(
            "The disk is full",
            "Free some space and retry, or choose another folder.",
            is_elsewhere=True,
        ),
    ),
    (
        NoPermissionError,
        Remedy(
            "No permission",
            "Choose another folder, or get permission to write to this one, then retry.",
            is_elsewhere=True,
        ),
    ),
    (
        FileTouchedError,
        Remedy(
            "In use by another program",
            "Close that program and retry: intact parts are kept.",
        ),
    ),
    (
        ShortageError,
        Remedy("This computer is short of memory", "Close other programs and retry."),
    ),
    (
        StorageError,
        Remedy(
            "Cannot be stored",
            "Choose another folder, or check this one and its disk, then retry.",
            is_elsewhere=True,
        ),
    ),
    (
        UnsafeNameError,
        Remedy(
            "Name cannot be stored here",
            "Ask for it to be renamed where it is shared, then refresh the list.",
        ),
    ),
    (
        NotOfferedError,
        Remedy(
            "Changed or removed where it is shared",
            "Refresh the list and retry; if it is not listed, ask for it to be shared again.",
        ),
    ),
    (
        NoSeederError,
        Remedy(
            "Nobody could send it",
            "Check that a seeder is running and that no firewall blocks it, then retry.",
        ),
    ),
    (
        TrackerSilentError,
        Remedy("The tracker does not answer", "Check that it is running, then retry."),
    ),
    (
        ContentError,
        Remedy(
            "Everyone sent it damaged",
            "Start another seeder of it and retry: intact parts are kept.",
        ),
    ),
    (
        UserInputError,
        Remedy("Cannot start now", "Wait until other downloads have ended, then retry."),
    ),
)
_UNKNOWN = Remedy("It failed", "Retry. If it fails again, see the log.")
# By the cause of a download for which nothing comes; it goes on by itself.
_OF_CAUSES = {
    CUT_OFF: "Plug in the cable or join the Wi-Fi: it continues by itself.",
    UNREACHABLE: "Check that a seeder is running and that no firewall blocks it.",
    LACKS_PIECES: "Start a seeder that has all of it: it continues by itself.",
    NOT_OFFERED: "Start a seeder of it, or check that the right tracker is chosen.",
}


def of_failure(failure: LmkError | None) -> Remedy:
    fitting = (remedy for kind, remedy in _OF_FAILURES if isinstance(failure, kind))
    return next(fitting, _UNKNOWN)


def remedy(download: DownloadChanged) -> Remedy | None:
    """None if there is nothing to do."""
    match download.state:
        case DownloadState.FAILED:
            return of_failure(download.failure)
        case DownloadState.WAITING_FOR_SPACE:
            advice = "It continues by itself once there is room. Or choose another folder."
            return Remedy("The disk is full", advice, has_retry=False, is_elsewhere=True)
        case DownloadState.LOOKING if download.cause in _OF_CAUSES:
            return Remedy("Nobody is sending it now", _OF_CAUSES[download.cause], has_retry=False)
        case _:
            return None
