"""Where a command takes the code of a private room from."""

from __future__ import annotations

import argparse
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from roles.values.errors import CodeRefusedError, StorageError, UserInputError
from ui.terminal import code_options
from ui.terminal.code_options import given_code, with_code
from ui.terminal.output import Output
from ui.terminal.session import Session


def chosen(code: str | None = None, file: Path | None = None) -> argparse.Namespace:
    return argparse.Namespace(code=code, code_file=file)


def refused(tries_left: int | None) -> CodeRefusedError:
    error = CodeRefusedError("it is private")
    error.tries_left = tries_left
    return error


class GivenCodeTest(unittest.TestCase):
    def test_the_option_comes_first_then_the_file_then_the_environment(self) -> None:
        file = Path(self.enterContext(tempfile.TemporaryDirectory())) / "code.txt"
        file.write_bytes(b"\xef\xbb\xbf222 222 222\r\n")
        environment = {"LMK_CODE": "333-333-333"}
        self.assertEqual(given_code(chosen("111 111 111", file), environment), "111111111")
        self.assertEqual(given_code(chosen(None, file), environment), "222222222")
        self.assertEqual(given_code(chosen(), environment), "333333333")
        self.assertEqual(given_code(chosen(), {}), "")
        self.assertEqual(given_code(chosen(), {"LMK_CODE": " "}), "")

    def test_it_can_come_from_the_input(self) -> None:
        with mock.patch("sys.stdin", io.StringIO("444 444 444\n")):
            self.assertEqual(given_code(chosen(None, Path("-")), {}), "444444444")

    def test_what_is_no_code_or_no_file_is_said(self) -> None:
        with self.assertRaises(UserInputError):
            given_code(chosen("123"), {})
        with self.assertRaisesRegex(StorageError, "all, the file with the code, cannot be read"):
            given_code(chosen(None, Path("/nowhere/at/all")), {})


class AskingTest(unittest.TestCase):
    def asked(self, *, is_terminal: bool, code: str | None = None, left: int = 4) -> list[str]:
        tried, typed = list[str](), iter(["777 777 777", "555 555 555"])

        def work(code: str) -> str:
            tried.append(code)
            if code != "555555555":
                raise refused(left if code else None)
            return code

        with (
            mock.patch.object(code_options, "can_ask", lambda: is_terminal),
            mock.patch.object(Session, "ask", lambda *_: next(typed)),
            mock.patch.dict("os.environ", {"LMK_CODE": ""}),
        ):
            try:
                with_code(chosen(code), Output(quiet=True), work)
            except CodeRefusedError:
                tried.append("refused")
        return tried

    def test_a_person_is_asked_until_the_code_is_right(self) -> None:
        self.assertEqual(self.asked(is_terminal=True), ["", "777777777", "555555555"])

    def test_nobody_is_asked_during_the_pause_after_too_many_wrong_codes(self) -> None:
        self.assertEqual(self.asked(is_terminal=True, left=0), ["", "777777777", "refused"])

    def test_a_script_is_not_asked(self) -> None:
        self.assertEqual(self.asked(is_terminal=False), ["", "refused"])

    def test_who_gave_a_wrong_code_as_an_option_is_not_asked(self) -> None:
        said = self.asked(is_terminal=True, code="666666666")
        self.assertEqual(said, ["666666666", "refused"])


if __name__ == "__main__":
    unittest.main()
