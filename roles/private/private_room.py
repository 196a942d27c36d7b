"""A private room at its tracker: the code that admits to it, and how it gets another one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from roles.private.private_server import CodeVerifier, PrivateServer
from roles.private.room_keys import TrackerKeys
from roles.values.events import Guesser, GuessersChanged, Post, Warned
from roles.worker import Worker, failure_of


class PrivateRoom:
    """For the tracker's thread."""

    def __init__(self, keys_file: Path | None, code: str, post: Post) -> None:
        """`code`: "" for the last one. Takes 0.1 s. Raises OSError."""
        self._keys_file, self._post = keys_file, post
        self.code, self._verifier, self.private_server = self._opened(code)
        self.wished = ""  # the newest code that the user asked for, until it is being made
        self._making: Worker | None = None
        # The new ones, until they replace the old ones.
        self._made: tuple[str, CodeVerifier, PrivateServer] | None = None
        self._guessers: tuple[Guesser, ...] = ()  # as told last

    def work(self, start: Callable[[Callable[[], None], str], Worker]) -> bool:
        """True when another code has just come into force. `start`: Role._start_beside().

        Raises ShortageError; the next call tries again.
        """
        if self._making is not None and self._making.is_alive():
            return False
        if self._made is not None:
            (self.code, self._verifier, self.private_server), self._made = self._made, None
            return True
        if self.wished:  # making it takes a while, and writes to the disk
            self._making = start(partial(self._make, self.wished), "lmk-code")
            self.wished = ""
        return False

    def tell_guessers(self) -> None:
        guessers = self._verifier.guessers()
        if guessers != self._guessers:
            self._guessers = guessers
            self._post(GuessersChanged(guessers))

    def close(self) -> None:
        if self._making is not None:
            self._making.join()

    def _make(self, code: str) -> None:
        try:
            self._made = self._opened(code)
        except OSError as error:  # the old one stays in force
            self._post(Warned(f"The code has not changed. {failure_of(error)}"))

    def _opened(self, code: str) -> tuple[str, CodeVerifier, PrivateServer]:
        keys = TrackerKeys.kept(self._keys_file, code)
        if keys.notice:
            self._post(Warned(keys.notice))
        verifier = CodeVerifier(keys)
        return keys.code, verifier, PrivateServer(keys.key, lambda: keys.room, verifier=verifier)
