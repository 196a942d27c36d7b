"""Who sent damaged chunks, and when it is asked again: by its id, and by its host."""

from __future__ import annotations

import unittest

from roles.swarm.bad_peers import (
    GOOD_FOR_BAD,
    MAX_BAD_CHUNKS,
    MAX_BAD_OF_HOST,
    MAX_REMEMBERED,
    OTHERS_FIRST_S,
    PAUSE_S,
    TRIES_AT_ONCE,
    WRONG_DIGESTS,
    BadPeers,
)

LIAR, HOST, ELSEWHERE, HERE = "liar", "10.0.0.7", "10.0.0.8", ""
TRIES = 128


class BadPeersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bad = BadPeers(TRIES)

    def lie(self, host: str, count: int, *, each: int = 1) -> None:
        """So many bad chunks, `each` under one id, another id for the next ones."""
        for number in range(count):
            self.bad.sent_bad((f"{LIAR} {number // each}", host), number, now=0.0)

    def test_a_host_that_lies_under_one_id_after_another_is_asked_no_more(self) -> None:
        for each in (1, MAX_BAD_CHUNKS):
            with self.subTest(each=each):
                self.bad = BadPeers(TRIES)
                self.lie(HOST, MAX_BAD_OF_HOST - 1, each=each)
                self.assertFalse(self.bad.is_suspect(("new", HOST)))
                self.lie(HOST, 1)
                self.assertTrue(self.bad.is_suspect(("new", HOST)))
                self.assertTrue(self.bad.any_wrong)
                self.assertFalse(self.bad.is_suspect(("new", ELSEWHERE)))

    def test_who_was_right_before_does_not_suffer_for_others_of_its_host(self) -> None:
        self.bad.sent_good(("honest", HOST), now=0.0)
        self.lie(HOST, TRIES)
        self.assertFalse(self.bad.is_suspect(("honest", HOST)))
        self.assertTrue(self.bad.may_try(("honest", HOST), now=0.0))
        for index in range(MAX_BAD_CHUNKS):
            self.bad.sent_bad(("honest", HOST), index, now=0.0)
        self.assertTrue(self.bad.is_suspect(("honest", HOST)))

    def test_right_chunks_make_up_for_a_bad_one_now_and_then(self) -> None:
        noisy = ("noisy", HOST)
        for _ in range(20):
            self.bad.sent_bad(noisy, 1, now=0.0)
            for _ in range(GOOD_FOR_BAD):
                self.bad.sent_good(noisy, now=0.0)
            self.assertFalse(self.bad.is_suspect(noisy))
        for _ in range(2):
            self.bad.sent_bad(noisy, 1, now=0.0)
        self.assertTrue(self.bad.is_suspect(noisy))

    def test_a_chunk_that_came_wrong_is_asked_of_others_for_a_moment(self) -> None:
        noisy = ("noisy", HOST)
        self.bad.sent_bad(noisy, 3, now=10.0)
        self.assertEqual(self.bad.bad_chunks(noisy, now=10.0), 0b1000)
        self.assertEqual(self.bad.bad_chunks(noisy, now=10.0 + OTHERS_FIRST_S), 0)
        self.assertEqual(self.bad.bad_chunks(("other", HOST), now=10.0), 0)

    def test_who_is_wrong_again_and_again_is_tried_with_pauses_and_then_no_more(self) -> None:
        noisy = ("noisy", HERE)
        self.bad.sent_good(noisy, now=0.0)
        for number in range(1, TRIES):
            self.bad.sent_bad(noisy, 0, now=0.0)
            self.assertIs(self.bad.may_try(noisy, now=0.0), number < TRIES_AT_ONCE)
            self.assertTrue(self.bad.may_try(noisy, now=PAUSE_S))
        self.assertFalse(self.bad.any_hopeless)
        self.bad.sent_bad(noisy, 0, now=0.0)
        self.assertTrue(self.bad.is_hopeless(noisy))
        self.assertTrue(self.bad.any_hopeless)
        self.assertFalse(self.bad.may_try(noisy, now=1e9))

    def test_who_was_never_right_is_tried_half_as_often(self) -> None:
        liar = ("liar", HERE)
        for _ in range(TRIES // 2):
            self.assertFalse(self.bad.is_hopeless(liar))
            self.bad.sent_bad(liar, 0, now=0.0)
        self.assertTrue(self.bad.is_hopeless(liar))

    def test_one_right_chunk_begins_the_count_anew(self) -> None:
        noisy = ("noisy", HOST)
        self.bad.sent_good(noisy, now=0.0)
        for _ in range(5):
            for _ in range(TRIES - 1):
                self.bad.sent_bad(noisy, 0, now=0.0)
            self.bad.sent_good(noisy, now=0.0)
            self.assertTrue(self.bad.may_try(noisy, now=0.0))

    def test_a_liar_who_takes_the_id_of_another_harms_itself_only(self) -> None:
        for index in range(MAX_BAD_CHUNKS):
            self.bad.sent_bad(("honest", ELSEWHERE), index, now=0.0)
        self.assertTrue(self.bad.is_suspect(("honest", ELSEWHERE)))
        self.assertFalse(self.bad.is_suspect(("honest", HOST)))

    def test_programs_of_this_machine_are_told_apart_by_their_ids_alone(self) -> None:
        self.lie(HERE, 5 * MAX_BAD_OF_HOST, each=MAX_BAD_CHUNKS)
        self.assertTrue(self.bad.is_suspect((f"{LIAR} 0", HERE)))
        self.assertFalse(self.bad.is_suspect(("honest", HERE)))

    def test_wrong_digests_count_as_much_as_bad_chunks(self) -> None:
        for number in range(MAX_BAD_OF_HOST // MAX_BAD_CHUNKS):
            self.assertFalse(self.bad.is_suspect(("new", HOST)))
            self.bad.sent_wrong_digests((f"{LIAR} {number}", HOST), now=0.0)
        self.assertTrue(self.bad.is_suspect(("new", HOST)))

    def test_who_tells_nothing_but_wrong_digests_is_asked_some_times_only(self) -> None:
        for _ in range(WRONG_DIGESTS // 2):
            self.assertTrue(self.bad.may_try((LIAR, HERE), now=PAUSE_S))
            self.bad.sent_wrong_digests((LIAR, HERE), now=0.0)
        self.assertTrue(self.bad.is_hopeless((LIAR, HERE)))

    def test_no_table_grows_without_end(self) -> None:
        for number in range(3 * MAX_REMEMBERED):
            sender = (f"peer {number}", f"host {number}")
            self.bad.sent_good(sender, now=0.0)
            self.bad.sent_bad(sender, 0, now=0.0)
        for table in (self.bad._peers, self.bad._hosts):
            self.assertEqual(len(table), MAX_REMEMBERED)
