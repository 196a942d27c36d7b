"""What the tests share: an event log, waiting with a deadline, and two kinds of test case.

Knows nothing of single roles or widgets of the program, so that every test may use it.
"""

from __future__ import annotations

import contextlib
import gc
import random
import socket
import sys
import tempfile
import threading
import time
import traceback
import unittest
import warnings
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar, cast, overload

from roles.values.addresses import Address
from roles.values.service_ports import SERVICE_PORTS

if TYPE_CHECKING:
    import tkinter as tk
    from tkinter import ttk

POLL_S = 0.005
LIMIT_S = 60.0  # passed only by a test that fails: build machines stand still for many seconds
PROMPT_S = 20.0  # the same for what waits for nobody; who waits all the same waits longer
NEVER = threading.Event()  # nothing sets it: what gets it as `stopping` is never stopped
STOPPED = threading.Event()
STOPPED.set()
TKINTER_MISSING = "This Python has no tkinter. Type: sudo apt-get install python3-tk"

_FILE_BLOCK = 1 << 20

EventT = TypeVar("EventT")
T = TypeVar("T")

OUR_PORTS = (20_000, 30_000)  # below those that systems give to sockets without a port
_PORTS_EACH = 200


def run_to_end(steps: Generator[object, None, T]) -> tuple[T, int]:
    """What a generator returns, and how often it has yielded."""
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            returned: T = end.value
            return returned, count
        count += 1


class EventLog:
    """Keeps every event in order. Calling it, from any thread, adds one: pass it as `post`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()  # protects _events
        self._events: list[object] = []

    def __call__(self, event: object) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    @property
    def events(self) -> list[object]:
        with self._changed:
            return list(self._events)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """The events of one kind so far, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def clear(self) -> None:
        with self._changed:
            self._events.clear()

    @overload
    def wait_for(
        self,
        wanted: type[EventT],
        timeout_s: float = ...,
        where: Callable[[EventT], bool] | None = ...,
    ) -> EventT: ...

    @overload
    def wait_for(self, wanted: Callable[[object], bool], timeout_s: float = ...) -> object: ...

    def wait_for(
        self,
        wanted: type[EventT] | Callable[[object], bool],
        timeout_s: float = LIMIT_S,
        where: Callable[[EventT], bool] | None = None,
    ) -> EventT | object:
        """The first event of that kind (for which `where` holds), as soon as there is one.

        Events that came before the call count; `clear()` first where only later ones should.
        """

        def fits(event: object) -> bool:
            if not isinstance(wanted, type):
                return wanted(event)
            kind = cast("type[EventT]", wanted)
            return isinstance(event, kind) and (where is None or where(event))

        deadline = time.monotonic() + timeout_s
        seen = 0
        with self._changed:
            while True:
                for event in self._events[seen:]:
                    if fits(event):
                        return event
                seen = len(self._events)
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise AssertionError(self._describe_wait(wanted, timeout_s))
                self._changed.wait(left_s)
                seen = min(seen, len(self._events))  # somebody may have called clear()

    def _describe_wait(self, wanted: object, timeout_s: float) -> str:
        name = getattr(wanted, "__qualname__", repr(wanted))
        lines = [f"no {name} within {timeout_s:g} s; {len(self._events)} events were seen:"]
        return "\n  ".join(lines + [repr(event) for event in self._events])


class HiddenFailures:
    """Collects what Python would only print: warnings in destructors, deaths of threads.

    A leaked socket or file is reported by its destructor, where nothing can be raised. Works
    inside its `with` block, in every thread.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []  # append and swap are single steps, safe in every thread
        self._hooks_before = (sys.unraisablehook, threading.excepthook)

    def __enter__(self) -> HiddenFailures:
        self._hooks_before = (sys.unraisablehook, threading.excepthook)
        sys.unraisablehook = self._note_unraisable
        threading.excepthook = self._note_thread_death
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook, threading.excepthook = self._hooks_before

    def take(self) -> list[str]:
        """What came since the last call."""
        texts, self._texts = self._texts, []
        return texts

    def _note_unraisable(self, note: sys.UnraisableHookArgs, /) -> None:
        place = note.err_msg or f"Ignored in {note.object!r}"
        self._note(place, note.exc_value, note.exc_traceback)

    def _note_thread_death(self, note: threading.ExceptHookArgs, /) -> None:
        if note.exc_type is not SystemExit:
            name = note.thread.name if note.thread else "a thread"
            self._note(f"Uncaught in {name}", note.exc_value, note.exc_traceback)

    def _note(self, place: str, error: BaseException | None, trace: TracebackType | None) -> None:
        lines = traceback.format_exception(type(error), error, trace) if error else []
        self._texts.append(f"{place}:\n{''.join(lines)}".rstrip())


class LmkTestCase(unittest.TestCase):
    """A test with its own folder that must leave no thread, socket or file behind.

    A subclass with its own setUp calls super().setUp() first. What a test adds with addCleanup
    runs before the check for leaks.
    """

    needs_display: ClassVar[bool] = False

    folder: Path

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="lmk-test-", ignore_cleanup_errors=True)
        self.folder = Path(self.enterContext(folder)).resolve()
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("error", ResourceWarning)
        hidden = self.enterContext(HiddenFailures())
        self.addCleanup(self._check_hidden_failures, hidden)
        self.addCleanup(self._check_threads, set(threading.enumerate()))

    @staticmethod
    def free_port(kind: Literal["tcp", "udp"]) -> int:
        """A port of loopback that nothing listens on now, by either protocol.

        Not one of those that the system or free_port() gives to tests that run beside this one, nor
        one that trackers refuse. Whatever is bound a second time takes such a port: from any other,
        a test that runs beside this one may keep it off, by a client that has long ended, too.
        """
        first = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
        second = socket.SOCK_DGRAM if kind == "tcp" else socket.SOCK_STREAM
        while True:
            port = random.choice(_own_ports())
            if port in SERVICE_PORTS:
                continue
            with (
                contextlib.suppress(OSError),
                socket.socket(type=first) as one,
                socket.socket(type=second) as other,
            ):
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port))
                return port

    def free_address(self) -> Address:
        return Address("127.0.0.1", self.free_port("tcp"))

    def check_bind(self, address: Address) -> None:
        """Fails if something may have taken this port since it was free last; see free_port()."""
        if address.port:
            self.assertIn(address.port, range(*OUR_PORTS), "bind it to a free_port() at first")

    def _check_threads(self, before: set[threading.Thread]) -> None:
        def left() -> list[threading.Thread]:
            alive = set(threading.enumerate()) - before
            return [thread for thread in alive if thread.name.startswith("lmk-")]

        deadline = time.monotonic() + LIMIT_S
        while left() and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if left():
            stacks = "\n".join(_describe_thread(thread) for thread in left())
            self.fail(f"threads still alive {LIMIT_S:g} s after the test:\n{stacks}")

    def _check_hidden_failures(self, hidden: HiddenFailures) -> None:
        gc.collect()
        texts = hidden.take()
        if texts:
            self.fail("failures that Python would only have printed:\n" + "\n".join(texts))


class WindowTestCase(LmkTestCase):
    """A test with a Tk root. An exception in a Tk callback fails the test."""

    needs_display = True
    withdrawn: ClassVar[bool] = True  # False in tests that need focus, sizes or a picture

    root: tk.Tk

    def setUp(self) -> None:
        super().setUp()
        names_before = set(vars(self))
        self._callback_failures: list[str] = []
        self.addCleanup(self._forget_widgets, names_before)
        self.addCleanup(self._check_callbacks)
        try:
            import tkinter as tk
        except ImportError:
            self.fail(TKINTER_MISSING)
        try:
            self.open_root()
        except tk.TclError as exc:
            self.fail(f"No window can be opened ({exc}). Run it with: python3 -m tests")

    def open_root(self) -> None:
        import tkinter as tk

        self.root = tk.Tk()
        self.root.report_callback_exception = self._note_callback_failure
        self.addCleanup(_destroy, self.root)
        if self.withdrawn:
            self.root.withdraw()

    def pump_until(
        self, condition: Callable[[], bool], timeout_s: float = LIMIT_S, message: str = ""
    ) -> None:
        """Let Tk work until the condition holds; on timeout, fail with all texts on display."""
        deadline = time.monotonic() + timeout_s
        self.root.update()
        while not condition():
            self._check_callbacks()
            if time.monotonic() > deadline:
                what = message or "the condition did not come true"
                self.fail(f"{what} within {timeout_s:g} s; on display:\n{widget_texts(self.root)}")
            time.sleep(POLL_S)
            self.root.update()

    def drag_heading(self, tree: ttk.Treeview, start: str, end: str) -> None:
        """From the middle of one column to another's, as "#3"."""
        places = dict[str, int]()
        for x in range(0, tree.winfo_width(), 4):
            places.setdefault(tree.identify_column(x), x + 12)
        tree.event_generate("<ButtonPress-1>", x=places[start], y=8)
        tree.event_generate("<B1-Motion>", x=places[end], y=8)
        tree.event_generate("<ButtonRelease-1>", x=places[end], y=8)
        self.root.update()

    def _note_callback_failure(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._callback_failures.append("".join(traceback.format_exception(kind, error, trace)))

    def _check_callbacks(self) -> None:
        failures = "\n".join(self._callback_failures)
        self._callback_failures.clear()  # one report is enough
        if failures:
            self.fail(f"a Tk callback failed:\n{failures}")

    def _forget_widgets(self, names_before: set[str]) -> None:
        # Widgets hang together in circles. Freed here, by Tk's own thread; later the collector
        # might run in a worker thread, and Tcl then ends the whole process.
        for name in set(vars(self)) - names_before:
            delattr(self, name)
        gc.collect()


@cache
def _own_ports() -> range:
    """Ports that this process alone gives to its tests. A socket beside them, which is open as long
    as it runs, says so to all others.
    """
    blocks = list(enumerate(range(*OUR_PORTS, _PORTS_EACH)))
    random.shuffle(blocks)
    for number, first in blocks:
        sock = socket.socket(type=socket.SOCK_DGRAM)
        try:
            sock.bind(("127.0.0.1", OUR_PORTS[1] + number))
        except OSError:  # another process has them
            sock.close()
        else:
            _held.append(sock)
            return range(first, first + _PORTS_EACH)
    return range(*OUR_PORTS)  # so many processes: luck has to do


_held = list[socket.socket]()  # of _own_ports()


def wait_until(
    condition: Callable[[], bool], timeout_s: float = LIMIT_S, message: str = ""
) -> None:
    """Return as soon as the condition holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            what = message or "the condition did not come true"
            raise AssertionError(f"{what} within {timeout_s:g} s")
        time.sleep(POLL_S)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """What is done inside waits for nobody: what a fault would wait for lasts far longer."""
    began = time.monotonic()
    yield
    took_s = time.monotonic() - began
    if took_s > PROMPT_S:
        raise AssertionError(f"it took {took_s:.1f} s")


def calls_made(work: Callable[[], object]) -> int:
    """How many functions it calls, Python's own too: what it costs on any machine."""
    count = 0

    def note(_frame: FrameType, event: str, _value: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def random_file(path: Path, size: int, seed: int) -> Path:
    """Write `size` bytes that look random and are the same for the same seed."""
    source = random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size, _FILE_BLOCK):
            file.write(source.randbytes(min(_FILE_BLOCK, size - start)))
    return path


def widget_texts(widget: tk.Misc) -> str:
    """One line for each widget below `widget` that shows a text, indented as they are nested."""
    return "\n".join(_lines_of(widget, 1)) or "  (no text at all)"


def _lines_of(widget: tk.Misc, depth: int) -> list[str]:
    texts = _texts_of(widget)
    lines = []
    if texts:
        lines.append(f"{'  ' * depth}{widget.winfo_class()}: {' | '.join(map(repr, texts))}")
    for child in widget.winfo_children():
        lines += _lines_of(child, depth + 1)
    return lines


def _texts_of(widget: tk.Misc) -> list[str]:
    import tkinter as tk
    from tkinter import ttk

    if isinstance(widget, tk.Tk | tk.Toplevel):
        return [widget.title()]
    if isinstance(widget, tk.Text):
        return [widget.get("1.0", "end-1c")]
    if isinstance(widget, tk.Entry | ttk.Entry | tk.Spinbox):
        return [widget.get()]
    if isinstance(widget, tk.Listbox):
        return [str(line) for line in widget.get(0, "end")]
    if isinstance(widget, ttk.Treeview):
        return _tree_texts(widget)
    if isinstance(widget, ttk.Notebook):
        tabs = widget.tk.splitlist(widget.tk.call(str(widget), "tabs"))
        return [str(widget.tk.call(str(widget), "tab", tab, "-text")) for tab in tabs]
    if isinstance(widget, tk.Canvas):
        items = [item for item in widget.find_all() if str(widget.type(item)) == "text"]
        return [str(widget.tk.call(str(widget), "itemcget", item, "-text")) for item in items]
    try:
        return [str(widget.cget("text"))]
    except tk.TclError:  # this kind of widget has no text
        return []


def _tree_texts(tree: object, parent: str = "") -> list[str]:
    from tkinter import ttk

    assert isinstance(tree, ttk.Treeview)
    texts = []
    for item in tree.get_children(parent):
        cells = [tree.item(item, "text"), *map(str, tree.item(item, "values"))]
        texts.append(" ; ".join(cell for cell in cells if cell))
        texts += _tree_texts(tree, item)
    return texts


def take_focus_from_widgets(root: tk.Tk) -> None:
    """Call it before a root ends, when more roots follow in this process.

    Tk 8.6 keeps a pointer to the widget that had the focus when its root ended; the next root's
    `focus -force` reads that freed memory, which at times crashes the process.
    """
    if root.winfo_viewable():
        root.focus_force()


def _destroy(root: tk.Tk) -> None:
    import tkinter as tk

    try:
        root.update_idletasks()  # or ttk complains about a late theme event
        for timer in root.tk.splitlist(root.tk.call("after", "info")):
            root.tk.call("after", "cancel", timer)  # the next test's root would call it
        take_focus_from_widgets(root)
        root.destroy()
    except tk.TclError:  # the test itself closed the window
        return


def _describe_thread(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    stack = "".join(traceback.format_stack(frame)) if frame else "(already gone)"
    return f"{thread.name}:\n{stack}"
