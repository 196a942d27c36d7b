"""Wakes a computer that sleeps: a magic packet to every network of this one."""

from __future__ import annotations

import logging

from roles.net.datagrams import broadcasting
from roles.net.interfaces import broadcasts

log = logging.getLogger(__name__)

_PORT = 9  # discard, the usual one: network cards look only at the bytes


def magic_packet(hardware: bytes) -> bytes:
    """`hardware`: the 6 bytes of its network card's address."""
    return b"\xff" * 6 + hardware * 16


def wake(hardware: bytes) -> None:
    for network in broadcasts():
        try:
            with broadcasting(network.source) as datagrams:
                datagrams.send(magic_packet(hardware), (network.address, _PORT))
        except OSError as error:  # the others may work
            log.debug("waking through %s: %s", network.address, error)
