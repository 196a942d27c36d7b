"""The main job on loopback: a tracker, a seeder of the example files, and a leecher that downloads
them.

The system chooses the ports, nothing leaves this computer, and nothing stays on its disk.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

from roles.leecher import Leecher
from roles.program.profile import bundled_folder
from roles.seeder import Seeder
from roles.tracker import Tracker
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import LmkError
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    FilesListed,
    ListedFile,
    ListFailed,
    RoleEvent,
    RoleStarted,
)
from roles.values.settings import Existing, LeecherSettings, SeederSettings, TrackerSettings
from ui import wording
from ui.selftest.check import Check, SelftestError
from ui.terminal.session import AnyRole, Session

LIMIT_S = 20.0  # for all of it; it takes one or two seconds
AGAIN_S = 0.2  # between two looks at the list
_ANY_PORT = Address(LOOPBACK, 0)
_MADE_SIZE = 1_500_000  # bytes; a file with several chunks
_MADE_NAME = "made for this test.bin"


def role_checks() -> tuple[Check, ...]:
    """A single check, because the roles need one another."""
    todo = "Check whether a firewall or a virus scanner blocks the program on this computer."
    return (Check("tracker, seeder and leecher on loopback", _share_and_compare, todo),)


def _share_and_compare() -> str:
    with tempfile.TemporaryDirectory(prefix="lmk-selftest-", ignore_cleanup_errors=True) as name:
        shared, taken = Path(name) / "shared", Path(name) / "taken"
        # copyfile: contents are enough, and wine lacks a call that copy2 makes
        shutil.copytree(bundled_folder("data"), shared, copy_function=shutil.copyfile)
        (shared / "folder").mkdir()
        (shared / "folder" / _MADE_NAME).write_bytes(random.Random(1).randbytes(_MADE_SIZE))
        begun = time.monotonic()
        with Session() as session:
            _Room(session, begun + LIMIT_S).share(shared, taken)
        took = time.monotonic() - begun
        size = _compare(shared, taken)
    count = wording.count(len(size), "file")
    return (
        f"{count}, {wording.size(sum(size))}, the same as at the seeder, in {took:.1f} s by LMK/2"
    )


class _Room:
    """Three roles of one session, until a deadline."""

    def __init__(self, session: Session, deadline: float) -> None:
        self._session = session
        self._deadline = deadline

    def share(self, shared: Path, taken: Path) -> None:
        """Download all of `shared` to `taken`."""
        tracker = self._started(
            self._session.start(lambda post: Tracker(TrackerSettings(_ANY_PORT, True), post))
        )
        offered = SeederSettings(shared, tracker, _ANY_PORT, bind_exactly=True)
        self._started(self._session.start(lambda post: Seeder(offered, post)))
        wanted = LeecherSettings(
            taken, tracker, give_up_after_s=LIMIT_S, bind=_ANY_PORT, bind_exactly=True
        )
        leecher = self._session.start(lambda post: Leecher(wanted, post))
        count = sum(path.is_file() for path in shared.rglob("*"))
        folder = self._listed(leecher, count)
        leecher.download([folder], Existing.KEEP_BOTH)
        self._downloaded(folder)

    def _started(self, role: AnyRole) -> Address:
        while True:
            match self._next():
                case (whose, RoleStarted(Address() as address)) if whose is role:
                    return address
                case _:
                    continue

    def _listed(self, leecher: Leecher, count: int) -> str:
        """The key of the folder, once all its files are listed: the seeder lists them as it reads
        them.
        """
        while True:
            match self._next():
                case (_, FilesListed(files=files, folders=(folder, *_))) if len(files) >= count:
                    _check_identities(files)
                    return folder.key
                case (_, FilesListed()):
                    self._session.event_within(AGAIN_S)
                    leecher.refresh()
                case (_, ListFailed(reason=reason)):
                    raise reason
                case _:
                    continue

    def _downloaded(self, folder: str) -> None:
        has_begun = False
        while True:
            match self._next():
                case (_, DownloadChanged(name=name, failure=failure)) if name == folder:
                    has_begun = True
                    if failure is not None:
                        raise failure
                case (_, AllDownloadsEnded()) if has_begun:
                    return
                case _:
                    continue

    def _next(self) -> tuple[AnyRole, RoleEvent]:
        while time.monotonic() < self._deadline:
            came = self._session.event_within(AGAIN_S)
            if came is not None:
                return came
        raise SelftestError(f"It was not done within {LIMIT_S:.0f} s")


def _check_identities(files: tuple[ListedFile, ...]) -> None:
    nameless = [file.name for file in files if not file.root]
    if nameless:
        raise SelftestError(f"These have no identity of LMK/2: {', '.join(nameless)}")


def _compare(shared: Path, taken: Path) -> list[int]:
    """The sizes of all files. Raises LmkError if one is missing or differs."""
    sizes = []
    for path in sorted(path for path in shared.rglob("*") if path.is_file()):
        content = path.read_bytes()
        copy = taken / path.relative_to(shared)
        if not copy.is_file() or copy.read_bytes() != content:
            raise _differs(path.name, is_missing=not copy.is_file())
        sizes.append(len(content))
    return sizes


def _differs(name: str, *, is_missing: bool) -> LmkError:
    what = "did not arrive" if is_missing else "arrived with other content"
    return SelftestError(f"“{name}” {what}")
