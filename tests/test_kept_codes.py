"""The codes that are remembered on this computer."""

from __future__ import annotations

import os
import stat
import unittest

from roles.program.kept_codes import MAX_CODES, KeptCodes
from tests.support import LmkTestCase


class KeptCodesTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "state" / "room-codes.json"
        self.codes = KeptCodes(self.path)

    def test_what_was_saved_is_there_at_the_next_start(self) -> None:
        self.assertEqual(self.codes.load(), {})
        self.codes.save({"10.0.0.5:12500": "482177305"})
        self.assertEqual(KeptCodes(self.path).load(), {"10.0.0.5:12500": "482177305"})

    @unittest.skipIf(os.name == "nt", "Windows knows no such rights")
    def test_nobody_else_may_read_them(self) -> None:
        self.codes.save({"10.0.0.5:12500": "482177305"})
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_whatever_else_is_in_the_file_is_left_out(self) -> None:
        self.path.parent.mkdir()
        self.path.write_text('{"a:1": 5, "b:1": "\\ud800", "c:1": "secret"}', encoding="utf-8")
        self.assertEqual(self.codes.load(), {"c:1": "secret"})
        self.path.write_text('["secret"]', encoding="utf-8")
        self.assertEqual(self.codes.load(), {})

    def test_only_the_newest_are_kept(self) -> None:
        self.codes.save({f"10.0.0.5:{number}": "secret" for number in range(MAX_CODES + 1)})
        kept = self.codes.load()
        self.assertEqual((len(kept), "10.0.0.5:0" in kept), (MAX_CODES, False))
