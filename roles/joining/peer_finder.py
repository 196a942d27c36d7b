"""Finds peers that have what a leecher downloads: which shares have it, and who holds those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from roles.joining.list_copy import MAX_SOURCES, ListCopy, Selection
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import Address, may_dial
from roles.values.listed_file import ListedFile
from roles.wire.fields import MAX_REQUEST_SHARES
from roles.wire.tracker_messages import Holder

# The shortest and longest pause before asking for holders again: when a download begins, everyone
# joins. The pause doubles each time that the answer names nobody new.
PEERS_AGAIN_S = (0.2, 5.0)
# The next pause is at least this many times the work of the last look: a long list that changes
# each second must not keep every leecher's processor busy.
LOOK_SHARE = 4
SAMPLE = 16  # files of a folder for which it looks for newer shares


class Lmk1Sources(Protocol):
    """Where files come from that are fetched in LMK/1."""

    def sought(self) -> tuple[ListedFile, ...]:
        """The files that active downloads fetch in LMK/1."""

    def shares_with(self, select: Callable[[str], Selection | None]) -> Iterable[str]:
        """The shares with something that is sought; `select` is ListCopy's."""

    def look_for_seeders(self) -> None:
        """Ask an original tracker, if that helps. Raises TrackerSilentError."""

    def note_holders(self, asked: Sequence[str], holders: Iterable[Holder]) -> None:
        """These reachable programs have some of these shares."""


class PeerFinder:
    """Owned by the room reader's thread. When is_due(): read() the list, ask(), then rest()."""

    def __init__(
        self,
        locator: TrackerLocator,
        lmk1: Lmk1Sources,
        *,
        sought: Callable[[], Mapping[str, Selection]],
        join: Callable[[Iterable[str]], None],
        found: Callable[[Iterable[Address]], bool],
    ) -> None:
        """`sought` returns what active downloads fetch in LMK/2, by key.

        `join` gets the shares with something that is sought in LMK/2, when they are others than
        before. `found` gets peers of theirs to connect to, and returns whether one of them is new.
        """
        self._locator = locator
        self._lmk1 = lmk1
        self._sought = sought
        self._join = join
        self._found = found
        self._selections: tuple[Selection, ...] = ()  # what was sought when is_due() looked last
        self._last_sought: object = None  # the keys and files of then; None if there were none
        self._lmk2_shares = tuple[str, ...]()  # with something that is sought, as read() found
        self._shares = tuple[str, ...]()  # those, and the ones of LMK/1
        self._joined = tuple[str, ...]()  # what `join` got last
        self._due_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]

    def hurry(self) -> None:
        """Look now and soon again: the network or the tracker is another one."""
        self._due_at, self._pause_s = 0.0, PEERS_AGAIN_S[0]

    def is_due(self, now: float) -> bool:
        sought, files = self._sought(), self._lmk1.sought()
        self._selections = tuple(sought.values())
        if not files and not sought:
            self._last_sought = None
            return False
        if self._last_sought != (files, tuple(sought)):
            self._last_sought = files, tuple(sought)
            self.hurry()
        return now >= self._due_at

    def read(self, copy: ListCopy) -> None:
        """See which shares have some of it now."""
        lmk1 = self._lmk1.shares_with(copy.select)
        lmk2 = (share for each in self._selections for share in _shares_with(copy, each))
        self._lmk2_shares = tuple(dict.fromkeys(lmk2))
        self._shares = tuple(dict.fromkeys((*self._lmk2_shares, *lmk1)))

    def ask(self, client: RoomClient) -> bool:
        """Ask for the holders of these shares; True when one of them is new.

        Raises TrackerSilentError.
        """
        self._lmk1.look_for_seeders()
        if self._lmk2_shares != self._joined:
            self._joined, self._pause_s = self._lmk2_shares, PEERS_AGAIN_S[0]
            self._join(self._joined)
        known = [share for share in self._shares if share]  # an original tracker's are ""
        is_news = False
        for start in range(0, len(known), MAX_REQUEST_SHARES):
            asked = known[start : start + MAX_REQUEST_SHARES]
            is_news |= self._note_holders(asked, client.holders(asked) or ())
        return is_news

    def rest(self, now: float, *, worked_s: float, is_news: bool) -> None:
        """Set the next look, after one that began at `now` and took so much processor time."""
        self._due_at = now + max(self._pause_s, LOOK_SHARE * worked_s)
        self._pause_s = pause_after(self._pause_s, is_news=is_news)

    def _note_holders(self, asked: Sequence[str], holders: Iterable[Holder]) -> bool:
        is_here = self._locator.is_here
        reachable = [
            holder
            for holder in holders
            if not holder.is_unreachable and may_dial(holder.address, is_namer_here=is_here)
        ]
        self._lmk1.note_holders(asked, reachable)
        return self._found([holder.address for holder in reachable if not holder.is_original])


def pause_after(pause_s: float, *, is_news: bool) -> float:
    """The next pause before asking for holders, after one of `pause_s`."""
    return pause_s if is_news else min(PEERS_AGAIN_S[1], 2 * pause_s)


def _shares_with(copy: ListCopy, sought: Selection) -> tuple[str, ...]:
    """The shares that had it when it was asked for, and those that have some of it now."""
    sample = sought.files[:: max(1, len(sought.files) // SAMPLE)]
    now = Counter(
        share
        for file in sample
        if file.content is not None
        for share in copy.shares_of(file.content.root)
    )
    shares = (*sought.shares, *(share for share, _ in now.most_common(MAX_SOURCES)))
    return tuple(dict.fromkeys(shares))[:MAX_SOURCES]
