"""The first page of a new user, and the page that checks the computer."""

from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar
from unittest import mock

from roles import checker
from roles.checker import Checker
from roles.net.interfaces import OwnAddress
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import TrackersFound
from roles.values.findings import FoundTracker
from tests.support import widget_texts
from tests.windows import AppWindowTest, examples, is_gone, press, sentences
from ui.check_words import Outcome
from ui.window.app_window import AppWindow
from ui.window.running_roles import RunState
from ui.window.tracker_tab import FIELD_MISTAKE, QUESTION

TEACHER = FoundTracker(Address("10.0.0.5", 12500), "Teacher-PC", is_original=False)


class StartPageTest(AppWindowTest):
    withdrawn: ClassVar[bool] = False

    def open_new(self, **settings: object) -> AppWindow:
        """A window as a new user sees it."""
        self.keep(**{"has_begun": False, "tracker": "", **settings})
        window = self.open_window()
        window.focus_force()
        window.tabs.show("Log")
        window.tabs.show("Start")
        window.update()
        return window

    def lesson(self) -> Path:
        folder = self.folder / "lesson"
        folder.mkdir()
        (folder / "notes.txt").write_bytes(b"Lesson 1")
        return folder

    def test_a_new_user_is_asked_what_to_do(self) -> None:
        window = self.open_new()
        self.assertIs(window.tabs.in_front, window.start)
        self.pump_until(lambda: window.focus_get() is window.start.get.button)

    def test_the_first_choice_has_the_focus_as_soon_as_the_window_is_there(self) -> None:
        self.keep(has_begun=False, tracker="")
        window = self.open_window()
        self.assertIs(window.focus_lastfor(), window.start.get.button)

    def test_the_arrows_go_from_card_to_card_and_enter_presses(self) -> None:
        window = self.open_new()
        self.pump_until(lambda: window.focus_get() is window.start.get.button)
        for key, card in (("<Right>", "give"), ("<Right>", "run"), ("<Left>", "give")):
            focus = window.focus_get()
            assert focus is not None
            focus.event_generate(key)
            window.update()
            self.assertIs(window.focus_get(), getattr(window.start, card).button)
        window.start.get.button.focus_force()
        window.update()
        window.start.get.button.event_generate("<Return>")
        window.update()
        self.assertIs(window.tabs.in_front, window.leecher)

    def test_the_numbers_of_the_tabs_lead_past_it_and_back_is_a_tab(self) -> None:
        window = self.open_new()
        window.event_generate("<Control-Key-1>")
        window.update()
        self.assertIs(window.tabs.in_front, window.tracker)
        self.assertTrue(window.tabs.is_there("Start"))
        window.tabs.show("Start")
        self.assertIs(window.tabs.in_front, window.start)

    def test_who_has_used_a_role_does_not_see_it_again(self) -> None:
        window = self.open_new()
        press(window.start, "Start the room")
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.pump_until(lambda: not window.tabs.is_there("Start"))
        window.close_now()
        self.pump_until(lambda: is_gone(window))
        self.assertIs(self.kept()["has_begun"], True)
        later = self.open_window()
        self.assertIs(later.tabs.in_front, later.leecher)

    def test_a_tracker_that_is_found_is_named_on_each_card(self) -> None:
        window = self.open_new()
        window._context.trackers.take(TrackersFound((TEACHER,)))
        window._show_start()
        self.assertIn("Teacher-PC", window.start.get.said)
        self.assertIn("Joins the room of Teacher-PC", window.start.give.said)
        self.assertIn("Start only one: Teacher-PC", window.start.run.said)

    def test_a_folder_starts_a_room_if_there_is_none(self) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.ask_folder = lambda _title, _start, then: then(str(folder))
        press(window.start, "Choose a folder …")
        self.pump_until(lambda: window._context.trackers.own is not None)
        self.pump_until(lambda: window.seeder.seeded_files == 1)
        self.assertIs(window.tabs.in_front, window.seeder)

    def test_a_folder_that_is_given_while_the_room_starts_is_shared_in_it(self) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        window.tracker.start()
        self.assertIs(window.tracker.run_state, RunState.STARTING)
        window._give()
        window._give()  # again, because nothing is to be seen yet
        self.pump_until(lambda: window.seeder.seeded_files == 1)

    def test_a_folder_that_is_given_while_the_room_stops_is_shared_in_the_next_one(self) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        first = window.tracker.run
        window.tracker.start_or_stop()
        self.assertIs(window.tracker.run_state, RunState.STOPPING)
        window._give()
        self.pump_until(lambda: window.seeder.seeded_files == 1)
        self.assertIsNot(window.tracker.run, first)
        self.assertIs(window.tracker.run_state, RunState.RUNNING)

    def test_a_folder_that_is_given_after_the_room_was_stopped_as_it_started_is_shared(
        self,
    ) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        window.tracker.start()
        window.tracker.start_or_stop()
        window._give()
        self.pump_until(lambda: window.seeder.seeded_files == 1)
        self.assertIs(window.tracker.run_state, RunState.RUNNING)

    def test_a_mistake_in_the_trackers_fields_is_said_where_it_is_seen_and_ends_the_wish(
        self,
    ) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        port = window.tracker.form.port.variable
        good = port.get()
        for wish in (window._give, window.try_it):
            port.set("99999")
            wish()
            self.assertEqual(sentences(window.notices), [FIELD_MISTAKE])
            port.set(good)
            window.notices.close_newest()
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.assertIsNone(window.seeder.main)

    def test_what_was_wrong_with_the_tracker_is_no_longer_said_once_it_starts(self) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        port = window.tracker.form.port.variable
        good = port.get()
        port.set("99999")
        window._give()
        port.set(good)
        window._give()
        self.pump_until(lambda: window.seeder.seeded_files == 1)
        self.assertEqual(sentences(window.notices), [])

    def asked_to_join(self) -> AppWindow:
        """Its own tracker has stopped, another one was found meanwhile, and a folder is wished."""
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        window.tracker.start_or_stop()
        window._give()
        window._context.trackers.take(TrackersFound((TEACHER,)))
        self.pump_until(lambda: window.tracker.notices.has(QUESTION))
        return window

    def test_who_starts_another_tracker_shares_the_folder_there(self) -> None:
        window = self.asked_to_join()
        press(window.tracker.notices, "Start another one")
        self.pump_until(lambda: window.seeder.seeded_files == 1)

    def test_who_starts_no_other_tracker_shares_nothing_at_the_next_start(self) -> None:
        window = self.asked_to_join()
        window.tracker.notices.close_newest()
        window._context.trackers.take(TrackersFound(()))
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.assertIsNone(window.seeder.main)

    def test_trying_it_while_the_room_stops_starts_one_for_this_computer(self) -> None:
        window = self.open_new()
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        window.tracker.start_or_stop()
        window.try_it()
        self.wait_for_files(len(examples()))
        assert window.tracker.run is not None
        self.assertTrue(window.tracker.run.is_only_here)

    def test_a_room_that_is_wanted_while_the_last_one_stops_is_for_all_if_trying_it_comes_second(
        self,
    ) -> None:
        window = self.open_new()
        window.tracker.start()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        window.tracker.start_or_stop()
        window.tracker.start()
        window.try_it()
        self.wait_for_files(len(examples()))
        assert window.tracker.run is not None
        self.assertNotEqual(window.tracker.run.settings.bind.host, LOOPBACK)

    def test_a_folder_that_is_shared_already_stays_shared_when_it_is_given(self) -> None:
        window, folder = self.open_new(), self.lesson()
        window.seeder.form.folder.variable.set(str(folder))
        window._give()
        window.seeder.start_or_stop()  # the user does not wait for the room
        run = window.seeder.main
        assert run is not None
        self.pump_until(lambda: window._context.trackers.own is not None)
        self.assertTrue(run.state.is_up)
        window._give()
        self.assertTrue(run.state.is_up)
        self.assertIs(window.seeder.main, run)

    def test_a_folder_joins_the_room_that_is_there(self) -> None:
        window, folder = self.open_new(), self.lesson()
        tracker = Address(LOOPBACK, self.tracker_port)
        window._context.trackers.take(TrackersFound((replace(TEACHER, address=tracker),)))
        window.seeder.form.folder.ask_folder = lambda _title, _start, then: then(str(folder))
        press(window.start, "Choose a folder …")
        self.pump_until(lambda: window.seeder.main is not None)
        assert window.seeder.main is not None
        self.assertEqual(window.seeder.main.settings.tracker, tracker)
        self.assertIs(window.tracker.run_state, RunState.STOPPED)

    def test_no_folder_no_room(self) -> None:
        window = self.open_new()
        window.seeder.form.folder.ask_folder = lambda _title, _start, then: then("")
        press(window.start, "Choose a folder …")
        self.assertIs(window.tabs.in_front, window.start)

    def test_of_several_rooms_the_user_chooses(self) -> None:
        window, folder = self.open_new(), self.lesson()
        other = replace(TEACHER, address=Address("10.0.0.6", 12500))
        window._context.trackers.take(TrackersFound((TEACHER, other)))
        window.seeder.form.folder.ask_folder = lambda _title, _start, then: then(str(folder))
        press(window.start, "Choose a folder …")
        self.pump_until(lambda: window.tabs.in_front is window.seeder)
        self.assertIs(window.tracker.run_state, RunState.STOPPED)
        self.assertIn("2 trackers found: choose one.", widget_texts(window.seeder))

    def test_the_example_can_be_tried(self) -> None:
        window = self.open_new()
        press(window.start, "Try it on this computer")
        self.assertIs(window.tabs.in_front, window.leecher)
        self.pump_until(lambda: window.seeder.seeded_files is not None)

    def test_the_cards_fit_into_a_small_window(self) -> None:
        window = self.open_new(window="800x560")
        self.pump_until(lambda: window.winfo_width() == 800)
        window.update()
        for widget in _shown(window.start):
            with self.subTest(widget=str(widget)):
                self.assertGreaterEqual(widget.winfo_width(), widget.winfo_reqwidth() - 1)
                self.assertGreaterEqual(widget.winfo_height(), widget.winfo_reqheight() - 1)


class CheckPageTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_window()
        own = (OwnAddress(LOOPBACK, (LOOPBACK,), "card0"),)
        # No test asks the whole network.
        here = partial(Checker, own=lambda: own, ports=(9,), listen_s=0.2)
        self.enterContext(mock.patch.object(checker, "Checker", here))

    def check(self) -> None:
        self.window.check_computer()
        self.pump_until(lambda: not self.window.check.is_running)

    def test_each_finding_is_a_line_and_the_end_says_how_it_is(self) -> None:
        self.check()
        page = self.window.check
        self.assertIs(self.window.tabs.in_front, page)
        names = [line.check for line in page.lines]
        self.assertEqual((names[0], names[-1]), ("discovery", "clock"))
        texts = widget_texts(page)
        for line in page.lines:
            self.assertIn(line.text, texts)
            self.assertIn(line.remedy, texts)

    def test_it_can_be_done_again_and_copied(self) -> None:
        self.check()
        number = len(self.window.check.lines)
        press(self.window.check, "Check again")
        self.pump_until(lambda: not self.window.check.is_running)
        self.assertEqual(len(self.window.check.lines), number)
        press(self.window.check, "Copy report")
        self.assertIn("Clock", self.window.clipboard_get())

    def test_a_folder_that_cannot_be_used_fails(self) -> None:
        blocked = self.folder / "blocked"
        blocked.write_bytes(b"")
        self.window.leecher.form.folder.variable.set(str(blocked))
        self.check()
        folder = next(line for line in self.window.check.lines if line.check == "folder")
        self.assertIs(folder.outcome, Outcome.FAILED)

    def test_escape_takes_the_page_away(self) -> None:
        self.check()
        self.window._leave()
        self.assertFalse(self.window.tabs.is_there("Check"))


def _shown(widget: tk.Misc) -> list[tk.Misc]:
    found = []
    for child in widget.winfo_children():
        if child.winfo_viewable():
            found += [child, *_shown(child)]
    return found
