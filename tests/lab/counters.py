"""What a process used and what its computer's link carried, as Linux counts it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_DEVICES = Path("/proc/self/net/dev")
_PROTOCOLS = Path("/proc/self/net/snmp")
_MACHINE = Path("/proc/stat")
_IDLE, _WAITING = 3, 4  # columns of the line for the whole machine


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """Since the computer was made: bytes on its link, and datagrams."""

    bytes_out: int = 0
    bytes_in: int = 0
    datagrams_out: int = 0
    datagrams_in: int = 0

    def __sub__(self, other: NetworkCounts) -> NetworkCounts:
        return NetworkCounts(
            self.bytes_out - other.bytes_out,
            self.bytes_in - other.bytes_in,
            self.datagrams_out - other.datagrams_out,
            self.datagrams_in - other.datagrams_in,
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def network_counts() -> NetworkCounts:
    """Of the computer on whose link this process is; zero outside an emulated room."""
    link = next((line for line in _lines(_DEVICES) if line.lstrip().startswith("eth0:")), "")
    names, values = list[str](), list[str]()
    for line in _lines(_PROTOCOLS):
        if line.startswith("Udp:"):
            names, values = (values or line.split()), line.split()
    udp = dict(zip(names, values, strict=False))
    columns = link.partition(":")[2].split() or ["0"] * 16
    return NetworkCounts(
        int(columns[8]),
        int(columns[0]),
        int(udp.get("OutDatagrams", 0)),
        int(udp.get("InDatagrams", 0)),
    )


def cpu_seconds() -> float:
    """Processor time of this process so far, of all its threads."""
    times = os.times()
    return times.user + times.system


def peak_memory() -> int:
    """Peak memory in bytes; 0 if the system does not say."""
    for line in _lines(_STATUS):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1_024
    return 0


def machine_times() -> tuple[float, float]:
    """Ticks that all processors worked, and all ticks."""
    for line in _lines(_MACHINE)[:1]:
        ticks = [float(word) for word in line.split()[1:9]]
        return sum(ticks) - ticks[_IDLE] - ticks[_WAITING], sum(ticks)
    return 0.0, 0.0


def busy_since(before: tuple[float, float]) -> float:
    """The share of all processors that worked since machine_times() returned `before`."""
    worked, passed = machine_times()
    return (worked - before[0]) / max(passed - before[1], 1.0)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
