"""Which packs a download fetches, and for which of its files. Pure state.

A share may list packs that nobody sends, or that do not hold what it says. So a share is on trial
until something of one of its packs has come. While it is, the first pack that is given up ends all
of its packs; later, only that pack. Files of a pack that was given up come alone from then on, or
in packs of shares that have passed their trial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roles.downloads.wanted import Identity, WantedContent, WantedFile, WantedPack, plan_contents
from roles.joining.listed_share import Pack
from roles.values.content import Content
from roles.values.stopping import go_on


class TrustedPacks:
    def __init__(self) -> None:
        self.must_plan = False  # a pack was given up since the last plan()
        self._listed: Sequence[Pack] = ()
        self._usable = dict[Content, Pack]()
        self._passed = set[str]()  # shares
        self._given_up = set[str | Content]()  # shares and packs
        self._left_alone = set[Identity]()  # files

    def listed(self, packs: Sequence[Pack]) -> None:
        """These are the packs of the newest list."""
        self._listed = packs
        self._usable = {
            pack.line.content: pack
            for pack in packs
            if not self._given_up & {pack.share, pack.line.content}
        }

    def arrived(self, pack: WantedPack) -> None:
        """Something of it has come."""
        self._passed.add(pack.share)

    def give_up(self, pack: WantedPack) -> None:
        self._given_up.add(pack.content if pack.share in self._passed else pack.share)
        self._left_alone.update(file.identity for file in pack.files)
        self.listed(self._listed)
        self.must_plan = True

    def is_usable(self, pack: WantedPack) -> bool:
        """Whether it is on the newest list, and not given up."""
        return pack.content in self._usable

    def plan(
        self,
        missing: Sequence[WantedFile],
        here: Callable[[Content], int],
        should_stop: Callable[[], bool] = go_on,
    ) -> list[WantedContent]:
        """Like plan_contents()."""
        alone = [file for file in missing if file.identity in self._left_alone]
        others = missing
        if alone:
            others = [file for file in missing if file.identity not in self._left_alone]
        planned = plan_contents(others, self._usable.values(), here, should_stop)
        passed = [pack for pack in self._usable.values() if pack.share in self._passed]
        planned += plan_contents(alone, passed if alone else (), here, should_stop)
        self.must_plan = False
        return planned
