"""Host and port, as typed by people and as sent by peers.

It resolves no names and opens no socket.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from roles.values.errors import UserInputError
from roles.values.service_ports import SERVICE_PORTS

TRACKER_PORT = 12500  # UDP, the original's
SEEDER_PORT = 12501  # TCP, the original's
SEEDER_PORTS = range(12501, 12511)  # tried in turn when one is taken
TRACKER_PORTS = (12500, *range(12511, 12520))  # 12501-12510 belong to the seeders
EVERY_INTERFACE = "0.0.0.0"
LOOPBACK = "127.0.0.1"
FIRST_PORT = 1024  # lower ones belong to the services of the system

_MAX_HOST = 253  # longest DNS name
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"  # Python refuses an empty or longer one
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


class Address(NamedTuple):
    """Where a tracker or seeder listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address:
    """Read "HOST", "HOST:PORT" or "lmk://HOST:PORT".

    Raises UserInputError with what to type instead.
    """
    typed = text.strip().removeprefix("lmk://").rstrip("/")
    host, colon, port_text = typed.partition(":")
    if not is_host(host):
        raise UserInputError(
            f"“{text.strip()}” is not an address. Type it as 192.168.1.5:{default_port}."
        )
    if not colon:
        return Address(host, default_port)
    if not (port_text.isascii() and port_text.isdigit() and len(port_text) <= 5):
        raise UserInputError(
            f"“{port_text}” is not a port. Type a number from 1 to 65535 after the colon."
        )
    port = int(port_text)
    if not 0 <= port <= 65535:
        raise UserInputError(f"Port {port} does not exist. Ports go from 1 to 65535.")
    return Address(host, port)


def is_host(text: str) -> bool:
    """Whether this can be an IPv4 address or a host name. ASCII only."""
    return len(text) <= _MAX_HOST and _HOST.fullmatch(text) is not None


def ip_of(host: str) -> ipaddress.IPv4Address | None:
    """The IPv4 address that this host text spells, None for a name."""
    try:
        return ipaddress.IPv4Address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether only programs on the same machine can reach this host."""
    ip = ip_of(host)
    return host.rstrip(".").lower() == "localhost" or (ip is not None and ip.is_loopback)


def is_unicast(host: str) -> bool:
    """Whether one machine, and not a group of them or none, answers at this IPv4 address."""
    ip = ip_of(host)
    return ip is not None and 0 < ip.packed[0] < 224  # above are groups, reserved ones, broadcast


def service_at(port: int) -> str:
    """Which other service this port belongs to, as part of a sentence; "" for a port of ours."""
    if port < FIRST_PORT:
        return "the services of the system"
    return SERVICE_PORTS.get(port, "")


def may_dial(address: Address, *, is_namer_here: bool) -> bool:
    """Whether a program may connect there although its user did not choose the address.

    `is_namer_here`: whoever named it runs on this machine. Nobody else may have us talk to it by
    loopback, where services listen that trust the machine itself.
    """
    if not is_unicast(address.host) or service_at(address.port):
        return False
    return is_namer_here or not is_loopback(address.host)


def everyone_in(host: str, netmask: str, broadcast: str, other_end: str) -> tuple[str, ...]:
    """Where everyone is reached in the network of an own address: by broadcast, or at the other end
    of a line between two.

    As the system tells them, with 0.0.0.0 for what it does not know: a broadcast address need not
    be set, for address and netmask tell it.
    """
    own, mask = int(ipaddress.IPv4Address(host)), int(ipaddress.IPv4Address(netmask))
    end = int(ipaddress.IPv4Address(other_end)) or own
    rest = ~mask & 0xFFFFFFFF
    found = list[int]()
    if rest == 0:  # /32: the other end, if there is one
        found += [end]
    elif rest == 1:  # /31: two addresses, both of them computers
        found += [end & ~1, end | 1]
    else:
        found += [int(ipaddress.IPv4Address(broadcast)), end | rest]
    hosts = (str(ipaddress.IPv4Address(one)) for one in dict.fromkeys(found) if one not in (0, own))
    return tuple(one for one in hosts if not is_loopback(one))
