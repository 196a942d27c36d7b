"""Names from the wire: what is stored, what is refused, what is shown."""

from __future__ import annotations

import ntpath
import posixpath
import random
import unicodedata
import unittest

from roles.values.safe_names import (
    MAX_STORED_BYTES,
    SHOWN_LENGTH,
    UnsafeNameError,
    check_path,
    collision_key,
    is_partial_name,
    is_storable,
    numbered,
    safe_name,
    shown_name,
)

INVISIBLE = "\u061c\u200b\u200e\u200f\u202a\u202e\u2060\u2064\u2066\u2069\ufeff\u2028\u2029"
KEPT_EVERYWHERE = (
    "notes.txt",
    "read me first.txt",
    "Überraschung – été.txt",
    "\U0001f600.png",
    ".bashrc",
    "-rf",
    "~",
    "a.tar.gz",
    "..a",
    "a%2fb",
    "$HOME",
    "日本語",
    "common.txt",
    "console",
    "com10.txt",
    "lnk",
)
JOINED = (
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt",  # Persian
    "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627",
    "PDF\u200c\u0647\u0627.pdf",
    "\u06f2\u200c\u0646\u0641\u0631\u0647",
    "\u0647\u200d.\u0634",  # the sign of a calendar
    "\u0915\u094d\u200d\u0937.txt",  # Indic
    "\u0d05\u0d35\u0d28\u0d4d\u200d",  # a letter of Malayalam at the end of a word
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467.png",  # a family
    "\u2764\ufe0f\u200d\U0001f525",
    "\U0001f469\U0001f3fd\u200d\U0001f393",  # with a skin tone
    "\U0001f3f3\ufe0f\u200d\U0001f308",
)
REFUSED_EVERYWHERE = (
    "",
    " ",
    ".",
    "..",
    "...",
    ". .",
    "\u200b",
    ".\u200b.",
    "\u202e..\ufeff",
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a/b",
    "a/",
    "..\\x",
    "\\\\server\\share",
    "\\\\?\\C:\\x",
    "\\??\\C:\\x",
    "C:\\x",
    "C:x",
    "C:",
    "file.txt:stream",
    "file.txt::$DATA",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x1b[2J",
    "a\x7f",
    "a\x85b",
    "a\x9b",
    "a\ud800",
    "\udcff",
    "x" * 256,
    "é" * 128,
    "movie.mp4.lmkpart",
    "movie.mp4.LMKPART",
    "movie.mp4.lm\u212apart",
    "movie.mp4.lmkpart\u200b",
    ".lmkpart",
)
DEVICES = (
    *("con", "prn", "aux", "nul", "conin$", "conout$", "clock$"),
    *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"),
)
READ_UNASKED = (
    "x.lnk",
    "holiday.jpg.LNK",
    "x.url",
    "x.scf",
    "x.library-ms",
    "desktop.ini",
    "Desktop.INI",
    "autorun.inf",
    "x.lnk\u200b",
    "x.l\u200bnk",
)


def stored(name: str, *, windows: bool) -> str | None:
    try:
        return safe_name(name, windows=windows)
    except UnsafeNameError:
        return None


def random_name(rng: random.Random) -> str:
    alphabet = (
        'abAB.  ..:/\\<>"|?*~\0\n\x7f\x85é\u0301\u200b\u202e\u2028\ud800\U0001f600ßK\u212a\u0131İ'
    )
    pieces = ["con", "NUL", "com1", ".lnk", ".lmkpart", "desktop.ini", "..", "x" * 90, "é" * 60]
    return "".join(
        rng.choice(pieces) if rng.random() < 0.2 else rng.choice(alphabet)
        for _ in range(rng.randrange(8))
    )


class SafeNameTest(unittest.TestCase):
    def test_plain_names_stay_as_they_are_on_every_system(self) -> None:
        for name in KEPT_EVERYWHERE:
            for windows in (False, True):
                with self.subTest(name=name, windows=windows):
                    self.assertEqual(safe_name(name, windows=windows), name)

    def test_what_could_leave_the_folder_or_fool_the_reader_is_refused_on_every_system(
        self,
    ) -> None:
        for name in REFUSED_EVERYWHERE:
            for windows in (False, True):
                with self.subTest(name=name, windows=windows), self.assertRaises(UnsafeNameError):
                    safe_name(name, windows=windows)

    def test_a_refusal_can_be_shown_whatever_the_name_was(self) -> None:
        for name in REFUSED_EVERYWHERE:
            with self.subTest(name=name), self.assertRaises(UnsafeNameError) as caught:
                safe_name(name, windows=True)
            text = str(caught.exception)
            self.assertTrue(text.isprintable())
            text.encode()
            self.assertLess(len(text), 200)

    def test_invisible_letters_are_left_out(self) -> None:
        for letter in INVISIBLE:
            with self.subTest(letter=letter):
                self.assertEqual(safe_name(f"ph{letter}oto.exe", windows=False), "photo.exe")

    def test_a_name_of_255_bytes_is_taken_and_stored_in_200(self) -> None:
        for name in ("x" * 255, "é" * 127, "\U0001f600" * 63, "x" * 251 + ".txt"):
            with self.subTest(name=name[:5]):
                short = safe_name(name, windows=False)
                self.assertLessEqual(len(short.encode()), MAX_STORED_BYTES)
                self.assertTrue(short.startswith(name[:40]))

    def test_a_shortened_name_keeps_its_ending_and_stays_apart_from_its_like(self) -> None:
        first = safe_name("x" * 240 + "1.txt", windows=False)
        second = safe_name("x" * 240 + "2.txt", windows=False)
        self.assertTrue(first.endswith(".txt"))
        self.assertNotEqual(first, second)

    def test_a_name_of_200_bytes_is_not_shortened(self) -> None:
        self.assertEqual(safe_name("x" * 200, windows=False), "x" * 200)

    def test_a_very_long_ending_is_not_kept(self) -> None:
        short = safe_name("a." + "x" * 230, windows=False)
        self.assertLessEqual(len(short.encode()), MAX_STORED_BYTES)

    def test_taking_a_name_twice_changes_nothing_and_none_leaves_its_folder(self) -> None:
        rng = random.Random(7)
        taken = 0
        for _ in range(20_000):
            name = random_name(rng)
            for windows in (False, True):
                once = stored(name, windows=windows)
                if once is None:
                    continue
                taken += 1
                self.assertEqual(stored(once, windows=windows), once, repr(name))
                self.assertLessEqual(len(once.encode()), MAX_STORED_BYTES)
                for path in (posixpath, ntpath):
                    self.assertEqual(path.basename(once), once)
                    self.assertEqual(path.normpath(once), once)
                    self.assertFalse(path.isabs(once))
                    self.assertEqual(path.splitdrive(once)[0], "")
                self.assertFalse(is_partial_name(once))
        self.assertGreater(taken, 5_000)


class WindowsTest(unittest.TestCase):
    def test_letters_that_windows_refuses_become_underscores_there_only(self) -> None:
        name = 'a<b>c"d|e?f*g'
        self.assertEqual(safe_name(name, windows=True), "a_b_c_d_e_f_g")
        self.assertEqual(safe_name(name, windows=False), name)

    def test_dots_and_blanks_at_the_end_become_underscores_there_only(self) -> None:
        for name, expected in {
            "a.": "a_",
            "a ": "a_",
            "a. .": "a___",
            "a.txt. ": "a.txt__",
        }.items():
            with self.subTest(name=name):
                self.assertEqual(safe_name(name, windows=True), expected)
                self.assertEqual(safe_name(name, windows=False), name)

    def test_names_of_devices_get_an_underscore_in_front_there_only(self) -> None:
        for device in DEVICES:
            for name in (device, device.upper(), f"{device}.txt", f"{device}.tar.gz"):
                with self.subTest(name=name):
                    self.assertEqual(safe_name(name, windows=True), "_" + name)
                    self.assertEqual(safe_name(name, windows=False), name)
            self.assertEqual(safe_name(f"{device} .txt", windows=True), f"_{device} .txt")
            self.assertEqual(safe_name(f"{device} ", windows=True), f"{device}_")

    def test_what_windows_runs_or_reads_unasked_is_refused_there_only(self) -> None:
        for name in READ_UNASKED:
            with self.subTest(name=name):
                self.assertIsNone(stored(name, windows=True))
                self.assertIsNotNone(stored(name, windows=False))

    def test_a_stored_name_is_none_that_windows_reserves(self) -> None:
        rng = random.Random(8)
        for _ in range(10_000):
            name = stored(random_name(rng), windows=True)
            if name is not None:
                self.assertNotRegex(name, r'[<>:"/\\|?*\x00-\x1f]')
                self.assertFalse(name.endswith((".", " ")), repr(name))
                self.assertNotIn(name.partition(".")[0].rstrip(" ").lower(), DEVICES)


class CollisionKeyTest(unittest.TestCase):
    def test_names_that_some_file_system_takes_for_one_have_one_key(self) -> None:
        for first, second in (
            ("Notes.TXT", "notes.txt"),
            ("é", "e\u0301"),
            ("É", "e\u0301"),
            ("straße", "STRASSE"),
            ("\u212a", "k"),
            ("\u1e9b\u0323", "\u1e69"),
            ("\u017f", "s"),
            ("Σ", "ς"),
        ):
            with self.subTest(first=first, second=second):
                self.assertEqual(collision_key(first), collision_key(second))

    def test_other_names_have_other_keys(self) -> None:
        names = ("a", "b", "é", "e", "ss", "s", "a.txt", "a", " a")
        self.assertEqual(len({collision_key(name) for name in names}), len(set(names)))

    def test_the_key_of_a_key_is_the_key(self) -> None:
        letters = [chr(code) for code in range(0x20, 0x3000) if not 0xD800 <= code < 0xE000]
        for letter in letters:
            for text in (letter, letter + "\u0323\u0307"):
                key = collision_key(text)
                self.assertEqual(collision_key(key), key, ascii(text))
                self.assertEqual(unicodedata.normalize("NFC", key), key, ascii(text))

    def test_a_partial_name_is_one_in_any_spelling(self) -> None:
        for name in ("x.lmkpart", "x.LMKPART", "x.LmkPart", "x.lm\u212apart"):
            with self.subTest(name=name):
                self.assertTrue(is_partial_name(name))
        for name in ("x", "x.lmkpart.txt", "lmkpart"):
            with self.subTest(name=name):
                self.assertFalse(is_partial_name(name))


class NumberedTest(unittest.TestCase):
    def test_the_number_stands_before_the_ending(self) -> None:
        for name, expected in {
            "notes.txt": "notes (2).txt",
            "a.tar.gz": "a.tar (2).gz",
            "README": "README (2)",
            ".bashrc": ".bashrc (2)",
        }.items():
            with self.subTest(name=name):
                self.assertEqual(numbered(name, 2), expected)

    def test_the_longest_stored_name_still_fits_with_a_number_and_as_a_partial_file(self) -> None:
        name = numbered(safe_name("x" * 255, windows=True), 10_000) + ".lmkpart"
        self.assertLessEqual(len(name.encode()), 255)


class JoinerTest(unittest.TestCase):
    """Zero-width joiners shape some scripts, and are only invisible in others."""

    def test_where_they_shape_a_word_or_a_sign_they_are_kept_and_shown(self) -> None:
        for name in JOINED:
            for windows in (False, True):
                with self.subTest(name=ascii(name), windows=windows):
                    self.assertEqual(safe_name(name, windows=windows), name)
                    self.assertEqual(shown_name(name), name)
                    check_path(f"{name}/{name}")

    def test_elsewhere_they_are_left_out_and_shown_as_an_escape(self) -> None:
        for name, kept in (
            ("ph\u200coto.exe", "photo.exe"),
            ("a\u200d", "a"),
            ("\u200ca", "a"),
            ("é\u200dé", "éé"),
            ("1\u200c2", "12"),
            ("\u0645\u06cc\u200c\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
            ("\u0645\u06cc\u200d\u200c\u200d\u062e", "\u0645\u06cc\u200d\u062e"),
            ("a\u200c\u200c\u0645", "a\u0645"),
            ("\u0645\u202e\u200c\u062e", "\u0645\u200c\u062e"),
        ):
            with self.subTest(name=ascii(name)):
                self.assertEqual(safe_name(name, windows=False), kept)
                self.assertEqual(safe_name(kept, windows=False), kept)
                self.assertIn("\\u20", shown_name(name))

    def test_beside_what_is_itself_shown_as_an_escape_they_shape_nothing(self) -> None:
        for other in ("\udcec", "\ue000", "\u3000"):
            for name in (f"a\u200d{other}", f"{other}\u200ca"):
                with self.subTest(name=ascii(name)):
                    self.assertTrue(shown_name(name).isascii())

    def test_no_name_is_made_of_them_and_none_hides_behind_them(self) -> None:
        for name in ("\u200c", "..\u200d", "\u200c.\u200c", "x.lmk\u200cpart", " \u200d "):
            with self.subTest(name=ascii(name)), self.assertRaises(UnsafeNameError):
                safe_name(name, windows=False)

    def test_marks_and_selectors_of_other_scripts_stay_as_they_are(self) -> None:
        for name in (
            "e\u0301",
            "\u2764\ufe0f",
            "\u845b\U000e0100",
            "a\u00adb",
            "\U0001f3f4\U000e0067\U000e007f",
        ):
            with self.subTest(name=ascii(name)):
                self.assertEqual(safe_name(name, windows=False), name)


class OneRuleTest(unittest.TestCase):
    """Whoever offers, lists or stores a name judges it in the same way."""

    def test_a_name_is_judged_alike_alone_and_anywhere_in_a_path(self) -> None:
        rng = random.Random(11)
        names = [random_name(rng) for _ in range(3_000)]
        names += [*KEPT_EVERYWHERE, *REFUSED_EVERYWHERE, *JOINED, "x" * 255, "x" * 256, "é" * 128]
        for name in names:
            with self.subTest(name=ascii(name)):
                is_taken = stored(name, windows=False) is not None
                if "/" in name:
                    self.assertFalse(is_taken)
                    continue
                for path in (name, f"a/{name}", f"{name}/a", f"é/{name}/é"):
                    self.assertEqual(is_storable(path), is_taken, ascii(path))

    def test_a_path_has_an_end(self) -> None:
        folder = "/".join(["y" * 200] * 4)
        self.assertTrue(is_storable(f"{folder}/{'x' * 220}"))
        self.assertFalse(is_storable(f"{folder}/{'x' * 221}"))
        self.assertFalse(is_storable(f"{folder}/{'é' * 111}"))
        self.assertTrue(is_storable("a/" * 31 + "a"))
        self.assertFalse(is_storable("a/" * 32 + "a"))


class ShownNameTest(unittest.TestCase):
    def test_a_plain_name_is_shown_as_it_is(self) -> None:
        for name in ("notes.txt", "Überraschung – été", "\U0001f600", "日本語"):
            with self.subTest(name=name):
                self.assertEqual(shown_name(name), name)

    def test_what_cannot_be_seen_is_shown_as_an_escape(self) -> None:
        self.assertEqual(shown_name("a\u202eb\nc\x1b\ud800"), "a\\u202eb\\u000ac\\u001b\\ud800")
        for letter in INVISIBLE:
            with self.subTest(letter=letter):
                self.assertEqual(shown_name(letter), f"\\u{ord(letter):04x}")

    def test_what_is_long_is_cut_with_a_mark(self) -> None:
        self.assertEqual(shown_name("x" * 120), "x" * 120)
        self.assertEqual(shown_name("x" * 121), "x" * 119 + "…")
        self.assertEqual(len(shown_name("\n" * 10_000)), SHOWN_LENGTH)
        self.assertEqual(shown_name("abcdef", 4), "abc…")

    def test_whatever_comes_can_be_printed_and_encoded(self) -> None:
        for code in range(0x11000):
            text = shown_name(chr(code))
            self.assertTrue(text.isprintable())
            text.encode()
