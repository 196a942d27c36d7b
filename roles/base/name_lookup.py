"""Host name to IPv4 addresses without waiting for ever. The system's look-up has no deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from roles.base.worker import POLL_S
from roles.values.addresses import Address, ip_of
from roles.values.errors import TrackerSilentError

LOOKUP_S = 5.0


def looked_up(address: Address, should_stop: Callable[[], bool]) -> tuple[Address, ...]:
    """The same address with an IPv4 address for its host: one for each that the host has.

    Raises TrackerSilentError when there is no such machine, or no thread left to look for it.
    """
    if ip_of(address.host) is not None:
        return (address,)
    found = list[str]()
    # A daemon: nothing can end a look-up that the system is busy with, and it touches `found` only.
    thread = threading.Thread(
        target=_look_up, args=(address.host, found), name="lmk-lookup", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as error:
        raise TrackerSilentError(f"{address.host} cannot be looked up now ({error}).") from None
    for _ in range(int(LOOKUP_S / POLL_S)):
        thread.join(POLL_S)
        if not thread.is_alive() or should_stop():
            break
    if not found:
        raise TrackerSilentError(
            f"No computer called {address.host} was found. Type its address as numbers."
        )
    return tuple(Address(host, address.port) for host in dict.fromkeys(found))


def _look_up(host: str, found: list[str]) -> None:
    try:
        for *_, endpoint in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM):
            found.append(str(endpoint[0]))
    except (OSError, UnicodeError):  # no such name: `found` stays empty, and the caller says so
        return
