"""Standard streams that nobody reads, or that are not there at all."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from tests.programs import PROGRAM, environment
from tests.support import LmkTestCase, wait_until
from ui.terminal import streams

LIMIT_S = 20.0


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
            (["--version"], 0),
            (["--nonsense"], 2),
            (["list", "-v", "--tracker", "127.0.0.1:9"], 3),
            (["get", "--tracker", "127.0.0.1:9"], 2),
            ([], 0),  # no display: a word about it that nobody reads
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

    def test_an_absent_and_a_closed_stream_are_no_matter(self) -> None:
        closed = io.StringIO()
        closed.close()
        for stream in (None, closed):
            with self.subTest(stream=stream):
                streams.write(stream, "x")
                self.assertFalse(streams.is_writing())
