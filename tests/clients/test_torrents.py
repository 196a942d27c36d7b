"""aria2, Transmission and libtorrent take a torrent of ours: from the seeder alone, and then from
each other, when it is gone and only our tracker is left.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import ClassVar

from tests.clients.client import ENVIRONMENT, SYSTEM_PYTHON, ClientTest
from tests.clients.lesson import LISTENING, READ_S, Served, files_of, make_lesson, served
from tests.lab.network import Link, Network, Place
from tests.programs import PROGRAM, RunningCommand, environment
from tests.support import wait_until

SWARM_LIMIT_S = 120.0
ARIA2 = (
    *("aria2c", "-q", "--seed-time=0", "--file-allocation=none", "--bt-max-peers=8"),
    *("--enable-dht=true", "--dht-file-path=dht.dat", "--dht-listen-port=6999"),
)
# Takes the torrent into the folder; ends when all is there, or goes on with "stay".
LIBTORRENT = textwrap.dedent(
    """
    import sys, time
    import libtorrent
    torrent, folder, host, stay = sys.argv[1:5]
    session = libtorrent.session({
        "listen_interfaces": host + ":6881", "enable_dht": False, "enable_lsd": False,
        "enable_upnp": False, "enable_natpmp": False, "allow_multiple_connections_per_ip": True,
    })
    handle = session.add_torrent({"ti": libtorrent.torrent_info(torrent), "save_path": folder})
    while True:
        status = handle.status()
        if status.is_seeding:
            print("all there", flush=True)
            if stay != "stay":
                break
            stay = "told"
        while stay == "told":
            time.sleep(1)
        time.sleep(0.05)
    """
)


class TorrentTest(ClientTest):
    """From the seeder alone, as from a web server."""

    served: ClassVar[Served]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.served = cls.enterClassContext(served("--torrent"))

    def setUp(self) -> None:
        super().setUp()
        self.torrent = self.folder / "lesson.torrent"
        self.run_client("curl", "-fsSL", "-o", self.torrent, self.served.torrent)

    def check(self, *, has_empty_ones: bool = True) -> None:
        check_torrent(self, self.served.folder, self.folder, has_empty_ones=has_empty_ones)

    def test_aria2_takes_all_of_it(self) -> None:
        self.run_client(*ARIA2, "-d", self.folder, self.torrent)
        self.check()

    def test_libtorrent_takes_all_of_it(self) -> None:
        self.need("libtorrent")
        words = (SYSTEM_PYTHON, "-c", LIBTORRENT, self.torrent, self.folder, "127.0.0.1", "end")
        ended = subprocess.run([*map(str, words)], timeout=60, capture_output=True, text=True)
        self.assertEqual(ended.stdout, "all there\n", ended.stderr)
        self.check()

    def test_transmission_takes_all_of_it(self) -> None:
        self.need("transmission-cli")
        with Transmission(self.folder, self.torrent) as transmission:
            transmission.wait()
        self.check(has_empty_ones=False)

    def test_a_torrent_is_the_same_every_time(self) -> None:
        again = self.run_client("curl", "-fsSL", self.served.torrent)
        self.assertEqual(again, self.torrent.read_bytes())


class SwarmTest(ClientTest):
    """On computers of their own: the seeder ends, and the torrent goes on."""

    def test_others_finish_from_transmission_alone_after_the_seeder_was_killed(self) -> None:
        for name in ("transmission-cli", "aria2c", "libtorrent"):
            self.need(name)
        if os.geteuid() != 0:
            self.skipTest("computers of their own are network namespaces, which need root")
        shared = self.folder / "Lektion Ü 1"
        shared.mkdir()
        make_lesson(shared)
        with ExitStack() as stack:
            network = stack.enter_context(Network())
            teacher, first, second, third = network.build([Link(None)] * 4)
            at = f"{teacher.host}:12500"
            program = teacher.command(*PROGRAM)
            start = partial(RunningCommand, folder=self.folder, program=program)
            tracker = stack.enter_context(start("tracker", "--bind", at, profile="tracker"))
            tracker.wait_for(LISTENING)
            words = (shared, "--tracker", at, "--torrent", "--bind", f"{teacher.host}:12501")
            with start("seed", *words, profile="seeder") as seeder:
                seeder.wait_for("Its torrent:", READ_S)
                torrent = self.folder / "lesson.torrent"
                address = self.torrent_on_page(first, f"http://{at}/")
                torrent.write_bytes(self.in_place(first, "curl", "-fsSL", address))
                folders = [self.folder / name for name in ("first", "second", "third")]
                for folder in folders:
                    folder.mkdir()
                begun = stack.enter_context(Transmission(folders[0], torrent, first))
                begun.wait()
            # The seeder has ended. Only the tracker still knows who has the torrent.
            aria2 = second.command(*ARIA2, "-d", folders[1], torrent)
            libtorrent = third.command(
                *(SYSTEM_PYTHON, "-c", LIBTORRENT, torrent, folders[2], third.host, "end")
            )
            with Process(aria2, folders[1]) as one, Process(libtorrent, folders[2]) as two:
                one.wait()
                two.wait()
            for folder in folders:
                check_torrent(self, shared, folder, has_empty_ones=folder is not folders[0])

    def torrent_on_page(self, place: Place, address: str) -> str:
        """The link on the tracker's page, once the seeder has told it."""
        links = list[str]()

        def is_there() -> bool:
            page = self.in_place(place, "curl", "-fsS", address).decode()
            links[:] = re.findall(r'href="[./]*(t/[^"]+)"', page)
            return bool(links)

        wait_until(is_there, message="no link to a torrent")
        return f"{address}{links[0]}"

    def in_place(self, place: Place, *words: object) -> bytes:
        return subprocess.run(
            place.command(*words), check=True, capture_output=True, timeout=60
        ).stdout


def check_torrent(test: ClientTest, shared: Path, taken: Path, *, has_empty_ones: bool) -> None:
    """All files have arrived, under names that every system can store. A torrent has no folders
    without files, and Transmission makes no empty files.
    """
    (top,) = (path for path in taken.iterdir() if path.is_dir() and path.name.startswith("Lektion"))
    arrived, wanted = files_of(top), files_of(shared)
    counted = [
        Counter(one for one in found.values() if has_empty_ones or not one.startswith("0 "))
        for found in (arrived, wanted)
    ]
    test.assertEqual(*counted)
    for name in arrived:
        test.assertNotRegex(name, r'[<>:"\\|?*]')
    for name in wanted.keys() & arrived.keys():
        test.assertEqual(arrived[name], wanted[name])


class Process:
    """A context manager: a client that runs beside others."""

    def __init__(self, command: Sequence[object], folder: Path) -> None:
        self._process = subprocess.Popen(
            [*map(str, command)],
            cwd=folder,
            env={**environment(), **ENVIRONMENT, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Until it ends, well."""
        code = self._process.wait(SWARM_LIMIT_S)
        if code:
            raise AssertionError(f"{self._process.args!r} ended with {code}")


class Transmission(Process):
    """It stays and uploads; wait() returns when it has everything."""

    def __init__(self, folder: Path, torrent: Path, place: Place | None = None) -> None:
        self._done = folder / "done"
        script = folder / "finish.sh"
        script.write_text(f"#!/bin/sh\ntouch '{self._done}'\n", encoding="utf-8")
        script.chmod(0o755)
        words = ("transmission-cli", "-w", folder, "-f", script, "-g", folder / "config", torrent)
        super().__init__(place.command(*words) if place else words, folder)

    def wait(self) -> None:
        wait_until(self._done.exists, SWARM_LIMIT_S, "Transmission did not finish")
