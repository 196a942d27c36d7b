"""Who may tell the list of a share: the program that told it before, and nobody in its place.

Pure state; the caller brings the clock.
"""

from __future__ import annotations

from roles.room.places import Key
from roles.room.registry import Registry
from roles.room.room_catalogue import ListRefusedError, Owner
from roles.wire.list_wire import TellList
from roles.wire.tracker_messages import Code


def share_owner(registry: Registry, call: TellList, ip: str, *, now: float) -> Owner:
    """Whoever tells this list from there, as the share's owner. Raises ListRefusedError.

    A share that somebody tells, or told a short time ago, is for that program only: the same peer
    id, or, for it may have started again, the same address and port. While its last registration
    still pings it keeps the share, unless the caller is the same run of it on the same machine:
    peers know each other's ids, so an id alone proves nothing.
    """
    key = Key(ip, call.port, call.peer)
    entry = registry.entry(key)
    if entry is None or entry.is_leecher or call.share not in entry.shares:
        text = "The tracker does not know a seeder with this folder."
        raise ListRefusedError(Code.UNKNOWN, text)
    # The tracker's own machine has no limit.
    owner = Owner(key, "" if entry.origin.is_here else ip)
    share = registry.catalogue.share(call.share)
    former = registry.held.share_owner(call.share, now=now) if share is None else share.owner.key
    if former is None or former == key:
        return owner
    if not former.is_like(key):
        text = "Another program shares a folder with this id, or did a short time ago."
        raise ListRefusedError(Code.SHARE, text)
    if share is not None:
        is_same_run = (former.ip, former.peer) == (ip, call.peer)
        if not is_same_run and registry.is_heard(former, now=now):
            text = "The tracker waits until the program that told this folder before is silent."
            raise ListRefusedError(Code.BUSY, text)
        registry.catalogue.hand_over(call.share, owner)
    return owner
