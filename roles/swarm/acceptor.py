"""Accepts peers: leechers, seeders that connect because others cannot reach them, and LMK/1."""

from __future__ import annotations

import logging
from collections.abc import Callable

from roles.net.connection import Connection
from roles.swarm.peer_downloads import PeerDownloads
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address, is_loopback, may_dial
from roles.wire.greeting import AWAY, Hello, Welcome, encode_welcome

log = logging.getLogger(__name__)


class Acceptor:
    """A handshakes.Host, called in the accepting thread."""

    def __init__(
        self,
        me: Hello,
        uploads: PeerUploads,
        *,
        downloads: PeerDownloads | None = None,
        take_lmk1: Callable[[Connection], None] | None = None,
    ) -> None:
        """`downloads` is a leecher's, `take_lmk1` a seeder's. Without it, LMK/1 leechers are turned
        away, because they cannot be served from a part of a file.
        """
        self._me = me
        self._uploads = uploads
        self._take_lmk1 = take_lmk1
        self._downloads = downloads

    def take_leecher(self, connection: Connection) -> None:
        if self._take_lmk1 is None:
            connection.close(AWAY)
        else:
            self._take_lmk1(connection)

    def take_peer(self, connection: Connection, hello: Hello) -> None:
        address, downloads = connection.address, self._downloads
        if hello.peer == self._me.peer or (hello.is_seeder and downloads is None):
            connection.close(self._welcome(is_away=True))
            return
        if hello.is_seeder and downloads is not None:
            is_full = not downloads.make_room_for_caller(address.host)
        else:
            is_full = not self._uploads.make_room(address, is_here=is_loopback(address.host))
        if is_full:
            log.debug("turned %s away", address)
            connection.close(self._welcome(is_away=True))
            return
        try:
            connection.post(self._welcome(is_away=False))
        except OSError as error:
            log.info("%s is gone: %s", address, error)
            connection.close()
            return
        if hello.is_seeder and downloads is not None:
            downloads.adopt(connection, hello)
            return
        self._uploads.serve(connection, hello.name, longest_part=hello.longest_part)
        listening = Address(address.host, hello.listen)
        if downloads is not None and may_dial(listening, is_namer_here=is_loopback(address.host)):
            downloads.heard_of([listening])

    def _welcome(self, *, is_away: bool) -> bytes:
        return encode_welcome(Welcome(self._me.peer, self._me.name, is_away))
