"""What the system knows of the computers in its own networks: their hardware addresses, and which
addresses nobody has, so that a datagram to them would wait.

Linux keeps a datagram while it asks the network who has the address, up to three seconds, and
counts it against the socket's send buffer. After a few hundred forged sources nobody else gets an
answer. Other systems keep one datagram per address, outside of that buffer.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable
from typing import NamedTuple

from roles.net.datagrams import Datagrams
from roles.net.interfaces import ERROR_INSUFFICIENT_BUFFER, own_addresses
from roles.values.addresses import is_loopback, is_unicast

if sys.platform == "linux":
    import fcntl
    import termios
    from pathlib import Path

    _ROUTES = Path("/proc/net/route")
    _SIOCGIFFLAGS, _SIOCGARP = 0x8913, 0x8954  # from linux/sockios.h
    _IFREQ = struct.Struct("16sH22x")  # struct ifreq: the name, then flags
    _IFF_NOARP = 0x80  # from linux/if.h
    # struct arpreq: a sockaddr_in, the hardware address, flags, a mask, the name of the interface
    _ARPREQ = struct.Struct("HH4s8x16xi16x16s")
    _ATF_COM = 2  # from linux/if_arp.h: the hardware address is known
    _ARP_FLAGS_AT, _HARDWARE_AT = 32, slice(18, 24)  # in a struct arpreq

    class _Route(NamedTuple):
        mask: int
        network: int
        interface: str  # "" if it leads through a router

    class Neighbours:
        """Reads the routes once, and again after forget()."""

        def __init__(self, datagrams: Datagrams) -> None:
            """`datagrams`: any open socket, for ioctl."""
            self._datagrams = datagrams
            self._routes: list[_Route] | None = None
            self._own = frozenset[str]()

        def forget(self) -> None:
            """Call it when the network has changed."""
            self._routes = None

        def is_missing(self, host: str) -> bool:
            """Whether this IPv4 address is in a network of this computer, but unknown to it.

            A computer that really sends from there has asked for our hardware address before, and
            so the system knows its own.
            """
            interface = self._interface_to(host)
            if not interface or is_loopback(host) or host in self._own:
                return False
            return not self._asked(host, interface)

        def hardware_of(self, hosts: Iterable[str]) -> dict[str, bytes]:
            """The hardware addresses of those that the system has seen lately."""
            hardware_of = dict[str, bytes]()
            for host in filter(is_unicast, hosts):
                interface = self._interface_to(host)
                hardware = self._asked(host, interface)[_HARDWARE_AT] if interface else b""
                if any(hardware):
                    hardware_of[host] = hardware
            return hardware_of

        def _interface_to(self, host: str) -> str:
            """ "" if this IPv4 address is in no network of this computer."""
            if self._routes is None:
                self._routes = self._found_routes()
            number = int.from_bytes(socket.inet_aton(host), sys.byteorder)
            route = next((r for r in self._routes if number & r.mask == r.network), None)
            return "" if route is None else route.interface

        def _found_routes(self) -> list[_Route]:
            """The most specific first; empty if the system does not tell."""
            routes = list[_Route]()
            try:
                self._own = frozenset(own_addresses())
                lines = _ROUTES.read_text(encoding="ascii").splitlines()[1:]
            except OSError:
                return []
            for line in lines:
                interface, network, router, _, _, _, _, mask, *_ = line.split()
                is_near = int(router, 16) == 0 and self._is_asking(interface)
                routes.append(_Route(int(mask, 16), int(network, 16), interface if is_near else ""))
            return sorted(routes, key=lambda route: -route.mask.bit_count())

        def _is_asking(self, interface: str) -> bool:
            """Whether this interface uses ARP; a tunnel does not."""
            try:
                answer = fcntl.ioctl(
                    self._datagrams.sock.fileno(), _SIOCGIFFLAGS, _IFREQ.pack(interface.encode(), 0)
                )
            except OSError:  # it is gone
                return False
            return not _IFREQ.unpack(answer)[1] & _IFF_NOARP

        def _asked(self, host: str, interface: str) -> bytes:
            """What the neighbour table has; empty if the computer is unknown."""
            request = _ARPREQ.pack(socket.AF_INET, 0, socket.inet_aton(host), 0, interface.encode())
            try:
                answer = fcntl.ioctl(self._datagrams.sock.fileno(), _SIOCGARP, request)
            except OSError:  # unknown
                return b""
            return answer if answer[_ARP_FLAGS_AT] & _ATF_COM else b""

    def waiting_bytes(datagrams: Datagrams) -> int:
        """Bytes of datagrams that were sent but have not left, as the system counts them."""
        size = fcntl.ioctl(datagrams.sock.fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(size, sys.byteorder)

else:

    class Neighbours:
        """Nothing waits for a missing computer on these systems."""

        def __init__(self, datagrams: Datagrams) -> None: ...

        def forget(self) -> None: ...

        def is_missing(self, host: str) -> bool:  # noqa: ARG002
            return False

        def hardware_of(self, hosts: Iterable[str]) -> dict[str, bytes]:
            """The hardware addresses of those that the system has seen lately, where it tells."""
            seen = _neighbour_table() if sys.platform == "win32" else {}
            return {host: seen[host] for host in hosts if host in seen}

    def waiting_bytes(datagrams: Datagrams) -> int:  # noqa: ARG001
        return 0


if sys.platform == "win32":
    import ctypes

    def _neighbour_table() -> dict[str, bytes]:
        """Empty if the system does not tell."""
        size, ask = ctypes.c_ulong(0), ctypes.windll.iphlpapi.GetIpNetTable
        table = ctypes.create_string_buffer(0)
        for _ in range(_TRIES):
            fault = ask(table, ctypes.byref(size), False)
            if fault != ERROR_INSUFFICIENT_BUFFER:
                return {} if fault else hardware_in_table(table.raw)
            table = ctypes.create_string_buffer(size.value)
        return {}


_TRIES = 3  # the table may grow between two calls
_NET_ROW = struct.Struct("<II8s4sI")  # MIB_IPNETROW: interface, length, hardware, address, type
_INVALID = 2  # MIB_IPNET_TYPE_INVALID


def hardware_in_table(table: bytes) -> dict[str, bytes]:
    """The hardware addresses by host in a MIB_IPNETTABLE of Windows."""
    (count,) = struct.unpack_from("<I", table) if len(table) >= 4 else (0,)
    count = min(count, len(table[4:]) // _NET_ROW.size)
    rows = _NET_ROW.iter_unpack(table[4 : 4 + count * _NET_ROW.size])
    return {
        socket.inet_ntoa(host): hardware[:6]
        for _, length, hardware, host, kind in rows
        if length == 6 and kind != _INVALID and any(hardware[:6])
    }
