"""Every parser as a function of bytes that must return, or raise one of the two errors that may
leave it.

Where more is known about the result, it is checked here.
"""

from __future__ import annotations

import json
import ntpath
import posixpath
from dataclasses import replace
from functools import partial

from roles.lmk1.peer_wire import (
    HEADER,
    AckReader,
    decode_header,
    decode_second_message,
    decode_seeder_answer,
)
from roles.lmk1.seeder_table import SeederTable
from roles.lmk1.tracker_wire import (
    MAX_ANSWER,
    PingTracker,
    decode_answer,
    decode_request,
    encode_file_list,
    encode_request,
    encode_seeder_list,
)
from roles.program.user_folders import pasted_path
from roles.room.registry import Registry
from roles.room.registry_entry import Reader
from roles.room.shown_files import shown_files
from roles.values import strict_json
from roles.values.addresses import parse_address, parse_bind_address
from roles.values.errors import PeerProtocolError, UserInputError
from roles.values.program_settings import program_settings_from
from roles.values.safe_names import collision_key, safe_name, shown_name
from roles.values.typed_settings import (
    parse_parallel_seeders,
    parse_port,
    parse_rate,
    parse_slots,
    tracker_address,
)
from roles.wire.greeting import GreetingReader
from tests.fuzz import samples
from tests.fuzz.lmk2_targets import LMK2_TARGETS
from tests.fuzz.target import Target, check, check_visible, in_pieces
from tests.fuzz.torrent_targets import TORRENT_TARGETS
from tests.fuzz.web_targets import WEB_TARGETS

ALLOWED = (PeerProtocolError, UserInputError)


def request(data: bytes) -> None:
    read = decode_request(data)
    if isinstance(read, PingTracker):
        read = replace(read, is_ours=False)  # the line that says so is read only
    try:
        again = encode_request(read)
    except PeerProtocolError:  # longer than we would send it
        return
    check(decode_request(again) == read, "read otherwise the second time")


def answer(data: bytes) -> None:
    decode_answer(data)


def header(data: bytes) -> None:
    padded = data.ljust(HEADER.size, b"\0")
    decode_header(padded, 0, expected_length=5120)


def name(data: bytes) -> None:
    text = data.decode("utf-8", "surrogatepass" if data[:1] < b"\x80" else "surrogateescape")
    shown = shown_name(text)
    shown.encode()
    check_visible(shown, "shown what cannot be seen")
    for windows in (False, True):
        stored = safe_name(text, windows=windows)
        check(safe_name(stored, windows=windows) == stored, "another name the second time")
        check(posixpath.basename(stored) == ntpath.basename(stored) == stored, "not one component")
        check(stored not in ("", ".", ".."), "not a file")
        check(len(stored.encode()) <= 200, "too long")
        check(collision_key(collision_key(stored)) == collision_key(stored), "another key")


def any_name(data: bytes) -> None:
    try:
        name(data)
    except UnicodeDecodeError:  # not a name
        return


def settings(data: bytes) -> None:
    stored = strict_json.loads(data)
    if isinstance(stored, dict):
        program_settings_from(stored)


def typed(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    parsers = (parse_slots, parse_parallel_seeders, parse_port, parse_rate, pasted_path)
    for parse in (*parsers, partial(parse_bind_address, default_port=1)):
        try:
            parse(text)
        except UserInputError as error:
            check(len(str(error)) < 400, "a sentence without an end")
            check_visible(str(error), "a sentence that moves the cursor")
    tracker_address(text, {})
    parse_address(text, 1).host.encode("idna")


def state(data: bytes) -> None:
    try:
        saved = json.loads(data)
    except (ValueError, RecursionError):  # the reader of the file has refused it
        return
    if not isinstance(saved, list):  # so does the one that hands it to the tables
        return
    registry = Registry()
    table = SeederTable(registry)
    table.restore(saved, now=0.0)
    registry.restore(saved, now=0.0)
    for is_here in (False, True):
        listed = table.seeders_for_readers(Reader(is_here, "192.168.1.2"))
        text, count = encode_seeder_list(listed)
        check(count == len(listed) and len(text) <= MAX_ANSWER, "too many seeders")
        decode_answer(text)
    text, _ = encode_file_list(table.files_for_readers(is_here=False).items())
    decode_answer(text)
    table.settle(now=0.0)
    list(shown_files(registry.room_list, 1_000))
    for saver, again in ((table, SeederTable(Registry())), (registry, Registry())):
        kept = list(saver.saved())
        again.restore(json.loads(json.dumps(kept)), now=1.0)
        check(list(again.saved()) == kept, "lost one")
    table.expire(now=1000.0)


TARGETS = (
    Target("tracker requests", request, samples.TRACKER_REQUESTS),
    Target("tracker answers", answer, samples.TRACKER_ANSWERS),
    Target("greetings", in_pieces(lambda: GreetingReader().feed), samples.GREETINGS),
    Target("second messages", decode_second_message, samples.SECOND_MESSAGES),
    Target("seeder answers", decode_seeder_answer, samples.SEEDER_ANSWERS),
    Target("acknowledgements", in_pieces(lambda: AckReader().feed), samples.ACKNOWLEDGEMENTS),
    Target("headers", header, samples.HEADERS),
    Target("strict_json", strict_json.loads, samples.JSON),
    Target("safe_name", any_name, [text.encode() for text in samples.NAMES]),
    Target("settings", settings, samples.SETTINGS),
    Target("typed texts", typed, [text.encode() for text in samples.ADDRESSES]),
    Target("registry.restore", state, samples.STATES),
    *LMK2_TARGETS,
    *WEB_TARGETS,
    *TORRENT_TARGETS,
)
