"""A seeder of a folder with odd names, and what it answers over HTTP."""

from __future__ import annotations

import http.client
import os
from email.message import Message
from typing import ClassVar, NamedTuple

from roles.seeder import Seeder
from tests.role_test import Running, SeederTest
from tests.support import LIMIT_S

STRANGE = "100% & mehr #2?.txt"


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Message


class SiteTest(SeederTest):
    FILES: ClassVar[dict[str, bytes]] = {
        "a": SeederTest.CONTENT,
        "empty": b"",
        STRANGE: b"strange",
    }

    seeding: Running[Seeder]  # started by the subclass

    def setUp(self) -> None:
        super().setUp()
        (self.shared / "Ü" / "e\u0301").mkdir(parents=True)
        (self.shared / "Ü" / "e\u0301" / "日本語").write_bytes(b"deep")
        os.utime(self.shared / "empty", (1e9, 1e9))  # a new empty file is left alone for a while

    def get(self, url: str, *, method: str = "GET", **headers: str) -> Answer:
        link = http.client.HTTPConnection(*self.seeding.address, timeout=LIMIT_S)
        self.addCleanup(link.close)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request(method, url, headers=named)
        answer = link.getresponse()
        return Answer(answer.status, answer.read(), answer.headers)
