"""zbarimg reads the codes that the window and the terminal show, as the camera of a phone would."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
from pathlib import Path

from roles.net.interfaces import address_for_others
from roles.values.addresses import EVERY_INTERFACE, TRACKER_PORT, Address, is_loopback
from roles.values.program_settings import Appearance
from tests.clients.client import ClientTest
from tests.display import photograph_screen, rgb_to_png
from tests.programs import PROGRAM, environment
from tests.support import LIMIT_S
from tests.windows import AppWindowTest, text_of
from ui.qr_code import qr_code
from ui.window.running_roles import RunState

CELL = 8  # pixels of a module in a picture of a terminal
DARK, WHITE, OTHER = b"\x00\x00\x00", b"\xff\xff\xff", b"\x30\x0a\x24"


class Reader(ClientTest):
    def need_network(self) -> None:
        """Without one there is no code, for no other device could use it."""
        if is_loopback(address_for_others(Address(EVERY_INTERFACE, TRACKER_PORT)).host):
            self.skipTest("this computer is off the network")

    def read(self, picture: Path) -> str:
        """The text of the one code in a picture."""
        lines = self.run_client("zbarimg", "-q", "--raw", picture).decode().split()
        self.assertEqual(len(lines), 1)
        return lines[0]


class CodeTest(Reader):
    def test_it_reads_texts_of_every_length(self) -> None:
        for length in (*range(1, 32), 42, 43, 62, 63, 84, 85, 106):
            with self.subTest(length=length):
                text = f"http://192.168.1.5:12500/{'x' * 99}"[:length]
                modules = qr_code(text)
                picture = self.folder / "code.png"
                draw(picture, [[DARK if one else WHITE for one in row] for row in modules], 4)
                self.assertEqual(self.read(picture), text)


class TerminalTest(Reader):
    def test_it_reads_the_web_address_that_the_tracker_prints(self) -> None:
        self.need_network()
        for ground in (DARK, WHITE, OTHER):
            with self.subTest(ground=ground.hex()):
                printed = self.printed()
                address = re.search(r"http://[0-9.]+:[0-9]+/", printed)
                assert address is not None, printed
                picture = self.folder / "terminal.png"
                draw(picture, screen(printed, ground), CELL)
                self.assertEqual(self.read(picture), address[0])

    def printed(self) -> str:
        """What `tracker` prints on a terminal at its start."""
        child, terminal = pty.fork()
        if child == 0:
            words = ["tracker", "--bind", "0.0.0.0:0", "--profile", str(self.folder / "profile")]
            changes = environment(TERM="xterm-256color", COLUMNS="80", LINES="40")
            os.execve(PROGRAM[0], [*PROGRAM, *words], changes)
        text = b""
        try:
            while select.select([terminal], [], [], 1.0 if b"http:" in text else LIMIT_S)[0]:
                text += os.read(terminal, 65536)
        finally:
            os.kill(child, signal.SIGTERM)
            with contextlib.suppress(OSError):
                while os.read(terminal, 65536):
                    pass
            os.waitpid(child, 0)
            os.close(terminal)
        return text.decode().replace("\r\n", "\n")


def screen(text: str, ground: bytes) -> list[list[bytes]]:
    """The cells of a terminal, two pixels each, one above the other; letters are left out."""
    rows = []
    for line in text.split("\n"):
        upper, lower, front, behind = [], [], ground, ground
        for code, sign in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b])", line):
            if not sign:
                is_on = code not in ("", "0")
                front, behind = (DARK, WHITE) if is_on else (ground, ground)
                continue
            upper.append(front if sign in "▀█" else behind)
            lower.append(front if sign in "▄█" else behind)
        rows += [upper, lower]
    width = max(map(len, rows))
    return [row + [ground] * (width - len(row)) for row in rows]


def draw(path: Path, rows: list[list[bytes]], scale: int) -> None:
    """A picture whose pixels are squares of `scale` pixels."""
    lines = [b"".join(pixel * scale for pixel in row) * scale for row in rows]
    path.write_bytes(rgb_to_png(len(rows[0]) * scale, len(rows) * scale, b"".join(lines)))


class WindowCodeTest(AppWindowTest, Reader):
    withdrawn = False

    def test_it_reads_the_web_address_in_the_tracker_tab_in_every_look(self) -> None:
        self.need_network()
        window = self.open_window()
        window.tabs.show("Tracker")
        window.tracker.start_or_stop()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.check("small")
        window.appearance.choose(Appearance.DARK)
        self.check("small, dark")
        window.tracker.form.qr.event_generate("<Button-1>")
        self.check("large, dark")
        window.appearance.choose(Appearance.LIGHT)
        self.check("large")
        window.event_generate("<Escape>")
        self.check("small again")
        window.toggle_full_screen()
        self.check("full screen")

    def check(self, what: str) -> None:
        with self.subTest(what):
            for _ in range(3):
                self.root.update()
            picture = self.folder / "window.png"
            photograph_screen(picture)
            address = text_of(self.window.tracker.form.web_address)
            self.assertEqual(self.read(picture), address)
