"""The code of a private room: how it is made, shown, and read from what people type."""

from __future__ import annotations

import secrets
import unicodedata

from roles.values.errors import UserInputError

DIGITS = 9  # about 30 bits: enough, because each guess needs an exchange that the tracker counts
LEAST, MOST = 6, 64  # characters of a code that the user chose
WEAK = 9  # with fewer, the user is warned
_GROUP = 3


def new() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(DIGITS))


def shown(code: str) -> str:
    """Digits in groups of three: 482 177 305; other codes as they are."""
    if not code.isdecimal():
        return code
    return " ".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def parsed(typed: str) -> str:
    """The code that a person means, however they group, space or capitalize it.

    Raises UserInputError.
    """
    text = unicodedata.normalize("NFKC", typed).casefold()
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        raise UserInputError("The code has characters that nobody can type. Type it again.")
    bare = "".join(letter for letter in text if letter.isalnum())
    if bare.isdecimal():
        code = "".join(str(unicodedata.digit(letter)) for letter in bare)
    else:
        code = " ".join(text.split())
    if not LEAST <= len(code) <= MOST:
        raise UserInputError(
            f"A code has {DIGITS} digits, such as 482 177 305; one that you choose yourself has "
            f"from {LEAST} to {MOST} characters."
        )
    return code


def chosen(typed: str) -> str:
    """A code that may be left out: "" for none. Raises UserInputError."""
    return parsed(typed) if typed.strip() else ""


def weakness(code: str) -> str:
    """A sentence for whoever chose the code, if it is easy to guess."""
    return "This code is short. Nine digits or more are hard to guess." if len(code) < WEAK else ""
