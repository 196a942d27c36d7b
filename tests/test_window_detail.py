"""Below the list: pieces, the sentence, the graph and the computers of the selected row."""

from __future__ import annotations

from tkinter import ttk

from roles.values.addresses import LOOPBACK, Address
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.events import DownloadChanged, DownloadState, FilesListed
from roles.values.listed_file import ListedFile, ListedFolder
from roles.values.watched import NOT_KNOWN, Bottleneck, FolderPieces, Slowest, Watched, WatchedPeer
from tests.windows import AppWindowTest, every_widget, text_of
from ui.window.speed_graph import SpeedGraph
from ui.window.window_geometry import LEAST_WIDTH, USUAL_HEIGHT, USUAL_WIDTH

TRACKER = Address(LOOPBACK, 12500)
SHARE = "c0" * 8
KEY = f"share:{SHARE}"
SIZE = 10 * MIN_CHUNK_SIZE
CONTENT = Content(bytes(32), SIZE, MIN_CHUNK_SIZE)


class DetailTest(AppWindowTest):
    withdrawn = False

    def setUp(self) -> None:
        super().setUp()
        self.window = self.open_window()
        self.window.geometry("1280x800+0+0")
        self.list = self.window.leecher.list
        self.detail = self.list.detail
        self.asked: list[tuple[str, str]] = []
        self.detail._watch = lambda *asked: self.asked.append(asked)
        file = ListedFile("sub/big.bin", SIZE, b"root", SHARE)
        folder = ListedFolder(SHARE, "Course", 1, SIZE)
        self.model._handle(FilesListed(TRACKER, (file,), (), (), (folder,)))
        self.list.toggle(f"{KEY}/sub")
        self.window.update()

    def download(self, state: DownloadState = DownloadState.DOWNLOADING) -> None:
        self.model._handle(DownloadChanged(KEY, state, SIZE, SIZE // 2, 3e6, 24.0, (), files=2))
        self.window.update()

    def watched(self, have: int, coming: int, *, slowest: Slowest = Slowest.DISK) -> None:
        self.window.update()  # the choice of the row reaches the detail
        holders = (
            WatchedPeer(Address("10.0.0.1", 1), "Teacher", 0x3FF, 3e6, coming, is_sending=True),
            WatchedPeer(Address("10.0.0.7", 1), "Student", 0x1F, 0.0, 0, is_sending=False),
        )
        found = Bottleneck(slowest, 3e6, ("Teacher",))
        told = Watched(KEY, "sub/big.bin", CONTENT, have, coming, holders, found)
        self.model._handle(told)
        self.window.update()

    def test_the_selected_file_is_watched_and_nothing_once_the_folder_has_ended(self) -> None:
        self.download()
        self.list.table.choose(["sub/big.bin"])
        self.window.update()
        self.assertEqual(self.asked[-1], (KEY, "sub/big.bin"))
        self.list.table.choose([KEY])
        self.window.update()
        self.assertEqual(self.asked[-1], (KEY, ""))
        self.download(DownloadState.DONE)
        self.pump_until(lambda: self.asked[-1] == ("", ""))

    def test_pieces_places_computers_and_what_is_slow_are_shown(self) -> None:
        self.download()
        self.list.table.choose(["sub/big.bin"])
        self.watched(0b1, 0b10)
        detail, colours = self.detail, self.window._context.theme.colours
        self.assertEqual(text_of(detail.counted), "1 of 10")
        self.assertEqual(text_of(detail.spread), "1 to 2 have each")
        self.assertIn("this disk, which writes 3.0 MB/s", text_of(detail.sentence))
        self.assertTrue(detail._bars.winfo_viewable())
        self.assertTrue(detail.sources.winfo_viewable())
        self.assertEqual(len(detail.sources.order), 2)
        shown = detail._piece_colours(10)
        self.assertEqual(shown[:3], [colours.accent, colours.warning, colours.track])
        self.pump_until(lambda: detail.pieces._drawn != ())
        picture = detail.pieces._picture
        red, green, blue = (int(colours.accent[at : at + 2], 16) for at in (1, 3, 5))
        self.assertEqual(picture.get(3, 8), (red, green, blue))
        self.assertEqual((picture.height(), detail.places._picture.height()), (16, 10))
        said = detail._piece_text(0.95)
        self.assertIn("Piece 10 of 10: missing", said)
        self.assertIn("Has it: Teacher", said)
        self.assertIn("sub/big.bin", said)

    def test_a_whole_folder_has_pieces_and_places_too(self) -> None:
        self.download()
        self.list.table.choose([KEY])
        self.window.update()
        self.assertEqual(self.asked[-1], (KEY, ""))
        folder = FolderPieces(
            bytes([255] * 4 + [90] + [0] * 5), 0b100000, bytes([3] * 6 + [NOT_KNOWN] * 4), 45, 100
        )
        found = Bottleneck(Slowest.DISK, 3e6, ("Teacher",))
        self.model._handle(Watched(KEY, "", None, 0, 0, (), found, folder))
        self.window.update()
        detail, colours = self.detail, self.window._context.theme.colours
        self.assertEqual(text_of(detail.counted), "45 of 100")
        self.assertEqual(text_of(detail.spread), "3 have each")
        self.assertTrue(detail._bars.winfo_viewable())
        shown = detail._piece_colours(10)
        self.assertEqual(shown[0], colours.accent)
        self.assertEqual(shown[5], colours.warning)
        self.assertEqual(shown[9], colours.track)
        self.assertNotIn(shown[4], (colours.accent, colours.track))
        self.assertEqual(detail._place_colours(10)[0], colours.good)
        self.assertEqual(detail._place_colours(10)[9], colours.track)
        self.assertEqual(
            detail._piece_text(0.45),
            "sub/big.bin\nSome of it is here\nHas it: 3 connected computers",
        )
        self.assertEqual(detail._piece_text(0.95), "sub/big.bin\nMissing")

    def test_a_folder_in_a_folder_is_watched_by_its_path(self) -> None:
        self.download()
        self.list.table.choose([f"{KEY}/sub"])
        self.window.update()
        self.assertEqual(self.asked[-1], (KEY, "sub/"))

    def test_the_computers_are_in_sight_in_the_usual_window(self) -> None:
        usual = USUAL_WIDTH, USUAL_HEIGHT
        self.window.geometry(f"{USUAL_WIDTH}x{USUAL_HEIGHT}")
        self.pump_until(lambda: (self.window.winfo_width(), self.window.winfo_height()) == usual)
        self.download()
        self.list.table.choose([KEY])
        self.pump_until(lambda: self.detail.sources.winfo_viewable())
        self.list.table.choose(["sub/big.bin"])
        self.watched(0b1, 0b10)
        self.pump_until(
            lambda: self.detail._bars.winfo_viewable() and self.detail.sources.winfo_viewable()
        )

    def test_the_pieces_are_in_sight_in_the_smallest_window(self) -> None:
        self.window.geometry("800x560")
        self.pump_until(lambda: self.window.winfo_width() == 800)
        self.download()
        self.list.table.choose(["sub/big.bin"])
        self.window.update()
        self.detail.fit()  # without pieces, the bars are gone
        self.window.update()
        self.watched(0b1, 0b10)
        self.pump_until(lambda: bool(self.detail._bars.winfo_viewable()))
        self.assertGreaterEqual(self.list.table.winfo_height(), 2 * 32)

    def test_what_has_ended_leaves_no_room_for_its_pieces(self) -> None:
        self.download()
        self.list.table.choose(["sub/big.bin"])
        self.watched(0b1, 0b10)
        room = self.detail.least
        self.download(DownloadState.DONE)
        self.pump_until(lambda: self.detail.least < room)
        self.assertEqual(self.list.split._least, self.detail.least)

    def test_the_sentence_changes_with_what_is_slow(self) -> None:
        self.download()
        self.list.table.choose(["sub/big.bin"])
        said = set[str]()
        for slowest in Slowest:
            self.watched(0b1, 0b10, slowest=slowest)
            said.add(text_of(self.detail.sentence))
        self.assertEqual(len(said), len(Slowest))

    def test_a_file_that_is_done_says_so(self) -> None:
        self.model._handle(DownloadChanged(KEY, DownloadState.DONE, SIZE, SIZE, 0.0, None, ()))
        self.list.table.choose([KEY])
        self.window.update()
        self.assertIn("Done, checked", text_of(self.detail.sentence))
        self.assertFalse(self.detail._bars.winfo_viewable())
        self.assertFalse(self.detail.sources.winfo_viewable())
        detail, tree = self.detail, self.list.table.tree
        self.list.show()
        self.pump_until(lambda: tree.winfo_height() > 3 * detail.winfo_height())

    def test_the_sash_stays_where_it_was_put(self) -> None:
        self.download()
        split = self.list.split
        self.pump_until(lambda: self.detail.sources.winfo_viewable())
        before = self.detail.winfo_height()
        self.list._move_sash(-2)
        self.pump_until(lambda: self.detail.winfo_height() > before)
        self.pump_until(lambda: not self.window._context.settings.is_writing)
        self.assertEqual(self.kept()["list_percent"], split.percent)


class GraphTest(AppWindowTest):
    withdrawn = False

    def test_each_choice_of_minutes_draws_two_lines_of_few_points(self) -> None:
        window = self.open_window()
        graph: SpeedGraph = window.leecher.list.detail.graph
        for second in range(2_000):
            graph.add(second * 1_000.0, 500_000.0)
        graph.canvas.configure(width=400, height=80)
        graph.grid()
        for minutes in (1, 5, 30):
            graph._minutes.set(minutes)
            with_lines = [item for item in self.drawn(graph) if len(item) > 4]
            self.assertEqual(len(with_lines), 2)
            self.assertLessEqual(max(len(line) for line in with_lines), 2 * 310)
        self.assertEqual(text_of(graph.down), "↓ 2.0 MB/s")

    def test_no_choice_of_minutes_is_cut_in_the_smallest_window(self) -> None:
        window = self.open_window()
        graph = SpeedGraph(window, window._context.theme)
        graph.add(888e6, 888e6)
        # Half of what a tab has between its margins.
        graph.place(width=window._context.theme.px((LEAST_WIDTH - 34 - 12) // 2), height=100)
        window.update()
        for button in every_widget(graph):
            if isinstance(button, ttk.Radiobutton):
                self.assertGreaterEqual(button.winfo_width(), button.winfo_reqwidth())

    def drawn(self, graph: SpeedGraph) -> list[list[float]]:
        canvas = graph.canvas
        canvas.winfo_width = lambda: 400  # type: ignore[method-assign]
        canvas.winfo_height = lambda: 80  # type: ignore[method-assign]
        graph._draw()
        return [canvas.coords(item) for item in canvas.find_all()]
