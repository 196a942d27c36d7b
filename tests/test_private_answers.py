"""What a private room says to datagrams of strangers."""

from __future__ import annotations

import unittest

from roles.room.cookies import Proof
from roles.room.private_answers import PRIVATE, PrivateAnswers
from roles.values.addresses import Address
from roles.wire import tracker_wire
from roles.wire.tracker_messages import (
    AskHolders,
    AskVersion,
    Code,
    FindTracker,
    Found,
    Refused,
    Register,
)

ID, ROOM = "0123456789abcdef", "89abcdef"


class PrivateAnswersTest(unittest.TestCase):
    def setUp(self) -> None:
        self.answers = PrivateAnswers(ROOM, 12500)

    def to(self, datagram: bytes, host: str = "192.168.1.7") -> list[bytes]:
        return self.answers.to(datagram, host, 40_000, Proof.NONE, now=10)

    def test_the_answer_to_a_search_says_that_there_is_a_private_room_and_not_its_name(
        self,
    ) -> None:
        (answer,) = self.to(tracker_wire.encode_request(FindTracker(ID)))
        found = tracker_wire.decode_answer(answer)
        self.assertEqual(found, Found(ID, "", 12500, ROOM, is_private=True))

    def test_our_programs_get_a_code_that_they_understand_and_a_sentence(self) -> None:
        me = Register(ID, Address("192.168.1.7", 12501), ID, "lab-pc", is_leecher=False)
        for request in (AskVersion(ID), AskHolders(ID, (ID,)), me):
            with self.subTest(request=request):
                datagram = tracker_wire.encode_request(request)
                (answer,) = self.to(datagram)
                self.assertLessEqual(len(answer), len(datagram))
                refused = Refused(ID, Code.PRIVATE, PRIVATE)
                self.assertEqual(tracker_wire.decode_answer(answer), refused)

    def test_originals_get_empty_lists_that_do_not_end_them_and_the_sentence(self) -> None:
        said = f"error\n{PRIVATE}".encode()
        for request, answers in (
            (b"request_file_list", [b"{}", b"success"]),
            (b"request_seeder_list", [b"[]", b"success"]),
            (b"add_seeder\n192.168.1.7:12501", [said]),
            (b'upload_file_list\n{"a":1}', [said]),
            (b"ping_tracker\n192.168.1.7:12501", [said]),
            (b"nonsense", []),
            (b"\x00\x00\x04\x17\x27\x10\x19\x80" + bytes(8), []),
        ):
            with self.subTest(request=request):
                self.assertEqual(self.to(request), answers)

    def test_answers_of_trackers_and_floods_are_not_answered(self) -> None:
        self.assertEqual(self.to(b"success"), [])
        answered = sum(bool(self.to(b"request_file_list")) for _ in range(1_000))
        self.assertLess(answered, 500)


if __name__ == "__main__":
    unittest.main()
