"""What a tracker lists of LMK/1, and which seeders have it, for a leecher.

At a tracker of ours each place with seeders of LMK/1 is a share; an original tracker knows none.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence

from roles.joining.listed_room import Wanted
from roles.joining.tracker_place import TrackerPlace
from roles.lmk1.tracker_client import TrackerClient
from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    Address,
    ip_of,
    is_loopback,
    may_dial,
    service_at,
)
from roles.values.events import FilesListed, ListedFile
from roles.values.safe_names import UnsafeNameError, safe_name, shown_name
from roles.wire.tracker_messages import Holder

log = logging.getLogger(__name__)

# A tracker names at most 5 at a time, others in turn: those of earlier lists count too.
SEEDER_LIFETIME_S = 120.0
MAX_SEEDERS = 64


class SeederFinder:
    """Owned by the lister's thread; file() and seeders() may be called from any."""

    def __init__(
        self,
        place: TrackerPlace,
        should_stop: Callable[[], bool],
        sought: Callable[[], tuple[ListedFile, ...]],
    ) -> None:
        """`sought`: what is downloaded now."""
        self.sought = sought
        self._place = place
        self._client = TrackerClient(place, should_stop)
        # Each replaced whole: downloads read them often, and a long list takes a while.
        self._files: dict[str, ListedFile] = {}  # by key
        self._seeders: dict[tuple[str, Address], float] = {}  # by share: when they were named last
        self._shares_of: dict[ListedFile, tuple[str, ...]] = {}  # of what is downloaded

    def __enter__(self) -> SeederFinder:
        self._client.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def file(self, key: str) -> ListedFile | None:
        """The file of this key when only seeders of LMK/1 offer it."""
        return self._files.get(key)

    def seeders(self, file: ListedFile) -> tuple[Address, ...]:
        """Those that have this file."""
        shares = self._shares_of.get(file, (file.share,))
        return tuple(dict.fromkeys(address for at, address in self._seeders if at in shares))

    def list_of_original(self) -> FilesListed:
        """The list of an original tracker. Raises TrackerSilentError."""
        sizes = self._client.files()
        self._note_seeders()
        files, refused = list[ListedFile](), list[str]()
        for name, size in sorted(sizes.items()):
            try:
                safe_name(name, windows=os.name == "nt")
            except UnsafeNameError as error:
                log.warning("refused an entry of the tracker's list: %s", error)
                refused.append(shown_name(name))
            else:
                files.append(ListedFile(name, size))
        self.take_list(files)
        seeders = tuple(address for share, address in self._seeders if not share)
        return FilesListed(self._place.shown, tuple(files), seeders, tuple(refused))

    def take_list(self, files: Iterable[ListedFile]) -> None:
        """The newest list: the files without a root are those of LMK/1."""
        self._files = {file.key: file for file in files if not file.root}

    def shares_with(self, resolve: Callable[[str], Wanted | None]) -> Iterable[str]:
        """Every share that has, or had, something that is sought."""
        self._shares_of = {file: self._shares_with(file, resolve) for file in self.sought()}
        return [share for shares in self._shares_of.values() for share in shares]

    def _shares_with(
        self, file: ListedFile, resolve: Callable[[str], Wanted | None]
    ) -> tuple[str, ...]:
        """Seeders of ours may have begun to offer it: LMK/1 tells no content from another of its
        size.
        """
        known = self._shares_of.get(file, (file.share,))
        now = resolve(file.key)
        if now is None or now.size != file.size:
            return known
        return tuple(dict.fromkeys((*now.shares, *known)))[:MAX_SEEDERS]

    def look_for_seeders(self) -> None:
        """Ask an original tracker if a file of its list is sought. Raises TrackerSilentError."""
        if any(not file.share for file in self.sought()):
            self._note_seeders()

    def _note_seeders(self) -> None:
        listed = self._client.seeders()
        tracker_host = self._client.looked_up().host
        found = (_reachable(address, tracker_host) for address in listed)
        is_here = self._place.is_here
        self._keep(("", one) for one in found if _may_ask(one, is_here=is_here))

    def note_holders(self, asked: Sequence[str], holders: Iterable[Holder]) -> None:
        """These take part in the shares that were asked for: seeders of ours speak LMK/1 too."""
        sought = {share for shares in self._shares_of.values() for share in shares}
        self._keep(
            (asked[index], holder.address)
            for holder in holders
            for index in holder.asked
            if asked[index] in sought and not holder.is_leecher
        )

    def _keep(self, named: Iterable[tuple[str, Address]]) -> None:
        """These were named now."""
        now = time.monotonic()
        seeders = self._seeders | dict.fromkeys(named, now)
        fresh = sorted(seeders.items(), key=lambda item: -item[1])[:MAX_SEEDERS]
        self._seeders = {key: seen for key, seen in fresh if now - seen < SEEDER_LIFETIME_S}


def _reachable(address: Address, tracker_host: str) -> Address:
    """The same seeder as this machine reaches it.

    An original tracker hands on what its seeders typed: loopback means the tracker's machine, not
    this one.
    """
    if is_loopback(address.host) and not is_loopback(tracker_host):
        return Address(tracker_host, address.port)
    if address.host == EVERY_INTERFACE:
        host = LOOPBACK if is_loopback(tracker_host) else tracker_host
        return Address(host, address.port)
    if is_loopback(address.host) and ip_of(address.host) is None:
        return Address(LOOPBACK, address.port)
    return address


def _may_ask(seeder: Address, *, is_here: bool) -> bool:
    """Whether the tracker may send this machine there; what a name stands for is looked at when it
    is connected to.
    """
    if ip_of(seeder.host) is None:
        return not service_at(seeder.port)
    return may_dial(seeder, is_namer_here=is_here)
