"""HTTP/1.1 for browsers, curl and others: reads requests, writes the heads of answers. Pure.

Only GET and HEAD. What two programs could understand differently, such as a header that comes
twice, is refused (RFC 9112, section 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from urllib.parse import quote, unquote_to_bytes

from roles.values.addresses import ip_of
from roles.values.errors import PeerProtocolError

MAX_HEAD = 8 * 1024  # bytes of a request
MAX_HEADERS = 64

Fields: TypeAlias = Iterable[tuple[str, str]]  # headers of an answer: names and values

REASONS = {
    200: "OK",
    206: "Partial Content",
    304: "Not Modified",
    307: "Temporary Redirect",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    412: "Precondition Failed",
    416: "Range Not Satisfiable",
    421: "Misdirected Request",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}

_END = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_FIRST_LINE = re.compile(r"([A-Z]{1,20}) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_ABSOLUTE = re.compile(r"http://([^/?#]+)(.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_DATE = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_PLAIN = re.compile(r"[^ !#$&'()+,.0-9=@A-Z^_`a-z{}~\[\]-]")  # for every system, in quotes

_EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_NOTHING_RUNS = ("Content-Security-Policy", "default-src 'none'; sandbox")


class HttpError(PeerProtocolError):
    """What is answered instead of the page or file: a status and a sentence."""

    def __init__(self, status: int, sentence: str, fields: Fields = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.fields = tuple(fields)  # more headers


@dataclass(frozen=True, slots=True)
class Request:
    """A request with a complete head."""

    is_head: bool  # HEAD: the answer has no body
    segments: tuple[str, ...]  # of the path: first cut at "/", then decoded
    is_folder: bool  # the path ends with "/"
    query: Mapping[str, str]
    authority: str  # the host as the reader named it, with the port, if any
    headers: Mapping[str, str]  # by their names in lower case
    keeps_open: bool  # more requests may follow

    @property
    def host(self) -> str:
        """The Host field in lower case, without the port; "" if that is no host."""
        match = _AUTHORITY.fullmatch(self.authority)
        return match[1].lower() if match else ""


class RequestReader:
    """Cuts the bytes of a connection into requests, which may follow each other at once."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._looked = 0  # bytes in which there is no end of a head

    @property
    def is_empty(self) -> bool:
        """Whether no request has begun."""
        return not self._buffer

    def feed(self, data: bytes) -> None:
        """Take more bytes; call next() until it returns None before feeding again."""
        self._buffer += data

    def next(self) -> Request | None:
        """The next request; None if it is not complete yet. After an HttpError, close."""
        end = self._buffer.find(_END, max(0, self._looked - len(_END) + 1))
        head = self._buffer if end < 0 else self._buffer[: end + 2]
        if _BARE_LINE_FEED.search(head, max(0, self._looked - 1)):
            raise HttpError(400, "A line does not end with CR LF.")
        if len(head) > MAX_HEAD:
            raise HttpError(431, f"A request has at most {MAX_HEAD} bytes.")
        if end < 0:
            self._looked = len(self._buffer)
            return None
        request = _request(head.decode("latin-1"))
        del self._buffer[: end + len(_END)]
        self._looked = 0
        return request


def _request(head: str) -> Request:
    """`head`: all lines, each with its CR LF."""
    first, *lines = head.split("\r\n")[:-1]
    match = _FIRST_LINE.fullmatch(first)
    if match is None:
        raise HttpError(400, "The first line is not that of a request.")
    method, target, major, minor = match.groups()
    if major != "1":
        raise HttpError(505, "Only HTTP/1.1 is spoken here.")
    if method not in ("GET", "HEAD"):
        raise HttpError(405, "Only GET and HEAD work here.", [("Allow", "GET, HEAD")])
    headers = _headers(lines)
    authority = headers.get("host", "")
    if (absolute := _ABSOLUTE.fullmatch(target)) is not None:
        authority, target = absolute[1], absolute[2] or "/"
    if not authority:
        raise HttpError(400, "The request names no host.")
    if not target.startswith("/"):
        raise HttpError(400, "The request names no path.")
    path, _, query = target.partition("?")
    *segments, last = path[1:].split("/")
    return Request(
        is_head=method == "HEAD",
        segments=tuple(map(_decoded_name, [*segments, last] if last else segments)),
        is_folder=not last,
        query=_query(query),
        authority=authority,
        headers=headers,
        keeps_open=minor != "0" and "close" not in _items(headers.get("connection", "").lower()),
    )


def _headers(lines: Collection[str]) -> dict[str, str]:
    if len(lines) > MAX_HEADERS:
        raise HttpError(431, f"A request has at most {MAX_HEADERS} headers.")
    headers = dict[str, str]()
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:  # one that goes on in the next line, too
            raise HttpError(400, "A header is not understood.")
        name = match[1].lower()
        if name in headers:
            raise HttpError(400, "A header comes twice.")
        headers[name] = match[2].strip(" \t")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise HttpError(400, "A request has no body here.")
    return headers


def _decoded_name(text: str) -> str:
    """One name of a path. A name that no file can have is not found."""
    try:
        name = _decoded(text)
    except UnicodeDecodeError:
        raise not_found() from None
    if "/" in name or "\0" in name:
        raise not_found()
    return name


def not_found() -> HttpError:
    return HttpError(404, "There is nothing of that name.")


def _decoded(text: str) -> str:
    """Raises UnicodeDecodeError and HttpError."""
    raw = text.encode("latin-1")
    if _BROKEN_ESCAPE.search(raw):
        raise HttpError(400, "A percent sign is not followed by two hexadecimal digits.")
    return unquote_to_bytes(raw).decode()


def _query(text: str) -> dict[str, str]:
    query = dict[str, str]()
    for pair in filter(None, text.split("&")):
        name, _, value = pair.replace("+", " ").partition("=")
        try:
            query[_decoded(name)] = _decoded(value)
        except UnicodeDecodeError:
            raise HttpError(400, "The query is not UTF-8.") from None
    return query


def _items(value: str) -> list[str]:
    """The items of a header that is a list."""
    return [item.strip(" \t") for item in value.split(",")]


def check_host(request: Request, own_name: str) -> None:
    """Raise HttpError unless the reader named an IPv4 address or this computer.

    Any other name may belong to a stranger's page, which had it point here to read what we serve
    (DNS rebinding).
    """
    if not host_is_allowed(request.host, own_name):
        raise HttpError(421, "Use the address of this computer, such as http://192.168.1.5:12500/.")


def host_is_allowed(host: str, own_name: str) -> bool:
    """`host`: in lower case. `own_name`: of this computer, with its domain or without."""
    names = {"localhost"}
    for name in filter(None, (own_name.lower(), own_name.lower().partition(".")[0])):
        names |= {name, f"{name}.local"}
    return host in names or ip_of(host) is not None


# Which part of a file is sent.


@dataclass(frozen=True, slots=True)
class Version:
    """What identifies the bytes of a file."""

    size: int
    etag: str  # with its quotes
    mtime: int | None = None  # seconds since 1970


@dataclass(frozen=True, slots=True)
class AskedPart:
    """What is sent of a file, with its status: 200 or 206, or without bytes 304, 412 or 416."""

    status: int
    start: int
    length: int
    fields: tuple[tuple[str, str], ...]


def part_of(request: Request, version: Version) -> AskedPart:
    """Conditions first, then the range (RFC 9110, sections 13.2.2 and 14.2)."""
    headers, size = request.headers, version.size
    fields = [("ETag", version.etag), ("Accept-Ranges", "bytes")]
    if (modified := http_date(version.mtime)) is not None:
        fields.append(("Last-Modified", modified))
    if not _is_as_expected(headers, version):
        return AskedPart(412, 0, 0, tuple(fields))
    if _is_known(headers, version):
        return AskedPart(304, 0, 0, tuple(fields))
    asked = None if request.is_head else _RANGE.fullmatch(headers.get("range", ""))
    known = headers.get("if-range")
    if asked is None or asked[0].endswith("=-") or known not in (None, version.etag, modified):
        return AskedPart(200, 0, size, tuple(fields))
    start, end = _bounds(asked[1], asked[2], size)
    if start >= end:
        if asked[1] and asked[2] and int(asked[2]) < int(asked[1]):  # no range at all
            return AskedPart(200, 0, size, tuple(fields))
        return AskedPart(416, 0, 0, (*fields, ("Content-Range", f"bytes */{size}")))
    span = ("Content-Range", f"bytes {start}-{end - 1}/{size}")
    return AskedPart(206, start, end - start, (*fields, span))


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Start and end of a range; the end is not part of it."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _is_as_expected(headers: Mapping[str, str], version: Version) -> bool:
    """Firefox asks so before it continues a download."""
    if (expected := headers.get("if-match")) is not None:
        return expected == "*" or version.etag in _items(expected)
    since = seconds_of(headers.get("if-unmodified-since", ""))
    return since is None or version.mtime is None or version.mtime <= since


def _is_known(headers: Mapping[str, str], version: Version) -> bool:
    """Whether the reader has this version."""
    if (known := headers.get("if-none-match")) is not None:
        etags = [item.removeprefix("W/") for item in _items(known)]
        return known == "*" or version.etag in etags
    since = seconds_of(headers.get("if-modified-since", ""))
    return since is not None and version.mtime is not None and version.mtime <= since


def http_date(seconds: int | None) -> str | None:
    """None if HTTP has no words for that time."""
    if seconds is None:
        return None
    try:
        at = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    clock = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {clock} GMT"


def seconds_of(date: str) -> int | None:
    """The inverse of http_date(); None for anything else."""
    match = _DATE.fullmatch(date)
    if match is None or match[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second = match.groups()
    try:
        midnight = datetime(int(year), _MONTHS.index(month) + 1, int(day), tzinfo=UTC)
    except ValueError:
        return None
    at = midnight + timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
    return (at - _EPOCH) // timedelta(seconds=1)


# Answers. `request`: what they answer, None if what came is none. To a HEAD they have no body.


def page_answer(
    request: Request, status: int, html: bytes, *, style: str, more: Fields = ()
) -> bytes:
    """An HTML page. `style`: the SHA-256 of its style element, in base64."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
    ]
    return _answer(request, status, html, [*fields, *more])


def part_head(request: Request, part: AskedPart, *, name: str) -> bytes:
    """The head of a file, which is stored under this name and never shown, so that none runs here.

    Raises HttpError if there is no such part.
    """
    if part.status == 304:  # it has no body, and says nothing of one
        fields = (_NOTHING_RUNS, ("Cache-Control", "no-cache"), *part.fields)
        return _head(request, part.status, None, fields)
    if part.status in (412, 416):
        said = "The file has no such part." if part.status == 416 else "The file has changed."
        raise HttpError(part.status, said, part.fields)
    return file_head(request, part.length, name=name, status=part.status, more=part.fields)


def file_head(
    request: Request,
    length: int,
    *,
    name: str,
    status: int = 200,
    kind: str = "application/octet-stream",
    more: Fields = (),
) -> bytes:
    """Like part_head(), for `length` bytes."""
    fields = [
        ("Content-Type", kind),
        ("Content-Disposition", disposition(name)),
        _NOTHING_RUNS,
        ("Cache-Control", "no-cache"),
    ]
    return _head(request, status, length, [*fields, *more])


def text_answer(request: Request | None, status: int, sentence: str, more: Fields = ()) -> bytes:
    """A sentence, such as that of an HttpError."""
    fields = [
        ("Content-Type", "text/plain; charset=utf-8"),
        _NOTHING_RUNS,
        ("Cache-Control", "no-store"),
    ]
    return _answer(request, status, f"{sentence}\n".encode(errors="replace"), [*fields, *more])


def redirect(request: Request, location: str) -> bytes:
    """Sends the reader elsewhere. `location`: a URL, quoted."""
    return text_answer(request, 307, f"It is at {location}", [("Location", location)])


def _answer(request: Request | None, status: int, body: bytes, fields: Fields) -> bytes:
    head = _head(request, status, len(body), fields)
    return head if request is not None and request.is_head else head + body


def _head(request: Request | None, status: int, length: int | None, fields: Fields) -> bytes:
    """Raises ValueError for a line break, which would begin another header."""
    lines = [f"HTTP/1.1 {status} {REASONS[status]}"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if request is None or not request.keeps_open:
        lines.append("Connection: close")
    lines += [f"{name}: {value}" for name, value in (*fields, *_EVERYWHERE)]
    text = "\r\n".join(lines)
    if text.count("\r") != len(lines) - 1 or text.count("\n") != len(lines) - 1:
        raise ValueError("a line break within a header")
    return f"{text}\r\n\r\n".encode("ascii")


def disposition(name: str) -> str:
    """Store it under this name (RFC 6266): plain for old readers, exact for all others."""
    return f"attachment; filename=\"{_NOT_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quoted(name)}"


def quoted(name: str) -> str:
    """One name as a part of a URL."""
    return quote(name, safe="", errors="replace")


def quoted_path(names: Iterable[str]) -> str:
    return "/".join(map(quoted, names))
