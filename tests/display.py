"""A virtual X screen for window tests: starts Xvfb, takes pictures of it, ends it.

It knows the X server and the PNG format, but neither Tk nor our program.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

INSTALL_LINE = "sudo apt-get install xvfb"
FRAME_FOLDER_VARIABLE = "LMK_TEST_FRAME_FOLDER"  # set beside DISPLAY, so that both can be had

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 10.0
_UPDATE_LIMIT_S = 180.0
_INSTALL_LIMIT_S = 300.0
_SETTLE_PAUSE_S = 0.03
_SETTLE_LIMIT_S = 1.0

# The shell has our pipe as its standard input: when we die, for whatever reason, the pipe closes,
# read returns, and the server is killed. Closing standard output leaves Xvfb as its only writer, so
# that an early death of the server shows at once as the end of the stream.
_XVFB_UNTIL_PIPE_CLOSES = 'Xvfb "$@" & server=$!; exec >&-; read -r line; kill "$server"; wait'

_XWD_HEADER = struct.Struct(">25I")


class DisplayError(Exception):
    """No virtual screen is available; the text says why."""


class Xvfb:
    """A virtual screen that lives as long as its `with` block.

    Inside the block, DISPLAY names this screen (unless set_display is False) and `name` is
    its name, such as ":1". It is for windows of other processes: Tk never closes its connection,
    and Xlib ends a process whose screen has gone. Windows of this process belong on the screen
    that `python3 -m tests` keeps to the end; photograph_screen() takes its picture.
    """

    def __init__(
        self, size: tuple[int, int] = (1280, 800), *, dpi: int = 96, set_display: bool = True
    ) -> None:
        self.size = size
        self.dpi = dpi
        self.name = ""
        self._set_display = set_display
        self._frame_folder = Path()
        self._stack = ExitStack()

    def __enter__(self) -> Xvfb:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lmk-xvfb-"))
            self._frame_folder = Path(folder)
            process = self._launch()
            stack.callback(_end, process)
            self.name = f":{self._read_display_number(process)}"
            if self._set_display:
                self._put_environment(stack, "DISPLAY", self.name)
                self._put_environment(stack, FRAME_FOLDER_VARIABLE, folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def screenshot(self, path: Path) -> None:
        """Write the screen to `path` as a PNG, once two looks at it agree (or after a second)."""
        path.write_bytes(xwd_to_png(_settled_frame(self._frame_folder)))

    def _launch(self) -> subprocess.Popen[bytes]:
        width, height = self.size
        options = ["-displayfd", "1", "-screen", "0", f"{width}x{height}x24"]
        options += ["-dpi", str(self.dpi), "-fbdir", str(self._frame_folder)]
        options += ["-nolisten", "tcp", "-noreset"]  # or every closed window resets the server
        with self._messages_path().open("wb") as messages:
            return subprocess.Popen(
                ["sh", "-c", _XVFB_UNTIL_PIPE_CLOSES, "xvfb-until-pipe-closes", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                start_new_session=True,  # Ctrl-C is for the tests, which then end the server
            )

    def _read_display_number(self, process: subprocess.Popen[bytes]) -> int:
        assert process.stdout is not None
        deadline = time.monotonic() + _START_LIMIT_S
        answer = b""
        while not answer.endswith(b"\n"):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise DisplayError(f"Xvfb did not start within {_START_LIMIT_S:.0f} s.")
            piece = os.read(process.stdout.fileno(), 64)
            if not piece:
                words = self._messages_path().read_text("utf-8", "replace").strip()
                raise DisplayError(f"Xvfb ended at its start: {words or 'it gave no reason'}")
            answer += piece
        return int(answer)

    def _messages_path(self) -> Path:
        return self._frame_folder / "messages.txt"

    def _put_environment(self, stack: ExitStack, name: str, value: str) -> None:
        stack.callback(_put_variable, name, os.environ.get(name))
        _put_variable(name, value)


def photograph_screen(path: Path) -> None:
    """Write the screen that DISPLAY names to `path`, as a PNG; it must be an Xvfb of ours.

    Call root.update() first.
    """
    folder = os.environ.get(FRAME_FOLDER_VARIABLE)
    if not folder:
        raise DisplayError("This screen cannot be photographed: unset DISPLAY, then run the tests.")
    path.write_bytes(xwd_to_png(_settled_frame(Path(folder))))


def install_xvfb_if_missing(say: Callable[[str], None]) -> bool:
    """Whether Xvfb can be run; on Linux as root, it is installed first if it is missing.

    The processes that share the tests all find it missing, and apt-get gives up at once while
    another one works; so each waits for the others.
    """
    if shutil.which("Xvfb"):
        return True
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    with _one_at_a_time():
        if not shutil.which("Xvfb"):
            _install_xvfb(say)
    return shutil.which("Xvfb") is not None


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other process of these tests is here."""
    import fcntl  # Windows has none, and does not need it

    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_xvfb(say: Callable[[str], None]) -> None:
    say("Installing Xvfb, the virtual screen for the window tests ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-o", f"DPkg::Lock::Timeout={_INSTALL_LIMIT_S:.0f}"]  # a system that updates itself
    for command, limit_s in (
        (["apt-get", "-qq", "update"], _UPDATE_LIMIT_S),
        (
            ["apt-get", "-qq", *patience, "install", "-y", "--no-install-recommends", "xvfb"],
            _INSTALL_LIMIT_S,
        ),
    ):
        try:
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=limit_s,
                check=False,  # an update may half fail, and the install still work
            )
        except subprocess.TimeoutExpired:
            say(f"{' '.join(command)} did not end within {limit_s:.0f} s.")


def xwd_to_png(xwd: bytes) -> bytes:
    """A frame in Xvfb's format (XWD, 32 bits per pixel, low byte blue) as a PNG file."""
    fields = _XWD_HEADER.unpack_from(xwd)
    header_size, width, height = fields[0], fields[4], fields[5]
    is_big_endian, bits_per_pixel, bytes_per_line = fields[7] == 1, fields[11], fields[12]
    if is_big_endian or bits_per_pixel != 32:
        raise DisplayError(f"Cannot read a screen of {bits_per_pixel} bits a pixel.")
    start = header_size + 12 * fields[19]  # after the header: the colour map
    if bytes_per_line == width * 4:
        pixels = xwd[start : start + height * bytes_per_line]
    else:
        lines = (start + row * bytes_per_line for row in range(height))
        pixels = b"".join(xwd[line : line + width * 4] for line in lines)
    colours = bytearray(width * height * 3)
    colours[0::3], colours[1::3], colours[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
    return rgb_to_png(width, height, bytes(colours))


def rgb_to_png(width: int, height: int, colours: bytes) -> bytes:
    """A PNG file from 3 bytes per pixel, row by row."""
    stride = width * 3
    rows = b"".join(b"\0" + colours[row * stride : (row + 1) * stride] for row in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _png_part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _png_part(b"IDAT", zlib.compress(rows, 6)),
            _png_part(b"IEND", b""),
        )
    )


def _png_part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _put_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _settled_frame(folder: Path) -> bytes:
    frame_path = folder / "Xvfb_screen0"
    deadline = time.monotonic() + _SETTLE_LIMIT_S
    frame = frame_path.read_bytes()
    while time.monotonic() < deadline:
        time.sleep(_SETTLE_PAUSE_S)
        before, frame = frame, frame_path.read_bytes()
        if frame == before:
            break
    return frame


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
