"""A member's talk with its tracker: one connection, made again when it has ended."""

from __future__ import annotations

import socket
import unittest

from roles.joining.record_channel import RecordChannel
from roles.joining.tracker_locator import TrackerLocator
from roles.net.dialling import dialled
from roles.private.private_client import PrivateClient
from roles.values.addresses import LOOPBACK, Address
from roles.values.errors import CodeRefusedError, PeerProtocolError
from tests.support import LIMIT_S, NEVER


class FakeClient(PrivateClient):
    """Connects without a proof."""

    def __init__(self) -> None:
        super().__init__("482177305")
        self.connections = 0
        self.failure: Exception | None = None

    def connected(self, tracker: Address, stopping: object) -> object:  # type: ignore[override]  # noqa: ARG002
        if self.failure is not None:
            raise self.failure
        self.connections += 1
        return dialled(tracker, NEVER, is_chosen=True)


class RecordChannelTest(unittest.TestCase):
    def setUp(self) -> None:
        self.listener = self.enterContext(socket.create_server((LOOPBACK, 0)))
        self.private_client = FakeClient()
        address = Address(*self.listener.getsockname())
        self.channel = RecordChannel(
            address, TrackerLocator(address, private_client=self.private_client)
        )
        self.addCleanup(self.channel.close)

    def accepted(self) -> socket.socket:
        sock = self.enterContext(self.listener.accept()[0])
        sock.settimeout(LIMIT_S)
        return sock

    def test_it_begins_with_a_call_and_keeps_its_connection(self) -> None:
        self.channel.send(b"first")
        tracker = self.accepted()
        said = b""
        while not said.endswith(b"first"):
            said += tracker.recv(1_000)
        self.assertEqual(said, b'{"lmk":2,"ask":"talk"}\n\0\5first')
        tracker.sendall(b"\0\6answer")
        self.assertEqual(self.channel.receive(5), b"answer")
        self.channel.send(b"second")
        self.assertEqual(tracker.recv(1_000), b"\0\6second")
        self.assertEqual(self.private_client.connections, 1)

    def test_without_an_answer_its_user_waits_no_longer_than_it_wants(self) -> None:
        self.channel.send(b"first")
        with self.assertRaises(TimeoutError):
            self.channel.receive(0.05)

    def test_a_connection_that_has_ended_is_made_again(self) -> None:
        self.channel.send(b"first")
        self.accepted().close()
        with self.assertRaises(OSError):
            self.channel.receive(5)
        self.channel.send(b"second")
        self.assertEqual(self.private_client.connections, 2)

    def test_a_refused_code_is_told_and_everything_else_may_pass(self) -> None:
        self.private_client.failure = CodeRefusedError("no")
        with self.assertRaises(CodeRefusedError):
            self.channel.send(b"first")
        self.private_client.failure = PeerProtocolError("nonsense")
        with self.assertRaises(OSError):
            self.channel.send(b"first")


if __name__ == "__main__":
    unittest.main()
