"""What is seen of an LMK/2 request without reading it, or when it cannot be read.

No sockets, no clock, no state.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from roles.values.errors import PeerProtocolError
from roles.wire.lmk2_fields import COOKIE_SIZE, extras_of, id_of
from roles.wire.lmk2_tracker_messages import Code, Refused
from roles.wire.lmk2_tracker_wire import encode_answer

_ID_AND_COOKIE = re.compile(
    rb'\{"lmk":2,"id":"([0-9a-f]{16})","cookie":"([0-9a-f]{%d})"' % (2 * COOKIE_SIZE)
)
_OF_VERSION_1 = frozenset({b"add_seeder", b"upload_file_list", b"ping_tracker"})


class Outline(NamedTuple):
    """A request as all our programs write it."""

    id: bytes
    cookie: str
    rest: bytes  # equal for two requests that differ in these only


def outline_of(datagram: bytes) -> Outline | None:
    """None when it is written otherwise, or has no cookie: then it has to be read."""
    found = _ID_AND_COOKIE.search(datagram)
    if found is None:
        return None
    request_id, cookie = found.groups()
    # JSON holds no zero byte: it says where they were.
    rest = datagram[: found.start()] + b"\0" + datagram[found.end() :]
    return Outline(request_id, cookie.decode(), rest)


def refusal_of(datagram: bytes, why: str) -> bytes | None:
    """The answer to an LMK/2 request that cannot be read; None for one that is not LMK/2's.

    Its source may be forged: the answer is not longer than the request.
    """
    fields = datagram.split(b"\n")
    line = extras_of(fields[-1])
    if line is None or (fields[0] in _OF_VERSION_1 and "peer" not in line):
        return None
    try:
        request_id = id_of(line.get("id"))
    except PeerProtocolError:
        return None
    for text in (f"The tracker cannot read this: {why}.", ""):
        answer = encode_answer(Refused(request_id, Code.REFUSED, text))
        if len(answer) <= len(datagram):
            return answer
    return None
