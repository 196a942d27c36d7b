"""This machine's own IPv4 addresses: which there are, which one others reach, and how to reach all.

The standard library cannot list interfaces: Linux is asked with an ioctl, others by their own name.
"""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple

from roles.values.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback

_ELSEWHERE = "192.0.2.1"  # an address of documents only (RFC 5737): reached by the default route
_ANY_PORT = 9  # connecting a datagram socket sends nothing
_ALL_HERE = "255.255.255.255"  # everyone in the network that it is sent into


class Broadcast(NamedTuple):
    """How to reach everyone in one network."""

    source: str  # bind the socket to it
    address: str  # send there


def is_own_address(host: str) -> bool:
    """Whether this machine has that IPv4 address: only then can a socket be bound to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


def own_address_towards(host: str) -> str:
    """The address of this machine from which it reaches that one. Sends nothing.

    Raises OSError without a route.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, _ANY_PORT))
        address: str = probe.getsockname()[0]
        return address


def address_for_others(listening: Address) -> Address:
    """What people type on other machines to reach a socket that listens there.

    The address of the default route; on a switch without a router any other; else loopback.
    """
    if listening.host != EVERY_INTERFACE:
        return listening
    try:
        host = own_address_towards(_ELSEWHERE)
    except OSError:
        host = next(iter(own_addresses()), LOOPBACK)
    return Address(host, listening.port)


if sys.platform == "linux":
    import fcntl

    _SIOCGIFADDR = 0x8915  # from linux/sockios.h
    _SIOCGIFBRDADDR = 0x8919
    _IFREQ = struct.Struct("16s24x")  # struct ifreq: the name, then room for an address
    _IN_ADDR = slice(20, 24)  # of that address, a sockaddr_in

    def own_addresses() -> tuple[str, ...]:
        """Every address of this machine but loopback."""
        return tuple(address for address in _asked(_SIOCGIFADDR) if not is_loopback(address))

    def broadcasts() -> tuple[Broadcast, ...]:
        """One for each network that this machine is in."""
        found = dict.fromkeys(_asked(_SIOCGIFBRDADDR))
        return tuple(
            Broadcast(EVERY_INTERFACE, address)
            for address in found
            if address != EVERY_INTERFACE and not is_loopback(address)
        )

    def _asked(request: int) -> list[str]:
        """The answer of each interface that has one."""
        found = list[str]()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for _, name in socket.if_nameindex():
                try:
                    answer = fcntl.ioctl(probe.fileno(), request, _IFREQ.pack(name.encode()))
                except OSError:  # an interface without an IPv4 address
                    continue
                found.append(socket.inet_ntoa(answer[_IN_ADDR]))
        return found

else:

    def own_addresses() -> tuple[str, ...]:
        """Every address of this machine but loopback, as far as its own name tells."""
        try:
            _, _, found = socket.gethostbyname_ex(socket.gethostname())
        except OSError:
            return ()
        return tuple(address for address in found if not is_loopback(address))

    def broadcasts() -> tuple[Broadcast, ...]:
        """One for each network that this machine is in: the socket's address chooses it."""
        return tuple(Broadcast(own, _ALL_HERE) for own in own_addresses())
