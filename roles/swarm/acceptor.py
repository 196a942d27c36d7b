"""Who comes in: peers that take, peers that offer because nobody can reach them, and LMK/1."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from roles.swarm.peer_downloads import PeerDownloads
from roles.uploads.handshakes import hang_up
from roles.uploads.peer_uploads import PeerUploads
from roles.values.addresses import Address, is_loopback, may_dial
from roles.wire.greeting import AWAY, Hello, Welcome, encode_welcome

log = logging.getLogger(__name__)


class Acceptor:
    """A reception.Host, called in the accepting thread."""

    def __init__(
        self,
        me: Hello,
        uploads: PeerUploads,
        *,
        downloads: PeerDownloads | None = None,
        take_lmk1: Callable[[socket.socket, Address], None] | None = None,
    ) -> None:
        """`downloads` is a leecher's; `take_lmk1` a seeder's, for leechers of LMK/1, which are sent
        away otherwise: they cannot be served from a part of a file.
        """
        self._me = me
        self._uploads = uploads
        self._take_lmk1 = take_lmk1
        self._downloads = downloads

    def take_leecher(self, link: socket.socket, address: Address) -> None:
        if self._take_lmk1 is None:
            hang_up(link, AWAY)
        else:
            self._take_lmk1(link, address)

    def take_peer(self, link: socket.socket, address: Address, hello: Hello) -> None:
        downloads = self._downloads
        if hello.peer == self._me.peer or (hello.is_seeder and downloads is None):
            hang_up(link, self._welcome(is_away=True))
            return
        if hello.is_seeder and downloads is not None:
            is_full = not downloads.make_room_for_caller(address.host)
        else:
            is_full = not self._uploads.make_room(address, is_here=is_loopback(address.host))
        if is_full:
            log.debug("%s heard away", address)
            hang_up(link, self._welcome(is_away=True))
            return
        try:
            link.send(self._welcome(is_away=False))
        except OSError as error:
            log.info("%s is gone: %s", address, error)
            link.close()
            return
        if hello.is_seeder and downloads is not None:
            downloads.adopt(link, address, hello)
            return
        self._uploads.serve(link, address, hello.name, longest_part=hello.longest_part)
        listening = Address(address.host, hello.listen)
        if downloads is not None and may_dial(listening, is_namer_here=is_loopback(address.host)):
            downloads.heard_of([listening])

    def _welcome(self, *, is_away: bool) -> bytes:
        return encode_welcome(Welcome(self._me.peer, self._me.name, is_away))
