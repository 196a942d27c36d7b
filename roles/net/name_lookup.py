"""Finds the IPv4 addresses of a host name, with a deadline, which the system's look-up lacks."""

from __future__ import annotations

import socket
import threading

from roles.values.addresses import Address, ip_of
from roles.values.errors import ShortageError, TrackerSilentError
from roles.worker import POLL_S, Worker

LOOKUP_S = 5.0
_NO_SUCH_NAME = {
    socket.EAI_NONAME,
    getattr(socket, "EAI_NODATA", socket.EAI_NONAME),
    getattr(socket, "EAI_ADDRFAMILY", socket.EAI_NONAME),
}


def looked_up(address: Address, stopping: threading.Event) -> tuple[Address, ...]:
    """One address for each IPv4 address of the host.

    Raises TrackerSilentError if there is no such computer, or no thread left to look for it.
    """
    if ip_of(address.host) is not None:
        return (address,)
    hosts = list[str]()
    # A daemon, because nothing can end a look-up of the system.
    faults = list[str]()
    thread = Worker(lambda: _look_up(address.host, hosts, faults), "lmk-lookup", daemon=True)
    try:
        thread.start()
    except ShortageError as error:
        raise TrackerSilentError(f"{address.host} cannot be looked up now. {error}") from None
    for _ in range(int(LOOKUP_S / POLL_S)):
        thread.join(POLL_S)
        if not thread.is_alive() or stopping.is_set():
            break
    if hosts:
        return tuple(Address(host, address.port) for host in dict.fromkeys(hosts))
    if faults or thread.is_alive():
        why = "".join(faults[:1]) or f"no answer within {LOOKUP_S:.0f} s"
        raise TrackerSilentError(
            f"{address.host} cannot be looked up now ({why}). Type its address as numbers."
        )
    raise TrackerSilentError(
        f"No computer called {address.host} was found. Type its address as numbers."
    )


def _look_up(name: str, hosts: list[str], faults: list[str]) -> None:
    try:
        for *_, endpoint in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM):
            hosts.append(str(endpoint[0]))
    except socket.gaierror as error:
        if error.errno not in _NO_SUCH_NAME:
            faults.append(error.strerror or str(error))
    except UnicodeError:  # no such name either
        return
    except OSError as error:
        faults.append(error.strerror or str(error))
