"""The Seeder tab with real roles: what is seeded, where, and who takes it."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

from roles.program.profile import bundled_folder
from roles.values.addresses import Address
from roles.values.computers import computers_of
from roles.values.events import (
    HashingChanged,
    ReachabilityChanged,
    SeederState,
    Upload,
    UploadsChanged,
)
from roles.values.listed_file import ListedFile
from roles.values.participants import Participant, ParticipantState, Status
from roles.values.settings import TorrentKind
from tests.support import LIMIT_S, widget_texts
from tests.windows import AppWindowTest, press, press_key, text_of, texts_of
from ui.file_list import SharedFiles
from ui.window.file_tree import SHOWN_AT_ONCE, FileRow, SharedFolder, rows_of
from ui.window.running_roles import RunState
from ui.window.seeder_columns import RECEIVER_COLUMNS, receivers_of
from ui.window.seeder_run import SeederRun

STATE, SENT, HAS, SPEED, LEFT = "23456"  # columns of the computers that download


class SeederTabTest(AppWindowTest):
    def start(self, folder: Path) -> None:
        window = self.open_window()
        window.seeder.form.folder.variable.set(str(folder))
        window.seeder.start_or_stop()

    def wait_for_sentence(self, text: str) -> None:
        self.pump_until(lambda: text in text_of(self.window.seeder.form.sentence))

    def offered(self) -> set[str]:
        """The rows of the shared files."""
        return {text.strip() for text in texts_of(self.window.seeder.offered.tree, "0")}

    def run_state(self) -> RunState | None:
        run = self.window.seeder.main
        return None if run is None else run.state

    def test_it_seeds_and_stops(self) -> None:
        self.start(bundled_folder("data"))
        self.wait_for_sentence(f"Seeding on port {self.seeder_port}")
        self.pump_until(lambda: "table.csv" in self.offered())
        self.window.seeder.start_or_stop()
        self.pump_until(lambda: self.run_state() is RunState.STOPPED)
        self.assertIn("Start seeding", widget_texts(self.window.seeder))

    def test_the_web_address_is_shown_if_browsers_are_answered(self) -> None:
        self.start(bundled_folder("data"))
        self.wait_for_sentence("In a browser: http://")
        self.window.seeder.start_or_stop()
        self.pump_until(lambda: self.run_state() is RunState.STOPPED)
        settings = self.window.seeder._context.settings
        settings.switch("door").set(False)
        self.assertFalse(settings.now.door)
        self.window.seeder.start_or_stop()
        self.wait_for_sentence(f"Seeding on port {self.seeder_port}")
        self.pump_until(lambda: "table.csv" in widget_texts(self.window.seeder))
        self.assertNotIn("In a browser", text_of(self.window.seeder.form.sentence))

    def test_a_torrent_is_made_if_its_box_is_ticked_and_browsers_may_fetch_it(self) -> None:
        self.start(bundled_folder("data"))
        seeder = self.window.seeder
        for box, ticked, said in (
            ("torrent", True, "In a browser, with its torrent: http://"),
            ("door", False, f"Seeding on port {self.seeder_port}"),
        ):
            seeder.start_or_stop()
            self.pump_until(lambda: self.run_state() is RunState.STOPPED)
            seeder._context.settings.switch(box).set(ticked)
            seeder.start_or_stop()
            self.wait_for_sentence(said)
        assert seeder.main is not None
        self.assertIs(seeder.main.settings.torrent, TorrentKind.NONE)

    def test_a_silent_tracker_is_said_and_it_goes_on(self) -> None:
        self.start(bundled_folder("data"))
        self.wait_for_sentence("but on no list: No tracker at")
        self.assertNotIn("not fit", text_of(self.window.seeder.form.sentence))
        self.assertIs(self.run_state(), RunState.RUNNING)

    def test_a_folder_that_is_gone_is_said(self) -> None:
        self.start(self.folder / "gone")
        self.pump_until(lambda: self.run_state() is RunState.STOPPED)
        self.assertIn("gone", text_of(self.window.seeder.form.sentence))
        self.assertIn("Start seeding", widget_texts(self.window.seeder))

    def test_without_a_folder_the_field_says_what_to_do(self) -> None:
        window = self.open_window()
        window.seeder.start_or_stop()
        self.assertIn("Choose the folder", window.seeder.form.folder.problem)
        self.assertIsNone(window.seeder.main)

    def test_a_taken_port_means_the_next_one_and_a_sentence(self) -> None:
        taken = self.enterContext(socket.socket())
        taken.bind(("0.0.0.0", self.seeder_port))
        taken.listen()
        self.start(bundled_folder("data"))
        self.wait_for_sentence(f"Port {self.seeder_port} is in use")
        run = self.window.seeder.main
        assert run is not None
        assert run.address is not None
        self.assertNotEqual(run.address.port, self.seeder_port)

    def test_an_unusable_number_is_said_beside_its_field(self) -> None:
        window = self.open_window()
        window.seeder.form.slots.variable.set("many")
        window.seeder.form.folder.variable.set(str(self.folder))
        window.seeder.start_or_stop()
        self.assertIsNone(window.seeder.main)
        self.assertIn("number from 1 to 64", widget_texts(window.seeder))

    def test_shared_folders_are_offered_again(self) -> None:
        self.start(bundled_folder("data"))
        values = self.window.seeder.form.folder.entry.cget("values")
        self.assertEqual(tuple(values), (str(bundled_folder("data")),))

    def test_the_dialog_fills_the_field(self) -> None:
        window = self.open_window()
        field = window.seeder.form.folder
        field.ask_folder = lambda _title, _start, then: then(str(self.folder))
        field.choose()
        self.assertEqual(field.folder, str(self.folder))

    def test_a_dialog_that_is_closed_changes_nothing(self) -> None:
        window = self.open_window()
        field = window.seeder.form.folder
        field.variable.set("/before")
        field.ask_folder = lambda _title, _start, then: then("")
        field.choose()
        self.assertEqual(field.folder, "/before")

    def test_who_takes_something_and_the_state_are_shown(self) -> None:
        self.start(bundled_folder("data"))
        self.wait_for_sentence("Available. Seeding on port")
        run = self.window.seeder.main
        assert run is not None
        assert run.address is not None
        self.occupy(run.address._replace(host="127.0.0.1"))
        self.pump_until(
            lambda: texts_of(self.window.seeder.uploads.tree, STATE) == ["Connected"], LIMIT_S
        )
        self.wait_for_sentence("Connected. Seeding on port")

    def test_how_far_the_folder_is_read_is_said_until_all_is_read(self) -> None:
        run = self.started()
        run.take(HashingChanged(1_200_000_000, 4_000_000_000, 310))
        sentence = "Checking files: 1.20 GB of 4.00 GB, 310 files left."
        self.assertIn(sentence, widget_texts(self.window.seeder))
        run.take(HashingChanged(4_000_000_000, 4_000_000_000, 0))
        self.assertNotIn("Checking files", widget_texts(self.window.seeder))

    def test_a_firewall_is_said_with_what_to_type(self) -> None:
        run = self.started()
        address = Address("10.0.0.5", 12501)
        run.take(ReachabilityChanged(address, is_reachable=False))
        self.assertIn("Others cannot connect to this computer", widget_texts(self.window.seeder))
        run.take(ReachabilityChanged(address, is_reachable=True))
        self.assertNotIn("Others cannot connect", widget_texts(self.window.seeder))

    def test_who_waits_in_a_queue_is_shown_with_the_position(self) -> None:
        run = self.started()
        taking = Upload(Address("10.0.0.7", 5), "a", 1, 2, 0.0, "lab-pc-07")
        waiting = Upload(Address("10.0.0.8", 5), "a", 0, 2, 0.0, "lab-pc-08", position=2)
        run.take(UploadsChanged(SeederState.AWAY, (waiting, taking), 0))
        tree = self.window.seeder.uploads.tree
        self.assertEqual(texts_of(tree, "0"), ["lab-pc-07", "lab-pc-08"])
        self.assertEqual(texts_of(tree, STATE), ["Downloading", "In the queue (position 2)"])
        self.assertEqual(texts_of(tree, SENT), ["1 byte", "0 bytes"])

    def test_a_computer_with_several_connections_is_one_row(self) -> None:
        run = self.started()
        one = Upload(Address("10.0.0.7", 5), "a", 10, 0, 100.0, "lab-pc-07")
        other = replace(one, leecher=Address("10.0.0.7", 6), name="b", sent=5, rate=11.0)
        away = replace(one, leecher=Address("10.0.0.8", 6), computer="lab-pc-08")
        run.take(UploadsChanged(SeederState.CONNECTED, (one, other, away), 15))
        tree = self.window.seeder.uploads.tree
        self.assertEqual(texts_of(tree, "0"), ["lab-pc-07", "lab-pc-08"])
        self.assertEqual(texts_of(tree, "1")[0], "a, b")
        self.assertEqual(texts_of(tree, SENT)[0], "15 bytes")
        self.assertEqual(texts_of(tree, SPEED)[0], "111 bytes/s")

    def test_how_far_a_computer_is_comes_from_the_room(self) -> None:
        status = Status(ParticipantState.DOWNLOADING, down=10, have=40, size=100)
        told = Participant(Address("10.0.0.7", 12502), 0.0, True, name="lab-pc-07", status=status)
        computers = computers_of([told], now=1.0)
        upload = Upload(Address("10.0.0.7", 5), "a", 10, 0, 100.0, "lab-pc-07")
        (receiver,) = receivers_of([upload], computers).values()
        cells = [column.text(receiver) for column in RECEIVER_COLUMNS]
        self.assertEqual((cells[int(HAS)], cells[int(LEFT)]), ("40 %", "0:06"))
        (stranger,) = receivers_of([replace(upload, computer="other")], computers).values()
        cells = [column.text(stranger) for column in RECEIVER_COLUMNS]
        self.assertEqual((cells[int(HAS)], cells[int(LEFT)]), ("", ""))

    def test_another_folder_is_a_second_share(self) -> None:
        run = self.started()
        lesson = self.folder / "lesson"
        lesson.mkdir()
        (lesson / "notes.txt").write_bytes(b"Lesson 1")
        seeder = self.window.seeder
        seeder.form.folder.variable.set(str(lesson))
        press(seeder, "Add this folder")
        self.pump_until(lambda: any(run.listing for run in seeder.besides))
        self.assertIs(run.state, RunState.RUNNING)
        self.assertIn("Stop seeding", widget_texts(seeder))
        folders = {str(bundled_folder("data")), str(lesson)}
        self.pump_until(lambda: folders <= self.offered())

    def test_sub_folders_open_and_close(self) -> None:
        lesson = self.folder / "lesson"
        (lesson / "week 1").mkdir(parents=True)
        (lesson / "week 1" / "notes.txt").write_bytes(b"Lesson 1")
        window = self.open_window()
        window.tracker.start()  # an unknown one might be an original, which knows no sub-folders
        self.pump_until(lambda: window._context.trackers.own is not None)
        window.seeder.form.folder.variable.set(str(lesson))
        window.seeder.start_or_stop()
        table = window.seeder.offered
        window.tabs.show("Seeder")
        self.pump_until(lambda: len(table.order) == 2)
        (_, week) = table.order
        table.choose([week])
        press_key(table.tree, "<Right>")
        self.assertEqual([text.strip() for text in texts_of(table.tree, "0")][2:], ["notes.txt"])
        self.assertEqual(texts_of(table.tree, "2"), ["1", "1", ""])
        table.choose([table.order[2]])
        press_key(table.tree, "<Left>")
        self.assertEqual(table.chosen, [week])
        press_key(table.tree, "<Left>")
        self.assertEqual(len(table.order), 2)

    def test_an_empty_folder_says_so_but_not_while_it_is_read(self) -> None:
        self.start(self.folder)
        self.wait_for_sentence("Seeding on port")
        run = self.window.seeder.main
        assert run is not None
        self.pump_until(lambda: "no files to share" in widget_texts(self.window.seeder.offered))
        run.take(HashingChanged(0, 4_000_000_000, 75_964))
        self.assertIn("75,964 files left", widget_texts(self.window.seeder.offered))
        self.assertNotIn("no files to share", widget_texts(self.window.seeder.offered))

    def test_that_others_can_connect_is_said(self) -> None:
        run = self.started()
        self.pump_until(lambda: run.listing is not None)
        run.take(ReachabilityChanged(Address("10.0.0.5", 12501), is_reachable=True))
        self.assertIn("Others can connect to this computer.", run.offers())

    def test_who_takes_from_a_download_is_shown_too(self) -> None:
        window = self.open_window()
        upload = Upload(Address("10.0.0.7", 5), "a", 1, 2, 5.0, "lab-pc-07")
        self.model._handle(UploadsChanged(SeederState.CONNECTED, (upload,), 1))
        self.pump_until(lambda: window.seeder.served == 1)
        self.assertEqual(window.seeder.rate, 5.0)

    def test_a_large_folder_is_not_shown_whole(self) -> None:
        files = tuple(ListedFile(f"{number:05}", 1) for number in range(SHOWN_AT_ONCE + 7))
        shared = SharedFolder(FileRow("a", "a/", 0, len(files)), SharedFiles(files))
        rows = list(rows_of(shared, {"a": True}))
        self.assertEqual(len(rows), SHOWN_AT_ONCE + 2)
        self.assertEqual((rows[0].files, rows[-1].text), (SHOWN_AT_ONCE + 7, "… and 7 more"))

    def test_the_limit_counts_at_once_and_is_kept(self) -> None:
        window = self.open_window()
        field, throttle = window.seeder.form.limit, window._context.roles.throttles.up
        field.variable.set("500 KB/s")
        field.entry.event_generate("<Return>")
        field.commit()
        self.assertEqual(throttle.slice(10**9), 50_000)
        field.variable.set("fast")
        field.commit()
        self.assertIn("is not a rate", field.problem)
        self.assertEqual(throttle.slice(10**9), 50_000)
        self.pump_until(lambda: not window._context.settings.is_writing)
        self.assertEqual(self.kept()["up_limit"], "500 KB/s")
        field.variable.set("")
        field.commit()
        self.assertEqual(throttle.slice(10**9), 10**9)

    def test_a_limit_that_was_kept_counts_from_the_start(self) -> None:
        self.keep(down_limit="1M")
        window = self.open_window()
        self.assertEqual(window.leecher.form.limit.variable.get(), "1M")
        self.assertEqual(window._context.roles.throttles.down.slice(10**9), 100_000)

    def started(self) -> SeederRun:
        self.start(bundled_folder("data"))
        self.wait_for_sentence("Seeding on port")
        run = self.window.seeder.main
        assert run is not None
        return run

    def test_a_seeder_beside_it_has_a_stop_of_its_own(self) -> None:
        window = self.open_with_examples()
        press(window.seeder._lines, "Stop")
        self.pump_until(lambda: not window.seeder.besides)
        self.assertIsNone(window.seeder.seeded_files)
