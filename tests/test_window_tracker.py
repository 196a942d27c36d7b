"""The Tracker tab with a real tracker: running, its address, and who is in the room."""

from __future__ import annotations

import socket
from unittest import mock

from roles.net import listening
from roles.program.profile import bundled_folder
from roles.values.addresses import Address
from roles.values.events import NetworkChanged, RoleStarted
from roles.values.program_settings import Appearance
from tests.support import widget_texts
from tests.windows import AppWindowTest, sentences, text_of, texts_of
from ui.qr_code import qr_code
from ui.window.app_window import AppWindow
from ui.window.room_view import View
from ui.window.running_roles import RunState

ADDRESS, STATE = "1", "2"  # columns of the room


class TrackerTabTest(AppWindowTest):
    def wait_for(self, state: RunState) -> None:
        self.pump_until(lambda: self.window.tracker.run_state is state)

    def open_running(self) -> AppWindow:
        """A window whose tracker runs."""
        window = self.open_window()
        window.tracker.start_or_stop()
        self.wait_for(RunState.RUNNING)
        return window

    def test_it_starts_names_its_address_and_stops(self) -> None:
        window = self.open_running()
        self.assertIn(f":{self.tracker_port}", text_of(window.tracker.form.address))
        self.assertIn("Stop the tracker", widget_texts(window.tracker))
        window.tracker.start_or_stop()
        self.wait_for(RunState.STOPPED)
        self.assertIn("Start the tracker", widget_texts(window.tracker))

    def test_the_address_can_be_copied(self) -> None:
        window = self.open_running()
        window.tracker.form.copy_address()
        self.assertEqual(window.clipboard_get(), text_of(window.tracker.form.address))

    def test_the_address_for_browsers_is_shown_unless_they_are_not_served(self) -> None:
        window = self.open_running()
        address = text_of(window.tracker.form.address)
        self.assertEqual(text_of(window.tracker.form.web_address), f"http://{address}/")
        here = Address("127.0.0.1", 5)
        self.tracker_run.take(NetworkChanged(gone=("10.9.9.9",), for_others=here))
        self.assertEqual(text_of(window.tracker.form.web_address), "http://127.0.0.1:5/")
        window.tracker.start_or_stop()
        self.wait_for(RunState.STOPPED)
        window._context.settings.switch("door").set(False)
        self.assertFalse(window._context.settings.now.door)
        window.tracker.start_or_stop()
        self.wait_for(RunState.RUNNING)
        self.assertNotIn("http", widget_texts(window.tracker))

    def test_a_code_of_the_web_address_is_beside_it_while_others_can_use_it(self) -> None:
        window = self.open_running()
        there, here = Address("10.9.9.9", self.tracker_port), Address("127.0.0.1", 5)
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        self.assertEqual(window.tracker.form.qr.text, f"http://10.9.9.9:{self.tracker_port}/")
        self.assertTrue(window.tracker.form.qr.winfo_manager())
        self.tracker_run.take(NetworkChanged(gone=("10.9.9.9",), for_others=here))
        self.assertFalse(window.tracker.form.qr.winfo_manager())

    def test_a_click_makes_the_code_as_large_as_the_tab_and_escape_ends_that(self) -> None:
        window = self.open_running()
        there, then = (Address(host, self.tracker_port) for host in ("10.9.9.9", "10.9.9.10"))
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        window.tabs.show("Tracker")
        window.update()
        window.tracker.form.enlarge_qr()
        self.assertTrue(window.tracker.form.qr_page.is_open)
        self.assertIn(f"http://10.9.9.9:{self.tracker_port}/", widget_texts(window.tracker))
        self.tracker_run.take(NetworkChanged(come=("10.9.9.10",), for_others=then))
        code = window.tracker.form.qr_page.picture
        self.assertEqual(code.text, f"http://10.9.9.10:{self.tracker_port}/")
        window._leave()
        self.assertFalse(window.tracker.form.qr_page.is_open)
        window.tracker.form.enlarge_qr()
        window.tracker.start_or_stop()
        self.wait_for(RunState.STOPPED)
        self.assertFalse(window.tracker.form.qr_page.is_open)

    def test_an_enlarged_code_takes_no_focus_from_another_tab(self) -> None:
        window = self.open_window()
        window.deiconify()
        window.tracker.start_or_stop()
        self.wait_for(RunState.RUNNING)
        there, then = (Address(host, self.tracker_port) for host in ("10.9.9.9", "10.9.9.10"))
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        window.tabs.show("Tracker")
        window.update()
        window.tracker.form.enlarge_qr()
        window.tabs.show("Leecher")
        window.update()
        field = window.leecher.list.toolbar.finder.entry
        field.focus_force()
        window.update()
        self.tracker_run.take(NetworkChanged(come=("10.9.9.10",), for_others=then))
        self.assertIs(window.focus_lastfor(), field)
        window.tracker.start_or_stop()
        self.wait_for(RunState.STOPPED)
        self.assertFalse(window.tracker.form.qr_page.is_open)
        self.assertIs(window.focus_lastfor(), field)

    def test_no_button_is_cut_in_the_smallest_window(self) -> None:
        window = self.open_running()
        window.geometry("800x560")
        there = Address("192.168.100.200", 12500)
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        window.tabs.show("Tracker")
        code, switch = window.tracker.form.qr, window.tracker.form.views
        window.update()

        def is_clear() -> bool:
            """The switch is below the code, or right of it."""
            right_of = code.winfo_rootx() + code.winfo_width() <= switch.winfo_rootx()
            below = code.winfo_rooty() + code.winfo_height() <= switch.winfo_rooty()
            return right_of or below

        self.pump_until(is_clear)

    def test_a_code_is_dark_on_white_in_squares_of_whole_pixels_in_every_theme(self) -> None:
        window = self.open_running()
        there = Address("10.9.9.9", self.tracker_port)
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        modules = qr_code(f"http://{there}/")
        for appearance in (Appearance.LIGHT, Appearance.DARK):
            window.appearance.choose(appearance)
            picture = window.tracker.form.qr.picture
            scale, rest = divmod(picture.width(), len(modules))
            self.assertEqual((rest, picture.height()), (0, picture.width()))
            self.assertGreater(scale, 1)
            for y, row in enumerate(modules):
                for x, is_dark in enumerate(row):
                    colour = (0, 0, 0) if is_dark else (255, 255, 255)
                    self.assertEqual(picture.get(x * scale + 1, y * scale + 1), colour)

    def test_the_code_is_larger_while_the_tab_fills_the_screen(self) -> None:
        window = self.open_running()
        there = Address("10.9.9.9", self.tracker_port)
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        before = window.tracker.form.qr.picture.width()
        window.toggle_full_screen()
        self.assertGreater(window.tracker.form.qr.picture.width(), 3 * before)
        window.toggle_full_screen()
        self.assertEqual(window.tracker.form.qr.picture.width(), before)

    def test_a_taken_port_means_the_next_one_and_a_sentence(self) -> None:
        taken = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taken.bind(("0.0.0.0", self.tracker_port))
        window = self.open_running()
        self.assertIn(f"Port {self.tracker_port} is in use", text_of(window.tracker.form.sentence))
        self.assertNotIn(f":{self.tracker_port}", text_of(window.tracker.form.address))

    def test_another_address_of_this_computer_is_shown_at_once(self) -> None:
        window = self.open_running()
        there, here = Address("10.9.9.9", self.tracker_port), Address("127.0.0.1", 5)
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        self.assertEqual(text_of(window.tracker.form.address), f"10.9.9.9:{self.tracker_port}")
        self.assertIn("Other computers find it by themselves", widget_texts(window.tracker))
        self.tracker_run.take(NetworkChanged(gone=("10.9.9.9",), for_others=here))
        self.assertIn("off the network", widget_texts(window.tracker))

    def test_an_unusable_port_is_said_beside_its_field(self) -> None:
        window = self.open_window()
        window.tracker.form.port.variable.set("http")
        window.tracker.start_or_stop()
        self.assertIn("number from 1 to 65535", window.tracker.form.port.problem)
        self.assertIs(window.tracker.run_state, RunState.STOPPED)

    def test_seeders_and_files_of_the_room_are_shown(self) -> None:
        window = self.open_with_examples()
        window.tracker.room.choose_view(View.FILES)
        files = window.tracker.room.files.tree
        self.pump_until(lambda: "table.csv" in [name.strip() for name in texts_of(files, "0")])
        seeder = f"127.0.0.1:{self.seeder_port}"
        window.tracker.room.choose_view(View.LIST)
        room = window.tracker.room.list.tree

        def rows() -> list[tuple[str, str]]:
            return list(zip(texts_of(room, ADDRESS), texts_of(room, STATE), strict=True))

        self.pump_until(lambda: (seeder, "Sharing") in rows())

    def test_two_contents_of_one_name_are_two_rows(self) -> None:
        window = self.open_running()
        for size in (1, 2):
            folder = self.folder / f"seeded {size}"
            folder.mkdir()
            (folder / "a.txt").write_bytes(b"x" * size)
            window.seeder.seed(folder, self.own_tracker)
        window.tracker.room.choose_view(View.FILES)
        files = window.tracker.room.files.tree
        self.pump_until(lambda: {"1 byte", "2 bytes"} <= set(texts_of(files, "2")))
        names = [name.strip() for name in texts_of(files, "0")]
        self.assertEqual(names.count("a.txt"), 2)

    def test_an_empty_field_means_the_tracker_of_this_window(self) -> None:
        self.keep(tracker="", tracker_port=self.tracker_port)
        window = self.open_running()
        window.seeder.form.folder.variable.set(str(bundled_folder("data")))
        window.seeder.start_or_stop()
        run = window.seeder.main
        assert run is not None
        self.assertEqual(run.settings.tracker.port, self.tracker_port)

    def test_try_it_says_in_sight_when_no_tracker_can_start(self) -> None:
        # The program's own ones are not for a test to take: others run beside it.
        self.enterContext(mock.patch.object(listening, "TRACKER_PORTS", ()))
        taken = self.enterContext(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taken.bind(("127.0.0.1", self.tracker_port))
        window = self.open_window(try_it=True)
        self.pump_until(lambda: window.notices.has("failed"))
        self.assertIn("in use by another program", sentences(window.notices)[0])


class OneNetworkTest(AppWindowTest):
    """A network is chosen in Settings."""

    def start(self, network: str) -> None:
        self.keep(network=network)
        self.open_window().tracker.start_or_stop()

    def test_the_tracker_listens_there_only_and_this_window_uses_it_there(self) -> None:
        self.start("127.0.0.2")
        window = self.window
        self.pump_until(lambda: window.tracker.run_state is RunState.RUNNING)
        self.assertEqual(self.own_tracker, Address("127.0.0.2", self.tracker_port))
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.1", self.tracker_port))

    def test_a_network_that_is_gone_is_named(self) -> None:
        self.start("198.51.100.77")
        sentence = self.window.tracker.form.sentence
        self.pump_until(lambda: "198.51.100.77, the network that" in text_of(sentence))
        self.assertIn("is not connected", text_of(sentence))
        self.assertIs(self.window.tracker.run_state, RunState.STOPPED)

    def test_a_network_that_goes_is_named_until_it_is_back(self) -> None:
        self.start("")
        tracker = self.window.tracker
        self.pump_until(lambda: tracker.run_state is RunState.RUNNING)
        there = Address("10.9.9.9", self.tracker_port)
        self.tracker_run.take(RoleStarted(there, there))
        self.tracker_run.take(NetworkChanged(gone=("10.9.9.9",), for_others=there))
        self.assertIn("10.9.9.9, the network that", text_of(tracker.form.sentence))
        self.tracker_run.take(NetworkChanged(come=("10.9.9.9",), for_others=there))
        self.assertNotIn("the network that", text_of(tracker.form.sentence))
