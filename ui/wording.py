"""What several views say in the same words: of computers, names, lists and the network. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roles.values import figures
from roles.values.addresses import Address, is_loopback
from roles.values.events import FilesListed, NetworkChanged, TrackerMoved
from roles.values.room_words import shown_computer
from roles.values.safe_names import shown_name

_RECONNECTING = "Reconnecting."


def place(address: Address) -> str:
    return f"this computer, port {address.port}" if is_loopback(address.host) else str(address)


def computer(name: str, address: Address) -> str:
    """Another computer: its name, if it told one, and its address."""
    shown = shown_computer(name)
    return f"{shown} ({address})" if shown else place(address)


def computer_name(name: str, address: Address) -> str:
    """Its name, or its address if it told none."""
    return shown_computer(name) or place(address)


def capitalized(text: str) -> str:
    """The same at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def short_name(name: str) -> str:
    """A stranger's name, for use within a sentence."""
    return shown_name(name, 60)


def quoted(name: str) -> str:
    """A stranger's name."""
    return f"“{shown_name(name)}”"


def names(all_of_them: Sequence[str], most: int = 3, shown: Callable[[str], str] = str) -> str:
    """ "a, b, c and 5 more"; `shown` says how each is written."""
    more = len(all_of_them) - most
    first = ", ".join(map(shown, all_of_them[:most]))
    return f"{first} and {more:,} more" if more > 0 else first


def list_status(listed: FilesListed) -> str:
    """ "8 files in 1 folder", "3 files from 2 seeders"."""
    if not (listed.files or listed.folders):
        return "nothing is shared yet"
    offered = figures.count(len(listed.files), "file")
    if listed.folders:
        return f"{offered} in {figures.count(len(listed.folders), 'folder')}"
    return f"{offered} from {figures.count(len(listed.seeders), 'seeder')}"


def unreachable(address: Address, platform: str) -> str:
    """What to do when nobody can connect to this address; `platform` as in sys.platform."""
    port = address.port
    remedy = firewall_remedy(port, platform)
    return (
        f"Others cannot connect to this computer on TCP {port}: its firewall blocks it. "
        f"Downloads still work. To fix it, {remedy[:1].lower()}{remedy[1:]}"
    )


def firewall_remedy(port: int, platform: str) -> str:
    """How to let others connect to this TCP port; `platform` as in sys.platform."""
    if platform == "win32":
        return (
            "Run this as administrator: netsh advfirewall firewall add "
            f'rule name="LMKtorrent" dir=in action=allow protocol=TCP localport={port}'
        )
    if platform == "darwin":
        return "Allow LMKtorrent in System Settings, Network, Firewall."
    return f"Run: sudo ufw allow {port}/tcp"


def network_changed(change: NetworkChanged) -> str:
    """What happened to this computer's network, and what follows; "" if it is not worth telling."""
    gone, come = " and ".join(change.gone), " and ".join(change.come)
    if change.for_others is not None and change.for_others.host in change.gone:
        return (
            f"The address {gone} is gone: {change.for_others} cannot be reached until it is back."
        )
    if change.is_cut_off:
        return (
            f"This computer is off the network: its address {gone} is gone. "
            "Everything continues when the network is back."
        )
    if gone and come:
        return f"The address of this computer changed from {gone} to {come}. {_RECONNECTING}"
    if come:
        return f"This computer is on the network as {come}. {_RECONNECTING}"
    if gone:
        return f"The address {gone} of this computer is gone. {_RECONNECTING}"
    if change.has_slept:
        return f"This computer slept for {figures.duration(change.held_up_s)}. {_RECONNECTING}"
    return ""


def tracker_moved(moved: TrackerMoved) -> str:
    used = computer(moved.name, moved.tracker)
    if moved.is_back:
        return f"The tracker {used} answers again; using it from now on."
    return f"The tracker {place(moved.former)} does not answer; using {used} from now on."
