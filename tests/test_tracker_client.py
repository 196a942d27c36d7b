"""Asking a tracker that loses, delays, swaps and garbles, by a scripted socket in its place."""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from unittest import mock

from roles.joining import tracker_client
from roles.joining.tracker_client import LINGER_S, MAX_REFUSALS, TrackerClient
from roles.joining.tracker_place import TrackerPlace
from roles.lmk1.tracker_wire import Extras, decode_request, encode_request, with_id
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from tests.support import LmkTestCase, at_once, wait_until

PC = Address("10.0.0.7", 12501)
LIST = b'{"a.txt":5}'
SEEDERS = b'[["10.0.0.7",12501]]'
Script = Callable[[bytes, int], Iterable[bytes]]  # datagram, how many came before it


def extras_of(datagram: bytes) -> Extras | None:
    return getattr(decode_request(datagram), "extras", None)


def room_of(datagram: bytes, _: int) -> list[bytes]:
    """An original's answers."""
    if datagram == b"request_file_list":
        return [LIST, b"success"]
    if datagram == b"request_seeder_list":
        return [SEEDERS, b"success"]
    return [b"success"]


class ScriptedTracker:
    """Answers by a script, in a thread of its own, and notes what it heard and from where."""

    def __init__(self, script: Script) -> None:
        self.heard: list[bytes] = []
        self.sources: list[tuple[str, int]] = []
        self._script = script
        self._ending = threading.Event()
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.bind(("127.0.0.1", 0))
        self._link.settimeout(0.02)
        self.address = Address(*self._link.getsockname())
        self._thread = threading.Thread(target=self._serve, name="lmk-scripted")
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._link.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                datagram, source = self._link.recvfrom(65_535)
            except TimeoutError:
                continue
            self.heard.append(datagram)
            self.sources.append(source)
            for answer in self._script(datagram, len(self.heard) - 1):
                self._link.sendto(answer, source)


class TrackerClientTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopping = threading.Event()

    def tracker(self, script: Script = room_of) -> ScriptedTracker:
        tracker = ScriptedTracker(script)
        self.addCleanup(tracker.close)
        return tracker

    def client(self, address: Address) -> TrackerClient:
        return self.enterContext(TrackerClient(TrackerPlace(address), self.stopping.is_set))

    def asked(self, script: Script) -> tuple[TrackerClient, ScriptedTracker]:
        tracker = self.tracker(script)
        return self.client(tracker.address), tracker

    def open_sockets(self, client: TrackerClient) -> int:
        return len(client._lingering)


class ListsTest(TrackerClientTestCase):
    def test_files_and_seeders_are_read(self) -> None:
        client, tracker = self.asked(room_of)
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(client.seeders(), (PC,))
        self.assertEqual(tracker.heard, [b"request_file_list", b"request_seeder_list"])

    def test_each_request_leaves_from_a_fresh_port(self) -> None:
        client, tracker = self.asked(lambda *_: [LIST])  # so that the sockets stay open
        for _ in range(3):
            client.files()
        self.assertEqual(len(set(tracker.sources)), 3)

    def test_the_two_datagrams_may_come_in_either_order(self) -> None:
        client, tracker = self.asked(lambda *_: [b"success", LIST])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual((len(tracker.heard), self.open_sockets(client)), (1, 0))

    def test_a_list_whose_success_was_lost_is_taken(self) -> None:
        client, tracker = self.asked(lambda *_: [LIST])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 1)
        self.assertEqual(self.open_sockets(client), 1)  # it may still come

    def test_a_success_without_the_list_is_not_taken_and_the_list_is_asked_for_again(self) -> None:
        client, tracker = self.asked(lambda _, n: [b"success", *([LIST] if n else [])])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 2)

    def test_the_other_list_is_not_taken_for_the_one_asked_for(self) -> None:
        client, tracker = self.asked(lambda _, n: [SEEDERS, *([LIST, b"success"] if n else [])])
        self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 2)

    def test_garbage_is_skipped(self) -> None:
        garbage = [b"", b"\xff", b"{", b"[1", b"hello", b"[" * 2000, b'{"a":-1}', b"error"]
        client, tracker = self.asked(lambda *_: [*garbage, LIST, b"success"])
        with self.assertLogs("roles.joining.tracker_client", "WARNING"):
            self.assertEqual(client.files(), {"a.txt": 5})
        self.assertEqual(len(tracker.heard), 1)

    def test_a_list_longer_than_the_originals_buffer_is_taken(self) -> None:
        files = {f"{number:060}": number for number in range(700)}
        client, _ = self.asked(lambda *_: [json.dumps(files).encode(), b"success"])
        self.assertEqual(client.files(), files)

    def test_lost_datagrams_are_asked_for_again(self) -> None:
        client, tracker = self.asked(lambda d, n: room_of(d, n) if n >= 2 else [])
        begun = time.monotonic()
        self.assertEqual(client.seeders(), (PC,))
        self.assertEqual(tracker.heard, [b"request_seeder_list"] * 3)
        self.assertGreater(time.monotonic() - begun, (0.2 + 0.4) * 0.7)

    def test_an_answer_from_elsewhere_is_not_taken(self) -> None:
        stranger = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        stranger.bind(("127.0.0.1", 0))

        def script(_: bytes, before: int) -> list[bytes]:
            if before:
                return [LIST, b"success"]
            stranger.sendto(b'{"virus.exe":1}', tracker.sources[-1])
            return []

        tracker = self.tracker(script)
        self.assertEqual(self.client(tracker.address).files(), {"a.txt": 5})


class VerdictsTest(TrackerClientTestCase):
    @staticmethod
    def ours(answer: bytes) -> Script:
        return lambda datagram, _: [with_id(answer, extras_of(datagram))]

    def test_an_original_and_one_of_ours_are_told_apart(self) -> None:
        client, _ = self.asked(room_of)
        self.assertTrue(client.add_seeder(PC, everywhere=True))
        client, tracker = self.asked(self.ours(b"success"))
        self.assertFalse(client.add_seeder(PC, everywhere=True))
        extras = extras_of(tracker.heard[0])
        assert extras is not None
        self.assertTrue(extras.everywhere)

    def test_being_registered_already_is_being_registered(self) -> None:
        already = b"error\nSeeder is already Registered"
        client, _ = self.asked(lambda *_: [already])
        self.assertTrue(client.add_seeder(PC, everywhere=False))
        client, _ = self.asked(self.ours(already))
        self.assertFalse(client.add_seeder(PC, everywhere=False))

    def test_a_refusal_is_not_taken_for_an_original_that_agreed(self) -> None:
        for script in (self.ours(b"error\nNone"), lambda *_: [b"error\nNone"]):
            client, _ = self.asked(script)
            with self.assertRaisesRegex(TrackerSilentError, "refused"):
                client.add_seeder(PC, everywhere=False)

    def test_a_ping_tells_whether_the_tracker_knows_the_seeder(self) -> None:
        unknown = b"error\nSeeder ID not in found with registed seeders"
        for script, is_known in (
            (room_of, True),
            (self.ours(b"success"), True),
            (self.ours(unknown), False),
            (lambda *_: [unknown], False),
        ):
            client, tracker = self.asked(script)
            self.assertIs(client.ping(PC, state="away"), is_known)
            extras = extras_of(tracker.heard[0])
            assert extras is not None
            self.assertEqual((extras.state, extras.leaving), ("away", False))

    def test_an_answer_with_the_id_of_another_question_is_not_taken(self) -> None:
        def script(datagram: bytes, _: int) -> list[bytes]:
            wrong = with_id(b"error\nSeeder is unknown", Extras("f" * 16))
            return [wrong, with_id(b"success", extras_of(datagram))]

        client, tracker = self.asked(script)
        self.assertTrue(client.ping(PC, state="available"))
        self.assertEqual(len(tracker.heard), 1)

    def test_a_repeated_request_is_the_same_request(self) -> None:
        client, tracker = self.asked(lambda d, n: room_of(d, n) if n else [])
        client.ping(PC, state="available")
        self.assertEqual(tracker.heard[0], tracker.heard[1])

    def test_as_many_files_are_uploaded_as_one_request_holds(self) -> None:
        client, tracker = self.asked(self.ours(b"success"))
        files = {f"{number:040}": number for number in range(100)}
        count = client.upload_files(files, 12501)
        self.assertTrue(0 < count < 100)
        self.assertLessEqual(len(tracker.heard[0]), 1000)
        self.assertEqual(
            json.loads(tracker.heard[0].split(b"\n")[1]), dict(list(files.items())[:count])
        )
        extras = extras_of(tracker.heard[0])
        assert extras is not None
        self.assertEqual(extras.port, 12501)


class UploadToOriginalTest(TrackerClientTestCase):
    def room(self, files: dict[str, int]) -> tuple[TrackerClient, ScriptedTracker]:
        """An original tracker with that list; what is uploaded replaces it."""
        kept = dict(files)

        def script(datagram: bytes, _: int) -> list[bytes]:
            if datagram.startswith(b"upload_file_list\n"):
                kept.clear()
                kept.update(json.loads(datagram.split(b"\n")[1]))
                return [b"success"]
            return [json.dumps(kept).encode(), b"success"]

        self.kept = kept
        return self.asked(script)

    def test_what_others_offer_is_sent_along(self) -> None:
        client, _ = self.room({"theirs": 1})
        self.assertEqual(client.upload_files_to_original({"ours": 2}), 1)
        self.assertEqual(self.kept, {"theirs": 1, "ours": 2})

    def test_nothing_is_sent_that_adds_no_name(self) -> None:
        client, tracker = self.room({"theirs": 1, "ours": 2})
        self.assertEqual(client.upload_files_to_original({"ours": 2}), 1)
        self.assertEqual(client.upload_files_to_original({}), 0)
        self.assertEqual(set(tracker.heard), {b"request_file_list"})

    def test_a_list_is_never_wiped_and_no_request_is_longer_than_1000_bytes(self) -> None:
        for known_count in (0, 1, 5, 10, 11, 12, 13, 14, 30):
            known = {f"known {number:070}": number for number in range(known_count)}
            ours = {f"ours {number:070}": number for number in range(30)}
            with self.subTest(known=known_count):
                client, tracker = self.room(known)
                count = client.upload_files_to_original(ours)
                self.assertLessEqual(known.items(), self.kept.items())
                self.assertEqual(count, len(self.kept.keys() & ours.keys()))
                for datagram in tracker.heard:
                    self.assertLessEqual(len(datagram), 1000)
                    self.assertLessEqual(len(datagram.split(b"\n")), 2)

    def test_nothing_is_sent_when_the_list_could_not_be_read(self) -> None:
        client, tracker = self.asked(lambda *_: [b"success"])
        self.stop_after(tracker, 2)
        with self.assertRaises(TrackerSilentError):
            client.upload_files_to_original({"ours": 1})
        self.assertEqual(set(tracker.heard), {b"request_file_list"})

    def stop_after(self, tracker: ScriptedTracker, count: int) -> None:
        def watch() -> None:
            wait_until(lambda: len(tracker.heard) >= count)
            self.stopping.set()

        thread = threading.Thread(target=watch, name="lmk-test")
        thread.start()
        self.addCleanup(thread.join)


class SilenceTest(TrackerClientTestCase):
    def tries(self, *pauses_s: float) -> None:
        self.enterContext(mock.patch("roles.joining.tracker_client.TRIES_S", pauses_s))

    def test_a_port_where_nobody_listens_is_given_up_early(self) -> None:
        client = self.client(Address("127.0.0.1", self.free_port("udp")))
        self.tries(*[0.01] * MAX_REFUSALS, 60.0)
        with at_once(), self.assertRaisesRegex(TrackerSilentError, "No tracker answers at 127.0"):
            client.files()

    def test_a_tracker_that_starts_meanwhile_is_found(self) -> None:
        port = self.free_port("udp")
        late = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

        def start() -> None:
            late.bind(("127.0.0.1", port))
            late.settimeout(5.0)
            _, source = late.recvfrom(2048)
            late.sendto(LIST, source)
            late.sendto(b"success", source)

        thread = threading.Thread(target=start, name="lmk-test")
        client = TrackerClient(TrackerPlace(Address("127.0.0.1", port)), self.started(thread))
        with client:
            self.assertEqual(client.files(), {"a.txt": 5})
        thread.join()

    def started(self, thread: threading.Thread) -> Callable[[], bool]:
        """A should_stop() that starts the thread when it is first asked, after the first try."""

        def should_stop() -> bool:
            if thread.ident is None:
                thread.start()
            return False

        return should_stop

    def test_a_silent_tracker_is_given_up_when_we_stop(self) -> None:
        client, tracker = self.asked(lambda *_: [])
        thread = threading.Thread(target=self.stop_when_heard, args=(tracker,), name="lmk-test")
        thread.start()
        self.tries(60.0)
        with at_once(), self.assertRaises(TrackerSilentError):
            client.files()
        thread.join()

    def stop_when_heard(self, tracker: ScriptedTracker) -> None:
        wait_until(lambda: bool(tracker.heard))
        self.stopping.set()

    def test_who_stops_still_says_its_last_word(self) -> None:
        client, tracker = self.asked(room_of)
        self.stopping.set()
        with self.assertRaises(TrackerSilentError):
            client.ping(PC, state="available", leaving=True)
        wait_until(lambda: bool(tracker.heard))
        extras = extras_of(tracker.heard[0])
        assert extras is not None
        self.assertTrue(extras.leaving)

    def test_what_the_system_says_to_a_question_is_said(self) -> None:
        forbidden = PermissionError(errno.EPERM, "Operation not permitted")  # a firewall of ours
        with (
            mock.patch.object(tracker_client, "TRIES_S", (0.0, 0.0)),
            mock.patch.object(socket.socket, "send", side_effect=forbidden),
            TrackerClient(TrackerPlace(Address("127.0.0.1", 9)), lambda: False) as client,
            self.assertRaisesRegex(TrackerSilentError, r"\(Operation not permitted\)"),
        ):
            client.files()

    def test_a_machine_that_cannot_be_found_is_a_sentence(self) -> None:
        client = self.client(Address("a..b", 12500))
        with self.assertRaisesRegex(TrackerSilentError, "No computer called"):
            client.files()


class LingeringTest(TrackerClientTestCase):
    """An answer to a closed port ends an original tracker on Windows."""

    def setUp(self) -> None:
        super().setUp()
        self.link = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.link.bind(("127.0.0.1", 0))
        self.link.settimeout(5.0)
        self.returned = threading.Event()
        self.may_end = threading.Event()

    def run_client(self, ask: Callable[[TrackerClient], object], *, ends_at_once: bool) -> None:
        def work() -> None:
            place = TrackerPlace(Address(*self.link.getsockname()))
            with TrackerClient(place, self.stopping.is_set) as client:
                ask(client)
                self.returned.set()
                if not ends_at_once:
                    self.may_end.wait(5.0)

        thread = threading.Thread(target=work, name="lmk-test")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.may_end.set)

    def assert_somebody_listens(self) -> None:
        """The next receive tells when the last datagram found nobody."""
        self.link.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            self.link.recv(100)

    def test_a_late_answer_to_an_earlier_try_still_finds_its_socket(self) -> None:
        self.run_client(lambda client: client.ping(PC, state="away"), ends_at_once=False)
        _, source = self.link.recvfrom(2048)
        self.link.recvfrom(2048)  # the second try
        self.link.connect(source)
        self.link.send(b"success")
        self.assertTrue(self.returned.wait(5.0))
        self.link.send(b"success")
        self.assert_somebody_listens()

    def test_the_success_behind_a_list_still_finds_its_socket_at_the_clients_end(self) -> None:
        self.run_client(lambda client: client.files(), ends_at_once=True)
        _, source = self.link.recvfrom(2048)
        self.link.connect(source)
        self.link.send(LIST)
        self.assertTrue(self.returned.wait(5.0))
        self.link.send(b"success")
        self.assert_somebody_listens()

    def test_a_socket_whose_answers_all_came_is_closed_at_once(self) -> None:
        client, _ = self.asked(room_of)
        for _ in range(20):
            client.files()
            client.ping(PC, state="away")
            self.assertEqual(self.open_sockets(client), 0)

    def test_sockets_whose_answers_never_came_do_not_pile_up(self) -> None:
        self.assertEqual(LINGER_S, 5.0)
        client, _ = self.asked(lambda *_: [LIST])
        client.files()
        client.files()
        self.assertEqual(self.open_sockets(client), 2)
        for question in client._lingering:
            question.until = 0.0  # as five seconds later
        client.files()
        self.assertEqual(self.open_sockets(client), 1)


class RequestsTest(TrackerClientTestCase):
    def test_no_request_would_end_an_original_tracker(self) -> None:
        client, tracker = self.asked(room_of)
        client.add_seeder(PC, everywhere=True)
        client.upload_files({}, 12501)
        client.upload_files({"é\u2028\x85": 1}, 12501)
        client.upload_files_to_original({"\u2029": 1})
        client.ping(PC, state="away", leaving=True)
        client.files()
        client.seeders()
        for datagram in tracker.heard:
            with self.subTest(datagram=datagram):
                self.assertTrue(datagram.isascii())
                self.assertLessEqual(len(datagram), 1000)
                fields = datagram.decode().splitlines()
                if not fields[0].startswith("request_"):
                    json.loads(fields[1])
                self.assertEqual(encode_request(decode_request(datagram)), datagram)
