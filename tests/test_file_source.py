"""Sending from an opened file: the right bytes, no endless wait, and a changed file is noticed."""

from __future__ import annotations

import errno
import os
import socket
import threading
import unittest
from pathlib import Path
from unittest import mock

from roles.disk.disk_calls import READ_FLAGS
from roles.disk.file_source import FileSource, PathSource
from roles.disk.holding import ChunkSource
from roles.values.errors import FileChangedError
from tests.connections import over
from tests.support import LIMIT_S, LmkTestCase, at_once

CONTENT = os.urandom(700_000)


def always(_: os.stat_result) -> bool:
    return True


class SourceTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "a"
        self.path.write_bytes(CONTENT)
        self.still = True
        self.sock, self.reader = socket.socketpair()
        self.connection = over(self.sock)
        self.addCleanup(self.connection.close)
        self.addCleanup(self.reader.close)
        self.connection.limit(LIMIT_S)

    def is_still(self, _: os.stat_result) -> bool:
        return self.still

    def by_file(self) -> FileSource:
        source = FileSource(os.open(self.path, READ_FLAGS), self.is_still)
        self.addCleanup(source.close)
        return source

    def without_sendfile(self) -> FileSource:
        source = self.by_file()
        source._has_sendfile = False
        return source

    def by_path(self) -> PathSource:
        return PathSource(lambda: self.path, self.is_still)

    def all_kinds(self) -> list[ChunkSource]:
        return [self.by_file(), self.without_sendfile(), self.by_path()]

    def received(self, source: ChunkSource, offset: int, length: int) -> bytes:
        """What the other end gets of these bytes."""
        pieces = list[bytes]()

        def read() -> None:
            left = length
            while left:
                pieces.append(self.reader.recv(min(left, 1 << 16)))
                left -= len(pieces[-1])

        thread = threading.Thread(target=read, name="lmk-test")
        thread.start()
        sent = 0
        while sent < length:
            count = source.send(self.connection, offset + sent, length - sent)
            self.assertTrue(0 < count <= length - sent)
            sent += count
        thread.join()
        return b"".join(pieces)


class SendTest(SourceTestCase):
    def send_until_full(self, source: ChunkSource) -> None:
        """To a reader that stands still."""
        counts = (source.send(self.connection, 0, len(CONTENT)) for _ in range(1000))
        self.assertIn(0, counts)

    def test_every_kind_sends_the_bytes_that_were_asked_for(self) -> None:
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__):
                self.assertEqual(self.received(source, 0, len(CONTENT)), CONTENT)
                self.assertEqual(self.received(source, 654_321, 7), CONTENT[654_321:654_328])
                source.check()

    def test_nobody_waits_longer_than_the_timeout_for_a_reader_that_stands_still(self) -> None:
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__):
                for timeout_s in (0.05, 0.0):
                    self.connection.limit(timeout_s)
                    self.send_until_full(source)

    def test_who_has_the_system_wait_waits_no_longer(self) -> None:
        self.connection.limit(0.05)
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__):
                self.send_until_full(source)
                self.assertIsNone(self.connection.receive(1))

    def test_who_has_the_system_wait_is_woken_when_everything_is_out(self) -> None:
        self.connection.limit(LIMIT_S)
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__):
                self.assertEqual(self.received(source, 0, len(CONTENT)), CONTENT)

    def test_it_goes_on_when_the_reader_does(self) -> None:
        source = self.by_file()
        self.connection.limit(0)
        self.send_until_full(source)
        self.connection.limit(LIMIT_S)
        reading = threading.Thread(target=self.read_on, name="lmk-test")
        reading.start()
        with at_once():
            self.assertGreater(source.send(self.connection, 0, len(CONTENT)), 0)
        self.connection.close()
        reading.join()

    def read_on(self) -> None:
        """To the end. The system fills the room that one read makes and waits for the next."""
        while self.reader.recv(1 << 16):
            pass

    def test_a_connection_without_a_timeout_is_waited_for(self) -> None:
        self.sock.settimeout(None)
        self.assertEqual(self.received(self.by_file(), 0, len(CONTENT)), CONTENT)

    def test_a_connection_that_broke_is_no_fault_of_the_file(self) -> None:
        self.reader.close()
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__), self.assertRaises(ConnectionError):
                source.send(self.connection, 0, 100)

    @unittest.skipUnless(hasattr(os, "sendfile"), "sendfile")
    def test_what_the_system_does_not_send_is_read(self) -> None:
        source = FileSource(os.open(self.folder, os.O_RDONLY), always)  # a folder is such a thing
        self.addCleanup(source.close)
        with self.assertRaisesRegex(FileChangedError, "cannot be read"):
            source.send(self.connection, 0, 100)
        self.assertFalse(source._has_sendfile)


class ChangedTest(SourceTestCase):
    def test_a_file_that_was_cut_short_is_noticed(self) -> None:
        for source in self.all_kinds():
            kind = self.subTest(kind=type(source).__name__)
            with kind, self.assertRaisesRegex(FileChangedError, "shorter"):
                source.send(self.connection, len(CONTENT), 1)

    def test_what_its_owner_says_of_its_status_counts(self) -> None:
        for source in self.all_kinds():
            with self.subTest(kind=type(source).__name__):
                self.still = True
                source.check()
                self.still = False
                with self.assertRaisesRegex(FileChangedError, "changed"):
                    source.check()

    def test_closing_twice_closes_no_other_file(self) -> None:
        source = self.by_file()
        source.close()
        source.close()
        with self.assertRaises(FileChangedError):
            source.check()

    def test_a_path_is_followed_to_its_new_name_and_not_through_a_link(self) -> None:
        source = self.by_path()
        self.assertEqual(self.received(source, 0, 10), CONTENT[:10])
        self.path = self.path.rename(self.folder / "b")
        self.assertEqual(self.received(source, 0, 10), CONTENT[:10])
        self.path.unlink()
        with self.assertRaisesRegex(FileChangedError, "cannot be read"):
            source.check()

    def test_a_file_that_gets_its_name_while_it_is_opened_is_found(self) -> None:
        places = iter([self.folder / "gone", self.path, self.path])
        PathSource(lambda: next(places), always).check()
        gone: list[Path | None] = [None]
        with self.assertRaisesRegex(FileChangedError, "gone"):
            PathSource(lambda: gone[0], always).check()

    def test_what_this_computer_lacks_says_nothing_about_the_file(self) -> None:
        source = self.by_path()
        lacking = OSError(errno.EMFILE, "Too many open files")
        with mock.patch("os.open", side_effect=lacking), self.assertRaises(OSError) as raised:
            source.check()
        self.assertIs(raised.exception, lacking)
        source.check()


@unittest.skipUnless(hasattr(os, "sendfile"), "sendfile")
class SpeedTest(SourceTestCase):
    def test_the_system_sends_without_python_touching_the_bytes(self) -> None:
        source = self.by_file()
        self.assertEqual(self.received(source, 0, len(CONTENT)), CONTENT)
        self.assertTrue(source._has_sendfile)
