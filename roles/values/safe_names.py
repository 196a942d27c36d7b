"""Turns names and paths from the wire into names that stay inside one folder, or refuses them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from roles.values.disk_names import on_disk
from roles.values.errors import PeerProtocolError

# The limit of Linux for one name; also keeps an LMK/1 request under 1,024 bytes.
MAX_WIRE_BYTES = 255
MAX_STORED_BYTES = 200  # leaves room for ".lmkpart" and " (2)" below the usual limit of 255
MAX_PATH_BYTES = 1_024  # path in a share; Windows and macOS can open it below a target folder
MAX_DEPTH = 32  # nested folders
PARTIAL_SUFFIX = ".lmkpart"
_SHORT_NAME = MAX_WIRE_BYTES // 4  # characters; fits, as UTF-8 needs at most 4 bytes for each
_SHORT_PATH = MAX_PATH_BYTES // 4
SHOWN_LENGTH = 120  # characters of a stranger's name in the window or a log line

# Invisible, or they change the direction of the text.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u2028\u2029]")
# Joiners (ZWNJ, ZWJ) shape Persian words, Indic letters and emoji, so a single one is allowed next
# to such a character. Elsewhere they are merely invisible.
_JOINER = "[\u200c\u200d]"
_JOINED = "[\u0600-\u1fff\u2190-\ufefe\U00010000-\U0010ffff]"
_LOOSE_JOINER = re.compile(f"(?<!{_JOINED})(?:(?<={_JOINER}){_JOINER}|{_JOINER}(?!{_JOINED}))")
# Path separators of any system (":" on Windows), control characters and lone surrogates.
_REFUSED = re.compile("[/\\\\:\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._+()-]*")  # most names; they need no other check
_ILLEGAL_ON_WINDOWS = re.compile(r'[<>"|?*]')
_MAY_BE_PARTIAL = re.compile(r"\.lm[k\u212a]part", re.IGNORECASE)  # U+212A is a kelvin sign
MAX_MARKS = 30  # per letter (Unicode's Stream-Safe Text Format); normalizing n takes n² steps
_REMEMBERED_FOLDERS = 1_024  # lists are sorted, so neighbours usually share a folder
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"} | {
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
}
_RUN_BY_EXPLORER = (".lnk", ".url", ".scf", ".library-ms", "desktop.ini", "autorun.inf")


class UnsafeNameError(PeerProtocolError):
    """A name that is a path, is invisible or cannot be stored. Only this entry is refused."""


def safe_name(untrusted: str, *, windows: bool) -> str:
    """The name under which to store the file, ready for system calls.

    Raises UnsafeNameError if it could escape the folder or mislead the user.
    """
    if _is_plain(untrusted):
        if not windows:
            return untrusted
        name = untrusted
    else:
        name = _visible(untrusted)
    return on_disk(_shortened(_for_windows(name) if windows else name))


def safe_path(untrusted: str, *, windows: bool) -> tuple[str, ...]:
    """The names of the nested folders and the file under which to store it.

    Raises UnsafeNameError if one could escape the folder or mislead the user.
    """
    _check_length(untrusted)
    folder, slash, name = untrusted.rpartition("/")
    above = _safe_folder(folder, windows) if slash else ()
    if isinstance(above, str):
        raise UnsafeNameError(above)
    return (*above, safe_name(name, windows=windows))


def check_path(untrusted: str) -> None:
    """Raise UnsafeNameError for a path that leechers refuse to store."""
    safe_path(untrusted, windows=False)


def is_storable(path: str) -> bool:
    try:
        check_path(path)
    except UnsafeNameError:
        return False
    return True


def collision_key(name: str) -> str:
    """Equal for names that some file system treats as one: by case or by Unicode normal form."""
    if name.isascii():
        return name.lower()
    if not unicodedata.is_normalized("NFC", name):
        if _has_long_marks(name):
            return name.casefold()  # no real name; normalizing it could take very long
        name = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", name.casefold())


def is_partial_name(name: str) -> bool:
    """Whether some file system could take this name for that of a partial file."""
    return bool(_MAY_BE_PARTIAL.search(name)) and collision_key(name).endswith(PARTIAL_SUFFIX)


def numbered(name: str, number: int) -> str:
    """The name with a number, such as "notes (2).txt"."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        return f"{name} ({number})"
    return f"{stem} ({number}){dot}{suffix}"


def shown_name(name: str, length: int = SHOWN_LENGTH) -> str:
    """Safe to show and log: invisible characters are escaped, long names are cut."""
    if len(name) <= length and name.isprintable():
        return name
    text = "".join(
        letter if _is_visible(letter) else _escaped(letter) for letter in name[: length + 1]
    )
    visible = _LOOSE_JOINER.sub(lambda joiner: _escaped(joiner[0]), text)
    return visible if len(visible) <= length else visible[: length - 1] + "…"


def _check_length(untrusted: str) -> None:
    """Raise UnsafeNameError if the path is too long or too deep."""
    if untrusted.count("/") >= MAX_DEPTH or (
        len(untrusted) > _SHORT_PATH and len(untrusted.encode(errors="replace")) > MAX_PATH_BYTES
    ):
        raise UnsafeNameError(f"“{shown_name(untrusted)}” is too long or too deep a path")


@lru_cache(_REMEMBERED_FOLDERS)
def _safe_folder(path: str, windows: bool) -> tuple[str, ...] | str:
    """Its names, or the sentence that says why it is refused: lru_cache keeps no exceptions."""
    try:
        return safe_path(path, windows=windows)
    except UnsafeNameError as error:
        return str(error)


def _is_plain(name: str) -> bool:
    """Whether it is stored unchanged, except perhaps on Windows."""
    return (
        len(name) <= MAX_STORED_BYTES
        and _PLAIN.fullmatch(name) is not None
        and not name.lower().endswith(PARTIAL_SUFFIX)
    )


def _visible(untrusted: str) -> str:
    """The name without invisible characters. Raises UnsafeNameError."""
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
    """Whether more than MAX_MARKS combining marks follow one another."""
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
            f"“{shown_name(name)}” is a kind of file that Windows opens by itself"
        )
    if name.partition(".")[0].rstrip(" ").lower() in _DEVICES:
        return "_" + name
    return name


def _shortened(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= MAX_STORED_BYTES:
        return name
    import hashlib  # loads OpenSSL, and few names are that long

    _, dot, suffix = name.rpartition(".")
    ending = f"~{hashlib.sha256(encoded).hexdigest()[:8]}" + (
        dot + suffix if len(suffix.encode()) <= 16 else ""
    )
    room = MAX_STORED_BYTES - len(ending.encode())
    return encoded[:room].decode(errors="ignore") + ending
