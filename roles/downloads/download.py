"""A file or a whole folder that the user asked for: one state, one progress, one end.

What the target folder has already is not fetched. The rest comes as files and packs, some at a
time, each uploaded to others from its first chunk on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from roles.disk.leftovers import drop_member_partials, drop_partials, pack_stored
from roles.disk.stored_names import StoredNames
from roles.disk.target_folder import TargetFolder
from roles.downloads.comparison import Comparison, versions_of
from roles.downloads.content_queue import ContentQueue
from roles.downloads.download_life import (
    QUEUED_AT_PEERS_S,
    DownloadContext,
    DownloadLife,
    all_damaged,
)
from roles.downloads.download_scope import FollowedScope, NewestScope, Scope, identity_of
from roles.downloads.file_order import FileOrder
from roles.downloads.file_tally import FileTally
from roles.downloads.made_folders import MadeFolders
from roles.downloads.swarm_peer import SwarmPeer
from roles.downloads.wanted import WantedFile
from roles.downloads.watched_folder import WatchedFolder
from roles.joining.list_copy import Selection
from roles.joining.listed_share import Pack
from roles.joining.room_reader import RoomReader
from roles.net.rates import RateMeter, seconds_left
from roles.swarm.content_transfer import ContentTransfer
from roles.swarm.outlook import Outlook
from roles.values.errors import (
    DiskFullError,
    LmkError,
    NoSeederError,
    StoppedError,
)
from roles.values.events import (
    CUT_OFF,
    LACKS_PIECES,
    NOT_OFFERED,
    UNREACHABLE,
    DownloadChanged,
    DownloadState,
    FileEnded,
    FilesEnded,
    UpdateFound,
    stored_path,
)
from roles.values.figures import count
from roles.values.list_lines import FileLine
from roles.values.safe_names import shown_name
from roles.values.settings import Existing
from roles.values.stopping import until_stopped

log = logging.getLogger(__name__)

TICK_S = 0.25
MOVING_S = 2.0  # since the last chunk
LOST_AGAIN_S = 1.0  # between two looks at what is not listed any more


class Download(DownloadLife):
    """Posts DownloadChanged and, for a folder, FilesEnded."""

    def __init__(
        self,
        key: str,
        wanted: Selection,
        packs: Sequence[Pack],
        existing: Existing,
        peer: SwarmPeer,
        context: DownloadContext,
        *,
        names: StoredNames,
        stamp: int = 0,
        is_home_ours: bool = False,
    ) -> None:
        """`peer` is the leecher's; `names` belong to the folder that this goes to. `stamp`: of the
        list that `wanted` is from. `is_home_ours`: the folder of its share was not there before it
        was first asked for.
        """
        super().__init__(key, existing, context)
        settings = self._settings
        self.is_folder = wanted.is_folder
        self.newest = NewestScope(wanted, packs, names)  # the leecher's thread updates it
        self._stamp = stamp
        self._followed = FollowedScope(self.newest.scope)
        self._peer = peer
        self._home, self._is_home_ours = names.home, is_home_ours
        self.path = settings.folder.joinpath(*names.home)  # where the files of the share go
        self._target = TargetFolder(settings.folder, existing, self.stopping)
        self._folders = MadeFolders(self._target, names.home)
        versions = versions_of(key, settings.state_folder, self.path)
        self._comparison = Comparison(self._target, versions)
        self._tally = FileTally(self._tell_files)
        self._queue = ContentQueue(self._target, peer, self._space, self._tally, self.woken.set)
        self._is_planned = False  # the queue has all that is missing
        self.watched = WatchedFolder()
        self._meter = RateMeter(now=time.monotonic())
        self._moved = float("-inf")
        self._lost_at = 0.0
        # Set by the leecher's thread:
        self.order = self._followed_order = FileOrder()  # in which its files come; replaced whole
        self._tries_again = False  # what failed so far is fetched once more

    @property
    def wanted(self) -> Selection:
        return self._followed.wanted

    @property
    def title(self) -> str:
        """Safe to show."""
        return self.wanted.title

    @property
    def home(self) -> str:
        """Its folder below the target folder; "" for the target folder itself."""
        return "".join(self._home)

    @property
    def collision_keys(self) -> frozenset[str]:
        return self.newest.collision_keys

    @property
    def at_the_end(self) -> DownloadState:
        return DownloadState.PAUSED

    @property
    def rate(self) -> float:
        is_moving = self.state is DownloadState.DOWNLOADING
        return self._meter.rate(now=time.monotonic()) if is_moving else 0.0

    def follow(self, lists: RoomReader, running: Iterable[DownloadLife]) -> None:
        stamp = lists.stamp(self.key)
        if stamp == self._stamp:
            return
        self.waits_for = None
        selected = lists.select(self.key)
        if selected is None:
            self.newest.lose()
        else:
            names = self.newest.names_of_others(selected[0])
            others = (other for other in running if other is not self)
            self.waits_for = next((other for other in others if other.collision_keys & names), None)
            if self.waits_for is not None:
                return
            self.newest.follow(*selected)
        self._stamp = stamp
        self.woken.set()

    def put_in_order(self, order: FileOrder) -> None:
        self.order = order
        self.woken.set()

    def try_again(self) -> None:
        """Fetch once more what has failed so far."""
        self._tries_again = True
        self.woken.set()

    def transfer_of(self, path: str) -> ContentTransfer | None:
        """The content of one of its files, "" for the only one, while it is on its way."""
        files = self.wanted.files
        name = files[0].path if not path and files and not self.is_folder else path
        return self._queue.transfer_of(name)

    def discard(self) -> None:
        for error in self._queue.discard():
            log.warning("%s", error)

    def _forget(self) -> None:
        scope = self.newest.scope
        files = [stored for stored in scope.stored.values() if isinstance(stored, tuple)]
        packs = [pack_stored(pack.line.content) for pack in scope.packs]
        drop_partials(self._settings.folder, files + packs)
        made = {self._home, *scope.folders, *(stored[:-1] for stored in files)}
        self._target.remove_made_folders(made if self._is_home_ours else ())

    def leave(self) -> None:
        self._queue.leave()

    def _can_go_on_after(self, _failure: LmkError) -> bool:
        return True  # what came is checked anew when it goes on

    def _direct(self) -> None:
        try:
            self._bring()
        except StoppedError:  # _settle() does what was asked for
            self._is_planned = False

    def _bring(self) -> None:
        if not (self._goes_on and self._is_planned):
            self._begin()
        if self.stopping.is_set():
            return
        self._peer.join(self.wanted.shares)
        self._still_since = time.monotonic()
        self._patience.renew(self._still_since, waited_s=self._waited_s)
        try:
            self._fetch_all()
        finally:
            if self._gives_way:
                self._queue.put_back()
            self._queue.stand_still()
            self._tally.flush()
            self._comparison.save()
        if not self.stopping.is_set():
            self._target.set_folder_times()
            self._conclude()

    def _begin(self) -> None:
        """Look what the target folder has, and plan the rest."""
        self._is_planned = False
        self._tally.begin()
        self._folders.begin()
        scope = self.newest.scope
        self._followed = FollowedScope(scope)
        self._set_state(DownloadState.CHECKING)
        places = (stored for stored in scope.stored.values() if isinstance(stored, tuple))
        folders = {stored[:-1] for stored in places}
        drop_member_partials(self._settings.folder, until_stopped(folders, self.stopping.is_set))
        self._comparison.begin()
        missing = self._missing(self.wanted.files, scope)
        self._tell_update(missing)
        self._queue.begin(missing, scope.packs)
        self._is_planned = True

    # What is here already

    def _missing(self, files: Iterable[FileLine], scope: Scope) -> list[WantedFile]:
        """The files that must be fetched; the others are counted and reported. Raises
        StoppedError.
        """
        missing = list[WantedFile]()
        for file in files:
            compared = self._comparison.compare(file, scope.stored[identity_of(file)])
            if self.stopping.is_set():
                raise StoppedError
            if isinstance(compared, WantedFile):
                missing.append(compared)
            else:
                self._tally.note(compared)
            if self.state is DownloadState.CHECKING:
                self._set_state(DownloadState.CHECKING)
        return missing

    def _tell_update(self, missing: Iterable[WantedFile]) -> None:
        """What has changed since the last download."""
        changed = self._comparison.changed(missing)
        if changed:
            edited = tuple(file.path for file in changed if file.replaces is None)
            size = sum(file.size for file in changed)
            self._post(UpdateFound(self.key, self.title, len(changed), size, edited))

    def _make_folders(self) -> None:
        for folder in self._folders.make(self.newest.scope):
            self._log_renamed(folder.name, folder.saved_as)
            self._post(FilesEnded(self.key, (), (folder,)))

    # What must come

    def _fetch_all(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow(time.monotonic())
                if self._tries_again:
                    self._try_again()
                if self.order is not self._followed_order:
                    self._followed_order = self.order
                    self._queue.put_in_order(self.order)
                if self._folders.is_behind(self.newest.scope):
                    self._make_folders()
                self._queue.step()
            except DiskFullError as error:
                if not self._settings.waits_for_space:
                    raise
                self._wait_for_space(error)
                continue
            now = time.monotonic()
            if self._followed.is_behind(self.newest.scope):
                continue
            if self._queue.is_through and not self._followed.files_left(now=now):
                return
            self._judge(now)
            self.woken.wait(TICK_S)
            self.woken.clear()

    def _follow(self, now: float) -> None:
        newest = self.newest.scope
        if not self._followed.is_behind(newest):
            return
        self._tally.flush()  # what has ended is of the versions so far
        change = self._followed.follow(newest, self._queue.pending(), now=now)
        self._queue.follow(change.replaced, self._missing(change.fresh, newest), newest.packs)
        self._peer.join(self.wanted.shares)

    def _try_again(self) -> None:
        """Plan once more what failed, with what waits. Raises StoppedError."""
        self._tries_again = False
        self.watched.forget()
        failed = {file.name for file in self._tally.take_failures()}
        self._folders.begin()
        scope = self.newest.scope
        again = [file for file in self.wanted.files if file.path in failed]
        known = [file for file in again if identity_of(file) in scope.stored]
        self._queue.follow((), self._missing(known, scope), scope.packs)

    def _wait_for_space(self, error: DiskFullError) -> None:
        """Ask for nothing until there is room, or it is stopped."""
        self._queue.stand_still()
        while not self.stopping.is_set():
            self._set_state(DownloadState.WAITING_FOR_SPACE, cause=str(error))
            self.stopping.wait(self._settings.space_again_s)
            try:
                self._queue.check_space()
            except DiskFullError as still:
                error = still
            else:
                break
        self._queue.resume()

    # How it stands

    def _judge(self, now: float) -> None:
        """Report the state, and put off contents that do not arrive.

        Raises NoSeederError, ContentError or ShortageError when it is time to give up.
        """
        arrived = self._queue.arrived
        if arrived > self._meter.total:
            self._moved = now
        self._meter.add(arrived - self._meter.total, now=now)
        outlook = self._queue.outlook()
        is_moving, is_cut_off = now - self._moved < MOVING_S, self._is_cut_off()
        self._still_since = max(self._still_since, now if is_cut_off else self._moved)
        still_s = self.still_s(now)
        is_queued = bool(outlook.position) and still_s < QUEUED_AT_PEERS_S
        if is_moving or is_queued or is_cut_off:
            self._patience.renew(now)
        self._queue.give_way(outlook, now=now, still_s=still_s)
        if self.is_folder:
            pieces = partial(self._queue.pieces, now=now)
            self.watched.look(self.wanted, self._files_missing, pieces, now=now)
        is_arriving, awaited = is_moving or outlook.is_receiving, 0
        if self._queue.is_through or not (is_arriving or outlook.position):
            self._give_up_lost(now)
            awaited = self._files_awaited(now)
        if awaited:
            self._patience.renew(now)
            cause = f"the seeder is still reading its folder, {count(awaited, 'file')} left"
            self._set_state(DownloadState.LOOKING, cause=cause)
        elif is_arriving:
            self._set_state(DownloadState.DOWNLOADING)
        elif outlook.position:
            self._set_state(DownloadState.IN_QUEUE, position=outlook.position)
        else:
            # At its beginning it needs a moment, which is nobody's fault.
            is_known = still_s >= MOVING_S or is_cut_off or outlook.lack is not None
            cause = self._why_nothing_comes(outlook) if is_known else ""
            self._set_state(DownloadState.LOOKING, cause=cause)
        if self._patience.is_over(now):
            raise self._why_given_up(outlook)

    def _files_missing(self) -> set[str]:
        """Paths of the files that are not here."""
        self._tally.flush()
        missing = {path for path, _ in self._queue.pending()}
        return missing.union(file.name for file in self._tally.failures)

    def _why_nothing_comes(self, outlook: Outlook) -> str:
        if outlook.connections:
            return LACKS_PIECES
        if self._is_cut_off():
            return CUT_OFF
        if outlook.lack is not None:
            return str(outlook.lack)
        return UNREACHABLE if outlook.known else NOT_OFFERED

    def _why_given_up(self, outlook: Outlook) -> LmkError:
        if outlook.all_suspect:
            return all_damaged(self.title)
        if outlook.lack is not None and not outlook.connections:
            return outlook.lack
        return NoSeederError(
            f"Nobody could send {self.title} for {self._patience.limit_s:.0f} s. "
            "Is a seeder running and not blocked by a firewall? "
            "What was downloaded is kept: download again to resume."
        )

    def _give_up_lost(self, now: float) -> None:
        """Give up what nobody offers any more."""
        if self._followed.lost and now >= self._lost_at:
            self._lost_at = now + LOST_AGAIN_S
            lost = self._followed.given_up(self._queue.pending(), now=now)
            self._queue.give_up(lost)

    def _files_awaited(self, now: float) -> int:
        """How many files the seeder has yet to read, if all others are here or lost; else 0."""
        if self._queue.left > self._followed.lost:
            return 0
        return self._followed.files_left(now=now)

    def _log_renamed(self, path: str, saved_as: Path) -> None:
        log.info("%s is stored as %s", path, stored_path(path, saved_as))

    def _tell_files(self, files: tuple[FileEnded, ...]) -> None:
        self._comparison.note(files)
        for file in files if self._tally.renamed else ():
            if file.is_renamed:
                self._log_renamed(file.name, Path(file.path))
        self.watched.note(files)
        if self.is_folder:
            self._post(FilesEnded(self.key, files))

    def _conclude(self) -> None:
        """Report the end. Raises the failure of the files that failed."""
        reported = {str(file.failure) for file in self._tally.failures}
        for folder, error in self._folders.failed.items():
            if str(error) not in reported:  # else the files in it say so
                reported.add(str(error))
                self._tally.note(FileEnded(f"{folder}/", 0, DownloadState.FAILED, failure=error))
        self._tally.flush()
        failures = self._tally.failures
        if failures and not self.is_folder:
            assert failures[0].failure is not None
            raise failures[0].failure
        if failures:
            first = failures[0]
            kind = type(first.failure) if first.failure is not None else LmkError
            raise kind(
                f"{self._how_many_failed()} of {self.title} failed, "
                f"the first one {shown_name(first.name)}: {first.failure}"
            )
        is_new = self._tally.done or not self.wanted.files
        path = self.path if self.is_folder else self._tally.saved_as
        state = DownloadState.DONE if is_new else DownloadState.SKIPPED
        self._set_state(state, saved_as=path)

    def _how_many_failed(self) -> str:
        folders = sum(file.is_folder for file in self._tally.failures)
        files = len(self._tally.failures) - folders
        parts = (
            f"{files:,} of {len(self.wanted.files):,} files" if files else "",
            f"{folders:,} {'folder' if folders == 1 else 'folders'}" if folders else "",
        )
        return " and ".join(part for part in parts if part)

    def _described(self, now: float) -> DownloadChanged:
        self._tally.flush()
        rate, size, state = self.rate, self.wanted.size, self.state
        have = self._tally.had + self._queue.bytes_here
        tells_files = self.is_folder and not state.is_final
        return DownloadChanged(
            name=self.key,
            state=state,
            size=size,
            have=have,
            rate=rate,
            seconds_left=seconds_left(size - have, rate),
            sources=self._peer.sources() if state.is_active else (),
            title=self.title,
            files=len(self.wanted.files),
            files_ended=self._tally.ended,
            renamed=self._tally.renamed + self._folders.renamed,
            arriving=self._queue.arriving(now=now) if tells_files else (),
        )
