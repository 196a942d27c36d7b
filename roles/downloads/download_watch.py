"""The download that the user looks at: what is told of it, and how often."""

from __future__ import annotations

from collections.abc import Callable

from roles.downloads.download import Download
from roles.downloads.swarm_peer import SwarmPeer
from roles.values.events import Post
from roles.values.watched import Watched

TELL_S = 0.25


class DownloadWatch:
    """Owned by the leecher's thread. Posts Watched after each change."""

    def __init__(self, find: Callable[[str], Download | None], post: Post) -> None:
        """`find` returns the download of a key; with each new try that is another object."""
        self._find = find
        self._post = post
        self._key = self._path = ""
        self._tell_at = 0.0
        self._told: Watched | None = None

    def look_at(self, key: str, path: str) -> None:
        """Watch this file of a download from now on; a folder's `path` is "", or ends in "/"."""
        before, now = self._find(self._key), self._find(key)
        if before is not None:
            before.watched.below = None
        if now is not None and (not path or path.endswith("/")):
            now.watched.below = path
        self._key, self._path, self._tell_at = key, path, 0.0

    def tell(self, peer: SwarmPeer, *, now: float) -> None:
        """Post what has changed. Call it often."""
        if not self._key or now < self._tell_at:
            return
        self._tell_at = now + TELL_S
        watched = self._watched(peer, now)
        if watched != self._told:
            self._told = watched
            self._post(watched)

    def _watched(self, peer: SwarmPeer, now: float) -> Watched:
        key, path = self._key, self._path
        download = self._find(key)
        transfer = download.transfer_of(path) if download is not None else None
        have, coming, peers = peer.watched(transfer, now=now)
        content = transfer.content if transfer is not None else None
        is_folder = download is not None and download.watched.below is not None
        pieces = download.watched.pieces if download is not None and is_folder else None
        return Watched(key, path, content, have, coming, peers, peer.bottleneck, pieces)
