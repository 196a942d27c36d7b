"""The torrents of a room: when the answers to BitTorrent programs are loaded, and what is kept."""

from __future__ import annotations

import unittest

from roles.room.cookies import Proof
from roles.room.room_catalogue import RoomCatalogue
from roles.room.torrents import Torrents
from roles.torrents.bep15_answers import Bep15Answers
from roles.values.errors import ShortageError, StorageError
from tests.test_bep15_answers import offer

SAVED = {"torrent": "ab" * 20, "host": "10.0.0.1"}


class TorrentsTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.catalogue, self.loads = RoomCatalogue("0badcafe"), 0
        self.torrents = Torrents(self.catalogue, self.load)

    def load(self) -> Bep15Answers:
        self.loads += 1
        return Bep15Answers(self.catalogue, b"secret")

    def test_a_room_without_torrents_loads_nothing_for_them(self) -> None:
        self.torrents.restore([{"share": "x"}, SAVED, 3])
        self.torrents.expire(now=0.0)
        self.assertEqual((list(self.torrents.saved()), self.loads), ([SAVED], 0))

    def test_the_first_torrent_or_program_loads_it_once(self) -> None:
        offer(self.catalogue, b"t" * 20)
        for now in (0.0, 1.0):
            self.torrents.expire(now=now)
        self.assertIs(self.torrents.bep15(), self.torrents.bep15())
        self.assertEqual(self.loads, 1)

    def test_a_datagram_with_a_forged_source_loads_nothing(self) -> None:
        for datagram in (b"\0", b"\xff" * 16):
            self.assertIs(self.torrents.proof(datagram, "10.0.0.1", now=0.0), Proof.NONE)
        self.assertEqual(self.loads, 0)

    def test_what_cannot_be_loaded_is_said_once_and_loses_nothing(self) -> None:
        failures = [ShortageError("no memory"), StorageError("it is gone")]

        def fail() -> Bep15Answers:
            raise failures.pop(0)

        torrents = Torrents(self.catalogue, fail)
        torrents.restore([SAVED])
        offer(self.catalogue, b"t" * 20)
        torrents.expire(now=0.0)
        with self.assertLogs("roles.room.torrents", "WARNING") as said:
            for now in (1.0, 2.0):
                torrents.expire(now=now)
        self.assertEqual(len(said.output), 1)
        with self.assertRaises(StorageError):
            torrents.bep15()
        self.assertEqual(list(torrents.saved()), [SAVED])

    def test_what_the_last_run_has_saved_is_kept_with_what_is_new(self) -> None:
        self.torrents.restore([SAVED])
        before = self.torrents.changes_saved
        offer(self.catalogue, b"t" * 20)
        self.torrents.expire(now=0.0)
        self.assertNotEqual(self.torrents.changes_saved, before)
        saved = [one["torrent"] for one in self.torrents.saved()]
        self.assertEqual(saved, [SAVED["torrent"], (b"t" * 20).hex()])

    def test_a_damaged_state_file_brings_none(self) -> None:
        damaged: tuple[object, ...] = (None, {}, 3, ["torrent"], [["torrent"]])
        for saved in damaged:
            self.torrents.restore(saved)
            self.assertEqual(list(self.torrents.saved()), [])
