"""The seeder role on real sockets: its folder, its tracker, its start and its end."""

from __future__ import annotations

import json
import os
import socket
import threading
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from roles.seeder import Seeder
from roles.values.addresses import Address
from roles.values.errors import StorageError
from roles.values.events import (
    FolderScanned,
    RoleStarted,
    RoleStopped,
    RoomChanged,
    TrackerAnswered,
    TrackerLost,
)
from roles.values.settings import SeederSettings
from tests.receiving import receive_chunk
from tests.role_test import ANYWHERE, Running, SeederTest, content_of, receive_range
from tests.scripted_seeder import ACK, CHUNK
from tests.support import LIMIT_S, EventLog, random_file, wait_until
from tests.tracker_requests import ask, listed_files, listed_seeders

SILENCE_S = 0.15
MANY = 30_000_000  # bytes, more than sockets keep on their way
POSIX_ONLY = unittest.skipUnless(os.name == "posix", "a thing of POSIX systems")


class FilesOfTheSeeder(SeederTest):
    def test_a_file_that_it_lacks_closes_the_connection(self) -> None:
        seeder = self.offering()
        link = self.ranged(seeder.address, "not there", 1)
        self.assert_hangs_up(link)
        self.assert_serves(seeder)

    def test_chunks_past_the_end_close_the_connection(self) -> None:
        seeder = self.offering()
        for count, offset in ((5, 0), (1, self.SIZE), (1, 1 << 40), (1, -1), (-1, 0), (1 << 40, 0)):
            with self.subTest(count=count, offset=offset):
                self.assert_hangs_up(self.ranged(seeder.address, "a", count, offset))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_a_path_from_the_wire_is_never_opened(self) -> None:
        (self.folder / "secret").write_bytes(b"outside")
        (self.shared / "link").symlink_to(self.folder / "secret")
        (self.shared / "inside").symlink_to(self.shared / "a")
        (self.shared / "sub").mkdir()
        (self.shared / "sub" / "b").write_bytes(b"below")
        os.mkfifo(self.shared / "fifo")
        seeder = self.offering()
        sizes = {name: len(content) for name, content in self.FILES.items()}
        wait_until(lambda: listed_files(self.room) == sizes)
        for name in (
            "../secret",
            str(self.folder / "secret"),
            "/etc/hostname",
            "link",
            "inside",
            "sub",
            "sub/b",
            "./a",
            "fifo",
            ".",
            "..",
            "",
            "a\u0000",
            "~",
        ):
            with self.subTest(name=name):
                self.assert_hangs_up(self.ranged(seeder.address, name, 1))
        self.assert_serves(seeder)

    @POSIX_ONLY
    def test_a_file_that_became_a_link_or_a_fifo_is_not_opened(self) -> None:
        (self.folder / "secret").write_bytes(self.CONTENT)
        seeder = self.offering()
        for make in (
            lambda path: path.symlink_to(self.folder / "secret"),
            lambda path: os.mkfifo(path),
            lambda path: path.mkdir(),
        ):
            path = self.shared / "é ü.txt"
            path.unlink()
            make(path)
            self.assert_hangs_up(self.ranged(seeder.address, path.name, 1))
            path.rmdir() if path.is_dir() else path.unlink()
            path.write_bytes(b"accents")
        self.assert_serves(seeder)

    def change_while_served(self, change: Callable[[Path], None]) -> bytes:
        """What arrives of a long file that is changed after its first chunk came."""
        path = random_file(self.shared / "long", 400 * CHUNK, 7)
        seeder = self.offering()
        link = self.ranged(seeder.address, "long", 400)
        arrived = receive_range(link, 1)
        change(path)
        try:
            for _ in range(399):
                arrived += receive_range(link, 1)
        except (EOFError, ConnectionError):
            self.assert_serves(seeder)
            return arrived
        raise AssertionError("it served the whole file although it was changed")

    def assert_no_mixture(self, change: Callable[[Path], None]) -> None:
        original = random_file(self.folder / "copy", 400 * CHUNK, 7).read_bytes()
        arrived = self.change_while_served(change)
        self.assertTrue(original.startswith(arrived), "bytes of another content arrived")

    def test_a_file_that_is_rewritten_while_served_is_not_sent_as_a_mixture(self) -> None:
        def rewrite(path: Path) -> None:
            random_file(path, 400 * CHUNK, 8)

        self.assert_no_mixture(rewrite)

    def test_a_file_that_shrinks_while_served_is_not_sent_on(self) -> None:
        self.assert_no_mixture(lambda path: os.truncate(path, 100 * CHUNK))

    def test_a_file_that_grows_while_served_is_not_sent_on(self) -> None:
        def grow(path: Path) -> None:
            with path.open("ab") as file:
                file.write(b"more")

        self.assert_no_mixture(grow)

    def test_a_file_that_was_replaced_before_the_request_is_not_served(self) -> None:
        seeder = self.offering()
        (self.folder / "other").write_bytes(content_of(self.SIZE, seed=2))
        (self.folder / "other").replace(self.shared / "a")
        self.assert_hangs_up(self.ranged(seeder.address, "a", 4))

    def test_a_changed_file_is_offered_anew_at_once(self) -> None:
        seeder = self.offering()
        (self.shared / "a").write_bytes(b"new")
        self.assert_hangs_up(self.ranged(seeder.address, "a", 4))
        wait_until(lambda: listed_files(self.room).get("a") == 3)
        self.assertEqual(receive_range(self.ranged(seeder.address, "a", 1), 1), b"new")

    def test_new_and_removed_files_are_noticed(self) -> None:
        self.offering(look_s=0.05)
        (self.shared / "b").write_bytes(b"b")
        (self.shared / "a").unlink()
        wait_until(lambda: listed_files(self.room) == {"b": 1, "empty": 0, "é ü.txt": 7})

    def test_a_folder_that_is_gone_is_said_and_what_comes_back_is_offered_again(self) -> None:
        seeder = self.offering(look_s=0.05)
        self.shared.rename(self.folder / "elsewhere")
        wait_until(lambda: listed_files(self.room) == {})
        last = seeder.log.wait_for(
            FolderScanned, LIMIT_S, where=lambda scan: bool(scan.problem) and not scan.files
        )
        self.assertIn("cannot be read", last.problem)
        self.assert_hangs_up(self.ranged(seeder.address, "a", 1))
        (self.folder / "elsewhere").rename(self.shared)
        wait_until(lambda: len(listed_files(self.room)) == 3)

        def is_back() -> bool:
            scan = seeder.log.of(FolderScanned)[-1]
            return not scan.problem and len(scan.files) == 3

        wait_until(is_back)
        self.assert_serves(seeder)

    def test_a_folder_that_came_back_empty_is_no_problem_any_more(self) -> None:
        seeder = self.offering(look_s=0.05)
        self.shared.rename(self.folder / "elsewhere")
        seeder.log.wait_for(FolderScanned, where=lambda scan: bool(scan.problem))
        seeder.log.clear()
        self.shared.mkdir()
        seeder.log.wait_for(FolderScanned, where=lambda scan: not scan.problem)
        wait_until(lambda: listed_files(self.room) == {})


class TheSeederAndItsTracker(SeederTest):
    def recording_tracker(self) -> socket.socket:
        link = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        link.bind(("127.0.0.1", 0))
        link.settimeout(LIMIT_S)
        return link

    def test_it_listens_before_it_announces(self) -> None:
        tracker = self.recording_tracker()
        self.seeder(self.shared, tracker.getsockname(), is_announced=False)
        request, sender = tracker.recvfrom(2_048)
        words = request.split(b"\n")
        self.assertEqual(words[0], b"add_seeder")
        self.assert_answers(tuple(json.loads(words[1])), b"connected")
        del sender

    def test_the_tracker_lists_it_and_its_files(self) -> None:
        seeder = self.offering()
        wait_until(lambda: listed_seeders(self.room) == [seeder.address])
        sizes = {name: len(content) for name, content in self.FILES.items()}
        wait_until(lambda: listed_files(self.room) == sizes)
        self.assertFalse(seeder.log.of(TrackerAnswered)[0].is_original)

    def test_a_tracker_that_forgot_it_gets_it_back(self) -> None:
        self.pace(ping_s=0.1)
        first = self.tracker(self.free_address())
        seeder = self.seeder(self.shared, first.address)
        address = first.address
        first.stop()
        self.tracker(address)
        wait_until(lambda: len(listed_files(address)) == 3)
        wait_until(lambda: listed_seeders(address) == [seeder.address])

    def test_a_tracker_that_comes_up_later_gets_it(self) -> None:
        self.pace(again_s=0.05)
        address = Address("127.0.0.1", self.free_port("udp"))
        seeder = self.seeder(self.shared, address, is_announced=False)
        seeder.log.wait_for(TrackerLost)
        seeder.log.wait_for(FolderScanned, where=lambda scan: bool(scan.files))
        self.assert_serves(seeder)
        self.tracker(address)
        wait_until(lambda: len(listed_files(address)) == 3)
        seeder.log.wait_for(TrackerAnswered)

    def test_it_tells_its_state(self) -> None:
        room = self.tracker()
        seeder = self.seeder(self.shared, room.address, slots=2)
        links = [self.connected(seeder.address) for _ in range(2)]
        busy = ("giving", "all upload slots are in use")
        room.log.wait_for(
            RoomChanged,
            LIMIT_S,
            where=lambda e: (
                [(s.state, s.reason) for s in (p.status for p in e.participants)] == [busy]
            ),
        )
        for link in links:
            link.close()

    def test_leaving_takes_it_off_the_list_at_once(self) -> None:
        seeder = self.offering()
        seeder.stop()
        wait_until(lambda: listed_files(self.room) == {})
        self.assertEqual(listed_seeders(self.room), [])

    def test_it_says_nothing_to_an_original_tracker_when_it_leaves(self) -> None:
        # On Windows an answer that finds nobody would end an original tracker.
        self.constant("joining.tracker_asker", "TRIES_S", (LIMIT_S,))  # each is asked once
        tracker = self.original_tracker()
        seeder = self.seeder(self.shared, tracker.address)
        seeder.log.wait_for(FolderScanned, where=lambda scan: scan.announced == 3)
        seeder.stop()
        ask(tracker.address, b"the end")
        tracker.wait_for("tracker heard the end")
        heard = [line.removeprefix("tracker heard ") for line in tracker.lines[1:]]
        self.assertEqual(
            heard,
            ["add_seeder", "ping_tracker", "request_file_list", "upload_file_list", "the end"],
        )

    def test_a_tracker_without_room_is_told_to_the_user(self) -> None:
        self.constant("room.registry", "MAX_PROGRAMS", 0)
        seeder = self.seeder(self.shared, self.room, is_announced=False)
        lost = seeder.log.wait_for(TrackerLost)
        self.assertIn("refused this seeder", str(lost.reason))
        self.assertEqual(seeder.log.of(TrackerAnswered), [])


class TheStartOfTheSeeder(SeederTest):
    def started(self, settings: SeederSettings) -> Running[Seeder]:
        log = EventLog()
        return self.run_role(Seeder(settings, log), log)

    def test_a_folder_that_is_missing_is_an_error_that_names_it(self) -> None:
        missing = self.folder / "missing"
        running = self.started(SeederSettings(missing, self.room, bind=ANYWHERE))
        failure = running.log.wait_for(RoleStopped).failure
        self.assertIsInstance(failure, StorageError)
        self.assertIn(str(missing), str(failure))

    def test_a_taken_port_means_the_next_one_and_a_sentence(self) -> None:
        taken = Address(*self.enterContext(socket.create_server(("127.0.0.1", 0))).getsockname())
        running = self.started(SeederSettings(self.shared, self.room, bind=taken))
        started = running.log.wait_for(RoleStarted)
        self.assertNotEqual(running.address.port, taken.port)
        self.assertIn(str(taken.port), started.note)
        wait_until(lambda: listed_seeders(self.room) == [running.address])

    def test_a_taken_port_that_was_asked_for_exactly_is_an_error(self) -> None:
        taken = Address(*self.enterContext(socket.create_server(("127.0.0.1", 0))).getsockname())
        running = self.started(
            SeederSettings(self.shared, self.room, bind=taken, bind_exactly=True)
        )
        failure = running.log.wait_for(RoleStopped).failure
        self.assertIsInstance(failure, StorageError)
        self.assertIn(f"Port {taken.port} is in use", str(failure))

    def test_it_restarts_on_its_port_at_once_after_transfers(self) -> None:
        address = self.free_address()
        for _ in range(3):
            running = self.started(
                SeederSettings(self.shared, self.room, bind=address, bind_exactly=True)
            )
            address = running.address
            running.log.wait_for(FolderScanned, where=lambda scan: scan.announced > 0)
            self.assert_serves(running)
            running.stop()


class TheEndOfTheSeeder(SeederTest):
    has_real_polls: ClassVar[bool] = True

    def test_it_stops_in_time_with_leechers_in_every_state_and_leaves_no_thread(self) -> None:
        random_file(self.shared / "long", MANY, 3)
        seeder = self.offering()
        self.dial(seeder.address)
        self.dial(seeder.address).sendall(b"request_co")
        self.connected(seeder.address)
        self.ranged(seeder.address, "a", 4)
        receive_chunk(self.ranged(seeder.address, "a", 4))
        stuck = self.ranged(seeder.address, "long", MANY // CHUNK)
        stuck.recv(1, socket.MSG_PEEK)
        stuck.sendall(ACK * (MANY // CHUNK))
        seeder.stop()
        self.assertIsNone(seeder.log.of(RoleStopped)[0].failure)
        left = [t.name for t in threading.enumerate() if t.name.startswith("lmk-")]
        self.assertEqual(left, ["lmk-tracker"])

    def test_it_stops_in_time_while_its_tracker_is_silent(self) -> None:
        silent = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(LIMIT_S)
        seeder = self.seeder(self.shared, silent.getsockname(), is_announced=False)
        silent.recv(2_048)
        seeder.stop()
