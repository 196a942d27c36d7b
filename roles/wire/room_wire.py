"""One line of JSON for each program of a room, which a tracker tells whoever asks over TCP."""

from __future__ import annotations

from roles.values import strict_json
from roles.values.errors import PeerProtocolError
from roles.values.participants import Participant
from roles.wire.fields import AS, address_of, cut, extras_of, is_leecher, number_of, shown
from roles.wire.tracker_wire import MAX_NAME, status_fields, status_of

MAX_PARTICIPANTS = 16_000  # more than a tracker's table and those that have left


def encode_participant(program: Participant, *, now: float) -> str:
    """`now` is on the clock of Participant.last_ping; the line says how long ago that was."""
    line: dict[str, object] = {"lmk": 2, "at": program.address, "as": AS[program.is_leecher]}
    line |= {"name": cut(program.name, MAX_NAME)} if program.name else {}
    line |= {"silent_ms": max(0, round((now - program.last_ping) * 1000)), "files": program.files}
    line |= {"original": True} if program.is_original else {}
    line |= {"reachable": program.is_reachable} if program.is_reachable is not None else {}
    line |= {"left": True} if program.has_left else {}
    line |= status_fields(program.status)
    return strict_json.dumps(line).decode()


def decode_participant(text: str, *, now: float) -> Participant:
    """The opposite; `last_ping` is on the clock of `now`. Raises PeerProtocolError."""
    line = extras_of(text.encode())
    if line is None:
        raise PeerProtocolError("not a line about a program")
    reachable = line.get("reachable")
    if not isinstance(reachable, bool | None):
        raise PeerProtocolError("not a program of a room")
    return Participant(
        address=address_of(line.get("at")),
        last_ping=now - number_of(line.get("silent_ms")) / 1000,
        is_leecher=is_leecher(line.get("as")),
        is_original=line.get("original") is True,
        name=shown(line.get("name"), MAX_NAME),
        status=status_of(line),
        files=number_of(line.get("files", 0)),
        is_reachable=reachable,
        has_left=line.get("left") is True,
    )
