"""Chooses the names under which the paths of a share are stored, so that no two collide.

It does not look at what the target folder already has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import TypeAlias

from roles.values.content import Content
from roles.values.safe_names import (
    UnsafeNameError,
    collision_key,
    numbered,
    safe_path,
)
from roles.values.stopping import go_on, until_stopped

# The path of a file or folder below the target folder, name by name, as it is stored there.
StoredPath: TypeAlias = tuple[str, ...]


class StoredNames:
    """The names in one target folder. The first of several colliding paths keeps its name.

    A *key* is a text that is equal for all paths that the folder treats as one.
    """

    def __init__(
        self,
        *,
        windows: bool,
        key: Callable[[str], str] = collision_key,
        should_stop: Callable[[], bool] = go_on,
    ) -> None:
        """`key` is equal for names that the folder treats as one. Long methods raise StoppedError
        once should_stop() returns True.
        """
        self._windows = windows
        self._key_of = key
        self._should_stop = should_stop
        self.home: StoredPath = ()  # every path is placed below it
        self._below = dict[str, StoredNames]()  # by home
        # Wished names of a folder -> its stored names, and its key followed by "/".
        self._folders: dict[StoredPath, tuple[StoredPath, str]] = {(): ((), "")}
        self._folder_keys = set[str]()
        self._file_keys = set[str]()
        self._given = dict[tuple[str, Content | None], tuple[StoredPath, str]]()
        self._numbers = dict[str, int]()  # by key: the next to try, so n equal names take n steps

    def below(self, home: str) -> StoredNames:
        """The names below this folder, which no other file or folder gets; "" for these names."""
        if not home:
            return self
        inside = self._below.get(home)
        if inside is None:
            inside = self._below[home] = copy(self)
            inside.home, _ = self._folder((home,))
            inside._given = {}
        return inside

    def is_free(self, name: str) -> bool:
        """Whether nothing directly in the target folder was given this name."""
        return self._is_free(self._key_of(name))

    def place_all(
        self, files: Sequence[tuple[str, Content | None]], folders: Iterable[str] = ()
    ) -> list[StoredPath | UnsafeNameError]:
        """The stored names of each file; an error for a path that must not be stored.

        Folders go first: a file with the path of a folder gets a number, and so does a folder with
        the path of a file placed earlier. A path with another content is another file.
        """
        paths = [self._wished(path) for path, _ in until_stopped(files, self._should_stop)]
        for path in paths:
            if not isinstance(path, UnsafeNameError):
                self._folder(path[:-1])
        for folder in until_stopped(folders, self._should_stop):
            self.folder(folder)
        return [
            path if isinstance(path, UnsafeNameError) else self._place(path, *file)
            for path, file in until_stopped(zip(paths, files, strict=True), self._should_stop)
        ]

    def folder(self, path: str) -> StoredPath | UnsafeNameError:
        wished = self._wished(path)
        return wished if isinstance(wished, UnsafeNameError) else self._folder(wished)[0]

    def key(self, path: str, content: Content | None) -> str:
        """The key of the stored path of a placed file."""
        return self._given[path, None if self.home else content][1]

    def key_wished(self, path: str) -> str:
        """The key that a file of this path gets if nothing collides. Raises UnsafeNameError."""
        wished = self._wished(path)
        if isinstance(wished, UnsafeNameError):
            raise wished
        return self._folder(wished[:-1])[1] + self._key_of(wished[-1])

    def hand_over(self, path: str, old: Content | None, new: Content | None) -> None:
        """Give the stored names of content `old` to `new`, unless that has its own."""
        if (path, new) not in self._given and (path, old) in self._given:
            self._given[path, new] = self._given.pop((path, old))

    def _wished(self, path: str) -> StoredPath | UnsafeNameError:
        """The names that it gets if nothing collides."""
        try:
            return (*self.home, *safe_path(path, windows=self._windows))
        except UnsafeNameError as error:
            return error

    def _folder(self, names: StoredPath) -> tuple[StoredPath, str]:
        """The stored names of the folder with these wished names, and its key followed by "/"."""
        known = self._folders.get(names)
        if known is None:
            above, inside = self._folder(names[:-1])
            name, key = self._free(inside, names[-1], lambda key: key not in self._file_keys)
            self._folder_keys.add(key)
            known = self._folders[names] = (*above, name), key + "/"
        return known

    def _place(self, names: StoredPath, path: str, content: Content | None) -> StoredPath:
        # A share has each path once: the next version of a file gets the name of the last one.
        content = None if self.home else content
        given = self._given.get((path, content))
        if given is None:
            above, inside = self._folder(names[:-1])
            name, key = self._free(inside, names[-1], self._is_free)
            self._file_keys.add(key)
            given = self._given[path, content] = (*above, name), key
        return given[0]

    def _is_free(self, key: str) -> bool:
        return key not in self._file_keys and key not in self._folder_keys

    def _free(self, inside: str, name: str, is_free: Callable[[str], bool]) -> tuple[str, str]:
        """`name` or else the first free numbered name, and its key. `inside`: key of its folder."""
        first = key = inside + self._key_of(name)
        candidate, number = name, self._numbers.get(first, 2)
        while not is_free(key):
            candidate = numbered(name, number)
            key = inside + self._key_of(candidate)
            number += 1
        if number > 2:
            self._numbers[first] = number
        return candidate, key
