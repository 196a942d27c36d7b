"""What the user wants to see of the list, and in which order the rows of one folder stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import TypeAlias

from roles.values.listed_file import ListedFile
from ui.columns import SortKey
from ui.window.leecher_model import LeecherModel
from ui.window.list_columns import FILE_COLUMNS, NAME_COLUMN, NO_PLACE, QUEUE_COLUMN, SIZE_COLUMN
from ui.window.list_row import ListRow, Node, file_node, place_of, row_of

# What stands in one folder. There may be 100,000 files, so not each gets a node to be sorted by.
Entry: TypeAlias = ListedFile | Node


class RowFilter(Enum):
    """Which rows the list has."""

    ALL = "all"
    DOWNLOADING = "downloading"  # what has been asked for and has not ended
    PROBLEMS = "problems"  # what needs the user


@dataclass(frozen=True, slots=True)
class ListView:
    """What the user wants to see of the list, and in which order."""

    wanted: str = ""  # only files with this text in their names
    shown: RowFilter = RowFilter.ALL
    column: int = NAME_COLUMN  # to sort by
    is_falling: bool = False

    @property
    def text(self) -> str:
        return self.wanted.casefold()


def by_name(entries: Iterable[Entry]) -> list[Entry]:
    """Sort what is in one folder as FileList sorts files."""

    def name_of(entry: Entry) -> str:
        path = entry.name if isinstance(entry, ListedFile) else entry.path
        return (path or entry.name).casefold()

    return sorted(entries, key=name_of)


def in_order(
    entries: Sequence[Entry], share: str, model: LeecherModel, view: ListView
) -> Iterable[Entry]:
    """Put entries, which are sorted by name, in the order of the view. `share` is the one whose
    folder they are in; "" for various.
    """
    if view.column == NAME_COLUMN:
        return reversed(entries) if view.is_falling else entries
    key: Callable[[Entry], SortKey]
    if view.column == SIZE_COLUMN:
        key = attrgetter("size")
    elif view.column == QUEUE_COLUMN:
        key = _by_place(share, model)
    else:
        key = _by_row(share, model, FILE_COLUMNS[view.column].key)
    return sorted(entries, key=key, reverse=view.is_falling)


def _by_place(share: str, model: LeecherModel) -> Callable[[Entry], int]:
    running_in = _running_in(model)

    def place(entry: Entry) -> int:
        if isinstance(entry, Node):
            return place_of(entry, model) or NO_PLACE
        if own := model.place_of(entry.key):
            return own
        if not model.first:
            return NO_PLACE  # soon, because there may be 100,000 files
        running = running_in(share or entry.share, _folder_of(entry))
        return model.rank_of(running, entry.name) or NO_PLACE

    return place


def _by_row(
    share: str, model: LeecherModel, by: Callable[[ListRow], SortKey]
) -> Callable[[Entry], SortKey]:
    """Files of a folder that are in the same state sort alike, so only one of them needs a row."""
    running_in, known = _running_in(model), dict[object, SortKey]()

    def state_of(file: ListedFile) -> object:
        """Equal for files that sort alike."""
        shared = share or file.share
        running = running_in(shared, _folder_of(file))
        is_moving = running and model.parts.file(running, file.name) is not None
        if is_moving or file.key in model.downloads:
            return file.key
        ended = model.parts.ended(shared, file.name)
        return running, None if ended is None else ended.state

    def sort_key(entry: Entry) -> SortKey:
        if isinstance(entry, Node):
            return by(row_of(entry, model))
        state = state_of(entry)
        if state not in known:
            known[state] = by(row_of(file_node(entry, share), model))
        return known[state]

    return sort_key


def _running_in(model: LeecherModel) -> Callable[[str, str], str]:
    """A function that names the running download of a folder in a share; "" for none."""

    @cache
    def running_in(share: str, folder: str) -> str:
        running = model.running_above(share, f"{folder}/")  # of anything in it
        return "" if running is None else running.name

    return running_in


def _folder_of(file: ListedFile) -> str:
    return file.name.rpartition("/")[0]
