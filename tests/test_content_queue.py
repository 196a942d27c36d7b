"""The contents of a download: what is whole gets its name, what is wrong is fetched again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from roles.disk.reserved_space import ReservedSpace, free_space_in
from roles.disk.sparse_file import bytes_on_disk
from roles.disk.target_folder import TargetFolder
from roles.downloads.content_queue import MAX_ARRIVING, MAX_CHUNKS, MAX_TRANSFERS, ContentQueue
from roles.downloads.file_tally import FileTally
from roles.downloads.swarm_peer import SwarmPeer
from roles.downloads.wanted import WantedFile
from roles.joining.listed_share import Pack
from roles.net.throttle import Throttle
from roles.sharing.holdings import PackHolding, PackSource
from roles.swarm.peer_downloads import PeerDownloads
from roles.swarm.swarm_library import SwarmLibrary
from roles.values.errors import DiskFullError, FileChangedError
from roles.values.events import DownloadState, FileEnded
from roles.values.list_lines import FileLine, PackLine
from roles.wire import frames
from roles.wire.greeting import Hello
from tests.connections import over
from tests.disks import described, some_bytes
from tests.memory_contents import CHUNK, MemoryHolding, some_holding
from tests.peers import DownloadingTest
from tests.raw_peer import RawPeer
from tests.support import wait_until

SHARE = "5" * 16


class ContentQueueTest(DownloadingTest):
    def setUp(self) -> None:
        super().setUp()
        self.target = self.make_folder("target")
        self.library = SwarmLibrary()
        self.woken = threading.Event()
        self.downloads = PeerDownloads(
            *(self.swarm, Hello("0" * 16, "pc", 1, is_seeder=False), Throttle(), self.woken.set)
        )
        self.room: Callable[[Path], int] = free_space_in
        self.space = ReservedSpace(self.target, lambda folder: self.room(folder))
        self.ended: list[FileEnded] = []
        self.tally = FileTally(self.ended.extend)
        self.queue = self.another()

    def another(self) -> ContentQueue:
        queue = ContentQueue(
            TargetFolder(self.target),
            cast("SwarmPeer", self),
            self.space,
            self.tally,
            lambda: None,
        )
        self.addCleanup(queue.leave)
        return queue

    def file(self, path: str, holding: MemoryHolding) -> WantedFile:
        return WantedFile(path, tuple(path.split("/")), holding.content, 1_500_000_000, True)

    def step_until_through(self, *others: ContentQueue) -> None:
        def is_through() -> bool:
            for queue in (self.queue, *others):
                queue.step()
            return all(queue.is_through for queue in (self.queue, *others))

        wait_until(is_through)
        self.tally.flush()

    def serve(self, sender: RawPeer, *holdings: MemoryHolding) -> None:
        """Play an honest seeder of these until the leecher leaves. In a thread."""
        by_root = {holding.content.root: holding for holding in holdings}
        by_handle = dict[int, MemoryHolding]()

        def play() -> None:
            try:
                while True:
                    self.answer(sender, sender.next(), by_root, by_handle)
            except (EOFError, OSError):
                return

        thread = threading.Thread(target=play, name="scripted-seeder")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(sender.link.shutdown, 2)

    def answer(
        self,
        sender: RawPeer,
        frame: object,
        by_root: dict[bytes, MemoryHolding],
        by_handle: dict[int, MemoryHolding],
    ) -> None:
        match frame:
            case frames.Open(handle, root) if root in by_root:
                holding = by_handle[handle] = by_root[root]
                self.send_file(sender, handle, holding)
                if holding.content.count == 1:
                    sender.send_chunk(handle, 0, holding.data)
            case frames.Open(handle):
                sender.send(frames.Gone(handle, "what?"))
            case frames.GetDigests(handle, first, count):
                digests = by_handle[handle].digests() or b""
                part = digests[32 * first : 32 * (first + count)]
                sender.send(frames.Digests(handle, first, part))
            case frames.Want(handle, chunks) if chunks and handle in by_handle:
                wanted = int.from_bytes(chunks, "little")
                if wanted:
                    sender.send(frames.Offer(handle, wanted.bit_length() - 1))
            case frames.Take(handle, index):
                holding = by_handle[handle]
                sender.send_chunk(handle, index, holding.chunk(index))
                lower = (1 << index) - 1
                if lower:
                    sender.send(frames.Offer(handle, index - 1))
            case _:
                pass

    def states(self) -> dict[str, DownloadState]:
        return {file.name: file.state for file in self.ended}

    def read(self, path: str) -> bytes:
        return Path(self.target, path).read_bytes()

    def test_connections_are_made_as_soon_as_anything_is_wanted(self) -> None:
        one, other = some_holding(2), some_holding(3, 1)
        self.queue.begin([self.file("one", one), self.file("other", other)], ())
        self.assertFalse(self.woken.is_set())
        self.queue.step()
        self.assertTrue(self.woken.is_set())
        self.woken.clear()
        self.queue.step()
        self.assertFalse(self.woken.is_set())

    def test_files_of_all_kinds_arrive_and_get_their_names(self) -> None:
        contents = {
            "a": some_holding(0.3),
            "b/c": some_holding(3.1, 2),
            "b/empty": MemoryHolding(b""),
        }
        self.queue.begin([self.file(path, one) for path, one in contents.items()], ())
        self.serve(self.sender(), *contents.values())
        self.step_until_through()
        for path, holding in contents.items():
            self.assertEqual(self.read(path), holding.data)
        self.assertEqual(set(self.states().values()), {DownloadState.DONE})
        self.assertIsNotNone(self.library.find(contents["b/c"].content.root))
        self.assertEqual(self.tally.done, 3)

    def pack(self, prefix: str, data: list[bytes]) -> tuple[MemoryHolding, Pack, list[WantedFile]]:
        joined = MemoryHolding(b"".join(data))
        holdings = [MemoryHolding(some_data) for some_data in data]
        paths = [f"{prefix}/{number:03}" for number in range(len(data))]
        lines = tuple(
            FileLine(path, len(holding.data), holding.content)
            for path, holding in zip(paths, holdings, strict=True)
        )
        line = PackLine(joined.content, paths[0], len(lines))
        files = [self.file(path, holding) for path, holding in zip(paths, holdings, strict=True)]
        return joined, Pack(line, lines, SHARE), files

    def test_a_pack_becomes_its_files_and_is_given_on_from_them(self) -> None:
        data = [some_bytes(10_000 + seed, seed) for seed in range(40)]
        joined, pack, files = self.pack("small", data)
        self.queue.begin(files, [pack])
        self.serve(self.sender(), joined)
        self.step_until_through()
        for file, one in zip(files, data, strict=True):
            self.assertEqual(self.read(file.path), one)
        self.assertEqual(sorted(path.name for path in self.target.iterdir()), ["small"])
        given_on = self.library.find(joined.content.root)
        assert given_on is not None
        self.assertEqual(given_on.have(), joined.content.all_chunks)

    def test_each_file_is_told_of_with_what_is_here_of_it_and_how_many_send_it(self) -> None:
        whole, begun, waiting = some_holding(2), some_holding(3, 1), some_holding(2, 2)
        by_path = {"done": whole, "begun": begun, "waiting": waiting}
        self.queue.begin([self.file(path, one) for path, one in by_path.items()], ())
        sender = self.sender()
        self.queue.step()
        handles = {path: self.describe(sender, one) for path, one in by_path.items()}
        for holding in by_path.values():
            self.give_digests(sender, holding)

        def are_asked_for() -> bool:
            self.queue.step()
            return all(transfer.is_asking for transfer in self.queue.transfers)

        wait_until(are_asked_for)
        self.give(sender, handles["begun"], begun, 1)
        self.offer(sender, handles["begun"], 0)

        def told() -> list[tuple[str, int, int]]:
            now = time.monotonic()
            return [(file.name, file.have, file.senders) for file in self.queue.arriving(now=now)]

        wait_until(lambda: told() == [("begun", CHUNK, 1)])

    def test_of_a_pack_with_thousands_of_files_only_some_are_told_of(self) -> None:
        joined, pack, files = self.pack("small", [bytes([n % 256]) * 90 for n in range(900)])
        self.queue.begin(files, [pack])
        sender = self.sender()
        self.queue.step()
        [transfer] = self.queue.transfers
        self.assertEqual(self.queue.arriving(now=0.0), ())
        transfer.plan.had = joined.content.all_chunks
        arriving = self.queue.arriving(now=0.0)
        self.assertEqual(len(arriving), MAX_ARRIVING)
        self.assertEqual((arriving[0].name, arriving[0].have), ("small/000", 90))
        transfer.plan.had = 0
        sender.link.close()

    def small_pack(
        self,
    ) -> tuple[MemoryHolding, Pack, list[WantedFile], list[bytes]]:
        """160 files in seven chunks."""
        data = [some_bytes(10_000 + seed, seed) for seed in range(160)]
        return *self.pack("small", data), data

    def begun(
        self,
        files: list[WantedFile],
        pack: Pack,
        joined: MemoryHolding,
    ) -> tuple[RawPeer, int]:
        """A sender of the pack of which everything is wanted, and its handle."""
        self.queue.begin(files, [pack])
        sender = self.sender()
        self.queue.step()
        handle = self.describe(sender, joined)
        self.give_digests(sender, joined)

        def is_asked() -> bool:
            self.queue.step()
            return any(transfer.is_asking for transfer in self.queue.transfers)

        wait_until(is_asked)
        return sender, handle

    def test_files_of_a_pack_get_their_names_while_others_are_on_their_way(self) -> None:
        self.constant("downloads.unpacking", "UNPACK_AT", 2 * CHUNK)
        joined, pack, files, data = self.small_pack()
        sender, handle = self.begun(files, pack, joined)
        sizes = list[int]()
        came = 0
        for index in (3, 5, 4, 0, 6, 1):
            self.give(sender, handle, joined, index)
            came += joined.content.length(index)
            self.wait_for_bytes(came)
            self.queue.step()
            sizes.append(self.tally.had + self.queue.bytes_here)
        named = sum(
            len(one) for file, one in zip(files, data, strict=True) if self.is_here(file, one)
        )
        self.assertEqual(named, self.tally.had)
        self.assertGreater(named, 3 * CHUNK)
        self.assertLess(self.tally.ended, len(files))
        self.assertEqual(sizes, sorted(sizes))
        self.give(sender, handle, joined, 2)
        self.step_until_through()
        self.assertTrue(all(self.is_here(file, one) for file, one in zip(files, data, strict=True)))
        self.assertEqual((self.tally.ended, self.tally.had), (160, joined.content.size))
        self.assertEqual(len(self.ended), 160)
        self.assertIsNotNone(self.library.find(joined.content.root))
        self.assertEqual(sorted(path.name for path in self.target.iterdir()), ["small"])

    def test_of_a_pack_that_was_unpacked_in_part_only_what_is_missing_is_fetched(self) -> None:
        self.constant("downloads.unpacking", "UNPACK_AT", CHUNK)
        joined, pack, files, data = self.small_pack()
        sender, handle = self.begun(files, pack, joined)
        self.give(sender, handle, joined, 0, 1, 2, 3, 4, 5)
        self.wait_for_bytes(6 * CHUNK)
        self.queue.step()
        self.queue.leave()  # as a kill does
        sender.link.close()
        left = [file for file, one in zip(files, data, strict=True) if not self.is_here(file, one)]
        self.assertLess(len(left), len(files) / 2)
        self.queue = self.another()
        sender, handle = self.begun(left, pack, joined)
        self.assertEqual(self.tally.had + self.queue.bytes_here, 6 * CHUNK)  # nothing counts twice
        self.give(sender, handle, joined, 6)
        self.step_until_through()
        self.assertEqual(self.queue.arrived, joined.content.size - 6 * CHUNK)
        self.assertTrue(all(self.is_here(file, one) for file, one in zip(files, data, strict=True)))
        self.assertEqual(sorted(path.name for path in self.target.iterdir()), ["small"])

    def test_a_pack_of_which_a_file_was_edited_meanwhile_is_not_given_on_as_it_was(self) -> None:
        self.constant("downloads.unpacking", "UNPACK_AT", 2 * CHUNK)
        joined, pack, files, _ = self.small_pack()
        sender, handle = self.begun(files, pack, joined)
        self.give(sender, handle, joined, 0, 1)
        self.wait_for_bytes(2 * CHUNK)
        self.queue.step()
        edited = self.target.joinpath(*files[3].stored)
        edited.write_bytes(bytes(edited.stat().st_size))
        self.give(sender, handle, joined, 2, 3, 4, 5, 6)
        self.step_until_through()
        holding = self.library.find(joined.content.root)
        assert isinstance(holding, PackHolding)
        with self.assertRaises(FileChangedError):
            PackSource(self.target, holding.members).send(over(sender.link), 0, CHUNK)

    def wait_for_bytes(self, count: int) -> None:
        wait_until(lambda: self.queue.arrived == count)

    def is_here(self, file: WantedFile, data: bytes) -> bool:
        path = self.target.joinpath(*file.stored)
        return path.exists() and path.read_bytes() == data

    def test_a_member_that_is_not_as_listed_is_fetched_alone(self) -> None:
        data = [some_bytes(10_000 + seed, seed) for seed in range(40)]
        right = MemoryHolding(some_bytes(10_007, 99))
        joined, pack, files = self.pack("small", data)
        lines = pack.members
        lines = (*lines[:7], FileLine("small/007", 10_007, right.content), *lines[8:])
        files[7] = self.file("small/007", right)
        self.queue.begin(files, [Pack(pack.line, lines)])
        self.serve(self.sender(), joined, right)
        self.step_until_through()
        self.assertEqual(self.read("small/007"), right.data)
        self.assertEqual(len(self.ended), 40)

    def test_two_downloads_of_one_pack_at_once_both_get_their_files(self) -> None:
        data = [some_bytes(10_000 + seed, seed) for seed in range(10)]
        other = self.another()
        joined, pack, files = self.pack("one", data)
        _, other_pack, other_files = self.pack("two", data)
        self.queue.begin(files, [pack])
        other.begin(other_files, [other_pack])
        self.queue.step()
        other.step()
        self.serve(self.sender(), joined, *(MemoryHolding(some_data) for some_data in data))
        self.step_until_through(other)
        self.assertEqual(set(self.states().values()), {DownloadState.DONE})
        self.assertEqual(self.read("one/004"), self.read("two/004"))

    def test_a_thousand_files_are_not_all_begun_at_once(self) -> None:
        some = [MemoryHolding(some_bytes(10 + seed, seed)) for seed in range(300)]
        self.queue.begin([self.file(f"n/{n}", one) for n, one in enumerate(some)], ())
        self.queue.step()
        self.assertEqual(len(self.queue.transfers), MAX_TRANSFERS)
        self.serve(self.sender(), *some)
        self.step_until_through()
        self.assertEqual(len(list((self.target / "n").iterdir())), 300)

    def test_great_files_are_begun_one_after_another(self) -> None:
        size = MAX_CHUNKS * (1 << 18)
        contents = [described(b"")[0].__class__(bytes([n]) * 32, size, 1 << 18) for n in range(3)]
        files = [WantedFile(f"{n}", (f"{n}",), one) for n, one in enumerate(contents)]
        self.room = lambda _: 1 << 50
        self.queue.begin(files, ())
        self.queue.step()
        self.assertEqual(len(self.queue.transfers), 1)

    def test_files_at_once_never_take_more_than_there_is_together(self) -> None:
        one, two = some_holding(3.5), some_holding(3.5, 2)
        size = one.content.size
        free = 2 * size - 1

        def room(folder: Path) -> int:
            return free - sum(bytes_on_disk(path) for path in folder.iterdir())

        self.room = room
        self.queue.begin([self.file("one", one), self.file("two", two)], ())
        self.queue.step()
        self.assertEqual([path.name for path in self.target.iterdir()], ["one.lmkpart"])
        other = self.another()
        other.begin([self.file("three", two)], ())
        with self.assertRaisesRegex(DiskFullError, "Free 1 MB"):
            other.step()
        self.serve(self.sender(), one, two)

        def came() -> bool:
            self.queue.step()
            return (self.target / "one").exists()

        with self.assertRaises(DiskFullError):  # nothing is under way that would make room
            wait_until(lambda: came() and False)
        self.assertEqual(self.read("one"), one.data)
        self.queue.stand_still()
        free *= 2
        self.queue.check_space()
        self.step_until_through()
        self.assertEqual(self.read("two"), two.data)
        other.step()

    def test_what_an_earlier_run_left_takes_no_room_twice(self) -> None:
        holding = some_holding(4)
        (self.target / "a.lmkpart").write_bytes(holding.data[: 3 << 18])
        self.room = lambda _: 2 << 18
        self.queue.begin([self.file("a", holding)], ())
        self.queue.step()
        self.assertEqual(len(self.queue.transfers), 1)

    def test_what_stands_still_keeps_no_room_from_others(self) -> None:
        one, two = some_holding(4), some_holding(4, 2)
        self.room = lambda _: one.content.size
        self.queue.begin([self.file("one", one)], ())
        self.queue.step()
        other = self.another()
        other.begin([self.file("two", two)], ())
        with self.assertRaises(DiskFullError):
            other.step()
        other.stand_still()
        self.queue.stand_still()
        self.queue.check_space()
        with self.assertRaises(DiskFullError):
            other.check_space()
        self.queue.stand_still()
        other.check_space()

    def test_what_a_disk_says_of_one_file_fails_that_file_only(self) -> None:
        bad, good = some_holding(0.2), some_holding(2, 2)
        (self.target / "bad.lmkpart").mkdir()
        self.queue.begin([self.file("bad", bad), self.file("good", good)], ())
        self.serve(self.sender(), bad, good)
        self.step_until_through()
        self.assertEqual(self.states(), {"bad": DownloadState.FAILED, "good": DownloadState.DONE})

    def test_after_a_full_disk_it_goes_on_when_it_is_resumed(self) -> None:
        holding = some_holding(5)
        self.queue.begin([self.file("a", holding)], ())
        sender = self.sender()
        self.queue.step()
        self.describe(sender, holding)
        self.give_digests(sender, holding)
        [transfer] = self.queue.transfers
        wait_until(lambda: self.stepped() and transfer.is_asking)
        transfer.fault = DiskFullError("full")
        with self.assertRaises(DiskFullError):
            self.queue.step()
        self.queue.stand_still()
        self.queue.resume()
        self.serve(sender, holding)
        self.step_until_through()
        self.assertEqual(self.read("a"), holding.data)

    def stepped(self) -> bool:
        self.queue.step()
        return True

    def test_of_what_is_given_up_before_it_began_nothing_is_left(self) -> None:
        files = [self.file(name, some_holding(4, seed)) for seed, name in enumerate("ab")]
        (self.target / "b.lmkpart").write_bytes(b"some of it")
        self.queue.begin(files, ())
        self.queue.step()
        self.queue.give_up([file.identity for file in files])
        self.assertEqual(self.tally.ended, 2)
        self.assertEqual([path.name for path in self.target.iterdir()], ["b.lmkpart"])

    def test_what_was_left_is_found_again_and_what_was_discarded_is_gone(self) -> None:
        holding = some_holding(4)
        self.queue.begin([self.file("a", holding)], ())
        self.queue.step()
        part = self.target / "a.lmkpart"
        self.queue.leave()
        part.write_bytes(holding.data[: 2 << 18])
        self.queue.begin([self.file("a", holding)], ())
        sender = self.sender()
        self.queue.step()
        self.describe(sender, holding)
        self.give_digests(sender, holding)
        wait_until(lambda: self.stepped() and self.queue.bytes_here == 2 << 18)
        while not isinstance(frame := sender.next(), frames.Want):
            pass
        self.assertEqual(frame.chunks, b"\x0c")
        self.assertEqual(self.queue.discard(), [])
        self.assertFalse(part.exists())
