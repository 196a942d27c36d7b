"""The secret that makes all programs of one computer known as one."""

from __future__ import annotations

from roles.program.machine_key import NAME, machine_key
from tests.support import LmkTestCase


class MachineKeyTest(LmkTestCase):
    def test_it_is_kept_for_the_next_start(self) -> None:
        first = machine_key(self.folder)
        machine_key.cache_clear()
        self.assertEqual(machine_key(self.folder), first)
        self.assertNotEqual(machine_key(self.folder / "another"), first)

    def test_without_a_folder_it_lasts_as_long_as_the_program(self) -> None:
        self.assertEqual(machine_key(None), machine_key(None))

    def test_what_is_no_key_is_replaced_and_kept_aside(self) -> None:
        for content in (b"7", b'"short"', b'"' + "é".encode() * 64 + b'"', b"[]"):
            with self.subTest(content):
                (self.folder / NAME).write_bytes(content)
                machine_key.cache_clear()
                with self.assertLogs(level="WARNING"):
                    key = machine_key(self.folder)
                self.assertEqual(len(key), 64)
                kept = [path.read_bytes() for path in self.folder.glob(f"{NAME}.damaged*")]
                self.assertIn(content, kept)
                machine_key.cache_clear()
                self.assertEqual(machine_key(self.folder), key)
