"""Requests as browsers and strangers send them, in any pieces; heads of answers, to the byte."""

from __future__ import annotations

import unittest

from roles.web.http_wire import (
    MAX_HEAD,
    MAX_HEADERS,
    AskedPart,
    HttpError,
    Request,
    RequestReader,
    Version,
    check_host,
    disposition,
    file_head,
    host_is_allowed,
    http_date,
    page_answer,
    part_of,
    quoted,
    quoted_path,
    redirect,
    seconds_of,
    text_answer,
)

HOST = "Host: 192.168.1.5:12501\r\n"
VERSION = Version(1_000, '"abc"', 1_764_500_000)
MODIFIED = "Sun, 30 Nov 2025 10:53:20 GMT"


def raw(first: str = "GET / HTTP/1.1", headers: str = HOST) -> bytes:
    return f"{first}\r\n{headers}\r\n".encode()


def read(data: bytes) -> Request:
    reader = RequestReader()
    reader.feed(data)
    request = reader.next()
    assert request is not None
    return request


def status_of(data: bytes) -> int:
    """The status that the request is refused with; 0 if it is accepted."""
    try:
        read(data)
    except HttpError as error:
        return error.status
    return 0


def asked(headers: str = "", *, version: Version = VERSION, method: str = "GET") -> AskedPart:
    return part_of(read(raw(f"{method} /f HTTP/1.1", HOST + headers)), version)


class ReaderTest(unittest.TestCase):
    def test_a_request_is_read_in_any_pieces(self) -> None:
        data = raw("GET /s/a%20b/?from=1000 HTTP/1.1", HOST + "Accept:  */* \r\n")
        reader = RequestReader()
        for byte in data[:-1]:
            reader.feed(bytes([byte]))
            self.assertIsNone(reader.next())
        reader.feed(data[-1:])
        request = reader.next()
        assert request is not None
        self.assertEqual(request, read(data))
        self.assertEqual(request.segments, ("s", "a b"))
        self.assertTrue(request.is_folder)
        self.assertEqual(request.query, {"from": "1000"})
        self.assertEqual(request.headers["accept"], "*/*")
        self.assertEqual((request.host, request.authority), ("192.168.1.5", "192.168.1.5:12501"))
        self.assertTrue(reader.is_empty)

    def test_several_requests_at_once_are_read_one_by_one(self) -> None:
        reader = RequestReader()
        reader.feed(raw("GET /a HTTP/1.1") + raw("HEAD /b HTTP/1.1") + b"GET /c")
        first, second, third = reader.next(), reader.next(), reader.next()
        assert first is not None and second is not None
        self.assertEqual((first.segments, first.is_head), (("a",), False))
        self.assertEqual((second.segments, second.is_head), (("b",), True))
        self.assertIsNone(third)
        self.assertFalse(reader.is_empty)

    def test_a_good_request_is_answered_before_a_bad_one_behind_it(self) -> None:
        reader = RequestReader()
        reader.feed(raw() + b"GET /\n\n")
        self.assertIsNotNone(reader.next())
        self.assertRaises(HttpError, reader.next)

    def test_it_ends_when_asked_to_or_in_the_first_version(self) -> None:
        self.assertTrue(read(raw()).keeps_open)
        self.assertFalse(read(raw(headers=HOST + "Connection: Close\r\n")).keeps_open)
        self.assertFalse(read(raw(headers=HOST + "Connection: TE, close\r\n")).keeps_open)
        self.assertFalse(read(raw("GET / HTTP/1.0")).keeps_open)

    def test_a_proxy_s_form_of_the_target_names_the_host(self) -> None:
        request = read(raw("GET http://10.0.0.1:80/a/b HTTP/1.1"))
        self.assertEqual((request.host, request.segments), ("10.0.0.1", ("a", "b")))
        self.assertEqual(read(raw("GET http://10.0.0.1 HTTP/1.1")).segments, ())

    def test_other_methods_are_refused_by_name(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "X"):
            with self.subTest(method=method), self.assertRaises(HttpError) as caught:
                read(raw(f"{method} / HTTP/1.1"))
            self.assertEqual(caught.exception.status, 405)
            self.assertIn(("Allow", "GET, HEAD"), caught.exception.fields)

    def test_what_two_programs_could_understand_differently_is_refused(self) -> None:
        for data in (
            raw(headers=HOST + HOST),
            raw(headers=HOST + "A: 1\r\n goes on\r\n"),
            raw(headers=HOST + "A : 1\r\n"),
            raw(headers=HOST + "A\r\n"),
            raw(headers=HOST + "A: 1\0\r\n"),
            raw(headers=HOST + "A: 1\rB: 2\r\n"),
            raw(headers=HOST + "A: 1\nB: 2\r\n"),
            raw(headers=HOST + "Content-Length: 5\r\n"),
            raw(headers=HOST + "Content-Length: +0\r\n"),
            raw(headers=HOST + "Transfer-Encoding: chunked\r\n"),
            raw(headers=""),
            raw("GET  / HTTP/1.1"),
            raw("GET / HTTP/1.1 "),
            raw("GET /\t HTTP/1.1"),
            raw("GET /"),
            raw("GET a HTTP/1.1"),
            raw("GET /%zz HTTP/1.1"),
            raw("GET /% HTTP/1.1"),
            raw("get / HTTP/1.1"),
            b"\r\n" + raw(),
            b"GET / HTTP/1.1\n",
        ):
            with self.subTest(data=data):
                self.assertEqual(status_of(data), 400)

    def test_later_versions_and_long_heads_are_refused(self) -> None:
        self.assertEqual(status_of(raw("PRI * HTTP/2.0")), 505)
        many = "".join(f"A{number}: 1\r\n" for number in range(MAX_HEADERS - 1))
        self.assertEqual(status_of(raw(headers=HOST + many)), 0)
        self.assertEqual(status_of(raw(headers=HOST + many + "B: 1\r\n")), 431)
        self.assertEqual(status_of(b"GET /" + b"a" * MAX_HEAD), 431)
        self.assertEqual(status_of(raw(f"GET /{'a' * MAX_HEAD} HTTP/1.1")), 431)

    def test_what_a_head_costs_grows_with_its_length_only(self) -> None:
        spaces = raw(headers=f"{HOST}A:{' ' * 8_000}\0\r\n")
        for _ in range(2_000):  # a tracker reads heads in its only loop
            self.assertEqual(status_of(spaces), 400)

    def test_a_path_is_cut_before_it_is_decoded(self) -> None:
        self.assertEqual(read(raw("GET /a/../b HTTP/1.1")).segments, ("a", "..", "b"))
        self.assertEqual(read(raw("GET /a+b/%2e%2E HTTP/1.1")).segments, ("a+b", ".."))
        self.assertEqual(read(raw("GET /%C3%9C/ü HTTP/1.1")).segments, ("Ü", "ü"))
        for name in ("a%2Fb", "a%00", "%ff", "%ed%a0%80"):
            with self.subTest(name=name):
                self.assertEqual(status_of(raw(f"GET /{name} HTTP/1.1")), 404)

    def test_only_addresses_and_this_computer_s_own_names_are_served(self) -> None:
        own = "Lab-PC-07"
        for host in ("192.168.1.5", "127.0.0.1", "localhost", "lab-pc-07", "lab-pc-07.local"):
            with self.subTest(host=host):
                self.assertTrue(host_is_allowed(host, own))
        for host in ("", "evil.example", "lab-pc-07.evil.example", "localhost.evil", "1.2.3"):
            with self.subTest(host=host):
                self.assertFalse(host_is_allowed(host, own))
        for host in ("lab-pc-07", "lab-pc-07.local", "lab-pc-07.school.example"):
            self.assertTrue(host_is_allowed(host, "lab-pc-07.School.example"))
        self.assertFalse(host_is_allowed("", ""))
        self.assertFalse(host_is_allowed(".local", ""))
        for header in ("LOCALHOST:1", "lab-pc-07"):
            check_host(read(raw(headers=f"Host: {header}\r\n")), own)
        for header in ("evil.example", "a@127.0.0.1", "[::1]", "127.0.0.1:1:2", "127.0.0.1/"):
            with self.subTest(header=header), self.assertRaises(HttpError) as caught:
                check_host(read(raw(headers=f"Host: {header}\r\n")), own)
            self.assertEqual(caught.exception.status, 421)
        with self.assertRaises(HttpError):
            check_host(read(raw("GET http://evil.example/ HTTP/1.1")), own)


class PartTest(unittest.TestCase):
    def check_range(self, text: str, status: int, start: int, length: int) -> AskedPart:
        part = asked(f"Range: {text}\r\n")
        self.assertEqual((part.status, part.start, part.length), (status, start, length), text)
        return part

    def test_the_whole_file_says_how_it_can_be_continued(self) -> None:
        part = asked()
        self.assertEqual((part.status, part.start, part.length), (200, 0, 1_000))
        self.assertEqual(
            dict(part.fields),
            {"ETag": '"abc"', "Accept-Ranges": "bytes", "Last-Modified": MODIFIED},
        )

    def test_one_range_is_answered_also_when_it_is_the_whole(self) -> None:
        part = self.check_range("bytes=0-", 206, 0, 1_000)
        self.assertEqual(dict(part.fields)["Content-Range"], "bytes 0-999/1000")
        self.check_range("bytes=0-0", 206, 0, 1)
        self.check_range("bytes=999-", 206, 999, 1)
        self.check_range("bytes=10-5000", 206, 10, 990)
        self.check_range("bytes=-10", 206, 990, 10)
        self.check_range("bytes=-5000", 206, 0, 1_000)

    def test_a_range_behind_the_end_is_refused_with_the_size(self) -> None:
        for text in ("bytes=1000-", "bytes=1000-2000", "bytes=-0", f"bytes={10**17}-"):
            part = self.check_range(text, 416, 0, 0)
            self.assertEqual(dict(part.fields)["Content-Range"], "bytes */1000")
        empty = asked("Range: bytes=0-\r\n", version=Version(0, '"e"'))
        self.assertEqual(empty.status, 416)

    def test_what_is_not_one_range_brings_the_whole(self) -> None:
        for text in ("bytes=0-1,5-6", "bytes=5-3", "bytes=-", "lines=1-2", "bytes=a-b", "0-5"):
            self.check_range(text, 200, 0, 1_000)
        self.assertEqual(asked("Range: bytes=0-1\r\n", method="HEAD").status, 200)

    def test_a_range_of_another_version_brings_the_whole(self) -> None:
        for known, status in (
            ('"abc"', 206),
            (MODIFIED, 206),
            ('W/"abc"', 200),
            ('"old"', 200),
            ("Sun, 30 Nov 2025 10:53:21 GMT", 200),
        ):
            with self.subTest(known=known):
                part = asked(f"Range: bytes=5-\r\nIf-Range: {known}\r\n")
                self.assertEqual(part.status, status)

    def test_what_the_reader_has_is_not_sent_again(self) -> None:
        for header, status in (
            ('If-None-Match: "abc"', 304),
            ('If-None-Match: "x", W/"abc"', 304),
            ("If-None-Match: *", 304),
            ('If-None-Match: "x"', 200),
            (f"If-Modified-Since: {MODIFIED}", 304),
            ("If-Modified-Since: Sun, 30 Nov 2025 10:53:19 GMT", 200),
            ("If-Modified-Since: yesterday", 200),
            (f'If-None-Match: "x"\r\nIf-Modified-Since: {MODIFIED}', 200),
        ):
            with self.subTest(header=header):
                part = asked(f"{header}\r\n")
                self.assertEqual(
                    (part.status, part.length), (status, 0 if status == 304 else 1_000)
                )

    def test_a_download_is_not_continued_from_another_version(self) -> None:
        for header, status in (
            ('If-Match: "abc"', 206),
            ("If-Match: *", 206),
            ('If-Match: "old"', 412),
            (f"If-Unmodified-Since: {MODIFIED}", 206),
            ("If-Unmodified-Since: Sun, 30 Nov 2025 10:53:19 GMT", 412),
        ):
            with self.subTest(header=header):
                self.assertEqual(asked(f"{header}\r\nRange: bytes=1-\r\n").status, status)

    def test_dates_are_written_and_read(self) -> None:
        for seconds, text in (
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ):
            self.assertEqual(http_date(seconds), text)
            self.assertEqual(seconds_of(text), seconds)
        self.assertIsNone(http_date(10**15))
        self.assertIsNone(http_date(None))
        for text in ("", "Sun, 31 Feb 2025 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"):
            self.assertIsNone(seconds_of(text))


class HeadTest(unittest.TestCase):
    def test_a_file_is_stored_and_never_run(self) -> None:
        head = file_head(read(raw()), 5, name="page.html", more=[("ETag", '"a"')])
        self.assertEqual(
            head,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Disposition: attachment; filename=\"page.html\"; filename*=UTF-8''page.html"
            b"\r\nContent-Security-Policy: default-src 'none'; sandbox\r\nCache-Control: no-cache"
            b'\r\nETag: "a"\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n'
            b"Cross-Origin-Resource-Policy: same-origin\r\n\r\n",
        )

    def test_a_page_allows_its_own_style_and_nothing_else(self) -> None:
        last = read(raw("GET / HTTP/1.1", HOST + "Connection: close\r\n"))
        head = page_answer(last, 200, b"", style="abc=").decode()
        self.assertIn(
            "Content-Security-Policy: default-src 'none'; style-src 'sha256-abc='; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n",
            head,
        )
        for line in ("Connection: close", "Cache-Control: no-store"):
            self.assertIn(f"{line}\r\n", head)
        for name in ("Server", "Access-Control", "Set-Cookie"):
            self.assertNotIn(name, head)

    def test_an_answer_to_head_has_the_length_and_no_body(self) -> None:
        whole = text_answer(read(raw()), 404, "Not here.")
        self.assertTrue(whole.endswith(b"\r\n\r\nNot here.\n"))
        self.assertIn(b"Content-Length: 10\r\n", whole)
        head = read(raw("HEAD / HTTP/1.1"))
        self.assertEqual(text_answer(head, 404, "Not here."), whole[:-10])

    def test_a_redirect_keeps_the_quotes(self) -> None:
        self.assertIn(b"\r\nLocation: /s/a%20b/\r\n", redirect(read(raw()), "/s/a%20b/"))

    def test_no_value_can_become_another_header(self) -> None:
        for value in ("a\r\nB: c", "a\nb", "a\r"):
            with self.subTest(value=value), self.assertRaises(ValueError):
                redirect(read(raw()), value)

    def test_names_are_quoted_for_urls_and_headers(self) -> None:
        self.assertEqual(quoted("100% & mehr #2?.txt"), "100%25%20%26%20mehr%20%232%3F.txt")
        self.assertEqual(quoted_path(["Ü", "日"]), "%C3%9C/%E6%97%A5")
        self.assertEqual(
            disposition('Ü "x";\r\n%2f.txt'),
            'attachment; filename="_ _x_____2f.txt"; '
            "filename*=UTF-8''%C3%9C%20%22x%22%3B%0D%0A%252f.txt",
        )


if __name__ == "__main__":
    unittest.main()
