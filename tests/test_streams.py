"""Standard streams that nobody reads, or that are not there at all."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

from tests.programs import PROGRAM, environment
from tests.support import LIMIT_S, LmkTestCase, wait_until
from ui.exit_codes import ExitCode
from ui.terminal import streams
from ui.terminal.output import Output

ROOT = Path(__file__).resolve().parent.parent
FULL = Path("/dev/full")  # takes nothing, as a full disk


FILLS_GAPS = """
import os, sys
from ui.terminal.streams import fill_gaps
fill_gaps()
with open(sys.argv[1], "w") as file:
    file.write(f"{file.fileno()} {sys.stdout} {sys.stderr}")
os.write(2, b"what a library complains of")
"""


@unittest.skipUnless(os.name == "posix", "streams are closed by a shell of POSIX")
class FillGapsTest(LmkTestCase):
    def test_no_file_takes_the_place_of_a_stream(self) -> None:
        written = self.folder / "file"
        command = [sys.executable, "-c", FILLS_GAPS, str(written)]
        shell = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *command]
        subprocess.run(shell, cwd=ROOT, timeout=LIMIT_S, check=True)
        number, *streams = written.read_text().split()
        self.assertGreater(int(number), 2)
        self.assertEqual(streams, ["None", "None"])

    def test_streams_that_are_there_stay(self) -> None:
        command = [sys.executable, "-c", FILLS_GAPS, str(self.folder / "file")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=LIMIT_S, check=True)
        self.assertEqual(done.stderr, b"what a library complains of")


class FullPipeTest(LmkTestCase):
    @unittest.skipUnless(sys.platform.startswith("linux"), "tells where a process waits")
    def test_one_ctrl_c_ends_a_tracker_that_waits_for_a_reader(self) -> None:
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while os.write(writer, bytes(65536)):
                pass
        os.set_blocking(writer, True)
        command = [*PROGRAM, "tracker", "--bind", "127.0.0.1:0", "--profile", str(self.folder)]
        with subprocess.Popen(command, env=environment(), stdout=writer) as tracker:
            os.close(writer)
            try:
                wait_until(lambda: "pipe" in where_it_waits(tracker.pid))
                tracker.send_signal(signal.SIGINT)
                self.assertEqual(tracker.wait(LIMIT_S), 130)
            finally:
                tracker.kill()

    @unittest.skipUnless(os.name == "posix", "streams are closed by a shell of POSIX")
    def test_every_command_works_without_standard_streams(self) -> None:
        for arguments, code in (
            (["--version"], 4),  # what was asked for reaches nobody
            (["--nonsense"], 2),
            (["list", "-v", "--tracker", "127.0.0.1:9"], 3),
            (["get", "--tracker", "127.0.0.1:9"], 2),
            ([], 4),  # no display: a word about it that nobody reads
        ):
            with self.subTest(arguments=arguments):
                done = subprocess.run(
                    ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *PROGRAM, *arguments],
                    cwd=self.folder,
                    env={**environment(), "HOME": str(self.folder)},
                    timeout=LIMIT_S,
                    check=False,
                )
                self.assertEqual(done.returncode, code)


def where_it_waits(process: int) -> str:
    """The name of the system's function that its main thread stands in."""
    return Path(f"/proc/{process}/wchan").read_text()


@unittest.skipUnless(FULL.exists(), "needs /dev/full")
class FullDiskTest(LmkTestCase):
    def ended(self, *arguments: str) -> tuple[int, str]:
        with FULL.open("wb") as full:
            done = subprocess.run(
                [*PROGRAM, *arguments, "--profile", str(self.folder / "profile")],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        return done.returncode, done.stderr

    def test_what_was_asked_for_and_cannot_be_written_is_an_error(self) -> None:
        for arguments in (["--version"], ["--help"], ["get", "--help"]):
            with self.subTest(arguments=arguments):
                code, error = self.ended(*arguments)
                self.assertEqual(code, 4)
                self.assertEqual(
                    error, "lmktorrent: The output cannot be written (No space left on device).\n"
                )

    def test_a_command_that_failed_otherwise_keeps_its_code(self) -> None:
        code, error = self.ended("list", "--json", "--tracker", "127.0.0.1:9")
        self.assertEqual(code, 3)
        self.assertIn("No tracker at", error)
        self.assertNotIn("Traceback", error)

    def test_errors_that_cannot_be_written_change_no_exit_code(self) -> None:
        with FULL.open("wb") as full:
            for arguments, code in ((["sead"], 2), (["list", "-v", "--tracker", "127.0.0.1:9"], 3)):
                with self.subTest(arguments=arguments):
                    done = subprocess.run(
                        [*PROGRAM, *arguments, "--profile", str(self.folder / "profile")],
                        env=environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=full,
                        timeout=LIMIT_S,
                        check=False,
                    )
                    self.assertEqual((done.returncode, done.stdout), (code, b""))


class Encoded(io.TextIOWrapper):
    """A stream of this encoding, and what was written to it."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, newline="\n")


class WriteTest(LmkTestCase):
    def test_what_is_interrupted_is_given_up(self) -> None:
        class Interrupting(io.StringIO):
            def flush(self) -> None:
                was_writing.append(streams.is_writing())
                raise KeyboardInterrupt

        was_writing: list[bool] = []
        with self.assertRaises(KeyboardInterrupt):
            streams.write(Interrupting(), "x")
        self.assertEqual((was_writing, streams.is_writing()), ([True], False))

    def test_an_absent_and_a_closed_stream_are_told(self) -> None:
        closed = io.StringIO()
        closed.close()
        for stream in (None, closed):
            with self.subTest(stream=stream):
                lost = streams.write(stream, "x")
                assert lost is not None
                self.assertEqual(lost.errno, errno.EBADF)
                self.assertFalse(streams.is_writing())

    def test_a_locale_without_our_signs_gets_others_and_letters_it_lacks_by_number(self) -> None:
        text = "“ž😀” – 50 % …\n"
        for encoding, written in {
            "utf-8": text.encode(),
            "ascii": b'"\\u017e\\U0001f600" - 50 % ...\n',
            "latin-1": b'"\\u017e\\U0001f600" - 50 % ...\n',
            "cp1252": b'"\x9e\\U0001f600" - 50 % ...\n',
        }.items():
            with self.subTest(encoding=encoding):
                stream = Encoded(encoding)
                self.assertIsNone(streams.write(stream, text))
                self.assertEqual(stream.bytes.getvalue(), written)

    def test_half_a_character_is_written_by_its_number(self) -> None:
        stream = Encoded("utf-8")
        self.assertIsNone(streams.write(stream, "n\udcff\n"))
        self.assertEqual(stream.bytes.getvalue(), b"n\\udcff\n")


class OutputTest(LmkTestCase):
    def finished(self, error: OSError, code: int) -> tuple[int, str]:
        """Of an output that said this once, and what was written to standard error."""

        class Refusing(io.StringIO):
            def flush(self) -> None:
                raise error

        with (
            mock.patch.object(sys, "stdout", Refusing()),
            mock.patch.object(sys, "stderr", io.StringIO()) as said,
        ):
            output = Output()
            output.result("a")
            output.result("b")
            return output.finished(code), said.getvalue()

    def test_lost_output_is_no_success_and_a_reader_who_left_is_told_by_the_code_alone(
        self,
    ) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        code, said = self.finished(full, ExitCode.DONE)
        self.assertEqual(code, ExitCode.STORAGE)
        self.assertIn("cannot be written (No space left", said)
        self.assertEqual(self.finished(full, ExitCode.NOBODY_THERE), (3, ""))
        gone = BrokenPipeError(errno.EPIPE, "Broken pipe")
        self.assertEqual(self.finished(gone, ExitCode.DONE), (141, ""))

    def test_what_was_written_is_success(self) -> None:
        with mock.patch.object(sys, "stdout", io.StringIO()):
            output = Output()
            output.result("a")
            self.assertEqual(output.finished(ExitCode.DONE), ExitCode.DONE)
