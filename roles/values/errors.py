"""Every error that LMKtorrent raises on purpose.

Each text is a sentence for the status bar: what happened, to what, and what to do next.
"""


class LmkError(Exception):
    """Base of every error this program raises on purpose."""


class PeerProtocolError(LmkError):
    """The other side broke the protocol: drop it and go on with the others."""

    is_something_else = False  # it speaks another protocol; nothing that it sent is lost


class SeederLackedFileError(LmkError):
    """The seeder closed the connection silently, as originals do when they lack the file."""


class StoppedError(LmkError):
    """What takes long was told to stop: not an error, and never shown to the user."""


class UserInputError(LmkError):
    """What the user typed cannot be used: show it beside the field. Exit code 2."""


class TrackerSilentError(LmkError):
    """No tracker answered at that address. Exit code 3."""


class ListNotPassedError(TrackerSilentError):
    """A tracker answered, but its list could not be transferred, often because it is busy."""


class CodeRefusedError(TrackerSilentError):
    """The room is private, and its code is missing or wrong. Exit code 6."""

    tries_left: int | None = None  # before a pause; None if no code was tried


class NoSeederError(LmkError):
    """Nobody who has the file could be reached. Exit code 3."""


class NotOfferedError(NoSeederError):
    """What was asked for was removed or changed where it is shared. Exit code 3."""


class StorageError(LmkError):
    """This machine refused: disk, permissions, port, display or output. Exit code 4."""


class ShortageError(StorageError):
    """Memory, threads or descriptors have run out; the same may work later. Exit code 4."""


class NoPermissionError(StorageError):
    """This user may not write there. Exit code 4."""


class AddressGoneError(StorageError):
    """The address to listen at is none of this computer's now. Exit code 4."""


class DiskFullError(StorageError):
    """The disk is full; the download can continue once there is room. Exit code 4."""


class FileTouchedError(StorageError):
    """Another program wrote to a file during its download, so it must be checked again."""


class FileChangedError(LmkError):
    """A shared file changed after it was hashed: it is withdrawn and read again."""


class ContentError(LmkError):
    """Every seeder sent content that failed its check. Exit code 5."""
