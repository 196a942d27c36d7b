"""Every wait in section 6 of PROTOCOL.md is as long as the code waits."""

from __future__ import annotations

import re
import unittest
from collections.abc import Iterator
from pathlib import Path

from roles import discovery
from roles.downloads import content_queue, download_life, download_scope, swarm_peer
from roles.joining import found_trackers, list_upload, membership, tracker_asker, tracker_locator
from roles.lmk1 import chunk_fetcher, chunk_sender, download_plan, seeder_book, uploads
from roles.lmk1.seeder_table import ORIGINAL_LIFETIME_S
from roles.net import dialling, eviction, frame_budget, name_lookup, peer_greeting
from roles.private import private_server
from roles.room import connection_server, dial_back, list_server, member_channels
from roles.room.registry_entry import LIFETIME_S
from roles.swarm import (
    acceptor,
    arriving_chunks,
    bad_peers,
    call_book,
    chunk_plan,
    digest_requests,
    frame_deadlines,
    peer,
    peer_book,
    single_chunks,
    swarm,
)
from roles.uploads import upload_scheduler, upload_session, uploader
from roles.values.settings import GIVE_UP_AFTER_S, SPACE_AGAIN_S

PAGE = Path(__file__).resolve().parent.parent / "docs/PROTOCOL.md"
UNITS = {"min": 60, "KiB": 1024, "%": 0.01}
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?: (min|KiB|%))?")
SECTION = re.compile(r"\(\d\.\d+\)")  # "(3.9)"

_PLACES = (eviction.LIMITS.unproven_s, eviction.LIMITS.proven_s)
_TRACKER = connection_server.Limits()

# The numbers of each row, in order, by how the row begins. "256 KiB" is a rate: in 1 s.
WAITS: dict[str, tuple[float, ...]] = {
    # Connections between peers, LMK/2
    "a listener for a greeting": (acceptor.GREETING_S, acceptor.MAX_NEWCOMERS),
    "whoever connects, for the handshake": (
        dialling.CONNECT_S,
        peer_book.UNANSWERED_S,
        peer_book.MAX_PEERS,
    ),
    "whoever connects, for the answer": (peer_greeting.ANSWER_S,),
    "either side for a sign of life": (frame_deadlines.LIMITS.silent_s,),
    "L for the end of a part of a chunk": (frame_deadlines.LIMITS.part_s,),
    "L for the next byte": (frame_deadlines.LIMITS.still_s,),
    "either side for the end of any other frame": (frame_deadlines.LIMITS.frame_s,),
    "L for the digests of a content": (digest_requests.MORE_S,),
    "L for the digests of one peer": (digest_requests.ANSWER_S, 1, digest_requests.SLOWEST),
    "L for a chunk that was taken": (
        chunk_plan.STALLED_S,
        chunk_plan.HOPELESS_S,
        chunk_plan.STALLED_S,
    ),
    "L for a content of one chunk": (
        single_chunks.IDLE_S,
        single_chunks.UNPROVEN_S,
        single_chunks.LATE_S,
        single_chunks.LEAST_RATE,
        single_chunks.LATE_AT_MOST_S,
    ),
    "L for anything from anybody, before contents": (swarm.OPEN_AGAIN_S,),
    "L for anything from anybody, before it connects": (swarm.QUIET_S,),
    "L for a right chunk": (bad_peers.SLOW_S,),
    "L for a buffer": (
        arriving_chunks.LIMITS.hopeless,
        arriving_chunks.LIMITS.judge_s,
        arriving_chunks.LIMITS.enough,
        arriving_chunks.LIMITS.compare_s,
    ),
    "L before it gives a peer's place": (
        peer_book.USELESS_S,
        peer_book.HURRY_S,
        peer.USEFUL_BYTES,
    ),
    "L before it ends its connections": (swarm_peer.IDLE_S,),
    "S for an answer to OFFER, with the slot": (
        upload_session.LIMITS.answer_s,
        upload_session.LIMITS.least_answer_s,
    ),
    "S for an answer to OFFER, without": (),
    "S for 64 KiB to go out": (
        upload_scheduler.PIECE,
        upload_scheduler.STALL_S,
        upload_scheduler.PIECE,
    ),
    "S for a part to go out": (uploader.LIMITS.part_s,),
    "S before it gives an idle connection's place": (eviction.LIMITS.crowd_s, *_PLACES),
    "L in the queue": (),
    "either side, before it drops a peer that talks": (
        frame_budget.LIMITS.talk_s,
        frame_budget.LIMITS.per_second,
        frame_budget.LIMITS.at_once,
    ),
    "a program that others cannot reach": (call_book.AGAIN_S,),
    "L before it connects to the same peer again": (
        peer_book.AGAIN_S,
        peer_book.AGAIN_MAX_S,
        peer_book.JITTER,
    ),
    # Leecher and seeder, LMK/1
    "a seeder for a greeting": (acceptor.GREETING_S, acceptor.MAX_NEWCOMERS),
    "a seeder for a range request": (chunk_sender.REQUEST_S, uploads.ASK_S),
    "a seeder for acknowledgements": (
        chunk_sender.STALLED_S,
        uploads.LEAST_CHUNKS,
        uploads.LOOK_S,
        *_PLACES,
    ),
    "a seeder for what it sent": (chunk_sender.STALLED_S,),
    "a leecher for `connected`": (chunk_fetcher.LIMITS.answer_s,),
    "a leecher for the first chunk": (
        chunk_fetcher.LIMITS.first_chunk_s,
        chunk_fetcher.LIMITS.chunk_s,
    ),
    "a leecher before a part goes to others": (
        download_plan.STALLED_S,
        download_plan.SLOW_S,
        download_plan.MIN_STOLEN,
    ),
    "a leecher after `away`": (
        seeder_book.AWAY_AGAIN_S,
        seeder_book.AWAY_MAX_S,
        seeder_book.FAILED_AGAIN_S,
        seeder_book.FAILED_MAX_S,
        seeder_book.LACKS_AGAIN_S,
        seeder_book.LACKS_MAX_S,
    ),
    "a leecher for the rest of a message": (chunk_fetcher.FAREWELL_S,),
    # Tracker
    "a program for an answer over UDP": (*tracker_asker.TRIES_S[:5], tracker_asker.JITTER),
    "a program before it looks for its tracker elsewhere": (),  # "four tries": SOON
    "a program before it tries a silent tracker again": (membership.PACE.again_s,),
    "a program before it asks a former tracker": (tracker_locator.LIMITS.fail_back_again_s,),
    "the tracker for a ping": (LIFETIME_S, ORIGINAL_LIFETIME_S),
    "the tracker for a whole list or call": (_TRACKER.call_s, 1, list_server.SLOWEST),
    "the tracker for a call over TCP": (_TRACKER.clients, _TRACKER.silent_s),
    "the tracker for 64 KiB of a list": (
        connection_server.MOVED,
        _TRACKER.clients,
        _TRACKER.stalled_s,
        _TRACKER.crowd_s,
        _TRACKER.crowd,
        connection_server.MOVED,
    ),
    "the tracker for the reader to close": (_TRACKER.linger_s,),
    "the tracker for an answer to its probe": (
        dial_back.ANSWER_S,
        dial_back.HURRY_S,
        dial_back.MAX_AT_ONCE,
        dial_back.AGAIN_S,
    ),
    "either side of a private room": (private_server.ENTER_S,),
    "the tracker of a private room for a message": (member_channels.SILENT_S,),
    "a seeder before it tells its list again": (
        list_upload.AGAIN_S,
        list_upload.AGAIN_MAX_S,
        list_upload.BUSY_AGAIN_S,
    ),
    "a program for the address of a host name": (name_lookup.LOOKUP_S,),
    "a leecher for a share that left": (download_scope.GONE_S,),
    "a leecher for a seeder that is reading": (download_scope.READING_S,),
    "a search, before it forgets": (
        found_trackers.UNANSWERED,
        discovery.PACE.pause_s[1] + found_trackers.UNANSWERED * discovery.PACE.first_pause_s,
    ),
    # Downloads
    "a download from the command line": (GIVE_UP_AFTER_S, download_life.QUEUED_AT_PEERS_S),
    "a download, before it reports": (content_queue.LIED_S,),
    "a download for room on the disk": (SPACE_AGAIN_S,),
}


def rows() -> Iterator[str]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## 6.")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| ") and not line.startswith("| who waits"):
            yield SECTION.sub("", line.removeprefix("| "))


def numbers_in(row: str) -> tuple[float, ...]:
    """In seconds, bytes and parts of one."""
    return tuple(
        float(number.replace(",", "")) * UNITS.get(unit, 1) for number, unit in NUMBER.findall(row)
    )


class ProtocolWaitsTest(unittest.TestCase):
    def test_every_wait_of_the_page_is_that_of_the_code(self) -> None:
        unseen = set(WAITS)
        for row in rows():
            with self.subTest(row=row):
                (begin,) = (begin for begin in WAITS if row.startswith(begin))
                unseen.discard(begin)
                self.assertEqual(numbers_in(row), WAITS[begin])
        self.assertEqual(unseen, set())
