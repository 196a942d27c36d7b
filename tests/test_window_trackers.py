"""Which tracker an empty field means, and the ones that are offered to choose."""

from __future__ import annotations

from collections.abc import Mapping

from roles.program.profile import Profile
from roles.role import Role
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import UserInputError
from roles.values.events import Post, RoleStopped, TrackersFound
from roles.values.findings import FoundTracker
from roles.values.program_settings import MAX_RECENTS
from roles.values.settings import Failover
from tests.support import WindowTestCase
from tests.windows import AppWindowTest, text_of
from ui.window.event_pump import EventPump
from ui.window.settings_keeper import SettingsKeeper
from ui.window.theme import Theme
from ui.window.tracker_choice import TrackerChoice
from ui.window.tracker_field import TrackerField

HERE = Address(LOOPBACK, 12500)
OWN = Address(LOOPBACK, 12511)
ONE = FoundTracker(Address("10.0.0.5", 12500), "lab-pc-07", is_original=False)
OTHER = FoundTracker(Address("10.0.0.6", 12500), "", is_original=True)


class ChoiceTestCase(WindowTestCase):
    def setUp(self) -> None:
        super().setUp()
        profile = Profile(self.folder / "settings.json", self.folder)
        self.pump = EventPump(self.root)
        self.settings = SettingsKeeper(self.root, profile, self.pump, self.fail)
        self.text = self.settings.variable("tracker")
        self.choice = self.make({})

    def make(self, environment: Mapping[str, str]) -> TrackerChoice:
        return TrackerChoice(environment, self.settings)


class TrackerChoiceTest(ChoiceTestCase):
    def test_an_empty_field_means_this_computer_when_nothing_else_is_known(self) -> None:
        self.assertEqual(self.choice.parse(" "), HERE)
        self.assertEqual(self.choice.empty_means, "Automatic: this computer")

    def test_the_only_one_that_was_found_is_used(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        self.assertEqual(self.choice.parse(""), ONE.address)
        self.assertEqual(self.choice.empty_means, "Found: lab-pc-07 (10.0.0.5:12500)")
        self.assertEqual(self.choice.advice, "")

    def test_of_several_the_user_chooses(self) -> None:
        self.choice.take(TrackersFound((ONE, OTHER)))
        self.assertEqual(self.choice.parse(""), HERE)
        self.assertEqual(self.choice.advice, "2 trackers found: choose one.")
        self.text.set("10.0.0.6")
        self.assertEqual(self.choice.advice, "")

    def test_the_one_in_use_stays_when_another_one_is_found(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        self.choice.take(TrackersFound((ONE, OTHER)))
        self.assertEqual(self.choice.parse(""), ONE.address)
        self.choice.take(TrackersFound((OTHER,)))
        self.assertEqual(self.choice.parse(""), OTHER.address)

    def test_the_tracker_of_this_window_goes_before_a_found_one(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        self.choice.use_own(OWN)
        self.assertEqual(self.choice.parse(""), OWN)
        self.assertEqual(self.choice.empty_means, "Automatic: this window's tracker, port 12511")
        self.choice.forget_own(())
        self.assertEqual(self.choice.parse(""), ONE.address)

    def test_the_tracker_of_this_window_is_not_used_where_it_was_found_once_it_ends(self) -> None:
        found = FoundTracker(
            Address("10.0.0.7", OWN.port), "teacher-pc", is_original=False, room="1a2b3c4d"
        )
        self.choice.take(TrackersFound((found,)))
        self.choice.use_own(OWN)
        self.choice.forget_own({found.room})
        self.assertFalse(self.choice.is_known)
        self.assertEqual(self.choice.parse(""), HERE)
        self.choice.take(TrackersFound((found, ONE)))
        self.choice.forget_own({found.room})
        self.assertEqual(self.choice.parse(""), ONE.address)

    def test_the_environment_goes_before_both_and_what_is_typed_before_all(self) -> None:
        choice = self.make({"LMK_TRACKER": "10.0.0.9"})
        choice.take(TrackersFound((ONE,)))
        choice.use_own(OWN)
        self.assertEqual(choice.parse(""), Address("10.0.0.9", 12500))
        self.assertEqual(choice.empty_means, "Automatic: 10.0.0.9")
        self.assertEqual(choice.parse("pc:5"), Address("pc", 5))
        with self.assertRaises(UserInputError):
            choice.parse("a b")

    def test_one_that_the_user_named_is_followed_and_one_that_was_chosen_replaced(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        named = Address("10.0.0.9", 12500)
        self.assertIs(self.choice.failover_for(self.choice.parse("")), Failover.ANY)
        self.text.set("10.0.0.9")
        self.assertIs(self.choice.failover_for(named), Failover.SAME)
        self.assertIs(self.choice.failover_for(ONE.address), Failover.ANY)  # picked from the list
        self.text.set("")
        self.choice.use_own(OWN)
        self.assertIs(self.choice.failover_for(OWN), Failover.SAME)
        for environment, failover in (
            ({"LMK_TRACKER": "10.0.0.9"}, Failover.SAME),
            ({"LMK_DISCOVER": "off"}, Failover.NOWHERE),
        ):
            self.assertIs(self.make(environment).failover_for(named), failover)

    def test_an_empty_field_means_what_a_role_found_in_place_of_a_silent_one(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        self.assertTrue(self.choice.moved(ONE.address, OTHER.address))
        self.assertEqual(self.choice.parse(""), OTHER.address)
        self.text.set("10.0.0.6")
        self.assertFalse(self.choice.moved(OTHER.address, ONE.address))

    def test_what_was_found_is_offered_with_its_name_and_what_answered_before_below(self) -> None:
        self.choice.take(TrackersFound((ONE, OTHER)))
        self.choice.remember(ONE.address)
        self.choice.remember(Address("10.0.0.8", 12500))
        self.assertEqual(
            self.choice.offers,
            {
                "10.0.0.5:12500  ·  lab-pc-07": "10.0.0.5:12500",
                "10.0.0.6:12500  ·  original program": "10.0.0.6:12500",
                "10.0.0.8:12500": "10.0.0.8:12500",
            },
        )

    def test_only_a_few_are_remembered_and_never_this_computer(self) -> None:
        self.choice.remember(HERE)
        for number in range(20):
            self.choice.remember(Address(f"10.0.0.{number}", 12500))
        self.assertEqual(len(self.settings.now.recent_trackers), MAX_RECENTS)
        self.assertEqual(self.settings.now.recent_trackers[0], "10.0.0.19:12500")

    def test_a_name_that_could_fool_the_reader_is_escaped(self) -> None:
        hostile = FoundTracker(ONE.address, "pc\u202e\n", is_original=False)
        self.choice.take(TrackersFound((hostile,)))
        self.assertIn("pc\\u202e\\u000a", next(iter(self.choice.offers)))
        self.assertIn("pc\\u202e\\u000a", self.choice.empty_means)

    def test_no_search_where_a_tracker_is_named_or_that_is_switched_off(self) -> None:
        self.assertTrue(self.choice.may_search)
        self.assertFalse(self.make({"LMK_TRACKER": "10.0.0.5"}).may_search)
        self.assertFalse(self.make({"LMK_DISCOVER": "off"}).may_search)


class TrackerFieldTest(ChoiceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.commits = list[str]()
        self.field = TrackerField(
            self.root,
            Theme(self.root),
            self.choice,
            lambda: self.commits.append(self.text.get()),
        )

    def test_choosing_a_line_puts_its_address_into_the_field(self) -> None:
        self.choice.take(TrackersFound((ONE, OTHER)))
        self.assertEqual(text_of(self.field.advice), "2 trackers found: choose one.")
        self.text.set(self.field.entry.cget("values")[0])
        self.field.entry.event_generate("<<ComboboxSelected>>")
        self.assertEqual(self.commits, ["10.0.0.5:12500"])
        self.assertEqual(text_of(self.field.advice), "")

    def test_the_placeholder_follows(self) -> None:
        self.choice.take(TrackersFound((ONE,)))
        self.assertIn("lab-pc-07", str(self.field._placeholder.cget("text")))


class _Looking(Role):
    """A role that finds what it is told to."""

    def __init__(
        self, post: Post, remembered: tuple[Address, ...], found: tuple[FoundTracker, ...]
    ) -> None:
        super().__init__("looking", post)
        self.remembered, self.found = remembered, found

    def start(self) -> None:
        self._post(TrackersFound(self.found))

    def stop(self) -> None:
        self._post(RoleStopped())

    def _run(self) -> None: ...


class SearchTest(AppWindowTest):
    def open_looking(self, environment: Mapping[str, str]) -> list[_Looking]:
        roles = list[_Looking]()
        found = FoundTracker(Address(LOOPBACK, self.tracker_port), "pc", is_original=False)

        def make(post: Post, remembered: tuple[Address, ...]) -> _Looking:
            roles.append(_Looking(post, remembered, (found,)))
            return roles[-1]

        self.keep(tracker="", recent_trackers=["10.0.0.8:12500", "not an address"])
        self.open_window(environment=environment, discover=make)
        return roles

    def tracker_in_use(self) -> Address | None:
        return self.model.settings.tracker if self.model.settings is not None else None

    def test_a_found_tracker_is_used_at_once_by_an_empty_field(self) -> None:
        roles = self.open_looking({})
        self.assertEqual(roles[0].remembered, (Address("10.0.0.8", 12500),))
        here = Address(LOOPBACK, self.tracker_port)  # the leecher really asks it
        self.pump_until(lambda: self.tracker_in_use() == here)
        self.assertEqual(self.window.leecher.form.tracker.variable.get(), "")

    def test_nobody_is_asked_where_that_is_switched_off(self) -> None:
        self.assertEqual(self.open_looking({"LMK_DISCOVER": "off"}), [])
