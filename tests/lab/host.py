"""One of our roles in a process of its own, controlled by lines of JSON.

    python3 -m tests.lab.host tracker HOST
    python3 -m tests.lab.host seeder HOST TRACKER_HOST TRACKER_PORT FOLDER [STATE_FOLDER]
    python3 -m tests.lab.host leecher HOST TRACKER_HOST TRACKER_PORT FOLDER [STATE_FOLDER]

It answers each line and reports events as lines of JSON, and ends when its input ends. It imports
only one role, because many of these processes run on one machine.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from roles.role import Role
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import (
    AllDownloadsEnded,
    DownloadChanged,
    DownloadState,
    FilesListed,
    FolderScanned,
    HashingChanged,
    ListFailed,
    RoleStarted,
    RoleStopped,
    UploadsChanged,
)
from roles.values.listed_file import ListedFile
from roles.values.settings import Existing, LeecherSettings, SeederSettings, TrackerSettings
from tests.lab.counters import cpu_seconds, network_counts, peak_memory
from ui.terminal.session import SWITCH_S

CODE = os.environ.get("LMK_CODE", "")  # with it the room is private
GARBAGE_AT = 20_000  # as in lmktorrent_app.py
STOP_S = 5.0
LIST_AGAIN_S = 0.25
# A seeder's names are known before its files are read; after this time the names must do.
ROOTS_WITHIN_S = 20.0


class LeecherRole(Protocol):
    """What the driver needs from a leecher."""

    def refresh(self) -> None: ...
    def download(self, names: list[str], existing: Existing) -> None: ...


def main() -> None:
    kind, host, *words = sys.argv[1:]
    gc.set_threshold(GARBAGE_AT)  # as the program does
    sys.setswitchinterval(SWITCH_S)  # as every command does
    driver = Driver()
    role = make_role(kind, host, words, driver)
    role.start()
    try:
        for line in sys.stdin:
            driver.obey(json.loads(line), role)
    finally:
        end = threading.Timer(STOP_S, os._exit, (1,))  # a role that hangs must not stay for ever
        end.daemon = True
        end.start()
        role.stop()
        role.join(STOP_S)


def make_role(kind: str, host: str, words: list[str], post: Driver) -> Role:
    """The role of this kind; only its module is imported."""
    role_class = getattr(import_module(f"roles.{kind}"), kind.title())
    anywhere = Address(host, 0) if host == LOOPBACK else None  # None: the usual port
    if kind == "tracker":
        tracker_settings = TrackerSettings(is_private=bool(CODE), code=CODE)
        settings: object = (
            replace(tracker_settings, bind=anywhere) if anywhere else tracker_settings
        )
    else:
        tracker, folder = Address(words[0], int(words[1])), Path(words[2])
        state_folder = Path(words[3]) if len(words) > 3 else None
        chosen: SeederSettings | LeecherSettings
        if kind == "seeder":
            chosen = SeederSettings(folder, tracker, state_folder=state_folder, code=CODE)
        else:
            chosen = LeecherSettings(
                folder, tracker, state_folder=state_folder, own_folders=False, code=CODE
            )
        settings = replace(chosen, bind=anywhere) if anywhere else chosen
    role: Role = role_class(settings, post)
    return role


class Driver:
    """Carries out commands in the main thread; roles' threads call it as `post`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # protects the output and what follows
        self._listed: FilesListed | None = None
        self._lists = 0
        self._downloads: dict[str, DownloadChanged] = {}
        self._sent = 0

    def __call__(self, event: object) -> None:
        now = time.monotonic()
        match event:
            case RoleStarted():
                address = event.address
                where = [address.host, address.port] if address else None
                self._say("ready", at=now, address=where)
            case FolderScanned():
                self._say("scanned", at=now, files=len(event.files), problem=event.problem)
            case HashingChanged(files_left=0):
                self._say("hashed", at=now, size=event.size)
            case FilesListed():
                with self._lock:
                    self._listed = event
                    self._lists += 1
            case ListFailed():
                self._say("no list", at=now, why=str(event.reason))
            case UploadsChanged():
                with self._lock:
                    self._sent = max(self._sent, event.sent_total)
            case DownloadChanged():
                with self._lock:
                    before = self._downloads.get(event.name)
                    self._downloads[event.name] = event
                if before is None or _told(before) != _told(event):
                    self._say("state", at=now, state=f"{event.state.value} {event.cause}")
            case AllDownloadsEnded():
                self._say("ended", at=now, cpu=cpu_seconds(), failed=self._failures())
            case RoleStopped():
                self._say("stopped", why=str(event.failure or ""))
            case _:
                pass

    def obey(self, command: dict[str, Any], role: Any) -> None:
        """Do what one line says; the answer's event is the command's word in the past tense."""
        match command.pop("do"):
            case "list":
                self._wait_for_list(role, **command)
            case "refresh":
                self._refresh(role)
            case "download":
                keys = self._chosen(command["files"])
                self._pause_until(command["at"])
                role.download(keys, Existing.SKIP)
            case "cancel":
                role.cancel(list(self._downloads))
            case "report":
                self._report()
            case unknown:
                raise ValueError(unknown)

    def _wait_for_list(self, role: LeecherRole, files: int, seconds: float) -> None:
        """Report when this many files are listed, with their roots if they have any."""
        began = time.monotonic()
        while (age := time.monotonic() - began) < seconds:
            listed = self._newest()
            if listed and len(listed.files) >= files:
                has_roots = all(file.root or not file.size for file in listed.files)
                if has_roots or age > min(ROOTS_WITHIN_S, seconds / 2):
                    return self._say("listed", at=time.monotonic(), has_roots=has_roots)
            role.refresh()
            time.sleep(LIST_AGAIN_S)
        listed = self._newest()
        return self._say("not listed", files=len(listed.files) if listed else 0)

    def _refresh(self, role: LeecherRole) -> None:
        """Fetch the list once more and report what that took."""
        with self._lock:
            lists = self._lists
        counts, began = network_counts(), time.monotonic()
        role.refresh()
        while self._lists == lists:
            time.sleep(0.001)
        taken = network_counts() - counts
        self._say("refreshed", seconds=time.monotonic() - began, **taken.as_dict())

    def _newest(self) -> FilesListed | None:
        with self._lock:
            return self._listed

    def _chosen(self, files: int) -> list[str]:
        """The keys of everything, from one seeder: the folder's key if the files are listed as a
        folder.
        """
        listed = self._newest()
        assert listed is not None
        if files > 1 and listed.folders:
            return [listed.folders[0].key]
        unique: dict[str, ListedFile] = {}
        for file in listed.files:  # one content of each name, in a room with several seeders
            if file.name not in unique or not unique[file.name].root:
                unique[file.name] = file
        return [file.key for file in unique.values()]

    def _pause_until(self, at: float) -> None:
        time.sleep(max(0.0, at - time.monotonic()))

    def _failures(self) -> str:
        with self._lock:
            ended = list(self._downloads.values())
        return "; ".join(
            f"{one.name}: {one.state.value} {one.failure or one.cause}"
            for one in ended
            if one.state is not DownloadState.DONE
        )

    def _report(self) -> None:
        with self._lock:
            have = sum(one.have for one in self._downloads.values())
            states = [f"{one.state.value} {one.cause}" for one in self._downloads.values()]
            sent = self._sent
        self._say(
            "reported",
            at=time.monotonic(),
            cpu=cpu_seconds(),
            peak=peak_memory(),
            have=have,
            state=", ".join(states[:3]),
            uploaded=sent,
            **network_counts().as_dict(),
        )

    def _say(self, event: str, **facts: object) -> None:
        line = json.dumps({"event": event, **facts}) + "\n"
        with self._lock:
            try:
                sys.stdout.write(line)
                sys.stdout.flush()
            except BrokenPipeError:  # the process that started this room was killed
                os._exit(1)


def _told(event: DownloadChanged) -> tuple[DownloadState, bool]:
    return event.state, bool(event.cause)


if __name__ == "__main__":
    main()
