"""What is told of the download that the user looks at, and when."""

from __future__ import annotations

import unittest
from types import SimpleNamespace
from typing import cast
from unittest import mock

from roles.downloads.download import Download
from roles.downloads.download_watch import TELL_S, DownloadWatch
from roles.downloads.swarm_peer import SwarmPeer
from roles.downloads.watched_folder import WatchedFolder
from roles.values.content import MIN_CHUNK_SIZE, Content
from roles.values.watched import FolderPieces, Watched

CONTENT = Content(b"r" * 32, 1, MIN_CHUNK_SIZE)
PIECES = FolderPieces(b"\xff", 0, b"\1", 1, 1)


def download(**transfers: object) -> Download:
    """One that fetches these contents, by path."""
    made = SimpleNamespace(watched=WatchedFolder(), transfer_of=transfers.get)
    return cast(Download, made)


class DownloadWatchTest(unittest.TestCase):
    def setUp(self) -> None:
        self.posted: list[Watched] = []
        self.downloads = {"a": download(x=SimpleNamespace(content=CONTENT)), "b": download()}
        self.watch = DownloadWatch(self.downloads.get, self.posted.append)  # type: ignore[arg-type]
        self.peer = mock.create_autospec(SwarmPeer, instance=True)
        self.peer.bottleneck = None
        self.peer.watched.return_value = (0, 0, ())

    def test_nothing_is_told_until_somebody_looks(self) -> None:
        self.watch.tell(self.peer, now=10.0)
        self.assertEqual(self.posted, [])

    def test_a_file_is_told_at_once_and_then_only_what_changes(self) -> None:
        self.watch.tell(self.peer, now=10.0)
        self.watch.look_at("a", "x")
        self.watch.tell(self.peer, now=10.0)
        self.assertEqual(self.posted, [Watched("a", "x", CONTENT, 0, 0, (), None)])
        self.watch.tell(self.peer, now=10.0 + TELL_S)
        self.peer.watched.return_value = (1, 2, ())
        self.watch.tell(self.peer, now=10.0 + 1.5 * TELL_S)
        self.assertEqual(len(self.posted), 1)
        self.watch.tell(self.peer, now=10.0 + 2 * TELL_S)
        self.assertEqual((self.posted[-1].have, self.posted[-1].coming), (1, 2))

    def test_a_folder_is_told_with_its_pieces_until_something_else_is_looked_at(self) -> None:
        folder = self.downloads["b"].watched
        for path in ("", "d/"):
            self.watch.look_at("b", path)
            self.assertEqual(folder.below, path)
        folder.pieces = PIECES
        self.watch.tell(self.peer, now=10.0)
        self.assertEqual(self.posted, [Watched("b", "d/", None, 0, 0, (), None, PIECES)])
        self.watch.look_at("a", "x")
        self.assertIsNone(folder.below)
        self.watch.tell(self.peer, now=10.0)
        self.assertEqual(self.posted[-1].download, "a")

    def test_what_is_gone_is_told_as_nothing_on_its_way(self) -> None:
        self.watch.look_at("a", "x")
        del self.downloads["a"]
        self.watch.tell(self.peer, now=10.0)
        self.assertEqual(self.posted, [Watched("a", "x", None, 0, 0, (), None)])
        self.watch.look_at("", "")
        self.watch.tell(self.peer, now=20.0)
        self.assertEqual(len(self.posted), 1)
