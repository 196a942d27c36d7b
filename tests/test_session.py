"""A command's session: what it changes of the process is as it was afterwards."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import time
import unittest
from unittest import mock

from roles.role import Role
from roles.values.addresses import Address
from roles.values.errors import LmkError, UserInputError
from roles.values.events import (
    NetworkChanged,
    Post,
    RoleEvent,
    RoleStopped,
    TrackerMoved,
    Warned,
)
from tests.support import LIMIT_S
from tests.terminals import printed
from ui.exit_codes import Interrupted
from ui.terminal.output import Output
from ui.terminal.session import POLL_S, SWITCH_S, Session


class SessionTest(unittest.TestCase):
    def test_threads_change_seldom_within_it_and_as_before_afterwards(self) -> None:
        before = sys.getswitchinterval()
        self.assertNotAlmostEqual(before, SWITCH_S)
        with Session(Output()):
            self.assertAlmostEqual(sys.getswitchinterval(), SWITCH_S)
        self.assertAlmostEqual(sys.getswitchinterval(), before)

    def test_a_command_that_fails_leaves_nothing_of_it_either(self) -> None:
        before, handler = sys.getswitchinterval(), signal.getsignal(signal.SIGINT)
        with self.assertRaises(LmkError), Session(Output()):
            raise LmkError("it failed")
        self.assertAlmostEqual(sys.getswitchinterval(), before)
        self.assertIs(signal.getsignal(signal.SIGINT), handler)


class Talkative(Role):
    """A role that says something as soon as it starts."""

    def __init__(self, post: Post, *events: RoleEvent) -> None:
        super().__init__("talkative", post)
        self._events = events or (RoleStopped(),)

    def start(self) -> None:
        for event in self._events:
            self._post(event)

    def _run(self) -> None: ...


class ReportTest(unittest.TestCase):
    def test_what_every_role_may_report_is_said(self) -> None:
        here, there = Address("127.0.0.1", 12500), Address("10.0.0.5", 12500)
        events = (
            NetworkChanged(("10.0.0.1",), is_cut_off=True),
            NetworkChanged(held_up_s=9.0),
            TrackerMoved(here, there, "teacher"),
            Warned("The state file is damaged."),
        )

        def work(output: Output) -> None:
            with Session(output) as session:
                session.start(lambda post: Talkative(post, *events))
                self.assertEqual([session.next_event() for _ in events], list(events))

        seen = printed(work)
        first, second = seen.out.splitlines()
        self.assertIn("off the network", first)
        self.assertIn("using teacher (10.0.0.5:12500) from now on", second)
        self.assertEqual(seen.err, "lmktorrent: The state file is damaged.\n")

    def test_what_a_role_ends_with_is_raised(self) -> None:
        failure = LmkError("The port is taken.")
        with self.assertRaisesRegex(LmkError, "port is taken"), Session(Output()) as session:
            session.start(lambda post: Talkative(post, RoleStopped(failure)))
            session.next_event()


@unittest.skipUnless(hasattr(signal, "SIGHUP"), "Windows wakes no waiting thread for a signal")
class InterruptTest(unittest.TestCase):
    def test_ctrl_c_ends_a_wait_while_another_thread_keeps_the_interpreter(self) -> None:
        is_waiting, is_over = threading.Event(), threading.Event()

        def interrupt_and_compute(session: Session) -> None:
            is_waiting.wait()
            time.sleep(POLL_S / 4)  # the other one waits by then
            os.kill(os.getpid(), signal.SIGINT)
            until = time.monotonic() + 2 * POLL_S
            while time.monotonic() < until:
                pass
            sys.setswitchinterval(SWITCH_S)
            if not is_over.wait(1.0):
                session.start(Talkative)  # which ends any wait

        with Session(Output()) as session:
            thread = threading.Thread(target=interrupt_and_compute, args=(session,))
            thread.start()
            sys.setswitchinterval(LIMIT_S)  # the other one goes on when this one waits
            is_waiting.set()
            try:
                with self.assertRaises(Interrupted):
                    self.assertIsNone(session.event_within(POLL_S))
                    session.event_within(0.0)
            finally:
                is_over.set()
                thread.join()


@unittest.skipUnless(hasattr(signal, "SIGHUP"), "Windows has no such signal")
class HangupTest(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))

    def test_a_closed_terminal_ends_a_command_in_order(self) -> None:
        with self.assertRaises(Interrupted) as stopped, Session(Output()) as session:
            os.kill(os.getpid(), signal.SIGHUP)
            session.event_within(5)
        self.assertEqual(stopped.exception.signal_number, signal.SIGHUP)

    def test_what_nohup_started_goes_on(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with Session(Output()) as session:
            os.kill(os.getpid(), signal.SIGHUP)
            self.assertIsNone(session.event_within(0.01))


class AskTest(unittest.TestCase):
    def asked(self, typed: io.TextIOBase | None, question: str = "?") -> tuple[str, bytes]:
        shown = io.BytesIO()
        terminal = io.TextIOWrapper(shown, encoding="ascii", newline="\n")
        with (
            mock.patch.object(sys, "stdin", typed),
            mock.patch.object(sys, "stdout", terminal),
            Session(Output()) as session,
        ):
            return session.ask(question), shown.getvalue()

    def test_a_question_is_shown_as_well_as_the_terminal_can(self) -> None:
        answer, shown = self.asked(io.StringIO(" k \n"), "“ž” – which? ")
        self.assertEqual((answer, shown), ("k", b'"\\u017e" - which? '))

    def test_no_input_and_its_end_are_no_answer(self) -> None:
        class Gone(io.StringIO):
            def readline(self, _size: int | None = -1) -> str:  # type: ignore[override]
                raise OSError(errno.EIO, "Input/output error")

        for typed in (io.StringIO(""), None, Gone()):
            with self.subTest(typed=typed):
                self.assertEqual(self.asked(typed)[0], "")

    def test_what_is_no_text_is_a_sentence(self) -> None:
        typed = io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8")
        with self.assertRaisesRegex(UserInputError, "cannot be read as text"):
            self.asked(typed)
