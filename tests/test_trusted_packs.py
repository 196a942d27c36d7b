"""Which packs are fetched after some of them were given up."""

from __future__ import annotations

import unittest

from roles.downloads.trusted_packs import TrustedPacks
from roles.downloads.wanted import WantedContent, WantedFile, WantedPack
from roles.joining.listed_share import Pack
from tests.test_wanted import line, nothing_here, pack_of, wanted

GOOD, BAD = "0" * 16, "1" * 16  # shares


def pack(share: str, first: int, root: int) -> Pack:
    """Three files, the first of them with this number."""
    lines = [line(f"{number:02}", 100, number) for number in range(first, first + 3)]
    return pack_of(lines, root)._replace(share=share)


def files_of(*packs: Pack) -> list[WantedFile]:
    return [wanted(member) for one in packs for member in one.members]


class TrustedPacksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.packs = TrustedPacks()
        self.one, self.two = pack(BAD, 0, 1), pack(BAD, 3, 2)

    def planned(self, *files: WantedFile) -> list[WantedContent]:
        return self.packs.plan(files, nothing_here)

    def list_and_plan(self, *packs: Pack) -> list[WantedPack]:
        self.packs.listed(packs)
        planned = self.planned(*files_of(*packs))
        return [one for one in planned if isinstance(one, WantedPack)]

    def test_a_share_that_never_sent_a_pack_loses_all_of_them_with_the_first(self) -> None:
        first, second = self.list_and_plan(self.one, self.two)
        self.packs.give_up(first)
        self.assertTrue(self.packs.must_plan)
        self.assertFalse(self.packs.is_usable(first) or self.packs.is_usable(second))
        planned = self.planned(*files_of(self.one, self.two))
        self.assertEqual([type(one) for one in planned], [WantedFile] * 6)
        self.assertFalse(self.packs.must_plan)

    def test_one_that_sent_something_of_a_pack_loses_only_the_one_that_failed(self) -> None:
        first, second = self.list_and_plan(self.one, self.two)
        self.packs.arrived(second)
        self.packs.give_up(first)
        self.assertTrue(self.packs.is_usable(second))
        planned = self.planned(*files_of(self.one, self.two))
        self.assertEqual([type(one) for one in planned], [WantedPack, *[WantedFile] * 3])

    def test_a_newer_list_does_not_bring_back_what_was_given_up(self) -> None:
        (first,) = self.list_and_plan(self.one)
        self.packs.give_up(first)
        self.assertEqual(self.list_and_plan(self.one, self.two), [])

    def test_files_that_were_left_alone_are_packed_only_by_a_share_that_has_passed(self) -> None:
        """Else a stranger who lists such packs makes everybody fetch file by file."""
        same = pack(GOOD, 0, 3)
        self.packs.listed([self.one, same])
        (first,) = self.planned(*files_of(self.one))
        assert isinstance(first, WantedPack)
        self.packs.give_up(first)
        self.assertEqual([type(one) for one in self.planned(*files_of(same))], [WantedFile] * 3)
        self.packs.arrived(WantedPack(same.line.content, (), GOOD))
        (again,) = self.planned(*files_of(same))
        self.assertEqual(again.content, same.line.content)
