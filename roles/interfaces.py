"""This machine's own IPv4 addresses: which there are, and which one others reach.

The standard library cannot list interfaces: Linux is asked with an ioctl, others by their own name.
"""

from __future__ import annotations

import socket
import struct
import sys

from roles.addresses import EVERY_INTERFACE, LOOPBACK, Address, is_loopback

_ELSEWHERE = "192.0.2.1"  # an address of documents only (RFC 5737): reached by the default route
_ANY_PORT = 9  # connecting a datagram socket sends nothing


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
    _IFREQ = struct.Struct("16s24x")  # struct ifreq: the name, then room for an address
    _IN_ADDR = slice(20, 24)  # of that address, a sockaddr_in

    def own_addresses() -> tuple[str, ...]:
        """Every address of this machine but loopback."""
        found = list[str]()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for _, name in socket.if_nameindex():
                try:
                    request = _IFREQ.pack(name.encode())
                    answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
                except OSError:  # an interface without an IPv4 address
                    continue
                found.append(socket.inet_ntoa(answer[_IN_ADDR]))
        return tuple(address for address in found if not is_loopback(address))

else:

    def own_addresses() -> tuple[str, ...]:
        """Every address of this machine but loopback, as far as its own name tells."""
        try:
            _, _, found = socket.gethostbyname_ex(socket.gethostname())
        except OSError:
            return ()
        return tuple(address for address in found if not is_loopback(address))
