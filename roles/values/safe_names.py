"""A name from the wire to a file name that stays inside one folder, or an error.

Pure text: it touches no file.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from roles.values.disk_names import on_disk
from roles.values.errors import PeerProtocolError

# What Linux allows for one name; also keeps an LMK/1 request under 1,024 bytes.
MAX_WIRE_BYTES = 255
MAX_STORED_BYTES = 200  # leaves room for ".lmkpart" and " (2)" below the 255 of most file systems
MAX_PATH_BYTES = 1_024  # of a path in a share: what Windows and macOS open, with room for a folder
MAX_DEPTH = 32  # folders in folders
PARTIAL_SUFFIX = ".lmkpart"
_SHORT_NAME = MAX_WIRE_BYTES // 4  # characters that surely fit, whatever they are
_SHORT_PATH = MAX_PATH_BYTES // 4
SHOWN_LENGTH = 120  # characters of a stranger's name that reach the window or a log line

# Nobody sees these, or they turn the order of the letters around.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u2028\u2029]")
# Joiners (ZWNJ, ZWJ) shape Persian words, Indic letters and joined emoji: one may stand behind or
# before a letter or sign of those. Elsewhere they are only invisible.
_JOINER = "[\u200c\u200d]"
_JOINED = "[\u0600-\u1fff\u2190-\ufefe\U00010000-\U0010ffff]"
_LOOSE_JOINER = re.compile(f"(?<!{_JOINED})(?:(?<={_JOINER}){_JOINER}|{_JOINER}(?!{_JOINED}))")
# What separates on any system (on Windows ":" too), controls, and half characters.
_REFUSED = re.compile("[/\\\\:\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+()-]*")  # most names: nothing to look for in it
_ILLEGAL_ON_WINDOWS = re.compile(r'[<>"|?*]')
_MAY_BE_PARTIAL = re.compile(r"\.lm[k\u212a]part", re.IGNORECASE)  # U+212A is a kelvin sign
MAX_MARKS = 30  # on one letter, as in Unicode's stream-safe text: more take the square of the time
_REMEMBERED_FOLDERS = 1_024  # lists are sorted: the folder of one path is mostly the next one's
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"} | {
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
}
_RUN_BY_EXPLORER = (".lnk", ".url", ".scf", ".library-ms", "desktop.ini", "autorun.inf")


class UnsafeNameError(PeerProtocolError):
    """A name that is a path, invisible or impossible: that entry is refused, the rest goes on."""


def safe_name(untrusted: str, *, windows: bool) -> str:
    """The file name to store it under, as this system takes it.

    Raises UnsafeNameError for what could leave the folder or fool the reader.
    """
    if _is_plain(untrusted):
        if not windows:
            return untrusted
        name = untrusted
    else:
        name = _visible(untrusted)
    return on_disk(_shortened(_for_windows(name) if windows else name))


def safe_path(untrusted: str, *, windows: bool) -> tuple[str, ...]:
    """The names of the folders below which to store it, one in the other, and of the file itself.

    Raises UnsafeNameError for what could leave the folder or fool the reader.
    """
    check_length(untrusted)
    folder, slash, name = untrusted.rpartition("/")
    above = _safe_folder(folder, windows) if slash else ()
    if isinstance(above, str):
        raise UnsafeNameError(above)
    return (*above, safe_name(name, windows=windows))


def check_length(untrusted: str) -> None:
    """Raise UnsafeNameError for a path that is too long, or leads through too many folders."""
    if untrusted.count("/") >= MAX_DEPTH or (
        len(untrusted) > _SHORT_PATH and len(untrusted.encode(errors="replace")) > MAX_PATH_BYTES
    ):
        raise UnsafeNameError(f"“{shown_name(untrusted)}” is too long or too deep a path")


def check_path(untrusted: str) -> None:
    """Raise UnsafeNameError for a path that no leecher stores."""
    safe_path(untrusted, windows=False)


def is_storable(path: str) -> bool:
    """Whether a leecher stores this path."""
    try:
        check_path(path)
    except UnsafeNameError:
        return False
    return True


def collision_key(name: str) -> str:
    """Equal for two names that some file system takes for one: by case, or by normal form."""
    if name.isascii():
        return name.lower()
    if not unicodedata.is_normalized("NFC", name):
        if _has_long_marks(name):
            return name.casefold()  # nobody types such a name twice in different ways
        name = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", name.casefold())


def is_partial_name(name: str) -> bool:
    """Whether a download under way could have this name, on a file system without case too."""
    return bool(_MAY_BE_PARTIAL.search(name)) and collision_key(name).endswith(PARTIAL_SUFFIX)


def numbered(name: str, number: int) -> str:
    """The name for a second file beside the first: "notes (2).txt"."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        return f"{name} ({number})"
    return f"{stem} ({number}){dot}{suffix}"


def shown_name(name: str, length: int = SHOWN_LENGTH) -> str:
    """Safe to show and log: what cannot be seen is escaped, what is long is cut."""
    if len(name) <= length and name.isprintable():
        return name
    text = name[: length + 1]
    loose = {match.start() for match in _LOOSE_JOINER.finditer(text)}
    visible = "".join(
        letter if _is_visible(letter) and place not in loose else _escaped(letter)
        for place, letter in enumerate(text)
    )
    return visible if len(visible) <= length else visible[: length - 1] + "…"


@lru_cache(_REMEMBERED_FOLDERS)
def _safe_folder(path: str, windows: bool) -> tuple[str, ...] | str:
    """Its names, or the sentence of why it is not stored."""
    try:
        return safe_path(path, windows=windows)
    except UnsafeNameError as error:
        return str(error)


def _is_plain(name: str) -> bool:
    """Whether it is stored as it is, but for what Windows alone refuses."""
    return (
        len(name) <= MAX_STORED_BYTES
        and _PLAIN.fullmatch(name) is not None
        and not name.lower().endswith(PARTIAL_SUFFIX)
    )


def _visible(untrusted: str) -> str:
    """The name without what nobody sees. Raises UnsafeNameError."""
    if len(untrusted) > _SHORT_NAME and len(untrusted.encode(errors="replace")) > MAX_WIRE_BYTES:
        raise UnsafeNameError(f"“{shown_name(untrusted)}” is longer than {MAX_WIRE_BYTES} bytes")
    if _REFUSED.search(untrusted):
        raise UnsafeNameError(f"“{shown_name(untrusted)}” is not a plain file name")
    is_all_visible = untrusted.isprintable()
    name = untrusted if is_all_visible else _LOOSE_JOINER.sub("", _INVISIBLE.sub("", untrusted))
    if not name.strip(" .") or is_partial_name(name):
        raise UnsafeNameError(f"“{shown_name(untrusted)}” is not a file name")
    return name


def _has_long_marks(name: str) -> bool:
    """Whether more than MAX_MARKS combining marks follow each other."""
    run = 0
    for letter in name:
        run = run + 1 if unicodedata.combining(letter) else 0
        if run > MAX_MARKS:
            return True
    return False


def _is_visible(letter: str) -> bool:
    is_joiner = letter in "\u200c\u200d"
    return is_joiner or (letter.isprintable() and not _INVISIBLE.match(letter))


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}"


def _for_windows(name: str) -> str:
    name = _ILLEGAL_ON_WINDOWS.sub("_", name)
    stripped = name.rstrip(" .")
    name = stripped + "_" * (len(name) - len(stripped))
    if name.lower().endswith(_RUN_BY_EXPLORER):
        raise UnsafeNameError(
            f"“{shown_name(name)}” is a kind of file that Windows runs or reads unasked"
        )
    if name.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        return "_" + name
    return name


def _shortened(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MAX_STORED_BYTES:
        return name
    import hashlib  # few names are that long, and it loads OpenSSL

    _, dot, suffix = name.rpartition(".")
    ending = f"~{hashlib.sha256(encoded).hexdigest()[:8]}" + (
        dot + suffix if len(suffix.encode()) <= 16 else ""
    )
    room = MAX_STORED_BYTES - len(ending.encode())
    return encoded[:room].decode(errors="ignore") + ending
