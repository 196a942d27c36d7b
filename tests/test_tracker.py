"""The tracker role on a real socket: exact answers, and nothing ends or misleads it."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from roles import tracker as tracker_role
from roles.net.neighbours import Neighbours
from roles.room import room_report
from roles.room.answers import Answers
from roles.room.datagram_server import AGAIN_UNSENT, UNPROVED_UNSENT
from roles.room.list_server import ListServer
from roles.room.room_list import RoomList
from roles.tracker import Tracker
from roles.values.addresses import Address
from roles.values.computers import machines_of
from roles.values.errors import StorageError
from roles.values.events import RoleStarted, RoleStopped, RoomChanged
from roles.values.listed_file import ListedFile
from roles.values.participants import Status
from roles.values.settings import TrackerSettings
from roles.values.strict_json import dumps
from roles.wire.greeting import Probe, decode_hello, decode_probe_answer, encode_welcome
from roles.wire.list_wire import (
    AskList,
    ListFollows,
    Reply,
    Taken,
    TellList,
    Unpacker,
    decode_reply,
    encode_call,
)
from roles.wire.tracker_messages import (
    Answer,
    AskHolders,
    AskVersion,
    Code,
    Done,
    FindTracker,
    Found,
    Holder,
    Holders,
    ListVersion,
    Ping,
    Pinged,
    Refused,
    Register,
    Request,
    TellFiles,
)
from roles.wire.tracker_wire import decode_answer, encode_request
from tests.packing import LineAdded, packed_list
from tests.role_test import RoomTest, shouting
from tests.support import LIMIT_S, EventLog, wait_until
from tests.tracker_requests import ask, listed_files, listed_seeders, register

SUCCESS = b"success"
UNKNOWN_SEEDER = b"error\nSeeder ID not in found with registed seeders"
ALREADY = b"error\nSeeder is already Registered"
UNKNOWN_REQUEST = b"error\nNone"
MAX_ANSWER = 1_024
SILENCE_S = 0.2
ID = "0123456789abcdef"
LINE = b'\n{"lmk":2,"id":"' + ID.encode() + b'"}'
OTHER = "f" * 16  # another program
SHARE, OTHER_SHARE = "00112233445566aa", "00112233445566bb"


class AnswersOfTheTracker(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address

    def test_add_seeder_is_answered_success_and_the_second_time_that_it_is_registered(self) -> None:
        request = b'add_seeder\n["127.0.0.1", 12501]'
        self.assertEqual(ask(self.room, request), [SUCCESS])
        self.assertEqual(ask(self.room, request), [ALREADY])
        self.assertEqual(listed_files(self.room), {})

    def test_upload_file_list_is_answered_success_and_replaces_the_list(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"old": 1})
        self.assertEqual(ask(self.room, b'upload_file_list\n{"new": 2}'), [SUCCESS])
        self.assertEqual(listed_files(self.room), {"new": 2})

    def test_a_ping_is_answered_success(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"a": 1})
        self.assertEqual(ask(self.room, b'ping_tracker\n["127.0.0.1", 12501]'), [SUCCESS])

    def test_a_ping_of_an_unknown_original_registers_it(self) -> None:
        self.assertEqual(ask(self.room, b'ping_tracker\n["127.0.0.1", 12501]'), [SUCCESS])
        self.assertEqual(ask(self.room, b'add_seeder\n["127.0.0.1", 12501]'), [ALREADY])

    def test_one_of_ours_that_took_the_tracker_for_an_original_is_told_to_register(self) -> None:
        ping = b'ping_tracker\n["127.0.0.1", 12501]' + LINE
        self.assertEqual(ask(self.room, ping), [UNKNOWN_SEEDER])
        self.assertEqual(listed_seeders(self.room), [])

    def test_a_list_is_answered_in_two_datagrams(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"a b": 1})
        self.assertEqual(ask(self.room, b"request_file_list", 2), [b'{"a b":1}', SUCCESS])
        self.assertEqual(
            ask(self.room, b"request_seeder_list", 2), [b'[["127.0.0.1",12501]]', SUCCESS]
        )

    def test_the_lists_of_an_empty_room_are_empty(self) -> None:
        self.assertEqual(ask(self.room, b"request_file_list", 2), [b"{}", SUCCESS])
        self.assertEqual(ask(self.room, b"request_seeder_list", 2), [b"[]", SUCCESS])

    def test_anything_else_is_answered_error_none(self) -> None:
        for request in (b"hello", b"ADD_SEEDER", b"request_file_list ", b"leave"):
            with self.subTest(request=request):
                self.assertEqual(ask(self.room, request), [UNKNOWN_REQUEST])

    def test_two_lists_are_not_mixed_and_the_fuller_one_is_told(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"a": 1})
        register(self.room, ("127.0.0.1", 12502), {"b": 1, "c": 1})
        self.assertEqual(listed_files(self.room), {"b": 1, "c": 1})
        self.assertEqual(listed_seeders(self.room), [("127.0.0.1", 12502)])

    def test_a_seeder_that_finds_no_room_is_told_so(self) -> None:
        self.constant("lmk1.seeder_table", "MAX_SEEDERS", 1)
        self.constant("lmk1.seeder_table", "STAYED_S", 0.0)
        ask(self.room, b'add_seeder\n["127.0.0.1", 12501]')
        self.assertEqual(ask(self.room, b'add_seeder\n["127.0.0.1", 12503]'), [UNKNOWN_REQUEST])


# Name, datagram: each ended the original tracker for good.
DEADLY = {
    "nothing at all": b"",
    "bytes that are not UTF-8": b"\xff\xfe",
    "add_seeder without a seeder": b"add_seeder",
    "ping_tracker without a seeder": b"ping_tracker",
    "upload_file_list without a list": b"upload_file_list",
    "JSON that does not end": b'add_seeder\n["127.0.0.1"',
    "JSON nested 900 deep": b"add_seeder\n" + b"[" * 900,
    "JSON nested 1000 deep": b"upload_file_list\n" + b"[" * 1_000 + b"]" * 1_000,
    "a bare line feed": b"\n",
    "a datagram of the largest size": b"add_seeder\n" + b"x" * 60_000,
}

# Name, datagram: the original took each of these for a seeder or a list.
MISLEADING = {
    "a seeder whose port is a word": b'add_seeder\n["127.0.0.1", "y"]',
    "a seeder with a port below 1": b'add_seeder\n["127.0.0.1", 0]',
    "a seeder with a port over 65535": b'add_seeder\n["127.0.0.1", 65536]',
    "a seeder whose port is true": b'add_seeder\n["127.0.0.1", true]',
    "a seeder whose port is a fraction": b'add_seeder\n["127.0.0.1", 12501.0]',
    "a seeder that is a number": b"add_seeder\n7",
    "a seeder that is an object": b'add_seeder\n{"127.0.0.1": 12501}',
    "a seeder with three parts": b'add_seeder\n["127.0.0.1", 12501, 1]',
    "a seeder on a host with a blank": b'add_seeder\n["a b", 12501]',
    "a list that is a list": b'upload_file_list\n["a"]',
    "a file of negative size": b'upload_file_list\n{"a": -1}',
    "a file whose size is true": b'upload_file_list\n{"a": true}',
    "a file whose size is not a number": b'upload_file_list\n{"a": NaN}',
    "a file of infinite size": b'upload_file_list\n{"a": 1e999}',
    "a file over the largest size": b'upload_file_list\n{"a": 1099511627777}',
    "a size of 900 digits": b'upload_file_list\n{"a": ' + b"9" * 900 + b"}",
    "a name twice": b'upload_file_list\n{"a": 1, "a": 2}',
    "a name with half a character": b'upload_file_list\n{"\\ud800": 1}',
}


class InputsThatEndedTheOriginal(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.room = self.tracker().address
        register(self.room, ("127.0.0.1", 12501), {"honest": 1})

    def assert_room_as_before(self) -> None:
        self.assertEqual(listed_files(self.room), {"honest": 1})
        self.assertEqual(listed_seeders(self.room), [("127.0.0.1", 12501)])

    def test_each_is_answered_error_and_the_next_peer_is_answered(self) -> None:
        for name, datagram in DEADLY.items():
            with self.subTest(name):
                self.assertEqual(ask(self.room, datagram), [UNKNOWN_REQUEST])
                self.assert_room_as_before()

    def test_each_that_misled_it_is_answered_error_and_changes_nothing(self) -> None:
        for name, datagram in MISLEADING.items():
            with self.subTest(name):
                self.assertEqual(ask(self.room, datagram), [UNKNOWN_REQUEST])
                self.assert_room_as_before()

    def test_a_list_over_a_thousand_bytes_is_taken_and_over_2047_refused(self) -> None:
        for size, is_taken in ((1_001, True), (2_047, True), (2_048, False), (9_000, False)):
            with self.subTest(size=size):
                name = "x" * 40
                count = (size - 21) // 52
                files = {f"{number:05}{name}": 1 for number in range(count)}
                request = b"upload_file_list\n" + dumps(files)
                request = request.ljust(size)
                ask(self.room, b"upload_file_list\n{}")
                answer = SUCCESS if is_taken else UNKNOWN_REQUEST
                self.assertEqual(ask(self.room, request), [answer])
                self.assertEqual(bool(listed_files(self.room)), is_taken)

    def test_an_unusual_line_end_inside_a_name_splits_nothing(self) -> None:
        for end in ("\u2028", "\x85", "\u2029"):
            with self.subTest(end=ascii(end)):
                name = f"a{end}b"
                ask(self.room, f'upload_file_list\n{{"{name}": 1}}'.encode())
                answer = ask(self.room, b"request_file_list", 2)[0]
                self.assertTrue(answer.isascii())
                self.assertIn(json.loads(answer), ({name: 1}, {}))

    def test_names_that_lead_out_of_a_folder_are_not_passed_on(self) -> None:
        names = ["../../x", "/etc/passwd", "a/b", "..", "a\\b", "C:x", "a\nb", "\x00", "honest"]
        ask(self.room, b"upload_file_list\n" + json.dumps(dict.fromkeys(names, 1)).encode())
        self.assertEqual(listed_files(self.room), {"honest": 1})

    def test_an_upload_of_a_machine_without_a_seeder_changes_nothing(self) -> None:
        answer = ask(self.room, b'upload_file_list\n{"mine": 1}', source="127.0.0.2")
        self.assertEqual(answer, [SUCCESS])
        self.assert_room_as_before()

    def test_nobody_can_register_a_third_machine(self) -> None:
        for named in (["8.8.8.8", 5353], ["192.0.2.7", 12501], ["example.com", 8180]):
            with self.subTest(named=named):
                request = b"add_seeder\n" + json.dumps(named).encode()
                self.assertEqual(ask(self.room, request, source="127.0.0.3"), [SUCCESS])
                ask(self.room, b'upload_file_list\n{"honest": 1}', source="127.0.0.3")
                hosts = {host for host, _ in listed_seeders(self.room)}
                self.assertEqual(hosts, {"127.0.0.1"})

    def test_nobody_can_ping_or_remove_the_seeder_of_another_machine(self) -> None:
        leave = b'ping_tracker\n["127.0.0.1", 12501]' + LINE[:-1] + b',"leaving":true}'
        self.assertEqual(ask(self.room, leave, source="127.0.0.2"), [UNKNOWN_SEEDER])
        self.assert_room_as_before()

    def test_a_peer_that_is_gone_before_its_answer_harms_nothing(self) -> None:
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"request_file_list", self.room)
        self.assert_room_as_before()

    def test_a_flood_of_garbage_does_not_starve_another_machine(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noisy:
            noisy.bind(("127.0.0.2", 0))
            with shouting(lambda: self._garbage(noisy)):
                for _ in range(20):
                    self.assertEqual(self._ask_until_answered(), b'{"honest":1}')

    def _garbage(self, noisy: socket.socket) -> None:
        for _ in range(20):
            noisy.sendto(b"add_seeder\n[[[[[[", self.room)
        time.sleep(0.001)  # a flood that leaves the machine itself able to work

    def _ask_until_answered(self) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(SILENCE_S)
            for _ in range(round(LIMIT_S / SILENCE_S)):
                sock.sendto(b"request_file_list", self.room)
                try:
                    return sock.recv(2_048)
                except TimeoutError:  # the flood filled the socket's buffer: as our client does
                    continue
        raise AssertionError("no answer while another machine floods the tracker")


class LongLists(RoomTest):
    def setUp(self) -> None:
        super().setUp()
        self.running = self.tracker()
        self.room = self.running.address

    def assert_fits(self, names: list[str]) -> int:
        """Upload these in one datagram; what comes back is whole. Returns how many came."""
        sizes = dict.fromkeys(names, 1)
        ask(self.room, b"upload_file_list\n" + json.dumps(sizes, ensure_ascii=False).encode())
        answer = ask(self.room, b"request_file_list", 2)[0]
        self.assertLessEqual(len(answer), MAX_ANSWER)
        self.assertTrue(answer.isascii())
        came = json.loads(answer)
        self.assertLessEqual(came.items(), sizes.items())
        return len(came)

    def test_names_are_left_out_rather_than_cut(self) -> None:
        ask(self.room, b'add_seeder\n["127.0.0.1", 12501]')
        many = [f"a file {number:03}.txt" for number in range(85)]
        self.assertGreater(self.assert_fits(many), 30)
        self.assertEqual(self.assert_fits([letter * 200 for letter in "abcdefg"]), 4)
        accented = [f"{number:02}{'é' * 28}" for number in range(20)]
        self.assertEqual(self.assert_fits(accented), 5)

    def test_how_many_are_left_out_is_said_in_the_log(self) -> None:
        logs = self.enterContext(self.assertLogs("roles.room.room_report", "INFO"))
        ask(self.room, b'add_seeder\n["127.0.0.1", 12501]')
        self.assert_fits([letter * 200 for letter in "abcdefg"])
        wait_until(lambda: any("3 files are hidden" in line for line in logs.output))

    def test_many_seeders_with_long_addresses_fit(self) -> None:
        for port in range(50_000, 50_030):
            register(self.room, ("127.0.0.1", port), {"a": 1})
        answer = ask(self.room, b"request_seeder_list", 2)[0]
        self.assertLessEqual(len(answer), MAX_ANSWER)
        self.assertEqual(len(json.loads(answer)), 5)

    def test_a_file_at_the_largest_size_is_listed(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"big": 1 << 40})
        self.assertEqual(listed_files(self.room), {"big": 1 << 40})


class PortsOfTheTracker(RoomTest):
    def occupied(self) -> Address:
        sock = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        address = self.free_address()
        sock.bind(address)
        return address

    def test_a_taken_port_means_the_next_one_and_a_sentence(self) -> None:
        taken = self.occupied()
        started = self.tracker(taken, bind_exactly=False).log.wait_for(RoleStarted)
        assert started.address is not None
        self.assertNotEqual(started.address.port, taken.port)
        self.assertIn(str(taken.port), started.note)
        self.assertIn(str(started.address.port), started.note)
        self.assertEqual(listed_files(started.address), {})

    def test_a_taken_port_that_was_asked_for_exactly_is_an_error(self) -> None:
        log = EventLog()
        taken = self.occupied()
        running = self.run_role(Tracker(TrackerSettings(taken, bind_exactly=True), log), log)
        failure = log.wait_for(RoleStopped).failure
        self.assertIsInstance(failure, StorageError)
        self.assertIn(f"Port {taken.port} is in use", str(failure))
        self.assertEqual(running.log.of(RoleStarted), [])

    def test_it_restarts_on_the_same_port_at_once(self) -> None:
        for _ in range(3):
            first = self.tracker(self.free_address())
            address = first.address
            register(address, ("127.0.0.1", 12501), {"a": 1})
            first.stop()
            self.tracker(address).stop()


class TheEndOfTheTracker(RoomTest):
    has_real_polls: ClassVar[bool] = True

    def test_it_stops_in_time_while_it_is_flooded_and_leaves_no_thread(self) -> None:
        running = self.tracker()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noisy:
            room = running.address
            with shouting(lambda: self._shout(noisy, room)):
                running.stop()
        self.assertIsNone(running.log.of(RoleStopped)[0].failure)
        self.assertEqual([t for t in threading.enumerate() if t.name == "lmk-tracker"], [])

    @staticmethod
    def _shout(noisy: socket.socket, room: Address) -> None:
        noisy.sendto(b"request_file_list", room)

    def test_it_stops_in_time_when_nobody_asks(self) -> None:
        self.tracker().stop()

    def test_it_may_be_stopped_twice(self) -> None:
        running = self.tracker()
        running.stop()
        running.stop()
        self.assertEqual(len(running.log.of(RoleStopped)), 1)

    def test_a_folder_that_is_missing_for_the_state_is_made(self) -> None:
        state_file = Path(self.folder / "new" / "tracker.json")
        running = self.tracker(state_file=state_file)
        self.constant("lmk1.seeder_table", "STAYED_S", 0.0)
        register(running.address, ("127.0.0.1", 12501), {"a": 1})
        running.stop()
        self.assertTrue(state_file.is_file())


class Lmk2Room(RoomTest):
    """Programs that speak LMK/2, as far as a tracker sees them."""

    def setUp(self) -> None:
        super().setUp()
        self.running = self.tracker()
        self.room = self.running.address
        self.cookies: dict[str, str] = {}

    def ask2(self, request: Request, source: str = "127.0.0.1") -> Answer:
        """The answer, with the cookie that it wants."""
        if not isinstance(request, FindTracker):
            request = replace(request, cookie=self.cookies.get(source, ""))
        answer = decode_answer(ask(self.room, encode_request(request), source=source)[0])
        assert answer is not None
        if isinstance(answer, Refused) and answer.code == Code.COOKIE:
            self.cookies[source] = answer.cookie
            return self.ask2(request, source)
        return answer

    def register2(
        self,
        port: int,
        *shares: str,
        leecher: bool = False,
        source: str = "127.0.0.1",
        peer: str = ID,
    ) -> Answer:
        named = Address(source, port)
        return self.ask2(Register(ID, named, peer, "pc", leecher, shares=shares), source)

    def ping2(self, port: int, *shares: str, peer: str = ID, leaving: bool = False) -> Answer:
        named = Address("127.0.0.1", port)
        return self.ask2(Ping(ID, named, peer, Status("available", shares, 1, 2), leaving))

    def tell(self, port: int, share: str, *lines: str, peer: str = ID) -> Reply:
        body = packed_list(map(LineAdded, lines))
        call = TellList(share, "folder", peer, port, True, 0, 1, len(body))
        return decode_reply(self.call(encode_call(call) + body))

    def call(self, words: bytes) -> bytes:
        """What came until the tracker closed, without the last line feed."""
        with socket.create_connection(self.room, LIMIT_S) as sock:
            sock.sendall(words)
            received = b""
            while data := sock.recv(1 << 16):
                received += data
        return received[:-1] if received.count(b"\n") == 1 else received

    def entries(self) -> list[str]:
        line, _, packed = self.call(encode_call(AskList())).partition(b"\n")
        self.assertIsInstance(decode_reply(line), ListFollows)
        return list(Unpacker().lines(packed))

    def holders(self, *shares: str, source: str = "127.0.0.1") -> list[Holder]:
        answer = self.ask2(AskHolders(ID, shares), source)
        assert isinstance(answer, Holders)
        return list(answer.holders)


class ManyAtOnce(Lmk2Room):
    """The proven first: who has a cookie waits for nobody who has none."""

    def test_who_has_a_cookie_is_answered_though_nobody_else_is(self) -> None:
        self.register2(12501, SHARE)
        self.limits("room.datagram_server", unproved_s=0.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(100):
                stranger.sendto(b"request_file_list", self.room)
            for _ in range(20):
                self.assertEqual(self.ping2(12501, SHARE), Pinged(ID, None))
            stranger.settimeout(SILENCE_S)
            with self.assertRaises(TimeoutError):
                stranger.recv(2_048)

    def test_few_requests_of_others_wait_and_all_of_those_are_answered(self) -> None:
        self.register2(12501, SHARE)
        self.limits("room.datagram_server", unproved=20, unproved_s=0.0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(100):
                stranger.sendto(b"nonsense", self.room)
            self.ping2(12501, SHARE)  # read behind them
            self.limits("room.datagram_server", unproved_s=1.0)
            stranger.settimeout(LIMIT_S)
            self.assertEqual([stranger.recv(99) for _ in range(20)], [UNKNOWN_REQUEST] * 20)
            stranger.settimeout(SILENCE_S)
            with self.assertRaises(TimeoutError):
                stranger.recv(99)

    def missing(self, waiting: int, *hosts: str) -> None:
        """As if the system held so many bytes, for such hosts."""
        self.constant("room.datagram_server", "waiting_bytes", lambda _: waiting)
        self.enterContext(
            mock.patch.object(Neighbours, "is_missing", lambda _, host: host in hosts)
        )

    def assert_answered(self, source: str) -> None:
        self.assertEqual(ask(self.room, b"nonsense", source=source), [UNKNOWN_REQUEST])

    def assert_not_answered(self, source: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.settimeout(SILENCE_S)
            sock.sendto(b"nonsense", self.room)
            with self.assertRaises(TimeoutError):
                sock.recv(99)

    def test_an_answer_that_would_wait_in_the_system_is_not_made_when_many_do(self) -> None:
        self.missing(UNPROVED_UNSENT, "127.0.0.2", "127.0.0.3")
        self.assert_answered("127.0.0.1")
        self.assert_not_answered("127.0.0.2")
        self.assert_answered("127.0.0.2")  # it asks again, as who is there does
        self.assert_not_answered("127.0.0.3")
        self.missing(AGAIN_UNSENT, "127.0.0.2")
        self.assert_not_answered("127.0.0.2")
        self.assert_answered("127.0.0.1")
        self.missing(UNPROVED_UNSENT - 1, "127.0.0.4")
        self.assert_answered("127.0.0.4")

    def test_who_has_a_cookie_is_answered_whatever_waits_in_the_system(self) -> None:
        self.register2(12501, SHARE)
        self.missing(1 << 30, "127.0.0.1")
        self.assertEqual(self.ping2(12501, SHARE), Pinged(ID, None))


class AnswersInLmk2(Lmk2Room):
    def test_nothing_is_done_without_a_cookie(self) -> None:
        request = Register(ID, Address("127.0.0.1", 12501), ID, "pc", False)
        (answer,) = ask(self.room, encode_request(request))
        refused = decode_answer(answer)
        assert isinstance(refused, Refused)
        self.assertEqual((refused.code, len(refused.cookie)), (Code.COOKIE, 24))
        other = replace(request, cookie=refused.cookie)
        (answer,) = ask(self.room, encode_request(other), source="127.0.0.2")
        refused2 = decode_answer(answer)
        assert isinstance(refused2, Refused)
        self.assertNotEqual(refused2.cookie, refused.cookie)

    def test_no_answer_without_a_cookie_is_longer_than_its_question(self) -> None:
        for request in (AskVersion(ID), AskHolders(ID, (SHARE,)), FindTracker(ID)):
            bare = encode_request(request).rstrip()
            for question in (bare, bare.ljust(85), bare.ljust(256)):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.settimeout(SILENCE_S if len(question) < 128 else LIMIT_S)
                    sock.sendto(question, self.room)
                    try:
                        self.assertLessEqual(len(sock.recv(2_048)), len(question))
                    except TimeoutError:
                        self.assertLess(len(question), 128)

    def test_a_request_that_cannot_be_read_is_refused_in_lmk2(self) -> None:
        line = b'{"lmk":2,"id":"%s","peer":"?"}' % ID.encode()
        for request in (
            b'ping_tracker\n["127.0.0.1",12501]\n' + line,
            b'add_seeder\n["127.0.0.1",0]\n' + line,
            b'upload_file_list\n{"a":-1}\n' + line,
            b"request_seeder_list\n" + line,
            b"a_later_verb\n" + line,
        ):
            with self.subTest(request=request):
                for question in (request, request.ljust(256)):
                    (answer,) = ask(self.room, question)
                    refused = decode_answer(answer)
                    assert isinstance(refused, Refused)
                    self.assertEqual((refused.id, refused.code), (ID, Code.REFUSED))
                    self.assertLessEqual(len(answer), len(question))
                    self.assertEqual("cannot read this" in refused.text, len(question) == 256)
        for request in (b"nonsense\n{}", b"nonsense", b'add_seeder\n["a",0]' + LINE):
            self.assertEqual(ask(self.room, request), [UNKNOWN_REQUEST])

    def test_a_search_is_answered_with_name_and_port(self) -> None:
        found = self.ask2(FindTracker(ID))
        assert isinstance(found, Found)
        self.assertEqual(found.port, self.room.port)

    def test_the_answer_to_a_search_tells_which_run_of_the_tracker_it_is(self) -> None:
        found, version = self.ask2(FindTracker(ID)), self.ask2(AskVersion(ID))
        assert isinstance(found, Found) and isinstance(version, ListVersion)
        self.assertEqual(found.room, version.version.partition("-")[0])
        self.assertEqual(len(found.room), 8)
        self.assertEqual(found.room, self.running.log.wait_for(RoleStarted).room)

    def test_a_program_registers_pings_and_leaves(self) -> None:
        self.assertEqual(self.ping2(12501), Refused(ID, Code.UNKNOWN, "Register first."))
        self.assertEqual(self.register2(12501, SHARE), Done(ID))
        self.assertEqual(self.ping2(12501, SHARE), Pinged(ID, None))
        (holder,) = self.holders(SHARE)
        self.assertEqual(holder.address_at("127.0.0.1"), Address("127.0.0.1", 12501))
        self.assertIsInstance(self.ping2(12501, SHARE, peer=SHARE), Refused)
        self.assertEqual(self.ping2(12501, leaving=True), Pinged(ID, None))
        self.assertEqual(self.holders(SHARE), [])
        self.assertIsInstance(self.ping2(12501), Refused)

    def test_a_share_is_kept_for_its_seeder_over_a_restart_of_the_tracker(self) -> None:
        state_file = self.folder / "tracker.json"
        self.running = self.tracker(state_file=state_file)
        for peer, port, code in ((ID, 12501, ""), (OTHER, 12502, Code.SHARE), (ID, 12503, "")):
            self.room = self.running.address
            self.cookies.clear()
            self.register2(port, SHARE, peer=peer)
            told = self.tell(port, SHARE, "line", peer=peer)
            assert isinstance(told, Taken)
            self.assertEqual(told.code, code)
            self.running.stop()
            self.running = self.tracker(state_file=state_file)

    def test_a_told_list_is_in_the_room_until_its_seeder_leaves(self) -> None:
        self.register2(12501, SHARE)
        before = self.ask2(AskVersion(ID))
        self.assertEqual(self.tell(12501, SHARE, "line"), Taken(True))
        self.assertNotEqual(self.ask2(AskVersion(ID)), before)
        self.assertEqual(self.entries(), [f'S["{SHARE}","folder"]', "+line"])
        self.register2(12502, SHARE, peer=OTHER)
        refused = self.tell(12502, SHARE, "line", peer=OTHER)
        assert isinstance(refused, Taken)
        self.assertEqual(refused.code, Code.SHARE)
        self.ping2(12502, leaving=True, peer=OTHER)
        self.assertEqual(len(self.entries()), 2)
        self.ping2(12501, leaving=True)
        self.assertEqual(self.entries(), [])

    def test_leechers_are_told_to_lmk2_readers_only(self) -> None:
        self.register2(12502, SHARE, leecher=True)
        self.register2(12501, SHARE)
        told = [(holder.address.port, holder.is_leecher) for holder in self.holders(SHARE)]
        self.assertEqual(told, [(12501, False), (12502, True)])
        self.assertEqual(listed_seeders(self.room), [])

    def test_a_seeder_of_ours_has_a_list_for_lmk1_readers_too(self) -> None:
        self.register2(12501, SHARE)
        told = self.ask2(TellFiles(ID, {"a": 1}, ID, 12501))
        self.assertEqual(told, Done(ID))
        self.assertEqual(listed_files(self.room), {"a": 1})
        self.assertEqual(listed_seeders(self.room), [("127.0.0.1", 12501)])
        self.assertEqual(self.entries(), [])  # its own list comes over TCP
        self.assertIsInstance(self.ask2(TellFiles(ID, {"b": 1}, ID, 12502)), Refused)
        self.register2(12502, leecher=True)
        self.assertIsInstance(self.ask2(TellFiles(ID, {"b": 1}, ID, 12502)), Refused)

    def test_an_upload_of_an_original_never_goes_to_a_seeder_of_ours(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"old": 1})
        self.register2(12502, SHARE)
        ask(self.room, b'upload_file_list\n{"new": 2}')
        self.assertEqual(listed_seeders(self.room), [("127.0.0.1", 12501)])
        self.assertEqual(listed_files(self.room), {"new": 2})

    def test_an_original_seeder_is_a_share_of_its_own(self) -> None:
        register(self.room, ("127.0.0.1", 12501), {"a": 1})
        share = "lmk17f00000130d5"
        self.assertEqual(self.entries(), [f'S["{share}","127.0.0.1"]', '+["f","a",1]'])
        (holder,) = self.holders(share)
        self.assertTrue(holder.is_original)
        self.assertEqual(self.holders(share, source="127.0.0.2"), [holder])
        ask(self.room, b"upload_file_list\n{}")
        self.assertEqual((self.entries(), self.holders(share)), ([], []))

    def test_all_holders_of_a_big_room_are_told_in_turn(self) -> None:
        for port in range(20_000, 20_100):
            self.register2(port, SHARE, OTHER_SHARE, leecher=port >= 20_090)
        told = [self.holders(OTHER_SHARE, SHARE) for _ in range(9)]
        self.assertGreater(min(map(len, told)), 30)
        ports = {holder.address.port for holders in told for holder in holders}
        self.assertGreaterEqual(ports, set(range(20_000, 20_090)))
        self.assertEqual({holder.asked for holders in told for holder in holders}, {(0, 1)})

    def test_one_machine_registers_few_programs(self) -> None:
        self.constant("room.registry", "MAX_PROGRAMS", 1)
        self.assertEqual(self.register2(12501), Done(ID))
        self.assertEqual(self.register2(12501), Done(ID))
        refused = self.register2(12502)
        assert isinstance(refused, Refused)
        self.assertEqual(refused.code, Code.FULL)

    def test_the_window_is_told_of_everyone(self) -> None:
        self.register2(12501, SHARE)
        self.tell(12501, SHARE, '["f","dir/a",5]', '["d","dir",0]')
        self.register2(12502, SHARE, leecher=True)
        self.ping2(12502, SHARE)
        room = self.running.log.wait_for(
            RoomChanged,
            where=lambda room: [program.status.up for program in room.participants] == [0, 1],
        )
        told = [
            (program.address.port, program.is_leecher, program.files)
            for program in room.participants
        ]
        self.assertEqual(told, [(12501, False, 1), (12502, True, 0)])
        self.assertEqual((room.file_count, room.files), (1, (ListedFile("dir/a", 5),)))

    def test_a_computer_that_has_left_can_be_removed(self) -> None:
        self.register2(12501, leecher=True)
        self.ping2(12501, leaving=True)
        room = self.running.log.wait_for(
            RoomChanged,
            where=lambda room: any(program.has_left for program in room.participants),
        )
        self.running.log.clear()
        self.running.role.remove(machines_of(room.participants)[0])
        self.running.log.wait_for(RoomChanged, where=lambda room: not room.participants)

    def test_a_computer_whose_hardware_address_is_known_can_be_woken(self) -> None:
        hardware, woken = b"\x02abcde", EventLog()
        self.enterContext(mock.patch.object(tracker_role, "wake", woken))
        learn = mock.patch.object(
            Neighbours, "hardware_of", lambda _, hosts: dict.fromkeys(hosts, hardware)
        )
        with learn:
            self.register2(12501, leecher=True)
            room = self.running.log.wait_for(RoomChanged, where=lambda room: bool(room.wakeable))
        (host,) = room.wakeable
        self.running.role.wake("203.0.113.9")
        self.running.role.wake(host)
        wait_until(lambda: woken.events == [hardware])

    def test_the_window_is_told_of_changes_however_long_the_computer_stood_still(self) -> None:
        self.limits("room.room_report", rests=1_000)
        stall = iter([0.1])  # seconds; in the first report only

        def stalled_files(_: RoomList, __: int) -> Generator[None, None, tuple[ListedFile, ...]]:
            time.sleep(next(stall, 0))
            yield
            return ()

        self.enterContext(mock.patch.object(room_report, "shown_files", stalled_files))
        self.register2(12501)
        self.running.log.wait_for(RoomChanged, where=lambda room: len(room.participants) == 1)
        self.register2(12502)
        self.running.log.wait_for(RoomChanged, where=lambda room: len(room.participants) == 2)

    def test_a_restart_forgets_the_programs_that_come_back_by_themselves(self) -> None:
        state_file = self.folder / "tracker.json"
        self.constant("lmk1.seeder_table", "STAYED_S", 0.0)
        self.running = self.tracker(state_file=state_file)
        self.room = self.running.address
        self.cookies.clear()
        register(self.room, ("127.0.0.1", 12501), {"a": 1})
        self.register2(12502, SHARE)
        self.running.stop()
        self.running = self.tracker(state_file=state_file)
        self.room = self.running.address
        self.cookies.clear()
        self.assertIsInstance(self.ping2(12502), Refused)
        self.assertEqual(listed_seeders(self.room), [("127.0.0.1", 12501)])
        self.assertEqual(self.entries(), ['S["lmk17f00000130d5","127.0.0.1"]', '+["f","a",1]'])


class DialsOfTheTracker(Lmk2Room):
    def register_everywhere(self, port: int) -> None:
        named = Address("127.0.0.1", port)
        self.assertEqual(self.ask2(Register(ID, named, ID, "pc", False, everywhere=True)), Done(ID))

    def test_who_answers_is_told_that_it_can_be_reached(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(LIMIT_S)
            port = listener.getsockname()[1]
            self.register_everywhere(port)
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(LIMIT_S)
                line = sock.recv(1_024).split(b"\n")[1]
                sock.sendall(b"lmk2 " + line + b"\n")
                self.assertEqual(sock.recv(1_024), b"")
        self.assertEqual(self.ping2(port), Pinged(ID, True))
        self.running.log.wait_for(
            RoomChanged,
            where=lambda room: [program.is_reachable for program in room.participants] == [True],
        )

    def test_who_cannot_be_reached_is_told_so_and_others_too(self) -> None:
        port = self.free_port("tcp")
        named = Address("127.0.0.1", port)
        self.ask2(Register(ID, named, ID, "pc", False, everywhere=True, shares=(SHARE,)))
        self.running.log.wait_for(
            RoomChanged,
            where=lambda room: [program.is_reachable for program in room.participants] == [False],
        )
        self.assertEqual(self.ping2(port, SHARE), Pinged(ID, False))
        self.assertTrue(self.holders(SHARE)[0].is_unreachable)

    def answer_probe(self, listener: socket.socket, peer: str) -> None:
        listener.settimeout(LIMIT_S)
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(LIMIT_S)
            probe = decode_hello(sock.recv(1_024).split(b"\n")[1])
            assert isinstance(probe, Probe)
            sock.sendall(encode_welcome(replace(probe, peer=peer)))
            self.assertIn(sock.recv(1_024), (b"", b"exit_connection"))

    def assert_tells(self, port: int, peer: str, code: str) -> None:
        def is_so() -> bool:
            told = self.tell(port, SHARE, peer, peer=peer)
            assert isinstance(told, Taken)
            return told.code == code

        wait_until(is_so, LIMIT_S, f"it is not answered {code!r}")

    def test_a_seeder_that_was_killed_and_started_again_tells_its_share_at_once(self) -> None:
        self.constant("room.registry", "QUIET_S", 600.0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            self.register2(port, SHARE)
            self.assert_tells(port, ID, "")
            self.register2(port, SHARE, peer=OTHER)
            self.assert_tells(port, OTHER, Code.BUSY)
            self.answer_probe(listener, OTHER)
            self.assert_tells(port, OTHER, "")
            self.assertEqual(self.entries()[1:], ["+" + OTHER])

    def test_another_program_that_says_to_be_where_a_seeder_listens_gets_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            self.register2(port, SHARE)
            self.assert_tells(port, ID, "")
            self.register2(port, SHARE, peer=OTHER)
            self.answer_probe(listener, ID)
            self.assert_tells(port, OTHER, Code.BUSY)
            self.assert_tells(port, ID, "")
            self.assertEqual(self.entries()[1:], ["+" + ID])

    def test_a_seeder_of_ours_says_in_its_answer_who_it_is(self) -> None:
        running = self.seeder(self.make_folder("shared", {"a": b"x"}), self.room)
        with socket.create_connection(running.address, LIMIT_S) as sock:
            sock.sendall(b'request_connection\n{"lmk":2,"probe":"%s"}\n' % ID.encode())
            answer = decode_probe_answer(sock.recv(1_024))
        assert answer is not None
        self.assertEqual((answer.probe, len(answer.peer)), (ID, 16))

    def test_nobody_else_is_dialled(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(SILENCE_S)
            port = listener.getsockname()[1]
            register(self.room, ("0.0.0.0", port), {"a": 1})
            self.register2(port, SHARE)  # serves this machine only
            with self.assertRaises(TimeoutError):
                listener.accept()


class ShortagesOfTheTracker(RoomTest):
    def test_what_this_computer_lacks_for_a_moment_ends_nothing(self) -> None:
        tracker = self.tracker()
        work = ListServer.work
        for error in (OSError(errno.EMFILE, "Too many open files"), MemoryError()):
            failed = list[int]()

            def refuse(
                server: ListServer, error: Exception = error, failed: list[int] = failed
            ) -> bool:
                if len(failed) < 3:
                    failed.append(1)
                    raise error
                return work(server)

            with (
                self.subTest(error=error),
                mock.patch.object(ListServer, "work", refuse),
                self.assertLogs("roles.tracker", "WARNING"),
            ):
                self.assertEqual(listed_seeders(tracker.address), [])
                wait_until(lambda: len(failed) == 3)  # noqa: B023

    def test_a_request_for_which_there_is_no_memory_is_not_answered_and_the_next_is(self) -> None:
        tracker = self.tracker()
        answers = Answers.to
        failed = list[int]()

        def refuse(answerer: Answers, *words: Any, now: float) -> list[bytes]:
            if not failed:
                failed.append(1)
                raise MemoryError
            return list(answers(answerer, *words, now=now))

        with (
            mock.patch.object(Answers, "to", refuse),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        ):
            sock.sendto(b"request_seeder_list", tracker.address)
            wait_until(lambda: bool(failed))
            self.assertEqual(listed_seeders(tracker.address), [])
