"""A leecher and the lists of a tracker that means harm, or is broken."""

from __future__ import annotations

import json
import socket
import threading

from roles.leecher import Leecher
from roles.values.events import (
    DownloadState,
    FilesListed,
    ListFailed,
)
from roles.values.settings import Existing
from tests.role_test import RoomTest, Running, wait_for_end
from tests.scripted_seeder import Offer, ScriptedSeeder
from tests.support import LIMIT_S


def is_of_a_list(event: object) -> bool:
    return isinstance(event, FilesListed | ListFailed)


class HostileTrackers(RoomTest):
    BAD_NAMES = (
        "../x",
        "..",
        "/etc/x",
        "a/b",
        "a\\b",
        "C:x",
        "x" * 300,
        "a\nb",
        "a\u0000",
        "\u202e\u200b",
        " ",
        "x.lmkpart",
    )

    def setUp(self) -> None:
        super().setUp()
        self.taken = self.make_folder("taken")
        self.constant("joining.tracker_asker", "TRIES_S", (0.1,))

    def hostile(self, files: bytes, seeders: bytes = b"[]") -> Running[Leecher]:
        """A leecher of a tracker that answers these."""
        sock = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                request, sender = sock.recvfrom(2_048)
                if request == b"end":
                    return
                sock.sendto(files if request == b"request_file_list" else seeders, sender)
                sock.sendto(b"success", sender)

        thread = threading.Thread(target=answer, name="hostile-tracker")
        thread.start()

        def end() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", sock.getsockname())
            thread.join()

        self.addCleanup(end)
        return self.leecher(self.taken, sock.getsockname())

    def test_names_that_lead_out_of_the_folder_are_refused_and_shown_safely(self) -> None:
        files = {**dict.fromkeys(self.BAD_NAMES, 1), "good": 1}
        seeder = self.enterContext(ScriptedSeeder(Offer(dict.fromkeys(files, b"1")).play))
        leecher = self.hostile(json.dumps(files).encode(), json.dumps([seeder.address]).encode())
        listed = leecher.log.wait_for(FilesListed)
        self.assertEqual([file.name for file in listed.files], ["good"])
        self.assertEqual(len(listed.refused), len(self.BAD_NAMES))
        self.assertTrue(all(name.isprintable() for name in listed.refused), listed.refused)
        leecher.role.download(list(files), Existing.REPLACE)
        self.assertIs(wait_for_end(leecher, "good").state, DownloadState.DONE)
        self.assert_same_files(self.taken, {"good": b"1"})
        self.assertEqual(list(self.folder.iterdir()), [self.taken])

    def test_answers_that_are_no_lists_are_an_error_and_no_end(self) -> None:
        many = json.dumps({f"file {number}": 1 for number in range(5_000)}).encode()
        for name, answer in {
            "nothing": b"",
            "not JSON": b"{]",
            "not UTF-8": b"\xff\xfe{}",
            "a list": b"[1, 2]",
            "a number": b"7",
            "a size below 0": b'{"a": -1}',
            "a size that is huge": b'{"a": 99999999999999999999}',
            "a size over the largest": b'{"a": 1099511627777}',
            "a name twice": b'{"a": 1, "a": 2}',
            "nested deep": b'{"a":' * 900,
            "cut as an original cuts": many[:1_024],
            "5,000 names": many[:60_000],
        }.items():
            with self.subTest(name):
                leecher = self.hostile(answer)
                leecher.log.wait_for(ListFailed)
                self.assertEqual(leecher.log.of(FilesListed), [])
                leecher.stop()
        self.assert_same_files(self.taken, {})

    def test_seeders_that_are_no_addresses_are_not_taken_for_seeders(self) -> None:
        for seeders in (b'[["127.0.0.1", 0]]', b'[["a b", 1]]', b'{"a": 1}', b'[["127.0.0.1"]]'):
            with self.subTest(seeders=seeders):
                leecher = self.hostile(b'{"a": 1}', seeders)
                leecher.log.wait_for(is_of_a_list, LIMIT_S)
                self.assertEqual([e.seeders for e in leecher.log.of(FilesListed) if e.seeders], [])
                leecher.stop()

    def test_a_list_of_5000_names_is_listed(self) -> None:
        files = {f"f{number}": number for number in range(5_000)}
        leecher = self.hostile(json.dumps(files, separators=(",", ":")).encode())
        listed = leecher.log.wait_for(FilesListed)
        self.assertEqual({file.name: file.size for file in listed.files}, files)
