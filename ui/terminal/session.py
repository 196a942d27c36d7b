"""The roles of a command: starts them, brings their events to one thread, and stops them together,
even on Ctrl-C. It reports what any of them may report.
"""

from __future__ import annotations

import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from roles.role import Role
from roles.values.errors import UserInputError
from roles.values.events import (
    NetworkChanged,
    Post,
    RoleEvent,
    RoleStopped,
    TrackerMoved,
    Warned,
)
from ui import wording
from ui.exit_codes import Interrupted
from ui.terminal.output import Output
from ui.terminal.streams import is_writing, write

RoleT = TypeVar("RoleT", bound=Role)

_HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none
_ENDING = [number for number in (signal.SIGINT, signal.SIGTERM, _HANGUP) if number is not None]
STOP_S = 2.0  # every role ends within this time
POLL_S = 0.2  # Windows does not wake a waiting thread for Ctrl-C
# When the processors are busy, the thread that holds the interpreter waits for one, and with
# Python's default of 5 ms all other threads wake in vain in the meantime: in a room of 32 on two
# cores that is a tenth of the time. A window keeps the default, because its user waits.
SWITCH_S = 0.05


class Session:
    """A `with` block around a command; stops every role that it started when it ends.

    Within it the interpreter switches threads every SWITCH_S.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._events: queue.SimpleQueue[RoleEvent | None] = queue.SimpleQueue()  # None: a signal
        self._roles: list[Role] = []
        self._signal_number = 0
        self._is_asking = False
        self._handlers_before: dict[int, object] = {}
        self._switch_before_s = sys.getswitchinterval()

    def __enter__(self) -> Session:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                if number == _HANGUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue  # started with nohup: it shall go on when its terminal is closed
                self._handlers_before[number] = signal.signal(number, self._note_signal)
        sys.setswitchinterval(SWITCH_S)
        return self

    def __exit__(self, *_: object) -> None:
        for role in reversed(self._roles):
            role.stop()
        deadline = time.monotonic() + STOP_S
        for role in self._roles:
            role.join(max(0.0, deadline - time.monotonic()))
        sys.setswitchinterval(self._switch_before_s)
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    def start(self, make: Callable[[Post], RoleT]) -> RoleT:
        """Make a role with its post function, and start it."""
        role = make(self._events.put)
        self._roles.append(role)
        role.start()
        return role

    def next_event(self) -> RoleEvent:
        """Wait for the next event of any role.

        Raises Interrupted after Ctrl-C, and the failure of a role that ended with one.
        """
        while (event := self.event_within(POLL_S)) is None:
            pass
        return event

    def event_within(self, seconds: float) -> RoleEvent | None:
        """The next event, or None if none came within POLL_S or this time. Raises like
        next_event().
        """
        if self._signal_number:
            raise Interrupted(self._signal_number)
        try:
            event = self._events.get(timeout=max(0.0, min(seconds, POLL_S)))
        except queue.Empty:
            return None
        if event is None:
            raise Interrupted(self._signal_number)
        if isinstance(event, RoleStopped) and event.failure is not None:
            raise event.failure
        match event:
            case Warned(sentence):
                self._output.error(sentence)
            case NetworkChanged():
                self._output.say(wording.network_changed(event))
            case TrackerMoved():
                self._output.say(wording.tracker_moved(event))
            case _:
                pass
        return event

    def follow(self, tell: Callable[[RoleEvent], None], pass_time: Callable[[], None]) -> None:
        """Report each event, and every POLL_S that time passes, until a role stops. Raises like
        next_event().
        """
        event: RoleEvent | None = None
        while not isinstance(event, RoleStopped):
            event = self.event_within(POLL_S)
            if event is not None:
                tell(event)
            pass_time()

    def ask(self, question: str) -> str:
        """What the person types; "" at the end of input. Raises Interrupted."""
        self._is_asking = True
        try:
            write(sys.stdout, question)  # input() raises for what the terminal cannot show
            return input().strip()
        except (EOFError, OSError, RuntimeError):  # end of input, or no terminal any more
            return ""
        except UnicodeDecodeError:
            raise UserInputError("What was typed cannot be read as text.") from None
        finally:
            self._is_asking = False

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        # A blocking call, such as a question or a pipe that nobody reads, goes on unless this
        # raises.
        is_repeated = self._signal_number != 0
        self._signal_number = number
        # Python's get() waits for ever when a signal comes and its time is over before this thread
        # has the interpreter again, as in the middle of a long list. A put() ends it.
        self._events.put(None)
        if self._is_asking or is_writing() or is_repeated:
            raise Interrupted(number)
