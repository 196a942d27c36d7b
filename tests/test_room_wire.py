"""A line about each program of a room: byte for byte, and what is not one."""

from __future__ import annotations

from dataclasses import replace

from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import MAX_LINE
from roles.values.participants import Participant, ParticipantState, Status, TransferStatus
from roles.wire.room_wire import decode_participant, encode_participant
from tests.test_tracker_wire import PC, SHARE, WireTestCase

NOW = 500.0
MACHINE = "00aa00aa00aa00aa"
LEECHER = Participant(
    PC,
    NOW - 1.5,
    is_leecher=True,
    name="lab-pc-07",
    status=Status(
        ParticipantState.WAITING,
        (SHARE,),
        7,
        8,
        "no room",
        (TransferStatus("a.iso", 5, 10, 2.0, "waiting for space", "no room"),),
        MACHINE,
        5,
        10,
        9,
        4,
    ),
    is_reachable=False,
    has_left=True,
)
LINES = {
    '{"lmk":2,"at":["10.0.0.7",12501],"as":"leecher","name":"lab-pc-07","silent_ms":1500,'
    '"files":0,"reachable":false,"left":true,"state":"waiting","shares":["00112233445566aa"],'
    '"up":7,"down":8,"reason":"no room",'
    '"transfers":[["a.iso",5,10,2,"waiting for space","no room"]],'
    '"machine":"00aa00aa00aa00aa","have":5,"of":10,"given":9,"seconds_left":4}': LEECHER,
    '{"lmk":2,"at":["10.0.0.8",1],"as":"seeder","silent_ms":0,"files":3,"original":true,'
    '"state":"","shares":[],"up":0,"down":0}': Participant(
        Address("10.0.0.8", 1), NOW, is_original=True, files=3
    ),
}


class RoomWireTest(WireTestCase):
    def test_each_program_has_exactly_this_line(self) -> None:
        for line, program in LINES.items():
            self.assertEqual(encode_participant(program, now=NOW), line)
            self.assertEqual(decode_participant(line, now=NOW), program)

    def test_whatever_is_cut_or_flipped_is_read_or_refused(self) -> None:
        def read(data: bytes) -> None:
            decode_participant(data.decode(errors="replace"), now=NOW)

        self.assert_read_or_refused(read, [line.encode() for line in LINES])

    def test_the_silence_is_counted_on_the_readers_clock(self) -> None:
        line = encode_participant(LEECHER, now=NOW + 3.0)
        self.assertEqual(decode_participant(line, now=20.0).last_ping, 15.5)

    def test_the_longest_texts_fit_into_a_line(self) -> None:
        for letter in ("\x01", "é", "\U0001f600"):
            transfer = TransferStatus(letter * 60, 1, 2, 3.0, letter * 20, letter * 80)
            status = Status(
                letter * 20, (SHARE,) * 8, reason=letter * 80, transfers=(transfer,) * 8
            )
            program = replace(LEECHER, name=letter * 64, status=status)
            self.assertLess(len(encode_participant(program, now=NOW)), MAX_LINE)

    def test_nobody_has_more_than_there_is(self) -> None:
        (line, *_) = LINES
        for old, new in (('"have":5', '"have":99'), ("5,10,2", "99,10,2")):
            status = decode_participant(line.replace(old, new, 1), now=NOW).status
            self.assertLessEqual(status.have, status.size)
            self.assertLessEqual(status.transfers[0].have, status.transfers[0].size)

    def test_what_no_tracker_says_is_refused(self) -> None:
        (line, *_) = LINES
        for old, new in (
            ('"leecher"', '"teacher"'),
            ('"leecher"', "[1]"),
            ("false", "0"),
            ("1500", "-1"),
            ("12501", "0"),
            ('"of":10', '"of":true'),
            ('"seconds_left":4', '"seconds_left":null'),
            ("00aa00aa00aa00aa", "00AA"),
        ):
            with self.subTest(new=new), self.assertRaises(PeerProtocolError):
                decode_participant(line.replace(old, new, 1), now=NOW)
