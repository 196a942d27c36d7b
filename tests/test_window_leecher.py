"""The Leecher tab with real roles on loopback: from the list to the same bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from roles.program.profile import bundled_folder
from roles.seeder import Seeder
from roles.values.addresses import LOOPBACK, Address
from roles.values.events import DownloadState, FilesListed, RoleStarted
from roles.values.listed_file import ListedFile
from roles.values.settings import SeederSettings
from tests.support import LIMIT_S, EventLog
from tests.windows import AppWindowTest, examples, is_gone, sentences, text_of, texts_of
from ui.window.app_window import AppWindow

NAME = "table.csv"
LARGEST = "many-chunks.bin"
STATUS = "6"  # columns of the table
FILE = "1"
ALL_DONE = "Done, checked"


class TryItTest(AppWindowTest):
    def test_one_press_fills_the_list(self) -> None:
        window = self.open_with_examples()
        self.assertEqual(self.files_listed(), examples())
        self.assertIs(window.tabs.in_front, window.leecher)
        self.assertEqual(text_of(window.tracker.form.address), f"127.0.0.1:{self.tracker_port}")

    def test_everything_arrives_byte_by_byte_and_says_so(self) -> None:
        window = self.open_with_examples()
        window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, *examples())
        for name in examples():
            with self.subTest(name=name):
                original = (bundled_folder("data") / name).read_bytes()
                self.assertEqual((self.downloads / "data" / name).read_bytes(), original)
        tree = window.leecher.list.table.tree
        self.pump_until(lambda: set(texts_of(tree, STATUS)) == {ALL_DONE})

    def test_pressed_twice_it_starts_nothing_twice(self) -> None:
        window = self.open_with_examples()
        window.try_it()
        window.update()
        self.assertEqual(len(window.seeder.besides), 1)

    def test_its_tracker_is_no_wish_for_the_next_start(self) -> None:
        self.open_with_examples(tracker="")
        self.window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, *examples())
        self.pump_until(lambda: not self.window._context.settings.is_writing)
        self.assertEqual(self.kept()["tracker"], "")


class ExistingTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        self.downloads.mkdir()
        self.window = self.open_with_examples(own_folders=False)

    def begin_with(self, content: bytes, answer: str) -> Path:
        """Download a file that is there already, and answer the question."""
        there = self.downloads / NAME
        there.write_bytes(content)
        self.window.leecher.list.table.choose([NAME])
        self.window.leecher.download_chosen()
        self.answer(self.window.leecher.notices, answer)
        return there

    def test_skip_leaves_the_same_file_alone(self) -> None:
        same = (bundled_folder("data") / NAME).read_bytes()
        there = self.begin_with(same, "Skip if identical")
        self.wait_for_state(DownloadState.SKIPPED, NAME)
        self.assertEqual(there.read_bytes(), same)
        self.assertEqual(list(self.downloads.iterdir()), [there])

    def test_keep_both_gives_the_new_one_a_number(self) -> None:
        there = self.begin_with(b"mine", "Keep both")
        self.wait_for_state(DownloadState.DONE, NAME)
        self.assertEqual(there.read_bytes(), b"mine")
        self.assertTrue((self.downloads / "table (2).csv").exists())

    def test_replace_replaces(self) -> None:
        there = self.begin_with(b"mine", "Replace")
        self.wait_for_state(DownloadState.DONE, NAME)
        self.assertEqual(there.read_bytes(), (bundled_folder("data") / NAME).read_bytes())

    def test_no_answer_downloads_nothing_of_it(self) -> None:
        there = self.begin_with(b"mine", "Do not download")
        self.assertIsNone(self.state_of(NAME))
        self.assertEqual(there.read_bytes(), b"mine")

    def test_the_others_do_not_wait_for_the_answer(self) -> None:
        (self.downloads / NAME).write_bytes(b"mine")
        self.window.leecher.list.table.choose(examples())
        self.window.leecher.download_chosen()
        others = [name for name in examples() if name != NAME]
        self.wait_for_state(DownloadState.DONE, *others)
        self.assertIsNone(self.state_of(NAME))
        self.assertTrue(self.window.leecher.notices.has("existing"))

    def test_a_folder_is_asked_about_as_a_whole(self) -> None:
        (self.downloads / NAME).write_bytes(b"mine")
        folder = self.model.list.all_keys[0]
        self.window.leecher.download_all()
        self.answer(self.window.leecher.notices, "Keep both")
        self.wait_for_state(DownloadState.DONE, folder)
        self.assertEqual((self.downloads / NAME).read_bytes(), b"mine")
        same = (bundled_folder("data") / NAME).read_bytes()
        self.assertEqual((self.downloads / "table (2).csv").read_bytes(), same)


class UnderWayTest(AppWindowTest):
    """A download that the limit of speed holds for twenty seconds, unless it is lifted."""

    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_with_examples(up_limit="10K")
        self.leecher = self.window.leecher
        self.leecher.list.table.choose([LARGEST])
        self.leecher.download_chosen()
        self.wait_for_state(DownloadState.DOWNLOADING, LARGEST)

    def lift(self) -> None:
        self.window._context.roles.throttles.up.set_limit(None)

    def test_pause_and_resume(self) -> None:
        self.leecher.pause()
        self.wait_for_state(DownloadState.PAUSED, LARGEST)
        self.assertEqual(self.leecher.list.can_resume(), [LARGEST])
        self.lift()
        self.leecher.pause_or_resume()
        self.wait_for_state(DownloadState.DONE, LARGEST)

    def test_cancel_leaves_nothing_behind(self) -> None:
        self.leecher.cancel()
        self.wait_for_state(DownloadState.CANCELLED, LARGEST)
        self.pump_until(lambda: not list(self.downloads.iterdir()))
        self.assertEqual(self.leecher.list.can_cancel(), [])

    def test_the_title_shows_how_far_it_is(self) -> None:
        self.pump_until(lambda: self.window.title().endswith(" % – LMKtorrent"))
        self.lift()
        self.wait_for_state(DownloadState.DONE, LARGEST)
        self.pump_until(lambda: self.window.title() == "LMKtorrent")

    def test_it_goes_on_with_the_next_window(self) -> None:
        self.window.close_now()
        self.pump_until(lambda: is_gone(self.window))
        self.keep()  # without the limit
        self.open_window(try_it=True)
        self.wait_for_state(DownloadState.DONE, LARGEST)
        original = (bundled_folder("data") / LARGEST).read_bytes()
        self.assertEqual((self.downloads / LARGEST).read_bytes(), original)

    def test_another_folder_counts_only_after_what_is_under_way(self) -> None:
        elsewhere = self.folder / "elsewhere"
        self.leecher.form.folder.variable.set(str(elsewhere))
        self.leecher.use_fields()
        self.answer(self.leecher.notices, "Wait for that")
        self.leecher.use_fields()
        self.assertFalse(self.leecher.notices.has("renew"), "it asked again")
        self.lift()
        self.wait_for_done_in(self.downloads)
        self.pump_until(lambda: self.folder_in_use() == elsewhere)
        self.assertFalse(self.leecher.notices.has("renew"))

    def test_another_folder_at_once_cancels_what_is_under_way(self) -> None:
        elsewhere = self.folder / "elsewhere"
        self.leecher.form.folder.variable.set(str(elsewhere))
        self.leecher.use_fields()
        self.answer(self.leecher.notices, "Cancel them and change now")
        self.pump_until(lambda: self.folder_in_use() == elsewhere)
        self.wait_for_files(len(examples()))

    def test_changing_nothing_puts_the_fields_back(self) -> None:
        self.leecher.form.folder.variable.set(str(self.folder / "elsewhere"))
        self.leecher.use_fields()
        self.answer(self.leecher.notices, "Change nothing")
        self.assertEqual(self.leecher.form.folder.folder, str(self.downloads))

    def folder_in_use(self) -> Path | None:
        settings = self.model.settings
        return settings.folder if settings is not None and self.model.leecher is not None else None

    def wait_for_done_in(self, folder: Path) -> None:
        self.pump_until((folder / LARGEST).exists)


class KeepSeedingTest(AppWindowTest):
    def download(self, **settings: object) -> AppWindow:
        window = self.open_with_examples(**settings)
        window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, *examples())
        return window

    def forget_folders(self) -> None:
        """As in a room of originals."""
        assert self.model.listed is not None
        self.model.listed = replace(self.model.listed, folders=())

    def test_in_a_swarm_no_download_folder_becomes_a_share_of_its_own(self) -> None:
        window = self.download(keep_seeding=True)
        window.leecher.keep_seeding_changed()
        self.assertEqual(len(window.seeder.besides), 1)
        self.assertEqual([folder.name for folder in self.model.listed.folders], ["data"])  # type: ignore[union-attr]

    def test_what_originals_sent_is_seeded_when_that_is_ticked(self) -> None:
        window = self.download()
        self.forget_folders()
        self.assertEqual(len(window.seeder.besides), 1)
        window.leecher.form.keep_seeding.set(True)
        window.leecher.keep_seeding_changed()
        self.assertEqual(len(window.seeder.besides), 2)
        run = list(window.seeder.besides)[1]
        self.assertEqual(run.settings.folder, self.downloads)
        self.pump_until(lambda: run.address is not None)

    def test_a_folder_that_is_seeded_already_is_not_seeded_twice(self) -> None:
        self.downloads.mkdir()
        window = self.open_with_examples(shared_folder=str(self.downloads))
        window.seeder.start_or_stop()
        window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, *examples())
        self.forget_folders()
        window.leecher.form.keep_seeding.set(True)
        window.leecher.keep_seeding_changed()
        self.assertEqual(len(window.seeder.besides), 1)


class StrangeNamesTest(AppWindowTest):
    def test_names_that_could_fool_the_reader_are_escaped(self) -> None:
        window = self.open_window()
        hostile = "pay\u202egnp.exe\n{a b} $x [y]"
        address = Address(LOOPBACK, self.tracker_port)
        self.model._handle(FilesListed(address, (ListedFile(hostile, 5),), (), ("..\\u000aevil",)))
        shown = texts_of(window.leecher.list.table.tree, FILE)
        self.assertEqual(shown, ["pay\\u202egnp.exe\\u000a{a b} $x [y]"])
        self.assertIn("Refused 1 name", sentences(window.leecher.notices)[0])

    def test_a_second_list_replaces_the_first(self) -> None:
        window = self.open_window()
        address = Address(LOOPBACK, self.tracker_port)
        for names in (("a", "b", "c"), ("b", "d")):
            files = tuple(ListedFile(name, 1) for name in names)
            self.model._handle(FilesListed(address, files, (), ()))
        self.assertEqual(window.leecher.list.table.order, ["b", "d"])


class RefreshTest(AppWindowTest):
    def test_files_of_a_seeder_elsewhere_appear_by_themselves(self) -> None:
        window = self.open_window()
        window.tracker.start()
        self.pump_until(lambda: window.tracker.seeder_count is not None)
        log = EventLog()
        settings = SeederSettings(bundled_folder("data"), self.own_tracker, Address(LOOPBACK, 0))
        seeder = Seeder(settings, log)
        seeder.start()
        self.addCleanup(seeder.join, LIMIT_S)
        self.addCleanup(seeder.stop)
        log.wait_for(RoleStarted)
        self.wait_for_files(len(examples()))
