"""The room in the window: tiles, table, files and details of a lesson of thirty computers."""

from __future__ import annotations

import time
from dataclasses import replace
from unittest import mock

from roles.values import figures
from roles.values.addresses import Address
from roles.values.computers import Computer
from roles.values.errors import UserInputError
from roles.values.events import RoleStarted, RoleStopped, RoomChanged, TrackersFound
from roles.values.findings import FoundTracker
from tests.lesson import BEHIND, FAILED, FULL, SILENT, lesson, machine, name
from tests.support import widget_texts
from tests.windows import (
    AppWindowTest,
    button_texts,
    press,
    sentences,
    text_of,
    texts_of,
    tracker_without_role,
)
from ui.window.room_view import View
from ui.window.row_pictures import INDENT
from ui.window.running_roles import RunState
from ui.window.tracker_tab import TrackerTab

HERE = Address("192.168.77.1", 12500)
WIDTH, HEIGHT = 1240, 760


class LessonTest(AppWindowTest):
    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.open_lesson()

    def open_lesson(self) -> TrackerTab:
        window = self.open_window()
        window.geometry(f"{WIDTH}x{HEIGHT}+0+0")
        window.tabs.show("Tracker")
        tab = window.tracker
        tracker_without_role(self.window).take(RoleStarted(Address("0.0.0.0", 12500), HERE))
        self.tell(lesson(time.monotonic()))
        self.pump_until(lambda: len(tab.room.tiles._drawn) == 31)
        return tab

    def tell(self, room: RoomChanged) -> None:
        self.tracker_run.take(room)
        self.window.update()

    @property
    def tab(self) -> TrackerTab:
        return self.window.tracker

    def computer(self, number: int) -> Computer:
        computers = self.tab.room.computers
        return next(computer for computer in computers if computer.machine == machine(number))

    def click(self, number: int, *, then: str = "") -> None:
        """Press the tile of this computer."""
        x, y = self.centre_of(number)
        canvas = self.tab.room.tiles.canvas
        canvas.event_generate("<ButtonPress-1>", x=x, y=y)
        canvas.event_generate("<ButtonRelease-1>", x=x, y=y)
        if then:
            canvas.event_generate(then)
        self.window.update()

    def centre_of(self, number: int) -> tuple[int, int]:
        tiles = self.tab.room.tiles
        x1, y1, x2, y2 = tiles.canvas.bbox(tiles._drawn[machine(number)].items["box"])
        return (x1 + x2) // 2, (y1 + y2) // 2

    # The summary

    def test_the_card_says_how_far_the_room_is(self) -> None:
        card = self.tab.room.card
        self.assertEqual(text_of(card.headline), "21 of 30 done")
        self.assertIn("lesson2/", text_of(card.what))
        self.assertIn("31 computers: 21 done", self.tab.counts)
        self.pump_until(lambda: "31 computers" in widget_texts(self.window.status))

    def test_the_room_is_shown_as_seats_as_a_list_or_as_files(self) -> None:
        texts = widget_texts(self.tab)
        for view in ("Seats", "List", "Files"):
            self.assertIn(f"'{view}'", texts)

    def test_the_strip_names_who_needs_help_and_selects_them(self) -> None:
        room = self.tab.room
        self.assertTrue(room.strip.winfo_ismapped())
        self.assertIn(name(FAILED), text_of(room.strip.sentence))
        room.strip.button.invoke()
        stuck = {machine(number) for number in (SILENT, FULL, FAILED, BEHIND)}
        self.assertEqual(room.tiles.chosen, stuck)
        room.choose_view(View.LIST)
        room.strip.button.invoke()
        self.assertEqual(set(room.list.chosen), stuck)

    def test_the_strip_is_gone_when_nobody_needs_help(self) -> None:
        room = lesson(time.monotonic())
        fine = tuple(program for program in room.participants if program.status.state == "done")
        self.tell(replace(room, participants=fine))
        self.assertFalse(self.tab.room.strip.winfo_ismapped())

    # Starting, stopping

    def test_stopping_is_neutral_and_asks_once_while_others_use_it(self) -> None:
        self.assertEqual(str(self.tab.form.button.cget("style")), "TButton")
        self.tab.start_or_stop()
        self.assertIs(self.tab.run_state, RunState.RUNNING)
        self.assertIn("29 computers use this tracker", sentences(self.tab.notices)[0])
        role = mock.Mock()
        self.tracker_run.role = role
        press(self.tab.notices, "Stop the tracker")
        role.stop.assert_called_once_with()
        self.assertIs(self.tab.run_state, RunState.STOPPING)

    def test_nobody_here_shows_the_next_step(self) -> None:
        self.tell(RoomChanged())
        self.assertTrue(self.tab.room.empty.winfo_ismapped())
        self.assertFalse(self.tab.room.tiles.winfo_ismapped())
        press(self.tab.room.empty, "Give a folder")
        self.assertIs(self.window.tabs.in_front, self.window.seeder)

    # Columns

    def test_addresses_are_whole_at_once_and_in_every_size_of_the_window(self) -> None:
        room, theme = self.tab.room, self.window._context.theme
        room.choose_view(View.LIST)
        for width in (WIDTH, 800, WIDTH):
            self.window.geometry(f"{width}x{HEIGHT}")
            self.pump_until(lambda width=width: self.window.winfo_width() == width)  # type: ignore[misc]
            tree = room.list.tree
            longest = max(map(theme.text_font.measure, texts_of(tree, "1")))
            beside = int(tree.column("1", "width")) - longest
            self.assertGreaterEqual(beside, theme.px(16))
            is_cut = sum(int(tree.column(str(column), "width")) for column in range(9)) > width
            self.assertEqual(room.list._sideways.winfo_ismapped(), is_cut)

    # Details

    def test_enter_opens_the_details_in_place_and_escape_closes_them(self) -> None:
        self.click(FULL, then="<Return>")
        detail = self.tab.room.detail
        self.assertTrue(detail.winfo_ismapped())
        self.assertIn("Free 112 MB", widget_texts(detail))
        self.assertTrue(detail.wake_button.instate(["disabled"]))
        self.assertTrue(detail.remove_button.instate(["disabled"]))
        self.window.event_generate("<Escape>")
        self.window.update()
        self.assertFalse(detail.winfo_ismapped())

    def test_the_details_follow_the_selection_and_the_news(self) -> None:
        room = self.tab.room
        room.open_details(self.computer(1))
        self.click(2)
        self.assertEqual(room.detail.computer, self.computer(2))
        self.tell(RoomChanged(lesson(time.monotonic()).participants[:2]))
        self.assertIsNone(room.detail.computer)

    def test_a_silent_computer_can_be_woken_and_removed(self) -> None:
        tracker = mock.Mock()
        self.tracker_run.role = tracker
        self.tab.room.open_details(self.computer(SILENT))
        press(self.tab.room.detail, "Wake it up")
        tracker.wake.assert_called_once_with(self.computer(SILENT).address.host)
        press(self.tab.room.detail, "Remove")
        tracker.remove.assert_called_once_with(machine(SILENT))
        self.assertFalse(self.tab.room.detail.winfo_ismapped())

    def test_what_cannot_be_woken_says_why(self) -> None:
        self.tell(replace(lesson(time.monotonic()), wakeable=frozenset()))
        self.tab.room.open_details(self.computer(SILENT))
        self.assertTrue(self.tab.room.detail.wake_button.instate(["disabled"]))
        self.assertIn("hardware address", text_of(self.tab.room.detail.note))

    # Table and files

    def test_no_address_is_cut_in_the_list(self) -> None:
        room = self.tab.room
        self.window.geometry("800x560")
        self.window.update()
        room.choose_view(View.LIST)
        self.window.update()
        tree, font = room.list.tree, self.window._context.theme.text_font
        longest = max(font.measure(text) for text in texts_of(tree, "1"))
        self.assertGreater(int(tree.column("1", "width")), longest)

    def test_the_files_are_a_tree_that_says_who_has_what(self) -> None:
        self.tab.room.choose_view(View.FILES)
        self.window.update()
        files = self.tab.room.files
        names = [text.strip() for text in texts_of(files.tree, "0")]
        self.assertEqual(names[:2], ["lesson2/", "video/"])
        self.assertEqual(texts_of(files.tree, "3")[:2], ["21 of 30", "21 or more of 30"])
        files.choose([files.order[1]])
        files.tree.focus_force()
        files.tree.event_generate("<Right>")
        self.window.update()
        self.assertIn("41 part.mp4", [text.strip() for text in texts_of(files.tree, "0")])
        files.tree.event_generate("<Left>")
        self.window.update()
        self.assertNotIn("41 part.mp4", [text.strip() for text in texts_of(files.tree, "0")])
        box = files.tree.bbox(files.tree.get_children()[1])
        x, y = int(box[0]) + INDENT // 2, int(box[1]) + int(box[3]) // 2
        for is_open in (True, False):
            files.tree.event_generate("<Button-1>", x=x, y=y)
            files.tree.event_generate("<ButtonRelease-1>", x=x, y=y)
            self.window.update()
            shown = [text.strip() for text in texts_of(files.tree, "0")]
            self.assertEqual("41 part.mp4" in shown, is_open)

    def test_the_size_of_a_folder_and_who_has_it_are_known_when_not_all_of_its_files_are_told(
        self,
    ) -> None:
        room = self.tab.room
        room.choose_view(View.FILES)
        told = lesson(time.monotonic())
        size = sum(file.size for file in told.files)
        folders = tuple(replace(folder, size=size) for folder in told.folders)
        self.tracker_run.take(replace(told, files=told.files[:-1], folders=folders))
        self.window.update()
        self.assertEqual(texts_of(room.files.tree, "2")[:2], [figures.size(size), ""])
        self.assertEqual(texts_of(room.files.tree, "3")[:2], ["21 of 30", "21 or more of 30"])

    # Full screen

    def test_full_screen_enlarges_the_list_and_the_files_with_problems_first(self) -> None:
        window, room, theme = self.window, self.tab.room, self.window._context.theme
        room.choose_view(View.LIST)
        window.update()
        before = list(room.list.order)
        height = room.list.tree.bbox(room.list.tree.get_children()[0])[3]
        usual = theme.row_height()
        theme.enlarge(1.6)
        window.update()
        taller = room.list.tree.bbox(room.list.tree.get_children()[0])[3]
        self.assertEqual((height, taller), (usual, theme.row_height()))
        by_machine = {computer.machine: computer for computer in room.computers}
        helpless = [by_machine[key].needs_help for key in room.list.order]
        self.assertEqual(helpless, sorted(helpless, reverse=True))
        self.assertTrue(helpless[0])
        room.choose_view(View.FILES)
        window.update()
        item = room.files.tree.get_children()[0]
        self.assertEqual(room.files.tree.bbox(item)[3], taller)
        theme.enlarge(1.0)
        self.assertEqual(theme.row_height(), usual)
        room.choose_view(View.LIST)
        self.assertEqual(list(room.list.order), before)

    def test_full_screen_hides_the_tabs_enlarges_the_texts_and_escape_leaves(self) -> None:
        window, canvas = self.window, self.tab.room.tiles.canvas
        before = canvas.winfo_rooty()
        window.event_generate("<F11>")
        window.update()
        self.assertEqual(str(window.tabs.cget("style")), "Bare.TNotebook")
        self.assertTrue(window.is_full_screen)
        self.assertNotEqual(canvas.winfo_rooty(), before)
        window.event_generate("<Escape>")
        window.update()
        self.assertFalse(window.is_full_screen)
        self.assertEqual(str(window.tabs.cget("style")), "TNotebook")


class SecondTrackerTest(AppWindowTest):
    FOUND = FoundTracker(Address("192.168.77.9", 12500), "Teacher-PC", is_original=False)

    def test_a_running_one_is_named_and_joined_instead(self) -> None:
        window = self.open_window()
        window._context.trackers.take(TrackersFound((self.FOUND,)))
        self.assertIn("Teacher-PC", text_of(window.tracker.form.sentence))
        window.tracker.start_or_stop()
        self.assertIs(window.tracker.run_state, RunState.STOPPED)
        self.assertIn("Teacher-PC runs one already", sentences(window.tracker.notices)[0])
        self.assertIn("Start another one", button_texts(window.tracker.notices))
        press(window.tracker.notices, "Join Teacher-PC")
        self.assertEqual(window.leecher.form.tracker.variable.get(), "192.168.77.9:12500")
        self.assertIs(window.tabs.in_front, window.leecher)

    def test_why_it_could_not_start_stays_when_another_one_is_found(self) -> None:
        window = self.open_window()
        tracker_without_role(self.window).take(RoleStopped(UserInputError("Port 5 is taken.")))
        window._context.trackers.take(TrackersFound((self.FOUND,)))
        self.assertEqual(text_of(window.tracker.form.sentence), "Port 5 is taken.")

    def test_another_one_starts_if_the_user_says_so(self) -> None:
        window = self.open_window()
        window._context.trackers.take(TrackersFound((self.FOUND,)))
        window.tracker.start_or_stop()
        press(window.tracker.notices, "Start another one")
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.assertIn("Teacher-PC runs a tracker too", text_of(window.tracker.form.sentence))

    def test_the_question_goes_when_the_other_one_has_gone_and_this_one_starts(self) -> None:
        window = self.open_window()
        window._context.trackers.take(TrackersFound((self.FOUND,)))
        window.tracker.start_or_stop()
        self.assertNotEqual(sentences(window.tracker.notices), [])
        window._context.trackers.take(TrackersFound(()))
        window.tracker.start_or_stop()
        self.assertEqual(sentences(window.tracker.notices), [])
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)

    def test_the_own_one_is_no_other_wherever_it_is_found_also_once_it_was_stopped(self) -> None:
        window = self.open_window()
        window.tracker.start_or_stop()
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        assert window.tracker.run is not None
        # A computer in several networks has several addresses.
        own = replace(self.FOUND, room=window.tracker.run.room_id)
        window._context.trackers.take(TrackersFound((own,)))
        self.assertIsNone(window.tracker.other_tracker)
        window.tracker.start_or_stop()
        self.assertEqual(window._context.trackers.found, ())
        window._context.trackers.take(TrackersFound((own,)))
        self.pump_until(lambda: window.tracker.run_state is RunState.STOPPED)
        self.assertIsNone(window.tracker.other_tracker)
