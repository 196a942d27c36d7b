"""What a room offers, and what of it is meant by names, folders and numbers. Pure."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice

from roles.values.errors import UserInputError
from roles.values.events import FilesListed
from roles.values.folder_keys import FolderKey
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.safe_names import shown_name
from ui.file_list import FileList

SHOWN_ONE_BY_ONE = 20  # files of a folder or download; if there are more, they are summed up
SHOWN_TWINS = 4
MAX_CHOICES = 1_000  # lines of a numbered list
COMPARED_NAMES = 5_000  # with one that nobody offers, letter by letter: 50 ms
NOBODY = "nobody offers it"


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
    meant: str = ""  # a name like it that is listed; not yet safe to print

    @property
    def hint(self) -> str:
        """A sentence, or ""."""
        return f"Did you mean {shown_name(self.meant)}?" if self.meant else ""


class OfferedList:
    def __init__(self, listed: FilesListed) -> None:
        self._list = FileList(listed.files, listed.folders)
        self.folders = listed.folders
        self.files = self._list.files.values()
        self.loose = self._list.flat  # in none of the folders

    def folder(self, key: str) -> ListedFolder | None:
        """The folder that this key asks for as a whole."""
        asked = FolderKey.of(key)
        return self._list.folder_by_share.get(asked.share) if asked and not asked.path else None

    def in_folder(self, folder: ListedFolder) -> list[ListedFile]:
        """Its files, sorted by path."""
        return self._list.shares[folder.share].below("")

    def all(self) -> list[Chosen]:
        """Every folder, and every file that belongs to none."""
        return [*map(self.of, self.folders), *map(self.of, self.loose)]

    def of(self, row: ListedFile | ListedFolder) -> Chosen:
        if isinstance(row, ListedFile):
            return Chosen(row.key, row.key, (row,))
        return Chosen(row.key, f"{row.name}/", tuple(self.in_folder(row)), is_folder=True)

    def named(self, name: str) -> list[Chosen] | Unclear:
        """What a name means: a file, a folder, or everything below a path in a folder, in this
        order.

        A name that ends with "/" is never a file. An umlaut may be typed as one letter or as two:
        systems differ in how they write the same name.
        """
        forms = (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
        meanings = [self._named_exactly(form) for form in dict.fromkeys(forms)]
        for meaning in meanings:
            if not isinstance(meaning, Unclear):
                return meaning
        unclear = meanings[0]
        assert isinstance(unclear, Unclear)
        return replace(unclear, meant=self._like(name)) if unclear.reason == NOBODY else unclear

    def _named_exactly(self, name: str) -> list[Chosen] | Unclear:
        path, is_file = name.rstrip("/"), not name.endswith("/")
        if is_file and name in self._files_named:
            files = self._files_named[name]
            exact = files if len(files) == 1 else [file for file in files if file.key == name]
            return [self.of(exact[0])] if exact else _twins(name, files)
        folders = self._called(path)
        if folders:
            return [self.of(folder) for folder in folders]
        return (
            self._below(path, self._list.shares, f"{path}/")
            or self._in_named_folder(path, is_file=is_file)
            or Unclear(path, NOBODY)
        )

    def _in_named_folder(self, path: str, *, is_file: bool) -> list[Chosen]:
        """A path that begins with a folder's name, as a list shows it: only of that folder."""
        top, _, rest = path.partition("/")
        shares = [folder.share for folder in self._called(top)] if rest else []
        for share in shares if is_file else ():
            for file in self._files_named.get(rest, ()):
                if share in self._list.shares_with(file):
                    return [self.of(file)]
        return self._below(rest, shares, f"{path}/")

    def _below(self, path: str, shares: Iterable[str], title: str) -> list[Chosen]:
        """What each of these folders has below a path, without what another one has, too."""
        parts = {share: self._list.shares[share].below(path) for share in shares if path}
        return once(
            Chosen(str(FolderKey(share, path)), title, tuple(files), is_folder=True)
            for share, files in parts.items()
            if files
        )

    def _like(self, name: str) -> str:
        """The listed name that most resembles this one, or has its last part; "" if none does."""
        import difflib  # loaded only for a typing error

        paths = {file.name for file in self.files}
        above = {path[:at] for path in paths for at, sign in enumerate(path) if sign == "/"}
        listed = [f"{folder.name}/" for folder in self.folders]
        listed += [f"{path}/" for path in sorted(above)] + [file.key for file in self.files]
        by_path, by_last = dict[str, str](), dict[str, str]()
        for listed_name in listed:
            path = listed_name.rstrip("/").casefold()
            by_path.setdefault(path, listed_name)
            by_last.setdefault(path.rpartition("/")[2], listed_name)
        known = by_last | by_path
        typed = name.rstrip("/").casefold()
        if typed not in known:
            few = list(islice(known, COMPARED_NAMES))
            typed = next(iter(difflib.get_close_matches(typed, few, n=1)), "")
        return known.get(typed, "")

    def _called(self, name: str) -> list[ListedFolder]:
        """The folders with this key, otherwise those with this name."""
        keyed = self.folder(name)
        if keyed is not None:
            return [keyed]
        return [folder for folder in self.folders if folder.name == name]

    @cached_property
    def _files_named(self) -> dict[str, list[ListedFile]]:
        named = defaultdict[str, list[ListedFile]](list)
        for file in self.files:
            for name in {file.name, file.key}:
                named[name].append(file)
        return named


def choices(offer: OfferedList) -> list[ListedFile | ListedFolder]:
    """What a numbered list shows: folders first, then their files one by one if there are few. Of a
    list that is too long to be read, only the folders and files with the first names.
    """
    few = [folder for folder in offer.folders if folder.files <= SHOWN_ONE_BY_ONE]
    files = [file for folder in few[:MAX_CHOICES] for file in offer.in_folder(folder)]
    if len(offer.folders) == 1 and few and not offer.loose:
        return [*files]
    is_long = len(files) + len(offer.loose) + len(offer.folders) > MAX_CHOICES
    order = (offer.folders, () if is_long else files, offer.loose)
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
    unique = list({item.key: item for item in wanted}.values())
    kept, brought = set[str](), set[tuple[str, str]]()
    for item in sorted(unique, key=lambda item: -len(item.files)):
        files = {(file.share, file.key) for file in item.files}
        if not files or not files <= brought:
            kept.add(item.key)
            brought |= files
    return [item for item in unique if item.key in kept]


def _twins(name: str, files: Sequence[ListedFile]) -> Unclear:
    keys = [f"“{shown_name(file.key)}”" for file in files[:SHOWN_TWINS]]
    return Unclear(name, f"it is the name of {len(files)} files: {', '.join(keys)}")


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most
