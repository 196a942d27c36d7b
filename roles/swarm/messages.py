"""What peers are told, once the swarm's lock is released: a peer may be gone, or not read.

It decides nothing, and waits for nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from roles.swarm.downloader import PeerLink
from roles.wire import frames

log = logging.getLogger(__name__)

Say: TypeAlias = tuple[PeerLink, frames.Frame]


def say(says: Iterable[Say]) -> None:
    """Tell each peer its frames, in their order and all at once: each call would wake it."""
    for link, words in _by_peer(says):
        _try_to(link, partial(link.send, *words))


def say_later(says: Iterable[Say]) -> None:
    """The same with the next words for each, or when the swarm looks: nobody waits for them."""
    for link, words in _by_peer(says):
        _try_to(link, partial(link.send_later, *words))


def flush(links: Iterable[PeerLink]) -> None:
    """Send of what their systems did not take as much as they take now."""
    for link in links:
        _try_to(link, link.outbox.flush)


def _by_peer(says: Iterable[Say]) -> Iterable[tuple[PeerLink, list[frames.Frame]]]:
    words = dict[int, tuple[PeerLink, list[frames.Frame]]]()
    for link, frame in says:
        words.setdefault(link.number, (link, []))[1].append(frame)
    return words.values()


def _try_to(link: PeerLink, send: Callable[[], None]) -> None:
    """Hang up when it cannot be told anything. Its own thread finds out."""
    try:
        send()
    except OSError as error:
        log.debug("%s cannot be told anything: %s", link.address, error)
        link.hang_up()
