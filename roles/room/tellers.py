"""Who may tell the list of a share: a seeder that named it, and nobody in its place but itself.

Pure state; the caller brings the clock.
"""

from __future__ import annotations

from roles.room.offered_shares import owner_of
from roles.room.registry import Registry
from roles.room.room_catalogue import ListRefusedError, Owner
from roles.wire.lmk2_list_wire import TellList
from roles.wire.lmk2_tracker_messages import Code

QUIET_S = 20.0  # without a ping of the old address, which comes every 15 s: it has moved


def teller_of(registry: Registry, call: TellList, ip: str, *, now: float) -> Owner:
    """Whoever tells this list from there, as the share's owner.

    A program that registered anew, with another address of the same machine, takes its share over;
    one that seems to have moved to another machine once it is silent at the old one, because its
    peer id is known to all whom it greets. Raises ListRefusedError.
    """
    key = registry.key_of(ip, call.port, call.peer)
    entry = None if key is None else registry.entry(key)
    if key is None or entry is None or entry.is_leecher or call.share not in entry.shares:
        text = "The tracker does not know a seeder with this folder."
        raise ListRefusedError(Code.UNKNOWN, text)
    owner, share = owner_of(key, entry), registry.catalogue.share(call.share)
    if share is None or share.owner == owner:
        return owner
    former = registry.entry(share.owner.key)
    if former is None or former.member is None or former.member.instance != call.peer:
        return owner  # another program's: the catalogue refuses it
    if former.origin.ip != ip and now - former.last_ping < QUIET_S:
        text = "The tracker still knows this program at another address."
        raise ListRefusedError(Code.BUSY, text)
    registry.catalogue.hand_over(call.share, owner)
    return owner
