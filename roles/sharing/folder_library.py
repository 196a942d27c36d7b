"""A seeder's library: watches the shared folder, hashes it and offers its content.

A changed file is withdrawn at once and offered again after it has been hashed.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from roles.disk.holding import Holding
from roles.sharing.digest_cache import DigestCache
from roles.sharing.folder_tree import (
    FolderTree,
    TopListing,
    TreeFile,
    TreeFolder,
    scan_tree,
    with_more,
)
from roles.sharing.hashing import FileReading, HashingThreads, Reading, SmallFilesReading
from roles.sharing.holdings import FileHolding
from roles.sharing.offers import LibrarySnapshot, Offers
from roles.sharing.pack_plan import is_packed, pack_key, plan_packs
from roles.sharing.written_files import WrittenFiles, is_put_off, is_settled
from roles.values.content import DIGEST_SIZE, MIN_CHUNK_SIZE
from roles.values.disk_names import from_disk
from roles.values.errors import ShortageError, StorageError
from roles.values.events import HashingChanged, Post, Skipped, SkipReason
from roles.values.list_lines import ReadingLine, encode_line
from roles.values.settings import LOOK_S

log = logging.getLogger(__name__)

_LOOK_SHARE = 10  # the pause after a scan is this many times as long as the scan
PUBLISH_S = 0.8  # between two snapshots while hashing
_POST_S = 0.25
_MOST_LOGGED = 10_000  # lines for one reason: half of what the log keeps


class FolderLibrary:
    """One thread calls run(); any thread may call the other methods.

    The constructor reads the cache file.
    """

    def __init__(
        self,
        path: Path,
        cache_file: Path | None,
        post: Post,
        stopping: threading.Event,
        look_s: float = LOOK_S,
    ) -> None:
        """`cache_file` keeps digests and the share's id; None: keep nothing. `look_s`: between two
        scans.
        """
        self.path = path
        self._post = post
        self._stopping, self._look_s = stopping, look_s
        self._cache = DigestCache(cache_file)
        self.share_id = self._cache.share_id
        self.notice = self._cache.notice  # for the user
        self.name = from_disk(_own_name(path) or "files").encode(errors="replace").decode()
        self.snapshot = LibrarySnapshot()
        self.top: TopListing | None = None  # of the last scan, replaced whole; None before it
        self.changed = threading.Event()  # the snapshot was replaced; the reader clears it
        self._wake = threading.Event()
        self._held = dict[bytes, Holding]()  # replaced whole
        # Protects changes of the next eight, and of the snapshot.
        self._lock = threading.Lock()
        self._offers = Offers(path)
        self._distrusted = set[str | bytes]()  # withdrawn paths and pack keys
        self._more_lines = frozenset[str]()  # of the list, about the share itself
        self._tree = FolderTree((), (), ())  # of the last scan
        self._seen = dict[str, TreeFile]()  # its files
        self._failed = set[str]()  # paths that could not be read as scanned
        self._written = WrittenFiles()
        self._files_left = 0  # when last published
        # Only run() uses the rest.
        self._hashing = HashingThreads(path, stopping)
        self._logged: Sequence[Skipped] = ()
        self._is_complete = False  # everything in the tree has been hashed
        self._under_way = set[str]()  # paths being hashed
        self._unsettled = set[str]()  # paths to hash again, because a change may be unnoticed
        self._adding = set[Reading]()  # those that will add a file to the list
        self._next_look = self._next_publish = self._next_post = 0.0
        self._hashed = self._to_hash = 0  # bytes

    def find(self, root: bytes) -> Holding | None:
        return self._held.get(root)

    def at(self, path: str) -> FileHolding | None:
        """The file of that path, if it has been hashed."""
        return self._offers.files.get(path)

    def offered(self) -> tuple[list[TreeFile], tuple[TreeFolder, ...]]:
        """All files that have been hashed, and all folders."""
        with self._lock:
            return [holding.file for holding in self._offers.files.values()], self._offers.folders

    def withdraw(self, root: bytes) -> None:
        with self._lock:
            paths, keys = self._offers.drop(root)
            self._distrusted |= paths
            self._distrusted |= keys
            self._publish_locked()
        self.wake()

    def files(self) -> dict[str, FileHolding]:
        """The files that have been hashed, by path."""
        with self._lock:
            return dict(self._offers.files)

    def add_line(self, line: str) -> None:
        """Tell readers of the list something about the share itself; `line` is one of its lines."""
        with self._lock:
            self._more_lines |= {line}
            self._tell_more_locked()

    def remove_line(self, line: str) -> None:
        """Undo add_line()."""
        with self._lock:
            self._more_lines -= {line}
            self._tell_more_locked()

    def wake(self) -> None:
        """Look at the folder now, and whether to stop. From any thread."""
        self._wake.set()

    def run(self) -> None:
        """Scan, hash, and watch for changes until `stopping` is set; wake() ends a wait. May be
        called again.
        """
        is_first = True
        self._under_way.clear()  # left by a run that failed for lack of memory
        self._adding.clear()
        self._hashed = self._to_hash = 0
        while not self._stopping.is_set():
            self._look()
            has_read = False
            for reading, size, has_ended in self._hashing.run():
                has_read = True
                self._note(reading, size, has_ended)
                if self._is_look_due():
                    self._look()
            if self._stopping.is_set():
                break
            if has_read:
                self._publish()
            if self._to_hash or is_first:
                self._post(HashingChanged(self._to_hash, self._to_hash, 0))
            self._hashed = self._to_hash = 0
            is_first = False
            while not self._stopping.is_set() and not self._is_look_due():
                self._wake.wait(max(0.0, self._next_look - time.monotonic()))
        self._cache.save(self._seen, self._offers.packed)

    def _is_look_due(self) -> bool:
        return self._wake.is_set() or time.monotonic() >= self._next_look

    def _look(self) -> None:
        """Scan the folder, offer what is known of it, and start hashing the rest."""
        self._wake.clear()
        started = time.monotonic()
        with self._lock:
            distrusted, self._distrusted = self._distrusted, set()
        for key in distrusted:
            self._cache.forget(key)
        try:
            tree = scan_tree(self.path, self._stopping)
        except ShortageError as error:  # the folder may be fine, so keep offering it
            log.info("%s", error)
            with self._lock:
                self._distrusted |= distrusted
            self._next_look = time.monotonic() + self._look_s
            return
        except StorageError as error:
            tree = FolderTree((), (), (), str(error))
            if tree.problem != self._tree.problem:
                log.warning("%s", error)
        if self._stopping.is_set():
            return
        scanned = time.monotonic()
        self._next_look = scanned + max(self._look_s, _LOOK_SHARE * (scanned - started))
        if tree == self._tree and self._is_complete and not distrusted:
            return
        self._compare(tree)
        self._plan(tree)
        self._publish()
        self._read_anew(tree)

    def _compare(self, tree: FolderTree) -> None:
        """Update the offers after a scan, as far as we know the digests."""
        seen = {file.path: file for file in tree.files}
        top = TopListing.of(tree)
        self.top = self.top if top == self.top else top
        now_ns = time.time_ns()
        self._unsettled &= seen.keys()
        with self._lock:
            self._tree, self._seen = tree, seen
            self._failed &= seen.keys()
            offered = self._offers.files
            self._offers.folders = tree.folders
            for path in offered.keys() - self._seen.keys():
                del offered[path]
            for file in tree.files:
                before = offered.get(file.path)
                if before is not None and before.file == file:
                    continue
                if before is not None and _is_the_same(before.file, file):
                    digests: bytes | None = before.digests()
                elif file.size:
                    digests = self._cache.digests(file)
                else:
                    digests = None if is_put_off(file, now_ns) else b""
                if digests is not None and file.path not in self._distrusted:
                    self._offers.offer(file, digests)
                else:
                    offered.pop(file.path, None)
            lacking = seen.keys() - offered.keys() - self._failed
            files = (seen[path] for path in lacking)
            self._written.note(files, now=time.monotonic(), now_ns=now_ns)

    def _plan(self, tree: FolderTree) -> None:
        """Plan the packs, without files that cannot be read."""
        with self._lock:
            small = [
                file
                for file in tree.files
                if is_packed(file.size)
                and (file.path not in self._failed or file.path in self._offers.files)
            ]
            self._offers.set_plan(plan_packs((file.path, file.size) for file in small))
            keys = set[bytes]()
            for paths in self._offers.plan:
                key = self._offers.key_of(paths)
                if key is None:
                    continue
                keys.add(key)
                digests = self._offers.packed.get(key) or self._cache.pack_digests(key)
                if digests and self._fits(paths, digests) and key not in self._distrusted:
                    self._offers.packed[key] = digests
            for key in self._offers.packed.keys() - keys:
                del self._offers.packed[key]

    def _fits(self, paths: Collection[str], digests: bytes) -> bool:
        size = sum(self._seen[path].size for path in paths)
        return len(digests) == DIGEST_SIZE * -(-size // MIN_CHUNK_SIZE)

    def _read_anew(self, tree: FolderTree) -> None:
        """Start hashing every pack and file with unknown digests."""
        with self._lock:
            offered = set(self._offers.files)
            keys = [self._offers.key_of(paths) for paths in self._offers.plan]
            wanted = [
                paths
                for paths, key in zip(self._offers.plan, keys, strict=True)
                if key is None or key not in self._offers.packed
            ]
        for paths in wanted:
            if self._under_way.isdisjoint(paths):
                members = [self._seen[path] for path in paths]
                self._take_on(SmallFilesReading(members, is_joined=True), offered)
        now_ns = time.time_ns()
        single = list[TreeFile]()
        for file in tree.files:
            is_doubtful = (
                file.path in self._unsettled and is_settled(file.mtime_ns, now_ns)
            ) or file.path not in offered
            if is_doubtful and file.path not in self._under_way:
                single.append(file)
        self._is_complete = not (wanted or single or self._unsettled)
        small = [file for file in single if is_packed(file.size)]
        if small:
            self._take_on(SmallFilesReading(small, is_joined=False), offered)
        for file in single:
            if not is_packed(file.size) and not is_put_off(file, now_ns):
                self._take_on(FileReading(file), offered)

    def _take_on(self, reading: Reading, offered: set[str]) -> None:
        paths = {file.path for file in reading.files}
        self._under_way |= paths
        self._hashing.add(reading)
        if paths - offered - self._failed:
            self._adding.add(reading)
            self._to_hash += reading.size

    def _note(self, reading: Reading, size: int, has_ended: bool) -> None:
        """Count `size` bytes of a reading as hashed."""
        if reading in self._adding:
            self._hashed += size
        if has_ended:
            self._take(reading)
        now = time.monotonic()
        if now >= self._next_publish:
            self._publish()
        if now >= self._next_post and self._hashed < self._to_hash:
            self._next_post = now + _POST_S
            self._post(HashingChanged(self._hashed, self._to_hash, self._files_left))

    def _take(self, reading: Reading) -> None:
        """Offer what was hashed, if the folder still has it."""
        pairs = list(zip(reading.files, reading.digests(), strict=True))
        joined = reading.joined_digests()
        roots = list[bytes]()
        with self._lock:
            for file, digests in pairs:
                self._under_way.discard(file.path)
                now = self._seen.get(file.path)
                if digests is None:
                    self._offers.files.pop(file.path, None)
                    self._failed.add(file.path)
                elif now is not None and now.has_content_of(file):
                    self._keep(now, digests, reading.started_ns)
                    roots.append(self._offers.files[file.path].content.root)
            if joined is not None and len(roots) == len(pairs):
                key = pack_key(roots)
                self._cache.keep_pack(key, joined)
                self._offers.packed[key] = joined
            for file, _ in pairs:  # withdrawn meanwhile, so hash it again
                if file.path in self._distrusted:
                    self._offers.files.pop(file.path, None)
        self._adding.discard(reading)

    def _keep(self, file: TreeFile, digests: bytes, hashed_at_ns: int) -> None:
        self._failed.discard(file.path)
        self._cache.keep(file, digests, hashed_at_ns)
        self._offers.offer(file, digests)
        if is_settled(file.mtime_ns, hashed_at_ns):
            self._unsettled.discard(file.path)
        else:
            self._unsettled.add(file.path)

    def _publish(self) -> None:
        with self._lock:
            self._publish_locked()
        self._log_skipped(self.snapshot.skipped)
        self._cache.save(self._seen, self._offers.packed)
        self._next_publish = time.monotonic() + PUBLISH_S

    def _publish_locked(self) -> None:
        files = self._offers.files.values()
        before = self.snapshot
        self._held = self._offers.held()
        size = sum(file.content.size for file in files)
        lines = (*self._offers.lines(), *sorted(self._more_lines))
        files_left = self._files_left = self._count_left()
        if files_left:
            lines = (*lines, encode_line(ReadingLine(files_left)))
        tree, is_whole = self._tree, not files_left
        more = {
            SkipReason.UNREADABLE: self._failed - self._offers.files.keys(),
            SkipReason.WRITTEN: self._written.for_too_long(time.monotonic()),
        }
        skipped = with_more(tree.skipped, more)
        what = (lines, len(files), size, tree.problem, skipped, is_whole)
        if LibrarySnapshot(before.revision, *what) != before:
            self.snapshot = LibrarySnapshot(before.revision + 1, *what)
            self.changed.set()

    def _tell_more_locked(self) -> None:
        if self.snapshot.revision:  # else the first scan tells it
            self._publish_locked()

    def _log_skipped(self, skipped: Sequence[Skipped]) -> None:
        """Log each skipped file once; window and terminal show only the first few."""
        if skipped is self._logged:
            return
        before = {reason.why: set(reason.paths) for reason in self._logged}
        self._logged = skipped
        for reason in skipped:
            fresh = [path for path in reason.paths if path not in before.get(reason.why, ())]
            for path in fresh[:_MOST_LOGGED]:
                log.info("Not shared (%s): %s", reason.why.value, path)
            if len(fresh) > _MOST_LOGGED:
                log.info("Not shared (%s): %d more", reason.why.value, len(fresh) - _MOST_LOGGED)

    def _count_left(self) -> int:
        """How many files will be offered once hashed. Call with the lock held."""
        left = self._seen.keys() - self._offers.files.keys() - self._failed
        return len(left.difference(self._written.for_too_long(time.monotonic())))


def _own_name(path: Path) -> str:
    """If `path` is a link, the name of the folder that it points to."""
    return os.path.basename(os.path.realpath(path))  # noqa: PTH119  # Path.resolve() raises there


def _is_the_same(before: TreeFile, now: TreeFile) -> bool:
    """Whether an offered file still has its content. An empty one has, whatever its time."""
    return before.has_content_of(now) or not (before.size or now.size)
