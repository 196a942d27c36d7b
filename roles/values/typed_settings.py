"""Settings as users type them, or name them in the environment.

Every function that parses raises UserInputError, which says what to type instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from roles.values.addresses import (
    LOOPBACK,
    MAX_PORT,
    TRACKER_PORT,
    Address,
    ip_of,
    is_unicast,
    parse_address,
)
from roles.values.errors import UserInputError
from roles.values.safe_names import shown_name
from roles.values.settings import MAX_PARALLEL_SEEDERS, MAX_SLOTS

LEAST_RATE = 10_000  # bytes per second; any slower, and original leechers give up between chunks
MAX_RATE = 100_000_000_000  # bytes per second; faster than any network, so a typing error
NO_DISCOVERY = frozenset({"off", "0", "no"})  # values of LMK_DISCOVER that switch it off
MAX_TYPED_NAME = 40  # characters
_SHOWN = 80  # characters of the user's text in an error message
_RATE = re.compile(
    r"([0-9]{1,12}(?:[.,][0-9]{1,6})?) *(ki|mi|gi|k|m|g)? ?(bits?(?:/s|ps)?|bps|b(?:/s)?|/s)?"
)
_RATE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def tracker_address(typed: str, environment: Mapping[str, str]) -> Address:
    """What the user typed, else LMK_TRACKER, else this computer."""
    if typed.strip():
        return parse_tracker(typed)
    named = environment.get("LMK_TRACKER", "").strip()
    if not named:
        return Address(LOOPBACK, TRACKER_PORT)
    try:
        return parse_tracker(named)
    except UserInputError as error:
        raise UserInputError(f"LMK_TRACKER in the environment: {error}") from None


def parse_tracker(text: str) -> Address:
    address = parse_address(text, TRACKER_PORT)
    if address.port == 0:
        raise UserInputError("A tracker does not answer on port 0. Ports go from 1 to 65535.")
    if ip_of(address.host) is not None and not is_unicast(address.host):
        raise UserInputError(
            f"“{address.host}” is not the address of one computer. "
            f"Type the one that the tracker shows, such as 192.168.1.5:{TRACKER_PORT}."
        )
    return address


def may_discover(environment: Mapping[str, str]) -> bool:
    """Whether to search the network for trackers if none is named."""
    return environment.get("LMK_DISCOVER", "").strip().lower() not in NO_DISCOVERY


def parse_rate(text: str) -> int | None:
    """Parse a limit such as "500K", "2.5 MB/s" or "10Mbit" into bytes per second.

    Returns None for no limit: "", "none" or "0".
    """
    typed = text.strip()
    if typed.lower() in ("", "none"):
        return None
    said = f"“{shown_name(typed, _SHOWN)}”"
    match = _RATE.fullmatch(typed.lower())
    if match is None:
        raise UserInputError(f"{said} is not a rate. Type it as 500K, 2M or 2.5 MB/s.")
    number, unit, kind = match[1], match[2] or "", match[3] or ""
    if kind == "bps" and not typed.endswith("Bps"):
        as_typed = number + unit.upper()
        raise UserInputError(f"{said} may be bits or bytes. Type {as_typed}bit or {as_typed}B.")
    bits = 8 if kind.startswith("bit") else 1
    rate = int(float(number.replace(",", ".")) * _RATE_UNITS[unit] / bits)
    if rate == 0:
        return None
    if not LEAST_RATE <= rate <= MAX_RATE:
        raise UserInputError(
            f"The limit {said} is too {'low' if rate < LEAST_RATE else 'high'}. "
            "Type at least 10K, such as 500K or 2M, or 0 for no limit."
        )
    return rate


def parse_slots(text: str) -> int:
    return _whole_number(text, "The number of upload slots", MAX_SLOTS)


def parse_parallel_seeders(text: str) -> int:
    return _whole_number(text, "The number of sources per file", MAX_PARALLEL_SEEDERS)


def parse_port(text: str) -> int:
    return _whole_number(text, "The port", MAX_PORT)


def parse_name(text: str) -> str:
    """The name of this computer or its seat, safe to show."""
    name = " ".join(text.split())
    if len(name) > MAX_TYPED_NAME or name != shown_name(name, MAX_TYPED_NAME):
        raise UserInputError(f"Use up to {MAX_TYPED_NAME} letters, digits and spaces.")
    return name


def parse_network(text: str) -> str:
    """An address of this computer; "" for all."""
    typed = text.strip()
    if typed and (ip_of(typed) is None or not is_unicast(typed)):
        raise UserInputError("Choose one of the addresses, or leave it empty for all networks.")
    return typed


def _whole_number(text: str, what: str, most: int) -> int:
    typed = text.strip()
    if typed.isascii() and typed.isdigit() and len(typed) <= 6 and 1 <= int(typed) <= most:
        return int(typed)
    said = f", not “{shown_name(typed, _SHOWN)}”" if typed else ""
    raise UserInputError(f"{what} must be a number from 1 to {most}{said}.")
