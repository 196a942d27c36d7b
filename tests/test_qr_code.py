"""QR codes: the published examples, codes that another program made, and what every code has."""

from __future__ import annotations

import hashlib
import unittest

from ui.qr_code import MARGIN, Modules, codewords, error_correction, format_of, half_blocks, qr_code

ADDRESS = "http://192.168.1.5:12500/"
LONGEST = 106
FINDER = ("#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######")
SIDES = {14: 21, 26: 25, 42: 29, 62: 33, 84: 37, 106: 41}  # by how many bytes fit in

# The SHA-256 of what libqrencode 4.1.1 and python-qrcode draw; where they choose another mask than
# we do, as both may, they are no help.
ANOTHERS = {
    ADDRESS: "ea883daa0c4c737347ff46f53a5b815689618f6a168bb3598abf0232ec46be0f",
    "12345678901234": "ff1010f2891110900d2f659fb5093b43b145dc5d625165a4469498192f4ec55c",
    "x" * 42: "25a2fb04f7f2d7a87ed8bdbeb64a02a1eab80342936b4c1b959b7df2930492c5",
    f"http://lab-pc-01.local:12500/{'y' * 30}": (
        "0fb89299264083103c1aaf7d74afdd1ddf233e23858b7c351c6dd7ad470cc4f6"
    ),
    "z" * 84: "2b07b35ceb2ebe415b4ce5ab7c57f811107dd73d0750dd04350e52ed5c408375",
    "q" * 106: "4210715519fa01d5fb0bfda97e66c07a6213dfbb551e5a923b96b0931121bd90",
}


def drawn(modules: Modules) -> list[str]:
    """Without the margin; # is dark."""
    return [
        "".join(".#"[module] for module in row[MARGIN:-MARGIN]) for row in modules[MARGIN:-MARGIN]
    ]


class QrCodeTest(unittest.TestCase):
    def test_error_correction_is_that_of_the_published_example(self) -> None:
        data = bytes([32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17])
        check = bytes([196, 35, 39, 119, 235, 215, 231, 226, 93, 23])
        self.assertEqual(error_correction(data, 10), check)

    def test_the_formats_are_those_of_the_standard(self) -> None:
        self.assertEqual(
            [f"{format_of(mask):015b}" for mask in range(8)],
            [
                *("101010000010010", "101000100100101", "101111001111100", "101101101001011"),
                *("100010111111001", "100000011001110", "100111110010111", "100101010100000"),
            ],
        )

    def test_the_smallest_version_that_holds_the_text_is_taken(self) -> None:
        least = 1
        for most, side in SIDES.items():
            for length in {least, most}:
                with self.subTest(length=length):
                    self.assertEqual(len(drawn(qr_code("x" * length))), side)
            least = most + 1

    def test_a_text_that_is_too_long_is_refused(self) -> None:
        qr_code("x" * LONGEST)
        for text in ("x" * (LONGEST + 1), "é" * 54):
            with self.assertRaises(ValueError):
                qr_code(text)

    def test_the_longest_web_address_of_a_tracker_needs_29_modules(self) -> None:
        self.assertEqual(len(drawn(qr_code("http://192.168.100.200:12500/"))), 29)

    def test_a_light_margin_is_all_around(self) -> None:
        modules = qr_code(ADDRESS)
        for turned in (modules, list(zip(*modules, strict=True))):
            edges = [*turned[:MARGIN], *turned[-MARGIN:]]
            self.assertFalse(any(any(row) for row in edges))

    def test_three_corners_have_finders_and_lines_of_dots_lead_from_one_to_the_next(self) -> None:
        for most in SIDES:
            with self.subTest(most=most):
                code = drawn(qr_code("x" * most))
                for rows in (code[:7], code[-7:]):
                    self.assertEqual(tuple(row[:7] for row in rows), FINDER)
                self.assertEqual(tuple(row[-7:] for row in code[:7]), FINDER)
                between = len(code) - 16
                dots = ("#." * between)[:between]
                self.assertEqual(code[6][8:-8], dots)
                self.assertEqual("".join(row[6] for row in code[8:-8]), dots)

    def test_blocks_take_turns(self) -> None:
        whole = codewords(b"x" * 62, 4)
        self.assertEqual(len(whole), 100)
        first, second = whole[0:64:2], whole[1:64:2]
        self.assertEqual(whole[64::2], error_correction(first, 18))
        self.assertEqual(whole[65::2], error_correction(second, 18))

    def test_what_is_left_of_the_room_is_filled_as_the_standard_says(self) -> None:
        self.assertEqual(codewords(b"A", 1)[:16], b"\x40\x14\x10" + b"\xec\x11" * 6 + b"\xec")

    def test_another_program_draws_the_same_codes(self) -> None:
        for text, digest in ANOTHERS.items():
            with self.subTest(text=text):
                code = "\n".join(drawn(qr_code(text)))
                self.assertEqual(hashlib.sha256(code.encode()).hexdigest(), digest, code)

    def test_half_blocks_show_two_rows_in_each_line(self) -> None:
        modules = [[True, False, True], [False, True, True], [True, False, False]]
        self.assertEqual(half_blocks(modules), ["▀▄█", "▀  "])
