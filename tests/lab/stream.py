"""One bare TCP connection between two computers: what their links carry at best.

python3 -m tests.lab.stream receive SENDERS BYTES
python3 -m tests.lab.stream send HOST BYTES
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.network import LabError, Link, Network

REPOSITORY = Path(__file__).resolve().parents[2]
PORT = 12501
BLOCK = 1 << 18
LIMIT_S = 120.0
COUNTED = 0.9  # at the very end, some senders have nothing left to send


def bare_rate(mbit: float, size: int, *, senders: int = 1) -> float:
    """Payload over the link's rate, for one receiver with this many senders at once."""
    with Network() as network:
        receiver, *others = network.build([Link(mbit)] * (senders + 1))
        command = (sys.executable, "-m", "tests.lab.stream")
        receiving = subprocess.Popen(
            receiver.command(*command, "receive", senders, size),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert receiving.stdout is not None
        receiving.stdout.readline()
        sending = [
            subprocess.Popen(
                place.command(*command, "send", receiver.host, size // senders), cwd=REPOSITORY
            )
            for place in others
        ]
        try:
            said, _ = receiving.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise LabError("The bare stream did not end.") from None
        finally:
            receiving.kill()
            for process in sending:
                process.kill()
                process.wait()
        return float(said) * 8 / (mbit * 1e6)


def receive(senders: int, size: int) -> None:
    """Print bytes per second while all are sending: until COUNTED of the bytes have come."""
    with socket.create_server(("0.0.0.0", PORT), backlog=senders) as listener:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        connections = [listener.accept()[0]]
        began, count = time.monotonic(), 0
        connections += [listener.accept()[0] for _ in range(senders - 1)]
        buffer = bytearray(BLOCK)
        while connections and count < size * COUNTED:
            for connection in select.select(connections, [], [])[0]:
                received = connection.recv_into(buffer)
                count += received
                if not received:
                    connections.remove(connection)
                    connection.close()
        sys.stdout.write(f"{count / (time.monotonic() - began)}\n")


def send(host: str, size: int) -> None:
    block = bytes(BLOCK)
    with socket.create_connection((host, PORT)) as connection, suppress(OSError):  # it has enough
        for start in range(0, size, BLOCK):
            connection.sendall(block[: min(BLOCK, size - start)])


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(int(sys.argv[2]), int(sys.argv[3]))
    else:
        send(sys.argv[2], int(sys.argv[3]))
