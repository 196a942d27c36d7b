"""The code of a private room: how it is made, shown, read from what people type, and turned into
the number that a proof works with.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

from roles.values.errors import UserInputError

DIGITS = 9  # about 30 bits: enough, because each guess needs an exchange that the tracker counts
LEAST, MOST = 6, 64  # characters of a code that somebody chose
WEAK = 9  # with fewer, the user is warned
_GROUP = 3
# 70 ms and 16 MiB, once for each code: whoever steals what the tracker keeps must spend as much on
# each guess.
_COST, _BLOCK, _MEMORY = 1 << 14, 8, 64 * 1024 * 1024
_SCALAR_SIZE = 40  # bytes: 64 bits more than the order, so that all its scalars are equally likely


def made() -> str:
    """A new code."""
    return "".join(secrets.choice("0123456789") for _ in range(DIGITS))


def shown(code: str) -> str:
    """In groups of three, if it has digits only: 482 177 305."""
    if not code.isdecimal():
        return code
    return " ".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def parsed(typed: str) -> str:
    """The code that somebody means, however they group, space or capitalize it.

    Raises UserInputError.
    """
    text = unicodedata.normalize("NFKC", typed).casefold()
    if not all(one.isprintable() or one.isspace() for one in text):
        raise UserInputError("The code has characters that nobody can type. Type it again.")
    bare = "".join(one for one in text if one.isalnum())
    if bare.isdecimal():
        code = "".join(str(unicodedata.digit(one)) for one in bare)
    else:
        code = " ".join(text.split())
    if not LEAST <= len(code) <= MOST:
        raise UserInputError(
            f"A code has {DIGITS} digits, such as 482 177 305; one that you choose yourself has "
            f"from {LEAST} to {MOST} characters."
        )
    return code


def is_weak(code: str) -> bool:
    """Whether it is short enough to warn whoever chose it."""
    return len(code) < WEAK


def scalar_of(code: str, room: str) -> int:
    """The number that stands for the code in this room. Takes 70 ms."""
    key = hashlib.scrypt(
        code.encode(),
        salt=f"lmk private room {room}".encode(),
        n=_COST,
        r=_BLOCK,
        p=1,
        maxmem=_MEMORY,
        dklen=_SCALAR_SIZE,
    )
    return int.from_bytes(key, "big")
