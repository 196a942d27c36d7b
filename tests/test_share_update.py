"""A seeder's list while it arrives: what is refused, and what readers see at its end."""

from __future__ import annotations

import random
from unittest import mock

from roles.room import room_list, share_update
from roles.room.room_list import ListRefusedError, RoomList, Sums, line_size
from roles.room.share_update import SLICE, ShareUpdate
from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import TellList
from roles.wire.tracker_messages import Code
from tests.test_room_list import ME, ONE, OTHER, PEER, RoomListTestCase, file_line


class ShareUpdateTest(RoomListTestCase):
    def test_only_the_owner_tells_a_share(self) -> None:
        self.tell(ONE, ["+a"])
        with self.assertRaises(ListRefusedError) as raised:
            self.tell(ONE, ["+b"], OTHER)
        self.assertEqual(raised.exception.code, Code.SHARE)
        self.room_list.drop(ONE)
        self.tell(ONE, ["+b"], OTHER)

    def test_changes_of_another_revision_are_refused_and_the_whole_is_asked_for(self) -> None:
        self.assert_refused(Code.WHOLE, ONE, ["+a"], base=0, whole=False)
        self.tell(ONE, ["+a"], revision=3)
        self.assert_refused(Code.WHOLE, ONE, ["+b"], base=2, whole=False)
        self.change(ONE, ["+b"], base=3)
        self.assert_refused(Code.WHOLE, ONE, ["+c"], base=3, whole=False)

    def test_a_long_change_is_asked_for_as_a_whole(self) -> None:
        self.limit(changes=2)
        self.tell(ONE, ["+a"])
        self.assert_refused(Code.WHOLE, ONE, ["+b", "+c", "+d"], base=1, whole=False)

    def test_nothing_is_told_of_a_list_that_does_not_arrive_whole(self) -> None:
        self.tell(ONE, ["+a"])
        version = self.room_list.version
        update = self.begin(ONE)
        update.take("+b")
        update.abandon()
        self.assertEqual(self.room_list.version, version)
        self.read()
        self.assertEqual(self.reader.shares, {ONE: {"a"}})

    def test_a_share_that_went_while_its_list_came_stays_away(self) -> None:
        self.tell(ONE, ["+a"])
        update = self.begin(ONE)
        update.take("+a")
        self.room_list.drop(ONE)
        with self.assertRaises(ListRefusedError) as raised:
            list(update.finish())
        update.abandon()
        self.assertEqual(raised.exception.code, Code.UNKNOWN)
        self.assertIsNone(self.room_list.share(ONE))

    def test_nonsense_is_refused(self) -> None:
        for text in ("", "a", "+", "-", "S[]", "X", "+" + "a" * 5_000, "-a"):
            with self.subTest(text=text[:9]), self.assertRaises(PeerProtocolError):
                self.tell(ONE, [text])


class LimitsTest(RoomListTestCase):
    def test_a_share_may_have_so_many_lines(self) -> None:
        self.limit(share_lines=3)
        self.tell(ONE, ["+a", "+b", "+c"])
        self.assert_refused(Code.FULL, ONE, ["+a", "+b", "+c", "+d"])
        self.assert_refused(Code.FULL, ONE, ["+d"], base=1, whole=False)
        self.change(ONE, ["-a", "+d"], base=1)

    def test_lines_that_say_nothing_new_count_too(self) -> None:
        self.limit(share_lines=3, changes=3)
        self.assert_refused(Code.FULL, ONE, ["+a", "+a", "+a", "+a"])
        self.tell(ONE, ["+a", "+a", "+a"])
        self.assert_refused(Code.WHOLE, ONE, ["+b", "-b"] * 2, base=1, whole=False)
        self.assert_refused(Code.WHOLE, ONE, ["-x"] * 4, base=1, whole=False)


class ShortStepsTest(RoomListTestCase):
    """Between two steps the tracker answers datagrams."""

    def test_the_sums_of_a_share_are_right_whatever_changes(self) -> None:
        rng = random.Random(7)
        lines = [file_line(str(number)) for number in range(40)] + ["é" * 9, '["d","x",0]']
        truth = set[str]()
        for revision in range(200):
            if rng.random() < 0.1:
                truth = set(rng.sample(lines, 20))
                self.tell(ONE, ["+" + line for line in truth], revision=revision + 1)
            elif revision:
                told = [rng.choice("+-") + rng.choice(lines) for _ in range(30)]
                for text in told:
                    (truth.add if text[0] == "+" else truth.discard)(text[1:])
                self.change(ONE, told, base=revision)
            else:
                self.tell(ONE, [], revision=1)
            share = self.room_list.share(ONE)
            assert share is not None
            again = RoomList("0badcafe")
            update = ShareUpdate(again, TellList(ONE, "f", PEER, 1, True, 0, 1, 0), ME)
            for line in truth:
                update.take("+" + line)
            list(update.finish())
            expected = again.share(ONE)
            assert expected is not None
            self.assertEqual((set(share.lines), share.sums), (truth, expected.sums))
            self.assertEqual(self.room_list._size, share.size)
            self.assertEqual(self.room_list._lines, len(truth))

    def test_what_is_compared_and_summed_at_the_end_of_a_list_is_cut_into_slices(self) -> None:
        self.tell(ONE, [f"+{number}" for number in range(3 * SLICE)])
        update = self.begin(ONE, revision=2)
        update.take("+new")
        with mock.patch.object(share_update, "line_size", wraps=line_size) as counted:
            most = 0
            for _ in update.finish():
                most = max(most, counted.call_count)
                counted.reset_mock()
            self.assertEqual((most, counted.call_count), (SLICE, SLICE - 1))

    def test_a_long_change_is_summed_line_by_line_as_it_comes(self) -> None:
        self.tell(ONE, [f"+{number}" for number in range(1_000)])
        update = self.begin(ONE, whole=False, base=1, revision=2)
        for number in range(1_000):
            update.take(f"-{number}")
        with (
            mock.patch.object(share_update, "line_size") as sized,
            mock.patch.object(Sums, "count") as counted,
            mock.patch.object(room_list, "line_size") as sized_too,
        ):
            list(update.finish())
        self.assertEqual([sized.call_count, counted.call_count, sized_too.call_count], [0, 0, 0])
