"""What the tracker of a private room keeps between its runs."""

from __future__ import annotations

import os
import stat
import tempfile
import unittest
from pathlib import Path

from roles.private.room_keys import TrackerKeys


class TrackerKeysTest(unittest.TestCase):
    def setUp(self) -> None:
        self.path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "room.json"

    def test_a_restart_changes_nothing(self) -> None:
        first = TrackerKeys.kept(self.path, "")
        for code in ("", first.code):
            again = TrackerKeys.kept(self.path, code)
            self.assertEqual(again, first)
            self.assertEqual(again.code, first.code)

    def test_another_code_means_another_room_and_secret(self) -> None:
        first = TrackerKeys.kept(self.path, "green table")
        other = TrackerKeys.kept(self.path, "blue table")
        self.assertEqual(other.code, "blue table")
        self.assertNotEqual(other.room.room, first.room.room)
        self.assertNotEqual(other.room.secret, first.room.secret)
        self.assertEqual(other.key, first.key)

    @unittest.skipIf(os.name == "nt", "Windows keeps profiles from others in another way")
    def test_only_the_user_can_read_it(self) -> None:
        TrackerKeys.kept(self.path, "")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_a_damaged_file_is_kept_aside_and_begins_anew(self) -> None:
        first = TrackerKeys.kept(self.path, "")
        whole = self.path.read_text()
        for damaged in (whole[:-5], "[]", whole.replace(first.room.secret.hex(), "00"), "{}"):
            with self.subTest(damaged=damaged[:30]):
                self.path.write_text(damaged)
                again = TrackerKeys.kept(self.path, "")
                self.assertNotEqual(again.room.secret, first.room.secret)
                self.assertTrue(again.notice)

    def test_without_a_file_it_lives_for_one_run(self) -> None:
        self.assertNotEqual(TrackerKeys.kept(None, "").code, TrackerKeys.kept(None, "").code)

    def test_nothing_secret_is_shown(self) -> None:
        keys = TrackerKeys.kept(None, "green table")
        self.assertNotIn("green table", repr(keys))
        self.assertNotIn(repr(keys.room.secret), repr(keys))


if __name__ == "__main__":
    unittest.main()
