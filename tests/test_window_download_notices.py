"""What is said above the list about downloads: what is here, what failed, and what was verified."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

from roles.program.profile import bundled_folder
from roles.values.events import DownloadState, Verified
from tests.support import LIMIT_S
from tests.windows import AppWindowTest, examples, press, sentences

NAME = "table.csv"
LARGEST = "many-chunks.bin"


class DownloadNoticesTest(AppWindowTest):
    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_with_examples()
        self.window.leecher.download_all()
        self.wait_for_state(DownloadState.DONE, *examples())
        self.share = self.model.list.all_keys[0]
        self.pump_until(lambda: self.model.state_of(self.share) is DownloadState.DONE)
        self.list = self.window.leecher.list
        self.notices = self.window.leecher.notices

    def verify(self, key: str) -> str:
        """What is said in the end."""
        self.list.table.choose([key])
        menu = self.list.menu.menu
        self.list.menu.refresh()
        labels = [str(menu.entrycget(n, "label")) for n in range((menu.index("end") or 0) + 1)]
        self.assertEqual(menu.entrycget(labels.index("Verify again"), "state"), "normal")
        menu.invoke(labels.index("Verify again"))

        self.pump_until(lambda: bool(self.said()), LIMIT_S, "nothing was said")
        return self.said()[-1]

    def said(self) -> list[str]:
        return [said for said in sentences(self.notices) if said.startswith("data/:")]

    def test_how_many_files_are_here_is_said_until_another_download_begins(self) -> None:
        said = f"{len(examples())} files are here and checked."
        self.pump_until(lambda: said in sentences(self.notices))
        whole = self.model.downloads[self.share]
        self.model._handle(replace(whole, state=DownloadState.DOWNLOADING))
        self.assertNotIn(said, sentences(self.notices))

    def test_what_is_the_same_is_said_to_be(self) -> None:
        number = len(examples())
        self.assertEqual(
            self.verify(self.share), f"data/: checked again, unchanged ({number} files)."
        )
        self.notices.close_newest()
        self.assertEqual(self.verify(NAME), "data/: checked again, unchanged (1 file).")

    def test_what_is_not_is_named_and_fetched_again_beside_what_was_edited(self) -> None:
        here = self.downloads / "data"
        (here / NAME).write_bytes(b"my own words")
        (here / LARGEST).unlink()
        said = self.verify(self.share)
        self.assertIn(f"Changed here “{NAME}”; missing “{LARGEST}”.", said)
        self.answer(self.notices, "Fetch again")
        self.pump_until((here / LARGEST).exists)
        self.wait_for_state(DownloadState.DONE, LARGEST)
        original = bundled_folder("data")
        self.assertEqual((here / NAME).read_bytes(), b"my own words")
        self.assertEqual((here / "table (2).csv").read_bytes(), (original / NAME).read_bytes())
        self.assertEqual((here / LARGEST).read_bytes(), (original / LARGEST).read_bytes())

    def test_what_is_said_of_one_folder_goes_when_another_one_is_used(self) -> None:
        self.verify(self.share)
        self.window.leecher.form.folder.variable.set(str(self.folder / "elsewhere"))
        self.window.leecher.use_fields()
        self.assertEqual(self.said(), [])

    def test_reading_anew_can_be_stopped(self) -> None:
        told = Verified(self.share, "", "data/", 8, 100, 2, 40)
        assert self.model.leecher is not None
        with mock.patch.object(self.model.leecher, "stop_verifying") as stopped:
            self.model._handle(told)
            self.model._handle(replace(told, files_read=3, size_read=55))
            self.assertIn("Checking data/ again: 55 %.", sentences(self.notices))
            press(self.notices, "Stop")
        stopped.assert_called_once_with()
        self.model._handle(replace(told, is_over=True))
        self.assertFalse([sentence for sentence in sentences(self.notices) if "again" in sentence])

    def test_what_was_not_downloaded_cannot_be_verified(self) -> None:
        self.list.table.choose([])
        self.assertEqual(list(self.list.to_verify()), [])
