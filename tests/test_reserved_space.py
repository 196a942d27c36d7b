"""Space on the disk that is reserved: what is given to one is not given to another."""

from __future__ import annotations

from pathlib import Path

from roles.disk.reserved_space import ReservedSpace, disk_full
from roles.values.errors import DiskFullError
from roles.wire.fields import cut
from roles.wire.tracker_wire import MAX_REASON
from tests.support import LmkTestCase

MB = 1_000_000


class ReservedSpaceTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.room = 10 * MB
        self.space = ReservedSpace(self.folder, lambda _: self.room)

    def test_what_others_need_is_not_there(self) -> None:
        self.space.reserve("a", 6 * MB)
        with self.assertRaisesRegex(DiskFullError, "Free 2 MB"):
            self.space.reserve("b", 6 * MB)
        self.space.reserve("b", 4 * MB)

    def test_a_room_is_told_how_much_must_be_freed_however_long_the_path_is(self) -> None:
        folder = Path("/home/Schülerin Zoë/Téléchargements/" + "lesson/" * 20)
        self.assertIn("Free 112 MB", cut(str(disk_full(folder, 112 * MB)), MAX_REASON))

    def test_what_was_promised_stays_when_more_does_not_fit(self) -> None:
        self.space.reserve("a", 6 * MB)
        with self.assertRaises(DiskFullError):
            self.space.reserve("a", 11 * MB)
        with self.assertRaises(DiskFullError):
            self.space.reserve("b", 5 * MB)

    def test_what_came_is_on_the_disk_and_not_promised_any_more(self) -> None:
        self.space.reserve("a", 6 * MB)
        self.space.update("a", MB)
        self.room -= 5 * MB
        with self.assertRaises(DiskFullError):
            self.space.reserve("b", 4 * MB + 1)
        self.space.reserve("b", 4 * MB)

    def test_what_is_withdrawn_is_there_for_others_and_nothing_is_promised_by_a_note(self) -> None:
        self.space.reserve("a", 6 * MB)
        self.space.release("a")
        self.space.update("a", 6 * MB)
        with self.assertRaises(DiskFullError):
            self.space.reserve("b", 10 * MB + 1)
        self.space.reserve("b", 10 * MB)
