"""Telling a tracker what a share has, by a scripted tracker."""

from __future__ import annotations

import json
import socket
import zlib
from typing import Any
from unittest import mock

from roles.joining.list_upload import AGAIN_S, BUSY_AGAIN_S, TELL_S, ListUpload
from roles.joining.tracker_locator import TrackerLocator
from roles.sharing.offers import LibrarySnapshot
from roles.values.addresses import Address
from tests.scripted_seeder import ScriptedSeeder
from tests.support import LmkTestCase
from tests.tracker_requests import Own

PEER = "a" * 16
SHARE = "1" * 16
PORT = 12501


class ListUploadTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.calls: list[dict[str, Any]] = []
        self.lines: list[list[str]] = []
        self.refusals: list[str] = []  # codes, of the next answers
        self.tracker = Address(*self.enterContext(ScriptedSeeder(self.take)).address)
        self.own = Own()
        self.upload = ListUpload(self.own, PEER, TrackerLocator(self.tracker))
        self.now = 0.0

    def take(self, sock: socket.socket) -> None:
        stream = sock.makefile("rb")
        call = json.loads(stream.readline())
        self.lines.append(zlib.decompress(stream.read(call["packed"])).decode().split())
        self.calls.append(call)
        line: dict[str, object] = {"lmk": 2, "taken": not self.refusals}
        if self.refusals:
            line |= {"code": self.refusals.pop(0), "text": "no"}
        sock.sendall(json.dumps(line).encode() + b"\n")

    def tell(self, after_s: float = TELL_S) -> bool:
        self.now += after_s
        return self.upload.tell(PORT, now=self.now)

    def told(self) -> list[tuple[bool, int, int]]:
        return [(call["whole"], call["base"], call["revision"]) for call in self.calls]

    def test_the_whole_is_told_first_and_only_what_changed_from_then_on(self) -> None:
        self.assertTrue(self.tell())
        self.assertTrue(self.tell())
        self.own.snapshot = LibrarySnapshot(4, ("b", "c"))
        self.tell()
        self.assertEqual(self.told(), [(True, 0, 1), (False, 1, 4)])
        self.assertEqual(self.lines, [["+a", "+b"], ["-a", "+c"]])
        call = self.calls[0]
        self.assertEqual((call["share"], call["folder"]), (SHARE, "maps"))
        self.assertEqual((call["peer"], call["port"]), (PEER, PORT))

    def test_an_empty_folder_is_told_too(self) -> None:
        self.own.snapshot = LibrarySnapshot(0, ())
        self.tell()
        self.assertEqual((self.told(), self.lines), ([(True, 0, 0)], [[]]))

    def test_changes_are_told_once_a_second(self) -> None:
        self.tell()
        self.own.snapshot = LibrarySnapshot(2, ("a",))
        self.tell(TELL_S / 2)
        self.own.snapshot = LibrarySnapshot(3, ())
        self.tell(TELL_S / 2)
        self.assertEqual(self.told(), [(True, 0, 1), (False, 1, 3)])

    def test_after_registering_anew_it_asks_whether_the_list_is_still_there(self) -> None:
        self.tell()
        self.upload.registered()
        self.tell(0.0)
        self.assertEqual(self.told(), [(True, 0, 1), (False, 1, 1)])
        self.assertEqual(self.lines[1], [])

    def test_a_tracker_that_lacks_what_changes_build_on_gets_the_whole_at_once(self) -> None:
        self.tell()
        self.upload.registered()
        self.refusals = ["whole"]
        self.tell(0.0)
        self.tell(0.0)
        self.assertEqual(self.told(), [(True, 0, 1), (False, 1, 1), (True, 0, 1)])

    def test_an_id_that_another_program_uses_is_replaced_by_one_that_stays(self) -> None:
        self.refusals = ["share"]
        self.tell()
        self.tell(TELL_S / 2)  # the tracker has not heard of it yet
        self.assertEqual(len(self.calls), 1)
        self.tell(TELL_S / 2)
        self.own.snapshot = LibrarySnapshot(2, ())
        self.tell()
        shares = [call["share"] for call in self.calls]
        self.assertEqual(shares[0], SHARE)
        self.assertNotEqual(shares[1], SHARE)
        self.assertEqual(shares[1:], [self.upload.share_id] * 2)
        self.assertRegex(shares[1], "^[0-9a-f]{16}$")

    def test_a_tracker_that_does_not_know_this_program_is_said(self) -> None:
        self.refusals = ["unknown"]
        self.assertFalse(self.tell())
        self.assertTrue(self.tell())

    def test_other_refusals_are_tried_again_later_and_later(self) -> None:
        self.refusals = ["full"] * 3
        with self.assertLogs("roles.joining.list_upload", "WARNING"):
            self.tell()
        self.tell(AGAIN_S - 0.1)
        self.assertEqual(len(self.calls), 1)
        self.tell(0.1)
        self.tell(AGAIN_S)
        self.assertEqual(len(self.calls), 2)
        self.tell(AGAIN_S)
        self.assertEqual(len(self.calls), 3)

    def test_a_tracker_that_is_not_sure_yet_is_asked_again_soon_and_nothing_is_said(self) -> None:
        self.refusals = ["busy"] * 9
        with self.assertNoLogs("roles.joining.list_upload", "INFO"):
            for _ in range(10):
                self.tell(BUSY_AGAIN_S)
        self.assertEqual(len(self.calls), 10)
        self.assertEqual([call["share"] for call in self.calls], [SHARE] * 10)

    def test_a_connection_that_fails_is_tried_again(self) -> None:
        locator = self.upload._locator
        nobody = Address("127.0.0.1", self.free_port("tcp"))
        with (
            mock.patch.object(locator, "current", return_value=nobody),
            self.assertLogs("roles.joining.list_upload", "WARNING"),
        ):
            self.assertTrue(self.tell())
        self.tell(AGAIN_S)
        self.assertEqual(self.told(), [(True, 0, 1)])
