"""The same job by aria2 from one web server, for comparison; only if aria2 is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from tests.lab.network import LabError, Network, Place, memory_folder
from tests.lab.room import Plan, all_files, links_of, make_files

PARALLEL_FILES = 16
# The web server drops some of so many clients, and cannot resume in the middle of a file.
HABITS = ("--file-allocation=none", "--always-resume=false", "--max-tries=0")
ANY_PORT = 0


def is_installed() -> bool:
    return shutil.which("aria2c") is not None


def seconds_of_one(shared: Path, taken: Path) -> float:
    """How long one aria2 on this computer takes. Raises LabError."""
    with ExitStack() as stack:
        port = _web_server(stack, shared, "127.0.0.1")
        began = time.monotonic()
        (seconds,) = _ended(began, [_client(shared, taken, f"http://127.0.0.1:{port}")])
        return seconds


def seconds_of_room(plan: Plan) -> tuple[float, ...]:
    """How long each of the plan's hosts takes, all from one web server. Raises LabError."""
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        folder = Path(stack.enter_context(memory_folder()))
        make_files(folder / "shared", plan.files, plan.size)
        _, server, *clients = network.build(links_of(plan))
        port = _web_server(stack, folder / "shared", server.host, server)
        address = f"http://{server.host}:{port}"
        began = time.monotonic()
        return _ended(
            began,
            [
                _client(folder / "shared", folder / str(number), address, place)
                for number, place in enumerate(clients)
            ],
        )


def _web_server(stack: ExitStack, shared: Path, host: str, place: Place | None = None) -> int:
    """Start a web server; returns its port."""
    words = ["-u", "-m", "http.server", str(ANY_PORT), "--bind", host, "--directory", str(shared)]
    command = [sys.executable, *words]
    server = subprocess.Popen(
        place.command(*command) if place else command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    assert server.stdout is not None
    said = server.stdout.readline().split()  # Serving HTTP on 127.0.0.1 port 8000 (...
    server.stdout.close()
    if "port" not in said:
        raise LabError("The web server does not start.")
    return int(said[said.index("port") + 1])


def _client(
    shared: Path, taken: Path, address: str, place: Place | None = None
) -> subprocess.Popen[bytes]:
    taken.mkdir()
    order = taken.with_name(f"{taken.name}.txt")
    order.write_text("".join(_lines(shared, taken, address)))
    command = ["aria2c", "--quiet", f"-j{PARALLEL_FILES}", *HABITS, f"-i{order}"]
    return subprocess.Popen(place.command(*command) if place else command)


def _lines(shared: Path, taken: Path, address: str) -> Iterable[str]:
    for path in all_files(shared):
        name = path.relative_to(shared).as_posix()
        yield f"{address}/{quote(name)}\n dir={taken}\n out={name}\n"


def _ended(began: float, clients: list[subprocess.Popen[bytes]]) -> tuple[float, ...]:
    """The seconds that each took, sorted."""
    left, seconds = list(clients), list[float]()
    while left:
        time.sleep(0.01)
        for client in [client for client in left if client.poll() is not None]:
            left.remove(client)
            seconds.append(time.monotonic() - began)
            if client.returncode:
                raise LabError(f"aria2 ended with {client.returncode}.")
    return tuple(seconds)
