"""Under which names the paths of a catalogue are stored, so that no two of them meet in one file.

Pure text: it does not look at what is in the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from roles.values.content import Content
from roles.values.safe_names import UnsafeNameError, collision_key, numbered, safe_path

Stored: TypeAlias = tuple[str, ...]  # folder names below the target folder, then the file's
Key: TypeAlias = tuple[str, ...]  # equal for what the folder takes for one path


class StoredNames:
    """The names given in one target folder. What comes first keeps its own."""

    def __init__(self, *, windows: bool, key: Callable[[str], str] = collision_key) -> None:
        """`key`: equal for two names that the folder takes for one."""
        self._windows = windows
        self._key_of = key
        self._folders = set[Key]()
        self._taken = set[Key]()
        self._given = dict[tuple[str, Content | None], Stored]()
        self._numbers = dict[Key, int]()  # the next to try: a thousand twins take no million steps
        self._keys = dict[str, str]()  # names recur, and their keys take time

    def place_all(
        self, files: Sequence[tuple[str, Content | None]], folders: Iterable[str] = ()
    ) -> list[Stored | UnsafeNameError]:
        """Where each of these files goes; an error for a path that is not stored here.

        Folders go before files: a file whose path is a folder of another one gets a number. The
        same path with the same content is one file, with another content it is a second one.
        """
        paths = [self._safe(path) for path, _ in files]
        for path in paths:
            if not isinstance(path, UnsafeNameError):
                self._add_folders(path[:-1])
        for folder in folders:
            if not isinstance(path := self._safe(folder), UnsafeNameError):
                self._add_folders(path)
        return [
            stored if isinstance(stored, UnsafeNameError) else self._place(stored, path, content)
            for stored, (path, content) in zip(paths, files, strict=True)
        ]

    def place(self, path: str, content: Content | None) -> Stored:
        """Where one file goes. Raises UnsafeNameError."""
        (stored,) = self.place_all([(path, content)])
        if isinstance(stored, UnsafeNameError):
            raise stored
        return stored

    def hand_over(self, path: str, old: Content | None, new: Content | None) -> None:
        """The name of this content is the other one's now, unless that has a name."""
        if (path, new) not in self._given and (path, old) in self._given:
            self._given[path, new] = self._given.pop((path, old))

    def _safe(self, path: str) -> Stored | UnsafeNameError:
        try:
            return safe_path(path, windows=self._windows)
        except UnsafeNameError as error:
            return error

    def _add_folders(self, folder: Stored) -> None:
        key = self._key(folder)
        while key and key not in self._folders:
            self._folders.add(key)
            key = key[:-1]

    def _place(self, stored: Stored, path: str, content: Content | None) -> Stored:
        if (path, content) in self._given:
            return self._given[path, content]
        *above, name = stored
        first = self._key(stored)
        number, key, candidate = self._numbers.get(first, 1), first, stored
        while number > 1 or key in self._folders or key in self._taken:
            number = max(2, number)
            candidate = (*above, numbered(name, number))
            key = self._key(candidate)
            number += 1
            if key not in self._folders and key not in self._taken:
                break
        self._numbers[first] = number
        self._taken.add(key)
        self._given[path, content] = candidate
        return candidate

    def _key(self, stored: Stored) -> Key:
        keys = self._keys
        for name in stored:
            if name not in keys:
                keys[name] = self._key_of(name)
        return tuple([keys[name] for name in stored])
