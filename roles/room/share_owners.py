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
    id, or, for it may have started again, the same address and port. Peers know each other's ids,
    so an id alone proves nothing: while the last registration still pings it keeps the share, but
    for the same run on the same machine; and who comes back to where the share was told gets it
    back from whoever told it elsewhere meanwhile.
    """
    key = Key(ip, call.port, call.peer)
    entry = registry.entry(key)
    if entry is None or entry.is_leecher or call.share not in entry.shares:
        text = "The tracker does not know a seeder with this folder."
        raise ListRefusedError(Code.UNKNOWN, text)
    # The tracker's own machine has no limit.
    owner = Owner(key, "" if entry.origin.is_here else ip)
    share = registry.catalogue.share(call.share)
    held = registry.held.share_owner(call.share, now=now)
    former = held if share is None else share.owner.key
    if former is None or former == key:
        if share is not None and share.owner != owner:  # its address came to this machine, or went
            registry.catalogue.hand_over(call.share, owner)
        return owner
    if not former.is_like(key) and held != key:
        text = "Another program shares a folder with this id, or did a short time ago."
        raise ListRefusedError(Code.SHARE, text)
    if share is None:
        if former.ip != ip and not registry.held.is_quiet(call.share, now=now):
            raise _busy()
        return owner
    is_same_run = (former.ip, former.peer) == (ip, call.peer)
    if not is_same_run and held != key and registry.is_heard(former, now=now):
        raise _busy()
    if former.ip != ip and held != key:
        registry.held.hold(call.share, former, quiet_at=now, now=now)
    registry.catalogue.hand_over(call.share, owner)
    return owner


def _busy() -> ListRefusedError:
    text = "The tracker waits until the program that told this folder before is silent."
    return ListRefusedError(Code.BUSY, text)
