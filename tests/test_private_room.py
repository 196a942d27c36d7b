"""A private room: whoever knows the code takes part as in an open room, and nobody else does."""

from __future__ import annotations

import contextlib
import threading
from unittest import mock

from roles.joining.tracker_locator import TrackerLocator
from roles.net import datagrams
from roles.net.carrier import Bytes, Carrier
from roles.private import private_server
from roles.private.private_client import PrivateClient
from roles.private.room_keys import TrackerKeys
from roles.room import connection_server
from roles.room.connection_server import Limits
from roles.room.senders import Senders
from roles.tracker import Tracker
from roles.values import room_code
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, ShortageError
from roles.values.events import (
    CodeChanged,
    FilesListed,
    FolderScanned,
    Guesser,
    GuessersChanged,
    ListFailed,
    RoleStarted,
    RoleStopped,
    RoomChanged,
    Warned,
)
from roles.values.settings import Failover, TrackerSettings
from roles.wire.greeting import Hello, Probe, decode_probe_answer, encode_hello
from roles.wire.tracker_messages import Code, FindTracker, Found, Refused
from roles.wire.tracker_wire import decode_answer, decode_request, encode_answer, encode_request
from tests.disks import some_bytes
from tests.originals.processes import OriginalLeecher, OriginalSeeder
from tests.private_rooms import CODE, NAME, PrivateRoomTest
from tests.role_test import list_now, order, wait_for_end
from tests.scripted_tracker import ScriptedTracker
from tests.support import LIMIT_S, NEVER, EventLog, wait_until
from tests.test_discovery import targets_at
from tests.tracker_requests import ask

FILES = {"exam.bin": some_bytes(3_000_000), **{f"page {n}": some_bytes(99, n) for n in range(9)}}


class MembersTest(PrivateRoomTest):
    def test_members_list_and_take_and_give_on_as_in_an_open_room(self) -> None:
        room = self.private_tracker().address
        self.member_seeder(self.make_folder("shared", FILES), room)
        for name in ("taken", "taken by another"):
            taken = self.make_folder(name)
            self.assert_downloads(self.member_leecher(taken, room), taken, FILES)
        seen = self.member_observer(room).log.wait_for(
            RoomChanged, where=lambda room: len(room.participants) == 3
        )
        self.assertEqual(sum(participant.is_leecher for participant in seen.participants), 2)

    def test_members_with_a_list_under_way_keep_no_newcomer_out(self) -> None:
        limits = Limits(unproved=1, silent_s=LIMIT_S)
        with mock.patch.object(connection_server, "PRIVATE_LIMITS", limits):
            tracker = self.private_tracker()
            private_client = PrivateClient(CODE)
            for _ in range(5):
                self.enterContext(private_client.connected(tracker.address, NEVER))
            with self.dial(tracker.address):  # one that says nothing has the only other place
                clients = tracker.role._lists._clients
                wait_until(
                    lambda: [client.has_proved for client in list(clients)].count(False) == 1
                )

    def test_the_tracker_makes_a_code_and_tells_it_to_its_user(self) -> None:
        tracker = self.private_tracker("")
        code = tracker.log.wait_for(RoleStarted).code
        self.assertRegex(code, "^[0-9]{9}$")
        self.assertNotIn(code, repr(tracker.log.wait_for(RoleStarted)))
        self.assertEqual(tracker.log.wait_for(RoleStarted).web, "")
        self.member_lister(tracker.address, code).log.wait_for(FilesListed)

    def test_code_and_members_survive_a_restart_of_the_tracker(self) -> None:
        keys = self.folder / "room.json"
        tracker = self.private_tracker("", keys_file=keys, bind=self.free_address())
        code = tracker.log.wait_for(RoleStarted).code
        room = tracker.address
        seeder = self.member_seeder(self.make_folder("shared", FILES), room, code)
        tracker.stop()
        again = self.private_tracker("", keys_file=keys, bind=room)
        self.assertEqual(again.log.wait_for(RoleStarted).code, code)
        list_now(self.member_leecher(self.make_folder("taken"), room, code), *FILES)
        self.assertEqual(seeder.log.of(RoleStopped), [])

    def test_with_another_code_those_who_joined_by_the_old_one_are_out(self) -> None:
        keys = self.folder / "room.json"
        tracker = self.private_tracker(CODE, keys_file=keys, bind=self.free_address())
        seeder = self.member_seeder(self.make_folder("shared", FILES), tracker.address)
        tracker.stop()
        self.private_tracker("another code", keys_file=keys, bind=tracker.address)
        stopped = seeder.log.wait_for(RoleStopped)
        self.assertIsInstance(stopped.failure, CodeRefusedError)

    def test_with_a_new_code_all_are_out_at_once_and_those_who_are_told_it_come_back(
        self,
    ) -> None:
        keys = self.folder / "room.json"
        tracker = self.private_tracker(CODE, keys_file=keys)
        room, shared, taken = tracker.address, self.make_folder("shared", FILES), self.folder / "to"
        seeder, leecher = self.member_seeder(shared, room), self.member_leecher(taken, room)
        order(leecher, "exam.bin")
        wait_for_end(leecher, "exam.bin")
        tracker.role.new_code("another code")
        tracker.log.wait_for(CodeChanged, where=lambda change: change.code == "another code")
        for member in (seeder, leecher):
            failure = member.log.wait_for(RoleStopped).failure
            self.assertIsInstance(failure, CodeRefusedError)
            self.assertIn("has a new code", str(failure))
        self.assert_same_files(taken, {"exam.bin": FILES["exam.bin"]})
        self.assertEqual(tracker.log.of(GuessersChanged), [])  # nobody tried the old code
        self.member_seeder(shared, room, "another code")
        list_now(self.member_leecher(self.make_folder("more"), room, "another code"), *FILES)
        self.assertEqual(TrackerKeys.kept(keys, "").code, "another code")

    def test_a_search_finds_the_room_that_its_tracker_tells_also_after_a_new_code(self) -> None:
        tracker = self.private_tracker(CODE)

        def found() -> str:
            answer = decode_answer(ask(tracker.address, encode_request(FindTracker("a" * 16)))[0])
            assert isinstance(answer, Found)
            return answer.room

        first = tracker.log.wait_for(RoleStarted).room
        self.assertEqual(found(), first)
        tracker.role.new_code("another code")
        second = tracker.log.wait_for(CodeChanged).room
        self.assertEqual(found(), second)
        self.assertNotEqual(second, first)

    def test_where_no_new_code_can_be_made_the_room_goes_on_with_the_old_one(self) -> None:
        tracker = self.private_tracker(CODE)
        with mock.patch.object(
            private_server, "server_context", side_effect=OSError(28, "no space")
        ):
            tracker.role.new_code(room_code.new())
            warned = tracker.log.wait_for(Warned).sentence
        self.assertIn("The code has not changed. This computer refused: no space", warned)
        self.member_lister(tracker.address).log.wait_for(FilesListed)

    def test_a_new_code_waits_while_the_system_has_no_thread_left(self) -> None:
        tracker = self.private_tracker(CODE)
        lacking = [ShortageError("no thread"), mock.DEFAULT]
        with mock.patch.object(
            tracker.role, "_start_beside", side_effect=lacking, wraps=tracker.role._start_beside
        ):
            tracker.role.new_code("another code")
            tracker.log.wait_for(CodeChanged, where=lambda change: change.code == "another code")

    def test_the_program_makes_a_new_code_as_often_as_it_is_asked(self) -> None:
        tracker = self.private_tracker(CODE)
        tracker.role.new_code(room_code.new())
        tracker.log.wait_for(CodeChanged)
        for code in ("111111111", "some code", "the last code"):  # more than it can make at once
            tracker.role.new_code(code)
        tracker.log.wait_for(CodeChanged, where=lambda change: change.code == "the last code")
        codes = [change.code for change in tracker.log.of(CodeChanged)]
        self.assertEqual(len({CODE, *codes}), 1 + len(codes))


class StrangersTest(PrivateRoomTest):
    def test_the_tracker_names_who_guesses(self) -> None:
        tracker = self.private_tracker()
        self.member_lister(tracker.address, "482177306").log.wait_for(ListFailed)
        told = tracker.log.wait_for(GuessersChanged)
        self.assertEqual(told.guessers, (Guesser("127.0.0.1", 1),))

    def refusal(self, code: str) -> str:
        room = self.private_tracker().address
        failed = self.member_lister(room, code).log.wait_for(ListFailed)
        self.assertIsInstance(failed.reason, CodeRefusedError)
        return str(failed.reason)

    def test_without_a_code_one_learns_that_the_room_is_private(self) -> None:
        self.assertIn("is private: ask for its code", self.refusal(""))

    def test_a_wrong_code_is_refused_with_a_sentence(self) -> None:
        self.assertIn("does not accept this code", self.refusal("482177306"))

    def test_a_seeder_with_a_wrong_code_or_none_ends_and_says_why(self) -> None:
        room = self.private_tracker().address
        for code in ("", "482177306"):
            seeder = self.member_seeder(
                self.make_folder(f"of {code}", FILES), room, code, is_announced=False
            )
            self.assertIsInstance(seeder.log.wait_for(RoleStopped).failure, CodeRefusedError)

    def test_a_seeder_without_the_code_serves_nobody_before_the_tracker_has_answered(self) -> None:
        has_connected = threading.Event()

        def answer(datagram: bytes, _: int) -> list[bytes]:
            has_connected.wait(LIMIT_S)
            request = decode_request(datagram)
            assert request is not None
            return [encode_answer(Refused(request.id, Code.PRIVATE, "private"))]

        self.constant("seeder", "ANSWER_S", LIMIT_S)
        tracker = ScriptedTracker(answer)
        self.addCleanup(tracker.close)
        seeder = self.member_seeder(
            self.make_folder("shared", FILES), tracker.address, "", is_announced=False
        )
        with self.dial(seeder.address) as sock:
            sock.sendall(b"request_connection")
            sock.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                sock.recv(100)
            has_connected.set()
            self.assertIsInstance(seeder.log.wait_for(RoleStopped).failure, CodeRefusedError)
            sock.settimeout(LIMIT_S)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(sock.recv(100), b"")

    def test_a_code_is_never_told_to_an_open_room(self) -> None:
        room = self.tracker().address
        failed = self.member_lister(room).log.wait_for(ListFailed)
        self.assertIn("is open", str(failed.reason))

    def test_members_say_nothing_to_a_tracker_that_is_open_after_a_restart(self) -> None:
        tracker = self.private_tracker(bind=self.free_address())
        room, log = tracker.address, EventLog()
        seeder = self.member_seeder(self.make_folder("shared", FILES), room)
        leecher = self.member_leecher(self.make_folder("taken"), room)
        leecher.log.wait_for(FilesListed)
        tracker.stop()
        with mock.patch.object(
            datagrams, "DatagramChannel", side_effect=AssertionError("a datagram")
        ):
            again = self.run_role(Tracker(TrackerSettings(room, bind_exactly=True), log), log)
            for member in (seeder, leecher):
                failure = member.log.wait_for(RoleStopped).failure
                self.assertIsInstance(failure, CodeRefusedError)
                self.assertIn("is open: it needs no code", str(failure))
        self.assertEqual(again.role._registry.entries(), [])


class FollowingTest(PrivateRoomTest):
    """A member whose tracker is silent does not take what answers in its place."""

    def test_a_member_never_follows_to_an_open_tracker_and_nobody_follows_to_a_private_one(
        self,
    ) -> None:
        open_room, private = self.tracker().address, self.private_tracker().address
        silent = Address("127.0.0.1", 1)
        for code, failover in ((CODE, Failover.ANY), ("", Failover.ANY)):
            locator = TrackerLocator(
                silent,
                failover,
                targets=lambda: targets_at(open_room if locator.private_client else private),  # noqa: B023
                code=code,
            )
            self.assertFalse(locator.fail_over())
            self.assertEqual(locator.tracker, silent)


class PlainWordsTest(PrivateRoomTest):
    """Those who speak in clear to a private room."""

    def said_by(self, address: Address, words: bytes) -> bytes:
        """All that comes back until the end."""
        with self.dial(address) as sock:
            sock.sendall(words)
            said = b""
            with contextlib.suppress(ConnectionError):
                while data := sock.recv(10_000):
                    said += data
        return said

    def test_neither_tracker_nor_member_tells_them_anything(self) -> None:
        room = self.private_tracker().address
        seeder = self.member_seeder(self.make_folder("shared", FILES), room).address
        for address in (room, seeder):
            for words in (
                b'{"lmk":2,"ask":"list","since":""}\n',
                b'{"lmk":2,"ask":"room"}\n',
                b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                encode_hello(Hello("0" * 16, "stranger", 12501, is_seeder=False)),
                b"nonsense\n",
            ):
                with self.subTest(words=words[:20], address=address):
                    self.assertIn(self.said_by(address, words), (b"", b"error"))

    def test_an_original_leecher_is_told_to_come_back_later(self) -> None:
        room = self.private_tracker().address
        seeder = self.member_seeder(self.make_folder("shared", FILES), room).address
        self.assertEqual(self.said_by(seeder, b"request_connection"), b"away")

    def test_originals_get_an_empty_list_and_a_sentence_and_wait_for_nothing(self) -> None:
        room, folder = self.private_tracker().address, self.make_folder("shared", FILES)
        self.member_seeder(folder, room)
        with OriginalLeecher(room, self.make_folder("taken")) as leecher:
            self.assertEqual(leecher.ended_by(), "")
            self.assertEqual(leecher.lines, ["leecher listed 0 seeders, 0 files"])
        with OriginalSeeder(room, folder, ping_interval_s=0.1) as seeder:
            for said in ("registered", "uploaded", "ping"):
                self.assertIn("room is private", seeder.wait_for(f"seeder {said}: error"))

    def test_a_probe_learns_that_it_was_heard_and_not_by_whom(self) -> None:
        room = self.private_tracker().address
        seeder = self.member_seeder(self.make_folder("shared", FILES), room).address
        answer = self.said_by(seeder, encode_hello(Probe("0123456789abcdef")))
        self.assertEqual(decode_probe_answer(answer), Probe("0123456789abcdef"))

    def test_members_send_no_datagrams_and_the_line_shows_no_name(self) -> None:
        sent, send = list[bytes](), Carrier.send

        def noted(carrier: Carrier, data: Bytes, *, more: bool = False, waits: bool = True) -> int:
            sent.append(bytes(data))
            return send(carrier, data, more=more, waits=waits)

        room = self.private_tracker().address
        with (
            mock.patch.object(
                datagrams, "DatagramChannel", side_effect=AssertionError("a datagram")
            ),
            mock.patch.object(Carrier, "send", noted),
        ):
            self.member_seeder(self.make_folder("shared", FILES), room)
            leecher = self.member_leecher(self.make_folder("taken"), room)
            order(leecher, *FILES)
            for file in FILES:
                wait_for_end(leecher, file)
        line = b"".join(sent)
        self.assertGreater(len(line), len(FILES["exam.bin"]))
        names = b"exam.bin", b"page 1", b"shared", CODE.encode(), NAME.encode(), b'"peer"'
        found = [secret for secret in (*names, FILES["exam.bin"][1_000:1_032]) if secret in line]
        self.assertEqual(found, [])


class WhoMayOfferTest(PrivateRoomTest):
    def test_with_offers_here_only_the_computer_of_the_tracker_lists_folders(self) -> None:
        for is_own in (True, False):
            with mock.patch.object(Senders, "is_own", lambda *_, is_own=is_own: is_own):
                tracker = self.tracker(offers_here=True)
                folder = self.make_folder(f"shared {is_own}", FILES)
                seeder = self.seeder(folder, tracker.address, is_announced=is_own)
                if not is_own:
                    scan = seeder.log.wait_for(
                        FolderScanned, where=lambda scanned: bool(scanned.refusal)
                    )
                    self.assertIn("only the tracker's computer offers", scan.refusal)
                seeder.stop()
                tracker.stop()


if __name__ == "__main__":
    import unittest

    unittest.main()
