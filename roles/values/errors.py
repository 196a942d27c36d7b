"""Everything LMKtorrent raises on purpose, one tree. It knows no role and no wire.

Each text is written for the status bar: what happened, to what, what to do next.
"""


class LmkError(Exception):
    """Base of every error this program raises on purpose."""


class PeerProtocolError(LmkError):
    """The other side broke the protocol: drop it, keep serving the rest."""


class SeederLackedFileError(LmkError):
    """The seeder closed without a word: it does not have the file that was asked for."""


class HaltedError(LmkError):
    """Raised when something long was told to stop. It is not shown to anybody."""


class UserInputError(LmkError):
    """What the user typed cannot be used: show it beside the field. Exit code 2."""


class TrackerSilentError(LmkError):
    """No tracker answered at that address. Exit code 3."""


class ListNotPassedError(TrackerSilentError):
    """A tracker answered, and its list did not come or go: often it has a moment's shortage."""


class NoSeederError(LmkError):
    """Nobody who has the file could be reached. Exit code 3."""


class StorageError(LmkError):
    """This machine refused: disk, permission, port, display or output. Exit code 4."""


class ShortageError(StorageError):
    """Memory, threads or descriptors have run out; the same may work later. Exit code 4."""


class DiskFullError(StorageError):
    """The disk has no room for the file; it can go on when there is room again. Exit code 4."""


class FileTouchedError(StorageError):
    """Another program wrote to a file while it arrived: what came must be checked again."""


class FileChangedError(LmkError):
    """A shared file is not the one that was read before: it is withdrawn and read again."""


class ContentError(LmkError):
    """Every seeder sent content that failed its check. Exit code 5."""
