"""What a tracker answers BitTorrent programs, behind its limits of datagrams."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from roles.room.cookies import EPOCH_S, Cookies, Proof
from roles.room.registry import Registry
from roles.room.registry_entry import Key
from roles.room.room_list import Owner, RoomList, Share, Sums
from roles.torrents import bep15_answers
from roles.torrents.bep15_answers import GOOD_EPOCHS, NOT_TRACKED, Bep15Answers
from roles.values.list_lines import TorrentLine, encode_line
from roles.wire.tracker_wire import NOT_UNDERSTOOD
from tests.test_bep15_wire import CONNECT, HASH, REQUEST, announce
from tests.tracker_tables import answerer_of

ROOT = Path(__file__).resolve().parent.parent
SHARE = "00112233445566aa"
PC, OTHER = "10.0.0.7", "10.0.0.8"
OFFERED = "10.0.0.1"


def scrape(*hashes: bytes) -> bytes:
    return b"12345678" + b"\0\0\0\x02" + REQUEST + b"".join(hashes)


def offer(room_list: RoomList, info_hash: bytes) -> None:
    """A share has this torrent, and no other."""
    owner = Owner(Key(OFFERED, 12501, "0123456789abcdef"), OFFERED)
    line, sums = encode_line(TorrentLine(info_hash)), Sums()
    sums.count(line, 1)
    room_list.put(SHARE, Share("lesson", owner, 1, {line: line}, sums), [line], ())


class Bep15AnswersTest(unittest.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = Registry()
        self.answerer, _ = answerer_of(self.registry, Cookies(b"secret"))
        offer(self.registry.room_list, HASH)

    def answers(
        self, datagram: bytes, host: str = PC, *, port: int = 6881, now: float = 0.0
    ) -> list[bytes]:
        proof = self.answerer.proof(datagram, host, now=now)
        return self.answerer.to(datagram, host, port, proof, now=now)

    def connected(self, host: str = PC, *, now: float = 0.0) -> bytes:
        (answer,) = self.answers(CONNECT, host, now=now)
        self.assertEqual(answer[:8], b"\0\0\0\0" + REQUEST)
        self.assertEqual(answer[8:9], b"\xff")
        self.assertEqual(len(answer), len(CONNECT))
        return answer[8:]

    def asked(self, datagram: bytes, host: str = PC, *, now: float = 0.0) -> list[bytes]:
        """The same request with the id of a connection."""
        return self.answers(self.connected(host, now=now) + datagram[8:], host, now=now)

    def test_two_programs_find_each_other(self) -> None:
        (first,) = self.asked(announce())
        self.assertEqual(first[8:], bytes.fromhex("00000078 00000001 00000000"))
        (second,) = self.asked(announce(port=51_413, left=0), OTHER)
        self.assertEqual(second[8:], bytes.fromhex("00000078 00000001 00000001 0a000007 1ae1"))

    def test_a_wrong_id_gets_no_answer(self) -> None:
        good = self.connected()
        for wrong, host in ((b"\xff" * 8, PC), (good, OTHER), (good[:7] + b"\0", PC)):
            if wrong == good and host == PC:
                continue
            self.assertEqual(self.answers(wrong + announce()[8:], host), [])
            self.assertEqual(self.answers(wrong + scrape(HASH)[8:], host), [])

    def test_an_id_is_good_for_two_to_three_minutes(self) -> None:
        good, end = self.connected(now=0.0), GOOD_EPOCHS * EPOCH_S
        self.assertEqual(len(self.answers(good + announce()[8:], now=end - 1)), 1)
        self.assertEqual(self.answers(good + announce()[8:], now=end), [])

    def test_a_torrent_that_nobody_offers_is_refused(self) -> None:
        (refused,) = self.asked(announce().replace(HASH, b"x" * 20))
        self.assertEqual(refused, b"\0\0\0\x03" + REQUEST + NOT_TRACKED.encode())

    def test_what_comes_into_the_room_is_tracked_at_once_and_what_leaves_still_is(self) -> None:
        other = b"x" * 20
        asked = announce().replace(HASH, other)
        self.asked(announce())
        offer(self.registry.room_list, other)
        for now in (0.0, 3_600.0):
            self.assertEqual(len(self.asked(asked, now=now)[0]), 20)
            self.assertEqual(len(self.asked(announce(), now=now)[0]), 20)
        self.registry.room_list.drop(SHARE)
        self.assertEqual(len(self.asked(asked, now=3_600.0)[0]), 20)

    def test_a_scrape_counts_peers(self) -> None:
        self.asked(announce())
        self.asked(announce(left=0), OTHER)
        (counts,) = self.asked(scrape(HASH, b"x" * 20))
        expected = "00000002 01020304 00000001 00000000 00000001 00000000 00000000 00000000"
        self.assertEqual(counts, bytes.fromhex(expected))

    def test_what_is_cut_or_unknown_is_answered_like_any_words_without_a_meaning(self) -> None:
        good = self.connected()
        for datagram in (
            CONNECT[:15],
            b"\0",
            b"\xff",
            b"\0" * 100,
            good,
            (good + announce()[8:])[:97],
        ):
            with self.subTest(datagram=datagram):
                self.assertEqual(self.answers(datagram), [NOT_UNDERSTOOD])

    def test_a_longer_connect_gets_no_longer_an_answer(self) -> None:
        (answer,) = self.answers(CONNECT + b"more")
        self.assertEqual(len(answer), len(CONNECT))

    def test_no_service_of_a_system_and_no_group_is_answered(self) -> None:
        self.assertEqual(self.answers(CONNECT, port=53), [])
        self.assertEqual(self.answers(CONNECT, "224.0.0.1"), [])
        self.assertEqual(self.answers(CONNECT, "255.255.255.255"), [])

    def test_connects_are_limited_like_other_requests_without_a_proof(self) -> None:
        connects = [len(self.answers(CONNECT, now=1.0)) for _ in range(300)]
        self.assertEqual(sum(connects), 200)
        self.assertEqual(self.answerer.proof(CONNECT, PC, now=1.0), Proof.NONE)

    def test_who_has_an_id_is_answered_while_forged_sources_use_up_the_rest(self) -> None:
        good = self.connected()
        for number in range(10_000):
            self.answers(CONNECT, f"10.1.{number // 250}.{number % 250}", now=1.0)
        self.assertEqual(self.answers(CONNECT, OTHER, now=1.0), [])
        self.assertEqual(len(self.answers(good + announce()[8:], now=1.0)), 1)

    def test_a_program_on_the_trackers_machine_is_told_as_the_reader_reaches_it(self) -> None:
        self.asked(announce(port=20_001), "127.0.0.1")
        self.asked(announce(port=20_002), "127.0.0.1")
        (here,) = self.asked(announce(port=20_001), "127.0.0.1")
        self.assertEqual(here[20:], bytes.fromhex("7f000001") + (20_002).to_bytes(2, "big"))
        with mock.patch.object(bep15_answers, "own_address_towards", lambda _host: "10.0.0.5"):
            (told,) = self.asked(announce())
        self.assertEqual({told[20:24], told[26:30]}, {bytes([10, 0, 0, 5])})
        with mock.patch.object(
            bep15_answers, "own_address_towards", side_effect=OSError("no route")
        ):
            (told,) = self.asked(announce())
        self.assertEqual(told[20:], b"")

    def test_torrents_survive_a_restart(self) -> None:
        answers = Bep15Answers(self.registry.room_list, b"one")
        answers.expire(now=0.0)
        first = answers.swarms
        self.assertEqual(first.changes_saved, 1)
        second = Bep15Answers(Registry().room_list, b"two").swarms
        second.restore(list(first.saved()), now=0.0)
        self.assertEqual(list(second.saved()), list(first.saved()))
        self.assertEqual([item["torrent"] for item in second.saved()], [HASH.hex()])


class LateLoadingTest(unittest.TestCase):
    def test_no_command_loads_torrents_at_its_start(self) -> None:
        loads = (
            "import sys, lmktorrent_app, ui.terminal.session\n"
            "from roles import tracker, seeder, leecher, lister, observer, checker\n"
            "print([name for name in sys.modules if name.startswith('roles.torrents')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", loads],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        self.assertEqual(done.stdout.strip(), "[]")
