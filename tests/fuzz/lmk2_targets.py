"""The parsers of LMK/2 and of what is kept for the next start, as targets. See targets.py.

Their seeds are the samples that the tests compare byte for byte.
"""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from roles.disk.download_record import decode_download, encode_download
from roles.room.cookies import Cookies, Proof
from roles.room.registry import Registry
from roles.room.registry_entry import Origin
from roles.sharing.digest_cache import DigestCache
from roles.values.addresses import Address
from roles.values.computers import computers_of
from roles.values.errors import PeerProtocolError
from roles.values.list_lines import MAX_LINE, Line, decode_line, encode_line
from roles.wire import frames as wire_frames
from roles.wire import tracker_wire
from roles.wire.frames import CHUNK, Bye, Frame, FrameBuffer, Gone
from roles.wire.greeting import (
    Hello,
    Probe,
    Welcome,
    decode_hello,
    decode_welcome,
    encode_hello,
    encode_welcome,
)
from roles.wire.list_wire import Unpacker, decode_call, decode_reply, encode_call, encode_reply
from roles.wire.room_wire import decode_participant, encode_participant
from roles.wire.tracker_messages import Register
from tests import test_frames as frame_samples
from tests import test_greeting as greeting_samples
from tests import test_list_wire as list_samples
from tests import test_room_wire as room_samples
from tests import test_tracker_wire as tracker_samples
from tests.fuzz.samples import TRACKER_REQUESTS
from tests.fuzz.target import Target, check, check_visible, in_pieces
from tests.packing import LineAdded, decode_entry, packed_list
from tests.test_download_record import ONE, TWO
from tests.test_list_lines import LINES
from tests.tracker_tables import answerer_of
from ui.room_columns import IN_TERMINAL, IN_WINDOW
from ui.room_summary import room_summary

ID = "0123456789abcdef"
NOW = 1_000.0
T = TypeVar("T")
R = TypeVar("R")

FRAMES = [bytes.fromhex(text) for _, text in frame_samples.SAMPLES]
ENTRIES = [text.encode() for text in list_samples.ENTRIES]
LIST = packed_list(list_samples.ENTRIES.values())
CACHE = (
    b"LMK2-digests 1 00112233445566aa",
    b"LMK2-digests 2 00112233445566aa more",
    b"f 300000 1800000000000000000 77 " + b"AAEC" * 21 + b"AA== sub/\xc3\xa4 file",
    b"p " + b"6b" * 32 + b" " + b"AAEC" * 21 + b"AA==",
)


def frame(header: bytes, body: bytes) -> None:
    """One frame; it must be written as it was read."""
    kind, length = wire_frames.decode_header(header)
    if kind == CHUNK or len(body) < length:
        return
    read = wire_frames.decode(kind, body[:length])
    if read is not None:
        check_frame(read)


def frames(data: bytes) -> None:
    """A sender reads them in pieces; a leecher reads the first one."""
    size = wire_frames.HEADER.size
    if len(data) > size:
        with contextlib.suppress(PeerProtocolError):
            frame(data[1 : size + 1], data[size + 1 :])
    in_pieces(frame_reader)(data)


def frame_reader() -> Callable[[bytes], None]:
    buffer = FrameBuffer()

    def feed(piece: bytes) -> None:
        for read in buffer.feed(piece):
            check_frame(read)

    return feed


def check_frame(read: Frame) -> None:
    written = wire_frames.encode(read)
    again = wire_frames.decode(written[0], written[wire_frames.HEADER.size :])
    is_text = isinstance(read, Gone | Bye)  # its reason may be cut within a letter
    check(type(again) is type(read) if is_text else again == read, "another frame")


def hello(data: bytes) -> None:
    match decode_hello(data):
        case Hello() as read:
            check_visible(read.name, "a name that cannot be shown")
            written = encode_hello(read)
            check(len(written) <= 512 + len(b"request_connection\n"), "longer than is read")
            again = decode_hello(written.split(b"\n")[1])
            if not isinstance(again, Hello):
                raise ValueError("a greeting that is not read")
            check(replace(again, name="") == replace(read, name=""), "another greeting")
        case Probe() as probe:
            check(encode_welcome(probe).startswith(b"lmk2 "), "no answer to a probe")
        case None:
            pass


def welcome() -> Callable[[bytes], Welcome | None]:
    come = bytearray()

    def feed(data: bytes) -> Welcome | None:
        come.extend(data)
        return decode_welcome(bytes(come))

    return feed


def stranger(data: bytes) -> None:
    """A tracker's answer to a datagram without a cookie, which must change nothing of LMK/2."""
    registry, host = Registry(), "10.0.0.7"
    answerer, table = answerer_of(registry, Cookies(b"secret"))
    named = Address(host, 12501)
    known = Register(ID, named, ID, "pc", False, shares=(ID,))
    registry.register(known, Origin(host, False), now=0.0)
    before = [(entry.key, replace(entry)) for entry in registry.entries()]
    answers = answerer.to(data, host, 4_000, Proof.NONE, now=1.0)
    table.settle(now=1.0)
    after = [(entry.key, entry) for entry in registry.entries()]
    check(after == before, "something of LMK/2 changed")
    with contextlib.suppress(PeerProtocolError):
        if tracker_wire.decode_request(data) is not None:
            check(all(len(answer) <= len(data) for answer in answers), "an answer that is longer")


def tracker_request(data: bytes) -> None:
    """What a tracker does with a datagram; whatever it reads, somebody could have sent."""
    try:
        read = tracker_wire.decode_request(data)
    except PeerProtocolError as error:
        refusal = tracker_wire.refusal_of(data, str(error))
        check(refusal is None or len(refusal) <= len(data), "a refusal that is longer")
        raise
    if read is None:
        return
    try:
        written = tracker_wire.encode_request(read)
    except PeerProtocolError:  # longer than we would send it
        return
    again = must(tracker_wire.decode_request, written)
    check(type(again) is type(read) and getattr(again, "id", "") == read.id, "another request")


def tracker_answer(data: bytes) -> None:
    read = tracker_wire.decode_answer(data)
    if read is not None:
        again = must(tracker_wire.decode_answer, tracker_wire.encode_answer(read))
        check(type(again) is type(read) and getattr(again, "id", "") == read.id, "another answer")


def call(data: bytes) -> None:
    read = decode_call(data)
    check(type(must(decode_call, encode_call(read).rstrip(b"\n"))) is type(read), "another call")


def reply(data: bytes) -> None:
    read = decode_reply(data)
    check(type(must(decode_reply, encode_reply(read).rstrip(b"\n"))) is type(read), "another reply")


def participant(data: bytes) -> None:
    """A line about a program, down to what the window and the terminal say of its computer."""
    read = decode_participant(data.decode("utf-8", "replace"), now=NOW)
    again = must(lambda line: decode_participant(line, now=NOW), encode_participant(read, now=NOW))
    check(
        (again.address, again.status.machine) == (read.address, read.status.machine),
        "another computer",
    )
    numbers = (read.status.have, read.status.down)
    check((again.status.have, again.status.down) == numbers, "other numbers")
    older = replace(read, status=replace(read.status, machine=""))
    for one in computers_of((read, older, read), now=NOW):
        for column in (*IN_WINDOW, *IN_TERMINAL):
            check_visible(column.text(one), "a control character")
        check(0 <= one.have <= one.size, "more than there is")
        check(len(room_summary([one], ()).parts) <= 1, "two states of one computer")


def packed(data: bytes) -> None:
    """Mutations of the packed bytes."""
    unpacker = Unpacker(most=1 << 20)
    for line in unpacker.lines(data):
        decode_entry(line)
    unpacker.end()


def entries(data: bytes) -> None:
    """Mutations of the lines before packing, down to what each of them says."""
    for line in Unpacker(most=1 << 20).lines(zlib.compress(data, 1)):
        entry = decode_entry(line)
        if isinstance(entry, LineAdded):
            decode_line(entry.line)


def list_line(data: bytes) -> None:
    text = data.decode("utf-8", "surrogatepass" if data[:1] < b"\x80" else "surrogateescape")
    read, read_slowly = line_of(text), line_of(" " + text)  # no usual line begins with a blank
    check(read == read_slowly or len(text) >= MAX_LINE, "read otherwise the short way")
    if read is not None:
        written = encode_line(read)
        check(len(written) <= MAX_LINE and line_of(written) == read, "another line")


def line_of(text: str) -> Line | None:
    try:
        return decode_line(text)
    except PeerProtocolError:
        return None


def any_line(data: bytes) -> None:
    with contextlib.suppress(UnicodeDecodeError):  # not text
        list_line(data)


@contextlib.contextmanager
def without_logging() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def digest_cache(data: bytes) -> None:
    """Lines with a right checksum: others are dropped unread."""
    sealed = (b"%08x %s\n" % (zlib.crc32(line), line) for line in data.split(b"\n"))
    # Each damaged cache is logged, which would hide what the fuzzer itself reports.
    with tempfile.TemporaryDirectory(prefix="lmk-fuzz-") as folder, without_logging():
        path = Path(folder) / "share.digests"
        path.write_bytes(b"".join(sealed))
        check(len(bytes.fromhex(DigestCache(path).share_id)) == 8, "a share without an id")
        path.write_bytes(data)
        DigestCache(path)


def record(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # the reader of the file has refused it
        return
    download = decode_download(value)
    if download is not None:
        again = json.loads(json.dumps(encode_download(download)))
        check(decode_download(again) == download, "another")


def must(decode: Callable[[T], R], written: T) -> R:
    """Decode what we wrote ourselves: it must never be refused."""
    try:
        return decode(written)
    except PeerProtocolError as error:
        raise ValueError(f"we cannot read what we wrote: {written!r}") from error


LMK2_TARGETS = (
    Target("frames", frames, [b"\x20" + one for one in (*FRAMES, b"".join(FRAMES))]),
    Target("hello lines", hello, [greeting_samples.LINE, b'{"lmk":2,"probe":"0123456789abcdef"}']),
    Target("welcomes", in_pieces(welcome), [b"\x00" + greeting_samples.WELCOME]),
    Target("LMK/2 requests", tracker_request, list(tracker_samples.REQUESTS)),
    Target("strangers at a tracker", stranger, [*tracker_samples.REQUESTS, *TRACKER_REQUESTS]),
    Target("LMK/2 answers", tracker_answer, list(tracker_samples.ANSWERS)),
    Target("calls for lists", call, [one.rstrip() for one in list_samples.CALLS]),
    Target("answers to calls", reply, [one.rstrip() for one in list_samples.REPLIES]),
    Target("lines of a room", participant, [line.encode() for line in room_samples.LINES]),
    Target("packed lists", packed, [LIST, LIST * 2]),
    Target("lines of lists", entries, [*ENTRIES, b"\n".join(ENTRIES) + b"\n"]),
    Target("list lines", any_line, [text.encode() for text in LINES]),
    Target("digest cache", digest_cache, [*CACHE, b"\n".join(CACHE)]),
    Target(
        "download record",
        record,
        [json.dumps(encode_download(one)).encode() for one in (ONE, TWO)],
    ),
)
