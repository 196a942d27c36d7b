"""Under which names the paths of a catalogue are stored, so that no two of them meet in one file.

Pure text: it does not look at what is in the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from roles.values.content import Content
from roles.values.safe_names import (
    UnsafeNameError,
    check_length,
    collision_key,
    numbered,
    safe_name,
    safe_path,
)
from roles.values.stopping import go_on, until_stopped

Stored: TypeAlias = tuple[str, ...]  # folder names below the target folder, then the file's


class StoredNames:
    """The names given in one target folder. What comes first keeps its own.

    Keys are texts, equal for what the folder takes for one path.
    """

    def __init__(
        self,
        *,
        windows: bool,
        key: Callable[[str], str] = collision_key,
        should_stop: Callable[[], bool] = go_on,
    ) -> None:
        """`key`: equal for two names that the folder takes for one. What takes long raises
        HaltedError once should_stop().
        """
        self._windows = windows
        self._key_of = key
        self._should_stop = should_stop
        # By the names that a folder should have: those that it has, and its key with a "/" behind.
        self._folders: dict[Stored, tuple[Stored, str]] = {(): ((), "")}
        # The same by path, as safe_names has them: most are asked for again and again.
        self._safe_folders = dict[str, Stored | UnsafeNameError]()
        self._folder_keys = set[str]()
        self._file_keys = set[str]()
        self._given = dict[tuple[str, Content | None], tuple[Stored, str]]()
        self._numbers = dict[str, int]()  # the next to try: a thousand twins take no million steps

    def place_all(
        self, files: Sequence[tuple[str, Content | None]], folders: Iterable[str] = ()
    ) -> list[Stored | UnsafeNameError]:
        """Where each of these files goes; an error for a path that is not stored here.

        Folders go before files: a file whose path is a folder of another one gets a number, and so
        does a folder that is a file already. The same path with the same content is one file, with
        another content it is a second one.
        """
        paths = [self._safe(path) for path, _ in until_stopped(files, self._should_stop)]
        for path in paths:
            if not isinstance(path, UnsafeNameError):
                self._folder(path[:-1])
        for folder in until_stopped(folders, self._should_stop):
            self.folder(folder)
        return [
            path if isinstance(path, UnsafeNameError) else self._place(path, *file)
            for path, file in until_stopped(zip(paths, files, strict=True), self._should_stop)
        ]

    def place(self, path: str, content: Content | None) -> Stored:
        """Where one file goes. Raises UnsafeNameError."""
        (stored,) = self.place_all([(path, content)])
        if isinstance(stored, UnsafeNameError):
            raise stored
        return stored

    def folder(self, path: str) -> Stored | UnsafeNameError:
        """Where a folder goes."""
        stored = self._safe_folder(path)
        return stored if isinstance(stored, UnsafeNameError) else self._folder(stored)[0]

    def key(self, path: str, content: Content | None) -> str:
        """The key of the place that this file was given."""
        return self._given[path, content][1]

    def key_wished(self, path: str) -> str:
        """The key of the place that a file of this path would have if it were free. Raises
        UnsafeNameError.
        """
        *_, name = names = safe_path(path, windows=self._windows)
        return self._folder(names[:-1])[1] + self._key_of(name)

    def hand_over(self, path: str, old: Content | None, new: Content | None) -> None:
        """The name of this content is the other one's now, unless that has a name."""
        if (path, new) not in self._given and (path, old) in self._given:
            self._given[path, new] = self._given.pop((path, old))

    def _safe_folder(self, path: str) -> Stored | UnsafeNameError:
        """The names of a folder's path."""
        known = self._safe_folders.get(path)
        if known is None:
            known = self._safe_folders[path] = self._safe(path)
        return known

    def _safe(self, path: str) -> Stored | UnsafeNameError:
        """As safe_path(), but each folder is looked at once."""
        folder, slash, name = path.rpartition("/")
        try:
            check_length(path)
            above = self._safe_folder(folder) if slash else ()
            if isinstance(above, UnsafeNameError):
                return above
            return (*above, safe_name(name, windows=self._windows))
        except UnsafeNameError as error:
            return error

    def _folder(self, names: Stored) -> tuple[Stored, str]:
        """Where the folder of these names is, and its key with a "/" behind."""
        known = self._folders.get(names)
        if known is None:
            above, inside = self._folder(names[:-1])
            name, key = self._free(inside, names[-1], lambda key: key not in self._file_keys)
            self._folder_keys.add(key)
            known = self._folders[names] = (*above, name), key + "/"
        return known

    def _place(self, names: Stored, path: str, content: Content | None) -> Stored:
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
        """The name, or the first numbered one that is free, and its key."""
        first = key = inside + self._key_of(name)
        candidate, number = name, self._numbers.get(first, 2)
        while not is_free(key):
            candidate = numbered(name, number)
            key = inside + self._key_of(candidate)
            number += 1
        if number > 2:
            self._numbers[first] = number
        return candidate, key
