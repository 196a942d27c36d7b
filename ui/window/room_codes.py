"""The codes of private rooms: which trackers want one, and which one each has accepted. No widgets.

To try a code, an Observer asks who is in the room, and everything else goes on meanwhile. A room
that had a code is not entered without one unless the user agrees: somebody else may answer there.
"""

from __future__ import annotations

import tkinter as tk
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roles.program.kept_codes import KeptCodes
from roles.program.profile import Profile
from roles.values import room_code
from roles.values.addresses import Address
from roles.values.errors import CodeRefusedError, LmkError, UserInputError
from roles.values.events import RoleEvent, RoleStopped, RoomChanged
from roles.values.settings import Failover
from ui.window.event_pump import EventPump
from ui.window.running_roles import RunningRoles
from ui.window.saving import Saving
from ui.window.tracker_choice import TrackerChoice

if TYPE_CHECKING:
    from roles.observer import Observer

TYPE_IT = "Type the code of this room."
CHANGED = "This room has a new code. Ask for it and type it here."


@dataclass(slots=True)
class Room:
    code: str = ""  # to use there; "" if none is known or the last one was refused
    kept: str = ""  # the code to remember
    is_own: bool = False  # private, and its tracker is this window's
    # True if a role was refused without a code, False if one got in or the user agreed
    needs_code: bool | None = None
    problem: str = ""  # what is wrong with the code, as a sentence
    may_be_open: bool = False

    def refused(self, code: str, why: CodeRefusedError) -> None:
        """A role could not enter with this code ("" for none)."""
        if code != self.code:  # another one has been tried since
            return
        self.code, self.needs_code = "", True
        if code and why.tries_left is None:
            self.problem, self.may_be_open = str(why), True
        elif code:
            self.problem, self.may_be_open, self.kept = CHANGED, False, ""

    def failed(self, why: LmkError) -> None:
        """The code that was typed cannot be used."""
        left = why.tries_left if isinstance(why, CodeRefusedError) else None
        self.may_be_open = isinstance(why, CodeRefusedError) and left is None
        if left is None:
            self.problem = str(why)
        elif left:
            tries = "1 try" if left == 1 else f"{left} tries"
            self.problem = f"Wrong code. {tries} left before a pause of a minute."
        else:
            self.problem = "Wrong code. Wait a minute before you try again."


class RoomCodes:
    """Owned by Tk's thread."""

    def __init__(
        self,
        widget: tk.Misc,
        profile: Profile,
        pump: EventPump,
        roles: RunningRoles,
        trackers: TrackerChoice,
        warn: Callable[[str], None],
    ) -> None:
        """`widget` is any of the window. `warn` gets a sentence if codes cannot be remembered."""
        self.typed = tk.StringVar(widget)
        self.remember = tk.BooleanVar(widget)  # the code of the chosen tracker
        self.tracker: Address | None = None  # the chosen one; None if what is typed names none
        self.chosen = Room()  # of that tracker
        self._roles, self._trackers = roles, trackers
        file = KeptCodes(profile.room_codes_file)
        kept = file.load()
        self._saving = Saving(
            pump,
            file.save,
            kept,
            lambda problem: warn(f"The code cannot be remembered: {problem}"),
        )
        rooms = {tracker: Room(code, code) for tracker, code in kept.items()}
        self._rooms = defaultdict(Room, rooms)  # by the address of the tracker, as text
        self.trying: Observer | None = None  # while it tries a code
        self._followers = list[Callable[[], None]]()
        self.remember.trace_add("write", lambda *_: self._keep())
        trackers.text.trace_add("write", lambda *_: self._look())
        trackers.follow(self._look)

    @property
    def is_writing(self) -> bool:
        return self._saving.is_writing

    def follow(self, changed: Callable[[], None]) -> None:
        """Call this now and after each change."""
        self._followers.append(changed)
        changed()

    def of(self, tracker: Address) -> str:
        """The code to use there; "" for none."""
        return self._rooms[str(tracker)].code

    def is_private(self, tracker: Address | None) -> bool:
        room = self._rooms[str(tracker)]
        if room.code or room.needs_code is not None:  # what was found may be out of date
            return bool(room.code or room.needs_code)
        found = self._trackers.found_at(tracker)
        return found is not None and found.is_private

    def is_needed(self, tracker: Address | None) -> bool:
        """Whether the room there is private and we lack its code."""
        return self.is_private(tracker) and not self._rooms[str(tracker)].code

    def own(self, code: str, *addresses: Address) -> None:
        """This window's tracker has this code and these addresses; "" for an open room or none."""
        for room in self._rooms.values():
            if room.is_own:
                room.code, room.is_own = "", False
                if room.needs_code:
                    room.needs_code = None
        for address in addresses if code else ():
            room = self._rooms[str(address)]
            room.code, room.is_own = code, True
        self._tell()

    def moved(self, former: Address, tracker: Address) -> None:
        """A role of this room uses this address now. A forged answer may have led it there, so no
        other role sends the code there before a person has typed it.
        """
        room = self._rooms[str(tracker)]
        if self.is_private(former) and not room.code and room.needs_code is None:
            room.needs_code = True
            self._tell()

    def is_open(self, tracker: Address) -> None:
        """A role has entered without a code."""
        if self.is_private(tracker):
            self._rooms[str(tracker)].needs_code = False
            self._tell()

    def refused(self, tracker: Address, code: str, why: LmkError | None) -> bool:
        """A role ended; True if because it could not enter with this code ("" for none)."""
        if not isinstance(why, CodeRefusedError):
            return False
        self._rooms[str(tracker)].refused(code, why)
        self._save()
        self._tell()
        return True

    def try_typed(self, then: Callable[[], None] | None = None) -> None:
        """Try what is typed at the chosen tracker, and call `then` if it is right. Without `then`,
        an empty field means that the user agrees to enter the room without a code, if it may be
        open.
        """
        tracker, room, typed = self.tracker, self.chosen, self.typed.get()
        if tracker is None or self.trying is not None:
            return
        try:
            if typed.strip():
                self._try(tracker, room_code.parsed(typed), then)
            elif room.may_be_open and then is None:
                room.needs_code, room.problem = False, ""
            else:
                room.problem = TYPE_IT
        except UserInputError as error:
            room.problem = str(error)
        self._tell()

    def _try(self, tracker: Address, code: str, then: Callable[[], None] | None) -> None:
        from roles.observer import Observer  # not before the window is painted

        room = self._rooms[str(tracker)]

        def take(event: RoleEvent) -> None:
            if self.trying is not observer:
                return
            match event:
                case RoomChanged():
                    self.trying = None
                    observer.stop()
                    room.code = code
                    self.typed.set("")
                    self._keep()
                    self._tell()
                    if then is not None:
                        then()
                case RoleStopped(failure):
                    self.trying = None
                    if failure is not None:
                        room.failed(failure)
                    self._tell()
                case _:
                    pass

        room.problem = ""
        observer = self._roles.start(
            lambda post: Observer(tracker, Failover.NOWHERE, post, code), take
        )
        self.trying = observer

    def _look(self) -> None:
        """Another tracker may be chosen, or others found."""
        try:
            tracker = self._trackers.parse(self._trackers.text.get())
        except UserInputError:  # its field says what is wrong
            tracker = None
        if tracker != self.tracker:
            self.tracker, self.chosen = tracker, self._rooms[str(tracker)]
            self.chosen.problem, self.chosen.may_be_open = "", False
            self.remember.set(bool(self.chosen.kept))
        self._tell()

    def _tell(self) -> None:
        for changed in self._followers:
            changed()

    def _keep(self) -> None:
        """Remember the code of the chosen tracker, or forget it."""
        room = self.chosen
        if not room.is_own:
            room.kept = (room.code or room.kept) if self.remember.get() else ""
            self._rooms.pop(str(self.tracker), None)
            self._rooms[str(self.tracker)] = room  # the last one, because the first are dropped
            self._save()

    def _save(self) -> None:
        self._saving.save(
            {tracker: room.kept for tracker, room in self._rooms.items() if room.kept}
        )
