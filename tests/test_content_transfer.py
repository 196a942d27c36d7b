"""One content on its way: which digests and chunks are right, and what can be uploaded of it."""

from __future__ import annotations

import hashlib
import unittest

from roles.swarm.content_transfer import ContentTransfer
from roles.values.content import MIN_CHUNK_SIZE
from roles.values.errors import FileChangedError
from tests.disks import described, some_bytes
from tests.memory_contents import MemoryStore

CHUNK = MIN_CHUNK_SIZE
DATA = some_bytes(3 * CHUNK)


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def transfer_of(data: bytes) -> tuple[ContentTransfer, bytes]:
    content, digests = described(data)
    return ContentTransfer(content, "some bytes", lambda: None), digests


class ContentTransferTest(unittest.TestCase):
    def test_only_the_digests_of_its_root_are_right(self) -> None:
        transfer, digests = transfer_of(DATA)
        for wrong in (digests[:-1], digests + bytes(32), bytes(len(digests)), b""):
            self.assertFalse(transfer.learn(wrong))
            self.assertIsNone(transfer.digests())
        self.assertTrue(transfer.learn(digests))
        self.assertEqual(transfer.digests(), digests)

    def test_a_chunk_is_right_at_its_place_alone(self) -> None:
        transfer, digests = transfer_of(DATA)
        first = digest(DATA[:CHUNK])
        self.assertFalse(transfer.is_right(0, first))  # its digests are not known yet
        transfer.learn(digests)
        self.assertTrue(transfer.is_right(0, first))
        self.assertFalse(transfer.is_right(1, first))

    def test_one_chunk_is_judged_by_the_root(self) -> None:
        transfer, _ = transfer_of(b"small")
        self.assertTrue(transfer.is_single)
        self.assertTrue(transfer.is_right(0, digest(b"small")))
        self.assertFalse(transfer.is_right(0, digest(b"Small")))

    def test_nothing_can_be_uploaded_before_it_is_known_what_is_here(self) -> None:
        transfer, _ = transfer_of(DATA)
        transfer.plan.had = 0b101
        self.assertEqual(transfer.have(), 0)
        with self.assertRaises(FileChangedError):
            transfer.open()
        transfer.store = MemoryStore(len(DATA))
        self.assertEqual(transfer.have(), 0b101)
        self.assertFalse(transfer.is_done)
        transfer.plan.had = 0b111
        self.assertTrue(transfer.is_done)
