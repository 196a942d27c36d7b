"""A tracker's answers to BitTorrent programs, which ask who else has their torrents."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from random import Random

from roles.net.interfaces import own_address_towards
from roles.room.cookies import Cookies, Proof
from roles.room.room_list import RoomList
from roles.torrents.bep15_wire import (
    CHOSEN,
    ID_SIZE,
    Announce,
    Connect,
    Scrape,
    decode_request,
    encode_announced,
    encode_connected,
    encode_error,
    encode_scraped,
)
from roles.torrents.swarms import INTERVAL_S, Swarms
from roles.values.addresses import Address, is_loopback

log = logging.getLogger(__name__)

GOOD_EPOCHS = 3  # programs use an id for a minute, and the BEP wants it to be good for two
NOT_TRACKED = "Nobody in this room offers this torrent."


class Bep15Answers:
    """Owned by the tracker's thread."""

    def __init__(self, room_list: RoomList, secret: bytes) -> None:
        self._room_list = room_list
        self._cookies = Cookies(secret, size=ID_SIZE - len(CHOSEN), good_epochs=GOOD_EPOCHS)
        self.swarms = Swarms(Random())
        self._offered: Mapping[bytes, str] = {}

    def proof(self, datagram: bytes, host: str, *, now: float) -> Proof:
        """Whether it begins with the id of a connection that this host was given."""
        chosen, cookie = datagram[: len(CHOSEN)], datagram[len(CHOSEN) : ID_SIZE]
        return self._cookies.proof(host, cookie.hex(), now=now) if chosen == CHOSEN else Proof.NONE

    def answers(self, datagram: bytes, host: str, proof: Proof, *, now: float) -> list[bytes]:
        """Without a proof, only a connect is answered, and with as many bytes as it has.

        Raises PeerProtocolError for what is no request.
        """
        request = decode_request(datagram)
        if isinstance(request, Connect):
            given = CHOSEN + bytes.fromhex(self._cookies.give(host, now=now))
            return [encode_connected(request.request, given)]
        if proof is not Proof.GOOD:
            return []
        self._take_offers(now)
        match request:
            case Announce():
                return [self._announced(request, host, now)]
            case Scrape(request_id, info_hashes):
                return [encode_scraped(request_id, [*map(self.swarms.counts, info_hashes)])]

    def expire(self, *, now: float) -> None:
        self._take_offers(now)
        self.swarms.expire(now=now)

    def _take_offers(self, now: float) -> None:
        offered = self._room_list.torrents()
        if offered is not self._offered:
            self._offered = offered
            self.swarms.offer(offered, now=now)

    def _announced(self, announce: Announce, host: str, now: float) -> bytes:
        peers = self.swarms.announce(announce, host, now=now)
        if peers is None:
            return encode_error(announce.request, NOT_TRACKED)
        counts = self.swarms.counts(announce.info_hash)
        return encode_announced(announce.request, INTERVAL_S, counts, _towards(host, peers))


def _towards(host: str, peers: list[Address]) -> list[Address]:
    """The peers as this reader reaches them: others cannot connect to the tracker's loopback."""
    here = [peer for peer in peers if is_loopback(peer.host)]
    if not here or is_loopback(host):
        return peers
    elsewhere = [peer for peer in peers if not is_loopback(peer.host)]
    try:
        own = own_address_towards(host)
    except OSError as error:  # no route
        log.debug("no address towards %s: %s", host, error)
        return elsewhere
    return elsewhere + [Address(own, peer.port) for peer in here]
