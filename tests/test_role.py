"""The life of a role: its start, its end, and the threads beside it."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from unittest import mock

from roles import role as roles_role
from roles.role import Role
from roles.values.errors import LmkError, ShortageError
from roles.values.events import RoleStopped
from roles.worker import failure_of
from tests.support import EventLog, LmkTestCase

NO_THREAD = "can't start new thread"  # as Python says it


def no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError(NO_THREAD)


class Working(Role):
    """A role of one thread, and of another beside it."""

    def __init__(self, post: EventLog, beside: Callable[[], None]) -> None:
        super().__init__("working", post)
        self._beside = beside

    def _run(self) -> None:
        thread = self._start_beside(self._beside, "lmk-beside")
        self._stopping.wait()
        thread.join()


class RoleTest(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.log = EventLog()

    def test_a_role_without_a_thread_says_so_and_can_be_stopped_and_joined(self) -> None:
        role = Working(self.log, lambda: None)
        with mock.patch.object(threading.Thread, "start", no_thread):
            role.start()
        (stopped,) = self.log.of(RoleStopped)
        self.assertIsInstance(stopped.failure, ShortageError)
        role.stop()
        self.assertTrue(role.join(0))

    def test_a_role_that_fails_before_its_first_step_says_so_as_any_other(self) -> None:
        for error in (MemoryError(), OSError(errno.ENODEV, "No such device")):
            role = Working(self.log, lambda: None)
            with self.subTest(error=error):
                with mock.patch.object(roles_role, "AddressWatch", side_effect=error):
                    role.start()
                    self.assertTrue(role.join(30))
                stopped = self.log.of(RoleStopped)[-1]
                self.assertEqual(str(stopped.failure), str(failure_of(error)))

    def test_a_thread_beside_that_lacked_something_tries_again_and_the_role_goes_on(self) -> None:
        self.enterContext(mock.patch.object(roles_role, "SHORTAGE_PAUSE_S", 0.01))
        tries = list[int]()
        has_worked = threading.Event()

        def work() -> None:
            tries.append(1)
            if len(tries) < 3:
                raise OSError(errno.EMFILE, "Too many open files")
            has_worked.set()

        role = Working(self.log, work)
        role.start()
        self.assertTrue(has_worked.wait(30))
        self.assertEqual(self.log.of(RoleStopped), [])
        role.stop()
        self.assertTrue(role.join(30))
        self.assertEqual(self.log.of(RoleStopped), [RoleStopped(None)])

    def test_any_other_failure_beside_ends_the_role_and_is_told(self) -> None:
        def work() -> None:
            raise LmkError("the disk is gone")

        role = Working(self.log, work)
        role.start()
        stopped = self.log.wait_for(RoleStopped)
        self.assertEqual(str(stopped.failure), "the disk is gone")
        self.assertTrue(role.join(30))
