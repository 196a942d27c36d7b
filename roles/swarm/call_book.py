"""Which leechers to connect to while nobody can connect to this program.

Pure state: the caller passes the time, and holds a lock around each call.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from roles.values.addresses import Address

MAX_CALLS = 8  # under way at once, and begun in a second, however many leechers there are
# After this time an unanswered call no longer counts, up to MAX_UNDER_WAY.
UNANSWERED_S = 2.0
MAX_UNDER_WAY = 32
AGAIN_S = 5.0  # before the same leecher is called again


class CallBook:
    """Ask it once a second."""

    def __init__(self) -> None:
        self._began: dict[Address, float] = {}  # calls under way
        self._not_before: dict[Address, float] = {}

    def to_call(
        self, leechers: Iterable[Address], served: Collection[Address], *, now: float
    ) -> list[Address]:
        """The leechers to call now. The caller reports ended(). `served`: the connected ones."""
        last = self._not_before
        self._not_before = {address: at for address, at in last.items() if at > now}
        chosen = list[Address]()
        # The leecher called longest ago comes first, so that calls that fail hold up nobody.
        for address in sorted(leechers, key=lambda address: last.get(address, 0.0)):
            fresh = sum(now - at < UNANSWERED_S for at in self._began.values())
            if max(fresh, len(chosen)) >= MAX_CALLS or len(self._began) >= MAX_UNDER_WAY:
                break
            if address in served or address in self._not_before or address in self._began:
                continue
            self._began[address], self._not_before[address] = now, now + AGAIN_S
            chosen.append(address)
        return chosen

    def ended(self, address: Address) -> None:
        """The call led to nothing, or the connection has ended."""
        self._began.pop(address, None)

    def network_changed(self) -> None:
        """This computer's addresses changed: forget pauses after failures."""
        self._not_before.clear()
