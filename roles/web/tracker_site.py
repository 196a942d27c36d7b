"""What browsers get from a tracker: its pages, the program, and the way to the seeders' files.

It runs in the tracker's loop behind roles/room/connection_server.py and never blocks it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TypeVar

from roles.net.interfaces import address_for_others, own_name
from roles.room.cached_answer import CachedAnswer
from roles.room.connection_server import Client, Steps, Wait, in_turns
from roles.room.registry import Registry
from roles.room.registry_entry import Reader
from roles.room.room_list import Share
from roles.room.senders import Senders
from roles.values.addresses import Address, is_loopback
from roles.values.computers import Computer, RoomSummary, each_computer, summary_of
from roles.values.list_lines import WebLine, encode_line
from roles.values.participants import Participant
from roles.values.room_words import how_far
from roles.web import page
from roles.web.http_wire import (
    Fields,
    HttpError,
    Request,
    RequestReader,
    Version,
    check_host,
    page_answer,
    part_head,
    part_of,
    quoted,
    quoted_path,
    redirect,
    text_answer,
)
from roles.web.program_files import ProgramFiles
from roles.web.room_page import room_page, shown_of
from roles.web.start_page import ONLY_THE_PROGRAM, Folder, ProgramFile, start_page

REQUEST_S = 10.0  # for the head of a request
ANSWER_S = 30.0  # for everything but the bytes of an answer
SLOWEST = 8 * 1024  # bytes per second: the extra time for them
PATIENCE_S = 2.0  # for the program's own file: after that, the page comes without it
AGAIN_S = 5  # after a refusal
SLICE = 100  # programs or shares looked at before sockets are read again
_MAX_KEPT = 32  # pages: two for each address of this computer
_BUFFER = 16 * 1024
_TO_SEEDERS = frozenset({"s", "z", "t"})
_SERVES_BROWSERS = encode_line(WebLine())
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Visitor:
    """Where a reader is, as far as an answer depends on it."""

    is_here: bool  # on this machine
    own_host: str  # the address of this machine that it has reached


class TrackerSite:
    """Owned by the tracker's thread."""

    def __init__(
        self,
        registry: Registry,
        senders: Senders,
        participants: Callable[[], Iterable[Participant]],
        listening: Address,
        name: str,
        programs: ProgramFiles | None = None,
    ) -> None:
        """`name`: what this computer is called in the room."""
        self._registry, self._senders = registry, senders
        self._participants = participants
        self._listening, self._name = listening, name
        self._programs = programs or ProgramFiles()
        self._kept = dict[tuple[tuple[str, ...], _Visitor], CachedAnswer]()

    def close(self) -> None:
        self._programs.join()

    def serve(self, client: Client, *, is_full: bool) -> Steps:
        client.deadline = min(client.deadline, time.monotonic() + REQUEST_S)
        request = None
        try:
            request = yield from _request_of(client)
            check_host(request, own_name())
            if is_full:
                again = [("Retry-After", str(AGAIN_S))]
                raise HttpError(503, "Too many browsers at this moment. Try again soon.", again)
            yield from self._answer(client, request)
        except HttpError as error:
            if request is None or error.status not in (404, 503):
                answer = text_answer(request, error.status, str(error), error.fields)
            else:
                html = page.problem(str(error))
                answer = _page(request, html, error.status, error.fields)
            yield from _send(client, answer)

    def _answer(self, client: Client, request: Request) -> Steps:
        visitor = _Visitor(self._senders.is_own(client.ip), client.connection.own_host)
        match request.segments, request.is_folder:
            case (), _:
                yield from self._read_programs(PATIENCE_S)
                yield from self._send_page(client, request, visitor, self._make_start_page)
            case ("room",), False:
                yield from self._send_page(client, request, visitor, self._make_room_page)
            case ("program", name), False:
                yield from self._send_program(client, request, name)
            case (kind, share, *_), _ if kind in _TO_SEEDERS:
                yield from _send(client, self._way_to_seeder(request, visitor, share))
            case _:
                raise HttpError(404, "There is no such page.")

    # Pages

    def _send_page(
        self,
        client: Client,
        request: Request,
        visitor: _Visitor,
        make: Callable[[_Visitor], Generator[None, None, bytes]],
    ) -> Steps:
        key = (request.segments, visitor)
        if key not in self._kept and len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        kept = self._kept.setdefault(key, CachedAnswer(partial(make, visitor)))
        html = yield from in_turns(kept.get())
        yield from _send(client, _page(request, html))

    def _make_start_page(self, visitor: _Visitor) -> Generator[None, None, bytes]:
        folders = yield from self._folders(visitor)
        _, room = yield from self._room()
        return start_page(
            self._name,
            self._address_for(visitor),
            folders,
            self._programs.files or (),
            how_far(room),
            no_program=self._programs.obstacle,
        )

    def _make_room_page(self, _: _Visitor) -> Generator[None, None, bytes]:
        computers, room = yield from self._room()
        shown = list[Computer]()
        for part in _slices(computers):
            shown = shown_of([*shown, *part])
            yield
        return room_page(self._name, shown, room, time.strftime("%H:%M:%S"))

    def _address_for(self, visitor: _Visitor) -> Address:
        """This tracker's address, for commands that may be typed on another computer."""
        if is_loopback(visitor.own_host):
            return address_for_others(self._listening)
        return Address(visitor.own_host, self._listening.port)

    def _room(self) -> Generator[None, None, tuple[list[Computer], RoomSummary]]:
        everyone, computers = list[Participant](), list[Computer]()
        for programs in _slices(self._participants()):
            everyone += programs
            yield
        for part in _slices(each_computer(everyone, now=time.monotonic())):
            computers += part
            yield
        return computers, summary_of(computers)

    def _folders(self, visitor: _Visitor) -> Generator[None, None, list[Folder]]:
        """Copies of one folder are listed once, at a seeder that browsers can reach: the one on the
        tracker's own computer if there is one, because a browser cannot check a stranger's copy.
        """
        folders = dict[tuple[str, int, int], Folder]()
        for part in _slices(self._registry.room_list.shares()):
            for share_id, share in part:
                if share.files:
                    key = share.folder, share.sums.print, share.files
                    folders[key] = self._joined(folders.get(key), share_id, share, visitor)
            yield
        return sorted(folders.values(), key=lambda folder: folder.name.casefold())

    def _joined(
        self, known: Folder | None, share_id: str, share: Share, visitor: _Visitor
    ) -> Folder:
        """`known`: the same folder at other seeders."""
        _, obstacle = self._seeder_of(share, Reader(visitor.is_here, visitor.own_host))
        owner = self._registry.entry(share.owner.key)
        is_there = owner is not None or not share.owner.is_proved
        seeders = is_there + (0 if known is None else known.seeders)
        is_here = owner is not None and owner.origin.is_here
        if known is not None and (not known.obstacle, known.is_here) >= (not obstacle, is_here):
            return replace(known, seeders=seeders)
        return Folder(
            share_id,
            share.folder,
            share.files,
            share.sums.file_bytes,
            seeders,
            obstacle,
            bool(share.torrent),
            is_here,
        )

    # The way to seeders

    def _way_to_seeder(self, request: Request, visitor: _Visitor, share_id: str) -> bytes:
        share = self._registry.room_list.share(share_id)
        if share is None:
            raise HttpError(404, "This folder is not in the room.")
        reader = Reader(visitor.is_here, tracker_host=request.host)
        address, obstacle = self._seeder_of(share, reader)
        if address is None:
            raise HttpError(503, f"{ONLY_THE_PROGRAM}{obstacle}", [("Retry-After", str(AGAIN_S))])
        path = quoted_path(request.segments) + "/" * request.is_folder
        query = "&".join(f"{quoted(key)}={quoted(value)}" for key, value in request.query.items())
        where = f"http://{address}/{path}{'?' if query else ''}{query}"
        return redirect(request, where)

    def _seeder_of(self, share: Share, reader: Reader) -> tuple[Address | None, str]:
        """Where a browser finds the share, or why it does not."""
        program = self._registry.entry(share.owner.key)
        if not share.owner.is_proved:
            return None, "its seeder is an original program."
        if program is None or program.is_leecher:
            return None, "its seeder has left."
        if _SERVES_BROWSERS not in share.lines:
            return None, "its seeder serves no browsers."
        if program.is_reachable is False:
            return None, "nobody can connect to its seeder."
        address = program.address_for(reader)
        return address, "" if address else "its seeder serves only its own computer."

    # The program

    def _read_programs(self, patience_s: float) -> Steps:
        self._programs.start()
        until = time.monotonic() + patience_s
        while not self._programs.is_read and time.monotonic() < until:
            yield Wait.LATER

    def _send_program(self, client: Client, request: Request, name: str) -> Steps:
        yield from self._read_programs(ANSWER_S)
        files = self._programs.files or ()
        file = next((file for file in files if file.name == name), None)
        if file is None:
            raise HttpError(404, "There is no such program.")
        yield from _send_file(client, request, file)


def _request_of(client: Client) -> Generator[Wait, None, Request]:
    """The only one of this connection. Raises HttpError."""
    reader, data = RequestReader(), client.received
    while True:
        reader.feed(data)
        request = reader.next()
        if request is not None:
            client.note_call()
            return replace(request, keeps_open=False)
        data = yield from client.receive(_BUFFER)


def _page(request: Request, html: bytes, status: int = 200, more: Fields = ()) -> bytes:
    return page_answer(request, status, html, style=page.STYLE_SHA256, more=more)


def _send(client: Client, *parts: bytes | memoryview) -> Steps:
    size = sum(map(len, parts))
    client.deadline = time.monotonic() + ANSWER_S + size / SLOWEST
    for part in parts:
        yield from client.send(part)


def _send_file(client: Client, request: Request, file: ProgramFile) -> Steps:
    part = part_of(request, Version(file.size, f'"{file.sha256}"', file.mtime))
    head = part_head(request, part, name=file.name)
    body = memoryview(file.data)[part.start : part.start + part.length]
    yield from _send(client, head, *([] if request.is_head else [body]))


def _slices(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, SLICE)):
        yield part
