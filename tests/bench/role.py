"""One of our roles in a process of its own, for the bench.

    python3 -m tests.bench.role tracker
    python3 -m tests.bench.role seeder TRACKER_HOST TRACKER_PORT FOLDER
    python3 -m tests.bench.role leecher TRACKER_HOST TRACKER_PORT FOLDER NAME

The first two say where they listen and end with their input; the leecher says how many seconds the
file took and how many MB of memory it needed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from roles.addresses import Address
from roles.events import (
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
    RoleStarted,
)
from roles.leecher import Leecher
from roles.seeder import Seeder
from roles.settings import Existing, LeecherSettings, SeederSettings, TrackerSettings
from roles.tracker import Tracker
from tests.support import EventLog

LIMIT_S = 600.0
ANYWHERE = Address("127.0.0.1", 0)


def main() -> None:
    kind, *words = sys.argv[1:]
    if kind == "tracker":
        _serve_until_input_ends(Tracker(TrackerSettings(ANYWHERE), log := EventLog()), log)
    elif kind == "seeder":
        log = EventLog()
        settings = SeederSettings(Path(words[2]), Address(words[0], int(words[1])), ANYWHERE)
        _serve_until_input_ends(Seeder(settings, log), log)
    else:
        _take(Address(words[0], int(words[1])), Path(words[2]), words[3])


def _serve_until_input_ends(role: Tracker | Seeder, log: EventLog) -> None:
    role.start()
    address = log.wait_for(RoleStarted, LIMIT_S).address
    assert address is not None
    if isinstance(role, Seeder):
        log.wait_for(FolderScanned, LIMIT_S, where=lambda scan: scan.announced > 0)
    sys.stdout.write(f"{address.host} {address.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    role.stop()


def _take(tracker: Address, folder: Path, name: str) -> None:
    log = EventLog()
    role = Leecher(LeecherSettings(folder, tracker), log)
    role.start()
    try:
        log.wait_for(FilesListed, LIMIT_S)
        began = time.monotonic()
        role.download([name], Existing.SKIP)
        end = log.wait_for(DownloadChanged, LIMIT_S, where=lambda e: e.state.is_final)
        seconds = time.monotonic() - began
        if end.state is not DownloadState.DONE:
            raise AssertionError(f"it ended as {end}")
    finally:
        role.stop()
        role.join(LIMIT_S)
    sys.stdout.write(f"{seconds:.6f} {_peak_memory():.1f}\n")


def _peak_memory() -> float:
    """MB; 0 on Windows, which has no such count."""
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main()
