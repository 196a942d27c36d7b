"""Finds out for a leecher which files a tracker lists for LMK/1, and which seeders have them.

Our trackers list the LMK/1 seeders at one address as a share; original trackers know no shares.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence

from roles.joining.list_copy import Selection
from roles.joining.tracker_locator import TrackerLocator
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
from roles.values.events import FilesListed
from roles.values.listed_file import ListedFile
from roles.values.safe_names import UnsafeNameError, safe_name, shown_name
from roles.wire.tracker_messages import Holder

log = logging.getLogger(__name__)

# A tracker lists at most 5 seeders at a time and rotates, so we remember those of earlier lists.
SEEDER_LIFETIME_S = 120.0
MAX_SEEDERS = 64


class SeederFinder:
    """Owned by the room reader's thread. Any thread may call file() and seeders()."""

    def __init__(
        self, locator: TrackerLocator, sought: Callable[[], tuple[ListedFile, ...]]
    ) -> None:
        """`sought` returns the files that need seeders now."""
        self.sought = sought
        self._locator = locator
        self._client = TrackerClient(locator)
        # Replaced as a whole, because other threads read them without a lock.
        self._files: dict[str, ListedFile] = {}  # by key
        self._seeders: dict[tuple[str, Address], float] = {}  # by share: when they were last listed
        self._shares_of: dict[ListedFile, tuple[str, ...]] = {}  # of the sought files

    def __enter__(self) -> SeederFinder:
        self._client.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def file(self, key: str) -> ListedFile | None:
        """None if it is not listed, or LMK/2 seeders offer it."""
        return self._files.get(key)

    def seeders(self, file: ListedFile) -> tuple[Address, ...]:
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
                log.warning("Refused an entry of the tracker's list: %s.", error)
                refused.append(shown_name(name))
            else:
                files.append(ListedFile(name, size))
        self.take_list(files)
        seeders = tuple(address for share, address in self._seeders if not share)
        return FilesListed(self._locator.shown, tuple(files), seeders, tuple(refused))

    def take_list(self, files: Iterable[ListedFile]) -> None:
        """Take a new list, of which files without a root are LMK/1's."""
        self._files = {file.key: file for file in files if not file.root}

    def shares_with(self, select: Callable[[str], Selection | None]) -> Iterable[str]:
        """All shares that have, or had, a sought file. `select` looks a key up in the list."""
        self._shares_of = {file: self._shares_with(file, select) for file in self.sought()}
        return [share for shares in self._shares_of.values() for share in shares]

    def _shares_with(
        self, file: ListedFile, select: Callable[[str], Selection | None]
    ) -> tuple[str, ...]:
        """LMK/2 seeders may have begun to offer it; as LMK/1 does not identify content, a file of
        this name and size counts as the same.
        """
        known = self._shares_of.get(file, (file.share,))
        now = select(file.key)
        if now is None or now.size != file.size:
            return known
        return tuple(dict.fromkeys((*now.shares, *known)))[:MAX_SEEDERS]

    def look_for_seeders(self) -> None:
        """Ask an original tracker, if one of its files is sought. Raises TrackerSilentError."""
        if any(not file.share for file in self.sought()):
            self._note_seeders()

    def _note_seeders(self) -> None:
        listed = self._client.seeders()
        tracker_host = self._locator.current().host
        seeders = (_reachable(address, tracker_host) for address in listed)
        is_here = self._locator.is_here
        self._keep(("", seeder) for seeder in seeders if _may_ask(seeder, is_here=is_here))

    def note_holders(self, asked: Sequence[str], holders: Iterable[Holder]) -> None:
        """Take the seeders among the holders of the `asked` shares: ours speak LMK/1, too."""
        sought = {share for shares in self._shares_of.values() for share in shares}
        self._keep(
            (asked[index], holder.address)
            for holder in holders
            for index in holder.asked
            if asked[index] in sought and not holder.is_leecher
        )

    def _keep(self, named: Iterable[tuple[str, Address]]) -> None:
        now = time.monotonic()
        seeders = self._seeders | dict.fromkeys(named, now)
        fresh = sorted(seeders.items(), key=lambda item: -item[1])[:MAX_SEEDERS]
        self._seeders = {key: seen for key, seen in fresh if now - seen < SEEDER_LIFETIME_S}


def _reachable(address: Address, tracker_host: str) -> Address:
    """The address at which this machine reaches the seeder.

    An original tracker lists what its seeders typed, so a loopback address means the tracker's
    machine.
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
    """Whether to follow the tracker to this address. A host name is checked once it is resolved."""
    if ip_of(seeder.host) is None:
        return not service_at(seeder.port)
    return may_dial(seeder, is_namer_here=is_here)
