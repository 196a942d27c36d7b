"""What browsers get from a seeder, beside what nginx gives them from the same folder.

Each part is a row of its own in the output, with its reference from the same run.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from roles.web.http_wire import quoted_path
from tests.bench.loopback import LoopbackRoom, seconds_to_take
from tests.bench.result import Result
from tests.crowd import Crowd
from tests.lab.network import LabError
from tests.lab.programs import ready_address
from tests.lab.room import make_files, write_random

GIB = 1 << 30
ROUNDS = 5
SMALL_FILES, SMALL_FILE = 2_000, 10 * 1_024
LISTED_FILES = 100_000
CROWD = 300
LESSON_FILES, LESSON_SIZE = 300, 40_000_000
READ_S = 120.0
_BUFFER = 1 << 20

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}{tls}; root {shared}; }}
}}
"""
TLS = (
    " ssl; ssl_certificate {folder}/key.pem; ssl_certificate_key {folder}/key.pem;"
    " ssl_protocols TLSv1.3"
)


def seeder_web(folder: Path) -> Iterator[Result]:
    for name, part in PARTS.items():
        place = folder / name
        place.mkdir()
        yield from part(place)
        shutil.rmtree(place)


def one_file(folder: Path) -> Iterator[Result]:
    """1 GiB over one connection, in turns with nginx, then over four at once."""
    shared = folder / "shared"
    shared.mkdir()
    write_random(shared / "file", GIB)
    with _seeder(shared) as ours, nginx(folder, shared) as other:
        for connections, target in ((1, "0.9"), (4, "")):
            rates, references = list[float](), list[float]()
            for _ in range(ROUNDS):
                if other is not None:
                    references.append(_rate(other, "/file", connections))
                rates.append(_rate(ours.address, f"{ours.top}file", connections))
            what = f"1 GiB, {connections} connection{'s' if connections > 1 else ''}"
            reference = median(references) if references else None
            note = f"nginx {reference:,.0f}" if reference else "no nginx here"
            yield Result(what, median(rates), "MB/s", reference, target, note)
        yield Result("ZIP of 1 GiB", _rate(ours.address, ours.zip_url, 1), "MB/s")


def small_files(folder: Path) -> Iterator[Result]:
    """2,000 files of 10 KiB over one connection that stays open."""
    shared = folder / "shared"
    make_files(shared, SMALL_FILES, SMALL_FILES * SMALL_FILE)
    files = [path for path in shared.rglob("*") if path.is_file()]
    paths = [quoted_path(path.relative_to(shared).parts) for path in files]
    with _seeder(shared) as ours, nginx(folder, shared) as other:
        taken, references = list[float](), list[float]()
        for _ in range(3):
            if other is not None:
                references.append(_seconds_for(other, [f"/{path}" for path in paths]))
            taken.append(_seconds_for(ours.address, [f"{ours.top}{path}" for path in paths]))
        reference = median(references) if references else None
        note = f"nginx {reference:.2f}" if reference else "no nginx here"
        yield Result("2,000 files of 10 KiB, keep-alive", median(taken), "s", reference, "", note)
        began = time.monotonic()
        _get(ours.address, ours.zip_url)
        yield Result("ZIP of these 2,000 files", time.monotonic() - began, "s")


def pages(folder: Path) -> Iterator[Result]:
    """The page of a folder with 100,000 files: the first one, and the next."""
    shared = folder / "shared"
    make_files(shared, LISTED_FILES, LISTED_FILES)
    with LoopbackRoom() as room:
        address = ready_address(room.seeder(shared))
        room.leecher(folder / "taken", LISTED_FILES).kill()  # so it has read all of them
        top = top_of(address)
        first = _milliseconds(address, top)
        yield Result("page of 100,000 files, the first", first, "ms", target="300 ms")
        again = median(_milliseconds(address, top) for _ in range(ROUNDS))
        yield Result("the same again", again, "ms", target="20 ms")
        one = median(_milliseconds(address, f"{top}part%20000/") for _ in range(ROUNDS))
        yield Result("page of a folder in it", one, "ms", target="20 ms")


def crowd(folder: Path) -> Iterator[Result]:
    """A download while 300 browsers are silent, drip, or take nothing, beside one without them."""
    shared = folder / "shared"
    make_files(shared, LESSON_FILES, LESSON_SIZE)
    write_random(shared / "film", LESSON_SIZE)
    seconds = list[float]()
    with LoopbackRoom() as room:
        address = ready_address(room.seeder(shared))
        for number, browsers in enumerate((0, CROWD)):
            leecher = room.leecher(folder / f"taken {number}", LESSON_FILES + 1)
            with Crowd(address, f"{top_of(address)}film", browsers):
                seconds.append(seconds_to_take(leecher, LESSON_FILES + 1))
            leecher.kill()
    note = f"{seconds[0]:.2f} s without them"
    yield Result(f"301 files, 80 MB beside {CROWD} bad browsers", seconds[1], "s", note=note)
    yield Result("what these cost it", seconds[1] - seconds[0], "s", target="4 s")


PARTS: dict[str, Callable[[Path], Iterator[Result]]] = {
    "file": one_file,
    "small": small_files,
    "pages": pages,
    "crowd": crowd,
}


@dataclass(frozen=True)
class _Ours:
    address: tuple[str, int]
    top: str  # the path of the shared folder

    @property
    def zip_url(self) -> str:
        return f"{self.top.replace('/s/', '/z/', 1)}{self.top.split('/')[-2]}.zip"


@contextmanager
def _seeder(shared: Path) -> Iterator[_Ours]:
    """One that has read its folder."""
    with LoopbackRoom() as room:
        address = ready_address(room.seeder(shared))
        ours = _Ours(address, top_of(address))
        until = time.monotonic() + READ_S
        while _status(address, ours.zip_url) != 200:
            if time.monotonic() > until:
                raise LabError("the folder was not read in time")
            time.sleep(0.1)
        yield ours


def top_of(address: tuple[str, int]) -> str:
    """Where a seeder's first page leads."""
    with closing(http.client.HTTPConnection(*address, timeout=READ_S)) as link:
        link.request("GET", "/")
        return link.getresponse().getheader("Location") or ""


def _status(address: tuple[str, int], path: str) -> int:
    with closing(http.client.HTTPConnection(*address, timeout=READ_S)) as link:
        link.request("HEAD", path)
        return link.getresponse().status


@contextmanager
def nginx(folder: Path, shared: Path, pem: bytes = b"") -> Iterator[tuple[str, int] | None]:
    """Where it serves this folder; None if it is not installed. `pem`: certificate and key, to do
    it in TLS 1.3.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        yield None
        return
    port = random.randrange(20_000, 30_000)
    settings = folder / "nginx.conf"
    (folder / "key.pem").write_bytes(pem)
    tls = TLS.format(folder=folder) if pem else ""
    settings.write_text(NGINX.format(folder=folder, shared=shared, port=port, tls=tls))
    with ExitStack() as stack:
        command = [program, "-c", str(settings), "-p", str(folder)]
        running = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        stack.callback(running.terminate)
        for _ in range(100):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield "127.0.0.1", port


def _rate(address: tuple[str, int], path: str, connections: int) -> float:
    """Megabytes per second, over so many connections together."""
    counts = [0] * connections

    def take(number: int) -> None:
        counts[number] = _get(address, path)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / 1e6 / (time.monotonic() - began)


def _get(address: tuple[str, int], path: str) -> int:
    """How many bytes came. Raises LabError if that is not all."""
    with closing(http.client.HTTPConnection(*address, timeout=READ_S)) as link:
        link.request("GET", path)
        answer = link.getresponse()
        if answer.status != 200:
            raise LabError(f"{path}: {answer.status} {answer.reason}")
        wanted, view, count = answer.length or 0, memoryview(bytearray(_BUFFER)), 0
        while read := answer.readinto(view):
            count += read
        if count != wanted:
            raise LabError(f"{path}: {count} of {wanted} bytes came")
        return count


def _seconds_for(address: tuple[str, int], paths: list[str]) -> float:
    with closing(http.client.HTTPConnection(*address, timeout=READ_S)) as link:
        began = time.monotonic()
        for path in paths:
            link.request("GET", path)
            link.getresponse().read()
        return time.monotonic() - began


def _milliseconds(address: tuple[str, int], path: str) -> float:
    began = time.monotonic()
    _get(address, path)
    return (time.monotonic() - began) * 1e3
