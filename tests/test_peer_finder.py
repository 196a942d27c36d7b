"""Who is looked for while something is downloaded, how often, and whom the leecher may call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from unittest import mock

from roles.joining.list_copy import ListCopy, Selection
from roles.joining.peer_finder import (
    LOOK_SHARE,
    PEERS_AGAIN_S,
    Lmk1Sources,
    PeerFinder,
    pause_after,
)
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import Address
from roles.values.listed_file import ListedFile
from roles.wire.fields import MAX_REQUEST_SHARES
from tests.scripted_tracker import ScriptedTracker
from tests.support import LmkTestCase
from tests.test_list_copy import ONE, TWO, file, room_of, share
from tests.test_room_client import usual, with_cookie

SOON, LATE = PEERS_AGAIN_S


class PeerFinderTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.sought = dict[str, Selection]()
        self.joined = list[tuple[str, ...]]()
        self.peers = set[Address]()
        self.lmk1 = mock.create_autospec(Lmk1Sources, instance=True)
        self.lmk1.sought.return_value = self.lmk1.shares_with.return_value = ()
        self.client = mock.create_autospec(RoomClient, instance=True)
        self.client.holders.return_value = ()
        self.finder = self.made(TrackerLocator(Address("127.0.0.1", 12_500)))

    def seek(self, room: ListCopy, key: str) -> None:
        selection = room.select(key)
        assert selection is not None
        self.sought[key] = selection

    def made(self, locator: TrackerLocator) -> PeerFinder:
        return PeerFinder(
            locator,
            self.lmk1,
            sought=lambda: self.sought,
            join=lambda shares: self.joined.append(tuple(shares)),
            found=self.found,
        )

    def found(self, peers: Iterable[Address]) -> bool:
        known, self.peers = self.peers, self.peers | set(peers)
        return self.peers != known


class WhenTest(PeerFinderTest):
    def test_nobody_is_looked_for_while_nothing_is_sought(self) -> None:
        self.assertFalse(self.finder.is_due(10.0))

    def test_a_file_of_either_version_is_reason_to_look(self) -> None:
        self.lmk1.sought.return_value = (ListedFile("old", 7),)
        self.assertTrue(self.finder.is_due(10.0))
        self.lmk1.sought.return_value = ()
        self.seek(room_of(share(ONE, file("a"))), "a")
        self.assertTrue(self.finder.is_due(10.0))

    def test_the_pause_grows_until_something_else_is_sought(self) -> None:
        room = room_of(share(ONE, file("a"), file("b")))
        self.seek(room, "a")
        now = 10.0
        for times in range(3):
            self.assertTrue(self.finder.is_due(now))
            self.finder.rest(now, worked_s=0.0, is_news=False)
            self.assertFalse(self.finder.is_due(now + 0.99 * 2**times * SOON))
            now += 2**times * SOON
        self.finder.rest(now, worked_s=0.0, is_news=False)
        self.assertFalse(self.finder.is_due(now))
        self.seek(room, "b")
        self.assertTrue(self.finder.is_due(now))
        self.finder.rest(now, worked_s=0.0, is_news=False)
        self.assertTrue(self.finder.is_due(now + SOON))

    def test_a_look_that_was_much_work_is_followed_by_a_longer_pause(self) -> None:
        self.seek(room_of(share(ONE, file("a"))), "a")
        self.assertTrue(self.finder.is_due(10.0))
        self.finder.rest(10.0, worked_s=2.0, is_news=True)
        self.assertFalse(self.finder.is_due(9.9 + LOOK_SHARE * 2.0))
        self.assertTrue(self.finder.is_due(10.0 + LOOK_SHARE * 2.0))

    def test_another_network_is_looked_at_at_once(self) -> None:
        self.seek(room_of(share(ONE, file("a"))), "a")
        self.assertTrue(self.finder.is_due(10.0))
        self.finder.rest(10.0, worked_s=0.0, is_news=False)
        self.finder.hurry()
        self.assertTrue(self.finder.is_due(10.0))

    def test_it_is_asked_as_often_while_new_ones_are_named_and_seldom_once_all_are_known(
        self,
    ) -> None:
        self.assertEqual(pause_after(SOON, is_news=True), SOON)
        pause_s = SOON
        for times in range(1, 4):
            pause_s = pause_after(pause_s, is_news=False)
            self.assertEqual(pause_s, 2**times * SOON)
        self.assertEqual(pause_after(LATE, is_news=False), LATE)
        self.assertEqual(pause_after(LATE, is_news=True), LATE)


class SharesTest(PeerFinderTest):
    def asked(self, room: ListCopy) -> list[str]:
        """The shares whose holders it asks for."""
        self.client.holders.reset_mock()
        self.assertTrue(self.finder.is_due(10.0))
        self.finder.read(room)
        self.finder.ask(self.client)
        return [share for call in self.client.holders.mock_calls for share in call.args[0]]

    def test_a_share_that_offers_it_later_is_joined_too(self) -> None:
        room = room_of(share(ONE, file("a")))
        self.seek(room, "a")
        self.assertEqual(self.asked(room), [ONE])
        room.apply_changes(share(TWO, file("b", what="a")))
        self.assertEqual(self.asked(room), [ONE, TWO])
        self.assertEqual(self.asked(room), [ONE, TWO])
        self.assertEqual(self.joined, [(ONE,), (ONE, TWO)])

    def test_shares_of_lmk1_are_asked_for_and_not_joined(self) -> None:
        room = room_of(share(ONE, file("a")))
        self.seek(room, "a")
        self.lmk1.shares_with.return_value = ("", TWO, ONE)  # an original tracker's have no id
        self.assertEqual(self.asked(room), [ONE, TWO])
        self.assertEqual(self.joined, [(ONE,)])

    def test_more_shares_than_one_request_holds_are_all_asked_for(self) -> None:
        shares = [f"{number:016}" for number in range(MAX_REQUEST_SHARES + 3)]
        room = room_of(*(share(id_, file("a")) for id_ in shares))
        self.seek(room, "a")
        self.assertEqual(self.asked(room), shares)
        self.assertEqual(self.client.holders.call_count, 2)


class StrangersAddressesTest(PeerFinderTest):
    """A tracker names services, groups and this machine's loopback as holders."""

    BAD: ClassVar = (
        ["10.0.0.9", 25, 0, [0]],
        ["10.0.0.9", 9100, 4, [0]],
        ["224.0.0.1", 12501, 0, [0]],
    )
    GOOD: ClassVar = ["10.0.0.9", 12501, 0, [0]]
    LOOPBACK: ClassVar = ["127.0.0.1", 12501, 0, [0]]

    def named(self, *holders: object, is_tracker_here: bool = True) -> set[Address]:
        """The addresses that it passes on of those that a tracker named."""
        answering = with_cookie(
            lambda verb, line: {"holders": list(holders)} if "seeder" in verb else usual(verb, line)
        )
        tracker = ScriptedTracker(answering)
        self.addCleanup(tracker.close)
        locator = TrackerLocator(tracker.address)
        finder = self.made(locator)
        room = room_of(share(ONE, file("a")))
        self.seek(room, "a")
        self.assertTrue(finder.is_due(10.0))
        finder.read(room)
        with (
            RoomClient(TrackerLocator(tracker.address)) as client,
            mock.patch.object(locator, "_is_here", is_tracker_here),
        ):
            finder.ask(client)
        return self.peers

    def test_only_those_that_can_be_programs_like_this_are_passed_on(self) -> None:
        self.assertEqual(self.named(*self.BAD, self.GOOD), {Address("10.0.0.9", 12501)})

    def test_a_tracker_elsewhere_sends_nobody_to_his_own_loopback(self) -> None:
        self.assertEqual(self.named(self.LOOPBACK, is_tracker_here=False), set())
        self.assertEqual(self.named(self.LOOPBACK), {Address("127.0.0.1", 12501)})
