"""What a room offers, and what of it is meant by names, folders and numbers. Pure."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from roles.values.errors import UserInputError
from roles.values.events import FilesListed, ListedFile, ListedFolder
from roles.values.folder_keys import FolderKey, range_below
from roles.values.safe_names import shown_name

SHOWN_ONE_BY_ONE = 20  # files of a folder or download; if there are more, they are summed up
SHOWN_TWINS = 4
MAX_CHOICES = 1_000  # lines of a numbered list


@dataclass(frozen=True, slots=True)
class Chosen:
    """One thing to ask a leecher for, and what it brings according to the list."""

    key: str
    title: str  # for people; not yet safe to print
    files: tuple[ListedFile, ...]
    is_folder: bool = False

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Unclear:
    """A name that cannot be downloaded, and why."""

    name: str
    reason: str  # continues a sentence: "nobody offers it"


class OfferedList:
    def __init__(self, listed: FilesListed) -> None:
        self.folders = listed.folders
        self.files = listed.files
        self._by_path = sorted(self.files, key=lambda file: file.name)
        self._paths = [file.name for file in self._by_path]
        self._keyed = {folder.key: folder for folder in self.folders}
        self._folders_named = defaultdict[str, list[ListedFolder]](list)
        for folder in self.folders:
            self._folders_named[folder.name].append(folder)
        self._of_share = defaultdict[str, list[ListedFile]](list)
        self._named = defaultdict[str, list[ListedFile]](list)
        shares = {folder.share for folder in self.folders}
        for file in listed.files:
            for share in shares.intersection(_shares(file)):
                self._of_share[share].append(file)
            for name in {file.name, file.key}:
                self._named[name].append(file)
        self.loose = tuple(file for file in self.files if file.share not in shares)

    def folder(self, key: str) -> ListedFolder | None:
        """The folder that this key asks for as a whole."""
        return self._keyed.get(key)

    def in_folder(self, folder: ListedFolder) -> tuple[ListedFile, ...]:
        """Its files, sorted by path."""
        return tuple(self._of_share[folder.share])

    def all(self) -> list[Chosen]:
        """Every folder, and every file that belongs to none."""
        return [*map(self.of, self.folders), *map(self.of, self.loose)]

    def of(self, row: ListedFile | ListedFolder) -> Chosen:
        return _file(row) if isinstance(row, ListedFile) else self._folder(row)

    def named(self, name: str) -> list[Chosen] | Unclear:
        """What a name means: a file, a folder, or everything below a path in a folder, in this
        order.

        A name that ends with "/" is never a file. An umlaut may be typed as one letter or as two:
        systems differ in how they write the same name.
        """
        found = self._named_exactly(name)
        for form in ("NFC", "NFD"):
            other = name if name.isascii() else unicodedata.normalize(form, name)
            if isinstance(found, Unclear) and other != name:
                again = self._named_exactly(other)
                found = found if isinstance(again, Unclear) else again
        return found

    def _named_exactly(self, name: str) -> list[Chosen] | Unclear:
        if not name.endswith("/") and name in self._named:
            files = self._named[name]
            if len(files) == 1:
                return [_file(files[0])]
            exact = [file for file in files if file.key == name]
            return [_file(exact[0])] if exact else _unclear(name, files)
        path = name.rstrip("/")
        folders = self._called(path)
        if folders:
            return [self._folder(folder) for folder in folders]
        below = self._below(path)
        if below:
            return [Chosen(str(FolderKey(path=path)), f"{path}/", below, is_folder=True)]
        return self._in_named_folder(path, is_file=not name.endswith("/"))

    def _in_named_folder(self, path: str, *, is_file: bool) -> list[Chosen] | Unclear:
        """A path that begins with a folder's name, as a list shows it: only of that folder."""
        top, _, rest = path.partition("/")
        below = {folder.share: list[ListedFile]() for folder in self._called(top) if rest}
        if is_file:
            order = {share: number for number, share in enumerate(below)}
            found = [
                (order[share], file)
                for file in self._named.get(rest, ())
                for share in _shares(file)
                if share in order
            ]
            if found:
                return [_file(min(found, key=lambda one: one[0])[1])]
        for file in self._below(rest) if below else ():
            for share in _shares(file):
                if share in below:
                    below[share].append(file)
        parts = [
            Chosen(str(FolderKey(share, rest)), f"{path}/", tuple(files), is_folder=True)
            for share, files in below.items()
            if files
        ]
        return parts or Unclear(path, "nobody offers it")

    def _called(self, name: str) -> list[ListedFolder]:
        """The folders with this key, otherwise those with this name."""
        keyed = self._keyed.get(name)
        return [keyed] if keyed is not None else self._folders_named.get(name, [])

    def _below(self, path: str) -> tuple[ListedFile, ...]:
        return tuple(self._by_path[slice(*range_below(self._paths, path))]) if path else ()

    def _folder(self, folder: ListedFolder) -> Chosen:
        return Chosen(folder.key, f"{folder.name}/", self.in_folder(folder), is_folder=True)


def choices(offer: OfferedList) -> list[ListedFile | ListedFolder]:
    """What a numbered list shows: folders, and their files one by one if there are few. Of a list
    that is too long to be read, only the folders and files with the first names.
    """
    few = [folder for folder in offer.folders if folder.files <= SHOWN_ONE_BY_ONE]
    files = [file for folder in few[:MAX_CHOICES] for file in offer.in_folder(folder)]
    if len(offer.folders) == 1 and few and not offer.loose:
        return [*files]
    is_long = len(files) + len(offer.loose) + len(offer.folders) > MAX_CHOICES
    order = (offer.folders, offer.loose) if is_long else (files, offer.loose, offer.folders)
    return list(islice(chain[ListedFile | ListedFolder](*order), MAX_CHOICES))


def chosen_by_number(typed: str, most: int) -> list[int]:
    """The numbers, from 1 to `most`, in "1 3", "1,3" or "2-4". Raises UserInputError."""
    numbers = list[int]()
    for word in typed.replace(",", " ").split():
        first, dash, last = word.partition("-")
        last = last if dash else first
        if not (_is_number(first, most) and _is_number(last, most) and int(first) <= int(last)):
            numbers.clear()
            break
        numbers += range(int(first), int(last) + 1)
    if not numbers:
        raise UserInputError(
            f"“{shown_name(typed)}” is not a choice. Type numbers from 1 to {most}, or a."
        )
    return list(dict.fromkeys(numbers))


def once(wanted: Iterable[Chosen]) -> list[Chosen]:
    """The same without items that another one brings too."""
    unique = list({one.key: one for one in wanted}.values())
    kept, brought = set[str](), set[tuple[str, str]]()
    for one in sorted(unique, key=lambda one: -len(one.files)):
        files = {(file.share, file.key) for file in one.files}
        if not files or not files <= brought:
            kept.add(one.key)
            brought |= files
    return [one for one in unique if one.key in kept]


def _shares(file: ListedFile) -> tuple[str, ...]:
    return (file.share, *file.also)


def _file(file: ListedFile) -> Chosen:
    return Chosen(file.key, file.key, (file,))


def _unclear(name: str, files: Sequence[ListedFile]) -> Unclear:
    keys = [f"“{shown_name(file.key)}”" for file in files[:SHOWN_TWINS]]
    return Unclear(name, f"it is the name of {len(files)} files: {', '.join(keys)}")


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most
