"""The threads of the program, and what is said of what they raise."""

from __future__ import annotations

import errno
import logging
import threading
import zlib
from collections.abc import Callable
from unittest import mock

from roles.values.errors import ShortageError, StorageError
from roles.worker import Worker, Workers, failure_of, loaded, run_guarded
from tests.support import LmkTestCase, wait_until

NO_THREAD = "can't start new thread"  # as Python says it


def no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError(NO_THREAD)


def stumble() -> None:
    raise KeyError("x")


class FailureTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)

    def test_what_the_computer_lacks_is_said_to_be_lacking_and_is_no_fault_of_ours(self) -> None:
        def lacking(error: BaseException) -> Callable[[], None]:
            def work() -> None:
                raise error

            return work

        for error in (
            OSError(errno.EMFILE, "Too many open files"),
            OSError(errno.ENFILE, "Too many open files in system"),
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            MemoryError(),
        ):
            with self.subTest(error=error):
                failure = run_guarded(lacking(error))
                self.assertIsInstance(failure, ShortageError)
                self.assertIn("try again", str(failure))

    def test_what_cannot_be_loaded_any_more_is_no_fault_of_ours(self) -> None:
        for error, kind in (
            (ImportError("bad local file header"), StorageError),
            (FileNotFoundError(errno.ENOENT, "No such file"), StorageError),
            (zlib.error("incorrect header check"), StorageError),
            (SystemExit("ERROR: the program has been moved"), StorageError),
            (OSError(errno.EMFILE, "Too many open files"), ShortageError),
        ):
            with self.subTest(error=error), self.assertRaises(StorageError) as raised:
                loaded(mock.Mock(side_effect=error))
            self.assertIs(type(raised.exception), kind)
        self.assertEqual(loaded(lambda: 3), 3)

    def test_what_the_system_refuses_is_named_with_the_place(self) -> None:
        failure = failure_of(PermissionError(errno.EACCES, "Permission denied", "/a/b"))
        self.assertIsInstance(failure, StorageError)
        self.assertNotIsInstance(failure, ShortageError)
        self.assertEqual(str(failure), "This computer refused /a/b: Permission denied.")

    def test_a_name_that_the_locale_cannot_write_is_no_fault_of_ours(self) -> None:
        with self.assertRaises(UnicodeEncodeError) as raised:
            "ž.txt".encode("ascii")
        self.assertIn("cannot write “ž.txt”", str(failure_of(raised.exception)))
        with self.assertRaises(UnicodeEncodeError) as raised:
            "\udcff".encode()
        self.assertIsNone(failure_of(raised.exception))

    def test_only_what_nobody_expects_is_a_fault_of_ours(self) -> None:
        self.assertIsNone(failure_of(KeyError("x")))
        self.assertIn("A fault in the program", str(run_guarded(stumble)))

    def test_a_thread_that_dies_prints_nothing(self) -> None:
        thread = Worker(stumble, "lmk-test")
        thread.start()
        thread.join()  # the test case fails for what a thread would have printed

    def test_a_thread_that_cannot_be_started_is_a_shortage(self) -> None:
        with (
            mock.patch.object(threading.Thread, "start", no_thread),
            self.assertRaisesRegex(ShortageError, "no more threads"),
        ):
            Worker(lambda: None, "lmk-test").start()


class WorkersTest(LmkTestCase):
    def test_all_are_waited_for_and_then_no_other_is_started(self) -> None:
        workers, ending = Workers("lmk-test"), threading.Event()
        for work in (ending.wait, lambda: None, ending.wait):
            workers.start(work)
        wait_until(lambda: len(workers) == 2)
        threading.Timer(0.05, ending.set).start()
        workers.join()
        self.assertEqual(len(workers), 0)
        with self.assertRaises(ShortageError):
            workers.start(stumble)

    def test_one_that_the_system_refuses_is_not_waited_for(self) -> None:
        workers = Workers("lmk-test")
        with (
            mock.patch.object(threading.Thread, "start", no_thread),
            self.assertRaises(ShortageError),
        ):
            workers.start(stumble)
        workers.join()
