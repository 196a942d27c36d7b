"""What a leecher knows of its room, from lines of a list."""

from __future__ import annotations

import hashlib
import json
import random
import unittest

from roles.joining.list_copy import Limits, ListCopy
from roles.joining.listed_share import MAX_REFUSED
from roles.values.content import Content
from roles.values.list_lines import FileLine, FolderLine, Line, PackLine, ReadingLine, encode_line
from tests.support import calls_made

CHUNK = 262_144
ONE, TWO, THREE = "1" * 16, "2" * 16, "3" * 16
ORIGINAL, OTHER_ORIGINAL = "lmk1" + "a" * 12, "lmk1" + "b" * 12


def content(name: str, size: int = 5) -> Content:
    return Content(hashlib.sha256(name.encode()).digest(), size, CHUNK)


def file(path: str, size: int = 5, what: str = "") -> FileLine:
    return FileLine(path, size, content(what or path, size))


def original(name: str, size: int = 5) -> FileLine:
    return FileLine(name, size, None)


def share(id_: str, *lines: Line | str, name: str = "maps", mark: str = "+") -> list[str]:
    texts = [line if isinstance(line, str) else encode_line(line) for line in lines]
    return ["S" + json.dumps([id_, name]), *(mark + text for text in texts)]


def room_of(*shares: list[str], windows: bool = False, **limits: int) -> ListCopy:
    room = ListCopy(windows=windows, limits=Limits(**limits))
    room.apply_whole([line for lines in shares for line in lines])
    return room


def files_of(room: ListCopy) -> list[int]:
    """How many each share has, in the order of their names."""
    return [folder.files for folder in room.folders()]


class FilesTest(unittest.TestCase):
    def listed(self, room: ListCopy) -> list[tuple[str, int, str]]:
        return [(item.key, item.size, item.share) for item in room.files()]

    def test_an_empty_room_lists_nothing(self) -> None:
        room = ListCopy(windows=False)
        self.assertEqual((room.files(), room.folders(), room.refused), ((), (), ()))

    def test_files_are_sorted_by_path_and_keep_their_root(self) -> None:
        room = room_of(share(ONE, file("b/c"), file("a")))
        self.assertEqual(self.listed(room), [("a", 5, ONE), ("b/c", 5, ONE)])
        self.assertEqual(room.files()[0].root, content("a").root)

    def test_the_same_file_in_two_shares_is_listed_once(self) -> None:
        room = room_of(share(ONE, file("a")), share(TWO, file("a"), file("b")))
        self.assertEqual(self.listed(room), [("a", 5, ONE), ("b", 5, TWO)])
        self.assertEqual(room.shares_of(content("a").root), (ONE, TWO))

    def test_a_file_knows_the_other_folders_that_have_it(self) -> None:
        room = room_of(share(ONE, file("a")), share(TWO, file("a"), file("b")))
        self.assertEqual([item.also for item in room.files()], [(TWO,), ()])
        room.apply_changes(share(ONE, file("b", what="another")))
        self.assertEqual([item.also for item in room.files()], [(TWO,), (), ()])

    def test_two_contents_under_one_path_are_two_files(self) -> None:
        room = room_of(share(ONE, file("a", what="x")), share(TWO, file("a", what="y")))
        digits = sorted(content(what).root.hex()[:8] for what in "xy")
        self.assertEqual([item.twin for item in room.files()], digits)
        self.assertEqual([item.key for item in room.files()], [f"a [{twin}]" for twin in digits])
        self.assertIsNone(room.select("a"))
        for item in room.files():
            wanted = room.select(item.key)
            assert wanted is not None and wanted.files[0].content is not None
            self.assertEqual(wanted.files[0].content.root, item.root)
            self.assertEqual(wanted.shares, (item.share,))

    def test_twins_whose_roots_begin_alike_have_more_digits(self) -> None:
        lines = [FileLine("a", 5, Content(bytes(8) + bytes([n] * 24), 5, CHUNK)) for n in (1, 2)]
        room = room_of(share(ONE, lines[0]), share(TWO, lines[1]))
        self.assertEqual(len({item.key for item in room.files()}), 2)

    def test_a_file_of_originals_is_listed_unless_ours_have_it_too(self) -> None:
        room = room_of(share(ORIGINAL, original("a"), original("b")), share(ONE, file("a")))
        self.assertEqual(self.listed(room), [("a", 5, ONE), ("b", 5, ORIGINAL)])

    def test_a_file_of_originals_with_another_size_is_another_file(self) -> None:
        room = room_of(share(ORIGINAL, original("a", 6)), share(ONE, file("a")))
        twin = content("a").root.hex()[:8]
        self.assertEqual([item.key for item in room.files()], [f"a [{twin}]", "a [6 bytes]"])
        wanted = room.select("a [6 bytes]")
        assert wanted is not None
        self.assertEqual(wanted.files, (original("a", 6),))
        self.assertEqual(wanted.shares, (ORIGINAL,))

    def test_two_originals_with_the_same_file_are_both_asked_for_it(self) -> None:
        room = room_of(share(ORIGINAL, original("a")), share(OTHER_ORIGINAL, original("a")))
        wanted = room.select("a")
        assert wanted is not None
        self.assertEqual(wanted.shares, (ORIGINAL, OTHER_ORIGINAL))


class RefusedTest(unittest.TestCase):
    def test_each_line_is_refused_on_its_own_and_shown(self) -> None:
        room = room_of(
            share(
                ONE, '["f","../x",5]', "garbage\u202e", '["f","a:b",1]', file("good"), '["new",1]'
            )
        )
        self.assertEqual([item.name for item in room.files()], ["good"])
        self.assertEqual(room.refused, ("../x", "garbage\\u202e", "a:b"))

    def test_a_refused_line_that_goes_is_not_told_of_any_more(self) -> None:
        room = room_of(share(ONE, '["f","../x",5]'))
        room.apply_changes(share(ONE, '["f","../x",5]', mark="-"))
        self.assertEqual(room.refused, ())

    def test_what_windows_runs_unasked_is_refused_on_windows_only(self) -> None:
        lines = share(ONE, file("a.lnk"), file("desktop.ini/b"), file("con"))
        self.assertEqual(len(room_of(lines).files()), 3)
        room = room_of(lines, windows=True)
        self.assertEqual([item.name for item in room.files()], ["con"])
        self.assertEqual(room.refused, ("a.lnk", "desktop.ini/b"))

    def test_originals_have_no_folders_and_no_roots_and_ours_have_roots(self) -> None:
        room = room_of(
            share(ORIGINAL, original("a/b"), FolderLine("c"), file("d")), share(ONE, original("e"))
        )
        self.assertEqual(room.files(), ())
        self.assertEqual(room.refused, ("a/b", "c", "d", "e"))

    def test_lines_that_belong_to_no_share_are_counted(self) -> None:
        room = room_of(["+" + encode_line(file("a")), "S[]", "+" + encode_line(file("b")), "?", ""])
        self.assertEqual((room.files(), room.left_out), ((), 5))

    def test_many_refused_lines_keep_no_good_one_out(self) -> None:
        garbage = [f"garbage {number}" for number in range(MAX_REFUSED + 5)]
        room = room_of(share(ONE, *garbage, file("a")))
        self.assertEqual((len(room.refused), len(room.files())), (MAX_REFUSED, 1))

    def test_there_is_room_for_so_many_lines_only(self) -> None:
        lines = [file(str(number)) for number in range(10)]
        room = room_of(share(ONE, *lines), share_lines=4)
        self.assertEqual((len(room.files()), room.left_out), (4, 6))
        room = room_of(share(ONE, *lines), share(TWO, *lines), lines=13)
        self.assertEqual((len(room.files()), room.left_out), (10, 7))
        room = room_of(share(ONE, *lines), share(TWO, *lines), shares=1)
        self.assertEqual(len(room._shares), 1)

    def test_deep_folders_of_one_share_keep_no_line_of_another_out(self) -> None:
        deep = [file(f"{number}" + "/a" * 31) for number in range(9)]
        few = [*deep[:2], file("x"), file("y/z")]
        room = room_of(share(ONE, *deep), share(TWO, *few, name="maps 2"), implied=90)
        self.assertEqual(files_of(room), [7, 4])
        self.assertEqual(room.left_out, 2)
        room.apply_changes(share(ONE, *deep[1:], mark="-"))  # which makes room
        room.apply_changes(share(THREE, *deep, name="maps 3"))
        self.assertEqual(files_of(room), [1, 4, 7])

    def test_folders_that_have_lines_of_their_own_count_once(self) -> None:
        lines: list[Line] = []
        for number in range(9):
            path = f"{number}"
            lines += [FolderLine(path + "/a" * depth) for depth in range(31)]
            lines.append(file(path + "/a" * 30 + "/b"))
        room = room_of(share(ONE, *lines), implied=0)
        self.assertEqual((len(room.files()), room.left_out), (9, 0))


class ChangesTest(unittest.TestCase):
    def test_files_come_and_go(self) -> None:
        room = room_of(share(ONE, file("a"), file("b")))
        room.files()
        room.apply_changes(
            [*share(ONE, file("a"), mark="-"), "+" + encode_line(file("c")), *share(TWO, file("d"))]
        )
        self.assertEqual([item.name for item in room.files()], ["b", "c", "d"])

    def test_a_changed_file_may_come_before_it_goes(self) -> None:
        old, new = encode_line(file("a", what="x")), encode_line(file("a", what="y"))
        for change in (["-" + old, "+" + new], ["+" + new, "-" + old]):
            room = room_of(share(ONE, old))
            room.files()
            room.apply_changes(["S" + json.dumps([ONE, "maps"]), *change])
            self.assertEqual([item.root for item in room.files()], [content("y").root])
            self.assertEqual(room.shares_of(content("x").root), ())
            self.assertEqual(room.folders()[0].size, 5)

    def test_a_share_goes_with_all_its_files_but_those_that_others_have(self) -> None:
        room = room_of(share(ONE, file("a"), file("b")), share(TWO, file("b", what="x")))
        self.assertEqual(len(room.files()), 3)
        room.apply_changes([f'X"{ONE}"'])
        self.assertEqual([item.key for item in room.files()], ["b"])
        self.assertIsNone(room.select(f"share:{ONE}"))

    def test_the_same_changes_in_any_order_list_the_same_as_the_whole(self) -> None:
        rng = random.Random(5)
        room, kept = room_of(), dict[str, set[str]]()
        for _ in range(300):
            id_ = rng.choice([ONE, TWO, THREE])
            line = encode_line(file(rng.choice("abcdef"), what=rng.choice("xyz")))
            lines = kept.setdefault(id_, set())
            same_path = {other for other in lines if other[:8] == line[:8]}
            if line in lines:
                lines.discard(line)
                room.apply_changes(share(id_, line, mark="-"))
            else:
                lines.difference_update(same_path)
                lines.add(line)
                room.apply_changes([*share(id_, *same_path, mark="-"), "+" + line])
            whole = room_of(*(share(known, *sorted(kept[known])) for known in kept))
            self.assertEqual(
                [(item.key, item.root) for item in room.files()],
                [(item.key, item.root) for item in whole.files()],
            )

    def test_a_whole_list_replaces_everything(self) -> None:
        room = room_of(share(ONE, file("a"), "garbage"))
        room.files()
        room.apply_whole(share(TWO, file("b")))
        self.assertEqual([item.name for item in room.files()], ["b"])
        self.assertEqual((room.refused, list(room._shares)), ((), [TWO]))


class FoldersTest(unittest.TestCase):
    def test_each_share_of_ours_is_a_folder_with_its_files(self) -> None:
        room = room_of(
            share(ONE, file("a", 7), file("b/c", 8), name="maps"),
            share(ORIGINAL, original("d")),
            share(TWO, name="empty"),
        )
        (folder,) = room.folders()
        self.assertEqual(
            (folder.share, folder.name, folder.files, folder.size, folder.key),
            (ONE, "maps", 2, 15, f"share:{ONE}"),
        )

    def test_shares_with_the_same_lines_are_one_folder(self) -> None:
        lines = (file("a"), file("b"))
        room = room_of(share(TWO, *lines), share(ONE, *reversed(lines)), share(THREE, file("a")))
        self.assertEqual([folder.share for folder in room.folders()], [TWO, THREE])
        room.apply_changes(share(TWO, file("b"), mark="-"))
        self.assertEqual([folder.share for folder in room.folders()], [TWO, ONE])

    def test_shares_that_differ_in_times_only_are_one_folder(self) -> None:
        older, newer = file("a"), file("a")._replace(mtime=1_234)
        room = room_of(share(ONE, older, FolderLine("b", 1)), share(TWO, newer, FolderLine("b", 2)))
        self.assertEqual([folder.share for folder in room.folders()], [ONE])
        for line in (share(TWO, ReadingLine(1)), share(TWO, newer._replace(is_executable=True))):
            room.apply_changes(line)
            self.assertEqual([folder.share for folder in room.folders()], [ONE, TWO])
            room.apply_changes(share(TWO, ReadingLine(0)))

    def test_of_shares_with_the_same_lines_the_one_that_was_told_first_is_listed(self) -> None:
        lines = (file("a"), file("b/c"))
        for first, second in ((ONE, TWO), (TWO, ONE)):
            room = room_of(share(first, *lines), share(second, *lines))
            self.assertEqual([folder.share for folder in room.folders()], [first])
            self.assertEqual([item.share for item in room.files()], [first, first])
            room.apply_changes([f'X"{first}"'])
            self.assertEqual([item.share for item in room.files()], [second, second])
            room.apply_changes(share(first, *lines))
            self.assertEqual([item.share for item in room.files()], [second, second])
            self.assertEqual([folder.share for folder in room.folders()], [second])

    def test_of_folders_with_one_name_the_one_that_was_told_first_comes_first(self) -> None:
        room = room_of(share(TWO, file("a")), share(ONE, file("b")), share(THREE, name="a maps"))
        self.assertEqual([folder.share for folder in room.folders()], [TWO, ONE])

    def test_a_share_brings_its_files_and_folders_with_their_parents(self) -> None:
        room = room_of(
            share(ONE, file("x/y/z"), FolderLine("empty/in", 7), FolderLine("x", 9)),
            share(TWO, file("other")),
        )
        wanted = room.select(f"share:{ONE}")
        assert wanted is not None
        self.assertEqual([line.path for line in wanted.files], ["x/y/z"])
        self.assertEqual(
            wanted.folders,
            (FolderLine("empty"), FolderLine("empty/in", 7), FolderLine("x", 9), FolderLine("x/y")),
        )
        self.assertEqual((wanted.name, wanted.size, wanted.shares), ("maps", 5, (ONE,)))

    def test_a_folder_below_brings_what_every_share_has_there(self) -> None:
        room = room_of(
            share(ONE, file("a/b/c"), file("a/bc"), file("a/b/twin", what="x")),
            share(
                TWO, file("a/b/c"), file("a/b/d/e"), file("a/b/twin", what="y"), FolderLine("a", 3)
            ),
            share(THREE, FolderLine("a", 4)),
        )
        wanted = room.select("folder:a/b")
        assert wanted is not None
        self.assertEqual(
            sorted(line.path for line in wanted.files),
            ["a/b/c", "a/b/d/e", "a/b/twin", "a/b/twin"],
        )
        self.assertEqual(
            wanted.folders, (FolderLine("a", 3), FolderLine("a/b"), FolderLine("a/b/d"))
        )
        self.assertEqual((wanted.name, wanted.shares), ("b", (ONE, TWO)))

    def test_a_folder_of_one_share_brings_what_that_share_has_there(self) -> None:
        room = room_of(
            share(ONE, file("a/b/c"), file("a/bc"), FolderLine("a/b/empty", 4)),
            share(TWO, file("a/b/c"), file("a/b/d/e"), file("a/b/twin", what="y")),
        )
        wanted = room.select(f"share:{ONE}/a/b")
        assert wanted is not None
        self.assertEqual([line.path for line in wanted.files], ["a/b/c"])
        self.assertEqual(
            wanted.folders, (FolderLine("a"), FolderLine("a/b"), FolderLine("a/b/empty", 4))
        )
        self.assertEqual((wanted.name, wanted.shares), ("b", (ONE, TWO)))
        self.assertIsNone(room.select(f"share:{TWO}/a/b/empty"))

    def test_a_folder_of_one_share_waits_for_what_that_share_reads(self) -> None:
        key = f"share:{ONE}/a"
        room = room_of(share(ONE, file("a/b"), ReadingLine(3)), share(TWO, file("a/c")))
        before = room.stamp(key)
        wanted, of_two = room.select(key), room.select(f"share:{TWO}/a")
        assert wanted is not None
        assert of_two is not None
        self.assertEqual((wanted.files_left, of_two.files_left), (3, 0))
        room.apply_changes(share(TWO, file("a/d")))
        self.assertEqual(room.stamp(key), before)
        room.apply_changes(share(ONE, file("a/d")))
        self.assertNotEqual(room.stamp(key), before)

    def test_an_empty_folder_can_be_asked_for(self) -> None:
        room = room_of(share(ONE, FolderLine("a/b", 4)))
        wanted = room.select("folder:a/b")
        assert wanted is not None
        self.assertEqual((wanted.files, wanted.shares), ((), (ONE,)))
        self.assertEqual(wanted.folders, (FolderLine("a"), FolderLine("a/b", 4)))

    def test_files_that_are_still_read_are_counted_apart(self) -> None:
        room = room_of(share(ONE, file("a/b"), ReadingLine(7)), share(TWO, ReadingLine(9)))
        folders = {folder.share: (folder.files, folder.files_left) for folder in room.folders()}
        self.assertEqual(folders, {ONE: (1, 7), TWO: (0, 9)})
        self.assertEqual((len(room.files()), room.refused), (1, ()))
        for key, files, left in (
            (f"share:{ONE}", 1, 7),
            (f"share:{TWO}", 0, 9),
            ("folder:a", 1, 7),
            ("a/b", 1, 0),
        ):
            wanted = room.select(key)
            assert wanted is not None
            self.assertEqual((len(wanted.files), wanted.files_left), (files, left), key)
            self.assertIs(wanted.is_folder, key != "a/b")
            self.assertEqual(wanted.shares, (TWO,) if TWO in key else (ONE,))

    def test_when_all_is_read_nothing_is_left(self) -> None:
        room = room_of(share(ONE, file("a"), ReadingLine(7)))
        room.apply_changes(share(ONE, ReadingLine(2)))
        room.apply_changes(share(ONE, ReadingLine(7), mark="-"))
        self.assertEqual(room.folders()[0].files_left, 2)
        room.apply_changes(share(ONE, ReadingLine(2), mark="-"))
        self.assertEqual(room.folders()[0].files_left, 0)

    def test_a_stamp_tells_whether_the_answer_may_be_another_one(self) -> None:
        key = f"share:{ONE}"
        room = room_of(share(ONE, file("a")), share(TWO, file("a")))
        before, by_path = room.stamp(key), room.stamp("a")
        room.apply_changes(share(TWO, file("b")))
        self.assertEqual(room.stamp(key), before)
        self.assertNotEqual(room.stamp("a"), by_path)
        room.apply_changes(share(ONE, file("b")))
        self.assertNotEqual(room.stamp(key), before)
        room.apply_changes([f'X"{ONE}"'])
        self.assertEqual(room.stamp(key), 0)

    def test_what_nobody_has_stands_for_nothing(self) -> None:
        room = room_of(share(ONE, file("a")), share(ORIGINAL, original("b")))
        for key in (
            "",
            "c",
            "folder:",
            "folder:a",
            "share:",
            f"share:{TWO}",
            f"share:{ORIGINAL}",
            "share:/a",
        ):
            with self.subTest(key=key):
                self.assertIsNone(room.select(key))

    def test_a_file_that_is_called_like_a_twin_is_found_by_its_name(self) -> None:
        room = room_of(share(ONE, file("a [12345678]")))
        wanted = room.select("a [12345678]")
        assert wanted is not None
        self.assertEqual(wanted.files[0].path, "a [12345678]")


class PacksTest(unittest.TestCase):
    def pack(self, first: str, count: int, size: int) -> PackLine:
        return PackLine(content("pack " + first, size), first, count)

    def members(self, room: ListCopy) -> list[list[str]]:
        return [[member.path for member in pack.members] for pack in room.packs([ONE])]

    def test_a_pack_has_the_small_files_from_its_first_one_on(self) -> None:
        lines = [file("b", 2), file("a/x", 1), file("big", CHUNK), file("c", 4), file("void", 0)]
        room = room_of(share(ONE, *lines, self.pack("a/x", 2, 3), self.pack("c", 1, 4)))
        self.assertEqual(self.members(room), [["a/x", "b"], ["c"]])
        self.assertEqual(room.shares_of(content("pack c", 4).root), (ONE,))

    def test_a_pack_that_does_not_add_up_is_ignored(self) -> None:
        lines = [file("a", 1), file("b", 2)]
        for first, count, size in (("a", 2, 4), ("a", 3, 3), ("c", 1, 1), ("b", 2, 3), ("a", 0, 1)):
            room = room_of(share(ONE, *lines, self.pack(first, count, size)))
            with self.subTest(first=first, count=count):
                self.assertEqual(self.members(room), [])

    def test_no_file_is_in_two_packs(self) -> None:
        lines = [file(name, 1) for name in "abc"]
        room = room_of(share(ONE, *lines, *(self.pack(n, c, c) for n, c in (("a", 2), ("b", 2)))))
        self.assertEqual(self.members(room), [["a", "b"]])

    def test_packs_follow_the_changes(self) -> None:
        room = room_of(share(ONE, file("a", 1), file("b", 2), self.pack("a", 2, 3)))
        self.assertEqual(self.members(room), [["a", "b"]])
        old, new = encode_line(self.pack("a", 2, 3)), encode_line(self.pack("a", 1, 1))
        room.apply_changes(share(ONE, "+" + new, "-" + old, mark=""))
        self.assertEqual(self.members(room), [["a"]])
        room.apply_changes(share(ONE, file("a", 1), mark="-"))
        self.assertEqual(self.members(room), [])
        self.assertEqual(room.packs([TWO]), ())


class CostTest(unittest.TestCase):
    def test_a_change_of_a_long_list_costs_far_less_than_the_list(self) -> None:
        lines = [file(f"folder {number // 50}/{number}", number) for number in range(20_000)]
        whole = share(ONE, *lines)
        change = share(ONE, *lines[:5], mark="-")
        room = ListCopy(windows=False)

        def take_whole() -> None:
            room.apply_whole(whole)
            room.files()

        def take_change() -> None:
            room.apply_changes(change)
            self.assertEqual(len(room.files()), 19_995)

        calls = calls_made(take_whole)
        self.assertLess(10 * calls_made(take_change), calls)
