"""The tracker's state file: a restart keeps what it must, and no file can harm the tracker."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from unittest import mock

from roles.disk.state_file import StateFile, write_whole
from roles.room.saved_room import MAX_SAVED, SavedRoom
from roles.values.events import RoleStopped
from tests.role_test import RoomTest
from tests.support import LIMIT_S, LmkTestCase, wait_until
from tests.tracker_requests import ask, listed_files, listed_seeders, register

SUCCESS = b"success"


class Table:
    """Takes whatever it gets."""

    changes_saved = 0

    def __init__(self) -> None:
        self.restored: list[object] = []

    def saved(self) -> Iterator[dict[str, object]]:
        return iter(())

    def restore(self, saved: Iterable[object], *, now: float) -> None:  # noqa: ARG002
        self.restored += saved


class FileTest(LmkTestCase):
    def restored(self, content: bytes) -> list[object]:
        path = self.folder / "tracker.json"
        path.write_bytes(content)
        table = Table()
        SavedRoom(StateFile(path), [table]).restore()
        return table.restored

    def test_of_a_file_without_end_no_more_is_read_than_one_of_ours_has(self) -> None:
        self.assertEqual(self.restored(b"[null%b]" % (b",1" * 3)), [None, 1, 1, 1])
        self.assertEqual(len(self.restored(b"[null%b]" % (b",1" * MAX_SAVED))), MAX_SAVED)

    def test_a_file_of_any_other_shape_has_nothing(self) -> None:
        self.enterContext(self.assertLogs("roles.disk", "WARNING"))
        for content in (b"null", b"5", b'"x"', b"{}", b'{"a": 1}', b""):
            self.assertEqual(self.restored(content), [])


class ARestart(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.state_file = self.folder / "state" / "tracker.json"
        self.constant("lmk1.seeder_table", "STAYED_S", 0.0)

    def test_forged_registrations_are_not_on_the_list_after_a_restart(self) -> None:
        self.constant("lmk1.seeder_table", "STAYED_S", 60.0)
        first = self.tracker(state_file=self.state_file)
        for port in range(12501, 12600):
            register(first.address, ("127.0.0.1", port), {"forged": 1})
            ask(first.address, b'ping_tracker\n["127.0.0.1", %d]' % port)
        first.stop()
        self.assertFalse(self.state_file.exists())

    def test_a_restart_keeps_the_lists(self) -> None:
        first = self.tracker(state_file=self.state_file)
        register(first.address, ("127.0.0.1", 12501), {"é": 1})
        first.stop()
        second = self.tracker(state_file=self.state_file)
        self.assertEqual(listed_files(second.address), {"é": 1})
        self.assertEqual(listed_seeders(second.address), [("127.0.0.1", 12501)])

    def test_the_lists_are_kept_while_it_runs_for_it_may_be_killed(self) -> None:
        running = self.tracker(state_file=self.state_file)
        self.limits("room.saved_room", save_s=0.05)
        register(running.address, ("127.0.0.1", 12501), {"a": 1})
        wait_until(
            lambda: self.state_file.exists() and b'"a": 1' in self.state_file.read_bytes(),
            LIMIT_S,
            "the list was not saved",
        )

    def test_without_a_state_file_a_restart_forgets(self) -> None:
        first = self.tracker()
        register(first.address, ("127.0.0.1", 12501), {"a": 1})
        first.stop()
        self.assertEqual(listed_files(self.tracker().address), {})

    def test_a_damaged_state_file_is_started_without(self) -> None:
        self.state_file.parent.mkdir()
        first = self.tracker(state_file=self.state_file)
        register(first.address, ("127.0.0.1", 12501), {"a": 1})
        first.stop()
        whole = self.state_file.read_bytes()
        for name, damaged in {
            "empty": b"",
            "zeroed": bytes(len(whole)),
            "cut": whole[: len(whole) // 2],
            "not UTF-8": b"\xff" + whole,
            "another program's": b'{"seeders": 7}',
            "a list of nonsense": b'[1, null, {"source": 1}, []]',
            "nested deep": b"[" * 100_000,
        }.items():
            with self.subTest(name):
                self.state_file.write_bytes(damaged)
                again = self.tracker(state_file=self.state_file)
                self.assertEqual(listed_files(again.address), {})
                self.assertEqual(ask(again.address, b'add_seeder\n["h", 12501]'), [SUCCESS])
                again.stop()

    def test_a_state_file_cannot_bring_in_what_an_upload_cannot(self) -> None:
        first = self.tracker(state_file=self.state_file)
        register(first.address, ("127.0.0.1", 12501), {"innocent": 1})
        first.stop()
        forged = self.state_file.read_bytes().replace(b'"innocent"', b'"../../x"')
        self.assertIn(b"../../x", forged)
        self.state_file.write_bytes(forged)
        second = self.tracker(state_file=self.state_file)
        self.assertEqual(listed_files(second.address), {})

    def test_a_disk_that_takes_its_time_holds_up_no_answer(self) -> None:
        is_answered, began, in_time = threading.Event(), threading.Event(), list[bool]()

        def write(state: StateFile, content: bytes) -> None:
            began.set()
            in_time.append(is_answered.wait(LIMIT_S / 2))
            write_whole(state.path, content)

        self.enterContext(mock.patch.object(StateFile, "write", write))
        running = self.tracker(state_file=self.state_file)
        register(running.address, ("127.0.0.1", 12501), {"a": 1})
        self.assertTrue(began.wait(LIMIT_S))
        self.assertEqual(listed_files(running.address), {"a": 1})
        is_answered.set()
        running.stop()
        self.assertTrue(all(in_time))
        self.assertIn(b'"a": 1', self.state_file.read_bytes())

    def test_a_state_file_that_cannot_be_written_does_not_stop_it(self) -> None:
        self.state_file.mkdir(parents=True)  # a folder has its name
        running = self.tracker(state_file=self.state_file)
        register(running.address, ("127.0.0.1", 12501), {"a": 1})
        running.stop()
        self.assertIsNone(running.log.of(RoleStopped)[0].failure)
