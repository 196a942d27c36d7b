"""Which version of each file of a share was downloaded, from one run to the next."""

from __future__ import annotations

import json
from unittest import mock

from roles.disk import downloaded_versions
from roles.disk.downloaded_versions import FOLDER_NAME, DownloadedVersions
from roles.values.content import Content
from tests.support import LmkTestCase

SHARE, OTHER = "1" * 16, "2" * 16
ONE, TWO = (Content(bytes([number]) * 32, number, 1 << 18) for number in (1, 2))


class ArrivedFilesTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.state, self.target = self.folder / "state", self.folder / "target"

    def files(self, share: str = SHARE, target: str = "target") -> DownloadedVersions:
        return DownloadedVersions(self.state, self.folder / target, share)

    def test_what_was_noted_is_known_to_later_runs_and_the_newest_version_counts(self) -> None:
        self.files().note({"a": ONE, "é/b": ONE})
        self.files().note({"a": TWO})
        self.assertEqual(self.files().load(), {"a": TWO, "é/b": ONE})

    def test_each_share_in_each_folder_has_its_own(self) -> None:
        self.files().note({"a": ONE})
        self.assertEqual(self.files(OTHER).load(), {})
        self.assertEqual(self.files(target="elsewhere").load(), {})

    def test_nothing_new_writes_nothing(self) -> None:
        self.files().note({"a": ONE})
        (record,) = (self.state / FOLDER_NAME).iterdir()
        before = record.stat().st_ino
        self.files().note({"a": ONE})
        self.assertEqual(record.stat().st_ino, before)

    def test_damage_is_no_version(self) -> None:
        self.files().note({"a": ONE})
        (record,) = (self.state / FOLDER_NAME).iterdir()
        good = json.loads(record.read_text())["files"]["a"]
        bad = ([1, 0, "00" * 32], [-1, *good[1:]], [*good[:2], "xy"], [True], "x", None)
        files = {str(number): fields for number, fields in enumerate(bad)} | {"a": good}
        record.write_text(json.dumps({"lmk": 1, "files": files}))
        self.assertEqual(self.files().load(), {"a": ONE})
        for text in ("", "{", '{"lmk": 2, "files": {}}', '{"lmk": 1, "files": []}'):
            record.write_text(text)
            with self.assertLogs("roles.disk.state_file", "WARNING"):
                self.assertEqual(self.files().load(), {})

    def test_the_records_of_the_last_shares_are_kept(self) -> None:
        self.enterContext(mock.patch.object(downloaded_versions, "MAX_RECORDS", 3))
        for number in range(5):
            self.files(f"{number:016}").note({"a": ONE})
        self.assertEqual(len(list((self.state / FOLDER_NAME).iterdir())), 3)

    def test_a_state_folder_that_cannot_be_used_stops_nothing(self) -> None:
        self.state.write_bytes(b"a file")
        with self.assertLogs(downloaded_versions.log, "WARNING"):
            self.files().note({"a": ONE})
        self.assertEqual(self.files().load(), {})
