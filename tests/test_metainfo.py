"""Torrents: what they depend on, their names, and their pieces."""

from __future__ import annotations

import hashlib
import unicodedata
import unittest
from collections.abc import Iterable
from random import Random

from roles.torrents.metainfo import (
    MAX_PIECE,
    MIN_PIECE,
    MOST_PIECES,
    Names,
    Torrent,
    TorrentFile,
    piece_key,
    piece_length,
    pieces_of,
    torrent_files,
)
from roles.values.safe_names import collision_key
from tests.bencoded import decoded

ROOT = b"r" * 32
MIB = 1024 * 1024
GIB = 1024 * MIB


def files_of(*paths: str) -> tuple[TorrentFile, ...]:
    return torrent_files((path, 1, ROOT) for path in paths)


def names_of(*paths: str) -> dict[str, str]:
    return {file.path: "/".join(file.names) for file in files_of(*paths)}


def sized(*sizes: int) -> tuple[TorrentFile, ...]:
    return torrent_files((f"{number:06}", size, ROOT) for number, size in enumerate(sizes))


def torrent_of(contents: Iterable[tuple[str, int, bytes]], **changes: object) -> Torrent:
    files = torrent_files(contents)
    digests = tuple(hashlib.sha1(repr(piece).encode()).digest() for piece in pieces_of(files))
    values = {"folder": "lesson", "files": files, "is_private": True, "digests": digests}
    return Torrent(**{**values, **changes})  # type: ignore[arg-type]


class TorrentTest(unittest.TestCase):
    CONTENTS = (("b/ü.txt", 300_000, ROOT), ("a?.txt", 5, ROOT), ("empty", 0, ROOT))

    def test_its_info_is_what_the_specification_says(self) -> None:
        torrent = torrent_of(self.CONTENTS)
        self.assertEqual(
            decoded(torrent.info),
            {
                "files": [
                    {"length": 5, "path": [b"a_.txt"]},
                    {"length": 300_000, "path": [b"b", "ü.txt".encode()]},
                    {"length": 0, "path": [b"empty"]},
                ],
                "name": b"lesson",
                "piece length": MIN_PIECE,
                "pieces": b"".join(torrent.digests),
                "private": 1,
            },
        )
        self.assertEqual(torrent.info_hash, hashlib.sha1(torrent.info).digest())

    def test_a_public_one_does_not_say_that_it_is_private(self) -> None:
        torrent = torrent_of(self.CONTENTS, is_private=False)
        self.assertNotIn("private", decoded(torrent.info))

    def test_copies_of_a_folder_make_one_swarm(self) -> None:
        shuffled = list(self.CONTENTS)
        Random(1).shuffle(shuffled)
        torrent = torrent_of(self.CONTENTS)
        self.assertEqual(torrent_of(shuffled).info_hash, torrent.info_hash)
        others = [
            torrent_of(self.CONTENTS, folder="other"),
            torrent_of(self.CONTENTS, is_private=False),
            torrent_of((*self.CONTENTS, ("z", 0, ROOT))),
            torrent_of(self.CONTENTS, digests=(b"x" * 20, b"y" * 20)),
        ]
        self.assertEqual(len({each.info_hash for each in (torrent, *others)}), 5)

    def test_the_addresses_are_outside_of_what_is_hashed(self) -> None:
        torrent = torrent_of(self.CONTENTS)
        announce, web_seed = "udp://10.0.0.1:12500/announce", "http://10.0.0.7:12501/w/00/"
        metainfo = torrent.metainfo(announce, web_seed)
        self.assertEqual(
            decoded(metainfo),
            {
                "announce": announce.encode(),
                "info": decoded(torrent.info),
                "url-list": web_seed.encode(),
            },
        )
        self.assertIn(b"4:info" + torrent.info, metainfo)

    def test_each_file_is_found_by_its_names(self) -> None:
        torrent = torrent_of(self.CONTENTS)
        self.assertEqual(torrent.by_names["b", "ü.txt"].path, "b/ü.txt")
        self.assertEqual(torrent.by_names["a_.txt",].path, "a?.txt")
        self.assertNotIn(("a?.txt",), torrent.by_names)

    def test_a_folder_whose_name_some_system_refuses_gets_another(self) -> None:
        for folder, name in (("what?", "what_"), ("nul", "_nul"), ("autorun.inf", "files")):
            self.assertEqual(torrent_of(self.CONTENTS, folder=folder).name, name)


class NamesTest(unittest.TestCase):
    def test_names_that_every_system_can_have_stay(self) -> None:
        paths = ("a.txt", "b/c d/ü.txt", "日本語/100% & mehr #2.txt", "q~!@$^()[]{}'`;,=+.x")
        self.assertEqual(names_of(*paths), {path: path for path in paths})

    def test_what_windows_forbids_is_replaced_as_a_download_replaces_it(self) -> None:
        self.assertEqual(
            names_of("<script>", 'a?b*c|d"e', "end.", "blank ", "con", "Lpt1.txt", "d? /x"),
            {
                "<script>": "_script_",
                'a?b*c|d"e': "a_b_c_d_e",
                "end.": "end_",
                "blank ": "blank_",
                "con": "_con",
                "Lpt1.txt": "_Lpt1.txt",
                "d? /x": "d__/x",
            },
        )

    def test_what_some_system_refuses_is_left_out_with_all_that_is_in_it(self) -> None:
        self.assertEqual(names_of("a.lnk", "x.url/a", "x.url/b/c", "good"), {"good": "good"})

    def test_names_that_become_equal_get_numbers(self) -> None:
        self.assertEqual(
            names_of("a?.txt", "a*.txt", "a_.txt", "b/x", "B/x"),
            {
                "B/x": "B/x",
                "a*.txt": "a_.txt",
                "a?.txt": "a_ (2).txt",
                "a_.txt": "a_ (3).txt",
                "b/x": "b (2)/x",
            },
        )

    def test_two_forms_of_one_unicode_name_get_numbers(self) -> None:
        decomposed = unicodedata.normalize("NFD", "ü.txt")
        self.assertEqual(len(set(names_of("ü.txt", decomposed).values())), 2)
        keys = {collision_key(name) for name in names_of("ü.txt", decomposed).values()}
        self.assertEqual(len(keys), 2)

    def test_a_number_that_is_taken_is_not_given_again(self) -> None:
        found = names_of("a (2)?", "a (2)_", "a (2) (2)_", "A (2)_")
        self.assertEqual(len({collision_key(name) for name in found.values()}), 4)

    def test_a_file_and_a_folder_with_names_that_become_equal(self) -> None:
        found = names_of("a?", "a_/x")
        self.assertEqual(found, {"a?": "a_", "a_/x": "a_ (2)/x"})

    def test_names_differ_on_every_system_whatever_the_folder_has(self) -> None:
        chance = Random(2)
        letters = 'aA?*"<|_ .(2)üU\u0308'
        for _ in range(200):
            paths = set[str]()
            for _ in range(20):
                depth = chance.randrange(1, 3)
                names = [
                    "".join(chance.choices(letters, k=chance.randrange(1, 4))) for _ in range(depth)
                ]
                paths.add("/".join(names))
            found: list[Names] = [file.names for file in files_of(*paths)]
            keys = {tuple(map(collision_key, names)) for names in found}
            self.assertEqual(len(keys), len(found))
            folders = {key[:depth] for key in keys for depth in range(1, len(key))}
            self.assertFalse(folders & keys, "a file and a folder of one name")

    def test_thousands_of_equal_names_take_linear_time(self) -> None:
        marks = '?*"<>|'
        paths = [
            f"{a}{b}{c}{d}{e}"
            for a in marks
            for b in marks
            for c in marks
            for d in marks
            for e in marks
        ]
        found = names_of(*paths)
        self.assertEqual(len(set(found.values())), len(paths))
        self.assertIn("_____ (7776)", found.values())


class PiecesTest(unittest.TestCase):
    def test_pieces_are_as_small_as_2048_of_them_allow(self) -> None:
        for size, length in (
            (1, MIN_PIECE),
            (512 * MIB, 256 * 1024),
            (512 * MIB + 1, 512 * 1024),
            (GIB, 512 * 1024),
            (32 * GIB, 16 * MIB),
            (32 * GIB + 1, 16 * MIB),
            (1024 * GIB, 16 * MIB),
        ):
            with self.subTest(size=size):
                self.assertEqual(piece_length(sized(size)), length)
        self.assertEqual((MIN_PIECE, MAX_PIECE, MOST_PIECES), (256 * 1024, 16 * MIB, 2_048))

    def test_pieces_go_on_from_file_to_file(self) -> None:
        files = sized(10, 0, MIN_PIECE - 11, 3, MIN_PIECE * 2)
        self.assertEqual(
            list(pieces_of(files)),
            [
                ((0, 0, 10), (2, 0, MIN_PIECE - 11), (3, 0, 1)),
                ((3, 1, 2), (4, 0, MIN_PIECE - 2)),
                ((4, MIN_PIECE - 2, MIN_PIECE),),
                ((4, 2 * MIN_PIECE - 2, 2),),
            ],
        )

    def test_there_is_no_empty_piece(self) -> None:
        self.assertEqual(list(pieces_of(())), [])
        self.assertEqual(list(pieces_of(sized(0, 0))), [])
        self.assertEqual(len(list(pieces_of(sized(MIN_PIECE)))), 1)
        self.assertEqual(len(list(pieces_of(sized(MIN_PIECE, 0, MIN_PIECE)))), 2)

    def test_a_piece_is_known_again_by_what_it_is_made_of(self) -> None:
        torrent = torrent_of((("a", MIN_PIECE, b"1" * 32), ("b", 5, b"2" * 32)))
        other = torrent_of((("other name", MIN_PIECE, b"1" * 32), ("z", 5, b"3" * 32)))
        known = torrent.digests_by_key()
        self.assertEqual(tuple(known.values()), torrent.digests)
        keys = [piece_key(other.files, piece) for piece in pieces_of(other.files)]
        self.assertEqual([key in known for key in keys], [True, False])
