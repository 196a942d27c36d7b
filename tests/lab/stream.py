"""One bare TCP connection between two computers: what their links carry at best.

python3 -m tests.lab.stream take
python3 -m tests.lab.stream give HOST BYTES
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


def bare_rate(mbit: float, size: int, *, givers: int = 1) -> float:
    """Payload over the link's rate, for one receiver with this many senders at once."""
    with Network() as network:
        taker, *others = network.build([Link(mbit)] * (givers + 1))
        command = (sys.executable, "-m", "tests.lab.stream")
        taking = subprocess.Popen(
            taker.command(*command, "take", givers, size),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert taking.stdout is not None
        taking.stdout.readline()
        giving = [
            subprocess.Popen(
                place.command(*command, "give", taker.host, size // givers), cwd=REPOSITORY
            )
            for place in others
        ]
        try:
            said, _ = taking.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise LabError("The bare stream did not end.") from None
        finally:
            taking.kill()
            for process in giving:
                process.kill()
                process.wait()
        return float(said) * 8 / (mbit * 1e6)


def take(givers: int, size: int) -> None:
    """Print bytes per second while all are sending: until COUNTED of the bytes have come."""
    with socket.create_server(("0.0.0.0", PORT), backlog=givers) as listener:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        links = [listener.accept()[0]]
        began, count = time.monotonic(), 0
        links += [listener.accept()[0] for _ in range(givers - 1)]
        buffer = bytearray(BLOCK)
        while links and count < size * COUNTED:
            for link in select.select(links, [], [])[0]:
                received = link.recv_into(buffer)
                count += received
                if not received:
                    links.remove(link)
                    link.close()
        sys.stdout.write(f"{count / (time.monotonic() - began)}\n")


def give(host: str, size: int) -> None:
    block = bytes(BLOCK)
    with socket.create_connection((host, PORT)) as link, suppress(OSError):  # the other has enough
        for start in range(0, size, BLOCK):
            link.sendall(block[: min(BLOCK, size - start)])


if __name__ == "__main__":
    if sys.argv[1] == "take":
        take(int(sys.argv[2]), int(sys.argv[3]))
    else:
        give(sys.argv[2], int(sys.argv[3]))
