"""A member's messages to the tracker of a private room: records over one connection, which is
opened again whenever it was closed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from roles.joining.tracker_locator import TrackerLocator
from roles.net.connection import Connection
from roles.net.records import next_record, post_record
from roles.values.addresses import Address
from roles.values.errors import PeerProtocolError
from roles.wire.list_wire import OpenChannel, encode_call
from roles.wire.tracker_wire import MAX_ANSWER
from roles.worker import POLL_S


class RecordChannel:
    """Used like datagrams.DatagramChannel. For one thread."""

    def __init__(self, tracker: Address, locator: TrackerLocator) -> None:
        self.tracker, self._locator = tracker, locator
        self._connection: Connection | None = None

    def send(self, message: bytes) -> None:
        """Connects, if it must. Raises OSError, and CodeRefusedError."""
        with self._closed_on_failure():
            if self.is_cut_off:
                self.close()
            if self._connection is None:
                self._connection = self._locator.connected(self.tracker)
                self._connection.post(encode_call(OpenChannel()))
            post_record(self._connection, message)

    def receive(self, timeout_s: float) -> bytes:
        """The tracker's next message. Raises OSError; TimeoutError if none comes."""
        connection, deadline = self._connection, time.monotonic() + timeout_s
        if connection is None:
            raise ConnectionResetError("it hung up")
        with self._closed_on_failure():
            while (
                rest_s := deadline - time.monotonic()
            ) > 0 and not self._locator.stopping.is_set():
                connection.flush()
                connection.limit(min(rest_s, POLL_S))
                if (record := next_record(connection, MAX_ANSWER)) is not None:
                    return record
        raise TimeoutError("no answer")

    @contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        """Close after an error. Raises OSError for whatever is no message of a tracker, too."""
        try:
            yield
        except OSError:
            self.close()
            raise
        except PeerProtocolError as error:
            self.close()
            raise OSError(str(error)) from None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def is_cut_off(self) -> bool:
        """Whether the tracker has closed it, because it stopped, has a new code, or heard nothing
        for long. Ask only while no answer is awaited.
        """
        if self._connection is None:
            return False
        self._connection.limit(0)
        try:
            return self._connection.read_ahead(1) == 0
        except OSError:
            return True
