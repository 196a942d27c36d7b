"""A download without a network, with system calls on names, times and rights that can be refused.

A kill is an exception that nothing catches; after it no call does anything, as after a real kill.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from unittest import mock

from roles.disk import disk_calls
from roles.disk.leftovers import drop_packs
from roles.disk.reserved_space import ReservedSpace
from roles.disk.stored_names import StoredNames
from roles.downloads.download import Download
from roles.downloads.download_life import DownloadContext
from roles.joining.list_copy import Selection
from roles.joining.listed_share import Pack
from roles.swarm.content_transfer import ContentTransfer, Store
from roles.swarm.outlook import Outlook
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.content import Content
from roles.values.errors import LmkError
from roles.values.events import DownloadChanged, FileEnded, FilesEnded, FolderRenamed, RoleEvent
from roles.values.list_lines import FileLine, FolderLine, PackLine
from roles.values.settings import Existing, LeecherSettings
from roles.worker import failure_of
from tests.disks import described
from tests.support import LIMIT_S

CALLS = (
    "link",
    "unlink",
    "rename",
    "replace",
    "sync",
    "sync_all",
    "set_times",
    "set_mode",
    "truncate",
)
_WAITING = {"sync", "sync_all"}  # no test can see what these change, and they take long


class Killed(BaseException):
    """The program ended here."""


class DiskCalls:
    """What happens at each of the calls; the count over all of them starts at 1."""

    def __init__(self) -> None:
        self.made = list[str]()
        self.kill_after = 0
        self.fail: Callable[[int, str], OSError | MemoryError | None] = lambda _number, _name: None
        self.is_killed = False

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Inside, all calls are ours."""
        with ExitStack() as stack:
            for name in CALLS:
                call = self._called(name, getattr(disk_calls, name))
                stack.enter_context(mock.patch.object(disk_calls, name, call))
            yield

    def _called(self, name: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object, **options: object) -> None:
            if self.is_killed:
                raise Killed
            self.made.append(name)
            error = self.fail(len(self.made), name)
            if error is not None:
                raise error
            try:
                if name not in _WAITING:
                    real(*args, **options)
            finally:
                if len(self.made) == self.kill_after:
                    self.is_killed = True
                    raise Killed

        return call


class _InstantSwarm:
    """Every chunk that is requested is here at once."""

    is_busy = True

    def __init__(self, contents: Mapping[bytes, tuple[bytes, bytes]]) -> None:
        """`contents`: the bytes and the digests of each root."""
        self._contents = contents
        self.asked = 0  # chunks
        self.came: Callable[[ContentTransfer, int], None] = lambda _transfer, _index: None

    def locked(self) -> AbstractContextManager[None]:
        return nullcontext()

    def add(self, transfer: ContentTransfer) -> None:
        if not transfer.is_single:
            transfer.learn(self._contents[transfer.content.root][1])

    def ask(self, transfer: ContentTransfer, store: Store, had: int) -> None:
        content = transfer.content
        transfer.store, transfer.plan.had = store, had
        transfer.is_asking = True
        data = self._contents[content.root][0]
        for index in range(content.count):
            if not transfer.plan.had >> index & 1:
                start = index * content.chunk_size
                piece = memoryview(data)[start : start + content.length(index)]
                store.write(start, piece)
                transfer.plan.had |= 1 << index
                self.asked += 1
                self.came(transfer, index)

    def remove(self, transfer: ContentTransfer) -> None:
        transfer.is_asking = False


class _InstantPeer:
    """Is also its own downloads."""

    def __init__(self, swarm: _InstantSwarm) -> None:
        self.swarm = swarm
        self.library = SwarmLibrary()
        self.downloads = self

    def join(self, _shares: object) -> None:
        """Nobody is told."""

    def outlook(self, _transfers: object) -> Outlook:
        nothing = frozenset[int]()
        return Outlook(
            1,
            1,
            is_receiving=True,
            position=0,
            newest_at=0.0,
            held=nothing,
            lied_about=nothing,
            all_suspect=False,
        )

    def sources(self) -> tuple[()]:
        return ()


class LocalDownload:
    """A share of these files and folders, downloaded any number of times."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        folders: Mapping[str, int],
        packed: Sequence[Sequence[str]] = (),
        mtime: int | None = 1_400_000_000,
    ) -> None:
        """`folders` with their times; `packed`: paths of small files that come as one pack."""
        self._contents = dict[bytes, tuple[bytes, bytes]]()
        lines = [
            FileLine(path, len(data), self._content(data), mtime, path.endswith(".sh"))
            for path, data in sorted(files.items())
        ]
        by_path = {line.path: line for line in lines}
        self._packs = list[Pack]()
        for paths in packed:
            joined = self._content(b"".join(files[path] for path in paths))
            line = PackLine(joined, paths[0], len(paths))
            self._packs.append(Pack(line, tuple(by_path[path] for path in paths)))
        made = tuple(FolderLine(path, time) for path, time in folders.items())
        self._wanted = Selection("lesson", tuple(lines), made, ("0" * 16,))
        self.ended = list[FileEnded]()  # of the last run
        self.folders = list[FolderRenamed]()
        self.changes = list[DownloadChanged]()
        self.asked = 0  # chunks, in the last run
        # Called when a chunk was written, while the download waits.
        self.came: Callable[[ContentTransfer, int], None] = lambda _transfer, _index: None

    def _content(self, data: bytes) -> Content:
        content, digests = described(data)
        self._contents[content.root] = (data, digests)
        return content

    def run(self, target: Path, existing: Existing = Existing.SKIP) -> LmkError | None:
        """Download it like a new process. Returns the error that it failed with; raises Killed."""
        self.ended, self.folders, self.changes = [], [], []
        swarm = _InstantSwarm(self._contents)
        swarm.came = self.came
        settings = LeecherSettings(target, give_up_after_s=LIMIT_S, waits_for_space=False)
        download = Download(
            "lesson",
            self._wanted,
            self._packs,
            existing,
            _InstantPeer(swarm),  # type: ignore[arg-type]
            DownloadContext(settings, ReservedSpace(target), self._note, lambda: None),
            names=StoredNames(windows=os.name == "nt"),
        )
        try:
            download._direct()
            drop_packs(target)
        except (LmkError, MemoryError) as error:  # like the thread of a download
            download.leave()
            return failure_of(error)
        except Killed:  # descriptors and locks end with a process
            for transfer in download._queue.transfers:
                transfer._file._set_known(None)
                transfer._file.file.close()
            raise
        finally:
            self.asked = swarm.asked
        download.leave()
        return None

    def _note(self, event: RoleEvent) -> None:
        if isinstance(event, FilesEnded):
            self.ended += event.files
            self.folders += event.folders
        elif isinstance(event, DownloadChanged):
            self.changes.append(event)
