"""The browsers at a seeder: a limited number at once, each with a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from roles.net.connection import Connection
from roles.net.throttle import Throttle
from roles.values.errors import FileChangedError, ShortageError
from roles.values.events import Upload
from roles.web import http_connection
from roles.web.http_connection import HttpConnection
from roles.web.http_wire import text_answer
from roles.web.seeder_site import SeederSite
from roles.web.sending_turns import SendingTurns
from roles.worker import Workers

log = logging.getLogger(__name__)


class Limits(NamedTuple):
    places: int = 48  # browsers open up to 6 connections, and keep them
    of_host: int = 12
    again_s: int = 5  # when a browser that found no place may ask again
    sending: int = 8  # downloads that are sent at once
    sending_while_queued: int = 2  # the same while leechers wait in the queue
    turn_s: float = 1.0  # after which another download goes on
    connection: http_connection.Limits = http_connection.LIMITS  # each browser's


LIMITS = Limits()


@dataclass(eq=False, slots=True)
class _Browser:
    serving: HttpConnection
    is_leaving: bool = False  # we hung up on it

    @property
    def host(self) -> str:
        return self.serving.connection.address.host


class BrowserUploads:
    """The role's thread calls take() and report()."""

    def __init__(
        self,
        site: SeederSite,
        throttle: Throttle,
        are_leechers_waiting: Callable[[], bool],
        limits: Limits = LIMITS,
    ) -> None:
        self._site = site
        self._throttle = throttle
        self._are_leechers_waiting = are_leechers_waiting
        self._limits = limits
        self._turns = SendingTurns(self._most, limits.turn_s)
        self._lock = threading.Lock()  # protects the next two; never held during I/O
        self._browsers = set[_Browser]()
        self._sent_before = 0  # bytes, to those that have left
        self._stopping = threading.Event()
        self._workers = Workers("lmk-browser")

    def take(self, connection: Connection) -> None:
        """Serve this browser, or tell it to come again. Closes the connection in any case."""
        serving = HttpConnection(
            connection,
            self._site,
            self._turns,
            self._throttle,
            self._stopping,
            self._limits.connection,
        )
        browser = _Browser(serving)
        with self._lock:
            has_place, leaving = self._place_for(browser.host)
            if leaving is not None:
                leaving.is_leaving = True
            if has_place:
                self._browsers.add(browser)
        if leaving is not None:
            log.debug("hung up on %s, which was idle", leaving.serving.connection.address)
            leaving.serving.connection.hang_up()
        if has_place:
            try:
                self._workers.start(lambda: self._run(browser))
            except ShortageError as error:
                log.warning("%s is not served: %s", connection.address, error)
                self._forget(browser)
            else:
                return
        connection.close(
            text_answer(
                None,
                503,
                "Too many browsers are connected. Try again in a few seconds.",
                more=[("Retry-After", str(self._limits.again_s))],
            )
        )

    def report(self, now: float) -> tuple[tuple[Upload, ...], int]:
        """What is downloaded, and the bytes sent since the start."""
        with self._lock:
            served = [browser.serving for browser in self._browsers]
            sent = self._sent_before
        uploads = list[Upload]()
        for serving in served:
            title, total = serving.title, serving.meter.total
            sent += total
            if title:
                rate = serving.meter.rate(now=now)
                uploads.append(Upload(serving.connection.address, title, total, 0, rate))
        return tuple(uploads), sent

    def stop(self) -> None:
        """End every connection; the threads end within moments."""
        self._stopping.set()
        with self._lock:
            served = [browser.serving for browser in self._browsers]
        for serving in served:
            serving.connection.hang_up()

    def join(self) -> None:
        """Wait for the threads, after stop()."""
        self._workers.join()

    def _place_for(self, host: str) -> tuple[bool, _Browser | None]:
        """Whether one more has a place, and who leaves for it. Call with the lock held."""
        staying = [browser for browser in self._browsers if not browser.is_leaving]
        of_host = [browser for browser in staying if browser.host == host]
        if len(of_host) >= self._limits.of_host:
            rivals = of_host
        elif len(staying) >= self._limits.places:
            rivals = staying
        else:
            return True, None
        # Each `idle_since` is read once, because other threads change it.
        since = [(browser, browser.serving.idle_since) for browser in rivals]
        idle = [(at, browser) for browser, at in since if at is not None]
        if not idle:
            return False, None
        _, longest = min(idle, key=itemgetter(0))
        return True, longest

    def _most(self) -> int:
        """How many downloads may be sent at once now."""
        limits = self._limits
        return limits.sending_while_queued if self._are_leechers_waiting() else limits.sending

    def _run(self, browser: _Browser) -> None:
        serving = browser.serving
        address = serving.connection.address
        try:
            serving.run()
        except FileChangedError as error:
            log.info("%s got only a part: %s", address, error)
        except OSError as error:
            log.debug("the browser at %s is gone: %s", address, error)
        except MemoryError:
            log.warning("dropped %s: this computer has no memory left", address)
        finally:
            self._forget(browser)
            serving.connection.close()

    def _forget(self, browser: _Browser) -> None:
        with self._lock:
            self._browsers.discard(browser)
            self._sent_before += browser.serving.meter.total
