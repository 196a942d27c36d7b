"""The log: lines that nobody can forge, in files that cannot fill the disk."""

from __future__ import annotations

import errno
import io
import logging
import logging.handlers
import sys
from pathlib import Path
from unittest import mock

from roles.program.log_file import (
    BACKUPS,
    MAX_BYTES,
    MAX_LINE,
    LineFormatter,
    _Hidden,
    hide_folder,
    start_logging,
    without_folders,
)
from tests.support import LmkTestCase

FORGED = "x\n2026-01-01 00:00:00,000 ERROR lmk-main the tracker was hacked"


class LogTestCase(LmkTestCase):
    def setUp(self) -> None:
        super().setUp()
        root = logging.getLogger()
        before, level = list(root.handlers), root.level
        self.addCleanup(self.restore, before, level)
        root.handlers.clear()

    def restore(self, handlers: list[logging.Handler], level: int) -> None:
        root = logging.getLogger()
        for handler in root.handlers:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)

    def started(self) -> Path:
        path = self.folder / "logs" / "lmktorrent.log"
        self.assertEqual(start_logging(path, terminal_level=None), "")
        return path


class LinesTest(LogTestCase):
    def line_of(self, message: str, *args: object) -> str:
        record = logging.LogRecord("roles.x", logging.INFO, "x.py", 1, message, args, None)
        return LineFormatter("%(message)s").format(record)

    def test_a_stranger_adds_no_line_and_moves_no_cursor(self) -> None:
        for text in (
            FORGED,
            "a\rb",
            "a\x1b[2J",
            "a\x85b",
            "a\u2028b",
            "a\u202eb",
            "\x08\x08",
            "\x9b",
        ):
            with self.subTest(text=text):
                line = self.line_of("refused %s", text)
                self.assertEqual(len(line.splitlines()), 1)
                self.assertTrue(line.isprintable())

    def test_a_line_is_cut_at_its_limit(self) -> None:
        self.assertEqual(len(self.line_of("%s", "x" * 10_000)), MAX_LINE)

    def test_a_plain_message_stays_as_it_is(self) -> None:
        self.assertEqual(self.line_of("%d files of “%s” – é", 3, "pc"), "3 files of “pc” – é")

    def test_the_record_itself_is_not_changed_for_other_handlers(self) -> None:
        record = logging.LogRecord("x", logging.INFO, "x.py", 1, "a\n%s", ("b",), None)
        LineFormatter("%(message)s").format(record)
        self.assertEqual((record.msg, record.args), ("a\n%s", ("b",)))

    def test_no_line_of_a_traceback_passes_for_a_record(self) -> None:
        path = self.started()
        try:
            raise ValueError(FORGED)
        except ValueError:
            logging.getLogger("roles.x").exception("it ended")
        lines = path.read_text(encoding="utf-8").splitlines()
        self.assertGreater(len(lines), 3)
        self.assertIn("it ended", lines[0])
        for line in lines[1:]:
            self.assertTrue(line.startswith("    "), line)
        self.assertTrue(any("hacked" in line for line in lines))


class FilesTest(LogTestCase):
    def test_every_level_reaches_the_file_and_only_loud_ones_the_terminal(self) -> None:
        stderr, sys.stderr = sys.stderr, io.StringIO()
        try:
            path = self.folder / "a.log"
            self.assertEqual(start_logging(path, terminal_level=logging.WARNING), "")
            logging.getLogger("roles.x").debug("quiet")
            logging.getLogger("roles.x").warning("loud\n!")
            said = sys.stderr.getvalue()
        finally:
            sys.stderr = stderr
        self.assertEqual(said, "loud\\u000a!\n")
        text = path.read_text(encoding="utf-8")
        self.assertIn("DEBUG", text)
        self.assertIn("quiet", text)
        self.assertIn("MainThread", text)

    def test_the_files_together_stay_small(self) -> None:
        path = self.started()
        log = logging.getLogger("roles.x")
        for _ in range(6_200):
            log.info("x" * MAX_LINE)
        sizes = [file.stat().st_size for file in path.parent.iterdir()]
        self.assertEqual(len(sizes), BACKUPS + 1)
        self.assertLessEqual(max(sizes), MAX_BYTES)

    def test_half_a_character_does_not_stop_the_log(self) -> None:
        path = self.started()
        logging.getLogger("roles.x").info("file \udcff and %s", "\ud800")
        self.assertIn("file \\udcff and \\ud800", path.read_text(encoding="utf-8"))

    def test_without_a_place_for_the_file_there_is_a_sentence_and_no_exception(self) -> None:
        (self.folder / "logs").write_text("a file where the folder should be")
        note = start_logging(self.folder / "logs" / "x.log", terminal_level=None)
        self.assertIn("No log is kept", note)
        logging.getLogger("roles.x").info("the program works without one")

    def test_no_file_at_all_is_no_fault_and_no_line_goes_to_the_terminal_instead(self) -> None:
        with mock.patch.object(sys, "stderr", io.StringIO()) as said:
            self.assertEqual(start_logging(None, terminal_level=None), "")
            logging.getLogger("roles.x").warning("loud")
        self.assertEqual(said.getvalue(), "")

    def test_a_terminal_that_takes_nothing_costs_lines_and_prints_no_traceback(self) -> None:
        class Full(io.StringIO):
            def flush(self) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch.object(sys, "stderr", Full()) as said:
            start_logging(None, terminal_level=logging.INFO)
            logging.getLogger("roles.x").warning("loud")
        self.assertNotIn("Traceback", said.getvalue())


class FoldersTest(LogTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(_Hidden, "shown", {}))
        self.enterContext(mock.patch.object(_Hidden, "above", {}))
        self.enterContext(mock.patch.object(_Hidden, "pattern", _Hidden.pattern))
        hide_folder(Path("/home/anna"), "~")
        hide_folder(Path("/media/Anna Schmidt/stick/lesson"))
        hide_folder(Path("/home/anna/Documents/mine"))

    def test_folders_of_the_user_are_named_by_their_last_name_and_the_home_by_its_sign(
        self,
    ) -> None:
        for text, shown in {
            "The folder /media/Anna Schmidt/stick/lesson is gone": "The folder …/lesson is gone",
            "/media/Anna Schmidt/stick/lesson/a/b.txt is done": "…/lesson/a/b.txt is done",
            "/home/anna/x/y: no": "~/x/y: no",
            "/home/anna/Documents/mine/c (2)": "…/mine/c (2)",
            "'/home/anna'": "'~'",
            "It is in /media/Anna Schmidt/stick/lesson. So": "It is in …/lesson. So",
            "/media/Anna Schmidt/stick is a file": "…/stick is a file",
            "The disk of /media/Anna Schmidt is full": "The disk of …/Anna Schmidt is full",
        }.items():
            with self.subTest(text=text):
                self.assertEqual(without_folders(text), shown)

    def test_of_any_other_whole_path_the_folders_go(self) -> None:
        for text, shown in {
            "/home/annabel/x/y is": "…/y is",
            "/mnt/usb/My Stick/x.txt is": "…/My Stick/x.txt is",
            "[Errno 2] No such file: '/var/lib/x/y'": "[Errno 2] No such file: '…/y'",
            'File "/usr/lib/python3.11/threading.py", line 5': 'File "…/threading.py", line 5',
            "C:\\Users\\Anna\\x.txt is": "…\\x.txt is",
            "'C:\\\\Users\\\\Anna\\\\x'": "'…\\\\x'",
            "\\\\server\\share\\x.txt is": "…\\x.txt is",
        }.items():
            with self.subTest(text=text):
                self.assertEqual(without_folders(text), shown)

    def test_what_is_no_path_stays(self) -> None:
        for text in (
            "slides/a/b.png is done",
            "rate 5 MB/s and/or +/-",
            "10.0.0.1:12500 (http://10.0.0.1/x/y)",
            "~/x/y",
            "12/3",
            "a\\b\\c",
        ):
            with self.subTest(text=text):
                self.assertEqual(without_folders(text), text)

    def test_the_root_hides_nothing_and_a_relative_folder_neither(self) -> None:
        hide_folder(Path("/"))
        hide_folder(Path("lesson"))
        self.assertEqual(without_folders("a lesson / b"), "a lesson / b")

    def test_neither_a_line_nor_a_traceback_of_the_file_has_a_whole_path(self) -> None:
        path = self.started()
        place = "/media/Anna Schmidt/stick/lesson/a"
        try:
            raise OSError(errno.EIO, "Input/output error", place)
        except OSError:
            logging.getLogger("roles.x").exception("%s is gone", place)
        text = path.read_text(encoding="utf-8")
        self.assertIn("…/lesson/a is gone", text)
        self.assertIn("lmktorrent/tests/test_log_file.py", text)
        for secret in ("Anna", str(Path(__file__).parents[1]), str(self.folder)):
            self.assertNotIn(secret, text)
