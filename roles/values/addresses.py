"""Addresses (host and port) that people type and peers send. Nothing here resolves a name."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from roles.values.errors import UserInputError
from roles.values.safe_names import shown_name
from roles.values.service_ports import SERVICE_PORTS

TRACKER_PORT = 12500  # UDP, the original's
SEEDER_PORT = 12501  # TCP, the original's
SEEDER_PORTS = range(12501, 12511)  # tried in this order until one is free
TRACKER_PORTS = (12500, *range(12511, 12520))  # skips the seeders' ports
EVERY_INTERFACE = "0.0.0.0"
LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
FIRST_PORT = 1024  # lower ports are reserved for system services

_MAX_HOST = 253  # longest DNS name
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"  # getaddrinfo refuses other lengths
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_ENDS_IN_NUMBER = re.compile(r"(^|\.)[0-9]+\.?$")  # never a name: WHATWG URL, "ends in a number"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WITH_PAGE = re.compile(r"([^\s:/]+:[0-9]+)[/?#].*")  # browsers show and copy it without http://
_WITH_NAME = re.compile(r"(\S+:[0-9]+)[.,;]?\s+\S.*")
_IN_BRACKETS = re.compile(r"[^()]*\S\s*\(([^()\s]+:[0-9]+)\)[.,;]?")
_LONGEST_PORT = 5  # digits
_REMEMBERED = 16_384  # hosts: a tracker asks about each datagram's
_SHOWN = 80  # characters of the user's text in an error message


class Address(NamedTuple):
    """Where a tracker or seeder listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address:
    """Parse "HOST" or "HOST:PORT", even as pasted from our own output or a browser.

    Raises UserInputError, whose text says what to type instead.
    """
    typed = _pasted(text)
    if not typed:
        raise _not_an_address("The address is missing.", default_port)
    said = f"“{_shown(typed)}”"
    if _is_ipv6(typed):
        raise _not_an_address(f"{said} is an IPv6 address, and only IPv4 is used.", default_port)
    host, colon, port_text = typed.partition(":")
    if not host or (host.isascii() and host.isdigit() and not colon):
        raise _not_an_address(f"{said} has no address before the port.", default_port)
    if any(letter.isalpha() and not letter.isascii() for letter in host):
        raise _not_an_address(f"{said} has letters that no network name can have.", default_port)
    ends_in_number = _ENDS_IN_NUMBER.search(host) is not None
    if not is_host(host) or "@" in typed or (ends_in_number and ip_of(host) is None):
        raise _not_an_address(f"{said} is not an address.", default_port)
    if ":" in port_text or "\\" in port_text:  # several addresses, or a path of Windows
        raise _not_an_address(f"{said} is not an address.", default_port)
    if colon and not port_text:
        raise UserInputError(f"{said} has no port after the colon. Type {host}:{default_port}.")
    return Address(host, _port_of(port_text) if colon else default_port)


def parse_bind_address(text: str, default_port: int) -> Address:
    """Like parse_address(), but "12501" and ":12501" mean that port on every interface."""
    typed = _pasted(text)
    port_text = typed.removeprefix(":")
    if port_text.isascii() and port_text.isdigit():
        return Address(EVERY_INTERFACE, _port_of(port_text))
    address = parse_address(text, default_port)
    if ip_of(address.host) is not None and not (
        is_unicast(address.host) or address.host == EVERY_INTERFACE
    ):
        raise UserInputError(
            f"“{address.host}” is not the address of one computer. "
            f"Type {EVERY_INTERFACE} for all addresses of this one."
        )
    return address


def _pasted(text: str) -> str:
    """Strip the quotes, schemes, pages, names and marks that nobody sees, which come along when
    people copy an address.
    """
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    bare = visible.strip().strip("\"'“”„«»<>")
    typed = ":".join(part.strip() for part in bare.split(":"))
    in_brackets = _IN_BRACKETS.fullmatch(typed)  # "the tracker lab-pc-01 (192.168.1.5:12500)."
    if in_brackets is not None:
        typed = in_brackets[1]
    scheme = _SCHEME.match(typed)
    if scheme is not None:  # "http://192.168.1.5:12500/", or our own lmk://
        typed = re.split("[/?#]", typed[scheme.end() :], maxsplit=1)[0]
    with_page = _WITH_PAGE.fullmatch(typed)
    if with_page is not None:
        typed = with_page[1]
    with_name = _WITH_NAME.fullmatch(typed)  # "192.168.1.5:12500 (lab-pc-01)"
    if with_name is not None:
        typed = with_name[1]
    return typed.rstrip("/,;").removesuffix(".") if ":" in typed else typed.rstrip("/,;")


def _port_of(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UserInputError(
            f"“{_shown(text)}” is not a port. Type a number from 1 to 65535 after the colon."
        )
    digits = text.lstrip("0") or "0"
    if len(digits) > _LONGEST_PORT or int(digits) > MAX_PORT:
        raise UserInputError(f"Port {_shown(text)} does not exist. Ports go from 1 to {MAX_PORT}.")
    return int(digits)


def _is_ipv6(typed: str) -> bool:
    """Accepts brackets, a port and an interface name ("%eth0")."""
    host = typed[1:].partition("]")[0] if typed.startswith("[") else typed
    try:
        ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return typed.startswith("::") or (typed.startswith("[") and ":" in host)
    return True


def _not_an_address(fault: str, port: int) -> UserInputError:
    return UserInputError(f"{fault} Type it as 192.168.1.5:{port}.")


def _shown(typed: str) -> str:
    return shown_name(typed, _SHOWN)


def web_address(address: Address) -> str:
    """What to type into a browser."""
    return f"http://{address}/"


def is_host(text: str) -> bool:
    """Whether the text is a valid IPv4 address or host name (ASCII only)."""
    return len(text) <= _MAX_HOST and _HOST.fullmatch(text) is not None


def ip_of(host: str) -> ipaddress.IPv4Address | None:
    """None if the host is a name rather than an IPv4 address."""
    try:
        return ipaddress.IPv4Address(host)
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def is_loopback(host: str) -> bool:
    """Whether only programs on the same machine can reach this host."""
    ip = ip_of(host)
    return host.rstrip(".").lower() == "localhost" or (ip is not None and ip.is_loopback)


@lru_cache(maxsize=_REMEMBERED)
def is_unicast(host: str) -> bool:
    """Whether this is an IPv4 address of a single machine."""
    ip = ip_of(host)
    return ip is not None and 0 < ip.packed[0] < 224  # from 224: multicast, reserved, broadcast


def service_at(port: int) -> str:
    """The well-known service that uses this port, as part of a sentence; "" if there is none."""
    if port < FIRST_PORT:
        return "the services of the system"
    return SERVICE_PORTS.get(port, "")


def may_dial(address: Address, *, is_namer_here: bool) -> bool:
    """Whether to connect to an address that somebody other than the user chose.

    `is_namer_here`: the program that named it runs on this machine. Only such a program may send us
    to a loopback address, because services there trust every local connection.
    """
    if not is_unicast(address.host) or service_at(address.port):
        return False
    return is_namer_here or not is_loopback(address.host)


def broadcasts_in(host: str, netmask: str, broadcast: str, other_end: str) -> tuple[str, ...]:
    """The addresses that reach every machine in the network of our own address `host`: its
    broadcast addresses, or the other end of a point-to-point link.

    All arguments are as the system reports them, 0.0.0.0 for unknown. The broadcast address may be
    unknown, because it also follows from address and netmask.
    """
    own, mask = int(ipaddress.IPv4Address(host)), int(ipaddress.IPv4Address(netmask))
    end = int(ipaddress.IPv4Address(other_end)) or own
    rest = ~mask & 0xFFFFFFFF
    reached = list[int]()
    if rest == 0:  # /32: a point-to-point link
        reached += [end]
    elif rest == 1:  # /31: both addresses are hosts (RFC 3021)
        reached += [end & ~1, end | 1]
    else:
        reached += [int(ipaddress.IPv4Address(broadcast)), end | rest]
    numbers = (number for number in dict.fromkeys(reached) if number not in (0, own))
    hosts = (str(ipaddress.IPv4Address(number)) for number in numbers)
    return tuple(host for host in hosts if not is_loopback(host))
