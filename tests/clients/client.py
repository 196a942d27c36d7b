"""The programs that others wrote: where they come from, and a test case that runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.support import LmkTestCase

RUN_LIMIT_S = 120.0
INSTALL_LIMIT_S = 400.0
# Names arrive as they were sent only where the client's locale has them.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "no_proxy": "*"}
SYSTEM_PYTHON = Path("/usr/bin/python3")  # has Debian's modules, whichever Python runs the tests
_MODULES = Path("/usr/lib/python3/dist-packages")


@dataclass(frozen=True, slots=True)
class Client:
    """A program, or a module of the system's Python, and the Debian package that brings it."""

    name: str
    package: str
    is_big: bool = False  # .ci/run does not install it
    is_module: bool = False

    @property
    def is_there(self) -> bool:
        if self.is_module:
            return any(_MODULES.glob(f"{self.name}*"))
        return shutil.which(self.name) is not None


CLIENTS = {
    client.name: client
    for client in (
        Client("curl", "curl"),
        Client("wget", "wget"),
        Client("aria2c", "aria2"),
        Client("unzip", "unzip"),
        Client("7z", "p7zip-full"),
        Client("bsdtar", "libarchive-tools"),
        Client("busybox", "busybox"),
        Client("zbarimg", "zbar-tools", is_big=True),
        Client("chromium", "chromium", is_big=True),
        Client("transmission-cli", "transmission-cli", is_big=True),
        Client("libtorrent", "python3-libtorrent", is_big=True, is_module=True),
    )
}


class Found:
    """Which clients the tests asked for in vain, and whether that is a failure."""

    may_be_missing = False
    missing: ClassVar[set[str]] = set()


def install(clients: Iterable[Client], say: Callable[[str], None]) -> None:
    """Install those that are missing, if we are root and there is apt-get."""
    packages = sorted({client.package for client in clients if not client.is_there})
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    say(f"apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-qq", "-y", "-o", f"DPkg::Lock::Timeout={INSTALL_LIMIT_S:.0f}"]
    for words in (["update"], ["install", "--no-install-recommends", *packages]):
        try:
            subprocess.run(
                ["apt-get", *options, *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=INSTALL_LIMIT_S,
                check=False,  # what is still missing fails its tests
            )
        except subprocess.TimeoutExpired:
            say(f"apt-get {words[0]} did not end within {INSTALL_LIMIT_S:.0f} s.")


class ClientTest(LmkTestCase):
    """Clients work in the test's own folder."""

    def need(self, name: str) -> None:
        """Fail if the client is not installed; or skip, where that is allowed."""
        client = CLIENTS[name]
        if client.is_there:
            return
        Found.missing.add(name)
        why = f"{name} is missing. Type: sudo apt-get install {client.package}"
        if Found.may_be_missing:
            self.skipTest(why)
        self.fail(why)

    def run_client(
        self, name: str, *arguments: str | Path, folder: Path | None = None, code: int = 0
    ) -> bytes:
        """What it prints; fails if it ends with another exit code than this one."""
        self.need(name)
        ended = subprocess.run(
            [name, *map(str, arguments)],
            cwd=self.folder if folder is None else folder,
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        said = f"{ended.stderr.decode(errors='replace')}\n{ended.stdout[-2_000:]!r}"
        self.assertEqual(ended.returncode, code, said)
        return ended.stdout

    def run_pipe(self, line: str, *, folder: Path | None = None, **variables: str | Path) -> bytes:
        """What a line of bash prints, which gets these variables."""
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder if folder is None else folder,
            env={**os.environ, **ENVIRONMENT, **{key: str(it) for key, it in variables.items()}},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_LIMIT_S,
            check=False,
        )
        self.assertEqual(ended.returncode, 0, ended.stderr.decode(errors="replace"))
        return ended.stdout
