"""Answers LMK/1 requests exactly as an original tracker does."""

from __future__ import annotations

from roles.lmk1.seeder_table import SeederTable
from roles.lmk1.tracker_wire import (
    ALREADY_REGISTERED,
    SUCCESS,
    UNKNOWN_SEEDER,
    AddSeeder,
    PingTracker,
    UploadFileList,
    decode_request,
    encode_file_list,
    encode_seeder_list,
)
from roles.net.interfaces import own_address_towards
from roles.net.rate_limit import RateLimit
from roles.room.registry_entry import Reader
from roles.room.senders import Senders
from roles.values.addresses import LOOPBACK, Address, is_loopback
from roles.values.errors import PeerProtocolError
from roles.wire.tracker_wire import NOT_UNDERSTOOD, Verb

LISTS_PER_HOST = 100.0  # per second; generous, as an original never repeats a request, but hangs
LISTS_IN_ALL = 500.0  # per second; limited, as a list is longer than the request


class TrackerAnswers:
    """For one thread."""

    def __init__(self, table: SeederTable, senders: Senders) -> None:
        self._table, self._senders = table, senders
        self._lists = RateLimit(per_host=LISTS_PER_HOST, whole=LISTS_IN_ALL)

    def answers(self, datagram: bytes, host: str, *, now: float) -> list[bytes]:
        """The datagrams to send back. Raises PeerProtocolError if it is no request, or the table
        has no room.
        """
        match decode_request(datagram):
            case AddSeeder(seeder):
                return [self._added(seeder, host, now)]
            case UploadFileList(files):
                self._table.upload(files, self._senders.origin(host))
                return [SUCCESS]
            case PingTracker(seeder, is_ours):
                origin = self._senders.origin(host, seeder.host)
                is_known = self._table.ping(seeder, origin, is_ours=is_ours, now=now)
                return [SUCCESS if is_known else UNKNOWN_SEEDER]
            case Verb.REQUEST_SEEDER_LIST:
                return self._list_answer(host, now, encode_seeder_list(self._seeders_for(host))[0])
            case Verb.REQUEST_FILE_LIST:
                files = self._table.files_for_readers(is_here=self._senders.is_own(host))
                return self._list_answer(host, now, encode_file_list(files.items())[0])

    def _added(self, seeder: Address, host: str, now: float) -> bytes:
        origin = self._senders.origin(host, seeder.host)
        try:
            is_new = self._table.add(seeder, origin, now=now)
        except PeerProtocolError as error:
            text = "%s cannot be registered for %s: %s"
            self._senders.complain(host, now, text, seeder, host, error)
            return NOT_UNDERSTOOD
        return SUCCESS if is_new else ALREADY_REGISTERED

    def _list_answer(self, host: str, now: float, answer: bytes) -> list[bytes]:
        """The list, then `success`, as an original sends them; nothing above the rate limit."""
        if not is_loopback(host) and not self._lists.allows(host, now=now):
            text = "Too many requests for lists, most recently from %s."
            self._senders.complain(host, now, text, host)
            return []
        return [answer, SUCCESS]

    def _seeders_for(self, host: str) -> list[Address]:
        is_here = self._senders.is_own(host)
        try:
            loopback = is_loopback(host)
            tracker_host = LOOPBACK if loopback else own_address_towards(host)
        except OSError:
            return []
        return self._table.seeders_for_readers(Reader(is_here, tracker_host))
