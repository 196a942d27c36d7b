"""Which tracker is meant: typed, from the environment, of this window, found, or on this computer.

One choice for the fields of two tabs. It shows nothing and asks nobody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeAlias

from roles.values.addresses import LOOPBACK, TRACKER_PORT, Address, is_loopback, parse_address
from roles.values.errors import UserInputError
from roles.values.events import Post, RoleEvent, TrackersFound
from roles.values.findings import FoundTracker
from roles.values.room_words import shown_computer
from roles.values.safe_names import shown_name
from roles.values.settings import Failover
from roles.values.typed_settings import may_discover, tracker_address
from ui import wording
from ui.window.settings_keeper import SettingsKeeper

if TYPE_CHECKING:
    from roles.role import Role

MakeDiscovery: TypeAlias = (
    "Callable[[Post, tuple[Address, ...]], Role]"  # addresses to ask one by one
)


class TrackerChoice:
    """Owned by Tk's thread."""

    def __init__(self, environment: Mapping[str, str], settings: SettingsKeeper) -> None:
        self.text = settings.variable("tracker")
        self.own: Address | None = None  # this window's, as programs on this computer reach it
        self.is_only_here = False  # other computers cannot reach it
        self.found: tuple[FoundTracker, ...] = ()
        self._named = environment.get("LMK_TRACKER", "").strip()
        self._environment = environment
        self._settings = settings
        self._taken: Address | None = None  # the found tracker that an empty field means
        self._not_kept: str | None = None
        self._followers = list[Callable[[], None]]()

    def follow(self, changed: Callable[[], None]) -> None:
        """Call this now, and when an empty field means another tracker or the choices change."""
        self._followers.append(changed)
        changed()

    def use_own(self, address: Address | None, *, is_only_here: bool = False) -> None:
        """A tracker of this window runs."""
        self.own, self.is_only_here = address, is_only_here
        self._tell()

    def forget_own(self, rooms: Collection[str]) -> None:
        """The tracker of this window ends. The search has found its room, too, perhaps at another
        address of this computer, and would miss it only half a minute later.
        """
        self.own, self.is_only_here = None, False
        left = tuple(tracker for tracker in self.found if tracker.room not in rooms)
        if left != self.found:
            self._choose_from(left)
        else:
            self._tell()

    @property
    def may_search(self) -> bool:
        """Whether to search: not if a tracker is named, and not if the search is off."""
        return not self._named and may_discover(self._environment)

    @property
    def remembered(self) -> tuple[Address, ...]:
        """Trackers that answered in earlier runs; a settings file may have been edited by hand."""
        addresses = list[Address]()
        for text in self._settings.now.recent_trackers:
            with contextlib.suppress(UserInputError):
                addresses.append(parse_address(text, TRACKER_PORT))
        return tuple(addresses)

    def take(self, event: RoleEvent) -> None:
        """The search found these. A single one is used at once, and stays in use when others come
        later.
        """
        if isinstance(event, TrackersFound):
            self._choose_from(event.trackers)

    def _choose_from(self, found: tuple[FoundTracker, ...]) -> None:
        self.found = found
        addresses = [tracker.address for tracker in found]
        if self._taken not in addresses:
            self._taken = addresses[0] if len(addresses) == 1 else None
        self._tell()

    def parse(self, typed: str) -> Address:
        """The tracker that is meant. Raises UserInputError."""
        if not typed.strip() and not self._named:
            return self.own or self._taken or Address(LOOPBACK, TRACKER_PORT)
        return tracker_address(typed, self._environment)

    def failover_for(self, tracker: Address) -> Failover:
        """Where else to look for a tracker that parse() gave."""
        if not may_discover(self._environment):
            return Failover.NOWHERE
        is_chosen_here = self.is_open and not self._named and tracker != self.own
        is_found = self.found_at(tracker) is not None
        return Failover.ANY if is_chosen_here or is_found else Failover.SAME

    def moved(self, former: Address, tracker: Address) -> bool:
        """A role now uses this tracker at another address; True if an empty field means that one
        too.
        """
        if not self.is_open or self.parse("") != former or former == self.own:
            return False
        self._taken = tracker
        self._tell()
        return True

    @property
    def is_open(self) -> bool:
        """Whether nothing was typed, so that another tracker may be meant later."""
        return not self.text.get().strip()

    @property
    def is_known(self) -> bool:
        """Whether it is certain which one is meant: otherwise none was found yet, or several."""
        chosen = self._named or not self.is_open
        return bool(chosen) or self.own is not None or self._taken is not None

    @property
    def name(self) -> str:
        """The computer of the found tracker that is meant; "" if that is unknown."""
        taken = self.found_at(self._taken)
        return "" if taken is None else wording.computer_name(taken.name, taken.address)

    @property
    def empty_means(self) -> str:
        """What to show in an empty field."""
        if self._named:
            return f"Automatic: {shown_name(self._named, 60)}"
        if self.own is not None:
            return f"Automatic: this window's tracker, port {self.own.port}"
        if (taken := self.found_at(self._taken)) is not None:
            return f"Found: {wording.computer(taken.name, taken.address)}"
        return "Automatic: this computer"

    @property
    def in_words(self) -> tuple[str, str]:
        """The tracker that is meant, and what is known of it."""
        try:
            meant = self.parse(self.text.get())
        except UserInputError:  # the field says what is wrong
            return shown_name(self.text.get().strip() or self._named, 60), ""
        if self.own is not None and meant == self.own:
            return "This computer", f"this window's tracker, port {meant.port}"
        found = self.found_at(meant)
        how = ""
        if self.is_open:
            is_found = not self._named and self._taken is not None
            how = "found automatically" if is_found else "from LMK_TRACKER" * bool(self._named)
        if is_loopback(meant.host):
            name, where = "This computer", f"port {meant.port}"
        elif found is not None and found.name:
            name, where = shown_computer(found.name), str(meant)
        else:
            name, where = str(meant), ""
        return name, " · ".join(part for part in (where, how) if part)

    @property
    def advice(self) -> str:
        """What to do where the program may not choose."""
        is_settled = self._named or self.own is not None or self._taken is not None
        if is_settled or len(self.found) < 2 or not self.is_open:
            return ""
        return f"{len(self.found)} trackers found: choose one."

    @property
    def offers(self) -> dict[str, str]:
        """The lines of the drop-down list, and what each puts into the field."""
        lines = {_line(tracker): str(tracker.address) for tracker in self.found}
        known = set(lines.values())
        return lines | {
            tracker: tracker
            for tracker in self._settings.now.recent_trackers
            if tracker not in known
        }

    def use_for_now(self, address: Address) -> None:
        """Fill in a tracker that the user did not choose for the next run."""
        self._not_kept = str(address)
        self.text.set(self._not_kept)

    def keep(self) -> None:
        """Keep what the user typed."""
        typed = self.text.get().strip()
        if typed != self._not_kept:
            self._not_kept = None
            self._settings.change(tracker=typed)

    def remember(self, answered: Address) -> None:
        """Offer a tracker that answered in later runs too."""
        settings, text = self._settings.now, str(answered)
        if not is_loopback(answered.host) and settings.recent_trackers[:1] != (text,):
            self._settings.replace(settings.with_recent_tracker(text))
            self._tell()

    def found_at(self, address: Address | None) -> FoundTracker | None:
        return next((tracker for tracker in self.found if tracker.address == address), None)

    def _tell(self) -> None:
        for changed in self._followers:
            changed()


def _line(found: FoundTracker) -> str:
    name = shown_computer(found.name)
    kind = "Private" if found.is_private else "original program" * found.is_original
    return "  ·  ".join(part for part in (str(found.address), name, kind) if part)
