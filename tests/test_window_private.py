"""A private room in the window: its tracker here, or another computer's."""

from __future__ import annotations

import json
import os
import stat
import tkinter as tk
import unittest

from roles.role import Role
from roles.tracker import Tracker
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import CodeRefusedError, TrackerSilentError
from roles.values.events import (
    CodeChanged,
    DownloadState,
    Guesser,
    GuessersChanged,
    ListFailed,
    RoleStarted,
    TrackerMoved,
    TrackersFound,
)
from roles.values.findings import FoundTracker
from roles.values.room_code import shown, weakness
from roles.values.settings import TrackerSettings
from tests.private_rooms import enter_patiently
from tests.support import LIMIT_S, EventLog, widget_texts
from tests.windows import AppWindowTest, sentences, text_of, tracker_without_role
from ui.window.app_window import AppWindow
from ui.window.code_row import TRUST, CodeRow
from ui.window.own_code import OUT
from ui.window.room_codes import CHANGED, TYPE_IT
from ui.window.running_roles import RunState

CODE, WRONG, NEW = "482177305", "482 177 306", "305 177 482"
OTHERS = Address("10.0.0.5", 12500)


def end(role: Role) -> None:
    role.stop()
    role.join(LIMIT_S)


class PrivateWindowTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        enter_patiently(self)

    def open_shown(self, tab: str) -> AppWindow:
        """A window with the focus, this tab in front."""
        window = self.open_window()
        window.deiconify()
        window.tabs.show(tab)
        window.focus_force()
        window.update()
        return window

    def is_there(self, widget: tk.Widget) -> bool:
        self.window.update()
        return bool(widget.winfo_viewable())


class OwnRoomTest(PrivateWindowTest):
    def start(self, code: str = "") -> None:
        tracker = self.window.tracker
        tracker.form.code.variable.set(code)
        tracker.start_or_stop()
        self.pump_until(lambda: tracker.run_state is not RunState.STARTING)

    def test_the_code_stands_below_the_address_and_this_window_joins_without_being_asked(
        self,
    ) -> None:
        self.keep(private_room=True)
        window = self.open_shown("Tracker")
        tracker = window.tracker
        self.start(CODE)
        self.assertEqual(text_of(tracker.form.room_code.label), "482 177 305")
        address, code = tracker.form.address, tracker.form.room_code.label
        self.assertTrue(self.is_there(code))
        self.assertGreater(code.winfo_rooty(), address.winfo_rooty())
        self.assertEqual(str(code.cget("style")), str(address.cget("style")))
        tracker.form.room_code._copy()
        self.assertEqual(window.clipboard_get(), "482 177 305")
        folder = self.folder / "exam"
        folder.mkdir()
        (folder / "exam.txt").write_bytes(b"secret")
        window.seeder.fill_in(folder)
        window.seeder.start_or_stop()
        self.wait_for_files(1)
        self.assertTrue(window._context.is_private)
        self.pump_until(lambda: self.is_there(window.status._private))
        self.pump_until(lambda: self.is_there(tracker.room.card.private))
        window.tabs.show("Leecher")
        self.assertTrue(self.is_there(window.leecher.form.code.mark))
        window.leecher.form.code.tip.show_at(0, 0)
        self.assertIn(TRUST, window.leecher.form.code.tip.text)
        for part in (window.leecher.form.code.tick, window.leecher.form.code.field):
            self.assertFalse(self.is_there(part))

    def test_with_a_new_code_this_window_comes_back_by_itself(self) -> None:
        self.keep(private_room=True)
        window = self.open_shown("Tracker")
        tracker, run = window.tracker, window.seeder
        self.start(CODE)
        folder = self.folder / "exam"
        folder.mkdir()
        (folder / "exam.txt").write_bytes(b"secret")
        window.seeder.fill_in(folder)
        run.start_or_stop()
        self.wait_for_files(1)
        tracker.form.room_code.ask()
        self.assertIn(OUT, widget_texts(tracker.form.room_code))
        window._leave()
        self.assertFalse(self.is_there(tracker.form.room_code.field))
        tracker.form.room_code.ask()
        tracker.form.room_code.field.variable.set("12345")
        tracker.form.room_code.use()
        self.assertIn("from 6 to 64", tracker.form.room_code.field.problem)
        tracker.form.room_code.field.variable.set(NEW)
        tracker.form.room_code.use()
        self.pump_until(lambda: text_of(tracker.form.room_code.label) == NEW)
        self.pump_until(lambda: bool(self.model.settings and self.model.settings.code))
        self.pump_until(
            lambda: (
                self.model.settings is not None
                and shown(self.model.settings.code) == NEW
                and self.files_listed() == ["exam.txt"]
                and run.main is not None
                and run.main.settings.code == self.model.settings.code
            )
        )

    def test_who_may_enter_and_who_may_offer_is_remembered(self) -> None:
        window = self.open_shown("Tracker")
        options = window.tracker.form
        self.assertFalse(self.is_there(options.code))
        window._context.settings.switch("private_room").set(True)
        window._context.settings.switch("offers_here").set(True)
        self.assertTrue(self.is_there(options.code))
        self.assertIn("trust each other", text_of(window.tracker.form.sentence))
        options.code.variable.set("12345")
        window.tracker.start_or_stop()
        self.assertIs(window.tracker.run_state, RunState.STOPPED)
        self.assertIn("from 6 to 64", options.code.problem)
        self.start("Käse 1")
        self.assertEqual(text_of(window.tracker.form.room_code.label), "käse 1")
        said = text_of(window.tracker.form.sentence)
        self.assertIn(weakness("käse 1"), said)
        self.assertIn("Only this computer may offer", said)
        self.pump_until(
            lambda: bool(self.kept().get("private_room") and self.kept().get("offers_here"))
        )

    def test_who_tries_wrong_codes_is_named(self) -> None:
        window = self.open_shown("Tracker")
        tracker = window.tracker
        run = tracker_without_role(self.window)
        bind, there = Address("0.0.0.0", 12500), Address("10.9.9.9", 12500)
        run.take(RoleStarted(bind, there, code=CODE))
        run.take(GuessersChanged((Guesser("10.0.0.7", 3), Guesser("10.0.0.8", 1))))
        (said,) = sentences(tracker.notices)
        self.assertIn("10.0.0.7, 3 times; 10.0.0.8, 1 time.", said)
        run.take(GuessersChanged(()))
        self.assertEqual(sentences(tracker.notices), [said])
        self.assertEqual(window._context.codes.of(there), CODE)
        run.take(CodeChanged("new words"))
        self.assertEqual(window._context.codes.of(there), "new words")
        self.assertEqual(text_of(tracker.form.room_code.label), "new words")


class OthersRoomTest(PrivateWindowTest):
    def setUp(self) -> None:
        super().setUp()
        log = EventLog()
        here = Address(LOOPBACK, self.tracker_port)
        settings = TrackerSettings(here, bind_exactly=True, is_private=True, code=CODE)
        self.tracker = Tracker(settings, log)
        self.tracker.start()
        self.addCleanup(end, self.tracker)
        log.wait_for(RoleStarted)
        self.log = log

    def row(self, tab: str) -> CodeRow:
        form = self.window.leecher.form if tab == "Leecher" else self.window.seeder.form
        return form.code

    def wait_for_field(self, tab: str = "Leecher") -> CodeRow:
        row = self.row(tab)
        self.pump_until(lambda: self.is_there(row.field))
        return row

    def type_code(self, row: CodeRow, code: str) -> None:
        row.field.variable.set(code)
        row.field.entry.focus_force()
        row.field.entry.event_generate("<Return>")

    def test_a_typed_tracker_asks_for_its_code_and_again_when_that_changes(self) -> None:
        self.keep(tracker="")
        window = self.open_shown("Leecher")
        form = window.leecher.form
        self.assertFalse(self.is_there(form.code))
        form.tracker.variable.set(f"127.0.0.1:{self.tracker_port}")
        form.from_line.change.focus_force()
        window.leecher.refresh()
        row = self.wait_for_field()
        self.pump_until(lambda: window.focus_get() is row.field.entry)
        self.assertIn("This room is private", widget_texts(window.leecher))
        self.type_code(row, " ")
        self.pump_until(lambda: text_of(row.sentence) == TYPE_IT)
        self.type_code(row, WRONG)
        self.pump_until(lambda: "Wrong code. 4 tries left" in text_of(row.sentence))
        self.type_code(row, CODE)
        self.pump_until(lambda: self.model.listed is not None)
        for part in (row, row.field):
            self.assertFalse(self.is_there(part))  # the table needs the room
        self.assertTrue(self.is_there(row.mark))
        self.assertIn("nothing is shared yet", form.from_line.text)
        self.assertEqual(row.field.variable.get(), "")
        codes = self.profile.room_codes_file
        self.assertFalse(codes.exists())
        row.tick.invoke()
        self.pump_until(lambda: codes.exists() and not window._context.codes.is_writing)
        kept = json.loads(codes.read_bytes())
        self.assertEqual(kept, {f"127.0.0.1:{self.tracker_port}": CODE})
        if os.name != "nt":
            self.assertEqual(stat.S_IMODE(codes.stat().st_mode), 0o600)
        form.tracker_said.say("No tracker there.")  # as while it is started again
        self.tracker.new_code("words of mine")
        self.pump_until(lambda: self.is_there(row.field) and bool(text_of(row.sentence)))
        self.pump_until(lambda: not text_of(form.tracker_said))
        self.assertEqual(sentences(window.leecher.notices), [])
        self.type_code(row, "Words of  Mine")
        self.pump_until(lambda: not self.is_there(row.field) and self.model.list_failed is None)
        kept[f"127.0.0.1:{self.tracker_port}"] = "words of mine"
        self.pump_until(lambda: json.loads(codes.read_bytes()) == kept)

    def test_a_seeder_begins_once_the_code_is_there_and_comes_back_with_a_new_one(self) -> None:
        folder = self.folder / "exam"
        folder.mkdir()
        (folder / "exam.txt").write_bytes(b"secret")
        window = self.open_shown("Seeder")
        seeder = window.seeder
        seeder.fill_in(folder)
        row = self.wait_for_field("Seeder")
        seeder.start_or_stop()
        self.assertIsNone(seeder.main)
        self.assertEqual(text_of(row.sentence), TYPE_IT)
        row.field.variable.set(CODE)
        seeder.start_or_stop()
        self.wait_for_files(1)
        self.tracker.new_code("words of mine")
        self.wait_for_field("Seeder")
        self.type_code(row, "words of mine")
        self.pump_until(
            lambda: (
                seeder.main is not None
                and seeder.main.settings.code == "words of mine"
                and seeder.main.listing is not None
                and seeder.main.listing.is_listed
            )
        )
        self.pump_until(lambda: self.model.listed is not None)
        self.wait_for_files(1)
        window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, "exam.txt")

    def test_a_remembered_code_that_is_wrong_now_is_tried_once_and_forgotten(self) -> None:
        codes = self.profile.room_codes_file
        codes.write_text(json.dumps({f"127.0.0.1:{self.tracker_port}": "123456"}))
        self.open_shown("Leecher")
        row = self.wait_for_field()
        self.assertEqual(text_of(row.sentence), CHANGED)
        self.pump_until(lambda: json.loads(codes.read_bytes()) == {})


class FoundRoomTest(PrivateWindowTest):
    def test_a_room_that_had_a_code_is_entered_without_one_only_if_the_user_says_so(self) -> None:
        here = Address(LOOPBACK, self.tracker_port)
        kept = json.dumps({str(here): CODE})
        self.profile.room_codes_file.write_text(kept)
        window = self.open_shown("Seeder")
        assert self.model.settings is not None
        self.assertEqual(self.model.settings.code, CODE)
        self.model._handle(ListFailed(here, CodeRefusedError("It is open.")))
        row = window.seeder.form.code
        self.assertTrue(self.is_there(row.field))
        self.assertEqual(text_of(row.sentence), "It is open.")
        found = FoundTracker(here, "", is_original=False)
        stale = FoundTracker(here, "", is_original=False, is_private=True)
        window._context.trackers.take(TrackersFound((found,)))
        window.leecher.refresh()
        window.seeder.fill_in(self.folder)
        window.seeder.start_or_stop()
        self.assertIsNone(window.seeder.main)
        self.assertEqual(self.model.settings.code, CODE)
        self.assertEqual(self.profile.room_codes_file.read_text(), kept)
        window._context.trackers.take(TrackersFound((stale,)))
        row.join()
        self.assertEqual(self.model.settings.code, "")
        self.assertFalse(self.is_there(row.field))

    def test_a_window_leaves_a_private_room_for_an_open_one_only_if_the_user_says_so(self) -> None:
        here = Address(LOOPBACK, self.tracker_port)
        self.profile.room_codes_file.write_text(json.dumps({str(here): CODE}))
        self.keep(tracker="")
        window = self.open_shown("Leecher")
        trackers = window._context.trackers
        trackers.take(TrackersFound((FoundTracker(here, "", is_original=False, is_private=True),)))
        assert self.model.settings is not None
        self.assertEqual(self.model.settings.code, CODE)
        trackers.take(TrackersFound((FoundTracker(OTHERS, "", is_original=False),)))
        self.assertEqual(trackers.parse(""), OTHERS)
        self.assertEqual((self.model.settings.tracker, self.model.settings.code), (here, CODE))
        window.leecher.refresh()
        self.assertEqual((self.model.settings.tracker, self.model.settings.code), (OTHERS, ""))

    def test_where_a_search_led_a_member_nothing_tries_the_code_before_a_person_types_it(
        self,
    ) -> None:
        here = Address(LOOPBACK, self.tracker_port)
        self.profile.room_codes_file.write_text(json.dumps({str(here): CODE}))
        self.keep(tracker="")
        window = self.open_shown("Seeder")
        window.leecher.form.tracker.variable.set("")
        window._context.trackers.take(TrackersFound((FoundTracker(here, "", is_original=False),)))
        self.pump_until(lambda: bool(self.model.settings and self.model.settings.tracker == here))
        leecher = self.model.leecher
        self.model._handle(ListFailed(here, TrackerSilentError("It is silent.")))
        self.model._handle(TrackerMoved(here, OTHERS, ""))
        codes = window._context.codes
        self.assertEqual((codes.of(OTHERS), codes.tracker), ("", OTHERS))
        self.assertTrue(self.is_there(window.seeder.form.code.field))
        window.seeder.fill_in(self.folder)
        window.seeder.start_or_stop()
        self.assertIsNone(window.seeder.main)
        self.assertIs(self.model.leecher, leecher)
        assert self.model.settings is not None
        self.assertEqual(self.model.settings.code, CODE)

    def test_a_private_one_is_marked_in_the_list_and_asks_wherever_it_is_chosen(self) -> None:
        self.keep(tracker="", has_begun=False)
        window = self.open_shown("Start")
        found = FoundTracker(OTHERS, "", is_original=False, is_private=True)
        window._context.trackers.take(TrackersFound((found,)))
        window._show_start()
        self.assertTrue(self.is_there(window.start.get._private))
        self.assertIn("Ask for its code", window.start.get.said)
        self.assertIn("10.0.0.5:12500  ·  Private", window._context.trackers.offers)
        window.tabs.show("Leecher")
        self.pump_until(lambda: window.focus_get() is window.leecher.form.code.field.entry)
        window._context.trackers.take(TrackersFound(()))
        window.leecher.form.tracker.variable.set("10.0.0.6")
        self.assertFalse(self.is_there(window.leecher.form.code))


if __name__ == "__main__":
    unittest.main()
