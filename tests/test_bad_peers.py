"""Who is asked for nothing of a content again: by its id, and by its host."""

from __future__ import annotations

import unittest

from roles.taking.bad_peers import MAX_BAD_CHUNKS, MAX_BAD_OF_HOST, MAX_REMEMBERED, BadPeers

LIAR, HOST, ELSEWHERE, HERE = "liar", "10.0.0.7", "10.0.0.8", ""


class BadPeersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.bad = BadPeers()

    def lie(self, host: str, count: int, *, each: int = 1) -> None:
        """So many bad chunks, `each` under one id, another id for the next ones."""
        for number in range(count):
            self.bad.note((f"{LIAR} {number // each}", host), number)

    def test_a_host_that_lies_under_one_id_after_another_is_asked_no_more(self) -> None:
        for each in (1, MAX_BAD_CHUNKS):
            with self.subTest(each=each):
                self.bad = BadPeers()
                self.lie(HOST, MAX_BAD_OF_HOST - 1, each=each)
                self.assertFalse(self.bad.has(("new", HOST)))
                self.lie(HOST, 1)
                self.assertTrue(self.bad.has(("new", HOST)))
                self.assertTrue(self.bad)
                self.assertFalse(self.bad.has(("new", ELSEWHERE)))

    def test_who_was_right_before_does_not_suffer_for_others_of_its_host(self) -> None:
        self.bad.prove(("honest", HOST))
        self.lie(HOST, MAX_BAD_OF_HOST)
        self.assertFalse(self.bad.has(("honest", HOST)))
        for index in range(MAX_BAD_CHUNKS):
            self.bad.note(("honest", HOST), index)
        self.assertTrue(self.bad.has(("honest", HOST)))

    def test_a_liar_who_takes_the_id_of_another_harms_itself_only(self) -> None:
        for index in range(MAX_BAD_CHUNKS):
            self.bad.note(("honest", ELSEWHERE), index)
        self.assertTrue(self.bad.has(("honest", ELSEWHERE)))
        self.assertFalse(self.bad.has(("honest", HOST)))

    def test_programs_of_this_machine_are_told_apart_by_their_ids_alone(self) -> None:
        self.lie(HERE, 5 * MAX_BAD_OF_HOST, each=MAX_BAD_CHUNKS)
        self.assertTrue(self.bad.has((f"{LIAR} 0", HERE)))
        self.assertFalse(self.bad.has(("honest", HERE)))

    def test_wrong_digests_count_as_much_as_bad_chunks(self) -> None:
        for number in range(MAX_BAD_OF_HOST // MAX_BAD_CHUNKS):
            self.assertFalse(self.bad.has(("new", HOST)))
            self.bad.drop((f"{LIAR} {number}", HOST))
        self.assertTrue(self.bad.has(("new", HOST)))

    def test_no_table_grows_without_end(self) -> None:
        for number in range(3 * MAX_REMEMBERED):
            sender = (f"peer {number}", f"host {number}")
            self.bad.prove(sender)
            self.bad.note(sender, 0)
        for table in (self.bad._bad, self.bad._of_host, self.bad._proven):
            self.assertEqual(len(table), MAX_REMEMBERED)
