"""Chromium without a window, driven through its DevTools pipe: clicks, downloads, pictures."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

LIMIT_S = 60.0
STOP_S = 10.0
# The pipe is at the descriptors 3 and 4 of the browser; ours may have these numbers here.
_AT_3_AND_4 = 'read=$1 write=$2; shift 2; exec "$@" 3<&"$read" 4>&"$write"'
_LEAST_DESCRIPTOR = 10
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--password-store=basic",
    "--lang=en",
)

Facts = dict[str, Any]


class BrowserError(AssertionError):
    """It did not do as it was told."""


class Browser:
    """A context manager: one tab. Files are downloaded into `downloads`."""

    def __init__(self, profile: Path, downloads: Path, *options: str) -> None:
        words = ["chromium", *_OPTIONS, f"--user-data-dir={profile}", *options]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        theirs_in, self._to = _pipe()
        self._from, theirs_out = _pipe()
        self._process = subprocess.Popen(
            ["bash", "-c", _AT_3_AND_4, "bash", str(theirs_in), str(theirs_out), *words],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._downloads = downloads
        self._number = 0
        self._unread = b""
        self._session = ""
        self.events: list[Facts] = []

    def __enter__(self) -> Browser:
        try:
            target = self._ask("Target.createTarget", url="about:blank")["targetId"]
            attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            self._ask(
                "Browser.setDownloadBehavior",
                behavior="allowAndName",  # each file is called by its download's own id
                downloadPath=str(self._downloads),
                eventsEnabled=True,
                at_browser=True,
            )
            for domain in ("Page", "Log", "Runtime", "Network"):
                self._ask(f"{domain}.enable")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def look(self, width: int, *, height: int = 844, is_dark: bool = False) -> None:
        """The size of the screen in CSS pixels; one of a phone if it is narrow."""
        is_phone = width < 600
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address: str) -> str:
        """Go there and wait until it is loaded; returns why that failed, or ""."""
        self.events.clear()
        went = self._ask("Page.navigate", url=address)
        if not went.get("errorText") and "loaderId" in went:
            self.wait_for("Page.loadEventFired")
        return str(went.get("errorText", ""))

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression on the page; of what it promises, once that is there."""
        told = self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise BrowserError(f"{expression}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def click(self, text: str, *, number: int = 0) -> None:
        """Press the link of this text with the mouse; of several, that number."""
        found = self.value(
            f"(() => {{ const all = [...document.querySelectorAll('a')]"
            f".filter(one => one.textContent.trim() === {json.dumps(text)});"
            f"const one = all[{number}]; if (!one) return null;"
            "one.scrollIntoView({block: 'center'});"
            "const box = one.getClientRects()[0];"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        if found is None:
            raise BrowserError(f"no link {text!r} on the page, only {self.links()}")
        self.events.clear()
        x, y = found
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def links(self) -> dict[str, str]:
        """Where each link of the page leads, by its text."""
        pairs = self.value(
            "[...document.querySelectorAll('a')].map(one => [one.textContent.trim(), one.href])"
        )
        return dict(pairs)

    def follow(self, text: str) -> None:
        """Click on a link and wait for its page."""
        self.click(text)
        self.wait_for("Page.loadEventFired")

    def download(self, text: str, *, number: int = 0) -> tuple[str, bytes]:
        """Click on a link that downloads; the name that the file would get, and what is in it."""
        self.click(text, number=number)
        return self.downloaded()

    def downloaded(self) -> tuple[str, bytes]:
        """What was begun last, once it has ended."""
        began = self.wait_for("Browser.downloadWillBegin")
        ended = self.wait_for("Browser.downloadProgress", state="completed", guid=began["guid"])
        content = (self._downloads / ended["guid"]).read_bytes()
        return began["suggestedFilename"], content

    def picture(self, path: Path) -> None:
        """The whole page."""
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    @property
    def status(self) -> int:
        """Of the answer that the page came with."""
        status: int = self.wait_for("Network.responseReceived", type="Document")["response"][
            "status"
        ]
        return status

    def complaints(self) -> list[str]:
        """What the browser did not allow the page since it was opened."""
        entries = [event["params"]["entry"] for event in self.events if is_entry(event)]
        return [entry["text"] for entry in entries if entry["source"] == "security"]

    def wait_for(self, *methods: str, **wanted: object) -> Facts:
        """The first event of these kinds since the last click or opened page."""
        deadline = time.monotonic() + LIMIT_S
        seen = 0
        while True:
            for event in self.events[seen:]:
                facts: Facts = event["params"]
                if event["method"] in methods and wanted.items() <= facts.items():
                    return facts
            seen = len(self.events)
            self._read(deadline, f"no {' or '.join(methods)} came")

    def _ask(self, method: str, *, at_browser: bool = False, **parameters: object) -> Facts:
        self._number += 1
        message: Facts = {"id": self._number, "method": method, "params": parameters}
        if self._session and not at_browser:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + LIMIT_S
        while (answer := self._read(deadline, f"{method} is not answered")).get("id") != (
            self._number
        ):
            pass
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: Facts = answer["result"]
        return result

    def _read(self, deadline: float, complaint: str) -> Facts:
        """The next message; an event is kept, too."""
        while b"\0" not in self._unread:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._from], [], [], left_s)[0]:
                kinds = [event["method"] for event in self.events[-20:]]
                raise BrowserError(f"{complaint} within {LIMIT_S:.0f} s; the last were {kinds}")
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise BrowserError("chromium has ended")
            self._unread += piece
        text, _, self._unread = self._unread.partition(b"\0")
        message: Facts = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    def _end(self) -> None:
        os.close(self._to)  # it ends when nobody writes there any more
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)


def is_entry(event: Facts) -> bool:
    """Of the log that a developer would look at."""
    return bool(event["method"] == "Log.entryAdded")


def _pipe() -> tuple[int, int]:
    """Both ends, with numbers that the browser's own descriptors do not have."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _LEAST_DESCRIPTOR) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]
