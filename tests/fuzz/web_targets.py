"""What browsers send, and what is made of the words of strangers, as targets. See targets.py."""

from __future__ import annotations

import re
from collections.abc import Callable

from roles.web import page
from roles.web.http_wire import (
    MAX_HEAD,
    MAX_HEADERS,
    HttpError,
    Request,
    RequestReader,
    Version,
    check_host,
    file_head,
    http_date,
    part_of,
    quoted_path,
    redirect,
    seconds_of,
    text_answer,
)
from tests.fuzz.target import Target, check, check_visible, in_pieces

HOST = b"Host: 192.168.1.5:12500\r\n"
REQUESTS = (
    b"1GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    b"9HEAD /s/0123456789abcdef/%C3%9C%20b/a%2520b.txt?from=1000&x=+ HTTP/1.0\r\n"
    + HOST
    + b"Connection: keep-alive, close\r\n\r\n",
    b"\x27GET /z/a/..%2f/%00/%2e%2e/ HTTP/1.1\r\nHost: lab-pc.local\r\nRange: bytes=5-9\r\n\r\n"
    b"GET http://10.0.0.1/x HTTP/1.1\r\n" + HOST + b'If-None-Match: W/"abc", *\r\n\r\n',
    b"AGET /f HTTP/1.1\r\n" + HOST + b'Range: bytes=-7\r\nIf-Range: "abc"\r\n'
    b"If-Modified-Since: Sun, 30 Nov 2025 10:53:20 GMT\r\nIf-Match: *\r\n\r\n",
    b"#GET /f HTTP/1.1\r\n" + HOST + b"Range: bytes=999999999999999999-\r\n"
    b"Content-Length: 0\r\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
)
RANGES = (b"0-0", b"-7", b"-0", b"999-", b"1000-", b"5-4", b"0-1,5-9", b"999999999999999999-", b"")
WORDS = (
    "Lektion Ü 1".encode(),
    b"<script>alert('1')</script>",
    b'" onmouseover="x &amp; &#39;',
    "a\u202eb\u2066c\u0000d\ud800e".encode(errors="surrogatepass"),
    b"x" * 500,
)
DATES = (b"Sun, 30 Nov 2025 10:53:20 GMT", b"Thu, 01 Jan 1970 00:00:00 GMT")
_SIZE = 1_000
_MARKUP = re.compile(r"</?bdi>|&(amp|lt|gt|quot|#39);")


def requests() -> Callable[[bytes], None]:
    """A connection, which ends with the first error."""
    reader = RequestReader()
    fed = 0

    def feed(piece: bytes) -> None:
        nonlocal fed
        fed += len(piece)
        reader.feed(piece)
        while (request := reader.next()) is not None:
            check_request(request)
        check(len(reader._buffer) <= MAX_HEAD + 40, "it keeps more than a head")

    return feed


def check_request(request: Request) -> None:
    check(len(request.headers) <= MAX_HEADERS, "too many headers")
    for one in request.segments:
        check("/" not in one and "\0" not in one, "a segment that is more than a name")
    end = "/" if request.is_folder and request.segments else ""
    written = f"GET /{quoted_path(request.segments)}{end} HTTP/1.1\r\nHost: a\r\n\r\n"
    again = RequestReader()
    again.feed(written.encode())
    if len(written) <= MAX_HEAD:
        read = again.next()
        check(read is not None and read.segments == request.segments, "another path")
    try:
        check_host(request, "lab-pc")
        check(":" not in request.host and "/" not in request.host, "not a host")
    except HttpError as error:
        check(error.status == 421, "refused otherwise")
    check_part(request)
    for name in request.segments:
        check_head(file_head(request, 5, name=name))
    check_head(redirect(request, f"http://192.168.1.5:12501/{quoted_path(request.segments)}"))
    check_head(text_answer(None, 404, "There is nothing of that name."))


def check_part(request: Request) -> None:
    part = part_of(request, Version(_SIZE, '"abc"', 1_764_500_000))
    check(part.start >= 0 and part.length >= 0, "a part before the beginning")
    check(part.start + part.length <= _SIZE, "a part behind the end")
    check(part.status != 206 or part.length > 0, "a part without a byte")
    check(part.status != 200 or part.length == _SIZE, "not the whole")


def check_head(answer: bytes) -> None:
    head, _, _ = answer.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    check(not any("\r" in line or "\n" in line for line in lines), "a broken line")
    names = [line.partition(":")[0].lower() for line in lines[1:]]
    check(len(set(names)) == len(names), "a header that comes twice")


def part(data: bytes) -> None:
    feed = requests()
    feed(b"GET /f HTTP/1.1\r\n" + HOST + b"Range: bytes=" + data + b"\r\n\r\n")


def words(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    shown = page.name(text)
    left = _MARKUP.sub("", shown)
    check(not re.search(r"[<>\"'&]", left), "markup of a stranger")
    check_visible(left, "what cannot be seen")
    written = page.frame(text, "", parents=[(text, "./")]).decode()
    check(written.count("<main>") == written.count("<h1>") == 1, "another frame")
    check(not re.search(r"[<>\"']", _MARKUP.sub("", page.escape(text))), "not escaped")


def date(data: bytes) -> None:
    seconds = seconds_of(data.decode("latin-1"))
    if seconds is not None:
        written = http_date(seconds)
        check(written is not None and seconds_of(written) == seconds, "another time")


WEB_TARGETS = (
    Target("HTTP requests", in_pieces(requests), REQUESTS),
    Target("HTTP ranges", part, RANGES),
    Target("words on web pages", words, WORDS),
    Target("HTTP dates", date, DATES),
)
