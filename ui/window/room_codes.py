"""The codes of private rooms: which trackers want one, and which one each has accepted. No widgets.

To try a code, an Observer asks who is in the room, and everything else goes on meanwhile. A room
that had a code is not entered without one unless the user agrees: somebody else may answer there.
"""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from typing import TYPE_CHECKING

from roles.program.kept_codes import KeptCodes
from roles.program.profile import Profile
from roles.values import room_code
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, LmkError, StorageError, UserInputError
from roles.values.events import RoleEvent, RoleStopped, RoomChanged
from roles.values.settings import Follow
from ui.window.event_pump import EventPump
from ui.window.running_roles import RunningRoles
from ui.window.tracker_choice import TrackerChoice

if TYPE_CHECKING:
    from roles.observer import Observer

TYPE_IT = "Type the code of this room."
CHANGED = "This room has a new code. Ask for it and type it here."


class RoomCodes:
    """Owned by Tk's thread; background work writes to the disk."""

    def __init__(
        self,
        place: tk.Misc,
        profile: Profile,
        pump: EventPump,
        roles: RunningRoles,
        trackers: TrackerChoice,
        warn: Callable[[str], None],
    ) -> None:
        """`place` is any widget. `warn` gets a sentence if codes cannot be remembered."""
        self.typed = tk.StringVar(place)
        self.remember = tk.BooleanVar(place)  # the code of the chosen tracker
        self.tracker: Address | None = None  # the chosen one; None if what is typed names none
        self.problem = ""  # what is wrong with its code, as a sentence
        self.is_saving = False
        self._pump, self._roles, self._trackers, self._warn = pump, roles, trackers, warn
        self._file = KeptCodes(profile.room_codes_file)
        self._kept = self._file.load()  # all by the address of the tracker, as text
        self._saved = dict(self._kept)
        self._codes = dict(self._kept)  # those that no tracker has refused
        # By address: True if a role was refused without one, False if it got in or the user agreed
        self._needs_code = dict[str, bool]()
        self._own = set[str]()  # where this window's tracker is
        self._may_be_open = False  # the chosen tracker's room
        self._trying: Observer | None = None
        self._followers = list[Callable[[], None]]()
        self.remember.trace_add("write", lambda *_: self._keep())
        trackers.text.trace_add("write", lambda *_: self._look())
        trackers.follow(self._look)

    def follow(self, changed: Callable[[], None]) -> None:
        """Call this now and after each change."""
        self._followers.append(changed)
        changed()

    def of(self, tracker: Address) -> str:
        """The code to use there; "" for none."""
        return self._codes.get(str(tracker), "")

    def is_private(self, tracker: Address | None) -> bool:
        if tracker is None or self.of(tracker):
            return tracker is not None
        found = any(one.is_private for one in self._trackers.found if one.address == tracker)
        return self._needs_code.get(str(tracker), found)  # what was found may be out of date

    def is_needed(self, tracker: Address | None) -> bool:
        """Whether the room there is private and we lack its code."""
        return tracker is not None and self.is_private(tracker) and not self.of(tracker)

    @property
    def is_own(self) -> bool:
        """Whether the chosen tracker is this window's, and private."""
        return str(self.tracker) in self._own

    @property
    def is_trying(self) -> bool:
        return self._trying is not None

    def own(self, code: str, *addresses: Address) -> None:
        """This window's tracker has this code and these addresses; "" for an open room or none."""
        for address in self._own:
            self._codes.pop(address, None)
            if self._needs_code.get(address):
                del self._needs_code[address]
        self._own = {str(address) for address in addresses} if code else set()
        self._codes |= dict.fromkeys(self._own, code)
        self._tell()

    def moved(self, former: Address, tracker: Address) -> None:
        """A role of this room uses this address now. A forged beacon may have led it there, so no
        other role sends the code there before a person has typed it.
        """
        if self.is_private(former) and not self.of(tracker):
            self._needs_code.setdefault(str(tracker), True)
            self._tell()

    def is_open(self, tracker: Address) -> None:
        """A role has entered without a code."""
        if self.is_private(tracker):
            self._needs_code[str(tracker)] = False
            self._tell()

    def refused(self, tracker: Address, code: str, why: LmkError | None) -> bool:
        """A role ended; True if because it could not enter with this code ("" for none)."""
        if not isinstance(why, CodeRefusedError):
            return False
        is_news = code == self.of(tracker)  # otherwise another code has been tried since
        if is_news:
            self._needs_code[str(tracker)] = True
        if is_news and code:
            del self._codes[str(tracker)]
            if why.tries_left is not None:
                self._kept.pop(str(tracker), None)
                self._save()
            if tracker == self.tracker:
                self.problem = str(why) if why.tries_left is None else CHANGED
                self._may_be_open = why.tries_left is None
        self._tell()
        return True

    def try_typed(self, then: Callable[[], None] | None = None) -> None:
        """Try what is typed at the chosen tracker, and call `then` if it is right. Without `then`,
        an empty field means that the user agrees to enter the room without a code, if it may be
        open.
        """
        tracker, typed = self.tracker, self.typed.get()
        if tracker is None or self._trying is not None:
            return
        try:
            if not typed.strip():
                raise UserInputError(TYPE_IT)
            self._try(tracker, room_code.parsed(typed), then)
        except UserInputError as error:
            self.problem = str(error)
            if self._may_be_open and then is None and not typed.strip():
                self._needs_code[str(tracker)] = False
                self.problem = ""
        self._tell()

    def _try(self, tracker: Address, code: str, then: Callable[[], None] | None) -> None:
        from roles.observer import Observer  # not before the window is painted

        def take(event: RoleEvent) -> None:
            if self._trying is not observer:
                return
            match event:
                case RoomChanged():
                    self._trying = None
                    observer.stop()
                    self._codes[str(tracker)] = code
                    self.typed.set("")
                    self._keep()
                    self._tell()
                    if then is not None:
                        then()
                case RoleStopped(failure):
                    self._trying = None
                    if failure is not None and tracker == self.tracker:
                        self._say_why(failure)
                    self._tell()
                case _:
                    pass

        self.problem = ""
        observer = self._roles.start(
            lambda post: Observer(tracker, Follow.NOWHERE, post, code), take
        )
        self._trying = observer

    def _say_why(self, failure: LmkError) -> None:
        """Say why the code that was typed cannot be used."""
        left = failure.tries_left if isinstance(failure, CodeRefusedError) else None
        self._may_be_open = isinstance(failure, CodeRefusedError) and left is None
        if left is None:
            self.problem = str(failure)
        elif left:
            tries = "1 try" if left == 1 else f"{left} tries"
            self.problem = f"Wrong code. {tries} left before a pause of a minute."
        else:
            self.problem = "Wrong code. Wait a minute before you try again."

    def _look(self) -> None:
        """Another tracker may be chosen, or others found."""
        try:
            tracker = self._trackers.parse(self._trackers.text.get())
        except UserInputError:  # its field says what is wrong
            tracker = None
        if tracker != self.tracker:
            self.tracker, self.problem, self._may_be_open = tracker, "", False
            self.remember.set(str(tracker) in self._kept)
        self._tell()

    def _tell(self) -> None:
        for changed in self._followers:
            changed()

    # On the disk

    def _keep(self) -> None:
        """Remember the code of the chosen tracker, or forget it."""
        tracker = self.tracker
        if tracker is None or self.is_own:
            return
        if not self.remember.get():
            self._kept.pop(str(tracker), None)
        elif self.of(tracker):
            self._kept[str(tracker)] = self.of(tracker)
        self._save()

    def _save(self) -> None:
        if not self.is_saving and self._kept != self._saved:
            self.is_saving, self._saved = True, dict(self._kept)
            kept = self._saved
            self._pump.in_background(lambda: self._written(kept), self._has_saved)

    def _written(self, kept: dict[str, str]) -> str:
        try:
            self._file.save(kept)
        except StorageError as error:
            return str(error)
        return ""

    def _has_saved(self, problem: str) -> None:
        self.is_saving = False
        if problem:
            self._warn(f"The code cannot be remembered: {problem}")
        self._save()
