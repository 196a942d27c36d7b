"""Asking a tracker in LMK/2, by a scripted socket in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

from roles.joining import room_client
from roles.joining.room_client import RoomClient
from roles.joining.tracker_locator import TrackerLocator
from roles.values.addresses import Address
from roles.values.errors import TrackerSilentError
from roles.values.participants import Status
from roles.wire.tracker_messages import Code, Refused, Register
from tests.scripted_tracker import ScriptedTracker, repeat_after, room_of
from tests.support import LIMIT_S, LmkTestCase, wait_until

COOKIE = "c" * 24
PEER = "a" * 16
SHARE = "1" * 16
PC = Address("10.0.0.7", 12501)
ME = Register("", PC, PEER, "lab-pc-07", is_leecher=True, shares=(SHARE,))
ALIVE = Status("downloading", (SHARE,))
Answering = Callable[[str, dict[str, Any]], dict[str, Any]]


def verb_and_line(datagram: bytes) -> tuple[str, dict[str, Any]]:
    fields = datagram.split(b"\n")
    return fields[0].decode(), json.loads(fields[-1])


def answer(word: bytes, line: dict[str, Any], **fields: object) -> bytes:
    return word + b"\n" + json.dumps({"lmk": 2, "id": line["id"], **fields}).encode()


def with_cookie(
    answering: Answering, cookie: str = COOKIE
) -> Callable[[bytes, int], Iterable[bytes]]:
    """A tracker that gives a cookie first, as ours does."""

    def script(datagram: bytes, _: int) -> list[bytes]:
        verb, line = verb_and_line(datagram)
        if line.get("cookie") != cookie:
            assert len(datagram) >= 256 or "cookie" in line
            return [answer(b"error", line, code="cookie", cookie=cookie)]
        return [answer(b"success", line, **answering(verb, line))]

    return script


def usual(verb: str, _: dict[str, Any]) -> dict[str, Any]:
    match verb:
        case "request_file_list":
            return {"version": "ab-1", "name": "lab-pc-01"}
        case "request_seeder_list":
            return {"holders": [["", 12501, 1, [0]], ["10.0.0.9", 12502, 2, []]]}
        case "ping_tracker":
            return {"reachable": None}
        case _:
            return {}


class RoomClientTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stopping = threading.Event()
        repeat_after(self, LIMIT_S)

    def asked(
        self, script: Callable[[bytes, int], Iterable[bytes]]
    ) -> tuple[RoomClient, ScriptedTracker]:
        tracker = ScriptedTracker(script)
        self.addCleanup(tracker.close)
        return self.enterContext(
            RoomClient(TrackerLocator(tracker.address, stopping=self.stopping), peer=PEER)
        ), tracker


class OursTest(RoomClientTestCase):
    def test_the_version_of_the_list_is_told(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        listed = client.list_version("ab-0")
        assert listed is not None
        self.assertEqual((listed.version, listed.name), ("ab-1", "lab-pc-01"))
        self.assertEqual(verb_and_line(tracker.heard[-1])[1]["version"], "ab-0")

    def test_the_cookie_is_fetched_once_and_repeated_from_then_on(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        client.list_version()
        client.list_version()
        self.assertEqual(len(tracker.heard), 3)
        self.assertEqual(client.cookie, COOKIE)
        cookies = [verb_and_line(datagram)[1].get("cookie") for datagram in tracker.heard]
        self.assertEqual(cookies, [None, COOKIE, COOKIE])
        self.assertEqual(len(tracker.heard[0]), 256)

    def test_an_old_cookie_is_replaced_by_the_new_one(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        client.cookie = "d" * 24
        self.assertIsNotNone(client.list_version())
        self.assertEqual((client.cookie, len(tracker.heard)), (COOKIE, 2))

    def test_a_tracker_that_takes_none_of_its_cookies_is_given_up(self) -> None:
        def script(datagram: bytes, before: int) -> list[bytes]:
            line = verb_and_line(datagram)[1]
            return [answer(b"error", line, code="cookie", cookie=f"{before:024}")]

        client, tracker = self.asked(script)
        with self.assertRaisesRegex(TrackerSilentError, "accepts none of its own cookies"):
            client.list_version()
        self.assertEqual(len(tracker.heard), 3)

    def test_a_tracker_that_answers_at_one_of_its_addresses_after_another_is_not_given_up(
        self,
    ) -> None:
        client, tracker = self.asked(with_cookie(usual, "e" * 24))
        refusals = [Refused("", Code.COOKIE, cookie=f"{number:024}") for number in range(4)]
        refused_at = [Address(f"127.0.0.{1 + number % 2}", 1) for number in range(4)]
        asked_once = client._asked_once
        with (
            mock.patch.object(client._locator, "current", lambda: refused_at.pop()),
            mock.patch.object(
                client, "_asked_once", lambda q: refusals.pop() if refusals else asked_once(q)
            ),
        ):
            client.cookie = "e" * 24
            refusals[0] = Refused("", Code.COOKIE, cookie="e" * 24)
            self.assertIsNotNone(client.list_version())
        self.assertEqual(len(tracker.heard), 1)

    def test_holders_on_the_trackers_machine_are_where_the_tracker_is_reached(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        holders = client.holders(f"{number:016}" for number in range(10))
        assert holders is not None
        self.assertEqual(
            [(holder.address, holder.is_leecher, holder.is_unreachable) for holder in holders],
            [
                (Address("127.0.0.1", 12501), True, False),
                (Address("10.0.0.9", 12502), False, True),
            ],
        )
        self.assertEqual(len(verb_and_line(tracker.heard[-1])[1]["shares"]), 8)

    def test_registering_and_living_on(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        self.assertTrue(client.register(ME))
        reply = client.ping(PC, ALIVE)
        assert reply is not None
        self.assertIsNone(reply.is_reachable)
        _, line = verb_and_line(tracker.heard[-2])
        self.assertEqual((line["as"], line["peer"], line["shares"]), ("leecher", PEER, [SHARE]))

    def test_a_tracker_that_does_not_know_a_program_says_so(self) -> None:
        def script(datagram: bytes, _: int) -> list[bytes]:
            return [answer(b"error", verb_and_line(datagram)[1], code="unknown", text="who?")]

        client, _ = self.asked(script)
        self.assertIsNone(client.ping(PC, ALIVE))
        with self.assertRaisesRegex(TrackerSilentError, r"refused: who\?"):
            client.list_version()

    def test_as_many_files_are_told_as_one_request_holds(self) -> None:
        client, tracker = self.asked(with_cookie(usual))
        files = {f"é{number:040}": number for number in range(100)}
        count = client.tell_files(files, 12501)
        self.assertTrue(15 < count < 100)
        self.assertLessEqual(len(tracker.heard[-1]), 1_000)
        self.assertGreater(len(tracker.heard[-1]), 930)
        told = json.loads(tracker.heard[-1].split(b"\n")[1])
        self.assertEqual(told, dict(list(files.items())[:count]))
        self.assertEqual(client.tell_files({}, 12501), 0)

    def test_answers_to_other_questions_and_garbage_are_skipped(self) -> None:
        def script(datagram: bytes, _: int) -> list[bytes]:
            line = verb_and_line(datagram)[1]
            other = {**line, "id": "f" * 16}
            right = answer(b"success", line, **usual("request_file_list", line))
            return [b"", b"\xff", b"hello", answer(b"success", other, version="x", name=""), right]

        client, tracker = self.asked(script)
        with self.assertLogs("roles.joining.tracker_asker", "WARNING"):
            listed = client.list_version()
        assert listed is not None
        self.assertEqual((listed.version, len(tracker.heard)), ("ab-1", 1))

    def test_one_odd_answer_does_not_make_it_an_original(self) -> None:
        ours = with_cookie(usual)

        def script(datagram: bytes, before: int) -> list[bytes]:
            return [b"error\nNone"] if before == 3 else [*ours(datagram, before)]

        client, tracker = self.asked(script)
        self.assertIsNotNone(client.list_version())
        self.assertIsNotNone(client.list_version())
        repeat_after(self, 0.5)
        self.assertIsNotNone(client.list_version())
        self.assertEqual(len(tracker.heard), 5)

    def test_an_original_that_takes_its_place_is_noticed(self) -> None:
        ours = with_cookie(usual)
        client, tracker = self.asked(
            lambda datagram, before: ours(datagram, before) if before < 2 else [b"error\nNone"]
        )
        self.assertIsNotNone(client.list_version())
        repeat_after(self, *[0.5] * (room_client.ODD_ANSWERS - 1))
        self.assertIsNone(client.list_version())
        self.assertEqual(len(tracker.heard), 2 + room_client.ODD_ANSWERS)
        repeat_after(self)
        self.assertIsNone(client.list_version())
        self.assertEqual(len(tracker.heard), 3 + room_client.ODD_ANSWERS)

    def test_lost_answers_are_asked_for_again(self) -> None:
        repeat_after(self, 0.5)
        ours = with_cookie(usual)
        client, tracker = self.asked(lambda datagram, n: ours(datagram, n) if n % 2 else [])
        self.assertIsNotNone(client.list_version())
        self.assertEqual(len(tracker.heard), 4)
        self.assertEqual(tracker.heard[0], tracker.heard[1])

    def test_an_answer_of_another_kind_is_no_answer(self) -> None:
        client, _ = self.asked(with_cookie(lambda *_: {}))
        with self.assertRaisesRegex(TrackerSilentError, "another kind of answer"):
            client.list_version()

    def test_who_stops_waits_no_longer(self) -> None:
        client, tracker = self.asked(lambda *_: [])

        def stop() -> None:
            wait_until(lambda: bool(tracker.heard))
            self.stopping.set()

        thread = threading.Thread(target=stop, name="lmk-test")
        thread.start()
        with self.assertRaises(TrackerSilentError):
            client.ping(PC, ALIVE)
        thread.join()


class OriginalTest(RoomClientTestCase):
    def test_an_original_tracker_is_recognised_by_each_answer(self) -> None:
        client, tracker = self.asked(room_of)
        self.assertIsNone(client.list_version())
        self.assertIsNone(client.holders([SHARE]))
        self.assertFalse(client.register(ME))
        self.assertIsNone(client.ping(PC, ALIVE))
        self.assertEqual(client.tell_files({"a": 1}, 12501), 0)
        self.assertEqual(len(tracker.heard), 5)

    def test_being_registered_there_already_is_no_refusal_and_anything_else_is(self) -> None:
        client, _ = self.asked(lambda *_: [b"error\nSeeder is already Registered"])
        self.assertFalse(client.register(ME))
        client, _ = self.asked(lambda *_: [b"error\n\x1b[2Jgone"])
        with self.assertRaises(TrackerSilentError) as raised:
            client.register(ME)
        self.assertIn("gone", str(raised.exception))
        self.assertTrue(str(raised.exception).isprintable())
        client, _ = self.asked(lambda *_: [b"error\nSeeder ID not in found"])
        self.assertIsNone(client.ping(PC, ALIVE))

    def test_nothing_that_it_hears_would_end_it(self) -> None:
        client, tracker = self.asked(lambda *_: [b"success"])
        client.list_version("é")
        client.register(ME)
        client.ping(PC, ALIVE)
        client.tell_files({"\u2028é": 1}, 12501)
        for datagram in tracker.heard:
            self.assertTrue(datagram.isascii())
            self.assertLessEqual(len(datagram), 1_000)
            fields = datagram.decode().splitlines()
            if not fields[0].startswith("request_"):
                json.loads(fields[1])

    def test_its_second_datagram_still_finds_its_socket(self) -> None:
        client, _ = self.asked(lambda *_: [b'{"a.txt":5}'])
        self.assertIsNone(client.list_version())
        self.assertEqual(len(client._lingering), 1)
