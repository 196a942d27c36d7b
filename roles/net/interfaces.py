"""This computer's IPv4 addresses: all of them, the one that others reach, and the broadcasts.

From ioctl on Linux (all addresses) and macOS (the first of each interface), from the table of
addresses on Windows, elsewhere from the look-up of the computer's own name.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from roles.values.addresses import (
    EVERY_INTERFACE,
    LOOPBACK,
    Address,
    broadcasts_in,
    is_loopback,
    is_unicast,
)

_ELSEWHERE = "192.0.2.1"  # TEST-NET-1 (RFC 5737), reached by the default route
_ANY_PORT = 9  # connecting a UDP socket sends nothing
ALL_HERE = "255.255.255.255"  # everyone in the network of the sending interface


class Broadcast(NamedTuple):
    """How to reach everyone in one network."""

    source: str  # bind the socket to it
    address: str  # send there


class OwnAddress(NamedTuple):
    """An address of a working interface."""

    host: str
    broadcasts: tuple[str, ...]  # the broadcast addresses of its network
    interface: str = ""  # its name; "" where the system does not tell it


def own_name() -> str:
    return socket.gethostname()


def is_own_address(host: str) -> bool:
    """Whether this computer has that IPv4 address: only then a socket can be bound to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
        return True


def own_address_towards(host: str) -> str:
    """The address from which this computer reaches that one. Raises OSError without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, _ANY_PORT))
        address: str = probe.getsockname()[0]
        return address


def address_for_others(listening: Address) -> Address:
    """What people on other computers type to reach a socket that listens there.

    The address of the default route; without a router any other; else loopback.
    """
    if listening.host != EVERY_INTERFACE:
        return listening
    try:
        host = own_address_towards(_ELSEWHERE)
    except OSError:
        host = next(iter(own_addresses()), LOOPBACK)
    return Address(host, listening.port)


def working_addresses() -> tuple[str, ...]:
    """All addresses of working interfaces, except loopback. An unplugged one does not work.

    Raises OSError if the system cannot tell.
    """
    return tuple(dict.fromkeys(host for host in _hosts() if _is_of_network(host)))


def own_addresses() -> tuple[str, ...]:
    """Like working_addresses(); empty if the system cannot tell."""
    try:
        return working_addresses()
    except OSError:
        return ()


def broadcasts(network: str = "") -> tuple[Broadcast, ...]:
    """At least one for each network of this computer; empty if the system cannot tell.

    `network`: an own address, for its network alone.
    """
    try:
        addresses = [own for own in interfaces() if network in ("", own.host)]
    except OSError:
        return ()
    is_routed = sys.platform == "linux"  # the route chooses the interface
    networks = (
        Broadcast(EVERY_INTERFACE if is_routed else own.host, address)
        for own in addresses
        for address in own.broadcasts
    )
    return tuple(dict.fromkeys(networks))


def interfaces() -> tuple[OwnAddress, ...]:
    """Each address of working interfaces, except loopback. Raises OSError if the system cannot
    tell.
    """
    return tuple(own for own in _addresses() if _is_of_network(own.host))


def _is_of_network(host: str) -> bool:
    return is_unicast(host) and not is_loopback(host)


if sys.platform in ("linux", "darwin"):
    import array
    import fcntl

    class _Requests(NamedTuple):
        """Request codes of ioctl, about an interface or one address of it."""

        flags: int
        netmask: int
        broadcast: int
        other_end: int

    # From linux/sockios.h and, for macOS, sys/sockio.h. A struct ifreq is a name, then room for an
    # address or flags.
    _LIST_ALL = 0x8912  # Linux only; on macOS the entries have different lengths
    _FIRST_ADDRESS = 0xC0206921  # macOS only
    if sys.platform == "linux":
        _ASK = _Requests(0x8913, 0x891B, 0x8919, 0x8917)
        _IFREQ = struct.Struct("16s24x")
    else:
        _ASK = _Requests(0xC0206911, 0xC0206925, 0xC0206923, 0xC0206922)
        _IFREQ = struct.Struct("16s16x")
    _IFCONF = struct.Struct("iP")  # the list's size in bytes, and its address
    _MAX_LISTED = 1_024  # addresses
    _FLAGS = struct.Struct("H")
    _FLAGS_AT, _IN_ADDR = 16, slice(20, 24)  # in an ifreq; the address is a sockaddr_in
    _IS_WORKING = 0x1 | 0x40  # up, and running: the cable is in

    def _addresses() -> Iterator[OwnAddress]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for entry in _working(probe.fileno()):
                yield _described(probe.fileno(), entry)

    def _hosts() -> Iterator[str]:
        """The addresses alone, which each role needs once a second: a fifth of the work."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for entry in _working(probe.fileno()):
                yield socket.inet_ntoa(entry[_IN_ADDR])

    def _working(descriptor: int) -> Iterator[bytes]:
        for entry in _entries(descriptor):
            flags = _FLAGS.unpack_from(_answer(descriptor, _ASK.flags, entry), _FLAGS_AT)[0]
            if flags & _IS_WORKING == _IS_WORKING:
                yield entry

    def _entries(descriptor: int) -> Iterator[bytes]:
        """An ifreq for each address of this machine."""
        if sys.platform == "linux":
            room = array.array("B", bytes(_MAX_LISTED * _IFREQ.size))
            where, _ = room.buffer_info()
            filled = fcntl.ioctl(descriptor, _LIST_ALL, _IFCONF.pack(len(room), where))
            for start in range(0, _IFCONF.unpack(filled)[0], _IFREQ.size):
                yield room[start : start + _IFREQ.size].tobytes()
            return
        for _, name in socket.if_nameindex():
            entry = _answer(descriptor, _FIRST_ADDRESS, _IFREQ.pack(name.encode()))
            if any(entry):
                yield entry

    def _described(descriptor: int, entry: bytes) -> OwnAddress:
        host = socket.inet_ntoa(entry[_IN_ADDR])
        netmask, broadcast, other_end = (
            socket.inet_ntoa(_answer(descriptor, request, entry)[_IN_ADDR])
            for request in (_ASK.netmask, _ASK.broadcast, _ASK.other_end)
        )
        name = entry[:_FLAGS_AT].split(b"\0")[0].decode(errors="replace")
        return OwnAddress(host, broadcasts_in(host, netmask, broadcast, other_end), name)

    def _answer(descriptor: int, request: int, entry: bytes) -> bytes:
        """Zeros for what the interface does not have."""
        try:
            return fcntl.ioctl(descriptor, request, entry)
        except OSError:
            return bytes(_IFREQ.size)

elif sys.platform == "win32":
    import ctypes

    def _addresses() -> Iterator[OwnAddress]:
        size, ask = ctypes.c_ulong(0), ctypes.windll.iphlpapi.GetIpAddrTable
        table = ctypes.create_string_buffer(0)
        while fault := ask(table, ctypes.byref(size), False):
            if fault != ERROR_INSUFFICIENT_BUFFER:
                raise ctypes.WinError(fault)
            table = ctypes.create_string_buffer(size.value)
        yield from addresses_in_table(table.raw)

else:

    def _addresses() -> Iterator[OwnAddress]:
        _, _, hosts = socket.gethostbyname_ex(socket.gethostname())
        yield from (OwnAddress(host, (ALL_HERE,)) for host in hosts)


if sys.platform not in ("linux", "darwin"):

    def _hosts() -> Iterator[str]:
        return (own.host for own in _addresses())


ERROR_INSUFFICIENT_BUFFER = 122
_ROW = struct.Struct("<4sI4sIIHH")  # MIB_IPADDRROW: address, interface, mask, …, type
_NOT_WORKING = 0x8 | 0x40  # MIB_IPADDR_DISCONNECTED, MIB_IPADDR_DELETED


def addresses_in_table(table: bytes) -> Iterable[OwnAddress]:
    """The addresses in a MIB_IPADDRTABLE of Windows. A socket bound to one of them reaches its
    network at 255.255.255.255.
    """
    (count,) = struct.unpack_from("<I", table) if len(table) >= 4 else (0,)
    count = min(count, len(table[4:]) // _ROW.size)
    for row in _ROW.iter_unpack(table[4 : 4 + count * _ROW.size]):
        address, kind = row[0], row[-1]
        if not kind & _NOT_WORKING:
            yield OwnAddress(socket.inet_ntoa(address), (ALL_HERE,))
